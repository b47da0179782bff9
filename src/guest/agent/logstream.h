/*
 * Brings the output of the task to the host, whole and in order.
 *
 * Each POST /engine/v1/log carries up to a segment of it, with the position of its first byte in the header
 * X-Boxcar-Log-Offset, and its answer confirms the segment. After a broken connection the same segment is sent again
 * from its start; the host leaves out what it has. A host that only takes its time slows the task down; one that does
 * not move for a minute is connected anew.
 *
 * How far it has come is in a file, for who is about to end the machine: see src/guest/init/log-wait.c.
 */
#ifndef LOGSTREAM_H
#define LOGSTREAM_H

#include "http.h"
#include "ring.h"

#include <stdatomic.h>

/* Where in a guest the progress is, and what is in the file: positions in the log. What is sent is on its way. */
#define LOG_PROGRESS_FILE "/run/boxcar-log"

struct log_progress {
    _Atomic uint64_t written;
    _Atomic uint64_t sent;
};

struct logstream {
    char path[64];
    struct log_progress *progress;
    uint64_t furthest;    /* sent at any time */
    unsigned moves;       /* of this machine that are taken into account */
    struct ring ring;
    struct http http;
    pthread_t sender;
};

/*
 * `start`: the position in the log of the task at which this stream begins. `step`: the number the host has given to
 * the command; 0: none. `in_guest`: whether this machine is the agent's own, so that it may write to /run.
 */
void logstream_start(struct logstream *log, const char *url, unsigned step, uint64_t start, bool in_guest);
void logstream_write(struct logstream *log, const void *data, size_t len);
/* The machine has moved: what the host lacks is sent again at once, not only when there is more of it. */
void logstream_move(struct logstream *log);
/* Returns when the host has confirmed every byte; nothing is left of the stream then. */
void logstream_finish(struct logstream *log);

#endif

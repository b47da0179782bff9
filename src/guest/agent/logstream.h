/*
 * Brings the output of the task to the host, whole and in order.
 *
 * Each POST /engine/v1/log carries up to a segment of it, with the position of its first byte in the header
 * X-Boxcar-Log-Offset, and its answer confirms the segment. After a broken connection the same segment is sent again
 * from its start; the host leaves out what it has. A host that only takes its time slows the task down; one that does
 * not move for a minute is connected anew.
 */
#ifndef LOGSTREAM_H
#define LOGSTREAM_H

#include "http.h"
#include "ring.h"

struct logstream {
    struct ring ring;
    struct http http;
    pthread_t sender;
};

void logstream_start(struct logstream *log, const char *url);
void logstream_write(struct logstream *log, const void *data, size_t len);
/* Returns when the host has confirmed every byte. */
void logstream_finish(struct logstream *log);

#endif

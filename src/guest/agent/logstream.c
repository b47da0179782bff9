#include "logstream.h"

#include "moves.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define RING_BYTES (2 * 1024 * 1024)
#define SEGMENT_BYTES (1024 * 1024)
#define CHUNK_BYTES (128 * 1024)
#define STALL_MS 60000
#define MIN_DELAY_MS 10
#define MAX_DELAY_MS 1000

enum outcome { CONFIRMED, REFUSED, BROKEN };

/* Sends what there is from the ring's base on; `sent` is how far it came. */
static enum outcome send_segment(struct logstream *log, uint64_t *sent)
{
    struct http *h = &log->http;
    uint64_t start = log->ring.base;
    char headers[160];
    snprintf(headers, sizeof headers,
             "Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\nX-Boxcar-Log-Offset: %llu\r\n",
             (unsigned long long)start);
    *sent = start;
    if (!http_send_head(h, "POST", log->path, headers))
        return BROKEN;
    while (*sent - start < SEGMENT_BYTES) {
        size_t room = (size_t)(SEGMENT_BYTES - (*sent - start));
        const char *data;
        size_t n = ring_peek(&log->ring, *sent, room < CHUNK_BYTES ? room : CHUNK_BYTES, &data);
        if (n == 0)
            break;
        if (!http_send_chunk(h, data, n))
            return BROKEN;
        *sent += n;
        if (*sent > log->furthest)
            log->furthest = *sent;
        atomic_store(&log->progress->sent, *sent);
    }
    struct http_response response;
    struct buf answer = {0};
    bool answered =
        http_send_end(h, "") && http_read_head(h, &response) && http_read_rest(h, &response, &answer, 65536);
    buf_free(&answer);
    if (!answered || response.status == 429 || response.status >= 500)
        return BROKEN;
    return response.status / 100 == 2 ? CONFIRMED : REFUSED;
}

/* The host this machine has now may have more of the log than the one before has confirmed. False: it is the same. */
static bool heed_move(struct logstream *log)
{
    if (!moves_since(&log->moves))
        return false;
    uint64_t there = moves_log_offset();
    if (there > log->furthest)
        there = log->furthest;
    if (there > log->ring.base)
        ring_confirm(&log->ring, there);
    return true;
}

static void *send_all(void *argument)
{
    struct logstream *log = argument;
    long delay = 0;
    const char *data;
    while (!ring_is_done(&log->ring)) {
        if (heed_move(log))
            delay = 0;
        if (ring_peek(&log->ring, log->ring.base, 1, &data) == 0)
            continue;
        uint64_t sent;
        enum outcome outcome = send_segment(log, &sent);
        if (outcome == BROKEN) {
            http_close(&log->http);
            nap_ms(delay);
            delay = delay == 0 ? MIN_DELAY_MS : delay * 2 > MAX_DELAY_MS ? MAX_DELAY_MS : delay * 2;
            continue;
        }
        /* What the host refuses it would refuse again: to go on without it is all that is left. */
        if (outcome == REFUSED)
            note("the host refused a piece of the log");
        delay = 0;
        ring_confirm(&log->ring, sent);
    }
    http_close(&log->http);
    return NULL;
}

static struct log_progress unseen;

/*
 * A file that cannot be made costs the end of a log, at worst. One that is there is that of the command before, and
 * must not get shorter under who reads it.
 */
static struct log_progress *map_progress(void)
{
    int fd = open(LOG_PROGRESS_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return &unseen;
    void *mapped = MAP_FAILED;
    if (ftruncate(fd, sizeof unseen) == 0)
        mapped = mmap(NULL, sizeof unseen, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return mapped == MAP_FAILED ? &unseen : mapped;
}

void logstream_start(struct logstream *log, const char *url, unsigned step, uint64_t start, bool in_guest)
{
    *log = (struct logstream){
        .progress = in_guest ? map_progress() : &unseen,
        .furthest = start,
        .moves = moves_count(),
    };
    atomic_store(&log->progress->written, start);
    atomic_store(&log->progress->sent, start);
    snprintf(log->path, sizeof log->path, step == 0 ? "/engine/v1/log" : "/engine/v1/log?step=%u", step);
    ring_init(&log->ring, RING_BYTES, start);
    http_init(&log->http, url);
    log->http.timeout_ms = STALL_MS;
    if (pthread_create(&log->sender, NULL, send_all, log) != 0) {
        note("cannot start a thread for the log");
        _Exit(70);
    }
}

void logstream_write(struct logstream *log, const void *data, size_t len)
{
    atomic_fetch_add(&log->progress->written, len);
    ring_write(&log->ring, data, len);
}

void logstream_move(struct logstream *log)
{
    ring_nudge(&log->ring);
}

void logstream_finish(struct logstream *log)
{
    ring_close(&log->ring);
    pthread_join(log->sender, NULL);
    ring_free(&log->ring);
    if (log->progress != &unseen)
        munmap(log->progress, sizeof *log->progress);
}

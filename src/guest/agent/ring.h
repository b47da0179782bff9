/*
 * Bytes between the task and the log connection. One thread writes, one reads; bounded.
 *
 *   base ───── sent and not confirmed ───── next ───── not yet sent ───── head
 *
 * Positions are counted from the start of the log and never wrap. Bytes stay until they are confirmed, so a
 * connection that dies loses none: the reader goes back to `base`.
 */
#ifndef RING_H
#define RING_H

#include "util.h"

#include <pthread.h>

struct ring {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    char *data;
    size_t capacity;
    uint64_t base;
    uint64_t head;
    bool closed;
    bool nudged;
};

/* The first byte written is the one at `start`. */
void ring_init(struct ring *ring, size_t capacity, uint64_t start);
void ring_free(struct ring *ring);
/* Blocks while the ring is full. */
void ring_write(struct ring *ring, const void *data, size_t len);
/* Nothing more will be written. */
void ring_close(struct ring *ring);
/*
 * Waits until there is something at `position`, then points at as much of it as lies in one piece, at most `max`.
 * 0: there is nothing and there never will be, or ring_nudge() was called since. The bytes stay valid until
 * ring_confirm() passes them.
 */
size_t ring_peek(struct ring *ring, uint64_t position, size_t max, const char **data);
/* Has the reader look up. */
void ring_nudge(struct ring *ring);
/* Everything was confirmed, and nothing more will be written. */
bool ring_is_done(struct ring *ring);
/* Everything before `position` has arrived and is forgotten. */
void ring_confirm(struct ring *ring, uint64_t position);

#endif

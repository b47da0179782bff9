#include "ring.h"

#include <stdlib.h>
#include <string.h>

void ring_init(struct ring *ring, size_t capacity, uint64_t start)
{
    *ring = (struct ring){.data = xmalloc(capacity), .capacity = capacity, .base = start, .head = start};
    pthread_mutex_init(&ring->mutex, NULL);
    pthread_cond_init(&ring->changed, NULL);
}

void ring_free(struct ring *ring)
{
    pthread_cond_destroy(&ring->changed);
    pthread_mutex_destroy(&ring->mutex);
    free(ring->data);
    *ring = (struct ring){0};
}

void ring_write(struct ring *ring, const void *data, size_t len)
{
    const char *from = data;
    while (len > 0) {
        pthread_mutex_lock(&ring->mutex);
        while (ring->head - ring->base == ring->capacity)
            pthread_cond_wait(&ring->changed, &ring->mutex);
        size_t at = ring->head % ring->capacity;
        size_t n = ring->capacity - (size_t)(ring->head - ring->base);
        if (n > ring->capacity - at)
            n = ring->capacity - at;
        if (n > len)
            n = len;
        memcpy(ring->data + at, from, n);
        ring->head += n;
        pthread_cond_broadcast(&ring->changed);
        pthread_mutex_unlock(&ring->mutex);
        from += n;
        len -= n;
    }
}

void ring_close(struct ring *ring)
{
    pthread_mutex_lock(&ring->mutex);
    ring->closed = true;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->mutex);
}

size_t ring_peek(struct ring *ring, uint64_t position, size_t max, const char **data)
{
    pthread_mutex_lock(&ring->mutex);
    while (ring->head == position && !ring->closed && !ring->nudged)
        pthread_cond_wait(&ring->changed, &ring->mutex);
    ring->nudged = false;
    size_t at = position % ring->capacity;
    size_t n = (size_t)(ring->head - position);
    pthread_mutex_unlock(&ring->mutex);
    if (n > ring->capacity - at)
        n = ring->capacity - at;
    *data = ring->data + at;
    return n > max ? max : n;
}

void ring_nudge(struct ring *ring)
{
    pthread_mutex_lock(&ring->mutex);
    ring->nudged = true;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->mutex);
}

bool ring_is_done(struct ring *ring)
{
    pthread_mutex_lock(&ring->mutex);
    bool done = ring->closed && ring->head == ring->base;
    pthread_mutex_unlock(&ring->mutex);
    return done;
}

void ring_confirm(struct ring *ring, uint64_t position)
{
    pthread_mutex_lock(&ring->mutex);
    ring->base = position;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->mutex);
}

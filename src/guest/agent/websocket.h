/*
 * The client's side of a websocket (RFC 6455) with binary messages, for an event loop.
 *
 * Nothing blocks after the handshake. What is to be sent waits in `out`: whoever queues looks at its length first, and
 * reads no more while it is long. Pings are answered here.
 */
#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include "http.h"

/* The longest message that is taken, in however many frames. */
#define WEBSOCKET_MAX_MESSAGE (20 * 1024)

struct websocket {
    int fd;                 /* not blocking; -1: closed */
    struct buf in;          /* what has come and is not yet read */
    size_t in_start;
    struct buf message;     /* what has come of a message in several frames */
    bool in_message;
    struct buf out;         /* frames on their way */
    size_t out_start;
};

enum websocket_end {
    WEBSOCKET_NORMAL = 1000,
    WEBSOCKET_PROTOCOL_ERROR = 1002,
    WEBSOCKET_NOT_UNDERSTOOD = 1003,
    WEBSOCKET_TOO_LONG = 1009,
};

/* Opens it at `path` on the host of `h`, whose connection it takes over. False: the host has refused, or is not there. */
bool websocket_open(struct websocket *ws, struct http *h, const char *path);
void websocket_close(struct websocket *ws);

/* Reads what is there. False: the connection has ended. */
bool websocket_receive(struct websocket *ws);

enum websocket_next {
    WEBSOCKET_MESSAGE,      /* valid until the next call */
    WEBSOCKET_NOTHING,      /* the next message is not complete */
    WEBSOCKET_OVER,         /* the host has closed it, or sent what is wrong; an answer is queued, nothing else may be */
};
enum websocket_next websocket_next(struct websocket *ws, const unsigned char **data, size_t *len);

/* Queues one message: `head` and then `body`. */
void websocket_send(struct websocket *ws, const void *head, size_t head_len, const void *body, size_t body_len);
/* Queues the end of it; nothing may be queued after that. */
void websocket_send_close(struct websocket *ws, enum websocket_end end);
/* Bytes that are queued. */
size_t websocket_queued(const struct websocket *ws);
/* Sends of the queue what can be sent now. False: the connection has ended. */
bool websocket_flush(struct websocket *ws);

#endif

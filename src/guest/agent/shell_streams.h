/*
 * The standard streams of a shell, and the websocket they travel over.
 *
 * A stream has a window: so much of it may have been sent and not be acknowledged. What a program prints is read only
 * when it can be sent, and what was typed is acknowledged when the program has it, so nobody makes anything grow.
 */
#ifndef SHELL_STREAMS_H
#define SHELL_STREAMS_H

#include "process.h"
#include "websocket.h"

#define SHELL_BLOCK (16 * 1024)
#define SHELL_WINDOW (4 * SHELL_BLOCK)
/* No more is read, of either side, while so much waits to be sent. */
#define SHELL_MAX_QUEUED (64 * 1024)

enum shell_message { SHELL_DATA = 0, SHELL_ACK = 1, SHELL_SIZE = 3, SHELL_ABORT = 4, SHELL_EXIT = 5 };
enum shell_stream { SHELL_STDIN = 0, SHELL_STDOUT = 1, SHELL_STDERR = 2 };

/* What a program prints. */
struct outlet {
    int fd;               /* -1: there is none */
    enum shell_stream stream;
    size_t unacknowledged;
    bool ended;           /* and the host was told */
    int64_t owed;         /* bytes that were there when the program ended and are not yet read */
};

bool outlet_wants(const struct outlet *outlet, const struct websocket *ws);
/* Reads once, and sends that; bytes, 0 if there was nothing or it has ended. */
size_t outlet_forward(struct outlet *outlet, struct websocket *ws);
void outlet_send(struct outlet *outlet, struct websocket *ws, const void *data, size_t len);
/* Tells the host that nothing more comes, once. */
void outlet_end(struct outlet *outlet, struct websocket *ws);
/* False: the host acknowledges what was not sent. */
bool outlet_acknowledge(struct outlet *outlet, uint32_t count);

/* What was typed. */
struct inlet {
    int fd;               /* -1: nobody reads, and what comes is dropped */
    bool tty;
    struct buf data;
    size_t start;
    bool ending;          /* the end is to be told after the data */
};

/* No bytes: the end. False: more than the window, or after the end. */
bool inlet_take(struct inlet *inlet, const void *data, size_t len);
bool inlet_wants(const struct inlet *inlet);
/* Writes what can be written now, and acknowledges it. */
void inlet_forward(struct inlet *inlet, struct websocket *ws);

#endif

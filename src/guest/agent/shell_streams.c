#include "shell_streams.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What ends a line, or the input, at a terminal. */
#define END_OF_TRANSMISSION "\x04"

bool outlet_wants(const struct outlet *outlet, const struct websocket *ws)
{
    return outlet->fd >= 0 && !outlet->ended && outlet->unacknowledged < SHELL_WINDOW &&
           websocket_queued(ws) < SHELL_MAX_QUEUED;
}

void outlet_send(struct outlet *outlet, struct websocket *ws, const void *data, size_t len)
{
    const unsigned char head[] = {SHELL_DATA, (unsigned char)outlet->stream};
    websocket_send(ws, head, sizeof head, data, len);
    outlet->unacknowledged += len;
}

size_t outlet_forward(struct outlet *outlet, struct websocket *ws)
{
    char block[SHELL_BLOCK];
    size_t room = SHELL_WINDOW - outlet->unacknowledged;
    ssize_t n = read(outlet->fd, block, room < sizeof block ? room : sizeof block);
    if (n > 0) {
        outlet_send(outlet, ws, block, (size_t)n);
        outlet->owed -= n;
        return (size_t)n;
    }
    /* EIO is how a terminal says that nobody has it open any more. */
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        outlet_end(outlet, ws);
    return 0;
}

void outlet_end(struct outlet *outlet, struct websocket *ws)
{
    if (!outlet->ended)
        outlet_send(outlet, ws, NULL, 0);
    outlet->ended = true;
}

bool outlet_acknowledge(struct outlet *outlet, uint32_t count)
{
    if (count > outlet->unacknowledged)
        return false;
    outlet->unacknowledged -= count;
    return true;
}

bool inlet_take(struct inlet *inlet, const void *data, size_t len)
{
    if (inlet->ending || inlet->data.len - inlet->start + len > SHELL_WINDOW)
        return false;
    buf_append(&inlet->data, data, len);
    inlet->ending = len == 0;
    return true;
}

bool inlet_wants(const struct inlet *inlet)
{
    return inlet->start < inlet->data.len || (inlet->ending && inlet->fd >= 0);
}

static void acknowledge(struct websocket *ws, size_t count)
{
    unsigned char message[] = {SHELL_ACK, SHELL_STDIN, 0, 0, 0, 0};
    for (int i = 0; i < 4; i++)
        message[2 + i] = (unsigned char)(count >> (24 - 8 * i));
    websocket_send(ws, message, sizeof message, NULL, 0);
}

static void abandon(struct inlet *inlet)
{
    /* A terminal is for its output too. */
    if (inlet->fd >= 0 && !inlet->tty)
        close(inlet->fd);
    inlet->fd = -1;
}

static void finish(struct inlet *inlet)
{
    if (inlet->tty && write(inlet->fd, END_OF_TRANSMISSION, 1) < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    abandon(inlet);
}

void inlet_forward(struct inlet *inlet, struct websocket *ws)
{
    size_t waiting = inlet->data.len - inlet->start;
    size_t written = waiting;
    if (waiting > 0 && inlet->fd >= 0) {
        ssize_t n = write(inlet->fd, inlet->data.data + inlet->start, waiting);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0)
            abandon(inlet);
        else
            written = (size_t)n;
    }
    if (written > 0)
        acknowledge(ws, written);
    inlet->start += written;
    if (inlet->start == inlet->data.len)
        inlet->start = inlet->data.len = 0;
    if (inlet->data.len == 0 && inlet->ending && inlet->fd >= 0)
        finish(inlet);
}

#include "websocket.h"

#include "base64.h"
#include "moves.h"
#include "sha1.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_BYTES 16
#define RECEIVE_BYTES (16 * 1024)
#define MAX_HEAD 14
#define MAX_CONTROL 125
/* Answers to pings are left out while so much is queued: nobody reads them. */
#define MAX_QUEUED_FOR_PONG (64 * 1024)

enum opcode { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

struct frame {
    bool final;
    enum opcode opcode;
    const unsigned char *data;
    size_t len;
};

/* Not to be foreseen by who chooses what is sent; that the pool of the kernel is young does not matter. */
static void fill_random(void *data, size_t len)
{
    if (getrandom(data, len, GRND_INSECURE) != (ssize_t)len && getrandom(data, len, 0) != (ssize_t)len)
        memset(data, 0x5a, len);
}

static void expected_accept(const char *key, char *accept)
{
    unsigned char digest[SHA1_BYTES];
    char *text = xprintf("%s" GUID, key);
    sha1(text, strlen(text), digest);
    free(text);
    base64_encode(digest, sizeof digest, accept);
}

static bool shake_hands(struct http *h, const char *path)
{
    unsigned char random[KEY_BYTES];
    char key[BASE64_SIZE(KEY_BYTES)];
    char accept[BASE64_SIZE(SHA1_BYTES)];
    fill_random(random, sizeof random);
    base64_encode(random, sizeof random, key);
    expected_accept(key, accept);
    char *headers = xprintf("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: %s\r\n",
                            key);
    struct http_response response;
    bool answered = http_send_head(h, "GET", path, headers) && http_read_upgrade(h, &response);
    free(headers);
    if (!answered) {
        note("the host did not open a websocket: %s", strerror(errno));
        return false;
    }
    if (response.status != 101 || !response.websocket || strcmp(response.accept, accept) != 0) {
        note("the host answered %d where a websocket was to be opened", response.status);
        return false;
    }
    return true;
}

bool websocket_open(struct websocket *ws, struct http *h, const char *path)
{
    *ws = (struct websocket){.fd = -1};
    if (!shake_hands(h, path)) {
        http_close(h);
        return false;
    }
    buf_append(&ws->in, h->in + h->in_start, h->in_end - h->in_start);
    ws->fd = h->fd;
    h->fd = -1;
    http_close(h);
    return true;
}

void websocket_close(struct websocket *ws)
{
    if (ws->fd >= 0) {
        moves_remove(ws->fd);
        close(ws->fd);
    }
    ws->fd = -1;
    buf_free(&ws->in);
    buf_free(&ws->message);
    buf_free(&ws->out);
}

static void drop_start(struct buf *b, size_t *start)
{
    memmove(b->data, b->data + *start, b->len - *start);
    b->len -= *start;
    *start = 0;
}

bool websocket_receive(struct websocket *ws)
{
    char block[RECEIVE_BYTES];
    ssize_t n = recv(ws->fd, block, sizeof block, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return false;
    if (ws->in_start > 0)
        drop_start(&ws->in, &ws->in_start);
    buf_append(&ws->in, block, (size_t)n);
    return true;
}

static void queue_frame(struct websocket *ws, enum opcode opcode, const void *head, size_t head_len, const void *body,
                        size_t body_len)
{
    size_t len = head_len + body_len;
    unsigned char start[MAX_HEAD] = {(unsigned char)(0x80 | opcode)};
    size_t size = 2;
    if (len < 126) {
        start[1] = (unsigned char)(0x80 | len);
    } else if (len < 65536) {
        start[1] = 0x80 | 126;
        start[2] = (unsigned char)(len >> 8);
        start[3] = (unsigned char)len;
        size = 4;
    } else {
        start[1] = 0x80 | 127;
        for (int i = 0; i < 8; i++)
            start[2 + i] = (unsigned char)((uint64_t)len >> (56 - 8 * i));
        size = 10;
    }
    unsigned char *mask = start + size;
    fill_random(mask, 4);
    buf_append(&ws->out, start, size + 4);
    size_t begin = ws->out.len;
    buf_append(&ws->out, head, head_len);
    buf_append(&ws->out, body, body_len);
    for (size_t i = 0; i < len; i++)
        ws->out.data[begin + i] = (char)((unsigned char)ws->out.data[begin + i] ^ mask[i % 4]);
}

void websocket_send(struct websocket *ws, const void *head, size_t head_len, const void *body, size_t body_len)
{
    queue_frame(ws, BINARY, head, head_len, body, body_len);
}

void websocket_send_close(struct websocket *ws, enum websocket_end end)
{
    unsigned char code[] = {(unsigned char)(end >> 8), (unsigned char)end};
    queue_frame(ws, CLOSE, code, sizeof code, NULL, 0);
}

size_t websocket_queued(const struct websocket *ws)
{
    return ws->out.len - ws->out_start;
}

bool websocket_flush(struct websocket *ws)
{
    while (websocket_queued(ws) > 0) {
        ssize_t n = send(ws->fd, ws->out.data + ws->out_start, websocket_queued(ws), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            return false;
        ws->out_start += (size_t)n;
    }
    if (ws->out_start > 0)
        drop_start(&ws->out, &ws->out_start);
    return true;
}

/* The next frame: 1; 0: it is not complete; -1: it is wrong, and `end` says how. */
static int read_frame(struct websocket *ws, struct frame *frame, enum websocket_end *end)
{
    const unsigned char *in = (const unsigned char *)ws->in.data + ws->in_start;
    size_t have = ws->in.len - ws->in_start;
    *end = WEBSOCKET_PROTOCOL_ERROR;
    if (have < 2)
        return 0;
    *frame = (struct frame){.final = (in[0] & 0x80) != 0, .opcode = in[0] & 0x0f};
    bool control = frame->opcode >= CLOSE;
    /* No extension was agreed on, and a server does not mask. */
    if ((in[0] & 0x70) != 0 || (in[1] & 0x80) != 0)
        return -1;
    uint64_t len = in[1] & 0x7f;
    if (control && (len > MAX_CONTROL || !frame->final))
        return -1;
    size_t size = len == 126 ? 4 : len == 127 ? 10 : 2;
    if (have < size)
        return 0;
    if (size > 2) {
        len = 0;
        for (size_t i = 2; i < size; i++)
            len = len << 8 | in[i];
    }
    if (len > WEBSOCKET_MAX_MESSAGE) {
        *end = WEBSOCKET_TOO_LONG;
        return -1;
    }
    if (have < size + len)
        return 0;
    frame->data = in + size;
    frame->len = (size_t)len;
    ws->in_start += size + (size_t)len;
    return 1;
}

/* A part of a message: 1 if it is whole now, 0 if not, -1 if it is wrong. */
static int add_part(struct websocket *ws, const struct frame *frame, enum websocket_end *end)
{
    *end = WEBSOCKET_PROTOCOL_ERROR;
    if (frame->opcode == TEXT) {
        *end = WEBSOCKET_NOT_UNDERSTOOD;
        return -1;
    }
    if (ws->in_message != (frame->opcode == CONTINUATION))
        return -1;
    if (frame->opcode == BINARY)
        ws->message.len = 0;
    if (ws->message.len + frame->len > WEBSOCKET_MAX_MESSAGE) {
        *end = WEBSOCKET_TOO_LONG;
        return -1;
    }
    buf_append(&ws->message, frame->data, frame->len);
    ws->in_message = !frame->final;
    return frame->final ? 1 : 0;
}

enum websocket_next websocket_next(struct websocket *ws, const unsigned char **data, size_t *len)
{
    for (;;) {
        struct frame frame;
        enum websocket_end end;
        int got = read_frame(ws, &frame, &end);
        if (got == 0)
            return WEBSOCKET_NOTHING;
        if (got > 0 && frame.opcode == CLOSE) {
            websocket_send_close(ws, WEBSOCKET_NORMAL);
            return WEBSOCKET_OVER;
        }
        if (got > 0 && frame.opcode == PING) {
            if (websocket_queued(ws) < MAX_QUEUED_FOR_PONG)
                queue_frame(ws, PONG, frame.data, frame.len, NULL, 0);
            continue;
        }
        if (got > 0 && frame.opcode == PONG)
            continue;
        if (got > 0 && frame.opcode <= BINARY)
            got = add_part(ws, &frame, &end);
        else if (got > 0)
            got = -1;
        if (got < 0) {
            websocket_send_close(ws, end);
            return WEBSOCKET_OVER;
        }
        if (got > 0) {
            *data = (const unsigned char *)ws->message.data;
            *len = ws->message.len;
            return WEBSOCKET_MESSAGE;
        }
    }
}

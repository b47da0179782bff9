/*
 * HTTP/1.1 client on one kept connection.
 *
 * Owned by one thread of one process. Every call that fails closes the connection; the next one opens it again.
 * Time-outs are "no progress for so long", never a total.
 */
#ifndef HTTP_H
#define HTTP_H

#include "util.h"

#include <netinet/in.h>

struct http {
    struct sockaddr_in address;
    char host[64];          /* as it stands in the Host header */
    int fd;                 /* -1: not connected */
    unsigned moves;         /* of this machine before it was connected */
    long connect_timeout_ms;
    long timeout_ms;
    int keepalive_s;        /* how often a silent host is asked whether it is there; 0: every other hour */
    char in[16384];
    size_t in_start;
    size_t in_end;
};

struct http_response {
    int status;
    long retry_after_ms;    /* -1: not given */
    bool keep_alive;
    bool chunked;
    int64_t length;         /* of the body, or of the chunk being read; -1: until the connection closes */
    bool finished;
    bool websocket;         /* the protocol the connection is upgraded to */
    char accept[32];        /* Sec-WebSocket-Accept */
};

/* `url` is http://a.b.c.d[:port]; names are not resolved, a static program cannot. False if it is anything else. */
bool http_init(struct http *h, const char *url);
bool http_connect(struct http *h);
void http_close(struct http *h);

/* Sends a request and reads the whole answer, of at most `max` bytes; tries once more on a connection gone stale. */
bool http_exchange(struct http *h, const char *method, const char *path, const char *type, const void *body,
                   size_t body_len, struct http_response *response, struct buf *answer, size_t max);

/* `headers` are whole lines, each with its CRLF. */
bool http_send_head(struct http *h, const char *method, const char *path, const char *headers);
bool http_send(struct http *h, const void *data, size_t len);
/* Of a body sent with `Transfer-Encoding: chunked`; an empty chunk is not sent, since it would end the body. */
bool http_send_chunk(struct http *h, const void *data, size_t len);
/* `trailers` are whole lines, or "". */
bool http_send_end(struct http *h, const char *trailers);

bool http_read_head(struct http *h, struct http_response *response);
/* The same where 101 is an answer: what follows it is of the other protocol, and may be in the input buffer already. */
bool http_read_upgrade(struct http *h, struct http_response *response);
/* Bytes of the body now in `data`, 0 at its end, -1 on failure. */
ssize_t http_read_body(struct http *h, struct http_response *response, void *data, size_t size);
bool http_read_rest(struct http *h, struct http_response *response, struct buf *out, size_t max);

#endif

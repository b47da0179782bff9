#include "http.h"

#include "moves.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define AGENT_NAME "boxcar-agent/" AGENT_VERSION
#define KEEPALIVE_PROBES 5

bool http_init(struct http *h, const char *url)
{
    static const char scheme[] = "http://";
    *h = (struct http){.fd = -1, .connect_timeout_ms = 5000, .timeout_ms = 60000};
    if (strncmp(url, scheme, sizeof scheme - 1) != 0)
        return false;
    snprintf(h->host, sizeof h->host, "%s", url + sizeof scheme - 1);
    size_t len = strlen(h->host);
    if (len > 0 && h->host[len - 1] == '/')
        h->host[len - 1] = '\0';
    char name[sizeof h->host];
    memcpy(name, h->host, sizeof name);
    long port = 80;
    char *colon = strchr(name, ':');
    if (colon != NULL) {
        char *end;
        *colon = '\0';
        port = strtol(colon + 1, &end, 10);
        if (*end != '\0')
            return false;
    }
    h->address.sin_family = AF_INET;
    h->address.sin_port = htons((uint16_t)port);
    return port > 0 && port < 65536 && inet_pton(AF_INET, name, &h->address.sin_addr) == 1;
}

void http_close(struct http *h)
{
    if (h->fd >= 0) {
        moves_remove(h->fd);
        close(h->fd);
    }
    h->fd = -1;
    h->in_start = h->in_end = 0;
}

static bool fail(struct http *h)
{
    int saved = errno;
    http_close(h);
    errno = saved;
    return false;
}

static bool wait_for(struct http *h, short events, long timeout_ms)
{
    int64_t deadline = now_ms() + timeout_ms;
    for (;;) {
        int64_t left = deadline - now_ms();
        struct pollfd p = {.fd = h->fd, .events = events};
        int n = poll(&p, 1, left < 0 ? 0 : (int)left);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
        if (n == 0) {
            errno = ETIMEDOUT;
            return false;
        }
    }
}

bool http_connect(struct http *h)
{
    if (h->fd >= 0 && h->moves == moves_count())
        return true;
    /* About to be shut: nothing of now must be said on it. */
    http_close(h);
    h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (h->fd < 0)
        return false;
    h->moves = moves_add(h->fd);
    int on = 1;
    setsockopt(h->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(h->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (h->keepalive_s > 0) {
        int probes = KEEPALIVE_PROBES;
        setsockopt(h->fd, IPPROTO_TCP, TCP_KEEPIDLE, &h->keepalive_s, sizeof h->keepalive_s);
        setsockopt(h->fd, IPPROTO_TCP, TCP_KEEPINTVL, &h->keepalive_s, sizeof h->keepalive_s);
        setsockopt(h->fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    }
    if (connect(h->fd, (const struct sockaddr *)&h->address, sizeof h->address) != 0) {
        if (errno != EINPROGRESS || !wait_for(h, POLLOUT, h->connect_timeout_ms))
            return fail(h);
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(h->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) {
            errno = error;
            return fail(h);
        }
    }
    return true;
}

static bool send_parts(struct http *h, struct iovec *parts, size_t count)
{
    while (count > 0) {
        if (parts->iov_len == 0) {
            parts++;
            count--;
            continue;
        }
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
        ssize_t n = sendmsg(h->fd, &message, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN || !wait_for(h, POLLOUT, h->timeout_ms))
                return fail(h);
            continue;
        }
        for (size_t sent = (size_t)n; sent > 0;) {
            size_t step = sent < parts->iov_len ? sent : parts->iov_len;
            parts->iov_base = (char *)parts->iov_base + step;
            parts->iov_len -= step;
            sent -= step;
            if (parts->iov_len == 0 && sent > 0) {
                parts++;
                count--;
            }
        }
    }
    return true;
}

bool http_send(struct http *h, const void *data, size_t len)
{
    struct iovec part = {.iov_base = (void *)data, .iov_len = len};
    return send_parts(h, &part, 1);
}

static char *build_head(const struct http *h, const char *method, const char *path, const char *headers)
{
    static const char format[] = "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: " AGENT_NAME "\r\n%s%s\r\n";
    char life[MAX_LIFE + 32];
    moves_header(life, sizeof life);
    return xprintf(format, method, path, h->host, life, headers);
}

bool http_send_head(struct http *h, const char *method, const char *path, const char *headers)
{
    if (!http_connect(h))
        return false;
    char *head = build_head(h, method, path, headers);
    bool sent = http_send(h, head, strlen(head));
    free(head);
    return sent;
}

bool http_send_chunk(struct http *h, const void *data, size_t len)
{
    if (len == 0)
        return true;
    char size[32];
    int size_len = snprintf(size, sizeof size, "%zx\r\n", len);
    struct iovec parts[] = {
        {.iov_base = size, .iov_len = (size_t)size_len},
        {.iov_base = (void *)data, .iov_len = len},
        {.iov_base = "\r\n", .iov_len = 2},
    };
    return send_parts(h, parts, 3);
}

bool http_send_end(struct http *h, const char *trailers)
{
    struct iovec parts[] = {
        {.iov_base = "0\r\n", .iov_len = 3},
        {.iov_base = (void *)trailers, .iov_len = strlen(trailers)},
        {.iov_base = "\r\n", .iov_len = 2},
    };
    return send_parts(h, parts, 3);
}

/* Reads more into the input buffer; false at the end of the connection too (errno 0). */
static bool fill(struct http *h)
{
    if (h->fd < 0) {
        errno = ENOTCONN;
        return false;
    }
    if (h->in_start == h->in_end)
        h->in_start = h->in_end = 0;
    if (h->in_end == sizeof h->in) {
        if (h->in_start == 0) {
            errno = EMSGSIZE;
            return false;
        }
        memmove(h->in, h->in + h->in_start, h->in_end - h->in_start);
        h->in_end -= h->in_start;
        h->in_start = 0;
    }
    for (;;) {
        ssize_t n = recv(h->fd, h->in + h->in_end, sizeof h->in - h->in_end, 0);
        if (n > 0) {
            h->in_end += (size_t)n;
            return true;
        }
        if (n == 0) {
            errno = 0;
            return false;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN || !wait_for(h, POLLIN, h->timeout_ms))
            return false;
    }
}

/* One line without its CRLF, valid until the next read; NULL on failure. */
static char *read_line(struct http *h)
{
    for (size_t seen = 0;;) {
        char *start = h->in + h->in_start;
        size_t have = h->in_end - h->in_start;
        char *end = memchr(start + seen, '\n', have - seen);
        if (end != NULL) {
            h->in_start += (size_t)(end - start) + 1;
            if (end > start && end[-1] == '\r')
                end--;
            *end = '\0';
            return start;
        }
        seen = have;
        if (!fill(h))
            return NULL;
    }
}

static void read_header(char *line, struct http_response *response)
{
    char *value = strchr(line, ':');
    if (value == NULL)
        return;
    *value++ = '\0';
    value += strspn(value, " \t");
    if (strcasecmp(line, "content-length") == 0)
        response->length = strtoll(value, NULL, 10);
    else if (strcasecmp(line, "transfer-encoding") == 0)
        response->chunked = strcasecmp(value, "chunked") == 0;
    else if (strcasecmp(line, "connection") == 0)
        response->keep_alive = strcasecmp(value, "close") != 0;
    else if (strcasecmp(line, "upgrade") == 0)
        response->websocket = strcasecmp(value, "websocket") == 0;
    else if (strcasecmp(line, "sec-websocket-accept") == 0)
        snprintf(response->accept, sizeof response->accept, "%s", value);
    else if (strcasecmp(line, "retry-after") == 0) {
        long seconds = strtol(value, NULL, 10);
        response->retry_after_ms = seconds < 0 || seconds > 3600 ? -1 : seconds * 1000;
    }
}

static bool read_one_head(struct http *h, struct http_response *response)
{
    *response = (struct http_response){.retry_after_ms = -1, .keep_alive = true, .length = -1};
    char *line = read_line(h);
    if (line == NULL || strncmp(line, "HTTP/1.", 7) != 0 || strlen(line) < 12)
        return false;
    response->status = atoi(line + 9);
    while ((line = read_line(h)) != NULL) {
        if (*line == '\0')
            return true;
        read_header(line, response);
    }
    return false;
}

bool http_read_head(struct http *h, struct http_response *response)
{
    do {
        if (!read_one_head(h, response))
            return fail(h);
    } while (response->status / 100 == 1);
    if (response->status == 204 || response->status == 304)
        response->length = 0;
    if (response->chunked)
        response->length = 0;
    else if (response->length == 0)
        response->finished = true;
    if (response->finished && !response->keep_alive)
        http_close(h);
    return true;
}

bool http_read_upgrade(struct http *h, struct http_response *response)
{
    do {
        if (!read_one_head(h, response))
            return fail(h);
    } while (response->status / 100 == 1 && response->status != 101);
    return true;
}

/* Reads the size of the next chunk; at the last one also the trailers. */
static bool next_chunk(struct http *h, struct http_response *response)
{
    char *line = read_line(h);
    if (line == NULL)
        return false;
    char *end;
    errno = 0;
    long long size = strtoll(line, &end, 16);
    if (end == line || size < 0 || errno != 0)
        return false;
    response->length = size;
    if (size > 0)
        return true;
    do {
        line = read_line(h);
    } while (line != NULL && *line != '\0');
    response->finished = true;
    return line != NULL;
}

static ssize_t body_ended(struct http *h, struct http_response *response)
{
    response->finished = true;
    if (!response->keep_alive)
        http_close(h);
    return 0;
}

ssize_t http_read_body(struct http *h, struct http_response *response, void *data, size_t size)
{
    if (response->finished)
        return 0;
    if (response->chunked && response->length == 0) {
        if (!next_chunk(h, response))
            return fail(h), -1;
        if (response->finished)
            return body_ended(h, response);
    }
    if (h->in_start == h->in_end && !fill(h)) {
        bool until_close = response->length < 0 && errno == 0;
        http_close(h);
        response->finished = true;
        return until_close ? 0 : -1;
    }
    size_t n = h->in_end - h->in_start;
    if (n > size)
        n = size;
    if (response->length >= 0 && (int64_t)n > response->length)
        n = (size_t)response->length;
    memcpy(data, h->in + h->in_start, n);
    h->in_start += n;
    if (response->length < 0)
        return (ssize_t)n;
    response->length -= (int64_t)n;
    if (response->length == 0) {
        if (!response->chunked)
            body_ended(h, response);
        else if (read_line(h) == NULL)
            return fail(h), -1;
    }
    return (ssize_t)n;
}

bool http_read_rest(struct http *h, struct http_response *response, struct buf *out, size_t max)
{
    char block[8192];
    for (;;) {
        ssize_t n = http_read_body(h, response, block, sizeof block);
        if (n < 0)
            return false;
        if (n == 0) {
            buf_append(out, "", 0);
            return true;
        }
        if (out->len + (size_t)n > max) {
            errno = EMSGSIZE;
            return fail(h);
        }
        buf_append(out, block, (size_t)n);
    }
}

bool http_exchange(struct http *h, const char *method, const char *path, const char *type, const void *body,
                   size_t body_len, struct http_response *response, struct buf *answer, size_t max)
{
    char *headers;
    if (type != NULL)
        headers = xprintf("Content-Type: %s\r\nContent-Length: %zu\r\n", type, body_len);
    else
        headers = xstrdup("");
    char *head = build_head(h, method, path, headers);
    free(headers);
    struct buf request = {0};
    buf_append(&request, head, strlen(head));
    buf_append(&request, body, body_len);
    free(head);

    bool done = false;
    for (int attempt = 0; attempt < 2 && !done; attempt++) {
        /* A kept connection may have been closed by the other side meanwhile: that says nothing about the host. */
        bool kept = h->fd >= 0;
        answer->len = 0;
        done = http_connect(h) && http_send(h, request.data, request.len) && http_read_head(h, response) &&
               http_read_rest(h, response, answer, max);
        if (!kept)
            break;
    }
    buf_free(&request);
    return done;
}

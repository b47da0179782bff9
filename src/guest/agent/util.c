#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void out_of_memory(void)
{
    static const char text[] = "boxcar-agent: out of memory\n";
    (void)!write(2, text, sizeof text - 1);
    _exit(70);
}

void *xmalloc(size_t size)
{
    void *p = malloc(size == 0 ? 1 : size);
    if (p == NULL)
        out_of_memory();
    return p;
}

void *xrealloc(void *old, size_t size)
{
    void *p = realloc(old, size == 0 ? 1 : size);
    if (p == NULL)
        out_of_memory();
    return p;
}

char *xstrdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(xmalloc(size), text, size);
}

char *xprintf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        out_of_memory();
    va_end(args);
    return text;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
    if (b->cap - b->len < len + 1) {
        size_t cap = b->cap == 0 ? 256 : b->cap;
        while (cap - b->len < len + 1)
            cap *= 2;
        b->data = xrealloc(b->data, cap);
        b->cap = cap;
    }
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_printf(struct buf *b, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        out_of_memory();
    buf_append(b, text, (size_t)len);
    free(text);
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}

int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void sleep_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

void nap_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

bool write_all(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

bool read_file(const char *path, struct buf *out, size_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    char block[16384];
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int saved = errno;
            close(fd);
            errno = saved;
            buf_append(out, "", 0);
            return n == 0;
        }
        if (out->len + (size_t)n > max) {
            close(fd);
            errno = EFBIG;
            return false;
        }
        buf_append(out, block, (size_t)n);
    }
}

void note(const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    int head = snprintf(line, sizeof line, "boxcar-agent: ");
    int len = vsnprintf(line + head, sizeof line - (size_t)head - 1, format, args);
    va_end(args);
    if (len < 0)
        return;
    size_t end = (size_t)(head + len);
    if (end > sizeof line - 2)
        end = sizeof line - 2;
    line[end] = '\n';
    /* One write, so that lines of several processes do not mix. */
    (void)!write(2, line, end + 1);
}

void strings_add(struct strings *list, const char *text)
{
    list->items = xrealloc(list->items, (list->count + 2) * sizeof *list->items);
    list->items[list->count++] = xstrdup(text);
    list->items[list->count] = NULL;
}

static char **find_env(const struct strings *list, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < list->count; i++)
        if (strncmp(list->items[i], name, len) == 0 && list->items[i][len] == '=')
            return &list->items[i];
    return NULL;
}

void strings_set_env(struct strings *list, const char *name, const char *value)
{
    char *entry = xprintf("%s=%s", name, value);
    char **old = find_env(list, name);
    if (old == NULL) {
        strings_add(list, entry);
        free(entry);
    } else {
        free(*old);
        *old = entry;
    }
}

const char *strings_get_env(const struct strings *list, const char *name)
{
    char **entry = find_env(list, name);
    return entry == NULL ? NULL : *entry + strlen(name) + 1;
}

void strings_free(struct strings *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct strings){0};
}

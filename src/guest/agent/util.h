/* Small things everybody needs. Allocation never fails here: the process ends instead. */
#ifndef UTIL_H
#define UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing, NUL-terminated byte buffer. Start from {0}. */
struct buf {
    char *data;
    size_t len;
    size_t cap;
};

void buf_append(struct buf *b, const void *data, size_t len);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_free(struct buf *b);

void *xmalloc(size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);
/* The formatted text, to be freed. */
char *xprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

int64_t now_ms(void);
void sleep_ms(long ms);
/* The same, or until a signal was handled. */
void nap_ms(long ms);
bool write_all(int fd, const void *data, size_t len);
/* The whole file, at most `max` bytes; false with errno if it cannot be read or is longer. */
bool read_file(const char *path, struct buf *out, size_t max);
/* One line on the console of the machine. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A NULL-terminated list of strings it owns, as execve wants it. Start from {0}. */
struct strings {
    char **items;
    size_t count;
};

void strings_add(struct strings *list, const char *text);
/* Adds `name=value`, in place of an older value of that name. */
void strings_set_env(struct strings *list, const char *name, const char *value);
const char *strings_get_env(const struct strings *list, const char *name);
void strings_free(struct strings *list);

#endif

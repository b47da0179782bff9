/* JSON as the host speaks it: a small tree out, escaped strings in. */
#ifndef JSON_H
#define JSON_H

#include "util.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_type type;
    char *key;            /* the name, if this is a member of an object */
    char *string;         /* JSON_STRING */
    double number;        /* JSON_NUMBER; JSON_BOOL: 0 or 1 */
    struct json *child;   /* first element or member */
    struct json *next;
};

/* NULL if `text` is not one JSON value. Strings with a NUL inside are refused: no argument or path may have one. */
struct json *json_parse(const char *text, size_t len);
void json_free(struct json *value);

/* The member of that name, or NULL; `object` may be NULL or something else than an object. */
const struct json *json_get(const struct json *object, const char *key);
/* NULL if it is missing or no string. */
const char *json_get_string(const struct json *object, const char *key);
double json_get_number(const struct json *object, const char *key, double fallback);
bool json_get_bool(const struct json *object, const char *key);

/* Appends a quoted string; bytes that are not UTF-8 become U+FFFD. */
void json_append_string(struct buf *out, const char *text);

#endif

#include "json.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 64

struct parser {
    const char *at;
    const char *end;
};

static struct json *parse_value(struct parser *p, int depth);

static struct json *new_value(enum json_type type)
{
    struct json *v = xmalloc(sizeof *v);
    *v = (struct json){.type = type};
    return v;
}

void json_free(struct json *value)
{
    while (value != NULL) {
        struct json *next = value->next;
        json_free(value->child);
        free(value->key);
        free(value->string);
        free(value);
        value = next;
    }
}

static void skip_space(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
        p->at++;
}

static bool take(struct parser *p, char c)
{
    skip_space(p);
    if (p->at >= p->end || *p->at != c)
        return false;
    p->at++;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static long parse_hex4(struct parser *p)
{
    if (p->end - p->at < 4)
        return -1;
    long value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(*p->at++);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static void append_utf8(struct buf *out, unsigned long c)
{
    unsigned char b[4];
    size_t n = 0;
    if (c < 0x80) {
        b[n++] = (unsigned char)c;
    } else if (c < 0x800) {
        b[n++] = (unsigned char)(0xc0 | c >> 6);
        b[n++] = (unsigned char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        b[n++] = (unsigned char)(0xe0 | c >> 12);
        b[n++] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
        b[n++] = (unsigned char)(0x80 | (c & 0x3f));
    } else {
        b[n++] = (unsigned char)(0xf0 | c >> 18);
        b[n++] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
        b[n++] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
        b[n++] = (unsigned char)(0x80 | (c & 0x3f));
    }
    buf_append(out, b, n);
}

static bool parse_unicode(struct parser *p, struct buf *out)
{
    long c = parse_hex4(p);
    if (c <= 0)
        return false;
    if (c >= 0xdc00 && c <= 0xdfff)
        return false;
    if (c >= 0xd800 && c <= 0xdbff) {
        if (p->end - p->at < 6 || p->at[0] != '\\' || p->at[1] != 'u')
            return false;
        p->at += 2;
        long low = parse_hex4(p);
        if (low < 0xdc00 || low > 0xdfff)
            return false;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(out, (unsigned long)c);
    return true;
}

static bool parse_escape(struct parser *p, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    if (p->at >= p->end)
        return false;
    char c = *p->at++;
    if (c == 'u')
        return parse_unicode(p, out);
    const char *found = c == '\0' ? NULL : strchr(from, c);
    if (found == NULL)
        return false;
    buf_append(out, to + (found - from), 1);
    return true;
}

/* The text between quotes, to be freed, or NULL. */
static char *parse_string(struct parser *p)
{
    if (!take(p, '"'))
        return NULL;
    struct buf out = {0};
    buf_append(&out, "", 0);
    while (p->at < p->end && *p->at != '"') {
        if ((unsigned char)*p->at < 0x20)
            break;
        if (*p->at == '\\') {
            p->at++;
            if (!parse_escape(p, &out))
                break;
        } else {
            buf_append(&out, p->at++, 1);
        }
    }
    if (p->at < p->end && *p->at == '"') {
        p->at++;
        return out.data;
    }
    /* Make sure that nothing after the mistake is taken for the end of this string. */
    p->at = p->end;
    buf_free(&out);
    return NULL;
}

static struct json *parse_number(struct parser *p)
{
    char text[64];
    size_t n = 0;
    while (p->at < p->end && n < sizeof text - 1 && *p->at != '\0' && strchr("+-.0123456789eE", *p->at) != NULL)
        text[n++] = *p->at++;
    text[n] = '\0';
    char *end;
    double number = strtod(text, &end);
    if (n == 0 || *end != '\0')
        return NULL;
    struct json *v = new_value(JSON_NUMBER);
    v->number = number;
    return v;
}

static struct json *parse_word(struct parser *p, const char *word, enum json_type type, double number)
{
    size_t len = strlen(word);
    if ((size_t)(p->end - p->at) < len || memcmp(p->at, word, len) != 0)
        return NULL;
    p->at += len;
    struct json *v = new_value(type);
    v->number = number;
    return v;
}

static struct json *parse_members(struct parser *p, enum json_type type, int depth)
{
    char close = type == JSON_OBJECT ? '}' : ']';
    struct json *v = new_value(type);
    struct json **tail = &v->child;
    if (take(p, close))
        return v;
    do {
        char *key = NULL;
        if (type == JSON_OBJECT) {
            key = parse_string(p);
            if (key == NULL || !take(p, ':')) {
                free(key);
                json_free(v);
                return NULL;
            }
        }
        struct json *item = parse_value(p, depth + 1);
        if (item == NULL) {
            free(key);
            json_free(v);
            return NULL;
        }
        item->key = key;
        *tail = item;
        tail = &item->next;
    } while (take(p, ','));
    if (take(p, close))
        return v;
    json_free(v);
    return NULL;
}

static struct json *parse_value(struct parser *p, int depth)
{
    skip_space(p);
    if (depth > MAX_DEPTH || p->at >= p->end)
        return NULL;
    switch (*p->at) {
    case '{':
        p->at++;
        return parse_members(p, JSON_OBJECT, depth);
    case '[':
        p->at++;
        return parse_members(p, JSON_ARRAY, depth);
    case '"': {
        char *text = parse_string(p);
        if (text == NULL)
            return NULL;
        struct json *v = new_value(JSON_STRING);
        v->string = text;
        return v;
    }
    case 't':
        return parse_word(p, "true", JSON_BOOL, 1);
    case 'f':
        return parse_word(p, "false", JSON_BOOL, 0);
    case 'n':
        return parse_word(p, "null", JSON_NULL, 0);
    default:
        return parse_number(p);
    }
}

struct json *json_parse(const char *text, size_t len)
{
    struct parser p = {.at = text, .end = text + len};
    struct json *value = parse_value(&p, 0);
    skip_space(&p);
    if (value != NULL && p.at != p.end) {
        json_free(value);
        return NULL;
    }
    return value;
}

const struct json *json_get(const struct json *object, const char *key)
{
    if (object == NULL || object->type != JSON_OBJECT)
        return NULL;
    for (const struct json *m = object->child; m != NULL; m = m->next)
        if (strcmp(m->key, key) == 0)
            return m;
    return NULL;
}

const char *json_get_string(const struct json *object, const char *key)
{
    const struct json *v = json_get(object, key);
    return v != NULL && v->type == JSON_STRING ? v->string : NULL;
}

double json_get_number(const struct json *object, const char *key, double fallback)
{
    const struct json *v = json_get(object, key);
    return v != NULL && v->type == JSON_NUMBER ? v->number : fallback;
}

bool json_get_bool(const struct json *object, const char *key)
{
    const struct json *v = json_get(object, key);
    return v != NULL && v->type == JSON_BOOL && v->number != 0;
}

/* The length of the UTF-8 sequence at `s`, or 0 if there is none. */
static size_t utf8_length(const unsigned char *s)
{
    size_t n;
    unsigned long min;
    unsigned long c;
    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        n = 2, min = 0x80, c = s[0] & 0x1f;
    } else if ((s[0] & 0xf0) == 0xe0) {
        n = 3, min = 0x800, c = s[0] & 0x0f;
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        n = 4, min = 0x10000, c = s[0] & 0x07;
    } else {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    return c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : n;
}

void json_append_string(struct buf *out, const char *text)
{
    buf_append(out, "\"", 1);
    for (const unsigned char *s = (const unsigned char *)text; *s != '\0';) {
        if (*s == '"' || *s == '\\') {
            buf_append(out, "\\", 1);
            buf_append(out, s++, 1);
        } else if (*s < 0x20) {
            buf_printf(out, "\\u%04x", *s++);
        } else if (*s < 0x80) {
            buf_append(out, s++, 1);
        } else {
            size_t n = utf8_length(s);
            if (n == 0) {
                buf_append(out, "\xef\xbf\xbd", 3);
                s++;
            } else {
                buf_append(out, s, n);
                s += n;
            }
        }
    }
    buf_append(out, "\"", 1);
}

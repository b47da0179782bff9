#include "checkpoint.h"

#include "http.h"
#include "json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 63
#define MAX_ANSWER_BYTES 65536
/* The machine is written to a disk, of which the host may have a slow one. */
#define TIMEOUT_MS (24 * 60 * 60 * 1000)
/* A machine that went on somewhere else has nobody at the other end of its connections. */
#define KEEPALIVE_S 2
#define MIB 1048576.0

static bool is_name(const char *name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(name);
    return length >= 1 && length <= MAX_NAME && strchr(first, name[0]) != NULL && strspn(name, rest) == length;
}

static int fail(const char *name, const char *why)
{
    fprintf(stderr, "boxcar: there is no checkpoint \"%s\": %s\n", name, why);
    return 1;
}

static int tell(const char *name, const struct http_response *response, const struct json *answer)
{
    if (response->status / 100 != 2) {
        const char *message = json_get_string(answer, "message");
        return fail(name, message == NULL ? "the host does not say why" : message);
    }
    if (json_get_bool(answer, "goesOn")) {
        printf("boxcar: this machine goes on from the checkpoint \"%s\"\n", name);
        return 0;
    }
    printf("boxcar: the checkpoint \"%s\" is stored: %.1f MiB, the machine stood still for %.0f ms\n", name,
           json_get_number(answer, "bytes", 0) / MIB, json_get_number(answer, "stillMs", 0));
    return 0;
}

int checkpoint(const char *url, const char *name)
{
    if (!is_name(name))
        return fail(name, "a name has up to 63 lower-case letters, digits, \".\", \"_\" and \"-\", and begins with one "
                          "of the first two");
    struct http h;
    http_init(&h, url);
    h.timeout_ms = TIMEOUT_MS;
    h.keepalive_s = KEEPALIVE_S;
    char *path = xprintf("/engine/v1/checkpoint/%s", name);
    struct http_response response;
    struct buf answer = {0};
    /* Who was copied while it waited asks the host it has now. */
    bool answered = http_exchange(&h, "PUT", path, "application/json", "", 0, &response, &answer, MAX_ANSWER_BYTES) ||
                    http_exchange(&h, "PUT", path, "application/json", "", 0, &response, &answer, MAX_ANSWER_BYTES);
    int error = errno;
    http_close(&h);
    free(path);
    if (!answered) {
        buf_free(&answer);
        return fail(name, error == 0 ? "the host has closed the connection" : strerror(error));
    }
    struct json *told = json_parse(answer.data, answer.len);
    int code = tell(name, &response, told);
    json_free(told);
    buf_free(&answer);
    return code;
}

/* The answer to one action, on a connection of its own. */
#ifndef REPLY_H
#define REPLY_H

#include "http.h"
#include "json.h"
#include "shared.h"

struct reply {
    const struct agent *agent;
    const struct json *action;
    struct http http;
    char path[128];       /* of the request, with the id of the action */
};

/* The path the action names, to be freed; relative ones start in the working directory of the task. */
char *reply_target(const struct reply *reply);
void reply_json(struct reply *reply, const char *text);
void reply_error(struct reply *reply, const char *code, const char *message);
/* The error that `error`, an errno, stands for. */
void reply_errno(struct reply *reply, const char *path, int error);
/* Starts a body that is sent in chunks; `headers` are whole lines, or "". */
bool reply_begin(struct reply *reply, const char *headers);
/* Ends it and waits until the host has taken it all. */
bool reply_end(struct reply *reply, const char *trailers);

#endif

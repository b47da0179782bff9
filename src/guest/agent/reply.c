#include "reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *reply_target(const struct reply *reply)
{
    const char *path = json_get_string(reply->action, "path");
    const struct agent *agent = reply->agent;
    if (path == NULL || *path == '/')
        return xstrdup(path == NULL ? "" : path);
    char *cwd = shared_get_cwd(agent->shared);
    const char *base = agent->config.workdir == NULL ? "" : agent->config.workdir;
    char *target = xprintf("%s/%s", cwd == NULL ? base : cwd, path);
    free(cwd);
    return target;
}

static void reply_text(struct reply *reply, const char *headers, const char *text)
{
    char *head = xprintf("Content-Type: application/json\r\nContent-Length: %zu\r\n%s", strlen(text), headers);
    struct http_response response;
    struct http *h = &reply->http;
    if (!http_send_head(h, "POST", reply->path, head) || !http_send(h, text, strlen(text)) ||
        !http_read_head(h, &response))
        note("the answer to an action did not reach the host: %s", strerror(errno));
    free(head);
    http_close(h);
}

void reply_json(struct reply *reply, const char *text)
{
    reply_text(reply, "", text);
}

void reply_error(struct reply *reply, const char *code, const char *message)
{
    char *header = xprintf("X-Taskcluster-Worker-Error: %s\r\n", code);
    struct buf body = {0};
    buf_printf(&body, "{\"message\":");
    json_append_string(&body, message);
    buf_printf(&body, "}");
    reply_text(reply, header, body.data);
    buf_free(&body);
    free(header);
}

void reply_errno(struct reply *reply, const char *path, int error)
{
    const char *code = "io-error";
    if (error == ENOENT || error == ENOTDIR)
        code = "file-not-found";
    else if (error == EACCES || error == EPERM)
        code = "permission-denied";
    else if (error == EISDIR)
        code = "not-a-file";
    char *message = xprintf("%s: %s", path, strerror(error));
    reply_error(reply, code, message);
    free(message);
}

bool reply_begin(struct reply *reply, const char *headers)
{
    char *all = xprintf("Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n%s", headers);
    bool ok = http_send_head(&reply->http, "POST", reply->path, all);
    free(all);
    return ok;
}

bool reply_end(struct reply *reply, const char *trailers)
{
    struct http_response response;
    return http_send_end(&reply->http, trailers) && http_read_head(&reply->http, &response) &&
           response.status / 100 == 2;
}

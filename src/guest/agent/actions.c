#include "actions.h"

#include "disks.h"
#include "exec.h"
#include "files.h"
#include "reply.h"
#include "shell.h"
#include "tree.h"

#include <stdio.h>
#include <string.h>

/* How long the host may take its time with what we send. */
#define REPLY_TIMEOUT_MS 300000
#define DEFAULT_GRACE_MS 5000
#define MAX_GRACE_MS 3600000

static void kill_process(struct reply *reply)
{
    struct shared *shared = reply->agent->shared;
    double grace = json_get_number(reply->action, "graceMs", DEFAULT_GRACE_MS);
    atomic_store(&shared->killed, true);
    shared_let_go(shared);
    struct tree_kill what = {
        .root = atomic_load(&shared->main),
        .spare_session = true,
        .except = atomic_load(&shared->poller),
        .grace_ms = grace >= 0 && grace <= MAX_GRACE_MS ? (long)grace : DEFAULT_GRACE_MS,
    };
    size_t found;
    size_t left = tree_kill(&what, &found);
    char text[96];
    snprintf(text, sizeof text, "{\"found\":%zu,\"left\":%zu}", found, left);
    reply_json(reply, text);
}

static void let_go(struct reply *reply)
{
    shared_let_go(reply->agent->shared);
    reply_json(reply, "{}");
}

static const struct {
    const char *type;
    void (*run)(struct reply *reply);
} actions[] = {
    {"get-artifact", files_get},  {"get-folder", files_get_folder}, {"list-folder", files_list_folder},
    {"put-file", files_put},      {"exec", exec_run},               {"kill-process", kill_process},
    {"exec-shell", shell_run},    {"mount", disks_mount},           {"unmount", disks_unmount},
    {"let-go", let_go},
};

/* The id becomes part of an address, so it is letters, digits, - and _ only. */
static bool is_id(const char *id)
{
    static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    size_t len = id == NULL ? 0 : strlen(id);
    return len > 0 && len <= 64 && strspn(id, allowed) == len;
}

bool action_wants_reply(const struct json *action)
{
    const char *type = json_get_string(action, "type");
    return type != NULL && strcmp(type, "none") != 0 && is_id(json_get_string(action, "id"));
}

void action_run(const struct agent *agent, const struct json *action)
{
    struct reply reply = {.agent = agent, .action = action};
    const char *type = json_get_string(action, "type");
    if (!http_init(&reply.http, agent->url))
        return;
    reply.http.timeout_ms = REPLY_TIMEOUT_MS;
    snprintf(reply.path, sizeof reply.path, "/engine/v1/reply?id=%s", json_get_string(action, "id"));
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(type, actions[i].type) == 0) {
            actions[i].run(&reply);
            return;
        }
    }
    reply_error(&reply, "unknown-action", "this agent does not know that action");
}

#include "exec.h"

#include "process.h"
#include "tree.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define TRAILER "Trailer: X-Boxcar-Exit-Code, X-Boxcar-Signal\r\n"

static bool to_reply(void *reply, const void *data, size_t len)
{
    return http_send_chunk(&((struct reply *)reply)->http, data, len);
}

static void end(struct reply *reply, int exit_code, const char *signal_name)
{
    char trailers[128];
    int len = snprintf(trailers, sizeof trailers, "X-Boxcar-Exit-Code: %d\r\n", exit_code);
    if (signal_name != NULL)
        snprintf(trailers + len, sizeof trailers - (size_t)len, "X-Boxcar-Signal: %s\r\n", signal_name);
    reply_end(reply, trailers);
}

static void tell_failure(struct reply *reply, const struct failure *failure)
{
    char *sentence = xprintf("boxcar: %s\n", failure->text);
    if (reply_begin(reply, TRAILER) && to_reply(reply, sentence, strlen(sentence)))
        end(reply, failure->exit_code, NULL);
    free(sentence);
}

void exec_run(struct reply *reply)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    /* So that all it starts is below us, and can be ended, as long as it runs. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);

    struct command command;
    struct process process;
    struct failure failure = {0};
    bool started = command_build(&command, reply->action, &reply->agent->config, COMMAND_BESIDE, &failure) &&
                   process_start(&command, &process, &failure);
    command_free(&command);
    if (!started) {
        tell_failure(reply, &failure);
        return;
    }
    int status = 0;
    if (reply_begin(reply, TRAILER) &&
        process_relay(&process, to_reply, reply, -1, reply->http.fd, &status) == RELAY_EXITED) {
        const char *signal_name;
        int exit_code = exit_code_of(status, &signal_name);
        end(reply, exit_code, signal_name);
        return;
    }
    struct tree_kill all = {.root = getpid()};
    size_t found;
    tree_kill(&all, &found);
}

#include "poller.h"

#include "actions.h"
#include "http.h"
#include "json.h"
#include "moves.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ACTION_BYTES (8 * 1024 * 1024)
/* The host answers after 30 s at the latest. */
#define POLL_TIMEOUT_MS 45000
#define MIN_CONNECT_MS 250
#define MIN_DELAY_MS 10
#define MAX_DELAY_MS 1000

static void reap(int number)
{
    (void)number;
    int saved = errno;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    errno = saved;
}

static struct json *next_action(struct http *h)
{
    struct http_response response;
    struct buf answer = {0};
    bool answered = http_exchange(h, "GET", "/engine/v1/poll", NULL, NULL, 0, &response, &answer, MAX_ACTION_BYTES);
    struct json *action = answered && response.status == 200 ? json_parse(answer.data, answer.len) : NULL;
    buf_free(&answer);
    return action;
}

static void start_worker(const struct agent *agent, struct http *h, const struct json *action)
{
    pid_t pid = fork();
    if (pid == 0) {
        http_close(h);
        signal(SIGCHLD, SIG_DFL);
        action_run(agent, action);
        _exit(0);
    }
    if (pid < 0)
        note("cannot start a process for an action");
}

void poller_main(const struct agent *agent)
{
    struct sigaction on_child = {.sa_handler = reap, .sa_flags = SA_RESTART};
    sigaction(SIGCHLD, &on_child, NULL);
    struct http h;
    http_init(&h, agent->url);
    h.connect_timeout_ms = MIN_CONNECT_MS;
    h.timeout_ms = POLL_TIMEOUT_MS;
    long delay = MIN_DELAY_MS;
    unsigned moves = moves_count();
    for (;;) {
        struct json *action = next_action(&h);
        if (action == NULL && moves_since(&moves)) {
            delay = MIN_DELAY_MS;
            continue;
        }
        if (action == NULL) {
            h.connect_timeout_ms = delay > MIN_CONNECT_MS ? 4 * delay : MIN_CONNECT_MS;
            nap_ms(delay);
            delay = delay * 2 > MAX_DELAY_MS ? MAX_DELAY_MS : delay * 2;
            continue;
        }
        delay = MIN_DELAY_MS;
        if (action_wants_reply(action))
            start_worker(agent, &h, action);
        json_free(action);
    }
}

#include "runner.h"

#include "http.h"
#include "json.h"
#include "logstream.h"
#include "network.h"
#include "process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_TASK_BYTES (8 * 1024 * 1024)
/* The host may keep a question open for 25 s until it has a task. */
#define EXECUTE_PATH "/engine/v1/execute?wait=25"
#define EXECUTE_TIMEOUT_MS 40000
#define MIN_DELAY_MS 10
#define MAX_DELAY_MS 500
#define MIN_CONNECT_MS 250
#define MAX_CONNECT_MS 4000
/* As other programs that run programs have it for trouble of their own. */
#define AGENT_FAILED_CODE 125

/* Asks until the host has a task: first very often, since a machine that has just booted has its network any moment. */
static struct json *fetch_task(const struct agent *agent, struct http *h)
{
    long delay = MIN_DELAY_MS;
    h->connect_timeout_ms = MIN_CONNECT_MS;
    h->timeout_ms = EXECUTE_TIMEOUT_MS;
    for (;;) {
        struct http_response response;
        struct buf answer = {0};
        bool answered = http_exchange(h, "GET", EXECUTE_PATH, NULL, NULL, 0, &response, &answer, MAX_TASK_BYTES);
        struct json *task = answered && response.status == 200 ? json_parse(answer.data, answer.len) : NULL;
        buf_free(&answer);
        if (task != NULL)
            return task;
        if (answered) {
            sleep_ms(response.retry_after_ms >= 0 ? response.retry_after_ms : MAX_DELAY_MS);
            continue;
        }
        if (errno == ETIMEDOUT && h->connect_timeout_ms < MAX_CONNECT_MS)
            h->connect_timeout_ms *= 2;
        if (agent->configure_network)
            network_bring_up();
        sleep_ms(delay);
        delay = delay * 2 > MAX_DELAY_MS ? MAX_DELAY_MS : delay * 2;
    }
}

void report_result(const struct agent *agent, int exit_code, const char *signal_name, const char *error)
{
    struct buf body = {0};
    buf_printf(&body, "{\"exitCode\":%d", exit_code);
    if (signal_name != NULL) {
        buf_printf(&body, ",\"signal\":");
        json_append_string(&body, signal_name);
    }
    if (error != NULL) {
        buf_printf(&body, ",\"error\":");
        json_append_string(&body, error);
    }
    buf_printf(&body, "}");

    struct http h;
    http_init(&h, agent->url);
    const char *path = exit_code == 0 ? "/engine/v1/success" : "/engine/v1/failed";
    for (long delay = MIN_DELAY_MS;; delay = delay * 2 > MAX_DELAY_MS ? MAX_DELAY_MS : delay * 2) {
        struct http_response response;
        struct buf answer = {0};
        bool answered =
            http_exchange(&h, "PUT", path, "application/json", body.data, body.len, &response, &answer, 65536);
        if (answered && response.status / 100 != 2)
            note("the host answered %d to the result: %s", response.status, answer.data);
        buf_free(&answer);
        if (answered && response.status < 500 && response.status != 429)
            break;
        sleep_ms(delay);
    }
    http_close(&h);
    buf_free(&body);
    atomic_store(&agent->shared->reported, true);
}

static bool to_log(void *log, const void *data, size_t len)
{
    logstream_write(log, data, len);
    return true;
}

static void share_cwd(struct shared *shared, const char *cwd)
{
    if (cwd == NULL)
        return;
    snprintf(shared->cwd, sizeof shared->cwd, "%s", cwd);
    atomic_store(&shared->has_cwd, true);
}

/* After the task: background processes it left may go on printing, to nobody, and their orphans are adopted. */
static void linger(const struct process *process) __attribute__((noreturn));
static void linger(const struct process *process)
{
    char block[4096];
    int output = process == NULL ? -1 : process->output;
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        struct pollfd p = {.fd = output, .events = POLLIN};
        if (poll(&p, 1, -1) <= 0)
            continue;
        ssize_t n = read(output, block, sizeof block);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            close(output);
            output = -1;
        }
    }
}

static void log_sentence(struct logstream *log, const char *text)
{
    char *sentence = xprintf("boxcar: %s\n", text);
    logstream_write(log, sentence, strlen(sentence));
    free(sentence);
}

static void fail_to_start(const struct agent *agent, const struct failure *failure)
{
    struct logstream log;
    logstream_start(&log, agent->url, agent->configure_network);
    log_sentence(&log, failure->text);
    logstream_finish(&log);
    report_result(agent, failure->exit_code, NULL, failure->text);
    linger(NULL);
}

void runner_main(const struct agent *agent)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);

    struct http h;
    http_init(&h, agent->url);
    struct json *task = fetch_task(agent, &h);
    http_close(&h);

    struct command command;
    struct process process;
    struct failure failure = {.exit_code = 143, .text = "the task was stopped before its command was started"};
    bool built = command_build(&command, task, &agent->config, true, &failure);
    json_free(task);
    share_cwd(agent->shared, command.cwd);
    if (!built || atomic_load(&agent->shared->killed) || !process_start(&command, &process, &failure))
        fail_to_start(agent, &failure);
    command_free(&command);
    if (atomic_load(&agent->shared->killed))
        kill(-process.pid, SIGKILL);

    struct logstream log;
    int status = 0;
    logstream_start(&log, agent->url, agent->configure_network);
    bool relayed = process_relay(&process, to_log, &log, -1, &status) == RELAY_EXITED;
    static const char *const lost = "the agent could not wait for the command and has ended it";
    if (!relayed) {
        kill(-process.pid, SIGKILL);
        log_sentence(&log, lost);
    }
    logstream_finish(&log);

    const char *signal_name = NULL;
    int exit_code = relayed ? exit_code_of(status, &signal_name) : AGENT_FAILED_CODE;
    report_result(agent, exit_code, signal_name, relayed ? NULL : lost);
    linger(&process);
}

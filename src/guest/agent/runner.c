#include "runner.h"

#include "hold.h"
#include "http.h"
#include "json.h"
#include "logstream.h"
#include "moves.h"
#include "network.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
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
/* Far more than a host gives, and exact as a double. */
#define MAX_STEP 999999
#define MAX_LOG_START 9007199254740992.0

/* What the host says of a command, apart from the command. */
struct step {
    unsigned number;      /* 0: none, the host knows one command only */
    uint64_t log_start;   /* the position in the log of the task at which its output begins */
};

/* Asks until the host has a task: first very often, since a machine that has just booted has its network any moment. */
static struct json *fetch_task(const struct agent *agent, struct http *h)
{
    long delay = MIN_DELAY_MS;
    unsigned moves = moves_count();
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
        if (moves_since(&moves)) {
            delay = MIN_DELAY_MS;
            continue;
        }
        if (answered) {
            nap_ms(response.retry_after_ms >= 0 ? response.retry_after_ms : MAX_DELAY_MS);
            continue;
        }
        if (errno == ETIMEDOUT && h->connect_timeout_ms < MAX_CONNECT_MS)
            h->connect_timeout_ms *= 2;
        if (agent->owns_machine)
            network_bring_up();
        nap_ms(delay);
        delay = delay * 2 > MAX_DELAY_MS ? MAX_DELAY_MS : delay * 2;
    }
}

/* Tells the host the end of the step, until it answers. `error` is a sentence or NULL. */
static void report_result(const struct agent *agent, int exit_code, const char *signal_name, const char *error,
                          bool held)
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
    buf_printf(&body, held ? ",\"held\":true}" : "}");

    struct http h;
    http_init(&h, agent->url);
    unsigned step = atomic_load(&agent->shared->step);
    const char *end = exit_code == 0 ? "success" : "failed";
    char *path = step == 0 ? xprintf("/engine/v1/%s", end) : xprintf("/engine/v1/%s?step=%u", end, step);
    unsigned moves = moves_count();
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
        if (moves_since(&moves))
            delay = MIN_DELAY_MS;
        else
            nap_ms(delay);
    }
    http_close(&h);
    free(path);
    buf_free(&body);
    atomic_store(&agent->shared->reported, true);
}

static bool to_log(void *log, const void *data, size_t len)
{
    if (len == 0)
        logstream_move(log);
    else
        logstream_write(log, data, len);
    return true;
}

/* From here on the command of this runner is the one the task is at. */
static struct step begin_step(struct shared *shared, const struct json *task)
{
    double number = json_get_number(task, "step", 0);
    double start = json_get_number(task, "logStart", 0);
    struct step step = {
        .number = number >= 1 && number <= MAX_STEP ? (unsigned)number : 0,
        .log_start = start >= 0 && start <= MAX_LOG_START ? (uint64_t)start : 0,
    };
    atomic_store(&shared->step, step.number);
    atomic_store(&shared->more, json_get_bool(task, "more"));
    atomic_store(&shared->fetched, true);
    return step;
}

/* False at the end of it. */
static bool drain(int output)
{
    char block[4096];
    ssize_t n = read(output, block, sizeof block);
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* What the command and those it started print to, as long as this runner has it. */
static volatile sig_atomic_t output_of_command = -1;

/*
 * The machine forgets its task, and its processes do not run any more: only what they have left behind needs somebody
 * who reads what it prints and buries it. Whatever this process was doing, and its threads, end with the program.
 */
static void forget(int number)
{
    (void)number;
    char digits[16] = "-1";
    int output = output_of_command;
    if (output >= 0) {
        size_t at = sizeof digits - 1;
        digits[at] = '\0';
        for (int rest = output; at == sizeof digits - 1 || rest > 0; rest /= 10)
            digits[--at] = (char)('0' + rest % 10);
        memmove(digits, digits + at, sizeof digits - at);
        fcntl(output, F_SETFD, 0);
    }
    signal(SIGNAL_MOVED, SIG_IGN);
    char *const arguments[] = {"boxcar-agent", "--linger", digits, NULL};
    execv("/proc/self/exe", arguments);
    _exit(1);
}

void runner_prepare(void)
{
    struct sigaction action = {.sa_handler = forget};
    sigaction(SIGNAL_FORGET, &action, NULL);
}

/*
 * After the command: main sees to the next one, if there is to be one. Background processes this one left may go on
 * printing, to nobody, and their orphans are adopted, until none is left. `output`: -1 for none.
 */
static void linger(const struct agent *agent, int output, pid_t held) __attribute__((noreturn));
static void linger(const struct agent *agent, int output, pid_t held)
{
    kill(atomic_load(&agent->shared->main), SIGNAL_REPORTED);
    runner_linger(output, held, agent->shared);
}

/* False: there is nobody left. Who stands still because it is traced goes on. */
static bool bury_orphans(void)
{
    for (;;) {
        int status;
        int end;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid <= 0)
            return pid == 0;
        if (WIFSTOPPED(status) && hold_stop(pid, status, &end) == HOLD_ENDS)
            hold_let_go(pid);
    }
}

void runner_linger(int output, pid_t held, const struct shared *shared)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    for (;;) {
        struct signalfd_siginfo info;
        while (read(signals, &info, sizeof info) > 0)
            ;
        if (held != 0 && atomic_load(&shared->held) != held) {
            hold_let_go(held);
            held = 0;
        }
        if (!bury_orphans() && output < 0)
            _exit(0);
        struct pollfd fds[] = {{.fd = output, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
        if (poll(fds, 2, -1) > 0 && fds[0].revents != 0 && !drain(output)) {
            close(output);
            output = -1;
        }
    }
}

static void start_log(struct logstream *log, const struct agent *agent, const struct step *step)
{
    logstream_start(log, agent->url, step->number, step->log_start, agent->owns_machine);
}

static void log_sentence(struct logstream *log, const char *text)
{
    char *sentence = xprintf("boxcar: %s\n", text);
    logstream_write(log, sentence, strlen(sentence));
    free(sentence);
}

static void fail_to_start(const struct agent *agent, const struct step *step, const struct failure *failure)
    __attribute__((noreturn));
static void fail_to_start(const struct agent *agent, const struct step *step, const struct failure *failure)
{
    struct logstream log;
    atomic_store(&agent->shared->command, 0);
    start_log(&log, agent, step);
    log_sentence(&log, failure->text);
    logstream_finish(&log);
    report_result(agent, failure->exit_code, NULL, failure->text, false);
    linger(agent, -1, 0);
}

void reporter_main(const struct agent *agent)
{
    moves_bind();
    report_result(agent, 1, NULL, "the part of the guest agent that ran the task was killed", false);
    linger(agent, -1, 0);
}

void runner_main(const struct agent *agent)
{
    moves_bind();
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);

    struct http h;
    http_init(&h, agent->url);
    struct json *task = fetch_task(agent, &h);
    http_close(&h);

    struct step step = begin_step(agent->shared, task);
    struct command command;
    struct process process;
    struct failure failure = {.exit_code = 143, .text = "the task was stopped before its command was started"};
    bool built = command_build(&command, task, &agent->config, COMMAND_OF_TASK, &failure);
    if (json_get_bool(task, "hold"))
        command.hold = &agent->shared->killed;
    json_free(task);
    if (command.cwd != NULL)
        shared_set_cwd(agent->shared, command.cwd);
    command.pid = &agent->shared->command;
    if (!built || atomic_load(&agent->shared->killed) || !process_start(&command, &process, &failure))
        fail_to_start(agent, &step, &failure);
    command_free(&command);
    if (atomic_load(&agent->shared->killed))
        kill(-process.pid, SIGKILL);

    output_of_command = process.output;

    struct logstream log;
    int status = 0;
    start_log(&log, agent, &step);
    bool relayed = process_relay(&process, to_log, &log, moves_event(), -1, &status) == RELAY_EXITED;
    static const char *const lost = "the agent could not wait for the command and has ended it";
    if (!relayed) {
        kill(-process.pid, SIGKILL);
        log_sentence(&log, lost);
    }
    atomic_store(&agent->shared->command, 0);
    logstream_finish(&log);

    const char *signal_name = NULL;
    int exit_code = relayed ? exit_code_of(status, &signal_name) : AGENT_FAILED_CODE;
    if (process.held) {
        atomic_store(&agent->shared->holder, getpid());
        atomic_store(&agent->shared->held, process.pid);
        /* Who kills the task may have come too early for that. */
        if (atomic_load(&agent->shared->killed))
            shared_let_go(agent->shared);
    }
    report_result(agent, exit_code, signal_name, relayed ? NULL : lost, process.held);
    linger(agent, process.output, process.held ? process.pid : 0);
}

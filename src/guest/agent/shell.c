#include "shell.h"

#include "shell_streams.h"
#include "tree.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A background process that keeps the output open delays the end by so long without a word, or by so many of them. */
#define BACKGROUND_GRACE_MS 300
#define BACKGROUND_BYTES (256 * 1024)
/* Between SIGTERM and SIGKILL. */
#define KILL_GRACE_MS 3000
/* For what is left to say, and until the host hangs up, which it does when it has read that. */
#define LAST_WORDS_MS 300000
#define FAREWELL_MS 60000

enum fate { RUNS, HAS_ENDED, IS_TO_END };

struct shell {
    struct websocket ws;
    struct process process;
    struct inlet input;
    struct outlet outputs[2];
    enum fate fate;
    bool reaped;
    int signals;
    int status;
    int64_t grace_ms;      /* what is left of it */
    size_t background;     /* bytes read that the process itself did not leave */
};

static void reap(struct shell *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) > 0)
        ;
    int status;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
        if (pid != s->process.pid)
            continue;
        s->status = status;
        s->reaped = true;
        if (s->fate == RUNS)
            s->fate = HAS_ENDED;
        for (int i = 0; i < 2; i++) {
            struct outlet *o = &s->outputs[i];
            int pending = 0;
            if (!o->ended && !s->process.tty && ioctl(o->fd, FIONREAD, &pending) == 0)
                o->owed = pending;
        }
    }
}

static void set_size(const struct shell *s, const unsigned char *m)
{
    struct winsize size = {
        .ws_col = (unsigned short)(m[1] << 8 | m[2]),
        .ws_row = (unsigned short)(m[3] << 8 | m[4]),
    };
    if (s->process.tty)
        ioctl(s->process.output, TIOCSWINSZ, &size);
}

static bool acknowledge(struct shell *s, const unsigned char *m)
{
    uint32_t count = (uint32_t)m[2] << 24 | (uint32_t)m[3] << 16 | (uint32_t)m[4] << 8 | m[5];
    return (m[1] == SHELL_STDOUT || m[1] == SHELL_STDERR) && outlet_acknowledge(&s->outputs[m[1] - SHELL_STDOUT], count);
}

/* False: the host must not say this. */
static bool obey(struct shell *s, const unsigned char *m, size_t len)
{
    if (len >= 2 && len <= SHELL_BLOCK + 2 && m[0] == SHELL_DATA && m[1] == SHELL_STDIN)
        return inlet_take(&s->input, m + 2, len - 2);
    if (len == 6 && m[0] == SHELL_ACK)
        return acknowledge(s, m);
    if (len == 5 && m[0] == SHELL_SIZE) {
        set_size(s, m);
        return true;
    }
    if (len == 1 && m[0] == SHELL_ABORT) {
        s->fate = IS_TO_END;
        return true;
    }
    return false;
}

/* Heeds what has come of the host. False: nothing may be said any more, beside what is queued. */
static bool heed(struct shell *s)
{
    for (;;) {
        const unsigned char *message;
        size_t len;
        enum websocket_next next = websocket_next(&s->ws, &message, &len);
        if (next == WEBSOCKET_NOTHING)
            return true;
        if (next == WEBSOCKET_MESSAGE && obey(s, message, len))
            continue;
        if (next == WEBSOCKET_MESSAGE)
            websocket_send_close(&s->ws, WEBSOCKET_PROTOCOL_ERROR);
        return false;
    }
}

/* The process has ended, and only what others still print could come. */
static bool only_background_left(const struct shell *s)
{
    return s->fate == HAS_ENDED && s->outputs[0].owed <= 0 && s->outputs[1].owed <= 0;
}

static bool is_over(const struct shell *s, bool quiet)
{
    if (s->fate == IS_TO_END)
        return true;
    if (s->fate == HAS_ENDED && s->outputs[0].ended && s->outputs[1].ended)
        return true;
    return only_background_left(s) && s->grace_ms <= 0 && (quiet || s->background > BACKGROUND_BYTES);
}

static int wait_time(const struct shell *s, bool reading)
{
    if (!reading || !only_background_left(s))
        return -1;
    return s->grace_ms < 0 ? 0 : (int)s->grace_ms;
}

static void read_output(struct shell *s, struct outlet *outlet)
{
    bool theirs = only_background_left(s);
    size_t n = outlet_forward(outlet, &s->ws);
    if (!theirs)
        return;
    s->background += n;
    if (s->background > BACKGROUND_BYTES)
        s->grace_ms = 0;
}

/* False: the connection is over. */
static bool relay(struct shell *s)
{
    bool quiet = false;
    reap(s);
    /* Some may have come together with the end of the handshake. */
    if (!heed(s))
        return false;
    while (!is_over(s, quiet)) {
        bool wants[2];
        struct pollfd fds[5] = {{.fd = s->ws.fd}, {.fd = s->signals, .events = POLLIN}};
        fds[0].events = (short)((websocket_queued(&s->ws) < SHELL_MAX_QUEUED ? POLLIN : 0) |
                                (websocket_queued(&s->ws) > 0 ? POLLOUT : 0));
        for (int i = 0; i < 2; i++) {
            wants[i] = outlet_wants(&s->outputs[i], &s->ws);
            fds[2 + i] = (struct pollfd){.fd = wants[i] ? s->outputs[i].fd : -1, .events = POLLIN};
        }
        bool drops = inlet_wants(&s->input) && s->input.fd < 0;
        fds[4] = (struct pollfd){.fd = inlet_wants(&s->input) ? s->input.fd : -1, .events = POLLOUT};

        int timeout = drops ? 0 : wait_time(s, wants[0] || wants[1]);
        int64_t begin = now_ms();
        if (poll(fds, 5, timeout) < 0 && errno != EINTR)
            return false;
        if (timeout >= 0)
            s->grace_ms -= now_ms() - begin;
        quiet = fds[2].revents == 0 && fds[3].revents == 0;

        if (fds[1].revents != 0)
            reap(s);
        for (int i = 0; i < 2; i++)
            if (fds[2 + i].revents != 0)
                read_output(s, &s->outputs[i]);
        if (fds[4].revents != 0 || drops)
            inlet_forward(&s->input, &s->ws);
        if ((fds[0].revents & ~POLLOUT) != 0) {
            bool open = websocket_receive(&s->ws);
            if (!heed(s) || !open)
                return false;
        }
        if (!websocket_flush(&s->ws))
            return false;
    }
    return true;
}

/* Waits until all is sent, then until the host hangs up, or else what is under way could be lost. */
static void part(struct websocket *ws)
{
    int64_t deadline = now_ms() + LAST_WORDS_MS;
    bool said = false;
    for (;;) {
        if (!websocket_flush(ws))
            return;
        if (!said && websocket_queued(ws) == 0) {
            said = true;
            shutdown(ws->fd, SHUT_WR);
            deadline = now_ms() + FAREWELL_MS;
        }
        int64_t left = deadline - now_ms();
        struct pollfd p = {.fd = ws->fd, .events = (short)(POLLIN | (said ? 0 : POLLOUT))};
        if (left <= 0 || (poll(&p, 1, (int)left) < 0 && errno != EINTR))
            return;
        char block[4096];
        if ((p.revents & ~POLLOUT) != 0 && recv(ws->fd, block, sizeof block, 0) == 0)
            return;
        if ((p.revents & (POLLERR | POLLHUP)) != 0)
            return;
    }
}

static void say_exit(struct shell *s, bool success)
{
    const unsigned char message[] = {SHELL_EXIT, success ? 0 : 1};
    for (int i = 0; i < 2; i++)
        outlet_end(&s->outputs[i], &s->ws);
    websocket_send(&s->ws, message, sizeof message, NULL, 0);
    websocket_send_close(&s->ws, WEBSOCKET_NORMAL);
}

/* An interactive shell heeds no SIGTERM, but a terminal that hangs up. */
static void kill_all(const struct shell *s)
{
    if (!s->reaped)
        kill(-s->process.pid, SIGHUP);
    struct tree_kill all = {.root = getpid(), .grace_ms = KILL_GRACE_MS};
    size_t found;
    tree_kill(&all, &found);
}

static void serve(struct shell *s)
{
    const struct process *p = &s->process;
    s->input = (struct inlet){.fd = p->input, .tty = p->tty};
    s->outputs[0] = (struct outlet){.fd = p->output, .stream = SHELL_STDOUT};
    s->outputs[1] = (struct outlet){.fd = p->errors, .stream = SHELL_STDERR};
    s->grace_ms = BACKGROUND_GRACE_MS;
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    s->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    /* At a terminal everything is stdout. */
    if (p->tty)
        outlet_end(&s->outputs[1], &s->ws);
    bool connected = relay(s);
    if (!connected || s->fate == IS_TO_END)
        kill_all(s);
    if (connected)
        say_exit(s, s->fate == HAS_ENDED && WIFEXITED(s->status) && WEXITSTATUS(s->status) == 0);
    close(s->signals);
    buf_free(&s->input.data);
}

static void tell_failure(struct shell *s, const struct failure *failure)
{
    s->outputs[0] = (struct outlet){.fd = -1, .stream = SHELL_STDOUT};
    s->outputs[1] = (struct outlet){.fd = -1, .stream = SHELL_STDERR};
    char *sentence = xprintf("boxcar: %s\r\n", failure->text);
    outlet_send(&s->outputs[1], &s->ws, sentence, strlen(sentence));
    free(sentence);
    say_exit(s, false);
}

/* A shell starts where the task works, as long as that is there. */
static void settle_folder(struct command *command, const struct reply *reply)
{
    const char *asked = json_get_string(reply->action, "cwd");
    char *base = asked != NULL && *asked == '/' ? NULL : shared_get_cwd(reply->agent->shared);
    char *folder = base == NULL || asked == NULL ? base : xprintf("%s/%s", base, asked);
    if (folder != base)
        free(base);
    if (folder == NULL || (asked == NULL && access(folder, X_OK) != 0)) {
        free(folder);
        return;
    }
    free(command->cwd);
    command->cwd = folder;
}

static bool start(struct shell *s, const struct reply *reply, struct failure *failure)
{
    struct command command;
    bool started = command_build(&command, reply->action, &reply->agent->config, COMMAND_SHELL, failure);
    if (started) {
        settle_folder(&command, reply);
        started = process_start(&command, &s->process, failure);
    }
    command_free(&command);
    return started;
}

void shell_run(struct reply *reply)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    /* So that all it starts is below us, and can be ended, as long as it runs. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);

    struct shell shell = {0};
    if (!websocket_open(&shell.ws, &reply->http, reply->path))
        return;
    struct failure failure = {0};
    if (start(&shell, reply, &failure))
        serve(&shell);
    else
        tell_failure(&shell, &failure);
    part(&shell.ws);
    websocket_close(&shell.ws);
}

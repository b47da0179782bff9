#include "process.h"

#include "hold.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define PIPE_BYTES (1024 * 1024)
/* How often it is looked whether a traced child stands still before it has become the program. */
#define TRACED_LOOK_MS 20
#define READER 0
#define WRITER 1

/* The standard streams of a child, and the other ends of those; -1: none. */
struct wiring {
    int child[3];
    struct process parent;
};

/* What the child tells of its own failing, through a pipe that exec closes. */
enum stage { STAGE_USER, STAGE_CWD, STAGE_EXEC, STAGE_SETUP };

struct child_error {
    enum stage stage;
    int error;
};

static const char *program_of(const struct command *command)
{
    return command->program == NULL ? command->argv.items[0] : command->program;
}

static bool program_exists(const struct command *command)
{
    const char *name = program_of(command);
    char *path = name[0] == '/' ? xstrdup(name) : xprintf("%s/%s", command->cwd, name);
    bool exists = access(path, F_OK) == 0;
    free(path);
    return exists;
}

static void explain(const struct command *command, const struct child_error *e, struct failure *failure)
{
    const char *name = program_of(command);
    const char *path = strings_get_env(&command->env, "PATH");
    const char *reason = strerror(e->error);
    bool missing = e->error == ENOENT || e->error == ENOTDIR;
    char *text;
    failure->exit_code = 126;
    if (e->stage == STAGE_USER) {
        text = xprintf("cannot become the user \"%s\": %s", command->user.name, reason);
    } else if (e->stage == STAGE_CWD) {
        text = xprintf(missing ? "the working directory \"%.300s\" does not exist in this machine"
                               : "cannot enter the working directory \"%.300s\": %s",
                       command->cwd, reason);
    } else if (e->stage == STAGE_SETUP) {
        text = xprintf("cannot prepare the process: %s", reason);
    } else if (missing && strchr(name, '/') == NULL) {
        failure->exit_code = 127;
        text = xprintf("the command \"%.300s\" does not exist in this image (looked in %.400s)", name,
                       path == NULL ? "no PATH" : path);
    } else if (missing && program_exists(command)) {
        failure->exit_code = 127;
        text = xprintf("the command \"%.300s\" names an interpreter or loader which does not exist in this image",
                       name);
    } else if (missing) {
        failure->exit_code = 127;
        text = xprintf("the command \"%.300s\" does not exist in this image", name);
    } else {
        text = xprintf("cannot run the command \"%.300s\": %s", name, reason);
    }
    snprintf(failure->text, sizeof failure->text, "%s", text);
    free(text);
}

static void give_up(int fd, enum stage stage)
{
    struct child_error e = {.stage = stage, .error = errno};
    (void)!write(fd, &e, sizeof e);
    _exit(127);
}

/* Returns only on failure. A file without a #! line is taken for a shell script, as every shell does. */
static void try_exec(const char *file, const struct command *command)
{
    execve(file, command->argv.items, command->env.items);
    if (errno != ENOEXEC)
        return;
    char **script = xmalloc((command->argv.count + 2) * sizeof *script);
    script[0] = "sh";
    script[1] = (char *)file;
    memcpy(script + 2, command->argv.items + 1, command->argv.count * sizeof *script);
    execve("/bin/sh", script, command->env.items);
}

static void search_and_exec(const struct command *command)
{
    const char *name = program_of(command);
    const char *path = strings_get_env(&command->env, "PATH");
    if (strchr(name, '/') != NULL || path == NULL) {
        try_exec(name, command);
        return;
    }
    int error = ENOENT;
    while (true) {
        const char *end = strchrnul(path, ':');
        char file[PATH_MAX];
        int len = snprintf(file, sizeof file, "%.*s%s%s", (int)(end - path), path, end == path ? "" : "/", name);
        if (len > 0 && (size_t)len < sizeof file) {
            try_exec(file, command);
            if (errno == EACCES)
                error = EACCES;
            else if (errno != ENOENT && errno != ENOTDIR)
                return;
        }
        if (*end == '\0')
            break;
        path = end + 1;
    }
    errno = error;
}

static void reset_signals(void)
{
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become(const struct command *command, int error_fd)
{
    if (!command->switch_user)
        return;
    const struct user *u = &command->user;
    /* Somebody who is no administrator and asks for himself needs no right to change groups. */
    if (geteuid() != 0 && geteuid() == u->uid)
        return;
    if (setgroups(u->group_count, u->groups) != 0 || setgid(u->gid) != 0 || setuid(u->uid) != 0)
        give_up(error_fd, STAGE_USER);
}

/* Who works at a terminal may open it by its name, and others may not. */
static void own_terminal(const struct command *command, int terminal)
{
    if (command->interactive && command->switch_user && fchown(terminal, command->user.uid, (gid_t)-1) == 0)
        fchmod(terminal, 0620);
}

static void run_child(const struct command *command, const int streams[3], int error_fd)
{
    if (command->pid != NULL)
        atomic_store(command->pid, getpid());
    setsid();
    if (command->tty) {
        ioctl(streams[0], TIOCSCTTY, 0);
        own_terminal(command, streams[0]);
    }
    for (int i = 0; i < 3; i++)
        if (dup2(streams[i], i) < 0)
            give_up(error_fd, STAGE_SETUP);
    close_range(3, (unsigned)error_fd - 1, 0);
    close_range((unsigned)error_fd + 1, ~0U, 0);
    reset_signals();
    umask(022);
    /* The agent is the last to be killed when memory runs out, what it starts is not. */
    int oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (oom >= 0) {
        (void)!write(oom, "0", 1);
        close(oom);
    }
    become(command, error_fd);
    if (chdir(command->cwd) != 0)
        give_up(error_fd, STAGE_CWD);
    search_and_exec(command);
    give_up(error_fd, STAGE_EXEC);
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static void close_wiring(struct wiring *w)
{
    /* What stands there twice was made of one. */
    bool shared = w->child[0] == w->child[1];
    close_all(w->child, shared ? 1 : 3);
    const int parent[] = {w->parent.input, w->parent.errors, w->parent.output};
    close_all(w->parent.tty ? parent + 2 : parent, w->parent.tty ? 1 : 3);
}

static bool open_terminal(const struct command *command, struct wiring *w)
{
    struct winsize size = {.ws_row = command->rows, .ws_col = command->columns};
    int terminal;
    int user;
    if (openpty(&terminal, &user, NULL, NULL, &size) != 0)
        return false;
    fcntl(terminal, F_SETFD, FD_CLOEXEC);
    struct termios modes;
    if (command->interactive && tcgetattr(user, &modes) == 0) {
        /* Or else a backspace takes a part of a letter only. */
        modes.c_iflag |= IUTF8;
        tcsetattr(user, TCSANOW, &modes);
    }
    for (int i = 0; i < 3; i++)
        w->child[i] = user;
    w->parent.output = terminal;
    w->parent.input = command->interactive ? terminal : -1;
    return true;
}

static bool open_pipes(const struct command *command, struct wiring *w)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return false;
    w->parent.output = fds[READER];
    w->child[1] = fds[WRITER];
    if (!command->interactive) {
        fcntl(fds[READER], F_SETPIPE_SZ, PIPE_BYTES);
        w->child[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        w->child[2] = fcntl(w->child[1], F_DUPFD_CLOEXEC, 3);
        return w->child[0] >= 0 && w->child[2] >= 0;
    }
    if (pipe2(fds, O_CLOEXEC) != 0)
        return false;
    w->parent.errors = fds[READER];
    w->child[2] = fds[WRITER];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return false;
    w->parent.input = fds[WRITER];
    w->child[0] = fds[READER];
    return true;
}

/* False with errno; nothing is open then. */
static bool open_wiring(const struct command *command, struct wiring *w)
{
    *w = (struct wiring){{-1, -1, -1}, {.input = -1, .output = -1, .errors = -1, .tty = command->tty}};
    if (command->tty ? open_terminal(command, w) : open_pipes(command, w))
        return true;
    int saved = errno;
    close_wiring(w);
    errno = saved;
    return false;
}

/* A signal may come before the program, and who is traced waits to be let through. */
static void pass_stops(pid_t pid, int error_fd)
{
    struct pollfd p = {.fd = error_fd, .events = POLLIN};
    while (poll(&p, 1, TRACED_LOOK_MS) == 0) {
        siginfo_t info = {0};
        int end;
        /* Its end is for who waits for the program. */
        if (waitid(P_PID, (id_t)pid, &info, WNOHANG | WSTOPPED) == 0 && info.si_pid == pid &&
            hold_stop(pid, info.si_status << 8 | 0x7f, &end) == HOLD_ENDS)
            hold_let_go(pid);
    }
}

/* Waits until the child has become the program: true; or has said what it failed at. */
static bool has_started(int error_fd, struct child_error *e)
{
    ssize_t n;
    do {
        n = read(error_fd, e, sizeof *e);
    } while (n < 0 && errno == EINTR);
    return n == 0;
}

/* In the child: until the other side has closed the pipe. */
static void wait_for_tracer(const int pipe_fds[2])
{
    char byte;
    close(pipe_fds[WRITER]);
    while (read(pipe_fds[READER], &byte, 1) < 0 && errno == EINTR)
        ;
    close(pipe_fds[READER]);
}

/* In the parent: so early that the program cannot have ended. */
static bool begin_hold(pid_t pid, const int pipe_fds[2])
{
    bool traced = pid > 0 && hold_begin(pid);
    close(pipe_fds[READER]);
    close(pipe_fds[WRITER]);
    return traced;
}

static bool start_child(const struct command *command, struct wiring *w, struct child_error *e)
{
    int error_pipe[2];
    if (pipe2(error_pipe, O_CLOEXEC) != 0) {
        e->error = errno;
        return false;
    }
    int go[2];
    bool hold = command->hold != NULL && pipe2(go, O_CLOEXEC) == 0;
    pid_t pid = fork();
    if (pid == 0) {
        close(error_pipe[READER]);
        if (hold)
            wait_for_tracer(go);
        run_child(command, w->child, error_pipe[WRITER]);
    }
    e->error = errno;
    close(error_pipe[WRITER]);
    if (hold && begin_hold(pid, go)) {
        w->parent.hold = command->hold;
        pass_stops(pid, error_pipe[READER]);
    }
    bool started = pid > 0 && has_started(error_pipe[READER], e);
    close(error_pipe[READER]);
    if (pid > 0 && !started)
        hold_bury(pid);
    w->parent.pid = pid;
    return started;
}

bool process_start(const struct command *command, struct process *process, struct failure *failure)
{
    struct wiring w;
    struct child_error e = {.stage = STAGE_SETUP};
    if (!open_wiring(command, &w)) {
        e.error = errno;
        explain(command, &e, failure);
        return false;
    }
    if (!start_child(command, &w, &e)) {
        close_wiring(&w);
        explain(command, &e, failure);
        return false;
    }
    close_all(w.child, command->tty ? 1 : 3);
    const int ours[] = {w.parent.input, w.parent.output, w.parent.errors};
    for (size_t i = 0; i < 3; i++)
        if (ours[i] >= 0)
            fcntl(ours[i], F_SETFL, O_NONBLOCK);
    *process = w.parent;
    return true;
}

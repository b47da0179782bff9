#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPE_BYTES (1024 * 1024)

/* What the child tells of its own failing, through a pipe that exec closes. */
enum stage { STAGE_USER, STAGE_CWD, STAGE_EXEC, STAGE_SETUP };

struct child_error {
    enum stage stage;
    int error;
};

static bool program_exists(const struct command *command)
{
    const char *name = command->argv.items[0];
    char *path = name[0] == '/' ? xstrdup(name) : xprintf("%s/%s", command->cwd, name);
    bool exists = access(path, F_OK) == 0;
    free(path);
    return exists;
}

static void explain(const struct command *command, const struct child_error *e, struct failure *failure)
{
    const char *name = command->argv.items[0];
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
    const char *name = command->argv.items[0];
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

static void run_child(const struct command *command, int output, int error_fd)
{
    setsid();
    int input = command->tty ? output : open("/dev/null", O_RDONLY);
    if (command->tty)
        ioctl(output, TIOCSCTTY, 0);
    if (input < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
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

static bool open_output(bool tty, int *reader, int *writer)
{
    if (tty) {
        struct winsize size = {.ws_row = 24, .ws_col = 80};
        return openpty(reader, writer, NULL, NULL, &size) == 0 && fcntl(*reader, F_SETFD, FD_CLOEXEC) == 0;
    }
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return false;
    fcntl(fds[0], F_SETPIPE_SZ, PIPE_BYTES);
    *reader = fds[0];
    *writer = fds[1];
    return true;
}

bool process_start(const struct command *command, struct process *process, struct failure *failure)
{
    int reader = -1;
    int writer = -1;
    int error_pipe[2];
    struct child_error e = {.stage = STAGE_SETUP};
    if (!open_output(command->tty, &reader, &writer) || pipe2(error_pipe, O_CLOEXEC) != 0) {
        e.error = errno;
        explain(command, &e, failure);
        return false;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(error_pipe[0]);
        run_child(command, writer, error_pipe[1]);
    }
    int fork_error = errno;
    close(error_pipe[1]);
    close(writer);
    ssize_t n = 0;
    if (pid > 0) {
        do {
            n = read(error_pipe[0], &e, sizeof e);
        } while (n < 0 && errno == EINTR);
    }
    close(error_pipe[0]);
    if (pid > 0 && n == 0) {
        fcntl(reader, F_SETFL, O_NONBLOCK);
        *process = (struct process){.pid = pid, .output = reader, .tty = command->tty};
        return true;
    }
    if (pid > 0)
        waitpid(pid, NULL, 0);
    else
        e.error = fork_error;
    close(reader);
    explain(command, &e, failure);
    return false;
}

/* Relaying what a process prints until it ends, and reaping what ends meanwhile. */
#include "process.h"

#include "hold.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK_BYTES (256 * 1024)
#define BACKGROUND_GRACE_MS 300

/* Where a relay stands. */
struct relay {
    struct process *process;
    bool exited;
    int status;
    bool closed;           /* end of output seen */
    int64_t owed;          /* bytes the process itself had written before it ended and we have not read; tty: unknown */
    int64_t grace_ends;    /* 0: not running */
};

/* Who is traced stands still at every signal, too. True: it has failed, and is held; `status` is how it ends. */
static bool is_held(struct process *process, int *status)
{
    int end;
    if (process->unheld) {
        hold_end_stop(process->pid, *status);
        process->hold = NULL;
    } else if (hold_stop(process->pid, *status, &end) == HOLD_ENDS) {
        bool succeeded = WIFEXITED(end) && WEXITSTATUS(end) == 0;
        process->held = !succeeded && !atomic_load(process->hold);
        if (!process->held)
            hold_let_go(process->pid);
        *status = end;
    }
    return process->held;
}

static void unhold(struct process *process)
{
    if (process->hold == NULL || process->held)
        return;
    process->unheld = true;
    hold_interrupt(process->pid);
}

static void reap(struct relay *r)
{
    int status;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
        if (pid != r->process->pid || r->exited)
            continue;
        if (WIFSTOPPED(status) && (r->process->hold == NULL || !is_held(r->process, &status)))
            continue;
        r->exited = true;
        r->status = status;
        int pending = 0;
        if (!r->process->tty && !r->closed && ioctl(r->process->output, FIONREAD, &pending) == 0)
            r->owed = pending;
    }
}

static bool read_output(struct relay *r, char *block, output_sink sink, void *context)
{
    ssize_t n = read(r->process->output, block, BLOCK_BYTES);
    if (n > 0) {
        r->owed -= n;
        return sink(context, block, (size_t)n);
    }
    /* EIO is how a terminal says that nobody has it open any more. */
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        r->closed = true;
    return true;
}

static bool over(struct relay *r)
{
    if (!r->exited)
        return false;
    if (r->closed)
        return true;
    if (r->owed > 0)
        return false;
    if (r->grace_ends == 0)
        r->grace_ends = now_ms() + BACKGROUND_GRACE_MS;
    return now_ms() >= r->grace_ends;
}

static int wait_time(const struct relay *r)
{
    if (r->grace_ends == 0)
        return -1;
    int64_t left = r->grace_ends - now_ms();
    return left < 0 ? 0 : (int)left;
}

enum relay_end process_relay(struct process *process, output_sink sink, void *context, int event_fd, int watch_fd,
                             int *status)
{
    struct relay r = {.process = process};
    enum relay_end end = RELAY_EXITED;
    char *block = xmalloc(BLOCK_BYTES);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    reap(&r);
    while (!over(&r)) {
        struct pollfd fds[] = {
            {.fd = r.closed ? -1 : process->output, .events = POLLIN},
            {.fd = signals, .events = POLLIN},
            {.fd = watch_fd, .events = POLLRDHUP},
            {.fd = event_fd, .events = POLLIN},
        };
        if (poll(fds, 4, wait_time(&r)) < 0 && errno != EINTR) {
            end = RELAY_FAILED;
            break;
        }
        if (fds[1].revents != 0) {
            struct signalfd_siginfo info;
            while (read(signals, &info, sizeof info) > 0)
                ;
            reap(&r);
        }
        if (fds[0].revents != 0 && !read_output(&r, block, sink, context)) {
            end = RELAY_SINK_FAILED;
            break;
        }
        uint64_t events;
        if (fds[3].revents != 0 && read(event_fd, &events, sizeof events) > 0) {
            (void)sink(context, NULL, 0);
            unhold(process);
        }
        if (fds[2].revents != 0) {
            end = RELAY_HANGUP;
            break;
        }
    }
    close(signals);
    free(block);
    *status = r.status;
    return end;
}

int exit_code_of(int status, const char **signal_name)
{
    static const char *const names[] = {
        [SIGHUP] = "SIGHUP",   [SIGINT] = "SIGINT",   [SIGQUIT] = "SIGQUIT", [SIGILL] = "SIGILL",
        [SIGTRAP] = "SIGTRAP", [SIGABRT] = "SIGABRT", [SIGBUS] = "SIGBUS",   [SIGFPE] = "SIGFPE",
        [SIGKILL] = "SIGKILL", [SIGUSR1] = "SIGUSR1", [SIGSEGV] = "SIGSEGV", [SIGUSR2] = "SIGUSR2",
        [SIGPIPE] = "SIGPIPE", [SIGALRM] = "SIGALRM", [SIGTERM] = "SIGTERM", [SIGXCPU] = "SIGXCPU",
        [SIGXFSZ] = "SIGXFSZ", [SIGSYS] = "SIGSYS",
    };
    *signal_name = NULL;
    if (!WIFSIGNALED(status))
        return WEXITSTATUS(status);
    size_t number = (size_t)WTERMSIG(status);
    *signal_name = number < sizeof names / sizeof *names && names[number] != NULL ? names[number] : "SIGUNKNOWN";
    return 128 + (int)number;
}

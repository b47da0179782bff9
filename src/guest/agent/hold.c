#include "hold.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

bool hold_begin(pid_t pid)
{
    /* Traced by somebody without rights, a program such as sudo would not get its own. */
    if (geteuid() != 0)
        return false;
    return ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_TRACEEXIT) == 0;
}

static bool is_stop_signal(int number)
{
    return number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

/* What is on its way to it; 0: nothing. */
static int signal_of(int status)
{
    return status >> 16 == 0 ? WSTOPSIG(status) : 0;
}

enum hold_stop hold_stop(pid_t pid, int status, int *end)
{
    int event = status >> 16;
    unsigned long message = 0;
    if (event == PTRACE_EVENT_EXIT) {
        *end = ptrace(PTRACE_GETEVENTMSG, pid, NULL, &message) == 0 ? (int)message : 0;
        return HOLD_ENDS;
    }
    /* Somebody has stopped it, and it is not for us to have it go on. */
    if (event == PTRACE_EVENT_STOP && is_stop_signal(WSTOPSIG(status)))
        ptrace(PTRACE_LISTEN, pid, NULL, NULL);
    else
        ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)signal_of(status));
    return HOLD_GOES_ON;
}

void hold_let_go(pid_t pid)
{
    ptrace(PTRACE_CONT, pid, NULL, NULL);
}

void hold_interrupt(pid_t pid)
{
    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
}

void hold_end_stop(pid_t pid, int status)
{
    ptrace(PTRACE_DETACH, pid, NULL, (void *)(intptr_t)signal_of(status));
}

void hold_bury(pid_t pid)
{
    int status;
    int end;
    while (true) {
        if (waitpid(pid, &status, 0) < 0) {
            if (errno == EINTR)
                continue;
            return;
        }
        if (!WIFSTOPPED(status))
            return;
        if (hold_stop(pid, status, &end) == HOLD_ENDS)
            hold_let_go(pid);
    }
}

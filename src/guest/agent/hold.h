/*
 * A program that fails is held at its very end: it does not run any more, and all it had is still there - its memory,
 * its open files, its sockets - for who looks at it, or saves the machine.
 *
 *   traced ──ends with success, or nobody wants to hold it──▶ ended
 *     └──ends otherwise──▶ held ──let go──▶ ended
 *
 * Linux stops a traced process on its way out, before anything of it is given back. Only the process that was started is
 * traced, not those it starts. All of it happens in one thread: the one that has started it.
 *
 * @see ptrace(2), PTRACE_O_TRACEEXIT
 */
#ifndef HOLD_H
#define HOLD_H

#include <stdbool.h>
#include <sys/types.h>

enum hold_stop {
    HOLD_ENDS,         /* it stands at its end: hold_let_go() */
    HOLD_GOES_ON,
};

/* False: it cannot be traced, and ends as any other. */
bool hold_begin(pid_t pid);
/* What a wait status means that says it stands still. `end` is the wait status it will end with, after HOLD_ENDS. */
enum hold_stop hold_stop(pid_t pid, int status, int *end);
/* It goes on to its end. */
void hold_let_go(pid_t pid);
/* It is not traced any more when it next stands still; then hold_end_stop() is to be called instead of hold_stop(). */
void hold_interrupt(pid_t pid);
void hold_end_stop(pid_t pid, int status);
/* Waits for the end of one that is to be held by nobody. */
void hold_bury(pid_t pid);

#endif

/* The process that runs a command: asks for it, starts it, streams its log, reports its end, adopts its orphans. */
#ifndef RUNNER_H
#define RUNNER_H

#include "shared.h"

#include <signal.h>

/* Sent to main when a step was reported. */
#define SIGNAL_REPORTED SIGUSR1
/* From main to a runner: there is no task any more. Ignored by who does not know it. */
#define SIGNAL_FORGET SIGURG

/* Heeds SIGNAL_FORGET. */
void runner_prepare(void);
void runner_main(const struct agent *agent) __attribute__((noreturn));
/* In place of a runner that has died: tells the host that the step has failed. */
void reporter_main(const struct agent *agent) __attribute__((noreturn));
/*
 * Reads what is printed to `output`, -1 for nothing, and buries orphans, until there is nobody left. `held`: is let go
 * when `shared` names it no more; 0 and NULL for none.
 */
void runner_linger(int output, pid_t held, const struct shared *shared) __attribute__((noreturn));

#endif

/* The process that runs a command: asks for it, starts it, streams its log, reports its end, adopts its orphans. */
#ifndef RUNNER_H
#define RUNNER_H

#include "shared.h"

#include <signal.h>

/* Sent to main when a step was reported. */
#define SIGNAL_REPORTED SIGUSR1

void runner_main(const struct agent *agent) __attribute__((noreturn));
/* Tells the host the end of the step, until it answers. `error` is a sentence or NULL. */
void report_result(const struct agent *agent, int exit_code, const char *signal, const char *error);

#endif

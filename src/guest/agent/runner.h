/* The process that runs the task: asks for it, starts it, streams its log, reports its end, adopts its orphans. */
#ifndef RUNNER_H
#define RUNNER_H

#include "shared.h"

void runner_main(const struct agent *agent) __attribute__((noreturn));
/* Tells the host the end of the task, until it answers. `error` is a sentence or NULL. */
void report_result(const struct agent *agent, int exit_code, const char *signal, const char *error);

#endif

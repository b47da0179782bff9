/* The action `exec`: a command beside the task, its output and its exit code to the host. */
#ifndef EXEC_H
#define EXEC_H

#include "reply.h"

void exec_run(struct reply *reply);

#endif

/*
 * The action `exec-shell`: a shell that somebody uses over a websocket, beside the task and after it.
 *
 * Messages are binary, their first byte is the type: see src/guest/shell-protocol.ts. The shell is killed, with all it
 * has started, when it is told to, and when the connection is gone; what a shell that ended by itself has left running
 * lives on.
 */
#ifndef SHELL_H
#define SHELL_H

#include "reply.h"

void shell_run(struct reply *reply);

#endif

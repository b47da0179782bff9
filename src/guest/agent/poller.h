/* The process that asks the host for actions, one after the other, and starts a worker for each. */
#ifndef POLLER_H
#define POLLER_H

#include "shared.h"

void poller_main(const struct agent *agent) __attribute__((noreturn));

#endif

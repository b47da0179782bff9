/*
 * What the agent's processes know of one another, in memory they all see.
 *
 *   main ──── runner ──── the command and whatever it leaves behind
 *        └─── poller ──── one worker for each action
 *
 * main only waits: it starts the poller anew should it die, and reports the task as failed should the runner die.
 * The runner asks for the task, runs it, streams its log and reports its end. main, runner and poller each adopt the
 * orphans below them (child subreaper), so "the task" is exactly what is below main and not below the poller.
 */
#ifndef SHARED_H
#define SHARED_H

#include "config.h"

#include <limits.h>
#include <stdatomic.h>
#include <sys/types.h>

struct shared {
    _Atomic pid_t main;
    _Atomic pid_t runner;
    _Atomic pid_t poller;
    _Atomic bool killed;       /* kill-process came: a command not yet started shall not start */
    _Atomic bool reported;     /* the host has the result of the task */
    _Atomic bool has_cwd;      /* `cwd` is written: relative paths of actions start there */
    char cwd[PATH_MAX];
};

/* What every process of the agent is started with. */
struct agent {
    const char *url;
    bool configure_network;
    struct config config;
    struct shared *shared;
};

#endif

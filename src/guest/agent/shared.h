/*
 * What the agent's processes know of one another, in memory they all see.
 *
 *   main ──── runner ──── the command and whatever it leaves behind
 *        ├─── runner ──── the same of an earlier command, as long as something of it is left
 *        └─── poller ──── one worker for each action
 *
 * A task is one command, or several one after another ("steps"): each has a runner of its own, which asks for the
 * command, runs it, streams its log and reports its end. main only waits: it starts the poller anew should it die, the
 * next runner where the host has said that there will be more, and reports the step as failed should its runner die.
 * main, runners and poller each adopt the orphans below them (child subreaper), so "the task" is exactly what is below
 * main, not below the poller, and not in the session of the agent, which no command is in and none can enter.
 */
#ifndef SHARED_H
#define SHARED_H

#include "config.h"
#include "moves.h"

#include <limits.h>
#include <stdatomic.h>
#include <sys/types.h>

struct shared {
    _Atomic pid_t main;
    _Atomic pid_t runner;      /* the latest */
    _Atomic pid_t poller;
    _Atomic bool killed;       /* kill-process came: a command not yet started shall not start */
    /* Of the step `runner` is at. */
    _Atomic unsigned step;     /* its number for the host; 0: the host has given it none */
    _Atomic bool more;         /* there will be another one */
    _Atomic bool fetched;      /* the two above are written, and the command may run */
    _Atomic pid_t command;     /* the process of it, leader of a session, while it runs; else 0 */
    _Atomic bool reported;     /* the host has its result; nothing of the step is written after that */
    /* A command that has failed is held, see hold.h: its process, until it is let go, and the runner that holds it. */
    _Atomic pid_t held;
    _Atomic pid_t holder;
    /* The working directory of the latest command; the one before stays readable while the next is written. */
    _Atomic unsigned cwd_count;
    char cwd[2][PATH_MAX];
    struct moves moves;
};

void shared_set_cwd(struct shared *shared, const char *cwd);
/* Where relative paths of actions start; to be freed. NULL before the first command. */
char *shared_get_cwd(const struct shared *shared);
/* Has the command that is held end, if one is. */
void shared_let_go(struct shared *shared);

/* What every process of the agent is started with. */
struct agent {
    const char *url;
    bool owns_machine;         /* its network, names and clock are the agent's to set */
    struct config config;
    struct shared *shared;
};

#endif

/* Trees of processes, read from /proc. */
#ifndef TREE_H
#define TREE_H

#include "util.h"

#include <sys/types.h>

struct tree_kill {
    pid_t root;
    bool spare_session;  /* who is in the caller's session lives on; its children elsewhere do not */
    pid_t session;       /* who is neither in it nor in the caller's lives on; 0: nobody does for that */
    pid_t except;        /* below root, lives on with everything below it */
    pid_t traced;        /* stands still at its end when it is killed, and counts as gone; its tracer is to have it go on */
    long grace_ms;       /* between SIGTERM and SIGKILL; 0: SIGKILL at once */
};

/* Ends the tree. `found` is how many processes there were at first, the result how many are left: normally none. */
size_t tree_kill(const struct tree_kill *what, size_t *found);

#endif

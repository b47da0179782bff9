#include "shared.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* No lock: who holds one may be killed by the task. */
void shared_set_cwd(struct shared *shared, const char *cwd)
{
    unsigned count = atomic_load(&shared->cwd_count);
    snprintf(shared->cwd[count % 2], sizeof shared->cwd[0], "%s", cwd);
    atomic_store(&shared->cwd_count, count + 1);
}

char *shared_get_cwd(const struct shared *shared)
{
    for (;;) {
        unsigned count = atomic_load(&shared->cwd_count);
        if (count == 0)
            return NULL;
        char *cwd = xprintf("%.*s", PATH_MAX - 1, shared->cwd[(count - 1) % 2]);
        atomic_thread_fence(memory_order_acquire);
        /* Only from then on the place that was read may be written again. */
        if (atomic_load(&shared->cwd_count) == count)
            return cwd;
        free(cwd);
    }
}

void shared_let_go(struct shared *shared)
{
    if (atomic_exchange(&shared->held, 0) > 0)
        /* It looks whenever one of its children has changed; nobody else heeds this signal. */
        kill(atomic_load(&shared->holder), SIGCHLD);
}

#include "tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_EVERY_MS 20
#define KILL_ROUNDS 250

struct entry {
    pid_t pid;
    pid_t parent;
    pid_t session;
    bool zombie;
    bool still;            /* it is traced, and stopped */
    bool below;
};

static bool read_stat(pid_t pid, struct entry *entry)
{
    char path[64];
    char text[512];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    /* The name may hold anything, blanks and brackets too: what follows the last bracket is ours. */
    char *rest = strrchr(text, ')');
    char state;
    int parent;
    int session;
    if (rest == NULL || sscanf(rest + 1, " %c %d %*d %d", &state, &parent, &session) != 3)
        return false;
    bool zombie = state == 'Z' || state == 'X';
    *entry = (struct entry){.pid = pid, .parent = parent, .session = session, .zombie = zombie, .still = state == 't'};
    return true;
}

static size_t read_all(struct entry **entries)
{
    size_t count = 0;
    *entries = NULL;
    DIR *proc = opendir("/proc");
    if (proc == NULL)
        return 0;
    for (struct dirent *d = readdir(proc); d != NULL; d = readdir(proc)) {
        char *end;
        long pid = strtol(d->d_name, &end, 10);
        struct entry entry;
        if (pid <= 0 || *end != '\0' || !read_stat((pid_t)pid, &entry))
            continue;
        *entries = xrealloc(*entries, (count + 1) * sizeof **entries);
        (*entries)[count++] = entry;
    }
    closedir(proc);
    return count;
}

static bool parent_is_below(const struct entry *entries, size_t count, pid_t parent, pid_t root)
{
    if (parent == root)
        return true;
    for (size_t i = 0; i < count; i++)
        if (entries[i].pid == parent)
            return entries[i].below;
    return false;
}

/* Everything that is to end and runs, which zombies do not; `pids` is to be freed. */
static size_t list(const struct tree_kill *what, bool killed, pid_t **pids)
{
    struct entry *entries;
    size_t count = read_all(&entries);
    pid_t own = getsid(0);
    /* Pids wrap around, so a child may stand before its parent: repeat until nothing is added. */
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < count; i++) {
            struct entry *e = &entries[i];
            if (e->below || e->pid == what->except || e->pid == what->root)
                continue;
            e->below = parent_is_below(entries, count, e->parent, what->root);
            changed = changed || e->below;
        }
    }
    size_t found = 0;
    pid_t only = what->session;
    *pids = xmalloc((count + 1) * sizeof **pids);
    for (size_t i = 0; i < count; i++) {
        const struct entry *e = &entries[i];
        bool meant = e->session == own ? !what->spare_session : only == 0 || e->session == only;
        bool ended = e->zombie || (killed && e->still && e->pid == what->traced);
        if (e->below && !ended && meant)
            (*pids)[found++] = e->pid;
    }
    free(entries);
    return found;
}

static size_t signal_all(const struct tree_kill *what, int signal, bool killed)
{
    pid_t *pids;
    size_t count = list(what, killed, &pids);
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        if (pids[i] == getpid())
            continue;
        left++;
        if (signal != 0)
            kill(pids[i], signal);
    }
    free(pids);
    return left;
}

size_t tree_kill(const struct tree_kill *what, size_t *found)
{
    size_t left = signal_all(what, what->grace_ms > 0 ? SIGTERM : 0, false);
    *found = left;
    if (what->grace_ms > 0) {
        /* A stopped process sees SIGTERM only when it goes on. */
        signal_all(what, SIGCONT, false);
        int64_t deadline = now_ms() + what->grace_ms;
        while (left > 0 && now_ms() < deadline) {
            sleep_ms(LOOK_EVERY_MS);
            left = signal_all(what, 0, false);
        }
    }
    for (int round = 0; left > 0 && round < KILL_ROUNDS; round++) {
        /* First everybody stands still, so that a process that forks all the time cannot outrun the list. */
        signal_all(what, SIGSTOP, round > 0);
        signal_all(what, SIGKILL, round > 0);
        sleep_ms(round < 3 ? 2 : LOOK_EVERY_MS);
        left = signal_all(what, 0, true);
    }
    return left;
}

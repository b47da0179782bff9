/* Users and groups, read from /etc/passwd and /etc/group: a static program must not use the name services of libc. */
#ifndef USERS_H
#define USERS_H

#include "util.h"

#include <sys/types.h>

#define MAX_GROUPS 128

struct user {
    uid_t uid;
    gid_t gid;
    char name[256];
    char home[1024];
    char shell[1024];
    gid_t groups[MAX_GROUPS];  /* all of them, the primary one included */
    size_t group_count;
};

/* `spec` is a name or a number. A number without an entry is a user without a name, of the group of that number. */
bool users_find(const char *spec, struct user *user);
/* Whoever this process runs as. */
void users_self(struct user *user);

#endif

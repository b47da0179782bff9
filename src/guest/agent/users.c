#include "users.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILE_BYTES (8 * 1024 * 1024)
#define FIELDS 7

/* Splits at every colon, so that empty fields stay fields. */
static size_t split(char *line, char *fields[FIELDS])
{
    size_t n = 0;
    for (char *field = strsep(&line, ":"); field != NULL && n < FIELDS; field = strsep(&line, ":"))
        fields[n++] = field;
    return n;
}

static bool parse_id(const char *text, unsigned long *id)
{
    char *end;
    errno = 0;
    *id = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *id < 0xffffffffUL;
}

static void add_group(struct user *user, gid_t gid)
{
    for (size_t i = 0; i < user->group_count; i++)
        if (user->groups[i] == gid)
            return;
    if (user->group_count < MAX_GROUPS)
        user->groups[user->group_count++] = gid;
}

static bool find_passwd(const char *name, bool by_id, unsigned long id, struct user *user)
{
    struct buf text = {0};
    bool found = false;
    char *rest = read_file("/etc/passwd", &text, MAX_FILE_BYTES) ? text.data : NULL;
    for (char *line = strsep(&rest, "\n"); line != NULL && !found; line = strsep(&rest, "\n")) {
        char *fields[FIELDS];
        unsigned long uid;
        unsigned long gid;
        if (split(line, fields) < FIELDS || !parse_id(fields[2], &uid) || !parse_id(fields[3], &gid))
            continue;
        found = by_id ? uid == id : strcmp(fields[0], name) == 0;
        if (!found)
            continue;
        user->uid = (uid_t)uid;
        user->gid = (gid_t)gid;
        snprintf(user->name, sizeof user->name, "%s", fields[0]);
        snprintf(user->home, sizeof user->home, "%s", fields[5]);
        snprintf(user->shell, sizeof user->shell, "%s", fields[6]);
    }
    buf_free(&text);
    return found;
}

static void find_groups(struct user *user)
{
    add_group(user, user->gid);
    if (user->name[0] == '\0')
        return;
    struct buf text = {0};
    char *rest = read_file("/etc/group", &text, MAX_FILE_BYTES) ? text.data : NULL;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        char *fields[FIELDS];
        unsigned long gid;
        if (split(line, fields) < 4 || !parse_id(fields[2], &gid))
            continue;
        char *members = fields[3];
        for (char *member = strsep(&members, ","); member != NULL; member = strsep(&members, ","))
            if (strcmp(member, user->name) == 0)
                add_group(user, (gid_t)gid);
    }
    buf_free(&text);
}

static void fill_gaps(struct user *user)
{
    if (user->home[0] == '\0')
        snprintf(user->home, sizeof user->home, "/");
    if (user->shell[0] == '\0')
        snprintf(user->shell, sizeof user->shell, "/bin/sh");
}

bool users_find(const char *spec, struct user *user)
{
    *user = (struct user){0};
    unsigned long id = 0;
    if (!find_passwd(spec, false, 0, user)) {
        if (!parse_id(spec, &id))
            return false;
        if (!find_passwd(NULL, true, id, user)) {
            user->uid = (uid_t)id;
            user->gid = (gid_t)id;
        }
    }
    find_groups(user);
    fill_gaps(user);
    return true;
}

void users_self(struct user *user)
{
    char spec[32];
    snprintf(spec, sizeof spec, "%lu", (unsigned long)getuid());
    users_find(spec, user);
}

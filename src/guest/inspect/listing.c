#include "listing.h"

#include "util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Folders in each other. A damaged file system may have one inside of itself. */
#define MAX_DEPTH 200

struct listing {
    int number;
    uint64_t *room;
    /* Relative to the root. */
    struct buf path;
};

static char letter_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return 'f';
    case S_IFDIR:
        return 'd';
    case S_IFLNK:
        return 'l';
    case S_IFBLK:
        return 'b';
    case S_IFCHR:
        return 'c';
    case S_IFIFO:
        return 'p';
    case S_IFSOCK:
        return 's';
    default:
        return '?';
    }
}

static void tell_trouble(const struct listing *l, const char *what)
{
    printf("W%d %s: %s%c", l->number, what, l->path.data == NULL ? "" : l->path.data, 0);
}

static void tell_target(int folder, const char *name)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(folder, name, target, sizeof target - 1);
    target[len < 0 ? 0 : len] = '\0';
    printf("L%s%c", target, 0);
}

static void tell_entry(const struct listing *l, int folder, const char *name, const struct stat *s)
{
    printf("E%d %c %o %u %u %" PRIu64 " %" PRIi64 " %" PRIu64 " %u:%u %s%c", l->number, letter_of(s->st_mode),
           (unsigned)(s->st_mode & 07777), (unsigned)s->st_uid, (unsigned)s->st_gid, (uint64_t)s->st_size,
           (int64_t)s->st_mtime, (uint64_t)s->st_nlink, major(s->st_rdev), minor(s->st_rdev), l->path.data, 0);
    if (S_ISLNK(s->st_mode))
        tell_target(folder, name);
}

static void tell_folder(struct listing *l, int fd, int depth);

static void tell_below(struct listing *l, int folder, const char *name, int depth)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        tell_trouble(l, strerror(errno));
    else
        tell_folder(l, fd, depth);
}

static void tell_one(struct listing *l, int folder, const char *name, int depth)
{
    struct stat info;
    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        tell_trouble(l, strerror(errno));
        return;
    }
    tell_entry(l, folder, name, &info);
    (*l->room)--;
    if (!S_ISDIR(info.st_mode))
        return;
    if (depth >= MAX_DEPTH || l->path.len >= PATH_MAX - NAME_MAX - 2)
        tell_trouble(l, "too many folders in each other");
    else
        tell_below(l, folder, name, depth + 1);
}

/* Closes the folder. */
static void tell_folder(struct listing *l, int fd, int depth)
{
    DIR *entries = fdopendir(fd);
    if (entries == NULL) {
        close(fd);
        tell_trouble(l, strerror(errno));
        return;
    }
    size_t len = l->path.len;
    while (*l->room > 0) {
        errno = 0;
        struct dirent *entry = readdir(entries);
        if (entry == NULL) {
            if (errno != 0)
                tell_trouble(l, strerror(errno));
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        buf_printf(&l->path, "%s%s", len == 0 ? "" : "/", entry->d_name);
        tell_one(l, dirfd(entries), entry->d_name, depth);
        l->path.len = len;
        l->path.data[len] = '\0';
    }
    closedir(entries);
}

void listing_tell(int number, int root, uint64_t *room)
{
    struct listing l = {.number = number, .room = room};
    tell_folder(&l, dup(root), 0);
    buf_free(&l.path);
}

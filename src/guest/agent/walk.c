#include "walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_DEPTH 200
#define MAX_PATH_BYTES 4096

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool read_names(int folder, struct strings *names)
{
    int copy = fcntl(folder, F_DUPFD_CLOEXEC, 3);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (dir == NULL) {
        if (copy >= 0)
            close(copy);
        return false;
    }
    for (struct dirent *d = readdir(dir); d != NULL; d = readdir(dir))
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            strings_add(names, d->d_name);
    closedir(dir);
    if (names->count > 0)
        qsort(names->items, names->count, sizeof *names->items, by_name);
    return true;
}

static void walk_level(struct walk *walk, int folder, const char *prefix, int depth);

static void walk_entry(struct walk *walk, int folder, const char *prefix, const char *name, int depth)
{
    char *path = *prefix == '\0' ? xstrdup(name) : xprintf("%s/%s", prefix, name);
    struct stat info;
    /* O_NONBLOCK: a FIFO with nobody at its other end must not hold us up. */
    int fd = -1;
    if (strlen(path) < MAX_PATH_BYTES && fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        (S_ISREG(info.st_mode) || (S_ISDIR(info.st_mode) && depth < MAX_DEPTH)))
        fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        walk->skipped++;
    } else if (S_ISDIR(info.st_mode)) {
        walk_level(walk, fd, path, depth + 1);
        fd = -1;
    } else if (S_ISREG(info.st_mode)) {
        walk->stopped = !walk->visit(walk->context, path, &info, fd);
    } else {
        walk->skipped++;
    }
    if (fd >= 0)
        close(fd);
    free(path);
}

static void walk_level(struct walk *walk, int folder, const char *prefix, int depth)
{
    struct strings names = {0};
    if (!read_names(folder, &names))
        walk->skipped++;
    for (size_t i = 0; i < names.count && !walk->stopped; i++)
        walk_entry(walk, folder, prefix, names.items[i], depth);
    strings_free(&names);
    close(folder);
}

void walk_folder(struct walk *walk, int folder)
{
    walk_level(walk, folder, "", 0);
}

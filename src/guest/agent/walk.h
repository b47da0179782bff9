/* Walks a folder for its regular files, in a fixed order. Links are never followed, so nothing outside is reached. */
#ifndef WALK_H
#define WALK_H

#include "util.h"

#include <sys/stat.h>

/* Gets each regular file: its path below the folder, and the file opened for reading. False stops the walk. */
typedef bool (*walk_visitor)(void *context, const char *path, const struct stat *info, int fd);

struct walk {
    walk_visitor visit;
    void *context;
    uint64_t skipped;   /* links, devices, sockets, and what could not be opened */
    bool stopped;
};

/* Closes `folder`. */
void walk_folder(struct walk *walk, int folder);

#endif

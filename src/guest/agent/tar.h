/* Writes a tar stream of regular files: ustar, with a pax header where a name or a size does not fit. */
#ifndef TAR_H
#define TAR_H

#include "util.h"

#include <sys/stat.h>

typedef bool (*tar_sink)(void *context, const void *data, size_t len);

struct tar {
    tar_sink sink;
    void *context;
    char *block;        /* for copying */
    uint64_t changed;   /* files which grew shorter while they were read; filled up with zeros */
};

void tar_init(struct tar *tar, tar_sink sink, void *context);
/* Copies `st_size` bytes of `fd`. False if the sink fails. */
bool tar_add_file(struct tar *tar, const char *name, const struct stat *info, int fd);
bool tar_finish(struct tar *tar);
void tar_free(struct tar *tar);

#endif

/* The file systems of a disk that was put into this machine. */
#ifndef VOLUME_H
#define VOLUME_H

#include <stdbool.h>
#include <stdint.h>

#define MAX_VOLUMES 32

struct volume {
    /* Of the table of the disk; 0: the whole disk. */
    int partition;
    uint64_t bytes;
    /* As far as its file system knows; 0 if nobody does. */
    uint64_t used;
    /* What it is, or looks like; "unknown". */
    const char *type;
    /* The root of its file system; -1 if it cannot be looked into. */
    int root;
    /* Why not; "" if it can. To be freed. */
    char *obstacle;
};

struct disk {
    struct volume volumes[MAX_VOLUMES];
    int count;
};

/* Gives this process mounts of its own, which go with it, below a folder it makes. */
bool volumes_prepare(void);

/* Waits until the disk is there and has this size, and mounts what is on it to be read. False: it does not come. */
bool volumes_open(struct disk *disk, int number, const char *serial, uint64_t size);

#endif

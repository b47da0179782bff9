#include "volume.h"

#include "util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define BLOCK_DEVICES "/sys/block"
#define MOUNTS "/run/boxcar-inspect"
#define SECTOR_BYTES 512
#define LOOK_EVERY_MS 5
#define WAIT_MS 10000
#define FLAGS (MS_RDONLY | MS_NOEXEC | MS_NOSUID | MS_NODEV | MS_NOATIME)

/* What a volume begins with, of those that are met with. */
static const struct signature {
    const char *type;
    off_t offset;
    const char *bytes;
    size_t len;
    /* Whether the kernel may know it as a file system. */
    bool mountable;
    /* Two disks of one origin have one identity. */
    const char *options;
    /* The same, for a journal that cannot be gone through. */
    const char *without_journal;
} signatures[] = {
    {"ext4", 0x438, "\x53\xef", 2, true, NULL, "noload"},
    {"xfs", 0, "XFSB", 4, true, "nouuid", "nouuid,norecovery"},
    {"btrfs", 0x10040, "_BHRfS_M", 8, true, NULL, "rescue=nologreplay"},
    {"f2fs", 0x400, "\x10\x20\xf5\xf2", 4, true, NULL, "norecovery"},
    {"squashfs", 0, "hsqs", 4, true, NULL, NULL},
    {"iso9660", 0x8001, "CD001", 5, true, NULL, NULL},
    {"erofs", 0x400, "\xe2\xe1\xf5\xe0", 4, true, NULL, NULL},
    {"ntfs", 3, "NTFS    ", 8, true, NULL, NULL},
    {"exfat", 3, "EXFAT   ", 8, true, NULL, NULL},
    {"vfat", 0x36, "FAT1", 4, true, NULL, NULL},
    {"vfat", 0x52, "FAT32", 5, true, NULL, NULL},
    {"swap", 4086, "SWAPSPACE2", 10, false, NULL, NULL},
    {"LUKS", 0, "LUKS\xba\xbe", 6, false, NULL, NULL},
    {"LVM", 0x218, "LVM2 001", 8, false, NULL, NULL},
    {"LVM", 0x18, "LVM2 001", 8, false, NULL, NULL},
};

bool volumes_prepare(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return false;
    return (mkdir(MOUNTS, 0700) == 0 || errno == EEXIST) && mount("inspect", MOUNTS, "tmpfs", 0, "mode=700") == 0;
}

static bool read_attribute(const char *device, const char *name, struct buf *out)
{
    char *path = xprintf(BLOCK_DEVICES "/%s/%s", device, name);
    bool ok = read_file(path, out, 256);
    free(path);
    if (ok && out->len > 0 && out->data[out->len - 1] == '\n')
        out->data[--out->len] = '\0';
    return ok && out->len > 0;
}

static uint64_t read_number(const char *device, const char *name)
{
    struct buf text = {0};
    uint64_t number = read_attribute(device, name, &text) ? strtoull(text.data, NULL, 10) : 0;
    buf_free(&text);
    return number;
}

/* The name of the device, to be freed; NULL if there is none. */
static char *find_disk(const char *serial)
{
    char *found = NULL;
    DIR *devices = opendir(BLOCK_DEVICES);
    if (devices == NULL)
        return NULL;
    for (struct dirent *entry = readdir(devices); entry != NULL && found == NULL; entry = readdir(devices)) {
        struct buf text = {0};
        if (entry->d_name[0] != '.' && read_attribute(entry->d_name, "serial", &text) && strcmp(text.data, serial) == 0)
            found = xstrdup(entry->d_name);
        buf_free(&text);
    }
    closedir(devices);
    return found;
}

static char *wait_for_disk(const char *serial, uint64_t size)
{
    int64_t end = now_ms() + WAIT_MS;
    for (;;) {
        char *device = find_disk(serial);
        if (device != NULL && read_number(device, "size") * SECTOR_BYTES == size)
            return device;
        free(device);
        if (now_ms() >= end)
            return NULL;
        sleep_ms(LOOK_EVERY_MS);
    }
}

/* What is remembered of it is of the empty disk that was in its place, and so is what is known of its partitions. */
static void look_again(const char *device)
{
    char *path = xprintf("/dev/%s", device);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ioctl(fd, BLKFLSBUF, 0);
        ioctl(fd, BLKRRPART, 0);
        close(fd);
    }
    free(path);
}

static const struct signature *recognize(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const struct signature *found = NULL;
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures && found == NULL && fd >= 0; i++) {
        char start[16];
        const struct signature *s = &signatures[i];
        if (pread(fd, start, s->len, s->offset) == (ssize_t)s->len && memcmp(start, s->bytes, s->len) == 0)
            found = s;
    }
    if (fd >= 0)
        close(fd);
    return found;
}

static void measure(struct volume *volume)
{
    struct statvfs info;
    if (fstatvfs(volume->root, &info) == 0)
        volume->used = (uint64_t)(info.f_blocks - info.f_bfree) * info.f_frsize;
}

/* A journal is gone through, as by a machine that starts from the disk: what that writes goes with this machine. */
static bool try_mount(const char *path, const char *target, const struct signature *s)
{
    if (mount(path, target, s->type, FLAGS, s->options) == 0)
        return true;
    int why = errno;
    if (s->without_journal != NULL && mount(path, target, s->type, FLAGS, s->without_journal) == 0)
        return true;
    errno = why;
    return false;
}

static void open_volume(struct disk *disk, int number, const char *device, int partition, uint64_t bytes)
{
    struct volume *volume = &disk->volumes[disk->count];
    *volume = (struct volume){.partition = partition, .bytes = bytes, .type = "unknown", .root = -1};
    char *path = xprintf("/dev/%s", device);
    char *target = xprintf(MOUNTS "/%d-%d", number, disk->count);
    const struct signature *s = recognize(path);
    if (s != NULL)
        volume->type = s->type;
    if (s == NULL)
        volume->obstacle = xstrdup("there is no file system that is known here");
    else if (!s->mountable)
        volume->obstacle = xstrdup("it is no file system");
    else if (mkdir(target, 0700) != 0 || !try_mount(path, target, s))
        volume->obstacle = errno == ENODEV ? xstrdup("the kernel of the inspecting machine does not know this file system")
                                           : xprintf("it cannot be mounted: %s", strerror(errno));
    else
        volume->root = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (volume->root >= 0) {
        measure(volume);
        volume->obstacle = xstrdup("");
    } else if (volume->obstacle == NULL) {
        volume->obstacle = xstrdup("it cannot be opened");
    }
    disk->count++;
    free(target);
    free(path);
}

static int by_partition(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* The numbers of the partitions the kernel has found, in their order. */
static int find_partitions(const char *device, int *numbers)
{
    int count = 0;
    char *folder = xprintf(BLOCK_DEVICES "/%s", device);
    DIR *entries = opendir(folder);
    free(folder);
    if (entries == NULL)
        return 0;
    for (struct dirent *entry = readdir(entries); entry != NULL && count < MAX_VOLUMES; entry = readdir(entries)) {
        if (strncmp(entry->d_name, device, strlen(device)) != 0)
            continue;
        char *name = xprintf("%s/partition", entry->d_name);
        int number = (int)read_number(device, name);
        free(name);
        if (number > 0)
            numbers[count++] = number;
    }
    closedir(entries);
    qsort(numbers, (size_t)count, sizeof *numbers, by_partition);
    return count;
}

bool volumes_open(struct disk *disk, int number, const char *serial, uint64_t size)
{
    char *device = wait_for_disk(serial, size);
    if (device == NULL)
        return false;
    look_again(device);
    int partitions[MAX_VOLUMES];
    int count = find_partitions(device, partitions);
    for (int i = 0; i < count; i++) {
        char *name = xprintf("%s%d", device, partitions[i]);
        char *attribute = xprintf("%s/size", name);
        open_volume(disk, number, name, partitions[i], read_number(device, attribute) * SECTOR_BYTES);
        free(attribute);
        free(name);
    }
    if (count == 0)
        open_volume(disk, number, device, 0, size);
    free(device);
    return true;
}

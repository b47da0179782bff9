#include "disks.h"

#include "parents.h"
#include "users.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define BLOCK_DEVICES "/sys/block"
#define MOUNTS "/proc/self/mountinfo"
#define MAX_MOUNTS_BYTES (16 * 1024 * 1024)
#define SECTOR_BYTES 512.0
#define LOOK_EVERY_MS 5
#define WAIT_MS 10000

/*
 * Tables of inodes that nobody uses are not written, and what is deleted takes no room on the host. Whoever writes
 * nonsense to the disk must not make this kernel go on with it.
 */
#define OPTIONS "noinit_itable,discard,errors=remount-ro"

static bool read_attribute(const char *device, const char *name, struct buf *out)
{
    char *path = xprintf(BLOCK_DEVICES "/%s/%s", device, name);
    bool ok = read_file(path, out, 256);
    free(path);
    if (ok && out->len > 0 && out->data[out->len - 1] == '\n')
        out->data[--out->len] = '\0';
    return ok && out->len > 0;
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

static double size_of(const char *device)
{
    struct buf text = {0};
    double sectors = read_attribute(device, "size", &text) ? strtod(text.data, NULL) : 0;
    buf_free(&text);
    return sectors * SECTOR_BYTES;
}

/* The disk may just have been put in. */
static char *wait_for_disk(const char *serial, double size)
{
    int64_t end = now_ms() + WAIT_MS;
    for (;;) {
        char *device = find_disk(serial);
        if (device != NULL && size_of(device) == size)
            return device;
        free(device);
        if (now_ms() >= end)
            return NULL;
        sleep_ms(LOOK_EVERY_MS);
    }
}

static void forget_contents(const char *device)
{
    int fd = open(device, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, BLKFLSBUF, 0) != 0)
        note("what is remembered of %s cannot be forgotten: %s", device, strerror(errno));
    if (fd >= 0)
        close(fd);
}

static bool mount_disk(const char *name, const char *path, bool read_only, const struct user *owner)
{
    unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOATIME | (read_only ? MS_RDONLY : 0);
    char *device = xprintf("/dev/%s", name);
    forget_contents(device);
    bool ok = mount(device, path, "ext4", flags, OPTIONS) == 0;
    free(device);
    return ok && (owner == NULL || read_only || chown(path, owner->uid, owner->gid) == 0);
}

static void mount_at(struct reply *reply, const char *device, char *path, const struct user *owner)
{
    bool read_only = json_get_bool(reply->action, "readOnly");
    char *inside = xprintf("%s/.", path);
    bool ready = *path == '/' && make_parents(inside, owner);
    if (*path != '/')
        errno = EINVAL;
    if (!ready)
        reply_errno(reply, path, errno);
    else if (!mount_disk(device, path, read_only, owner))
        reply_error(reply, "mount-failed", strerror(errno));
    else
        reply_json(reply, "{}");
    free(inside);
}

void disks_mount(struct reply *reply)
{
    const char *serial = json_get_string(reply->action, "serial");
    const char *name = json_get_string(reply->action, "owner");
    struct user owner;
    if (name == NULL)
        name = reply->agent->config.user;
    if (name != NULL && !users_find(name, &owner)) {
        reply_error(reply, "io-error", "that user does not exist in this image");
        return;
    }
    char *device = serial == NULL ? NULL : wait_for_disk(serial, json_get_number(reply->action, "sizeBytes", 0));
    if (device == NULL) {
        reply_error(reply, "disk-not-found", "there is no disk with that serial and size");
        return;
    }
    char *path = reply_target(reply);
    mount_at(reply, device, path, name == NULL ? NULL : &owner);
    free(path);
    free(device);
}

/* In place: \040 and the like become what they stand for. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; to++) {
        unsigned byte;
        if (*from == '\\' && sscanf(from + 1, "%3o", &byte) == 1) {
            *to = (char)byte;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* Where the device is mounted, the newest last. */
static void find_mounts(dev_t device, struct strings *mounts)
{
    struct buf text = {0};
    char *rest = read_file(MOUNTS, &text, MAX_MOUNTS_BYTES) ? text.data : NULL;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        unsigned major_number, minor_number;
        int start = 0, end = 0;
        if (sscanf(line, "%*d %*d %u:%u %*s %n%*s%n", &major_number, &minor_number, &start, &end) != 2 || end == 0)
            continue;
        if (makedev(major_number, minor_number) != device)
            continue;
        line[end] = '\0';
        unescape(line + start);
        strings_add(mounts, line + start);
    }
    buf_free(&text);
}

/* From here on nothing changes on the disk, which is as if it had been unmounted; who writes waits for ever. */
static bool freeze(const char *path, dev_t device)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool frozen = fd >= 0 && fstat(fd, &info) == 0 && info.st_dev == device && ioctl(fd, FIFREEZE, 0) == 0;
    if (fd >= 0)
        close(fd);
    return frozen;
}

/* Also by who has mounts of his own. */
static bool is_in_use(const char *device)
{
    int fd = open(device, O_RDONLY | O_EXCL | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

/* Whether the kernel has met with nonsense on it. */
static bool is_damaged(const char *name)
{
    struct buf errors = {0};
    char *path = xprintf("/sys/fs/ext4/%s/errors_count", name);
    bool damaged = read_file(path, &errors, 64) && atol(errors.data) != 0;
    buf_free(&errors);
    free(path);
    return damaged;
}

/* Whether the disk is as an orderly end leaves it; else it is as a crash would. */
static bool settle(const char *device)
{
    struct stat info;
    struct strings mounts = {0};
    if (stat(device, &info) != 0)
        return false;
    find_mounts(info.st_rdev, &mounts);
    bool frozen = false;
    for (size_t i = mounts.count; i > 0 && !frozen; i--)
        if (umount2(mounts.items[i - 1], UMOUNT_NOFOLLOW) != 0)
            frozen = freeze(mounts.items[i - 1], info.st_rdev);
    strings_free(&mounts);
    return frozen || !is_in_use(device);
}

void disks_unmount(struct reply *reply)
{
    const char *serial = json_get_string(reply->action, "serial");
    char *name = serial == NULL ? NULL : find_disk(serial);
    if (name == NULL) {
        reply_error(reply, "disk-not-found", "there is no disk with that serial");
        return;
    }
    char *device = xprintf("/dev/%s", name);
    /* Known only as long as it is mounted. */
    bool damaged = is_damaged(name);
    bool clean = settle(device) && !damaged;
    if (!clean)
        sync();
    reply_json(reply, clean ? "{\"clean\":true}" : "{\"clean\":false}");
    free(device);
    free(name);
}

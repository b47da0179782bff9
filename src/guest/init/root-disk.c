/*
 * Finds the root by its label, so that it does not matter which controller it
 * is on. The superblock of ext4 begins 1024 bytes into the file system.
 *
 * Disks that the host put in beside that of the image hold what other tasks
 * wrote, labels too: they are passed over, by their serial.
 */
#include "init.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OTHER_DISKS "boxcar-cache-"

enum { SUPERBLOCK = 1024, MAGIC_AT = 0x38, LABEL_AT = 0x78, LABEL_SIZE = 16 };

static int has_label(const char *device, const char *label)
{
	unsigned char block[1024];
	int fd = open(device, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t length = pread(fd, block, sizeof block, SUPERBLOCK);
	close(fd);
	if (length != (ssize_t)sizeof block)
		return 0;
	if (block[MAGIC_AT] != 0x53 || block[MAGIC_AT + 1] != 0xef)
		return 0;
	return strncmp((const char *)block + LABEL_AT, label, LABEL_SIZE) == 0;
}

/* A partition has no serial, the disk above it has. */
static int is_other_disk(const char *name)
{
	static const char *const places[] = {"serial", "../serial"};
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		char path[320], serial[sizeof OTHER_DISKS - 1];
		snprintf(path, sizeof path, "/sys/class/block/%s/%s", name, places[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		ssize_t length = read(fd, serial, sizeof serial);
		close(fd);
		if (length == (ssize_t)sizeof serial && memcmp(serial, OTHER_DISKS, sizeof serial) == 0)
			return 1;
	}
	return 0;
}

int find_root(const char *label, char *device, size_t size)
{
	int found = 0;
	DIR *blocks = opendir("/sys/class/block");
	if (blocks == NULL)
		return 0;
	for (struct dirent *entry = readdir(blocks); entry != NULL && !found; entry = readdir(blocks)) {
		if (entry->d_name[0] == '.' || is_other_disk(entry->d_name))
			continue;
		snprintf(device, size, "/dev/%s", entry->d_name);
		found = has_label(device, label);
	}
	closedir(blocks);
	return found;
}

/*
 * Finds the root by its label, so that it does not matter which controller it
 * is on. The superblock of ext4 begins 1024 bytes into the file system.
 */
#include "init.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

int find_root(const char *label, char *device, size_t size)
{
	int found = 0;
	DIR *blocks = opendir("/sys/class/block");
	if (blocks == NULL)
		return 0;
	for (struct dirent *entry = readdir(blocks); entry != NULL && !found; entry = readdir(blocks)) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(device, size, "/dev/%s", entry->d_name);
		found = has_label(device, label);
	}
	closedir(blocks);
	return found;
}

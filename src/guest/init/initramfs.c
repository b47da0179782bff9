/* The first stage: from the initramfs to the root file system. */
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_STEP_MICROSECONDS = 5000, WAIT_STEPS = 6000 };

/* Frees the memory of the initramfs; what is mounted below is another file system and stays. */
static void remove_tree(int directory, dev_t device)
{
	DIR *entries = fdopendir(directory);
	if (entries == NULL)
		return;
	for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
		struct stat info;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(directory, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || info.st_dev != device)
			continue;
		if (S_ISDIR(info.st_mode)) {
			int child = openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (child >= 0)
				remove_tree(child, device);
			unlinkat(directory, entry->d_name, AT_REMOVEDIR);
		} else {
			unlinkat(directory, entry->d_name, 0);
		}
	}
	closedir(entries);
}

static void wait_for_root(char *device, size_t size)
{
	for (int step = 0; step < WAIT_STEPS; step++) {
		load_drivers();
		if (find_root(ROOT_LABEL, device, size))
			return;
		allow_last_resorts();
		usleep(WAIT_STEP_MICROSECONDS);
	}
	give_up("boxcar-init: no disk has a file system labelled %s, or its controller has no driver here", ROOT_LABEL);
}

static void move_into_root(void)
{
	static const char *const mounts[] = {"/dev", "/proc", "/sys"};
	for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
		char target[32] = "/root";
		strcat(target, mounts[i]);
		if (mount(mounts[i], target, NULL, MS_MOVE, NULL) != 0)
			umount2(mounts[i], MNT_DETACH);
	}
	struct stat initramfs;
	int old = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (chdir("/root") != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0 || chdir("/") != 0)
		give_up("boxcar-init: the root cannot be entered: %s", strerror(errno));
	if (old >= 0 && fstat(old, &initramfs) == 0)
		remove_tree(old, initramfs.st_dev);
}

void run_initramfs(void)
{
	char device[300];
	char *const arguments[] = {"/sbin/init", NULL};
	mount_kernel_file_systems();
	wait_for_root(device, sizeof device);
	mkdir("/root", 0755);
	if (mount(device, "/root", "ext4", MS_NOATIME, "noinit_itable") != 0)
		give_up("boxcar-init: %s cannot be mounted: %s", device, strerror(errno));
	move_into_root();
	execv(arguments[0], arguments);
	give_up("boxcar-init: %s: %s", arguments[0], strerror(errno));
}

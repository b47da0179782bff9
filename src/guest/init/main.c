/*
 * The first program of a Boxcar guest, static and without dependencies. It is
 *
 *   /init of the initramfs    loads drivers, mounts the root, goes there
 *   /sbin/init of the root    mounts what Linux needs, starts the agent
 *   /sbin/poweroff, reboot, halt
 *
 * There is no service manager: a guest runs one task and is thrown away, and
 * under an emulated CPU each program started at boot costs tens of milliseconds.
 */
#include "init.h"

#include <string.h>
#include <sys/reboot.h>
#include <sys/vfs.h>
#include <unistd.h>

/* linux/magic.h */
#define RAMFS_KIND 0x858458f6
#define TMPFS_KIND 0x01021994

static int in_initramfs(void)
{
	struct statfs root;
	if (statfs("/", &root) != 0)
		return 0;
	return root.f_type == RAMFS_KIND || root.f_type == TMPFS_KIND;
}

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash != NULL ? slash + 1 : argc > 0 ? argv[0] : "";
	if (strcmp(name, "poweroff") == 0)
		end_machine(RB_POWER_OFF);
	if (strcmp(name, "reboot") == 0)
		end_machine(RB_AUTOBOOT);
	if (strcmp(name, "halt") == 0)
		end_machine(RB_HALT_SYSTEM);
	if (getpid() != 1) {
		say("boxcar-init is the first process of a guest, and nothing else");
		return 1;
	}
	if (in_initramfs())
		run_initramfs();
	run_system();
}

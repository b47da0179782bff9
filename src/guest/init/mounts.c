/* The file systems that Linux needs. */
#include "init.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

void mount_at(const char *type, const char *target, unsigned long flags, const char *data)
{
	mkdir(target, 0755);
	if (mount(type, target, type, flags, data) != 0 && errno != EBUSY)
		say("boxcar-init: %s: %s", target, strerror(errno));
}

void mount_kernel_file_systems(void)
{
	mount_at("devtmpfs", "/dev", MS_NOSUID, "mode=0755");
	mount_at("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_at("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

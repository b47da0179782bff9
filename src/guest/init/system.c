/* The second stage: the first process of the root file system. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static char *const AGENT[] = {"/usr/lib/boxcar/boxcar-agent", NULL};

static void mount_system(void)
{
	mount_kernel_file_systems();
	mount_at("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=0620,gid=5,ptmxmode=0666");
	mount_at("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
	mount_at("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755");
	mount_at("cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (symlink("/proc/self/fd", "/dev/fd") != 0 && errno != EEXIST)
		say("boxcar-init: /dev/fd: %s", strerror(errno));
	if (symlink("/proc/self/fd/0", "/dev/stdin") != 0 || symlink("/proc/self/fd/1", "/dev/stdout") != 0 ||
	    symlink("/proc/self/fd/2", "/dev/stderr") != 0) {
		/* They are there. */
	}
}

static void bring_loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0)
		say("boxcar-init: lo: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void set_host_name(void)
{
	char name[64] = "boxcar";
	int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		ssize_t length = read(fd, name, sizeof name - 1);
		close(fd);
		if (length > 0) {
			name[length] = '\0';
			name[strcspn(name, "\n")] = '\0';
		}
	}
	if (sethostname(name, strlen(name)) != 0)
		say("boxcar-init: host name: %s", strerror(errno));
}

static void greet(void)
{
	struct utsname kernel;
	struct sysinfo info;
	uname(&kernel);
	sysinfo(&info);
	unsigned long mebibytes = (unsigned long)((unsigned long long)info.totalram * info.mem_unit >> 20);
	say(" ");
	say("  Boxcar guest");
	say("  %s %s on %s, %ld CPUs, %lu MiB", kernel.sysname, kernel.release, kernel.machine,
	    sysconf(_SC_NPROCESSORS_ONLN), mebibytes);
	say("  asking http://169.254.169.254 for a task");
	say(" ");
}

pid_t start_program(char *const *arguments)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	int console = open("/dev/console", O_RDWR | O_NOCTTY);
	if (console >= 0)
		for (int fd = 0; fd < 3; fd++)
			dup2(console, fd);
	if (console > 2)
		close(console);
	execv(arguments[0], arguments);
	say("boxcar-init: %s: %s", arguments[0], strerror(errno));
	_exit(127);
}

void run_system(void)
{
	/* Ctrl-Alt-Del and the like are no way to end a task. */
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	umask(022);
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	mount_system();
	bring_loopback_up();
	set_host_name();
	greet();
	run_first_boot();
	pid_t agent = start_program(AGENT);
	if (agent < 0)
		give_up("boxcar-init: the agent cannot be started: %s", strerror(errno));
	for (;;) {
		int status;
		pid_t ended = waitpid(-1, &status, 0);
		if (ended < 0 && errno == EINTR)
			continue;
		/* Without its agent the guest can do nothing more, and a second one would run the task again. */
		if (ended == agent || ended < 0)
			give_up("boxcar-init: the agent has ended (status 0x%x)", status);
	}
}

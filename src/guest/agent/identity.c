#include "identity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_FILE_BYTES 65536
#define SSH_DIRECTORY "/etc/ssh"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define OWN_BOOT_ID "/run/boxcar-boot-id"
#define JOURNAL "/run/systemd/journal"

enum { MAX_ENTROPY_BYTES = 512 };

static void complain(const char *what)
{
    note("after waking, %s: %s", what, strerror(errno));
}

/* In place: a file that is emptied first is written to the disk when it is closed, which takes its time. */
static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || !write_all(fd, text, strlen(text)) || ftruncate(fd, (off_t)strlen(text)) != 0)
        complain(path);
    if (fd >= 0)
        close(fd);
}

static void add_entropy(const char *hex)
{
    struct {
        struct rand_pool_info info;
        unsigned char bytes[MAX_ENTROPY_BYTES];
    } pool = {0};
    int size = 0;
    unsigned byte;
    for (; size < MAX_ENTROPY_BYTES && sscanf(hex + 2 * size, "%2x", &byte) == 1; size++)
        pool.bytes[size] = (unsigned char)byte;
    pool.info.buf_size = size;
    pool.info.entropy_count = 8 * size;
    int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, RNDADDENTROPY, &pool) != 0 || ioctl(fd, RNDRESEEDCRNG) != 0)
        complain("the random generator cannot be seeded");
    if (fd >= 0)
        close(fd);
}

static void set_clock(double seconds)
{
    time_t whole = (time_t)seconds;
    struct timespec now = {.tv_sec = whole, .tv_nsec = (long)((seconds - (double)whole) * 1e9)};
    if (clock_settime(CLOCK_REALTIME, &now) != 0)
        complain("the clock cannot be set");
}

/* The line by which a machine knows its own name. */
static void set_own_address(const char *hostname)
{
    static const char address[] = "127.0.1.1";
    const size_t length = sizeof address - 1;
    struct buf old = {0}, new = {0};
    char *rest = NULL;
    if (read_file("/etc/hosts", &old, MAX_FILE_BYTES) && strstr(old.data, address) != NULL) {
        for (char *line = strtok_r(old.data, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
            if (strncmp(line, address, length) == 0 && strchr(" \t", line[length]) != NULL)
                buf_printf(&new, "%s %s\n", address, hostname);
            else
                buf_printf(&new, "%s\n", line);
        }
        write_file("/etc/hosts", new.data);
    }
    buf_free(&old);
    buf_free(&new);
}

static void set_hostname(const char *hostname)
{
    if (sethostname(hostname, strlen(hostname)) != 0)
        complain("the host name cannot be set");
    char *line = xprintf("%s\n", hostname);
    write_file("/etc/hostname", line);
    free(line);
    set_own_address(hostname);
}

static void set_machine_id(const char *id)
{
    char *line = xprintf("%s\n", id);
    write_file("/etc/machine-id", line);
    struct stat dbus;
    if (lstat("/var/lib/dbus/machine-id", &dbus) == 0 && S_ISREG(dbus.st_mode))
        write_file("/var/lib/dbus/machine-id", line);
    free(line);
}

/* The kernel makes it at the first look, which may have been before the machine was copied, and never again. */
static void set_boot_id(void)
{
    struct buf id = {0};
    struct buf now = {0};
    if (read_file("/proc/sys/kernel/random/uuid", &id, 64)) {
        write_file(OWN_BOOT_ID, id.data);
        /* It may be there since this machine was made a copy for the first time. */
        bool mounted = read_file(BOOT_ID, &now, 64) && strcmp(now.data, id.data) == 0;
        if (!mounted && mount(OWN_BOOT_ID, BOOT_ID, NULL, MS_BIND, NULL) != 0)
            complain("the boot id cannot be set");
    }
    buf_free(&now);
    buf_free(&id);
}

/* Returns how many there were. */
static int remove_ssh_host_keys(void)
{
    int count = 0;
    DIR *directory = opendir(SSH_DIRECTORY);
    if (directory == NULL)
        return 0;
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (strncmp(entry->d_name, "ssh_host_", 9) != 0)
            continue;
        if (unlinkat(dirfd(directory), entry->d_name, 0) == 0)
            count++;
    }
    closedir(directory);
    return count;
}

/* What is started here knows nothing of those that main waits for. */
static void unblock_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Takes seconds where the CPU is emulated, so it happens beside the task; the child is buried with the orphans. */
static void make_ssh_host_keys(void)
{
    pid_t child = fork();
    if (child != 0)
        return;
    unblock_signals();
    pid_t pid = fork();
    if (pid == 0) {
        execlp("ssh-keygen", "ssh-keygen", "-A", (char *)NULL);
        _exit(127);
    }
    int status = -1;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        note("after waking, the machine has no SSH host keys: ssh-keygen -A failed");
    struct buf sshd = {0};
    if (read_file("/run/sshd.pid", &sshd, 32) && atoi(sshd.data) > 1)
        kill(atoi(sshd.data), SIGHUP);
    _exit(0);
}

/* systemd's journal writes under the ids it has read when it began, and those who read it look for the new ones. */
static void renew_journal(void)
{
    if (access(JOURNAL, F_OK) != 0 || fork() != 0)
        return;
    unblock_signals();
    execlp("systemctl", "systemctl", "--no-block", "restart", "systemd-journald.service", (char *)NULL);
    _exit(127);
}

void identity_adopt(const struct json *line, bool renew)
{
    const char *entropy = json_get_string(line, "entropy");
    const char *hostname = json_get_string(line, "hostname");
    const char *machine_id = json_get_string(line, "machineId");
    double seconds = json_get_number(line, "time", 0);
    if (entropy != NULL)
        add_entropy(entropy);
    if (seconds > 0)
        set_clock(seconds);
    if (hostname != NULL)
        set_hostname(hostname);
    if (!renew)
        return;
    if (machine_id != NULL)
        set_machine_id(machine_id);
    set_boot_id();
}

void identity_renew_services(void)
{
    renew_journal();
    if (remove_ssh_host_keys() > 0)
        make_ssh_host_keys();
}

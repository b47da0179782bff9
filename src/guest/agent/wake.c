#include "wake.h"

#include "json.h"
#include "rehearsal.h"
#include "util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <poll.h>
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

#define PORTS "/sys/class/virtio-ports"
#define PORT_NAME "boxcar.wake"
#define MAX_LINE_BYTES 4096
#define MAX_FILE_BYTES 65536
#define SSH_DIRECTORY "/etc/ssh"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define OWN_BOOT_ID "/run/boxcar-boot-id"
#define JOURNAL "/run/systemd/journal"

enum { MAX_ENTROPY_BYTES = 512 };

static int open_port(void)
{
    int fd = -1;
    DIR *ports = opendir(PORTS);
    if (ports == NULL)
        return -1;
    for (struct dirent *entry = readdir(ports); entry != NULL && fd < 0; entry = readdir(ports)) {
        char *path = xprintf(PORTS "/%s/name", entry->d_name);
        struct buf name = {0};
        if (entry->d_name[0] != '.' && read_file(path, &name, 256) && strcmp(name.data, PORT_NAME "\n") == 0) {
            char *device = xprintf("/dev/%s", entry->d_name);
            fd = open(device, O_RDWR | O_CLOEXEC);
            free(device);
        }
        buf_free(&name);
        free(path);
    }
    closedir(ports);
    return fd;
}

/* Without a host at the other end a write would wait for ever. */
static bool has_host(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP) == 0;
}

/* One line, which is all the host sends before it hears from here again. */
static bool read_line(int fd, struct buf *line)
{
    char data[1024];
    while (line->len < MAX_LINE_BYTES) {
        ssize_t n = read(fd, data, sizeof data);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        const char *end = memchr(data, '\n', (size_t)n);
        buf_append(line, data, end == NULL ? (size_t)n : (size_t)(end - data));
        if (end != NULL)
            return line->len > 0;
    }
    return false;
}

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
    if (read_file("/proc/sys/kernel/random/uuid", &id, 64)) {
        write_file(OWN_BOOT_ID, id.data);
        if (mount(OWN_BOOT_ID, BOOT_ID, NULL, MS_BIND, NULL) != 0)
            complain("the boot id cannot be set");
    }
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

/* Takes seconds where the CPU is emulated, so it happens beside the task; the child is buried with the orphans. */
static void make_ssh_host_keys(void)
{
    pid_t child = fork();
    if (child != 0)
        return;
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
    execlp("systemctl", "systemctl", "--no-block", "restart", "systemd-journald.service", (char *)NULL);
    _exit(127);
}

static void become_unique(const struct json *line)
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
    if (json_get_bool(line, "booted"))
        return;
    if (machine_id != NULL)
        set_machine_id(machine_id);
    set_boot_id();
}

/* False: there is no host, or none any more. */
static bool wait_for_line(int fd, struct json **line)
{
    struct buf text = {0};
    *line = NULL;
    bool heard = write_all(fd, "parked\n", 7) && read_line(fd, &text);
    if (heard)
        *line = json_parse(text.data, text.len);
    if (heard && *line == NULL)
        note("the host woke this machine with a line that is not JSON");
    buf_free(&text);
    return heard;
}

void wake_wait(const char *url, const struct config *config)
{
    int fd = open_port();
    if (fd < 0)
        return;
    bool rehearsing = has_host(fd);
    while (rehearsing) {
        struct json *line;
        if (!wait_for_line(fd, &line))
            break;
        become_unique(line);
        rehearsing = json_get_bool(line, "rehearse");
        /* Then its ids and keys were made in this very machine, and are nobody else's. */
        bool booted = json_get_bool(line, "booted");
        json_free(line);
        if (rehearsing) {
            rehearse(url, config);
        } else if (!booted) {
            renew_journal();
            if (remove_ssh_host_keys() > 0)
                make_ssh_host_keys();
        }
    }
    close(fd);
}

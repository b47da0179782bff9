#include "wake.h"

#include "identity.h"
#include "rehearsal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PORTS "/sys/class/virtio-ports"
#define PORT_NAME "boxcar.wake"

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

/* Takes the first line out of what has come: its length without its end, or -1 if there is no whole one. */
static ssize_t take_line(struct wake *wake, char *line)
{
    for (;;) {
        char *end = memchr(wake->data, '\n', wake->len);
        size_t length = end == NULL ? wake->len : (size_t)(end - wake->data);
        bool complete = end != NULL;
        bool wanted = complete && !wake->skipping;
        if (!complete && !wake->skipping && wake->len < sizeof wake->data)
            return -1;
        if (!wake->skipping && !complete)
            note("a line of the host is too long");
        wake->skipping = !complete;
        if (wanted)
            memcpy(line, wake->data, length);
        size_t taken = complete ? length + 1 : length;
        wake->len -= taken;
        memmove(wake->data, wake->data + taken, wake->len);
        if (wanted)
            return (ssize_t)length;
        if (wake->len == 0)
            return -1;
    }
}

/* Waits if the port does. False: there is none yet, or no host any more. */
static bool read_line(struct wake *wake, struct json **line)
{
    char text[MAX_LINE_BYTES];
    for (;;) {
        ssize_t length = take_line(wake, text);
        if (length >= 0) {
            *line = json_parse(text, (size_t)length);
            if (*line == NULL)
                note("a line of the host is not JSON");
            return true;
        }
        ssize_t n = read(wake->fd, wake->data + wake->len, sizeof wake->data - wake->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        wake->len += (size_t)n;
    }
}

void wake_open(struct wake *wake, int fd)
{
    *wake = (struct wake){.fd = fd >= 0 ? fd : open_port()};
    if (fd >= 0)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void wait_until_awake(struct wake *wake, const struct agent *agent)
{
    for (bool rehearsing = has_host(wake->fd); rehearsing;) {
        struct json *line;
        if (!write_all(wake->fd, "parked\n", 7) || !read_line(wake, &line))
            return;
        rehearsing = json_get_bool(line, "rehearse");
        /* It was parked when it moved, and may be the same machine as before. */
        bool same = json_get_bool(line, "moved") && json_get_string(line, "machineId") == NULL;
        bool renew = !same && !json_get_bool(line, "booted");
        if (agent->owns_machine) {
            identity_adopt(line, renew);
            if (!rehearsing && renew)
                identity_renew_services();
        }
        const char *life = json_get_string(line, "life");
        if (life != NULL)
            moves_note(life, 0);
        json_free(line);
        if (rehearsing)
            rehearse(agent->url, &agent->config);
    }
}

void wake_wait(struct wake *wake, const struct agent *agent)
{
    if (wake->fd < 0)
        return;
    wait_until_awake(wake, agent);
    fcntl(wake->fd, F_SETFL, fcntl(wake->fd, F_GETFL) | O_NONBLOCK);
}

struct json *wake_next_move(struct wake *wake)
{
    struct json *line;
    while (read_line(wake, &line)) {
        if (json_get_bool(line, "moved"))
            return line;
        json_free(line);
    }
    return NULL;
}

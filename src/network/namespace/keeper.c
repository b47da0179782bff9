/*
 * The one process of a machine's network namespace. It opens what the worker
 * listens on, hands it over, gives up every right, and carries the packets
 * between a tun device and the worker. The namespace exists as long as it
 * does, and it ends when the worker does.
 *
 *   keeper TUN SERVICE...     SERVICE is KIND,NAME,ADDRESS,PORT
 *
 * KIND: tcp, udp; transparent: a TCP listener for connections to any address;
 * broadcast,NAME,DEVICE,PORT: UDP on a device, which may be sent to a guest
 * that has no address yet.
 *
 * File descriptor 3: packets, each with its length in front, 4 bytes big-endian.
 * File descriptor NODE_CHANNEL_FD: a channel of Node, which takes lines of JSON,
 * and one open file with a line.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define PACKETS 3
#define LENGTH_BYTES 4
#define MAX_PACKET 65535
#define BACKLOG 511

/* A frame that is only partly written, or several that are read. */
struct buffer {
    unsigned char bytes[4 * (LENGTH_BYTES + MAX_PACKET)];
    size_t from;
    size_t to;
};

/* One line of JSON, with an open file if `file` is not negative. */
static void tell(int channel, const char *line, int file)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec text = { .iov_base = (void *)line, .iov_len = strlen(line) };
    struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };
    if (file >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control.space;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &file, sizeof file);
    }
    if (sendmsg(channel, &message, MSG_NOSIGNAL) != (ssize_t)text.iov_len)
        err(1, "the worker was not told");
}

static void set(int file, int level, int option, const char *what)
{
    int on = 1;
    if (setsockopt(file, level, option, &on, sizeof on) < 0)
        err(1, "%s", what);
}

static int open_service(const char *kind, const char *address, int port)
{
    int stream = strcmp(kind, "tcp") == 0 || strcmp(kind, "transparent") == 0;
    int broadcast = strcmp(kind, "broadcast") == 0;
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int file = socket(AF_INET, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file < 0)
        err(1, "socket");
    if (broadcast) {
        set(file, SOL_SOCKET, SO_BROADCAST, "SO_BROADCAST");
        if (setsockopt(file, SOL_SOCKET, SO_BINDTODEVICE, address, (socklen_t)strlen(address)) < 0)
            err(1, "SO_BINDTODEVICE %s", address);
    } else if (inet_pton(AF_INET, address, &in.sin_addr) != 1) {
        errx(2, "not an IPv4 address: %s", address);
    }
    if (strcmp(kind, "transparent") == 0)
        set(file, IPPROTO_IP, IP_TRANSPARENT, "IP_TRANSPARENT");
    if (stream)
        set(file, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR");
    if (bind(file, (struct sockaddr *)&in, sizeof in) < 0)
        err(1, "%s %s:%d", kind, address, port);
    if (stream && listen(file, BACKLOG) < 0)
        err(1, "listen %s:%d", address, port);
    return file;
}

static void hand_over(int channel, const char *service)
{
    char kind[16], name[16], address[24], line[256];
    int port;
    if (sscanf(service, "%15[a-z],%15[a-z],%23[a-z0-9.],%d", kind, name, address, &port) != 4)
        errx(2, "not a service: %s", service);
    int file = open_service(kind, address, port);
    const char *type = kind[0] == 't' ? "\"net.Native\"" : "\"dgram.Native\"";
    snprintf(line, sizeof line, "{\"cmd\":\"NODE_HANDLE\",\"type\":%s,\"msg\":{\"service\":\"%s\"}}\n", type, name);
    tell(channel, line, file);
    close(file);
}

static int attach(const char *name)
{
    struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tun < 0 || ioctl(tun, TUNSETIFF, &request) < 0)
        err(1, "%s", name);
    return tun;
}

static void give_up_rights(void)
{
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
        if (prctl(PR_CAPBSET_DROP, capability) < 0)
            err(1, "bounding set");
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[2] = { { 0 } };
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capset, &header, none) < 0)
        err(1, "capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        err(1, "no_new_privs");
}

/* Whether anybody is left to carry packets for. */
static int flush(struct buffer *out)
{
    while (out->from < out->to) {
        ssize_t length = send(PACKETS, out->bytes + out->from, out->to - out->from, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (length < 0)
            return errno == EAGAIN || errno == EINTR;
        out->from += (size_t)length;
    }
    out->from = out->to = 0;
    return 1;
}

/* What does not fit waits in the device, which drops what it has no room for. */
static int from_guest(int tun, struct buffer *out)
{
    while (out->to + LENGTH_BYTES + MAX_PACKET <= sizeof out->bytes) {
        unsigned char *frame = out->bytes + out->to;
        ssize_t length = read(tun, frame + LENGTH_BYTES, MAX_PACKET);
        if (length <= 0)
            break;
        uint32_t prefix = htonl((uint32_t)length);
        memcpy(frame, &prefix, LENGTH_BYTES);
        out->to += LENGTH_BYTES + (size_t)length;
    }
    return flush(out);
}

static int to_guest(int tun, struct buffer *in)
{
    ssize_t length = recv(PACKETS, in->bytes + in->to, sizeof in->bytes - in->to, MSG_DONTWAIT);
    if (length <= 0)
        return length < 0 && (errno == EAGAIN || errno == EINTR);
    in->to += (size_t)length;
    while (in->to - in->from >= LENGTH_BYTES) {
        uint32_t size;
        memcpy(&size, in->bytes + in->from, LENGTH_BYTES);
        size = ntohl(size);
        if (size > MAX_PACKET)
            return 0;
        if (in->to - in->from - LENGTH_BYTES < size)
            break;
        /* A packet that the kernel does not take is lost, as packets may be. */
        ssize_t written = write(tun, in->bytes + in->from + LENGTH_BYTES, size);
        (void)written;
        in->from += LENGTH_BYTES + size;
    }
    memmove(in->bytes, in->bytes + in->from, in->to - in->from);
    in->to -= in->from;
    in->from = 0;
    return 1;
}

/* The worker says nothing that matters here, but that it is gone. */
static int is_open(int channel)
{
    char ignored[4096];
    ssize_t length = recv(channel, ignored, sizeof ignored, MSG_DONTWAIT);
    return length > 0 || (length < 0 && (errno == EAGAIN || errno == EINTR));
}

static void carry(int tun, int channel)
{
    static struct buffer in, out;
    struct pollfd polls[] = { { .fd = tun }, { .fd = PACKETS }, { .fd = channel, .events = POLLIN } };
    for (;;) {
        polls[0].events = out.to == 0 ? POLLIN : 0;
        polls[1].events = POLLIN | (out.to == 0 ? 0 : POLLOUT);
        if (poll(polls, 3, -1) < 0 && errno != EINTR)
            err(1, "poll");
        if (polls[2].revents && !is_open(channel))
            return;
        if ((polls[1].revents & POLLOUT) && !flush(&out))
            return;
        if ((polls[1].revents & ~POLLOUT) && !to_guest(tun, &in))
            return;
        if (polls[0].revents && !from_guest(tun, &out))
            return;
    }
}

/* Connects to the guest, hands the connection over and ends when that was heard of. */
static int dial(int channel, const char *what)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct timeval patience = { .tv_sec = 10 };
    char address[24], heard[256];
    int port, on = 1;
    if (sscanf(what, "tcp,dial,%23[0-9.],%d", address, &port) != 2 || inet_pton(AF_INET, address, &in.sin_addr) != 1)
        errx(2, "not a port of the guest: %s", what);
    in.sin_port = htons((uint16_t)port);
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0)
        err(1, "socket");
    set(file, SOL_IP, IP_TRANSPARENT, "IP_TRANSPARENT");
    /* Of connect, too. */
    if (setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0)
        err(1, "SO_SNDTIMEO");
    if (setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        err(1, "TCP_NODELAY");
    if (connect(file, (struct sockaddr *)&in, sizeof in) < 0)
        errx(1, "%s", errno == EINPROGRESS ? "the guest does not answer" : strerror(errno));
    if (fcntl(file, F_SETFL, O_NONBLOCK) < 0)
        err(1, "O_NONBLOCK");
    tell(channel, "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":{\"service\":\"dial\"}}\n", file);
    close(file);
    struct pollfd answer = { .fd = channel, .events = POLLIN };
    if (poll(&answer, 1, 10000) == 1)
        (void)!recv(channel, heard, sizeof heard, MSG_DONTWAIT);
    return 0;
}

int main(int argc, char **argv)
{
    const char *number = getenv("NODE_CHANNEL_FD");
    if (argc < 2 || number == NULL)
        errx(2, "usage: keeper TUN SERVICE... | keeper --dial tcp,dial,ADDRESS,PORT");
    int channel = atoi(number);
    if (argc == 3 && strcmp(argv[1], "--dial") == 0)
        return dial(channel, argv[2]);
    /* Set before, too; some changes of rights take it back. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "boxcar-network");
    /* It will have no rights, and so anybody without rights of the same user, QEMU, could debug it. */
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        err(1, "dumpable");
    int tun = attach(argv[1]);
    for (int i = 2; i < argc; i++)
        hand_over(channel, argv[i]);
    give_up_rights();
    if (chdir("/") < 0)
        err(1, "/");
    tell(channel, "{\"ready\":true}\n", -1);
    carry(tun, channel);
    return 0;
}

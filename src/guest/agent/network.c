#include "network.h"

#include "util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESS "10.0.2.15"
#define NETMASK "255.255.255.0"
#define GATEWAY "10.0.2.2"
#define RESOLV_CONF "/etc/resolv.conf"

static struct ifreq request_for(const char *name)
{
    struct ifreq r = {0};
    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
    return r;
}

static void set_sockaddr(struct sockaddr *target, const char *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    inet_pton(AF_INET, address, &in.sin_addr);
    memcpy(target, &in, sizeof in);
}

static bool has_address(int fd, const char *name)
{
    struct ifreq r = request_for(name);
    return ioctl(fd, SIOCGIFADDR, &r) == 0;
}

static bool is_ethernet(int fd, const char *name)
{
    struct ifreq r = request_for(name);
    return ioctl(fd, SIOCGIFHWADDR, &r) == 0 && r.ifr_hwaddr.sa_family == ARPHRD_ETHER;
}

/* A network card, not a bridge or a tunnel: only cards have a device. Without /sys anything may be one. */
static bool is_card(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "/sys/class/net/%s/device", name);
    return access(path, F_OK) == 0 || access("/sys/class/net", F_OK) != 0;
}

static bool set_up(int fd, const char *name)
{
    struct ifreq r = request_for(name);
    if (ioctl(fd, SIOCGIFFLAGS, &r) != 0)
        return false;
    if ((r.ifr_flags & IFF_UP) != 0)
        return true;
    r.ifr_flags |= IFF_UP;
    return ioctl(fd, SIOCSIFFLAGS, &r) == 0;
}

static bool configure(int fd, const char *name)
{
    struct ifreq address = request_for(name);
    set_sockaddr(&address.ifr_addr, ADDRESS);
    struct ifreq mask = request_for(name);
    set_sockaddr(&mask.ifr_netmask, NETMASK);
    struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY, .rt_dev = (char *)name};
    set_sockaddr(&route.rt_dst, "0.0.0.0");
    set_sockaddr(&route.rt_genmask, "0.0.0.0");
    set_sockaddr(&route.rt_gateway, GATEWAY);
    return ioctl(fd, SIOCSIFADDR, &address) == 0 && ioctl(fd, SIOCSIFNETMASK, &mask) == 0 && set_up(fd, name) &&
           (ioctl(fd, SIOCADDRT, &route) == 0 || errno == EEXIST);
}

static void write_resolv_conf(void)
{
    static const char text[] = "nameserver " GATEWAY "\n";
    struct buf old = {0};
    bool configured = read_file(RESOLV_CONF, &old, 65536) && strstr(old.data, "nameserver") != NULL;
    buf_free(&old);
    if (configured)
        return;
    int fd = open(RESOLV_CONF, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return;
    write_all(fd, text, sizeof text - 1);
    close(fd);
}

void network_bring_up(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    set_up(fd, "lo");
    char card[IF_NAMESIZE] = "";
    bool configured = false;
    struct if_nameindex *all = if_nameindex();
    for (struct if_nameindex *i = all; i != NULL && i->if_name != NULL; i++) {
        if (strcmp(i->if_name, "lo") == 0)
            continue;
        configured = configured || has_address(fd, i->if_name);
        if (card[0] == '\0' && is_ethernet(fd, i->if_name) && is_card(i->if_name))
            snprintf(card, sizeof card, "%s", i->if_name);
    }
    if (all != NULL)
        if_freenameindex(all);
    if (!configured && card[0] != '\0') {
        if (configure(fd, card))
            write_resolv_conf();
        else
            note("cannot configure %s: %s", card, strerror(errno));
    }
    close(fd);
}

/*
 * boxcar-inspect: tells what is on disks that were put into this machine, and answers questions about their files.
 *
 * usage: boxcar-inspect MAX_ENTRIES SERIAL BYTES [SERIAL BYTES]
 *
 * Everything it says ends with a NUL, since names do. First, of each disk, by its number:
 *
 *   V<disk> <volume> <partition> <bytes> <used bytes> <type> <why it cannot be looked into, or nothing>
 *   E<volume> <type> <mode> <uid> <gid> <bytes> <mtime> <links> <device> <path>    then, of a link, L<target>
 *   W<volume> <what could not be looked into>
 *   T         there is more than MAX_ENTRIES, which was left out
 *   D<disk>   that was all of it
 *
 * or F<why>, which is its last word. Then it answers until its input ends; of what is asked for ends with a NUL too:
 *
 *   C<volume of disk 0> <volume of disk 1> <path>    S the same, D different, X<why not>
 *   G<disk> <volume> <most bytes> <path>             B<bytes> and those bytes, X<why not>
 */
#include "contents.h"
#include "listing.h"
#include "util.h"
#include "volume.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_DISKS 2
#define MAX_REQUEST (64 * 1024)

static struct disk disks[MAX_DISKS];

static int fail(const char *why)
{
    printf("F%s%c", why, 0);
    fflush(stdout);
    return 1;
}

static void tell_disk(int number, uint64_t room)
{
    const struct disk *disk = &disks[number];
    for (int i = 0; i < disk->count; i++) {
        const struct volume *v = &disk->volumes[i];
        printf("V%d %d %d %" PRIu64 " %" PRIu64 " %s %s%c", number, i, v->partition, v->bytes, v->used, v->type,
               v->obstacle, 0);
    }
    for (int i = 0; i < disk->count; i++)
        if (disk->volumes[i].root >= 0)
            listing_tell(i, disk->volumes[i].root, &room);
    if (room == 0)
        printf("T%c", 0);
    printf("D%d%c", number, 0);
}

/* -1: there is no such volume. */
static int root_of(unsigned disk, unsigned volume)
{
    if (disk >= MAX_DISKS || (int)volume >= disks[disk].count)
        return -1;
    return disks[disk].volumes[volume].root;
}

static void answer(const char *request)
{
    unsigned a, b;
    uint64_t max;
    int end = 0;
    /* One space, and no more: a name may begin with others. */
    if (sscanf(request, "C%u %u%n", &a, &b, &end) == 2 && request[end] == ' ' && root_of(0, a) >= 0 && root_of(1, b) >= 0)
        contents_compare(root_of(0, a), root_of(1, b), request + end + 1);
    else if (sscanf(request, "G%u %u %" SCNu64 "%n", &a, &b, &max, &end) == 3 && request[end] == ' ' &&
             root_of(a, b) >= 0)
        contents_tell(root_of(a, b), request + end + 1, max);
    else
        printf("Xthis cannot be asked%c", 0);
}

/* What was said is sent only when nothing more was asked yet. */
static void answer_all(void)
{
    static char input[MAX_REQUEST];
    size_t len = 0;
    for (;;) {
        fflush(stdout);
        ssize_t got = read(0, input + len, sizeof input - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return;
        len += (size_t)got;
        size_t done = 0;
        for (char *end; (end = memchr(input + done, '\0', len - done)) != NULL; done = (size_t)(end - input) + 1)
            answer(input + done);
        memmove(input, input + done, len - done);
        len -= done;
        if (len == sizeof input)
            return;
    }
}

int main(int argc, char **argv)
{
    static char output[64 * 1024];
    setvbuf(stdout, output, _IOFBF, sizeof output);
    int count = (argc - 2) / 2;
    if (argc < 4 || argc % 2 != 0 || count > MAX_DISKS)
        return fail("usage: boxcar-inspect MAX_ENTRIES SERIAL BYTES [SERIAL BYTES]");
    if (!volumes_prepare())
        return fail("mounts cannot be made here; the agent of the image does not run as root");
    uint64_t room = strtoull(argv[1], NULL, 10);
    for (int i = 0; i < count; i++) {
        if (!volumes_open(&disks[i], i, argv[2 + 2 * i], strtoull(argv[3 + 2 * i], NULL, 10)))
            return fail("the disk does not appear in the inspecting machine");
        tell_disk(i, room);
    }
    answer_all();
    return 0;
}

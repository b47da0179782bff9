#include "contents.h"

#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK_BYTES (256 * 1024)

static char blocks[2][BLOCK_BYTES];

static void tell_error(void)
{
    printf("X%s%c", strerror(errno), 0);
}

/* No link leads out of the volume. */
static int open_inside(int root, const char *path, uint64_t links)
{
    struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | links};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

/* Where data goes on, as far as the file system tells; `end` if there is none. */
static off_t next_data(int fd, off_t from, off_t end)
{
    off_t at = lseek(fd, from, SEEK_DATA);
    if (at >= 0)
        return at;
    return errno == ENXIO ? end : from;
}

static ssize_t read_block(int fd, char *block, off_t at, size_t most)
{
    size_t got = 0;
    while (got < most) {
        ssize_t n = pread(fd, block + got, most - got, at + (off_t)got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

/* 1: the same; 0: not; -1: errno. */
static int compare(int a, int b, off_t size)
{
    for (off_t at = 0; at < size;) {
        /* Where one block is all there is, to look for holes costs more than to read them. */
        if (size > BLOCK_BYTES) {
            off_t in_a = next_data(a, at, size), in_b = next_data(b, at, size);
            at = in_a < in_b ? in_a : in_b;
        }
        if (at >= size)
            break;
        size_t most = size - at < BLOCK_BYTES ? (size_t)(size - at) : BLOCK_BYTES;
        ssize_t got_a = read_block(a, blocks[0], at, most), got_b = read_block(b, blocks[1], at, most);
        if (got_a < 0 || got_b < 0)
            return -1;
        if (got_a != got_b || memcmp(blocks[0], blocks[1], (size_t)got_a) != 0)
            return 0;
        if (got_a == 0)
            break;
        at += got_a;
    }
    return 1;
}

static void compare_open(int a, int b)
{
    struct stat of_a, of_b;
    if (fstat(a, &of_a) != 0 || fstat(b, &of_b) != 0) {
        tell_error();
        return;
    }
    int same = of_a.st_size == of_b.st_size ? compare(a, b, of_a.st_size) : 0;
    if (same < 0)
        tell_error();
    else
        printf("%c%c", same ? 'S' : 'D', 0);
}

void contents_compare(int root_a, int root_b, const char *path)
{
    int a = open_inside(root_a, path, RESOLVE_NO_SYMLINKS);
    int b = a < 0 ? -1 : open_inside(root_b, path, RESOLVE_NO_SYMLINKS);
    if (b < 0)
        tell_error();
    else
        compare_open(a, b);
    if (a >= 0)
        close(a);
    if (b >= 0)
        close(b);
}

void contents_tell(int root, const char *path, uint64_t max)
{
    struct buf content = {0};
    struct stat info;
    int fd = open_inside(root, path, 0);
    bool ok = fd >= 0 && fstat(fd, &info) == 0;
    if (ok && (!S_ISREG(info.st_mode) || (uint64_t)info.st_size > max)) {
        errno = S_ISREG(info.st_mode) ? EFBIG : EINVAL;
        ok = false;
    }
    for (ssize_t got = 1; ok && got > 0 && content.len < max;) {
        got = read_block(fd, blocks[0], (off_t)content.len, BLOCK_BYTES);
        ok = got >= 0;
        if (got > 0)
            buf_append(&content, blocks[0], (size_t)got < max - content.len ? (size_t)got : max - content.len);
    }
    if (!ok) {
        tell_error();
    } else {
        printf("B%zu%c", content.len, 0);
        if (content.len > 0)
            fwrite(content.data, 1, content.len, stdout);
    }
    if (fd >= 0)
        close(fd);
    buf_free(&content);
}

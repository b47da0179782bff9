#include "tar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 512
#define COPY_BYTES (128 * 1024)
#define MAX_OCTAL_SIZE 077777777777ULL

struct header {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6];
    char version[2];
    char user[32];
    char group[32];
    char major[8];
    char minor[8];
    char prefix[155];
    char padding[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a tar header is one block");

void tar_init(struct tar *tar, tar_sink sink, void *context)
{
    *tar = (struct tar){.sink = sink, .context = context, .block = xmalloc(COPY_BYTES)};
}

void tar_free(struct tar *tar)
{
    free(tar->block);
}

static void octal(char *field, size_t size, uint64_t value)
{
    field[size - 1] = '\0';
    for (size_t i = size - 1; i > 0; i--) {
        field[i - 1] = (char)('0' + (value & 7));
        value >>= 3;
    }
}

static bool put_header(struct tar *tar, const char *name, char type, uint64_t size, const struct stat *info)
{
    struct header h = {.type = type, .magic = "ustar", .version = {'0', '0'}};
    size_t len = strlen(name);
    memcpy(h.name, name, len < sizeof h.name ? len : sizeof h.name);
    octal(h.mode, sizeof h.mode, info->st_mode & 07777);
    octal(h.uid, sizeof h.uid, 0);
    octal(h.gid, sizeof h.gid, 0);
    octal(h.size, sizeof h.size, size > MAX_OCTAL_SIZE ? 0 : size);
    octal(h.mtime, sizeof h.mtime, info->st_mtime < 0 ? 0 : (uint64_t)info->st_mtime);
    memset(h.checksum, ' ', sizeof h.checksum);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof h; i++)
        sum += ((const unsigned char *)&h)[i];
    octal(h.checksum, 7, sum);
    return tar->sink(tar->context, &h, sizeof h);
}

static bool pad(struct tar *tar, uint64_t size)
{
    static const char zeros[BLOCK];
    size_t rest = (size_t)(size % BLOCK);
    return rest == 0 || tar->sink(tar->context, zeros, BLOCK - rest);
}

/* `LEN key=value\n`, where LEN counts its own digits too. */
static void pax_record(struct buf *out, const char *key, const char *value)
{
    size_t rest = strlen(key) + strlen(value) + 3;
    size_t len = rest + 1;
    for (;;) {
        char digits[32];
        size_t next = rest + (size_t)snprintf(digits, sizeof digits, "%zu", len);
        if (next == len)
            break;
        len = next;
    }
    buf_printf(out, "%zu %s=%s\n", len, key, value);
}

static bool put_pax(struct tar *tar, const char *name, uint64_t size, const struct stat *info)
{
    struct buf records = {0};
    if (strlen(name) > sizeof((struct header *)0)->name)
        pax_record(&records, "path", name);
    if (size > MAX_OCTAL_SIZE) {
        char digits[32];
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)size);
        pax_record(&records, "size", digits);
    }
    bool ok = records.len == 0 ||
              (put_header(tar, "pax", 'x', records.len, info) && tar->sink(tar->context, records.data, records.len) &&
               pad(tar, records.len));
    buf_free(&records);
    return ok;
}

bool tar_add_file(struct tar *tar, const char *name, const struct stat *info, int fd)
{
    uint64_t size = (uint64_t)info->st_size;
    if (!put_pax(tar, name, size, info) || !put_header(tar, name, '0', size, info))
        return false;
    bool ended = false;
    for (uint64_t left = size; left > 0;) {
        size_t want = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
        ssize_t n = ended ? 0 : read(fd, tar->block, want);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            /* The header has promised so many bytes. */
            if (!ended)
                tar->changed++;
            ended = true;
            n = (ssize_t)want;
            memset(tar->block, 0, want);
        }
        if (!tar->sink(tar->context, tar->block, (size_t)n))
            return false;
        left -= (uint64_t)n;
    }
    return pad(tar, size);
}

bool tar_finish(struct tar *tar)
{
    static const char end[2 * BLOCK];
    return tar->sink(tar->context, end, sizeof end);
}

/* get-folder and list-folder. */
#include "files.h"
#include "tar.h"
#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_BYTES (256 * 1024)
/* The host reads no more of a list. */
#define MAX_LIST_BYTES (10 * 1024 * 1024)

/* -1 with errno; ENOTDIR means that it is there but is no folder. */
static int open_folder(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOTDIR)
        errno = ENOENT;
    return fd;
}

/* Gathers small pieces to large chunks. */
struct chunks {
    struct http *http;
    char *data;
    size_t len;
};

static bool flush(struct chunks *c)
{
    bool ok = http_send_chunk(c->http, c->data, c->len);
    c->len = 0;
    return ok;
}

static bool gather(void *context, const void *data, size_t len)
{
    struct chunks *c = context;
    const char *from = data;
    while (len > 0) {
        size_t n = CHUNK_BYTES - c->len < len ? CHUNK_BYTES - c->len : len;
        memcpy(c->data + c->len, from, n);
        c->len += n;
        from += n;
        len -= n;
        if (c->len == CHUNK_BYTES && !flush(c))
            return false;
    }
    return true;
}

static bool add_to_tar(void *context, const char *path, const struct stat *info, int fd)
{
    return tar_add_file(context, path, info, fd);
}

void files_get_folder(struct reply *reply)
{
    char *path = reply_target(reply);
    int folder = open_folder(path);
    if (folder < 0 && errno == ENOTDIR) {
        reply_error(reply, "not-a-folder", "it is not a folder");
    } else if (folder < 0) {
        reply_errno(reply, path, errno);
    } else if (reply_begin(reply, "Trailer: X-Boxcar-Skipped, X-Boxcar-Changed\r\n")) {
        struct chunks chunks = {.http = &reply->http, .data = xmalloc(CHUNK_BYTES)};
        struct tar tar;
        tar_init(&tar, gather, &chunks);
        struct walk walk = {.visit = add_to_tar, .context = &tar};
        walk_folder(&walk, folder);
        char trailers[128];
        snprintf(trailers, sizeof trailers, "X-Boxcar-Skipped: %llu\r\nX-Boxcar-Changed: %llu\r\n",
                 (unsigned long long)walk.skipped, (unsigned long long)tar.changed);
        if (walk.stopped || !tar_finish(&tar) || !flush(&chunks) || !reply_end(reply, trailers))
            note("%s did not reach the host", path);
        tar_free(&tar);
        free(chunks.data);
    } else {
        close(folder);
    }
    free(path);
}

struct list {
    const char *base;
    struct buf json;
};

static bool add_to_list(void *context, const char *path, const struct stat *info, int fd)
{
    struct list *list = context;
    (void)info;
    (void)fd;
    char *full = xprintf("%s/%s", list->base, path);
    if (list->json.data[list->json.len - 1] != '[')
        buf_append(&list->json, ",", 1);
    json_append_string(&list->json, full);
    free(full);
    return list->json.len < MAX_LIST_BYTES;
}

/* The paths begin with the one that was asked for, as it was asked for. */
void files_list_folder(struct reply *reply)
{
    char *path = reply_target(reply);
    char *base = xstrdup(json_get_string(reply->action, "path") == NULL ? "" : json_get_string(reply->action, "path"));
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/')
        base[--len] = '\0';
    int folder = open_folder(path);
    if (folder < 0 && errno == ENOTDIR) {
        reply_error(reply, "not-a-folder", "it is not a folder");
    } else if (folder < 0) {
        reply_json(reply, "{\"files\":[],\"notFound\":true}");
    } else {
        struct list list = {.base = base};
        struct walk walk = {.visit = add_to_list, .context = &list};
        buf_printf(&list.json, "{\"files\":[");
        walk_folder(&walk, folder);
        buf_printf(&list.json, "],\"notFound\":false}");
        if (walk.stopped || list.json.len > MAX_LIST_BYTES)
            reply_error(reply, "list-too-long", "the list of the files in it is longer than 10 MiB");
        else
            reply_json(reply, list.json.data);
        buf_free(&list.json);
    }
    free(base);
    free(path);
}

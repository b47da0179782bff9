#include "files.h"

#include "parents.h"
#include "users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES (256 * 1024)

/* A size was promised in the head: what the file has grown since is left out, and if it shrank the body is cut off. */
static bool send_sized(struct reply *reply, int fd, uint64_t size, char *block)
{
    char headers[128];
    snprintf(headers, sizeof headers, "Content-Type: application/octet-stream\r\nContent-Length: %llu\r\n",
             (unsigned long long)size);
    if (!http_send_head(&reply->http, "POST", reply->path, headers))
        return false;
    while (size > 0) {
        ssize_t n = read(fd, block, size < BLOCK_BYTES ? (size_t)size : BLOCK_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || !http_send(&reply->http, block, (size_t)n))
            return false;
        size -= (uint64_t)n;
    }
    struct http_response response;
    return http_read_head(&reply->http, &response);
}

/* Files of /proc and /sys say that they are empty. */
static bool send_unsized(struct reply *reply, int fd, char *block)
{
    if (!reply_begin(reply, ""))
        return false;
    for (;;) {
        ssize_t n = read(fd, block, BLOCK_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            return reply_end(reply, "");
        if (!http_send_chunk(&reply->http, block, (size_t)n))
            return false;
    }
}

void files_get(struct reply *reply)
{
    char *path = reply_target(reply);
    struct stat info;
    /* O_NONBLOCK: a FIFO with nobody at its other end must not hold us up. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        /* A device or a socket that cannot be opened is no file either. */
        reply_errno(reply, path, errno == ENXIO || errno == ENODEV ? EISDIR : errno);
    } else if (!S_ISREG(info.st_mode)) {
        reply_error(reply, "not-a-file", S_ISDIR(info.st_mode) ? "it is a folder" : "it is not a regular file");
    } else {
        char *block = xmalloc(BLOCK_BYTES);
        bool sent = info.st_size > 0 ? send_sized(reply, fd, (uint64_t)info.st_size, block)
                                     : send_unsized(reply, fd, block);
        if (!sent)
            note("%s did not reach the host", path);
        free(block);
    }
    if (fd >= 0)
        close(fd);
    free(path);
}

/* Copies the content from the host; `gone` if it was the host that failed, so that there is nobody to tell. */
static bool receive(struct reply *reply, int fd, bool *gone)
{
    struct http_response response;
    char *block = xmalloc(BLOCK_BYTES);
    ssize_t n = -1;
    bool written = true;
    if (http_send_head(&reply->http, "GET", reply->path, "") && http_read_head(&reply->http, &response) &&
        response.status == 200) {
        do {
            n = http_read_body(&reply->http, &response, block, BLOCK_BYTES);
            written = n <= 0 || write_all(fd, block, (size_t)n);
        } while (n > 0 && written);
    }
    free(block);
    *gone = n < 0;
    if (!written) {
        int saved = errno;
        http_close(&reply->http);
        errno = saved;
    }
    return n == 0 && written;
}

/* NULL in `owner`: whoever this is. */
static bool choose_owner(struct reply *reply, struct user *user, const struct user **owner)
{
    const char *name = json_get_string(reply->action, "user");
    if (name == NULL)
        name = reply->agent->config.user;
    *owner = name == NULL ? NULL : user;
    return name == NULL || users_find(name, user);
}

/* Written beside its place and renamed, so that nobody in the guest ever sees half of it. */
void files_put(struct reply *reply)
{
    double mode = json_get_number(reply->action, "mode", 0644);
    mode_t bits = mode >= 0 && mode <= 07777 ? (mode_t)mode : 0644;
    struct user user;
    const struct user *owner;
    if (!choose_owner(reply, &user, &owner)) {
        reply_error(reply, "io-error", "that user does not exist in this image");
        return;
    }
    char *path = reply_target(reply);
    char *beside = xprintf("%s.boxcar-%ld", path, (long)getpid());
    bool gone = false;
    int fd = -1;
    bool ok = *path == '/' && make_parents(path, owner);
    if (ok) {
        fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        ok = fd >= 0 && receive(reply, fd, &gone) && (owner == NULL || fchown(fd, owner->uid, owner->gid) == 0) &&
             fchmod(fd, bits) == 0 && rename(beside, path) == 0;
    } else if (*path != '/') {
        errno = EINVAL;
    }
    int error = errno;
    if (fd >= 0) {
        close(fd);
        if (!ok)
            unlink(beside);
    }
    if (ok)
        reply_json(reply, "{}");
    else if (!gone)
        reply_errno(reply, path, error);
    free(beside);
    free(path);
}

#include "parents.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool make_parents(char *path, const struct user *owner)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdir(path, 0755) == 0;
        bool ok = made || errno == EEXIST;
        if (made && owner != NULL)
            ok = lchown(path, owner->uid, owner->gid) == 0;
        *slash = '/';
        if (!ok)
            return false;
    }
    return true;
}

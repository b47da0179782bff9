/* Folders on the way to something that is to be made. */
#ifndef PARENTS_H
#define PARENTS_H

#include "users.h"

/* Makes what is missing above `path`, absolute, for this user; NULL: for whoever this is. False with errno. */
bool make_parents(char *path, const struct user *owner);

#endif

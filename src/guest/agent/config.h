/* /etc/boxcar/agent.conf: what the builder of an image lays down for every task. Lines are `key=value`; # comments. */
#ifndef CONFIG_H
#define CONFIG_H

#include "util.h"

struct config {
    struct strings entrypoint;  /* put before every command; words split at blanks */
    struct strings env;         /* from lines `env.NAME=value` */
    char *shell;                /* for $SHELL; NULL: the user's own */
    char *user;                 /* for tasks that name none; NULL: the agent's own */
    char *workdir;              /* for tasks that name none; NULL: the user's home */
};

/* A missing file is an empty configuration; lines that mean nothing are named on the console. */
void config_load(struct config *config, const char *path);

#endif

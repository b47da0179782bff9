/*
 * Going through what every task needs, before there is one.
 *
 * Where CPUs are emulated, code that has not run yet has to be translated first, and on any host memory that has not
 * been touched since the machine was resumed has to be copied. A machine that waits for its task has time for that.
 */
#ifndef REHEARSAL_H
#define REHEARSAL_H

#include "config.h"

/* Asks the host something, and runs a command that does nothing, in a process of its own. */
void rehearse(const char *url, const struct config *config);

#endif

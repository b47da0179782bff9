/*
 * The line to the host, over the virtio-serial port "boxcar.wake".
 *
 * "parked\n" from here: this machine may be frozen and copied. One line of JSON from there: {"time", "entropy",
 * "hostname", "machineId"}, see identity.h. With "rehearse": true in it the machine does what it would do for a task,
 * and is parked again. "booted": true: its ids and keys were made in this very machine, and are nobody else's.
 *
 * Later, at any time, a line with "moved": true: this machine goes on somewhere else. "life": a name for what follows,
 * see moves.h. "logOffset": what comes before that position in the log is known. "fork": {…}: the task is to be
 * forgotten. Names and ids that are left out stay.
 */
#ifndef WAKE_H
#define WAKE_H

#include "json.h"
#include "shared.h"

#define MAX_LINE_BYTES 4096

struct wake {
    int fd;                      /* -1: there is no such port */
    size_t len;
    bool skipping;               /* the rest of a line that is too long */
    char data[MAX_LINE_BYTES];
};

/* `fd`: -1 to look for the port. */
void wake_open(struct wake *wake, int fd);
/* Waits until the host wakes this machine; returns at once on a machine without such a port. */
void wake_wait(struct wake *wake, const struct agent *agent);
/* The next line that says that this machine has moved, to be freed; NULL: none has come yet. Does not wait. */
struct json *wake_next_move(struct wake *wake);

#endif

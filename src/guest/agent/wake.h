/*
 * The moment at which this machine may be frozen and copied, and what makes each copy a machine of its own.
 *
 * The host talks over the virtio-serial port "boxcar.wake": "parked\n" from here, then one line of JSON from there:
 * {"time": seconds since 1970, "entropy": hex, "hostname", "machineId"}. With "rehearse": true in it the machine does
 * what it would do for a task, and is parked again. See docs/warm-start.md.
 */
#ifndef WAKE_H
#define WAKE_H

#include "config.h"

/* Waits until the host wakes this machine; returns at once on a machine without such a port. */
void wake_wait(const char *url, const struct config *config);

#endif

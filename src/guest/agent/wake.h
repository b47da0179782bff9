/*
 * The moment at which this machine may be frozen and copied, and what makes each copy a machine of its own.
 *
 * The host talks over the virtio-serial port "boxcar.wake": "parked\n" from here, then one line of JSON from there:
 * {"time": seconds since 1970, "entropy": hex, "hostname", "machineId"}. See docs/warm-start.md.
 */
#ifndef WAKE_H
#define WAKE_H

/* Waits for the host's line and does what it says; returns at once on a machine without such a port. */
void wake_wait(void);

#endif

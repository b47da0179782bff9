/*
 * The actions `mount` and `unmount`: disks that the host has put into this machine, told apart by their serial.
 *
 * The disks were there before, small and empty, and the kernel has looked at them: nothing it remembers may be taken
 * for what is there now.
 */
#ifndef DISKS_H
#define DISKS_H

#include "reply.h"

void disks_mount(struct reply *reply);
void disks_unmount(struct reply *reply);

#endif

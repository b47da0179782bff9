/* Tells what is on a volume; see main.c for how. */
#ifndef LISTING_H
#define LISTING_H

#include <stdint.h>

/* All that is below `root`, at most `*room` entries, of which those are taken that were told. */
void listing_tell(int number, int root, uint64_t *room);

#endif

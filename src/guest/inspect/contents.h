/* What is in files. */
#ifndef CONTENTS_H
#define CONTENTS_H

#include <stdint.h>

/* Compares the files at that path on two volumes, and tells "S" if they are the same, "D" if not, or why not. */
void contents_compare(int root_a, int root_b, const char *path);

/* Tells "B", how many bytes there are, and those; at most `max`. */
void contents_tell(int root, const char *path, uint64_t max);

#endif

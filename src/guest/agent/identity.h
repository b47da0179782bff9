/* What makes a copy of a machine a machine of its own: randomness, clock, names, ids and keys. */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "json.h"

/*
 * `line`: what the host says, {"time": seconds since 1970, "entropy": hex, "hostname", "machineId"}; what is left out
 * stays as it is. `renew`: the ids are new ones too. See docs/warm-start.md.
 */
void identity_adopt(const struct json *line, bool renew);
/* What was made of the ids, or must not be shared: the journal, and the keys of SSH, which are made in the background. */
void identity_renew_services(void);

#endif

/* SHA-1 (RFC 3174), for the handshake of websockets; nothing here relies on it. */
#ifndef SHA1_H
#define SHA1_H

#include "util.h"

#define SHA1_BYTES 20

void sha1(const void *data, size_t len, unsigned char digest[SHA1_BYTES]);

#endif

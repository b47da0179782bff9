/* Base64 (RFC 4648, section 4). */
#ifndef BASE64_H
#define BASE64_H

#include "util.h"

/* Characters for so many bytes, with the NUL. */
#define BASE64_SIZE(bytes) (((bytes) + 2) / 3 * 4 + 1)

void base64_encode(const unsigned char *data, size_t len, char *text);

#endif

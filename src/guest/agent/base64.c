#include "base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const unsigned char *data, size_t len, char *text)
{
    for (size_t i = 0; i < len; i += 3) {
        unsigned second = i + 1 < len ? data[i + 1] : 0;
        unsigned third = i + 2 < len ? data[i + 2] : 0;
        unsigned bits = (unsigned)data[i] << 16 | second << 8 | third;
        *text++ = alphabet[bits >> 18 & 63];
        *text++ = alphabet[bits >> 12 & 63];
        *text++ = i + 1 < len ? alphabet[bits >> 6 & 63] : '=';
        *text++ = i + 2 < len ? alphabet[bits & 63] : '=';
    }
    *text = '\0';
}

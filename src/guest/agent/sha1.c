#include "sha1.h"

#include <string.h>

#define BLOCK_BYTES 64

static uint32_t rotate(uint32_t value, unsigned bits)
{
    return value << bits | value >> (32 - bits);
}

static uint32_t read_word(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void write_word(unsigned char *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(value >> (24 - 8 * i));
}

static void add_block(uint32_t state[5], const unsigned char *block)
{
    uint32_t words[80];
    for (int i = 0; i < 80; i++)
        words[i] = i < 16 ? read_word(block + 4 * i)
                          : rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 80; i++) {
        uint32_t mixed;
        if (i < 20)
            mixed = (d ^ (b & (c ^ d))) + 0x5a827999;
        else if (i < 40)
            mixed = (b ^ c ^ d) + 0x6ed9eba1;
        else if (i < 60)
            mixed = ((b & c) | (d & (b | c))) + 0x8f1bbcdc;
        else
            mixed = (b ^ c ^ d) + 0xca62c1d6;
        uint32_t next = rotate(a, 5) + mixed + e + words[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void sha1(const void *data, size_t len, unsigned char digest[SHA1_BYTES])
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    const unsigned char *bytes = data;
    size_t rest = len % BLOCK_BYTES;
    for (size_t i = 0; i + BLOCK_BYTES <= len; i += BLOCK_BYTES)
        add_block(state, bytes + i);
    /* The end: what is left, a one, zeros, and the length in bits. */
    unsigned char last[2 * BLOCK_BYTES] = {0};
    size_t size = rest < BLOCK_BYTES - 8 ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    if (rest > 0)
        memcpy(last, bytes + len - rest, rest);
    last[rest] = 0x80;
    write_word(last + size - 8, (uint32_t)((uint64_t)len >> 29));
    write_word(last + size - 4, (uint32_t)(len << 3));
    for (size_t i = 0; i < size; i += BLOCK_BYTES)
        add_block(state, last + i);
    for (int i = 0; i < 5; i++)
        write_word(digest + 4 * i, state[i]);
}

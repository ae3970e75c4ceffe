#include "base/sha256.h"

#include "base/text.h"

#include <string.h>

enum { BLOCK = 64, LENGTH = 8 }; /* bytes; LENGTH is the message's own, in bits, at the end of its last block */

/* FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t load(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* 6.2.2, step 1: the message schedule. */
static void schedule(const uint8_t block[BLOCK], uint32_t words[64])
{
    for (size_t t = 0; t < 16; t++)
        words[t] = load(block + 4 * t);
    for (size_t t = 16; t < 64; t++) {
        uint32_t a = words[t - 15], b = words[t - 2];
        uint32_t sigma0 = rotate(a, 7) ^ rotate(a, 18) ^ a >> 3, sigma1 = rotate(b, 17) ^ rotate(b, 19) ^ b >> 10;
        words[t] = sigma1 + words[t - 7] + sigma0 + words[t - 16];
    }
}

/* Steps 2 to 4. The working variables a to h are v[0] to v[7] of the first round; in each round every one takes the place of the
 * one behind it, which is done by counting, eight rounds at a time. */
static void absorb(uint32_t state[8], const uint8_t block[BLOCK])
{
    uint32_t words[64], v[8];
    schedule(block, words);
    memcpy(v, state, sizeof v);
#define AT(i) v[((i) + 8 - round) % 8]
    for (size_t t = 0; t < 64; t += 8) {
#pragma GCC unroll 8
        for (size_t round = 0; round < 8; round++) {
            uint32_t sum1 = rotate(AT(4), 6) ^ rotate(AT(4), 11) ^ rotate(AT(4), 25);
            uint32_t choice = (AT(4) & AT(5)) ^ (~AT(4) & AT(6));
            uint32_t t1 = AT(7) + sum1 + choice + constants[t + round] + words[t + round];
            uint32_t sum0 = rotate(AT(0), 2) ^ rotate(AT(0), 13) ^ rotate(AT(0), 22);
            uint32_t majority = (AT(0) & AT(1)) ^ (AT(0) & AT(2)) ^ (AT(1) & AT(2));
            AT(3) += t1;
            AT(7) = t1 + sum0 + majority;
        }
    }
#undef AT
    for (size_t i = 0; i < 8; i++)
        state[i] += v[i];
}

/* 5.1.1: a 1 bit, zeroes, and the length, in what is left of the message; one block more where it does not fit. */
static void finish(uint32_t state[8], const uint8_t *rest, size_t left, uint64_t length)
{
    uint8_t blocks[2 * BLOCK] = {0};
    size_t size = left + 1 + LENGTH > BLOCK ? 2 * BLOCK : BLOCK;
    if (left)
        memcpy(blocks, rest, left);
    blocks[left] = 0x80;
    for (size_t i = 0; i < LENGTH; i++)
        blocks[size - 1 - i] = (uint8_t)(length * 8 >> 8 * i);
    for (size_t at = 0; at < size; at += BLOCK)
        absorb(state, blocks + at);
}

void sha256(const void *bytes, size_t length, uint8_t digest[SHA256_SIZE])
{
    /* 5.3.3 */
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const uint8_t *p = bytes;
    size_t left = length;
    for (; left >= BLOCK; left -= BLOCK, p += BLOCK)
        absorb(state, p);
    finish(state, p, left, length);
    for (size_t i = 0; i < SHA256_SIZE; i++)
        digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_hex(const void *bytes, size_t length, char hex[SHA256_HEX_SIZE])
{
    uint8_t digest[SHA256_SIZE];
    sha256(bytes, length, digest);
    text_hex(digest, sizeof digest, hex);
}

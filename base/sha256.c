/* SPDX-License-Identifier: Apache-2.0 */
/* Which way this machine hashes many messages, and OpenSSL's. */
#include "base/sha256.h"

#include "base/crypto.h"
#include "base/sha256_priv.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "base/banned.h"

enum { LANES_MAX = 16 };

const uint32_t sha256_initial[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

const uint32_t sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

size_t sha256_pad(const uint8_t *message, size_t len, uint8_t *out)
{
    enum { LENGTH = 8 };
    size_t rest = len % SHA256_BLOCK;
    size_t n = rest + 1 + LENGTH > SHA256_BLOCK ? 2 : 1;

    memset(out, 0, n * SHA256_BLOCK);
    if (rest > 0)
        memcpy(out, message + len - rest, rest);
    out[rest] = 0x80;
    for (size_t i = 0; i < LENGTH; i++)
        out[n * SHA256_BLOCK - 1 - i] = (uint8_t)((uint64_t)len << 3 >> 8 * i);
    return n;
}

/* What the CPU has does not change; asking it each time would cost as much as hashing a sector. */
static pthread_once_t there_once = PTHREAD_ONCE_INIT;
static bool there[SHA256_WAYS];

static void openssl_many(const struct sha256_message *messages, size_t n, size_t len)
{
    for (size_t i = 0; i < n; i++)
        crypto_sha256(slice_of(messages[i].data, len), messages[i].out);
}

static bool always(void)
{
    return true;
}

/* From the slowest to the fastest. */
static const struct {
    const char *name;
    size_t least; /* messages from which on it is the faster way */
    bool (*has)(void);
    void (*many)(const struct sha256_message *messages, size_t n, size_t len);
} ways[SHA256_WAYS] = {
    [SHA256_OPENSSL] = {.name = "openssl", .has = always, .many = openssl_many},
    [SHA256_NI] = {.name = "sha-ni", .least = 2, .has = sha256_ni_has, .many = sha256_ni_many},
    [SHA256_AVX512] = {.name = "avx-512",
                       .least = 12,
                       .has = sha256_avx512_has,
                       .many = sha256_avx512_many},
};

static void look(void)
{
    for (enum sha256_way way = 0; way < SHA256_WAYS; way++)
        there[way] = ways[way].has();
}

const char *sha256_way_name(enum sha256_way way)
{
    return ways[way].name;
}

bool sha256_has(enum sha256_way way)
{
    pthread_once(&there_once, look);
    return there[way];
}

void sha256_many_by(enum sha256_way way, const struct sha256_message *messages, size_t n,
                    size_t len)
{
    assert(way < SHA256_WAYS);
    ways[way].many(messages, n, len);
}

/* The fastest way for n. */
static enum sha256_way way_for(size_t n)
{
    enum sha256_way way = SHA256_WAYS - 1;

    while (way > SHA256_OPENSSL && (n < ways[way].least || !sha256_has(way)))
        way--;
    return way;
}

void sha256_many(const struct sha256_message *messages, size_t n, size_t len)
{
    for (size_t at = 0, now = 0; at < n; at += now) {
        now = n - at < LANES_MAX ? n - at : LANES_MAX;
        sha256_many_by(way_for(now), messages + at, now, len);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the ways of hashing many messages share. For sha256*.c only. */
#ifndef GODWIT_BASE_SHA256_PRIV_H
#define GODWIT_BASE_SHA256_PRIV_H

#include "base/sha256.h"

enum { SHA256_BLOCK = 64, SHA256_OUT = 32 };

/* FIPS 180-4, 5.3.3 and 4.2.2. */
extern const uint32_t sha256_initial[8];
extern const uint32_t sha256_constants[64];

/* What follows the last whole block of a message of len bytes: its rest, a one, zeroes, the length
 * in bits. Returns the blocks of it, 1 or 2. */
size_t sha256_pad(const uint8_t *message, size_t len, uint8_t *out);

/* sha256_ni.c: four lanes by the SHA extensions of x86-64. Whether a CPU has them is a cpuid
 * instruction, dear in a virtual machine: ask once. */
bool sha256_ni_has(void);
void sha256_ni_many(const struct sha256_message *messages, size_t n, size_t len);

/* sha256_avx512.c: sixteen lanes in the words of wide registers. */
bool sha256_avx512_has(void);
void sha256_avx512_many(const struct sha256_message *messages, size_t n, size_t len);

#endif

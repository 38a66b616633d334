/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of many messages of one length at a time.
 *
 * One message alone keeps a core waiting for its own rounds; several side by side do not. Sixteen
 * go through the words of AVX-512 registers, four through the SHA extensions; elsewhere OpenSSL
 * takes them one after the other. What the CPU has is found when the first batch comes.
 */
#ifndef GODWIT_BASE_SHA256_H
#define GODWIT_BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A message, and where its 32 bytes go. */
struct sha256_message {
    const uint8_t *data;
    uint8_t *out;
};

/* Each of the n messages has len bytes. Any thread. */
void sha256_many(const struct sha256_message *messages, size_t n, size_t len);

/* The ways there are; sha256_many takes the last that this CPU has and that pays for n. To choose
 * one is for tests and benchmarks. */
enum sha256_way { SHA256_OPENSSL, SHA256_NI, SHA256_AVX512, SHA256_WAYS };
const char *sha256_way_name(enum sha256_way way);
bool sha256_has(enum sha256_way way);
/* As sha256_many; the CPU must have it. */
void sha256_many_by(enum sha256_way way, const struct sha256_message *messages, size_t n,
                    size_t len);

#endif

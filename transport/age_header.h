/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of an age v1 file (age-encryption.org/v1): stanzas, one for each recipient, and a MAC.
 *
 * Stanzas of other types than X25519 are counted and passed over. Nothing is decrypted here.
 */
#ifndef GODWIT_TRANSPORT_AGE_HEADER_H
#define GODWIT_TRANSPORT_AGE_HEADER_H

#include "base/buf.h"
#include "base/crypto.h"

enum {
    AGE_HEADER_STANZAS_MAX = 64,
    AGE_HEADER_MAX = 64 << 10,
    AGE_HEADER_BODY_LEN = 32 /* the file key of 16 bytes, sealed */
};

struct age_header_stanza {
    uint8_t share[CRYPTO_X25519_LEN];
    uint8_t body[AGE_HEADER_BODY_LEN];
};

struct age_header {
    struct age_header_stanza x25519[AGE_HEADER_STANZAS_MAX];
    size_t x25519_n;
    size_t stanzas_n; /* of every type */
    size_t mac_of;    /* the MAC is of so many first bytes of the file */
    uint8_t mac[CRYPTO_SHA256_LEN];
    size_t len; /* where the payload begins */
};

/*
 * Parse the header that file begins with. -EPROTO it is of another version, or armored; -EBADMSG
 * it is cut or no such file.
 */
int age_header_parse(struct slice file, struct age_header *ret, struct err *err);

/* Append everything before the MAC, which is what it is of; then append the MAC. */
void age_header_format(const struct age_header_stanza *x25519, size_t n, struct buf *out);
void age_header_format_mac(const uint8_t *mac, struct buf *out);

#endif

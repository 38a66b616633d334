/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of age v1 for X25519 recipients: what `age -r` writes and `age -d -i` reads.
 *
 * The specification is age-encryption.org/v1. Passphrases, SSH keys, plugins and armor are not read
 * and never written.
 */
#ifndef GODWIT_TRANSPORT_AGE_H
#define GODWIT_TRANSPORT_AGE_H

#include "base/clock.h"
#include "transport/age_bech32.h"
#include "transport/age_header.h"

enum { AGE_KEYS_MAX = 64, AGE_PLAIN_MAX = 16 << 20 };
/* What a payload of one chunk has beside its plain text: a nonce and a tag. */
enum { AGE_PAYLOAD_OVERHEAD = 32 };

/* Keys of one sort: recipients (public) or identities (secret; wipe after use). */
struct age_keys {
    uint8_t key[AGE_KEYS_MAX][CRYPTO_X25519_LEN];
    size_t n;
};

/* Add "age1…". -EINVAL (GW_BAD_VALUE): mistyped, of low order, there already, or one too many. */
int age_add_recipient(struct age_keys *keys, const char *text, struct err *err);
/* Add the "AGE-SECRET-KEY-1…" lines of an identity file. -EINVAL (GW_SECRET): none, or another
 * line that is neither empty nor a comment. */
int age_add_identities(struct age_keys *keys, const char *text, struct err *err);
void age_wipe(struct age_keys *keys);

/* Append the file that each of recipients (one at least) can open. */
int age_seal(const struct age_keys *recipients, const struct rng *rng, struct slice plain,
             struct buf *out, struct err *err);

/*
 * Append the plain text of file to out, which is as it was after a failure.
 * -ENOKEY: none of identities is a recipient. -EBADMSG (GW_VAULT_DAMAGED) altered or cut; -EPROTO
 * see age_header_parse; -EFBIG more than AGE_PLAIN_MAX.
 */
int age_open(const struct age_keys *identities, struct slice file, struct buf *out,
             struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of a vault, and sealing under them (AES-256-GCM, or a checksum without encryption).
 *
 * Every pack and every point has a fresh 32-byte salt; salt -> HKDF -> one key, under which
 * segments are counted from 0. docs/formats.md section 3 specifies each byte.
 */
#ifndef GODWIT_TRANSPORT_SEAL_H
#define GODWIT_TRANSPORT_SEAL_H

#include "base/auto.h"
#include "base/slice.h"

#include <stdbool.h>

struct err;
struct seal;

enum { SEAL_SALT_LEN = 32, SEAL_TAG_LEN = 16, SEAL_KEY_LEN = 32, SEAL_VAULT_ID_LEN = 16 };

/* Everything that derives from the vault key and the vault's id. */
struct seal_keys {
    bool encrypted; /* false: the keys derive from 32 zero bytes and protect against accidents only
                     */
    uint8_t vault_id[SEAL_VAULT_ID_LEN];
    uint8_t check[SEAL_KEY_LEN];
    uint8_t pack[SEAL_KEY_LEN];
    uint8_t id[SEAL_KEY_LEN];
    uint8_t point[SEAL_KEY_LEN];
    uint8_t control[SEAL_KEY_LEN];
};

/* vault_key has 32 bytes, or is NULL for a vault without encryption. Wipe ret with seal_keys_wipe.
 */
int seal_keys_derive(const uint8_t *vault_key, const uint8_t *vault_id, struct seal_keys *ret,
                     struct err *err);
void seal_keys_wipe(struct seal_keys *k);

/* What a segment is bound to, beside the vault and the salt. */
enum seal_use { SEAL_PACK_DATA = 1, SEAL_PACK_MAP = 2, SEAL_POINT = 3 };
struct seal_segment {
    uint32_t index;
    bool last; /* a pack's index; a point's only segment */
    uint32_t raw_len;
    uint8_t codec;
    uint8_t format;       /* of the object, 0 = 1 */
    struct slice context; /* a point: its key in the store; else empty */
};

/* A context belongs to one thread; keys are lent for its life. */
int seal_new(const struct seal_keys *keys, struct seal **ret, struct err *err);
void seal_free(struct seal *s);
static inline void seal_freep(struct seal **s)
{
    seal_free(*s);
}
#define auto_seal AUTO(seal_freep)

/* Go over to the key of (use, salt); free of cost when it is the present one. */
int seal_rekey(struct seal *s, enum seal_use use, const uint8_t *salt, struct err *err);

/* out gets plain.len + SEAL_TAG_LEN bytes and may be plain's own memory. The caller never uses one
 * (index, last) twice under one salt, unless the first result was overwritten and seen by nobody.
 */
int seal_shut(struct seal *s, const struct seal_segment *seg, struct slice plain, uint8_t *out,
              struct err *err);
/* out gets sealed.len - SEAL_TAG_LEN bytes and may be sealed's own memory. -EBADMSG
 * (GW_VAULT_DAMAGED): altered, cut, or not the segment that was asked for; out is then wiped. */
int seal_open(struct seal *s, const struct seal_segment *seg, struct slice sealed, uint8_t *out,
              struct err *err);

#endif

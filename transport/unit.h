/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A unit: up to 256 KiB of data (or one map page) compressed and sealed together in a pack; where
 * it is, how it is opened, and the keyed name under which equal data is known again.
 */
#ifndef GODWIT_TRANSPORT_UNIT_H
#define GODWIT_TRANSPORT_UNIT_H

#include "base/buf.h"

struct seal_segment;
struct vault;

enum {
    UNIT_SECTORS_MAX = 64,
    UNIT_DATA_MAX = UNIT_SECTORS_MAX * 4096, /* raw bytes of a data unit */
    UNIT_RAW_MAX = 2 << 20,                  /* of any unit, map pages included */
    UNIT_ID_LEN = 24,
    UNIT_PIECE = 64 * 1024 /* bytes a digest of unit_id stands for */
};

enum unit_kind { UNIT_DATA = 1, UNIT_MAP = 2 };

/* Enough to fetch one unit with a ranged GET and to open it, without its pack's header or index. */
struct unit {
    uint8_t pack[32]; /* SHA-256 of the pack: its name */
    uint8_t salt[32]; /* of the pack */
    uint8_t id[UNIT_ID_LEN];
    uint32_t offset;     /* in the pack */
    uint32_t stored_len; /* sealed bytes, tag included */
    uint32_t raw_len;    /* data: whole sectors */
    uint32_t segment;    /* position in the pack, from 0 */
    uint8_t codec;       /* enum codec_kind */
    uint8_t kind;        /* enum unit_kind */
};

/*
 * The id of raw_len bytes whose SHA-256 pieces are digests: piece i covers bytes
 * [i * UNIT_PIECE, min((i + 1) * UNIT_PIECE, raw_len)) of the unit, counted from its own start;
 * 32 bytes a piece. For a unit that starts on a 64 KiB border of the volume these are the leaves
 * of the volume digest, so data is hashed once.
 */
void unit_id(const struct vault *v, uint32_t raw_len, const uint8_t *digests, uint8_t *ret_id);
/* The same from the bytes themselves. */
void unit_id_of(const struct vault *v, struct slice raw, uint8_t *ret_id);

/* Is it stored at the same place? */
bool unit_same(const struct unit *a, const struct unit *b);

/* Limits that any unit must keep, however it was read: -EBADMSG (GW_VAULT_DAMAGED). */
int unit_check(const struct unit *u, struct err *err);

/*
 * Open stored_len sealed bytes into out (raw_len bytes). Uses the handle's own scratch memory.
 * -EBADMSG (GW_VAULT_DAMAGED) when altered or not this unit. Does not recompute the id.
 */
int unit_open(struct vault *v, const struct unit *u, struct slice sealed, uint8_t *out,
              struct err *err);

/* What both ends of a pack do with a segment: open it under the key that v's seal has now, and
 * decompress. out gets seg->raw_len bytes. -EBADMSG (GW_VAULT_DAMAGED). */
int unit_unseal(struct vault *v, const struct seal_segment *seg, struct slice sealed, uint8_t *out,
                struct err *err);

/* One ranged GET, then unit_open. -ENOENT (GW_VAULT_MISSING) no such pack; a pack that is too short
 * is -EBADMSG (GW_VAULT_DAMAGED). What is damaged is fetched once more: on its way is not in the
 * vault. The same holds for pack_load, point_load and vault_open. */
int unit_fetch(struct vault *v, const struct unit *u, uint8_t *out, struct err *err);
/* The same into memory of its own (raw_len bytes), for the caller to free. */
int unit_fetch_new(struct vault *v, const struct unit *u, uint8_t **ret, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs: up to 16 MiB of units in one immutable object, named by its SHA-256.
 *
 * Writing: pack_new once a thread; then pack_begin on a buffer of PACK_BYTES_MAX, pack_add until
 * -ENOSPC, pack_finish, pack_put (perhaps by another thread with its own store), and begin again.
 * Compression and sealing happen in pack_add, straight into the buffer, so that workers run in
 * parallel each with a pack of its own. Reading whole packs is for verify, gc and rebuilding
 * ledgers; restores use unit_fetch.
 */
#ifndef GODWIT_TRANSPORT_PACK_H
#define GODWIT_TRANSPORT_PACK_H

#include "transport/unit.h"

struct pack;
struct store;

enum {
    PACK_BYTES_MAX = 16 << 20,
    PACK_UNITS_MAX = 32768,
    PACK_NAME_LEN = 32,
    PACK_HEADER_LEN = 48,
    PACK_TRAILER_LEN = 32,
    PACK_KEY_MAX = 80 /* "packs/hh/<64 hex>" and its NUL */
};

/* v is lent for the life of the pack and must be the calling thread's own handle. */
int pack_new(struct vault *v, enum unit_kind kind, struct pack **ret, struct err *err);
void pack_free(struct pack *p);
static inline void pack_freep(struct pack **p)
{
    pack_free(*p);
}
#define auto_pack AUTO(pack_freep)

/*
 * From now on open one unit in every_n again, right after it was sealed, and compare it with what
 * was given: 1 is all of them, 0 (at first) none. The first of each pack and its index are always
 * among them. What differs is packed once more.
 */
void pack_prove(struct pack *p, unsigned every_n);
uint64_t pack_repacked(const struct pack *p); /* units that came out right at the second try */

/* mem (PACK_BYTES_MAX bytes) is lent until pack_finish or the next begin; a fresh salt is drawn. */
int pack_begin(struct pack *p, uint8_t *mem, struct err *err);

/*
 * Add one unit. id as of unit_id; level as of codec_compress. raw is lent until return; at most
 * UNIT_DATA_MAX bytes in whole sectors for data, UNIT_RAW_MAX for map.
 * -ENOSPC when it may not fit any more: nothing was added; finish and begin another pack.
 * -EIO (GW_PACK_DIFFERS): it was proved and differs, twice; the pack is not to be sent.
 * Failpoint: pack_wrong spoils what the compressor gave.
 */
int pack_add(struct pack *p, const uint8_t *id, struct slice raw, int level, struct err *err);

size_t pack_len(const struct pack *p);   /* bytes so far, header included */
size_t pack_count(const struct pack *p); /* units so far */

/* Seal the index and end the pack. *ret_body is in the memory of pack_begin; name gets
 * PACK_NAME_LEN bytes. -ENODATA when no unit was added. */
int pack_finish(struct pack *p, struct slice *ret_body, uint8_t *name, struct err *err);

/* Unit i of the finished pack, whole; valid until the next pack_begin. */
void pack_unit(const struct pack *p, size_t i, struct unit *ret);

/* Store a finished pack; needs no struct pack, so any thread with a store may. Writing the same
 * pack twice is harmless: equal names are equal bytes. Failpoints: pack_put and pack_put_done
 * (data), page_put and page_put_done (map), before and after. */
int pack_put(struct store *s, enum unit_kind kind, const uint8_t *name, struct slice body,
             struct err *err);

/* The key of a pack in the store; out has PACK_KEY_MAX bytes. Returns out. */
char *pack_key(const uint8_t *name, char *out);

/* A whole pack, read back and checked against its name. -ENOENT (GW_VAULT_MISSING), -EBADMSG
 * (GW_VAULT_DAMAGED). */
int pack_load(struct vault *v, const uint8_t *name, struct buf *out, struct err *err);

/* Is a pack there, and as long as its own trailer says? Two small requests. -ENOENT
 * (GW_VAULT_MISSING), -EBADMSG (GW_VAULT_DAMAGED). */
int pack_probe(struct vault *v, const uint8_t *name, uint64_t *ret_bytes, struct err *err);

/*
 * The units that a pack says it holds, each with pack and salt filled in. fn may be NULL; a
 * non-zero return of it ends the walk and is returned. -EBADMSG (GW_VAULT_DAMAGED): the bytes are
 * no pack of this vault; -EPROTO (GW_VAULT_NEWER). The name is not checked: pack_load does.
 */
typedef int (*pack_unit_fn)(void *arg, const struct unit *u);
int pack_walk(struct vault *v, const uint8_t *name, struct slice body, pack_unit_fn fn, void *arg,
              struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The positional digest table of a volume: the leaf of every 64 KiB block, the root of every region
 * and a tag of every sector, as of one restore point. A file, read in order; memory does not grow
 * with the volume.
 *
 * A table proves itself: it is used only when the digest over its roots is that of the point, and a
 * region only when its leaves give its root. A pass writes its changes to a second file, which is
 * sealed before its point is committed and applied after; whoever opens the table next says which
 * digest stands, and so decides between the old table and the new one. After a crash anywhere it is
 * the old one, the new one, or not known: never a wrong one.
 */
#ifndef GODWIT_TRANSPORT_TABLE_H
#define GODWIT_TRANSPORT_TABLE_H

#include "transport/tags.h"

struct err;
struct rng;
struct table;

/*
 * Open or make the table in dir for a volume of size_bytes. expect is the volume digest it should
 * have (NULL: no point stands yet). A sealed pass that leads to expect is applied, others wait to
 * be overwritten. rng draws the key of the tags of a new table. The
 * directory must be locked by the caller. -EIO, -ENOSPC, -EACCES.
 */
int table_open(const char *dir, uint64_t size_bytes, const uint8_t *expect, const struct rng *rng,
               struct table **ret, struct err *err);
void table_close(struct table *t); /* also ends a pass, as table_abort */
static inline void table_closep(struct table **t)
{
    table_close(*t);
}
#define auto_table AUTO(table_closep)

/* Does it describe expect? When not, a pass must cover every region. */
bool table_known(const struct table *t);

/*
 * The leaves of a region: digest_region_leaves() * DIGEST_LEN bytes. *ret_known is false, and
 * leaves are undefined, when the table is not known or this region of it is damaged.
 * Any thread.
 */
int table_read(struct table *t, uint64_t region, uint8_t *leaves, bool *ret_known, struct err *err);

/* For tags_new. */
const uint8_t *table_tag_key(const struct table *t);
/*
 * The tags of a region, TAGS_A_BLOCK for each leaf. *ret_known is false when they are not those of
 * the leaves that table_read gives. Any thread.
 */
int table_read_tags(struct table *t, uint64_t region, uint64_t *tags, bool *ret_known,
                    struct err *err);

/* A bit a block of a region: bit i % 64 of word i / 64. */
enum { TABLE_WORDS = DIGEST_REGION_LEAVES / 64 };

int table_begin(struct table *t, struct err *err);
/*
 * A region as it is in this pass, all of its leaves and (NULL: not known any more) tags; those of
 * blocks with a bit in changed (NULL: all) are written, the others are as table_read and
 * table_read_tags gave them. Once a region and pass; any thread.
 */
struct table_region {
    const uint8_t *leaves;
    const uint64_t *tags;
    const uint64_t *changed;
};
int table_update(struct table *t, uint64_t region, const struct table_region *now, struct err *err);

/*
 * A pass that must cover every region may be kept on the way, and gone on with after a crash.
 * table_mark says how far it has come; when all that the regions until then describe is durable,
 * table_keep makes that much of the pass durable too. digest is the one the pass leads to. One
 * thread at a time.
 */
uint64_t table_mark(struct table *t);
int table_keep(struct table *t, uint64_t mark, const uint8_t *digest, struct err *err);
/* As table_begin, for a table that is not known: goes on with a pass that was kept on the way to
 * digest. *ret_done has a bit for each region that is not to be updated again, and is freed by the
 * caller; NULL: no pass was kept. */
int table_begin_again(struct table *t, const uint8_t *digest, uint64_t **ret_done, struct err *err);

bool table_touched(struct table *t); /* was any region updated in this pass? */
/* The volume digest with the pass's changes in it. When not known, every region was updated. */
int table_digest(struct table *t, uint8_t *out, struct err *err);
/* Make the pass durable; digest is what table_digest gave. */
int table_seal(struct table *t, const uint8_t *digest, struct err *err);
/* The point stands: from now on this is the table. A failure leaves it to the next table_open. */
int table_commit(struct table *t, struct err *err);
/* Forget the pass; after table_seal only when the point certainly does not stand. */
void table_abort(struct table *t);

#endif

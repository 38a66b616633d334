/* SPDX-License-Identifier: Apache-2.0 */
/* Writing into the volume, and knowing the leaves of what it then holds. */
#include "transport/pull.h"

#include "base/err.h"
#include "base/fail.h"
#include "base/num.h"

#include <inttypes.h>

#include "base/banned.h"

static void set_bit(uint64_t *bits, uint32_t i)
{
    bits[i / 64] |= UINT64_C(1) << i % 64;
}

static bool has_bit(const uint64_t *bits, uint32_t i)
{
    return bits[i / 64] >> i % 64 & 1;
}

static size_t block_len(const struct pull_region *r, uint32_t block)
{
    return (size_t)num_min(VOLUME_BLOCK, r->bytes - (uint64_t)block * VOLUME_BLOCK);
}

static void note_leaves(const struct pull_self *s, struct pull_region *r, uint32_t from,
                        uint32_t to, const uint8_t *data)
{
    uint8_t *leaves = r->leaves + (size_t)from * DIGEST_LEN;
    uint64_t start = (uint64_t)from * VOLUME_BLOCK;
    uint64_t end = num_min((uint64_t)to * VOLUME_BLOCK, r->bytes);

    if (data) {
        digest_row(slice_of(data, (size_t)(end - start)), leaves);
        return;
    }
    for (uint32_t b = from; b < to; b++, leaves += DIGEST_LEN) {
        if (block_len(r, b) == VOLUME_BLOCK)
            memcpy(leaves, digest_zero_leaf(), DIGEST_LEN);
        else
            digest_leaf(slice_of(s->zeroes, block_len(r, b)), leaves);
    }
}

/* Whole blocks [from, to), whose data (NULL: zeroes) lies in a row. */
static int note_blocks(const struct pull_self *s, struct pull_region *r, uint32_t from, uint32_t to,
                       const uint8_t *data, struct err *err)
{
    int rc = 0;

    note_leaves(s, r, from, to, data);
    for (uint32_t b = from; rc == 0 && b < to; b++) {
        uint32_t first = b * PULL_BLOCK_SECTORS;

        if (r->tags_known)
            rc = tags_block(s->tagger, data ? data + (size_t)(b - from) * VOLUME_BLOCK : NULL,
                            (uint32_t)num_min(PULL_BLOCK_SECTORS, r->sectors - first),
                            r->tags + (size_t)b * TAGS_A_BLOCK, err);
        set_bit(r->noted, b);
    }
    return rc;
}

int pull_note(const struct pull_self *s, struct pull_region *r, uint32_t first, uint32_t count,
              const uint8_t *data, struct err *err)
{
    uint32_t end = first + count;
    uint32_t from = (uint32_t)num_div_up(first, PULL_BLOCK_SECTORS);
    uint32_t to = end == r->sectors ? (uint32_t)num_div_up(end, PULL_BLOCK_SECTORS)
                                    : end / PULL_BLOCK_SECTORS;

    for (uint32_t b = first / PULL_BLOCK_SECTORS; b * PULL_BLOCK_SECTORS < end; b++)
        set_bit(r->touched, b);
    if (!s->pull->table || from >= to)
        return 0;
    if (data)
        data += (size_t)(from * PULL_BLOCK_SECTORS - first) * VOLUME_SECTOR;
    return note_blocks(s, r, from, to, data, err);
}

int pull_read(struct pull_self *s, const struct pull_region *r, uint32_t first, uint32_t count,
              struct err *err)
{
    uint64_t at = (uint64_t)first * VOLUME_SECTOR;
    size_t len = (size_t)count * VOLUME_SECTOR;
    size_t inside = (size_t)num_min(len, r->bytes - at);

    memset(s->mem + inside, 0, len - inside);
    return volume_read(s->pull->volume, r->offset + at, s->mem, inside, err);
}

static int step(const struct pull_region *r, uint32_t first, struct err *err)
{
    int rc = failpoint("pull_write");

    return rc < 0 ? err_set(err, rc, "write at %" PRIu64 ": %m",
                            r->offset + (uint64_t)first * VOLUME_SECTOR)
                  : 0;
}

int pull_write(struct pull_self *s, struct pull_region *r, uint32_t first, struct slice data,
               struct err *err)
{
    uint64_t at = (uint64_t)first * VOLUME_SECTOR;
    uint32_t count = (uint32_t)(data.len / VOLUME_SECTOR);
    int rc = step(r, first, err);

    if (rc == 0)
        rc = volume_write(s->pull->volume, r->offset + at, data.data,
                          (size_t)num_min(data.len, r->bytes - at), err);
    return rc < 0 ? rc : pull_note(s, r, first, count, data.data, err);
}

int pull_zero(struct pull_self *s, struct pull_region *r, uint32_t first, uint32_t count,
              struct err *err)
{
    uint64_t at = (uint64_t)first * VOLUME_SECTOR;
    uint64_t len = num_min((uint64_t)count * VOLUME_SECTOR, r->bytes - at);
    int rc = step(r, first, err);

    if (rc == 0)
        rc = volume_zero(s->pull->volume, r->offset + at, len, err);
    return rc < 0 ? rc : pull_note(s, r, first, count, NULL, err);
}

/* Blocks that several extents share, or that the table knew nothing of. */
static int read_back(struct pull_self *s, struct pull_region *r, uint32_t block, struct err *err)
{
    uint32_t first = block * PULL_BLOCK_SECTORS;
    uint32_t count = (uint32_t)num_min(PULL_BLOCK_SECTORS, r->sectors - first);
    int rc = pull_read(s, r, first, count, err);

    return rc < 0 ? rc : pull_note(s, r, first, count, s->mem, err);
}

int pull_finish(struct pull_self *s, struct pull_region *r, struct err *err)
{
    uint32_t blocks = (uint32_t)num_div_up(r->sectors, PULL_BLOCK_SECTORS);
    struct table_region now;
    int rc = 0;

    if (!s->pull->table)
        return 0;
    for (uint32_t b = 0; rc == 0 && b < blocks; b++)
        if ((has_bit(r->touched, b) || !r->known) && !has_bit(r->noted, b))
            rc = read_back(s, r, b, err);
    if (rc < 0)
        return rc;
    now = (struct table_region){.leaves = r->leaves,
                                .tags = r->tags_known ? r->tags : NULL,
                                .changed = r->known ? r->touched : NULL};
    return table_update(s->pull->table, r->index, &now, err);
}

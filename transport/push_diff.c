/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing a job with the head: by the leaves of the table and the tags of sectors, or, where
 * there is no table, by the ids of the units that the head's page names.
 */
#include "transport/push_diff.h"

#include "base/num.h"

#include "base/banned.h"

enum {
    BLOCK_SECTORS = TAGS_A_BLOCK,
    WHOLE_FROM = 12 /* changed sectors of a block from which on it goes as one */
};

static void set(uint64_t *bits, uint32_t i)
{
    bits[i / 64] |= UINT64_C(1) << i % 64;
}

uint32_t push_diff_sectors(const struct push_job *j)
{
    return (uint32_t)num_div_up(j->len, VOLUME_SECTOR);
}

struct slice push_diff_data(const struct push_job *j, uint32_t first, uint32_t count)
{
    return slice_of(j->data + (size_t)first * VOLUME_SECTOR, (size_t)count * VOLUME_SECTOR);
}

void push_diff_id(const struct push_tools *t, const struct push_job *j, uint32_t first,
                  uint32_t count, uint8_t *out)
{
    struct slice raw = push_diff_data(j, first, count);
    uint32_t block = j->first_block + first / BLOCK_SECTORS;
    size_t end = ((size_t)first + count) * VOLUME_SECTOR;

    /* Leaves serve where the pieces of the id are blocks of the volume digest. */
    if (first % BLOCK_SECTORS == 0 && raw.len % VOLUME_BLOCK == 0 && end <= j->len)
        unit_id(t->vault, (uint32_t)raw.len, j->region->leaves + (size_t)block * DIGEST_LEN, out);
    else
        unit_id_of(t->vault, raw, out);
}

static const uint8_t *leaf_at(const uint8_t *leaves, const struct push_job *j, uint32_t block)
{
    return leaves + ((size_t)j->first_block + block) * DIGEST_LEN;
}

static struct slice block_data(const struct push_job *j, uint32_t block)
{
    size_t at = (size_t)block * VOLUME_BLOCK;

    return slice_of(j->data + at, (size_t)num_min(VOLUME_BLOCK, j->len - at));
}

static bool block_is_zero(const struct push_job *j, uint32_t block)
{
    if (j->hole)
        return true;
    if (block_data(j, block).len < VOLUME_BLOCK)
        return digest_is_zero(block_data(j, block));
    return memcmp(leaf_at(j->region->leaves, j, block), digest_zero_leaf(), DIGEST_LEN) == 0;
}

static void digest_blocks(const struct push_job *j)
{
    uint8_t *leaf = j->region->leaves + (size_t)j->first_block * DIGEST_LEN;

    if (!j->hole) {
        digest_row(slice_of(j->data, j->len), leaf);
        return;
    }
    for (uint32_t b = 0; b < j->blocks; b++, leaf += DIGEST_LEN)
        memcpy(leaf, digest_zero_leaf(), DIGEST_LEN);
}

static int head_page(const struct push_tools *t, struct push_region *r, struct err *err)
{
    int rc = 0;

    pthread_mutex_lock(&r->page_lock);
    if (!r->page && r->has_page) {
        rc = page_fetch(t->vault, &r->page_unit, r->index, r->head_sectors, &r->page, err);
        if (rc == 0)
            rc = page_resize(r->page, r->sectors, err);
    }
    pthread_mutex_unlock(&r->page_lock);
    return rc;
}

/* Does the head hold just these bytes? x is an extent of it, first its place in the job. */
static bool extent_holds(const struct push_tools *t, const struct push_job *j, uint32_t first,
                         const struct page_extent *x)
{
    uint8_t id[UNIT_ID_LEN];

    if (x->zero)
        return j->hole || digest_is_zero(push_diff_data(j, first, x->count));
    /* A part of a unit cannot be told without fetching it: then the block is sent again. */
    if (j->hole || x->unit_first != 0 || x->unit.raw_len != x->count * VOLUME_SECTOR)
        return false;
    push_diff_id(t, j, first, x->count, id);
    return memcmp(id, x->unit.id, UNIT_ID_LEN) == 0;
}

/* Without a table: which blocks differ from what the head's page says, unit by unit. */
static void compare_with_page(const struct push_tools *t, const struct push_job *j,
                              uint64_t *changed)
{
    const uint32_t start = j->first_block * BLOCK_SECTORS;
    const uint32_t end = start + push_diff_sectors(j);
    struct page_extent x;

    for (uint32_t s = start; s < end && page_extent(j->region->page, s, &x); s += x.count) {
        if (x.zero)
            x.count = (uint32_t)num_min(x.count, end - s);
        if (x.first + x.count <= end && extent_holds(t, j, s - start, &x))
            continue;
        for (uint32_t i = s; i < num_min(s + x.count, end); i++)
            set(changed, i / BLOCK_SECTORS);
    }
}

/* A repair: what the head keeps in a pack that is lost counts as changed. */
static int add_lost(const struct push_tools *t, const struct push_job *j, uint64_t *changed,
                    struct err *err)
{
    const uint32_t start = j->first_block * BLOCK_SECTORS;
    const uint32_t end = start + push_diff_sectors(j);
    struct page_extent x;
    bool whole = true;
    int rc = 0;

    if (!j->region->has_page)
        return 0;
    for (uint32_t s = start; s < end && page_extent(j->region->page, s, &x);
         s = x.first + x.count) {
        if (x.zero)
            continue;
        rc = push_repair_pack(t->push, t->vault, x.unit.pack, &whole, err);
        if (rc < 0)
            return rc;
        for (uint32_t i = s; !whole && i < num_min(s + x.count, end); i++)
            set(changed, i / BLOCK_SECTORS);
    }
    return 0;
}

static int find_blocks(const struct push_tools *t, const struct push_job *j, uint64_t *changed,
                       struct err *err)
{
    struct push_region *r = j->region;
    int rc;

    if (!r->known && r->has_page) {
        rc = head_page(t, r, err);
        if (rc == 0)
            compare_with_page(t, j, changed);
        return rc;
    }
    for (uint32_t b = 0; b < j->blocks; b++) {
        bool same = r->known
                        ? memcmp(leaf_at(r->old, j, b), leaf_at(r->leaves, j, b), DIGEST_LEN) == 0
                        : block_is_zero(j, b);
        if (!same)
            set(changed, j->first_block + b);
    }
    return 0;
}

static uint32_t block_sectors(const struct push_job *j, uint32_t block)
{
    return (uint32_t)num_min(BLOCK_SECTORS, push_diff_sectors(j) - block * BLOCK_SECTORS);
}

static void emit_whole(const struct push_job *j, uint32_t block, struct push_diff *d)
{
    bool zero = block_is_zero(j, block);

    for (uint32_t i = 0; i < block_sectors(j, block); i++) {
        set(d->sectors, block * BLOCK_SECTORS + i);
        if (zero)
            set(d->zero, block * BLOCK_SECTORS + i);
    }
}

/* Only the sectors whose tag moved. When none did, the leaf knows better: then the whole block. */
static void emit_sectors(const struct push_job *j, uint32_t block, const uint64_t *was,
                         const uint64_t *now, struct push_diff *d)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < block_sectors(j, block); i++)
        n += was[i] != now[i];
    if (n == 0 || n >= WHOLE_FROM || block_is_zero(j, block)) {
        emit_whole(j, block, d);
        return;
    }
    for (uint32_t i = 0; i < block_sectors(j, block); i++) {
        uint32_t sector = block * BLOCK_SECTORS + i;

        if (was[i] == now[i])
            continue;
        set(d->sectors, sector);
        if (digest_is_zero(push_diff_data(j, sector, 1)))
            set(d->zero, sector);
    }
}

static int tag_block(const struct push_tools *t, const struct push_job *j, uint32_t block,
                     uint64_t *out, struct err *err)
{
    const uint8_t *data = block_is_zero(j, block) ? NULL : block_data(j, block).data;

    return tags_block(t->tags, data, block_sectors(j, block), out, err);
}

static int find_sectors(const struct push_tools *t, const struct push_job *j, struct push_diff *d,
                        struct err *err)
{
    struct push_region *r = j->region;
    uint64_t now[TAGS_A_BLOCK];
    int rc = 0;

    for (uint32_t b = 0; rc == 0 && b < j->blocks; b++) {
        bool changed = push_diff_has(d->blocks, j->first_block + b);
        uint64_t *tags = r->tags + ((size_t)j->first_block + b) * TAGS_A_BLOCK;

        if (!changed && r->known)
            continue;
        if (changed && r->known)
            rc = push_region_tags(t->push, r, err);
        if (rc == 0 && r->tags_whole)
            rc = tag_block(t, j, b, now, err);
        if (rc < 0)
            return rc;
        if (changed && r->known && r->tags_whole && !t->push->run->repair)
            emit_sectors(j, b, tags, now, d);
        else if (changed)
            emit_whole(j, b, d);
        if (r->tags_whole)
            memcpy(tags, now, sizeof(now));
    }
    return rc;
}

static bool any(const uint64_t *words, size_t n)
{
    uint64_t all = 0;

    for (size_t i = 0; i < n; i++)
        all |= words[i];
    return all != 0;
}

/* What lies scattered, as it is now: a block that changed meanwhile did so for the table, too. */
static void add_again(const struct push_tools *t, const struct push_job *j, struct push_diff *d)
{
    if (any(d->blocks, TABLE_WORDS))
        push_gather_moved(t->push);
    push_gather_job(t->push, j, d->again);
    if (!any(d->again, PUSH_DIFF_WORDS))
        return;
    for (uint32_t s = 0; s < push_diff_sectors(j); s++) {
        if (!push_diff_has(d->again, s) || push_diff_has(d->sectors, s)) {
            d->again[s / 64] &= ~(UINT64_C(1) << s % 64);
            continue;
        }
        set(d->sectors, s);
        if (block_is_zero(j, s / BLOCK_SECTORS))
            set(d->zero, s);
    }
}

int push_diff(const struct push_tools *t, const struct push_job *j, struct push_diff *ret,
              struct err *err)
{
    int rc;

    memset(ret, 0, sizeof(*ret));
    digest_blocks(j);
    rc = find_blocks(t, j, ret->blocks, err);
    if (rc == 0 && t->push->run->repair)
        rc = add_lost(t, j, ret->blocks, err);
    if (rc == 0)
        rc = find_sectors(t, j, ret, err);
    if (rc == 0)
        add_again(t, j, ret);
    return rc;
}

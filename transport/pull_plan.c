/* SPDX-License-Identifier: Apache-2.0 */
/* What of a region must be written: the difference of two pages, or of a page and the volume. */
#include "transport/pull.h"

#include "base/err.h"
#include "base/num.h"

#include "base/banned.h"

enum { MEM_SECTORS = PULL_MEM_BYTES / VOLUME_SECTOR };

static int need(struct pull_self *s, struct pull_region *r, const struct page_extent *x,
                uint32_t count, struct err *err)
{
    if (s->needs_n == s->needs_cap) {
        size_t cap = s->needs_cap ? s->needs_cap * 2 : 256;
        struct pull_need *needs = reallocarray(s->needs, cap, sizeof(*needs));
        struct fetch_item *items;

        if (!needs)
            return err_set(err, -ENOMEM, "pull: %m");
        s->needs = needs;
        items = reallocarray(s->items, cap, sizeof(*items));
        if (!items)
            return err_set(err, -ENOMEM, "pull: %m");
        s->items = items;
        s->needs_cap = cap;
    }
    s->needs[s->needs_n] = (struct pull_need){
        .region = r, .first = x->first, .count = count, .unit_first = x->unit_first};
    s->items[s->needs_n] = (struct fetch_item){.unit = x->unit, .cookie = s->needs_n};
    s->needs_n++;
    return 0;
}

/* The run at sector; no page is all zero. */
static void extent_at(const struct page *p, uint32_t sectors, uint32_t sector,
                      struct page_extent *ret)
{
    if (p && page_extent(p, sector, ret))
        return;
    *ret = (struct page_extent){.first = sector, .count = sectors - sector, .zero = true};
}

static bool same_run(const struct page_extent *a, const struct page_extent *b)
{
    if (a->zero || b->zero)
        return a->zero && b->zero;
    return unit_same(&a->unit, &b->unit) && a->unit_first == b->unit_first;
}

static int plan_difference(struct pull_self *s, struct pull_region *r, struct err *err)
{
    struct page_extent now;
    struct page_extent was;
    uint32_t count;
    int rc = 0;

    for (uint32_t at = 0; rc == 0 && at < r->sectors; at += count) {
        extent_at(r->page, r->sectors, at, &now);
        extent_at(r->base, r->sectors, at, &was);
        count = (uint32_t)num_min(now.count, was.count);
        if (same_run(&now, &was))
            continue;
        if (now.zero)
            rc = pull_zero(s, r, at, count, err);
        else
            rc = need(s, r, &now, count, err);
    }
    return rc;
}

/* How many of the next count sectors lie in a hole of the volume. */
static int hole_at(struct pull_self *s, struct pull_region *r, uint32_t first, uint32_t count,
                   uint32_t *ret, struct err *err)
{
    uint64_t at = r->offset + (uint64_t)first * VOLUME_SECTOR;
    uint64_t end = num_min(at + (uint64_t)count * VOLUME_SECTOR, s->pull->size_bytes);
    uint64_t len = 0;
    bool hole = false;
    int rc = holes_at(&r->holes, at, &len, &hole, err);

    if (rc < 0)
        return rc;
    if (!hole)
        *ret = 0;
    else
        *ret = len >= end - at ? count : (uint32_t)(len / VOLUME_SECTOR);
    return 0;
}

/* Into mem. What cannot be read is no reason to stop: it is written anew, for which a disk takes
 * spare sectors. */
static int look(struct pull_self *s, const struct pull_region *r, uint32_t first, uint32_t count,
                bool *ret_readable, struct err *err)
{
    int rc = pull_read(s, r, first, count, err);

    *ret_readable = rc == 0;
    if (rc != -EIO)
        return rc;
    err_clear(err);
    return volume_check(s->pull->volume, err);
}

static int compare_zero(struct pull_self *s, struct pull_region *r, uint32_t first, uint32_t count,
                        struct err *err)
{
    uint32_t end = first + count;
    uint32_t some = 0;
    bool readable = true;
    int rc = 0;

    for (uint32_t at = first; rc == 0 && at < end; at += some) {
        rc = hole_at(s, r, at, end - at, &some, err);
        if (rc < 0)
            return rc;
        if (some > 0) {
            rc = pull_note(s, r, at, some, NULL, err);
            continue;
        }
        /* Up to a border, so that no block is cut in two. */
        some = (uint32_t)num_min(MEM_SECTORS - at % MEM_SECTORS, end - at);
        rc = look(s, r, at, some, &readable, err);
        if (rc == 0 &&
            !(readable && digest_is_zero(slice_of(s->mem, (size_t)some * VOLUME_SECTOR))))
            rc = pull_zero(s, r, at, some, err);
        else if (rc == 0)
            rc = pull_note(s, r, at, some, NULL, err);
    }
    return rc;
}

/* Leaves that pull_note has just made serve, where they are the pieces of the id. */
static void local_id(const struct pull_self *s, const struct pull_region *r, uint32_t first,
                     uint32_t count, uint8_t *out)
{
    uint32_t len = count * VOLUME_SECTOR;
    uint64_t end = ((uint64_t)first + count) * VOLUME_SECTOR;

    if (first % PULL_BLOCK_SECTORS == 0 && len % VOLUME_BLOCK == 0 && end <= r->bytes)
        unit_id(s->vault, len, r->leaves + (size_t)first / PULL_BLOCK_SECTORS * DIGEST_LEN, out);
    else
        unit_id_of(s->vault, slice_of(s->mem, len), out);
}

static int compare_unit(struct pull_self *s, struct pull_region *r, const struct page_extent *x,
                        struct err *err)
{
    bool whole = x->unit_first == 0 && x->unit.raw_len == x->count * VOLUME_SECTOR;
    uint8_t id[UNIT_ID_LEN];
    uint32_t hole = 0;
    bool readable = true;
    int rc = hole_at(s, r, x->first, x->count, &hole, err);

    if (rc < 0)
        return rc;
    if (!whole || hole == x->count || x->count > MEM_SECTORS)
        return need(s, r, x, x->count, err);
    rc = look(s, r, x->first, x->count, &readable, err);
    if (rc == 0 && !readable)
        return need(s, r, x, x->count, err);
    if (rc == 0)
        rc = pull_note(s, r, x->first, x->count, s->mem, err);
    if (rc < 0)
        return rc;
    local_id(s, r, x->first, x->count, id);
    return memcmp(id, x->unit.id, UNIT_ID_LEN) == 0 ? 0 : need(s, r, x, x->count, err);
}

static int plan_comparison(struct pull_self *s, struct pull_region *r, struct err *err)
{
    struct page_extent x;
    int rc = 0;

    for (uint32_t at = 0; rc == 0 && at < r->sectors; at += x.count) {
        extent_at(r->page, r->sectors, at, &x);
        rc = x.zero ? compare_zero(s, r, x.first, x.count, err) : compare_unit(s, r, &x, err);
    }
    return rc;
}

int pull_plan(struct pull_self *s, struct pull_region *r, struct err *err)
{
    return s->pull->compare ? plan_comparison(s, r, err) : plan_difference(s, r, err);
}

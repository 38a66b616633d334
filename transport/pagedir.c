/* SPDX-License-Identifier: Apache-2.0 */
/* Directory pages: an array of regions in memory, the non-zero ones in a table on disk. */
#include "transport/pagedir.h"

#include "base/err.h"
#include "base/gw.h"
#include "transport/unittab.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum { LAYOUT = 1 };
static const char magic[4] = {'G', 'W', 'M', 'D'};

struct pagedir {
    uint32_t index;
    uint32_t regions;
    struct unit pages[PAGEDIR_REGIONS_MAX]; /* raw_len 0: a zero region */
};

static bool regions_fit(uint32_t regions)
{
    return regions > 0 && regions <= PAGEDIR_REGIONS_MAX;
}

int pagedir_new(uint32_t index, uint32_t regions, struct pagedir **ret, struct err *err)
{
    struct pagedir *d;

    if (!regions_fit(regions))
        return err_set(err, -EINVAL, "a directory of %u regions", regions);
    d = calloc(1, sizeof(*d));
    if (!d)
        return err_set(err, -ENOMEM, "make a directory page: %m");
    d->index = index;
    d->regions = regions;
    *ret = d;
    return 0;
}

void pagedir_free(struct pagedir *d)
{
    free(d);
}

uint32_t pagedir_regions(const struct pagedir *d)
{
    return d->regions;
}

int pagedir_resize(struct pagedir *d, uint32_t regions, struct err *err)
{
    if (!regions_fit(regions))
        return err_set(err, -EINVAL, "a directory of %u regions", regions);
    for (uint32_t slot = regions; slot < d->regions; slot++)
        d->pages[slot] = (struct unit){0};
    d->regions = regions;
    return 0;
}

void pagedir_set(struct pagedir *d, uint32_t slot, const struct unit *u)
{
    assert(slot < d->regions);
    assert(!u || u->kind == UNIT_MAP);
    d->pages[slot] = u ? *u : (struct unit){0};
}

const struct unit *pagedir_get(const struct pagedir *d, uint32_t slot)
{
    assert(slot < d->regions);
    return d->pages[slot].raw_len ? &d->pages[slot] : NULL;
}

bool pagedir_is_zero(const struct pagedir *d)
{
    for (uint32_t slot = 0; slot < d->regions; slot++)
        if (d->pages[slot].raw_len)
            return false;
    return true;
}

int pagedir_encode(const struct pagedir *d, struct buf *out, struct err *err)
{
    auto_free struct unit *units = calloc(PAGEDIR_REGIONS_MAX, sizeof(*units));
    size_t n = 0;

    if (!units)
        return err_set(err, -ENOMEM, "write a directory page: %m");
    for (uint32_t slot = 0; slot < d->regions; slot++)
        if (d->pages[slot].raw_len)
            units[n++] = d->pages[slot];
    buf_append(out, magic, sizeof(magic));
    buf_u32le(out, LAYOUT);
    buf_u32le(out, d->index);
    buf_u32le(out, d->regions);
    buf_u32le(out, (uint32_t)n);
    for (uint32_t slot = 0; slot < d->regions; slot++)
        buf_u8(out, d->pages[slot].raw_len != 0);
    return unittab_encode(units, n, out, err);
}

static int damaged(const struct pagedir *d, const char *what, struct err *err)
{
    return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG, "directory page %u: %s", d->index, what);
}

/* present has d->regions bytes; the table of n units follows in r. */
static int pages_decode(struct pagedir *d, struct slice present, size_t n, struct buf_reader *r,
                        struct err *err)
{
    auto_free struct unit *units = calloc(PAGEDIR_REGIONS_MAX, sizeof(*units));
    size_t met = 0;
    int rc;

    if (!units)
        return err_set(err, -ENOMEM, "read a directory page: %m");
    rc = unittab_decode(r, n, UNIT_MAP, units, err);
    if (rc)
        return err_add(err, rc, "directory page %u", d->index);
    for (uint32_t slot = 0; slot < d->regions; slot++) {
        if (present.data[slot] > 1 || (present.data[slot] && met == n))
            return damaged(d, "regions and pages do not agree", err);
        if (present.data[slot])
            d->pages[slot] = units[met++];
    }
    if (met != n || r->left)
        return damaged(d, "of the wrong length", err);
    return 0;
}

int pagedir_decode(struct slice raw, uint32_t index, uint32_t regions, struct pagedir **ret,
                   struct err *err)
{
    auto_pagedir struct pagedir *d = NULL;
    struct buf_reader r = buf_reader(raw);
    struct slice head;
    struct slice present;
    uint32_t numbers[4] = {0};
    int rc = pagedir_new(index, regions, &d, err);

    if (rc)
        return rc;
    head = buf_get(&r, sizeof(magic));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        numbers[i] = buf_get_u32le(&r);
    present = buf_get(&r, regions);
    if (r.short_ || memcmp(head.data, magic, sizeof(magic)) != 0 || numbers[0] != LAYOUT)
        return damaged(d, "no such page", err);
    if (numbers[1] != index || numbers[2] != regions || numbers[3] > regions)
        return damaged(d, "another place or size", err);
    rc = pages_decode(d, present, numbers[3], &r, err);
    if (!rc)
        *ret = TAKE(d);
    return rc;
}

int pagedir_fetch(struct vault *v, const struct unit *u, uint32_t index, uint32_t regions,
                  struct pagedir **ret, struct err *err)
{
    auto_free uint8_t *raw = NULL;
    int rc = unit_fetch_new(v, u, &raw, err);

    return rc ? rc : pagedir_decode(slice_of(raw, u->raw_len), index, regions, ret, err);
}

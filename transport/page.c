/* SPDX-License-Identifier: Apache-2.0 */
/* Map pages in memory: one slot a sector, and a table of the units the slots speak of. */
#include "transport/page_impl.h"

#include "base/err.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum { UNITS_FIRST = 64, FIND_SLOTS = 4 * PAGE_SECTORS_MAX };

static bool sectors_fit(uint32_t sectors)
{
    return sectors > 0 && sectors <= PAGE_SECTORS_MAX;
}

int page_new(uint32_t region, uint32_t sectors, struct page **ret, struct err *err)
{
    struct page *p;

    if (!sectors_fit(sectors))
        return err_set(err, -EINVAL, "a page of %u sectors", sectors);
    p = calloc(1, sizeof(*p));
    if (!p)
        return err_set(err, -ENOMEM, "make a map page: %m");
    p->region = region;
    p->sectors = sectors;
    memset(p->unit, 0xff, sizeof(p->unit));
    *ret = p;
    return 0;
}

void page_free(struct page *p)
{
    if (!p)
        return;
    free(p->units);
    free(p->find);
    free(p);
}

uint32_t page_sectors(const struct page *p)
{
    return p->sectors;
}

const struct unit *page_rests_on(const struct page *p, size_t i)
{
    return i < p->rests_n ? &p->rests[i] : NULL;
}

void page_fill(struct page *p, uint32_t first, uint32_t count, uint16_t unit, uint32_t inside)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t s = first + i;

        p->unit[s] = unit;
        p->inside[s] = (uint8_t)(unit == PAGE_NONE ? 0 : inside + i);
        p->dirty[s / 64] |= UINT64_C(1) << s % 64;
    }
}

int page_resize(struct page *p, uint32_t sectors, struct err *err)
{
    if (!sectors_fit(sectors))
        return err_set(err, -EINVAL, "a page of %u sectors", sectors);
    /* Slots past the end are always zero, so that growing needs nothing. */
    if (sectors < p->sectors)
        page_fill(p, sectors, p->sectors - sectors, PAGE_NONE, 0);
    p->sectors = sectors;
    return 0;
}

/* The slot of find where u is, or would be put. */
static uint32_t find_slot(const struct page *p, const struct unit *u)
{
    uint32_t at;

    memcpy(&at, u->pack, sizeof(at)); /* a hash already */
    at = (at + u->segment * 2654435761u) % FIND_SLOTS;
    while (p->find[at] != PAGE_NONE && !unit_same(&p->units[p->find[at]], u))
        at = (at + 1) % FIND_SLOTS;
    return at;
}

static int find_build(struct page *p, struct err *err)
{
    if (!p->find)
        p->find = malloc(FIND_SLOTS * sizeof(*p->find));
    if (!p->find)
        return err_set(err, -ENOMEM, "index a map page: %m");
    memset(p->find, 0xff, FIND_SLOTS * sizeof(*p->find));
    for (size_t i = 0; i < p->units_n; i++)
        p->find[find_slot(p, &p->units[i])] = (uint16_t)i;
    return 0;
}

/* Units in the order in which sectors speak of them first: *ret_old has p->sectors places, and
 * new_of (p->units_n of them, or NULL) the way back. Returns their number. */
static size_t units_in_use(const struct page *p, uint16_t *ret_old, uint16_t *new_of)
{
    size_t n = 0;

    memset(new_of, 0xff, p->units_n * sizeof(*new_of));
    for (uint32_t s = 0; s < p->sectors; s++) {
        uint16_t old = p->unit[s];

        if (old == PAGE_NONE || new_of[old] != PAGE_NONE)
            continue;
        new_of[old] = (uint16_t)n;
        ret_old[n++] = old;
    }
    return n;
}

/* Forget the units that no sector speaks of. */
static int compact(struct page *p, struct err *err)
{
    auto_free uint16_t *old = calloc(PAGE_SECTORS_MAX, sizeof(*old));
    auto_free uint16_t *new_of = calloc(PAGE_UNITS_CAP, sizeof(*new_of));
    struct unit *units = calloc(PAGE_UNITS_CAP, sizeof(*units));
    size_t n;

    if (!old || !new_of || !units) {
        free(units);
        return err_set(err, -ENOMEM, "compact a map page: %m");
    }
    n = units_in_use(p, old, new_of);
    for (size_t i = 0; i < n; i++)
        units[i] = p->units[old[i]];
    for (uint32_t s = 0; s < p->sectors; s++)
        if (p->unit[s] != PAGE_NONE)
            p->unit[s] = new_of[p->unit[s]];
    free(p->units);
    p->units = units;
    p->units_n = n;
    p->units_cap = PAGE_UNITS_CAP;
    return find_build(p, err);
}

static int units_grow(struct page *p, struct err *err)
{
    size_t cap = p->units_cap ? 2 * p->units_cap : UNITS_FIRST;
    struct unit *more;

    if (p->units_n == PAGE_UNITS_CAP)
        return compact(p, err);
    if (p->units_n < p->units_cap)
        return 0;
    more = reallocarray(p->units, cap, sizeof(*more));
    if (!more)
        return err_set(err, -ENOMEM, "list the units of a map page: %m");
    p->units = more;
    p->units_cap = cap;
    return 0;
}

int page_intern(struct page *p, const struct unit *u, uint16_t *ret, struct err *err)
{
    uint32_t slot;
    int rc = p->find ? 0 : find_build(p, err);

    if (rc)
        return rc;
    slot = find_slot(p, u);
    if (p->find[slot] != PAGE_NONE) {
        *ret = p->find[slot];
        return 0;
    }
    rc = units_grow(p, err);
    if (rc)
        return rc;
    slot = find_slot(p, u); /* growing may have built find anew */
    p->units[p->units_n] = *u;
    p->find[slot] = (uint16_t)p->units_n;
    *ret = (uint16_t)p->units_n++;
    return 0;
}

int page_reserve(struct page *p, size_t n, struct err *err)
{
    return n > PAGE_UNITS_CAP - p->units_n ? compact(p, err) : 0;
}

int page_set_unit(struct page *p, uint32_t first, uint32_t count, const struct unit *u,
                  uint32_t unit_first, struct err *err)
{
    uint32_t unit_sectors = u->raw_len / PAGE_SECTOR;
    uint16_t index;
    int rc = unit_check(u, err);

    if (rc || u->kind != UNIT_DATA || count == 0 || first >= p->sectors ||
        count > p->sectors - first || unit_first >= unit_sectors ||
        count > unit_sectors - unit_first)
        return err_set(err, -EINVAL,
                       "sectors %u+%u of a page of %u cannot be sectors %u+ of a unit of %u", first,
                       count, p->sectors, unit_first, unit_sectors);
    rc = page_intern(p, u, &index, err);
    if (rc)
        return rc;
    page_fill(p, first, count, index, unit_first);
    return 0;
}

void page_set_zero(struct page *p, uint32_t first, uint32_t count)
{
    assert(first <= p->sectors && count <= p->sectors - first);
    page_fill(p, first, count, PAGE_NONE, 0);
}

bool page_goes_on(const struct page *p, uint32_t s)
{
    if (p->unit[s] != p->unit[s - 1])
        return false;
    return p->unit[s] == PAGE_NONE || p->inside[s] == p->inside[s - 1] + 1;
}

static uint32_t run_end(const struct page *p, uint32_t s)
{
    do
        s++;
    while (s < p->sectors && page_goes_on(p, s));
    return s;
}

bool page_extent(const struct page *p, uint32_t sector, struct page_extent *ret)
{
    if (sector >= p->sectors)
        return false;
    *ret = (struct page_extent){.first = sector,
                                .count = run_end(p, sector) - sector,
                                .zero = p->unit[sector] == PAGE_NONE,
                                .unit_first = p->inside[sector]};
    if (!ret->zero)
        ret->unit = p->units[p->unit[sector]];
    return true;
}

bool page_is_zero(const struct page *p)
{
    return p->unit[0] == PAGE_NONE && run_end(p, 0) == p->sectors;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Map pages in memory: one slot a sector, and a table of the units the slots speak of. */
#include "transport/page.h"

#include "base/err.h"
#include "base/gw.h"
#include "transport/unittab.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum {
    NONE = 0xffff, /* a zero sector; a free slot */
    UNITS_CAP = 2 * PAGE_SECTORS_MAX,
    UNITS_FIRST = 64,
    FIND_SLOTS = 4 * PAGE_SECTORS_MAX,
    LAYOUT = 1
};
static const char magic[4] = {'G', 'W', 'M', 'P'};

struct page {
    uint32_t region;
    uint32_t sectors;
    uint16_t unit[PAGE_SECTORS_MAX];  /* index into units, or NONE */
    uint8_t inside[PAGE_SECTORS_MAX]; /* sector inside the unit; 0 for NONE */
    struct unit *units;               /* some perhaps not referred to any more */
    size_t units_n;
    size_t units_cap;
    uint16_t *find; /* units by place, open addressing; NULL until the first page_set_unit */
};

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

int page_resize(struct page *p, uint32_t sectors, struct err *err)
{
    if (!sectors_fit(sectors))
        return err_set(err, -EINVAL, "a page of %u sectors", sectors);
    /* Slots past the end are always zero, so that growing needs nothing. */
    for (uint32_t s = sectors; s < p->sectors; s++) {
        p->unit[s] = NONE;
        p->inside[s] = 0;
    }
    p->sectors = sectors;
    return 0;
}

/* The slot of find where u is, or would be put. */
static uint32_t find_slot(const struct page *p, const struct unit *u)
{
    uint32_t at;

    memcpy(&at, u->pack, sizeof(at)); /* a hash already */
    at = (at + u->segment * 2654435761u) % FIND_SLOTS;
    while (p->find[at] != NONE && !unit_same(&p->units[p->find[at]], u))
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

        if (old == NONE || new_of[old] != NONE)
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
    auto_free uint16_t *new_of = calloc(UNITS_CAP, sizeof(*new_of));
    struct unit *units = calloc(UNITS_CAP, sizeof(*units));
    size_t n;

    if (!old || !new_of || !units) {
        free(units);
        return err_set(err, -ENOMEM, "compact a map page: %m");
    }
    n = units_in_use(p, old, new_of);
    for (size_t i = 0; i < n; i++)
        units[i] = p->units[old[i]];
    for (uint32_t s = 0; s < p->sectors; s++)
        if (p->unit[s] != NONE)
            p->unit[s] = new_of[p->unit[s]];
    free(p->units);
    p->units = units;
    p->units_n = n;
    p->units_cap = UNITS_CAP;
    return find_build(p, err);
}

static int units_grow(struct page *p, struct err *err)
{
    size_t cap = p->units_cap ? 2 * p->units_cap : UNITS_FIRST;
    struct unit *more;

    if (p->units_n == UNITS_CAP)
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

static int unit_intern(struct page *p, const struct unit *u, uint16_t *ret, struct err *err)
{
    uint32_t slot;
    int rc = p->find ? 0 : find_build(p, err);

    if (rc)
        return rc;
    slot = find_slot(p, u);
    if (p->find[slot] != NONE) {
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
    rc = unit_intern(p, u, &index, err);
    if (rc)
        return rc;
    for (uint32_t i = 0; i < count; i++) {
        p->unit[first + i] = index;
        p->inside[first + i] = (uint8_t)(unit_first + i);
    }
    return 0;
}

void page_set_zero(struct page *p, uint32_t first, uint32_t count)
{
    assert(first <= p->sectors && count <= p->sectors - first);
    for (uint32_t s = first; s < first + count; s++) {
        p->unit[s] = NONE;
        p->inside[s] = 0;
    }
}

/* Does sector s go on with the run that s - 1 is in? */
static bool goes_on(const struct page *p, uint32_t s)
{
    if (p->unit[s] != p->unit[s - 1])
        return false;
    return p->unit[s] == NONE || p->inside[s] == p->inside[s - 1] + 1;
}

static uint32_t run_end(const struct page *p, uint32_t s)
{
    do
        s++;
    while (s < p->sectors && goes_on(p, s));
    return s;
}

bool page_extent(const struct page *p, uint32_t sector, struct page_extent *ret)
{
    if (sector >= p->sectors)
        return false;
    *ret = (struct page_extent){.first = sector,
                                .count = run_end(p, sector) - sector,
                                .zero = p->unit[sector] == NONE,
                                .unit_first = p->inside[sector]};
    if (!ret->zero)
        ret->unit = p->units[p->unit[sector]];
    return true;
}

bool page_is_zero(const struct page *p)
{
    return p->unit[0] == NONE && run_end(p, 0) == p->sectors;
}

static void extents_encode(const struct page *p, const uint16_t *new_of, struct buf *out)
{
    for (uint32_t s = 0; s < p->sectors; s = run_end(p, s))
        buf_u16le(out, (uint16_t)(run_end(p, s) - s));
    for (uint32_t s = 0; s < p->sectors; s = run_end(p, s))
        buf_u16le(out, p->unit[s] == NONE ? NONE : new_of[p->unit[s]]);
    for (uint32_t s = 0; s < p->sectors; s = run_end(p, s))
        buf_u8(out, p->inside[s]);
}

int page_encode(const struct page *p, struct buf *out, struct err *err)
{
    auto_free uint16_t *old = calloc(PAGE_SECTORS_MAX, sizeof(*old));
    auto_free uint16_t *new_of = calloc(UNITS_CAP, sizeof(*new_of));
    auto_free struct unit *units = NULL;
    uint32_t extents = 0;
    size_t n;
    int rc;

    if (!old || !new_of)
        return err_set(err, -ENOMEM, "write a map page: %m");
    n = units_in_use(p, old, new_of);
    units = calloc(n + 1, sizeof(*units));
    if (!units)
        return err_set(err, -ENOMEM, "write a map page: %m");
    for (size_t i = 0; i < n; i++)
        units[i] = p->units[old[i]];
    for (uint32_t s = 0; s < p->sectors; s = run_end(p, s))
        extents++;
    buf_append(out, magic, sizeof(magic));
    buf_u32le(out, LAYOUT);
    buf_u32le(out, p->region);
    buf_u32le(out, p->sectors);
    buf_u32le(out, (uint32_t)n);
    buf_u32le(out, extents);
    rc = unittab_encode(units, n, out, err);
    if (rc)
        return rc;
    extents_encode(p, new_of, out);
    return buf_failed(out, err);
}

static int damaged(const struct page *p, const char *what, struct err *err)
{
    return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG, "map page of region %u: %s", p->region,
                      what);
}

/* One extent at *at; false when it does not fit, or would have been written otherwise. */
static bool extent_set(struct page *p, uint32_t *at, struct page_extent e, uint16_t unit)
{
    if (e.count == 0 || e.count > p->sectors - *at)
        return false;
    if (unit == NONE && e.unit_first != 0)
        return false;
    if (unit != NONE && e.unit_first + e.count > p->units[unit].raw_len / PAGE_SECTOR)
        return false;
    for (uint32_t i = 0; i < e.count; i++) {
        p->unit[*at + i] = unit;
        p->inside[*at + i] = (uint8_t)(unit == NONE ? 0 : e.unit_first + i);
    }
    if (*at > 0 && goes_on(p, *at))
        return false;
    *at += e.count;
    return true;
}

static int extents_decode(struct page *p, struct buf_reader *r, uint32_t n, struct err *err)
{
    struct buf_reader counts = buf_reader(buf_get(r, (size_t)n * 2));
    struct buf_reader units = buf_reader(buf_get(r, (size_t)n * 2));
    struct buf_reader firsts = buf_reader(buf_get(r, n));
    size_t met = 0;
    uint32_t at = 0;

    if (r->short_ || r->left)
        return damaged(p, "of the wrong length", err);
    for (uint32_t i = 0; i < n; i++) {
        struct page_extent e = {.count = buf_get_u16le(&counts), .unit_first = buf_get_u8(&firsts)};
        uint16_t unit = buf_get_u16le(&units);

        if (unit != NONE && (unit >= p->units_n || unit > met))
            return damaged(p, "units out of order", err);
        met += unit == met;
        if (!extent_set(p, &at, e, unit))
            return damaged(p, "an extent out of bounds", err);
    }
    if (at != p->sectors || met != p->units_n)
        return damaged(p, "extents do not cover it", err);
    return 0;
}

/* The units must be distinct, or equal pages could differ in their bytes. */
static int units_check_distinct(struct page *p, struct err *err)
{
    int rc = find_build(p, err);

    for (size_t i = 0; !rc && i < p->units_n; i++)
        if (p->find[find_slot(p, &p->units[i])] != i)
            rc = damaged(p, "a unit twice", err);
    return rc;
}

static int units_decode(struct page *p, struct buf_reader *r, uint32_t n, struct err *err)
{
    int rc;

    p->units = calloc((size_t)n + 1, sizeof(*p->units));
    if (!p->units)
        return err_set(err, -ENOMEM, "read a map page: %m");
    rc = unittab_decode(r, n, UNIT_DATA, p->units, err);
    if (rc)
        return err_add(err, rc, "map page of region %u", p->region);
    p->units_n = n;
    p->units_cap = (size_t)n + 1;
    return units_check_distinct(p, err);
}

int page_decode(struct slice raw, uint32_t region, uint32_t sectors, struct page **ret,
                struct err *err)
{
    auto_page struct page *p = NULL;
    struct buf_reader r = buf_reader(raw);
    struct slice head;
    uint32_t numbers[5];
    int rc = page_new(region, sectors, &p, err);

    if (rc)
        return rc;
    head = buf_get(&r, sizeof(magic));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        numbers[i] = buf_get_u32le(&r);
    if (r.short_ || memcmp(head.data, magic, sizeof(magic)) != 0 || numbers[0] != LAYOUT)
        return damaged(p, "no such page", err);
    if (numbers[1] != region || numbers[2] != sectors)
        return damaged(p, "another region or size", err);
    if (numbers[3] > sectors || numbers[4] > sectors)
        return damaged(p, "too many units or extents", err);
    rc = units_decode(p, &r, numbers[3], err);
    if (!rc)
        rc = extents_decode(p, &r, numbers[4], err);
    if (!rc)
        *ret = TAKE(p);
    return rc;
}

int page_fetch(struct vault *v, const struct unit *u, uint32_t region, uint32_t sectors,
               struct page **ret, struct err *err)
{
    auto_free uint8_t *raw = NULL;
    int rc = unit_check(u, err);

    if (rc)
        return rc;
    raw = malloc(u->raw_len);
    if (!raw)
        return err_set(err, -ENOMEM, "fetch a map page: %m");
    rc = unit_fetch(v, u, raw, err);
    if (!rc)
        rc = page_decode(slice_of(raw, u->raw_len), region, sectors, ret, err);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Map pages as bytes: whole, or as the difference from the page they were fetched from, so that
 * scattered small writes do not rewrite the map of all that lies around them.
 */
#include "base/err.h"
#include "base/gw.h"
#include "transport/page_impl.h"
#include "transport/page_many.h"
#include "transport/unittab.h"

#include <stdlib.h>

#include "base/banned.h"

enum { LAYOUT_WHOLE = 1, LAYOUT_DIFFERENCE = 2 };
static const char magic[4] = {'G', 'W', 'M', 'P'};

/* ---- writing ------------------------------------------------------------- */

/* What is written: all runs of sectors, or those that were set since the page was fetched. */
struct scope {
    const struct page *page;
    bool all;
    uint32_t runs_n;
    size_t units_n;
    uint16_t *old; /* units_n of them: index into page->units */
    uint16_t *now; /* the way back, for page->units_n */
};

static void scope_done(struct scope *c)
{
    free(c->old);
    free(c->now);
}

static bool is_dirty(const struct page *p, uint32_t s)
{
    return p->dirty[s / 64] >> s % 64 & 1;
}

/* The next run at or after from. */
static bool run_next(const struct scope *c, uint32_t from, uint32_t *ret_first, uint32_t *ret_end)
{
    const struct page *p = c->page;
    uint32_t s = from;

    while (!c->all && s < p->sectors && !is_dirty(p, s))
        s++;
    if (s >= p->sectors)
        return false;
    *ret_first = s;
    do
        s++;
    while (s < p->sectors && (c->all || is_dirty(p, s)) && page_goes_on(p, s));
    *ret_end = s;
    return true;
}

static int scope_init(struct scope *c, struct err *err)
{
    const struct page *p = c->page;
    uint32_t first;
    uint32_t end = 0;

    c->old = calloc(PAGE_SECTORS_MAX, sizeof(*c->old));
    c->now = calloc(PAGE_UNITS_CAP, sizeof(*c->now));
    if (!c->old || !c->now)
        return err_set(err, -ENOMEM, "write a map page: %m");
    memset(c->now, 0xff, PAGE_UNITS_CAP * sizeof(*c->now));
    while (run_next(c, end, &first, &end)) {
        uint16_t unit = p->unit[first];

        c->runs_n++;
        if (unit == PAGE_NONE || c->now[unit] != PAGE_NONE)
            continue;
        c->now[unit] = (uint16_t)c->units_n;
        c->old[c->units_n++] = unit;
    }
    return 0;
}

static int units_encode(const struct scope *c, struct buf *out, struct err *err)
{
    auto_free struct unit *units = calloc(c->units_n + 1, sizeof(*units));

    if (!units)
        return err_set(err, -ENOMEM, "write a map page: %m");
    for (size_t i = 0; i < c->units_n; i++)
        units[i] = c->page->units[c->old[i]];
    return unittab_encode(units, c->units_n, out, err);
}

static void runs_encode(const struct scope *c, struct buf *out)
{
    const struct page *p = c->page;
    uint32_t first;
    uint32_t end = 0;

    for (uint32_t last = 0; !c->all && run_next(c, end, &first, &end); last = end)
        buf_u16le(out, (uint16_t)(first - last));
    for (end = 0; run_next(c, end, &first, &end);)
        buf_u16le(out, (uint16_t)(end - first));
    for (end = 0; run_next(c, end, &first, &end);)
        buf_u16le(out, p->unit[first] == PAGE_NONE ? PAGE_NONE : c->now[p->unit[first]]);
    for (end = 0; run_next(c, end, &first, &end);)
        buf_u8(out, p->inside[first]);
}

static int encode(const struct page *p, bool all, struct buf *out, struct err *err)
{
    AUTO(scope_done) struct scope c = {.page = p, .all = all};
    int rc = scope_init(&c, err);

    if (rc)
        return rc;
    buf_append(out, magic, sizeof(magic));
    buf_u32le(out, all ? LAYOUT_WHOLE : LAYOUT_DIFFERENCE);
    buf_u32le(out, p->region);
    buf_u32le(out, p->sectors);
    buf_u32le(out, (uint32_t)c.units_n);
    buf_u32le(out, c.runs_n);
    if (!all) {
        buf_u32le(out, p->depth + 1);
        buf_u32le(out, p->base_sectors);
        rc = unittab_encode(&p->base, 1, out, err);
    }
    if (!rc)
        rc = units_encode(&c, out, err);
    if (rc)
        return rc;
    runs_encode(&c, out);
    return buf_failed(out, err);
}

int page_encode(const struct page *p, struct buf *out, struct err *err)
{
    auto_buf struct buf part = {0};
    size_t from = out->len;
    int rc = encode(p, true, out, err);

    if (rc || !p->has_base || p->depth >= PAGE_DEPTH_MAX)
        return rc;
    rc = encode(p, false, &part, err);
    if (rc || part.len > (out->len - from) / 2)
        return rc;
    out->len = from;
    buf_append(out, part.data, part.len);
    return buf_failed(out, err);
}

/* ---- reading ------------------------------------------------------------- */

struct head {
    uint32_t layout;
    uint32_t region;
    uint32_t sectors;
    uint32_t units_n;
    uint32_t runs_n;
    /* LAYOUT_DIFFERENCE only */
    uint32_t depth;
    uint32_t base_sectors;
    struct unit base;
    struct unit *blame; /* of open_chain: the page that is being opened */
    /* what it rests on, as far as it was fetched before */
    const struct page_link *links;
    size_t links_n;
};

static int damaged(const struct head *h, const char *what, struct err *err)
{
    return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG, "map page of region %u: %s", h->region,
                      what);
}

static int base_parse(struct buf_reader *r, struct head *h, struct err *err)
{
    h->depth = buf_get_u32le(r);
    h->base_sectors = buf_get_u32le(r);
    if (r->short_ || h->depth == 0 || h->depth > PAGE_DEPTH_MAX || h->base_sectors == 0 ||
        h->base_sectors > PAGE_SECTORS_MAX)
        return damaged(h, "rests on no page", err);
    return unittab_decode(r, 1, UNIT_MAP, &h->base, err);
}

/* want holds the region and the sectors that are expected. */
static int head_parse(struct buf_reader *r, struct head *want, struct err *err)
{
    struct slice begin = buf_get(r, sizeof(magic));
    uint32_t numbers[5];

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        numbers[i] = buf_get_u32le(r);
    if (r->short_ || memcmp(begin.data, magic, sizeof(magic)) != 0 ||
        (numbers[0] != LAYOUT_WHOLE && numbers[0] != LAYOUT_DIFFERENCE))
        return damaged(want, "no such page", err);
    if (numbers[1] != want->region || numbers[2] != want->sectors)
        return damaged(want, "another region or size", err);
    want->layout = numbers[0];
    want->units_n = numbers[3];
    want->runs_n = numbers[4];
    if (want->units_n > want->runs_n || want->runs_n > want->sectors)
        return damaged(want, "too many units or extents", err);
    return want->layout == LAYOUT_DIFFERENCE ? base_parse(r, want, err) : 0;
}

/* The table of units, each found or put among those of the page. Twice the same is refused: equal
 * pages would differ in their bytes. */
static int units_decode(struct page *p, const struct head *h, struct buf_reader *r, uint16_t *now,
                        struct err *err)
{
    auto_free struct unit *units = calloc((size_t)h->units_n + 1, sizeof(*units));
    auto_free bool *met = calloc(PAGE_UNITS_CAP, sizeof(*met));
    int rc;

    if (!units || !met)
        return err_set(err, -ENOMEM, "read a map page: %m");
    rc = unittab_decode(r, h->units_n, UNIT_DATA, units, err);
    if (!rc)
        rc = page_reserve(p, h->units_n, err);
    for (uint32_t i = 0; !rc && i < h->units_n; i++) {
        rc = page_intern(p, &units[i], &now[i], err);
        if (!rc && met[now[i]])
            rc = damaged(h, "a unit twice", err);
        if (!rc)
            met[now[i]] = true;
    }
    return rc;
}

struct run {
    uint32_t skip;
    uint32_t count;
    uint32_t inside;
    uint16_t unit; /* of the page, or PAGE_NONE */
};

/* At *at, which moves on; false when it does not fit, or would have been written otherwise. */
static bool run_set(struct page *p, const struct run *run, uint32_t *at)
{
    bool adjacent = *at > 0 && run->skip == 0;

    if (run->skip > p->sectors - *at)
        return false;
    *at += run->skip;
    if (run->count == 0 || run->count > p->sectors - *at)
        return false;
    if (run->unit == PAGE_NONE && run->inside != 0)
        return false;
    if (run->unit != PAGE_NONE &&
        run->inside + run->count > p->units[run->unit].raw_len / PAGE_SECTOR)
        return false;
    page_fill(p, *at, run->count, run->unit, run->inside);
    if (adjacent && page_goes_on(p, *at))
        return false;
    *at += run->count;
    return true;
}

struct columns {
    struct buf_reader skips;
    struct buf_reader counts;
    struct buf_reader units;
    struct buf_reader insides;
};

static int columns_of(struct buf_reader *r, const struct head *h, struct columns *ret,
                      struct err *err)
{
    size_t n = h->runs_n;

    ret->skips = buf_reader(buf_get(r, h->layout == LAYOUT_DIFFERENCE ? n * 2 : 0));
    ret->counts = buf_reader(buf_get(r, n * 2));
    ret->units = buf_reader(buf_get(r, n * 2));
    ret->insides = buf_reader(buf_get(r, n));
    return r->short_ || r->left ? damaged(h, "of the wrong length", err) : 0;
}

static int runs_decode(struct page *p, const struct head *h, struct buf_reader *r,
                       const uint16_t *now, struct err *err)
{
    struct columns c;
    size_t met = 0;
    uint32_t at = 0;
    int rc = columns_of(r, h, &c, err);

    if (rc)
        return rc;
    for (uint32_t i = 0; i < h->runs_n; i++) {
        struct run run = {.skip = h->layout == LAYOUT_DIFFERENCE ? buf_get_u16le(&c.skips) : 0,
                          .count = buf_get_u16le(&c.counts),
                          .inside = buf_get_u8(&c.insides),
                          .unit = buf_get_u16le(&c.units)};

        if (run.unit != PAGE_NONE && (run.unit >= h->units_n || run.unit > met))
            return damaged(h, "units out of order", err);
        met += run.unit == met;
        if (run.unit != PAGE_NONE)
            run.unit = now[run.unit];
        if (!run_set(p, &run, &at))
            return damaged(h, "an extent out of bounds", err);
    }
    if (met != h->units_n || (h->layout == LAYOUT_WHOLE && at != p->sectors))
        return damaged(h, "extents do not cover it", err);
    return 0;
}

/* All that follows the head, put over what the page says already. */
static int apply(struct page *p, const struct head *h, struct buf_reader *r, struct err *err)
{
    auto_free uint16_t *now = calloc((size_t)h->units_n + 1, sizeof(*now));
    int rc;

    if (!now)
        return err_set(err, -ENOMEM, "read a map page: %m");
    rc = units_decode(p, h, r, now, err);
    if (!rc)
        rc = runs_decode(p, h, r, now, err);
    memset(p->dirty, 0, sizeof(p->dirty));
    return rc;
}

int page_apply(struct page *p, struct slice raw, struct err *err)
{
    struct head h = {.region = p->region, .sectors = p->sectors};
    struct buf_reader r = buf_reader(raw);
    int rc = head_parse(&r, &h, err);

    if (!rc && h.layout != LAYOUT_DIFFERENCE)
        rc = damaged(&h, "rests on no page", err);
    return rc ? rc : apply(p, &h, &r, err);
}

int page_decode(struct slice raw, uint32_t region, uint32_t sectors, struct page **ret,
                struct err *err)
{
    auto_page struct page *p = NULL;
    struct head h = {.region = region, .sectors = sectors};
    struct buf_reader r = buf_reader(raw);
    int rc = page_new(region, sectors, &p, err);

    if (!rc)
        rc = head_parse(&r, &h, err);
    if (!rc && h.layout != LAYOUT_WHOLE)
        rc = damaged(&h, "rests on another", err);
    if (!rc)
        rc = apply(p, &h, &r, err);
    if (!rc)
        *ret = TAKE(p);
    return rc;
}

bool page_base_of(struct slice raw, uint32_t region, uint32_t sectors, struct unit *ret,
                  uint32_t *ret_sectors)
{
    struct head h = {.region = region, .sectors = sectors};
    struct buf_reader r = buf_reader(raw);

    if (head_parse(&r, &h, NULL) != 0 || h.layout != LAYOUT_DIFFERENCE)
        return false;
    *ret = h.base;
    *ret_sectors = h.base_sectors;
    return true;
}

/* What a page rests on: *ret is lent by the links, or in *ret_own. */
static int base_raw(struct vault *v, const struct head *want, const struct unit *u,
                    struct slice *ret, uint8_t **ret_own, struct err *err)
{
    int rc;

    if (want->links_n > 0 && unit_same(&want->links[0].unit, u)) {
        *ret = slice_of(want->links[0].raw, u->raw_len);
        return 0;
    }
    rc = unit_fetch_new(v, u, ret_own, err);
    if (!rc)
        *ret = slice_of(*ret_own, u->raw_len);
    return rc;
}

/* want->depth is the greatest that may be met, and what was met on return. Each page rests on one
 * less deep, so that no chain of them is endless. */
static int open_chain(struct vault *v, struct slice raw, struct head *want, struct page **ret,
                      struct err *err)
{
    struct head h = {.region = want->region, .sectors = want->sectors};
    struct buf_reader r = buf_reader(raw);
    struct head below;
    auto_page struct page *p = NULL;
    auto_free uint8_t *base = NULL;
    struct slice base_slice = {0};
    struct unit own;
    int rc = head_parse(&r, &h, err);

    if (!rc && h.depth > want->depth)
        rc = damaged(&h, "rests on too many", err);
    if (rc)
        return rc;
    want->depth = h.depth;
    if (h.layout == LAYOUT_WHOLE)
        return page_decode(raw, h.region, h.sectors, ret, err);
    below = (struct head){
        .region = h.region, .sectors = h.base_sectors, .depth = h.depth - 1, .blame = want->blame};
    if (want->links_n > 1) {
        below.links = want->links + 1;
        below.links_n = want->links_n - 1;
    }
    own = *want->blame;
    *want->blame = h.base;
    rc = base_raw(v, want, &h.base, &base_slice, &base, err);
    if (!rc)
        rc = open_chain(v, base_slice, &below, &p, err);
    if (!rc)
        *want->blame = own;
    if (!rc && below.depth != h.depth - 1)
        rc = damaged(&h, "rests on another depth", err);
    if (!rc)
        rc = page_resize(p, h.sectors, err);
    if (!rc)
        rc = apply(p, &h, &r, err);
    if (rc)
        return rc;
    p->rests[p->rests_n++] = h.base; /* at most one for each depth */
    *ret = TAKE(p);
    return 0;
}

int page_open(struct vault *v, struct slice raw, uint32_t region, uint32_t sectors,
              struct page **ret, struct unit *blame, struct err *err)
{
    struct head want = {
        .region = region, .sectors = sectors, .depth = PAGE_DEPTH_MAX, .blame = blame};

    return open_chain(v, raw, &want, ret, err);
}

/* The chain of want, from the unit u, so that it may be written as a difference from there. */
static int open_at(struct vault *v, const struct unit *u, struct slice raw, struct head *want,
                   struct page **ret, struct err *err)
{
    uint32_t sectors = want->sectors;
    struct page *p = NULL;
    int rc = open_chain(v, raw, want, &p, err);

    if (rc)
        return rc;
    p->has_base = true;
    p->base = *u;
    p->base_sectors = sectors;
    p->depth = want->depth;
    *ret = p;
    return 0;
}

int page_open_at(struct vault *v, const struct unit *u, struct slice raw, uint32_t region,
                 uint32_t sectors, struct page **ret, struct err *err)
{
    struct unit blame = *u;
    struct head want = {
        .region = region, .sectors = sectors, .depth = PAGE_DEPTH_MAX, .blame = &blame};

    return open_at(v, u, raw, &want, ret, err);
}

int page_open_links(struct vault *v, struct page_want *w, const struct page_link *links, size_t n,
                    struct err *err)
{
    struct head want = {.region = w->region,
                        .sectors = w->sectors,
                        .depth = PAGE_DEPTH_MAX,
                        .blame = &w->blame,
                        .links = n > 0 ? links + 1 : NULL,
                        .links_n = n > 0 ? n - 1 : 0};
    auto_free uint8_t *own = NULL;
    uint8_t *raw = n > 0 ? links[0].raw : NULL;
    int rc = 0;

    w->blame = w->unit;
    if (!raw) {
        rc = unit_fetch_new(v, &w->unit, &own, err);
        raw = own;
    }
    return rc ? rc : open_at(v, &w->unit, slice_of(raw, w->unit.raw_len), &want, &w->page, err);
}

int page_fetch(struct vault *v, const struct unit *u, uint32_t region, uint32_t sectors,
               struct page **ret, struct err *err)
{
    auto_free uint8_t *raw = NULL;
    int rc = unit_fetch_new(v, u, &raw, err);

    return rc ? rc : page_open_at(v, u, slice_of(raw, u->raw_len), region, sectors, ret, err);
}

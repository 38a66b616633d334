/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Map pages: which unit holds which sectors of one 64 MiB region. Copy-on-write: a page is decoded,
 * changed, and encoded into a new unit; the old one stays what it was.
 *
 * Sectors are counted from the start of the region. In memory every sector has a slot (some 200 KiB
 * a page), so operations are plain loops; only the encoding is by extents. Not thread-safe.
 */
#ifndef GODWIT_TRANSPORT_PAGE_H
#define GODWIT_TRANSPORT_PAGE_H

#include "transport/unit.h"

struct page;

enum { PAGE_SECTORS_MAX = 16384, PAGE_SECTOR = 4096 };

/* Region `region` of a volume, of sectors (1..PAGE_SECTORS_MAX; fewer only in the last one), all
 * zero. */
int page_new(uint32_t region, uint32_t sectors, struct page **ret, struct err *err);
void page_free(struct page *p);
static inline void page_freep(struct page **p)
{
    page_free(*p);
}
#define auto_page AUTO(page_freep)

uint32_t page_sectors(const struct page *p);

/* The units that an opened page was written over as a difference, i = 0, 1, …; NULL past the last.
 * Who keeps, checks or counts the page's own unit has to do so with these. */
const struct unit *page_rests_on(const struct page *p, size_t i);

/* Grow or shrink to sectors; what is new is zero. */
int page_resize(struct page *p, uint32_t sectors, struct err *err);

/*
 * Sectors [first, first + count) are sectors [unit_first, unit_first + count) of u (copied).
 * -EINVAL when a range does not fit the page or the unit; -ENOMEM. Units that no sector refers to
 * any more are dropped by page_encode.
 */
int page_set_unit(struct page *p, uint32_t first, uint32_t count, const struct unit *u,
                  uint32_t unit_first, struct err *err);
/* Sectors [first, first + count) are zero. The range must fit (assert). */
void page_set_zero(struct page *p, uint32_t first, uint32_t count);

/* A longest run of sectors that are all zero, or are adjacent sectors of one unit. */
struct page_extent {
    uint32_t first;
    uint32_t count;
    bool zero;
    uint32_t unit_first; /* sector inside the unit; not for zero */
    struct unit unit;    /* not for zero */
};
/* The run that begins at sector (runs before it are cut there). False at the end of the page. To
 * walk a page: for (s = 0; page_extent(p, s, &e); s = e.first + e.count). */
bool page_extent(const struct page *p, uint32_t sector, struct page_extent *ret);
bool page_is_zero(const struct page *p);

/*
 * Append the encoding (raw bytes of a unit of kind UNIT_MAP; pack_add compresses and seals it). At
 * most UNIT_RAW_MAX. A page that page_fetch gave is written as its difference from there when that
 * is less than half as long and not too many differences lie upon one another (8); else whole.
 * Equal pages written whole give equal bytes.
 */
int page_encode(const struct page *p, struct buf *out, struct err *err);
/* Strict: -EBADMSG (GW_VAULT_DAMAGED) for anything that page_encode would not have written for this
 * region and number of sectors, and for a difference, which page_open resolves. */
int page_decode(struct slice raw, uint32_t region, uint32_t sectors, struct page **ret,
                struct err *err);
/* As page_decode; when raw is a difference, fetches the pages it rests on. raw must not be in the
 * handle's own buffers. *blame is the page's unit, and on failure that of the page which is damaged
 * or missing: itself, or one it rests on. */
int page_open(struct vault *v, struct slice raw, uint32_t region, uint32_t sectors,
              struct page **ret, struct unit *blame, struct err *err);
/* The same for the unit u, which raw was fetched from: only such a page may be written as a
 * difference later, so u must be durable and stay. */
int page_open_at(struct vault *v, const struct unit *u, struct slice raw, uint32_t region,
                 uint32_t sectors, struct page **ret, struct err *err);
/* unit_fetch and page_open_at in one. */
int page_fetch(struct vault *v, const struct unit *u, uint32_t region, uint32_t sectors,
               struct page **ret, struct err *err);

#endif

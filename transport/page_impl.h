/* SPDX-License-Identifier: Apache-2.0 */
/* A map page in memory, for page.c (what it says) and page_code.c (how that is written). */
#ifndef GODWIT_TRANSPORT_PAGE_IMPL_H
#define GODWIT_TRANSPORT_PAGE_IMPL_H

#include "transport/page.h"

enum {
    PAGE_NONE = 0xffff, /* a zero sector; a free slot */
    PAGE_UNITS_CAP = 2 * PAGE_SECTORS_MAX,
    PAGE_DEPTH_MAX = 8 /* pages below one another that a reader must fetch */
};

struct page {
    uint32_t region;
    uint32_t sectors;
    uint16_t unit[PAGE_SECTORS_MAX];       /* index into units, or PAGE_NONE */
    uint8_t inside[PAGE_SECTORS_MAX];      /* sector inside the unit; 0 for PAGE_NONE */
    uint64_t dirty[PAGE_SECTORS_MAX / 64]; /* set since it was fetched */
    struct unit *units;                    /* some perhaps not referred to any more */
    size_t units_n;
    size_t units_cap;
    uint16_t *find; /* units by place, open addressing; NULL until first needed */
    /* Where it was fetched from: a page may be written as its difference from there. */
    bool has_base;
    struct unit base;
    uint32_t base_sectors;
    uint32_t depth; /* how many pages the base itself rests on */
    /* What it was written over, when it was opened from a difference: the nearest last. */
    size_t rests_n;
    struct unit rests[PAGE_DEPTH_MAX];
};

/* Does sector s go on with the run that s - 1 is in? */
bool page_goes_on(const struct page *p, uint32_t s);

/* The index of u in units, added when new. */
int page_intern(struct page *p, const struct unit *u, uint16_t *ret, struct err *err);
/* Room for n more units without any index changing. */
int page_reserve(struct page *p, size_t n, struct err *err);

/* Slots of [first, first + count): unit PAGE_NONE for zeroes. Marks them dirty. */
void page_fill(struct page *p, uint32_t first, uint32_t count, uint16_t unit, uint32_t inside);

/* Raw bytes of a page that were fetched already. */
struct page_link {
    struct unit unit;
    uint8_t *raw;
    uint32_t base_sectors; /* of what it rests on */
};
/* Does raw, which should be a page of region, rest on another? What is no page rests on none. */
bool page_base_of(struct slice raw, uint32_t region, uint32_t sectors, struct unit *ret,
                  uint32_t *ret_sectors);
/* page_fetch of want->unit into want->page and want->blame, with no request for what is among the
 * links: the page itself and what it rests on, the nearest first. */
struct page_want;
int page_open_links(struct vault *v, struct page_want *want, const struct page_link *links,
                    size_t n, struct err *err);

/* Put a page that was written as a difference over p, which must say what its base says. page_open
 * does it; here for fuzzing. p is spoilt on failure. */
int page_apply(struct page *p, struct slice raw, struct err *err);

#endif

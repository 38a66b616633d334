/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directory pages: for each of 1024 regions (64 GiB), where its map page is, or that it is all
 * zero. Copy-on-write like the pages; a point lists the directories. Not thread-safe.
 */
#ifndef GODWIT_TRANSPORT_PAGEDIR_H
#define GODWIT_TRANSPORT_PAGEDIR_H

#include "transport/unit.h"

struct pagedir;

enum { PAGEDIR_REGIONS_MAX = 1024 };

/* Directory `index` (of regions index * 1024 …), of regions (1..1024; fewer only in the last one),
 * all zero. */
int pagedir_new(uint32_t index, uint32_t regions, struct pagedir **ret, struct err *err);
void pagedir_free(struct pagedir *d);
static inline void pagedir_freep(struct pagedir **d)
{
    pagedir_free(*d);
}
#define auto_pagedir AUTO(pagedir_freep)

uint32_t pagedir_regions(const struct pagedir *d);
int pagedir_resize(struct pagedir *d, uint32_t regions, struct err *err); /* new ones are zero */

/* slot = region - index * 1024; it must be below pagedir_regions (assert). u is copied; NULL makes
 * the region zero. */
void pagedir_set(struct pagedir *d, uint32_t slot, const struct unit *u);
/* The unit of its page, lent until the directory changes; NULL for a zero region. */
const struct unit *pagedir_get(const struct pagedir *d, uint32_t slot);
bool pagedir_is_zero(const struct pagedir *d);

/* As in page.h. */
int pagedir_encode(const struct pagedir *d, struct buf *out, struct err *err);
int pagedir_decode(struct slice raw, uint32_t index, uint32_t regions, struct pagedir **ret,
                   struct err *err);
int pagedir_fetch(struct vault *v, const struct unit *u, uint32_t index, uint32_t regions,
                  struct pagedir **ret, struct err *err);

#endif

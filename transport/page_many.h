/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many map pages at once. Pages that were written as differences rest on others, eight deep at
 * most: they are fetched level by level, so that those of neighbours come in one GET and not one
 * after the other.
 */
#ifndef GODWIT_TRANSPORT_PAGE_MANY_H
#define GODWIT_TRANSPORT_PAGE_MANY_H

#include "base/err.h"
#include "transport/page.h"

struct fetch;

struct page_want {
    struct unit unit;
    uint32_t region;
    uint32_t sectors;
    struct page *page; /* out, the caller's: as page_fetch gives it; NULL when rc is not 0 */
    int rc;            /* out: -ENOENT or -EBADMSG, of it or of one that it rests on */
    struct unit blame; /* out, then: which one */
    struct err err;    /* out, then */
};

/* Only failures of the store as such end it. f is not in use; v is the handle that it has. */
int page_many_fetch(struct vault *v, struct fetch *f, struct page_want *wants, size_t n,
                    struct err *err);
/* Its failure as the caller's own. */
int page_want_failed(const struct page_want *w, struct err *err);
void page_many_free(struct page_want *wants, size_t n); /* pages that nobody took */

#endif

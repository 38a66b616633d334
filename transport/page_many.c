/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of pages, all of one level at a time; then each chain is opened from what was fetched. */
#include "transport/page_many.h"

#include "base/err.h"
#include "transport/fetch.h"
#include "transport/page_impl.h"

#include <stdlib.h>

#include "base/banned.h"

/* A page and what it rests on, the nearest first. */
struct chain {
    struct page_want *want;
    size_t n;
    struct page_link links[PAGE_DEPTH_MAX + 1];
    struct unit next; /* to be fetched, when more */
    bool more;
};

struct many {
    struct chain *chains;
    size_t n;
};

/* What cannot be had is fetched once more when the chain is opened, and told of there. */
static int keep(void *arg, const struct fetch_item *item, struct slice raw, int rc, struct err *err)
{
    struct many *m = arg;
    struct chain *c = &m->chains[item->cookie];
    struct page_link *link = &c->links[c->n];
    uint32_t sectors = c->n == 0 ? c->want->sectors : c->links[c->n - 1].base_sectors;

    c->more = false;
    if (rc < 0) {
        err_clear(err);
        return 0;
    }
    link->raw = malloc(raw.len + 1);
    if (!link->raw)
        return err_set(err, -ENOMEM, "fetch map pages: %m");
    memcpy(link->raw, raw.data, raw.len);
    link->unit = item->unit;
    c->n++;
    c->more = c->n < PAGE_DEPTH_MAX + 1 &&
              page_base_of(raw, c->want->region, sectors, &c->next, &link->base_sectors);
    return 0;
}

static int fetch_level(struct many *m, struct fetch *f, struct fetch_item *items, size_t *ret_n,
                       struct err *err)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n; i++)
        if (m->chains[i].more)
            items[n++] = (struct fetch_item){.unit = m->chains[i].next, .cookie = i};
    *ret_n = n;
    return n > 0 ? fetch_units(f, items, n, keep, m, err) : 0;
}

static int open_one(struct vault *v, const struct chain *c, struct err *err)
{
    struct page_want *w = c->want;

    w->err = (struct err){0};
    w->rc = page_open_links(v, w, c->links, c->n, &w->err);
    if (w->rc == 0 || w->rc == -ENOENT || w->rc == -EBADMSG)
        return 0;
    if (err)
        *err = w->err;
    return w->rc;
}

static void free_links(struct chain *c)
{
    while (c->n > 0)
        free(c->links[--c->n].raw);
}

static int fetch_and_open(struct vault *v, struct fetch *f, struct many *m, struct err *err)
{
    auto_free struct fetch_item *items = calloc(m->n + 1, sizeof(*items));
    size_t n = 1;
    int rc = items ? 0 : err_set(err, -ENOMEM, "fetch map pages: %m");

    while (rc == 0 && n > 0)
        rc = fetch_level(m, f, items, &n, err);
    for (size_t i = 0; rc == 0 && i < m->n; i++) {
        rc = open_one(v, &m->chains[i], err);
        free_links(&m->chains[i]);
    }
    return rc;
}

int page_many_fetch(struct vault *v, struct fetch *f, struct page_want *wants, size_t n,
                    struct err *err)
{
    struct many m = {.chains = calloc(n + 1, sizeof(*m.chains)), .n = n};
    int rc;

    if (!m.chains)
        return err_set(err, -ENOMEM, "fetch map pages: %m");
    for (size_t i = 0; i < n; i++) {
        wants[i].page = NULL;
        m.chains[i] = (struct chain){.want = &wants[i], .next = wants[i].unit, .more = true};
    }
    rc = fetch_and_open(v, f, &m, err);
    for (size_t i = 0; i < n; i++)
        free_links(&m.chains[i]);
    free(m.chains);
    return rc;
}

int page_want_failed(const struct page_want *w, struct err *err)
{
    if (err)
        *err = w->err;
    return err_add(err, w->rc, "map page of region %u", w->region);
}

void page_many_free(struct page_want *wants, size_t n)
{
    for (size_t i = 0; i < n; i++)
        page_free(TAKE(wants[i].page));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table of pages in a file, and the pages that were used last in memory. Names are hashes:
 * their first bytes, as a share of all, say which page a row belongs to, so that pages are in the
 * order of names, and growing reads and writes them one after the other. A page that is full goes
 * on in the one behind it.
 */
#include "transport/packrows.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "transport/pack.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

enum {
    PAGE = 4096,
    PAGES_FIRST = 16,
    PAGES_HELD = 512, /* 2 MiB */
    FULL_PERCENT = 60
};

struct page {
    uint64_t n;                            /* rows */
    uint8_t rows[PAGE - sizeof(uint64_t)]; /* values are aligned as n is */
};

/* What lies in a place of memory: page place, place + PAGES_HELD, … of the file. */
struct held {
    uint64_t number;
    bool any, dirty;
};

struct packrows {
    size_t value_len;
    size_t row_len;
    uint32_t rows_a_page;
    uint64_t pages_n; /* a power of two */
    uint64_t n;
    uint64_t written_n; /* pages that the file has; those behind were never used */
    int fd;             /* -1 until memory does not suffice */
    struct held *held;
    struct page *pages;
};

static uint64_t places(const struct packrows *p)
{
    return num_min(p->pages_n, PAGES_HELD);
}

static int no_memory(struct err *err)
{
    return err_set(err, -ENOMEM, "list packs: %m");
}

static int set_up(struct packrows *p, size_t value_len, uint64_t pages_n, struct err *err)
{
    *p = (struct packrows){.value_len = value_len, .pages_n = pages_n, .fd = -1};
    p->row_len = PACK_NAME_LEN + value_len;
    p->rows_a_page = (uint32_t)(sizeof(p->pages->rows) / p->row_len);
    p->held = calloc(places(p), sizeof(*p->held));
    p->pages = calloc(places(p), sizeof(*p->pages));
    return p->held && p->pages ? 0 : no_memory(err);
}

static void tear_down(struct packrows *p)
{
    if (p->fd >= 0)
        close(p->fd);
    free(p->held);
    free(p->pages);
}

int packrows_new(size_t value_len, struct packrows **ret, struct err *err)
{
    struct packrows *p = malloc(sizeof(*p));
    int rc;

    assert(value_len > 0 && value_len <= PACKROWS_VALUE_MAX && value_len % sizeof(uint64_t) == 0);
    if (!p)
        return no_memory(err);
    rc = set_up(p, value_len, PAGES_FIRST, err);
    if (rc < 0)
        packrows_free(p);
    else
        *ret = p;
    return rc;
}

void packrows_free(struct packrows *p)
{
    if (!p)
        return;
    tear_down(p);
    free(p);
}

uint64_t packrows_count(const struct packrows *p)
{
    return p->n;
}

/* ---- pages ------------------------------------------------------------------------ */

static int put_away(struct packrows *p, uint64_t place, struct err *err)
{
    struct held *h = &p->held[place];
    int rc = 0;

    if (h->dirty && p->fd < 0)
        rc = fd_unnamed(&p->fd, err);
    if (rc == 0 && h->dirty)
        rc = fd_pwrite_full(p->fd, &p->pages[place], PAGE, h->number * PAGE, err);
    if (rc < 0)
        return err_add(err, rc, "list packs");
    if (h->dirty)
        p->written_n = num_max(p->written_n, h->number + 1);
    h->any = h->dirty = false;
    return 0;
}

/* A page that was never put away is empty, and so is a hole of the file. */
static int page_at(struct packrows *p, uint64_t number, struct page **ret, struct err *err)
{
    uint64_t place = number % places(p);
    struct held *h = &p->held[place];
    int rc = 0;

    *ret = &p->pages[place];
    if (h->any && h->number == number)
        return 0;
    rc = put_away(p, place, err);
    if (rc < 0)
        return rc;
    if (number < p->written_n)
        rc = fd_pread_full(p->fd, *ret, PAGE, number * PAGE, err);
    else
        memset(*ret, 0, PAGE);
    if (rc == 0 && (*ret)->n > p->rows_a_page)
        rc = err_set(err, -EIO, "a temporary file was altered");
    if (rc < 0)
        return err_add(err, rc, "list packs");
    *h = (struct held){.number = number, .any = true};
    return 0;
}

/* ---- rows -------------------------------------------------------------------------- */

static uint8_t *row_in(const struct packrows *p, struct page *page, uint32_t i)
{
    return page->rows + (size_t)i * p->row_len;
}

/* The share of all names that lie before this one, of the pages. */
static uint64_t home_of(const struct packrows *p, const uint8_t *name)
{
    uint32_t first = (uint32_t)name[0] << 24 | (uint32_t)name[1] << 16 | (uint32_t)name[2] << 8 |
                     (uint32_t)name[3];

    assert(p->pages_n <= UINT32_MAX);
    return first * p->pages_n >> 32;
}

/* The row of name, or the place for it. */
static int find(struct packrows *p, const uint8_t *name, struct page **ret, uint32_t *ret_row,
                struct err *err)
{
    int rc;

    for (uint64_t at = home_of(p, name);; at = (at + 1) % p->pages_n) {
        rc = page_at(p, at, ret, err);
        if (rc < 0)
            return rc;
        p->held[at % places(p)].dirty = true; /* the caller changes it */
        for (*ret_row = 0; *ret_row < (*ret)->n; ++*ret_row)
            if (memcmp(row_in(p, *ret, *ret_row), name, PACK_NAME_LEN) == 0)
                return 0;
        if ((*ret)->n < p->rows_a_page)
            return 0;
    }
}

static int grow(struct packrows *p, struct err *err)
{
    struct packrows_cursor at = {0};
    uint8_t name[PACK_NAME_LEN];
    uint8_t value[PACKROWS_VALUE_MAX];
    struct packrows more;
    void *place;
    int rc = set_up(&more, p->value_len, p->pages_n * 2, err);

    while (rc == 0 && (rc = packrows_next(p, &at, name, value, err)) == 1) {
        rc = packrows_get(&more, name, &place, err);
        if (rc == 0)
            memcpy(place, value, p->value_len);
    }
    if (rc < 0) {
        tear_down(&more);
        return rc;
    }
    tear_down(p);
    *p = more;
    return 0;
}

int packrows_get(struct packrows *p, const uint8_t *name, void **ret_value, struct err *err)
{
    struct page *page;
    uint32_t i;
    uint8_t *row;
    int rc = 0;

    if (p->n >= p->pages_n * p->rows_a_page * FULL_PERCENT / 100)
        rc = grow(p, err);
    if (rc == 0)
        rc = find(p, name, &page, &i, err);
    if (rc < 0)
        return rc;
    row = row_in(p, page, i);
    if (i == page->n) {
        memcpy(row, name, PACK_NAME_LEN);
        memset(row + PACK_NAME_LEN, 0, p->value_len);
        page->n++;
        p->n++;
    }
    *ret_value = row + PACK_NAME_LEN;
    return 0;
}

int packrows_next(struct packrows *p, struct packrows_cursor *at, uint8_t *ret_name,
                  void *ret_value, struct err *err)
{
    struct page *page;
    int rc;

    for (; at->page < p->pages_n; at->page++, at->row = 0) {
        rc = page_at(p, at->page, &page, err);
        if (rc < 0)
            return rc;
        if (at->row == page->n)
            continue;
        memcpy(ret_name, row_in(p, page, at->row), PACK_NAME_LEN);
        memcpy(ret_value, row_in(p, page, at->row++) + PACK_NAME_LEN, p->value_len);
        return 1;
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* How scattered a page is, and what of it is cheapest to bring together. */
#include "transport/gather.h"

#include "base/err.h"
#include "base/num.h"
#include "transport/fetch.h"
#include "transport/page.h"

#include <stdlib.h>

#include "base/banned.h"

enum { FIRST_CAP = 64 };

void gather_done(struct gather *g)
{
    free(g->groups);
    free(g->runs);
    *g = (struct gather){0};
}

bool gather_is_scattered(const struct gather_cost *c, uint32_t slack)
{
    return c->requests > c->least + slack;
}

static int no_memory(struct err *err)
{
    return err_set(err, -ENOMEM, "list what lies scattered: %m");
}

/* ---- lists ---------------------------------------------------------------------- */

static int room(struct gather *g, size_t runs, struct err *err)
{
    if (g->groups_n == g->groups_cap) {
        size_t cap = g->groups_cap ? 2 * g->groups_cap : FIRST_CAP;
        struct gather_group *more = reallocarray(g->groups, cap, sizeof(*more));

        if (!more)
            return no_memory(err);
        g->groups = more;
        g->groups_cap = cap;
    }
    if (g->runs_cap - g->runs_n < runs) {
        size_t cap = num_max(2 * g->runs_cap, g->runs_n + runs);
        struct gather_run *more = reallocarray(g->runs, cap, sizeof(*more));

        if (!more)
            return no_memory(err);
        g->runs = more;
        g->runs_cap = cap;
    }
    return 0;
}

int gather_add(struct gather *g, const struct gather *from, const struct gather_group *group,
               bool *ret_added, struct err *err)
{
    int rc;

    *ret_added = false;
    if (g->groups_n == GATHER_GROUPS_MAX || group->runs_n > GATHER_RUNS_MAX - g->runs_n)
        return 0;
    rc = room(g, group->runs_n, err);
    if (rc < 0)
        return rc;
    g->groups[g->groups_n] = *group;
    g->groups[g->groups_n++].run = (uint32_t)g->runs_n;
    memcpy(g->runs + g->runs_n, from->runs + group->run, group->runs_n * sizeof(*g->runs));
    g->runs_n += group->runs_n;
    *ret_added = true;
    return 0;
}

static int cost_compare(const void *a, const void *b)
{
    const struct gather_group *x = a;
    const struct gather_group *y = b;

    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    if (x->region != y->region)
        return x->region < y->region ? -1 : 1;
    return x->run < y->run ? -1 : x->run > y->run;
}

void gather_by_cost(struct gather *g)
{
    if (g->groups_n > 0)
        qsort(g->groups, g->groups_n, sizeof(*g->groups), cost_compare);
}

static int run_compare(const void *a, const void *b)
{
    const struct gather_run *x = a;
    const struct gather_run *y = b;

    if (x->region != y->region)
        return x->region < y->region ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

int gather_choose(struct gather *g, uint64_t budget, struct gather_run **ret, size_t *ret_n,
                  struct err *err)
{
    struct gather_run *runs = malloc((g->runs_n + 1) * sizeof(*runs));
    size_t n = 0;

    if (!runs)
        return no_memory(err);
    gather_by_cost(g);
    for (size_t i = 0; i < g->groups_n && g->groups[i].bytes <= budget; i++) {
        const struct gather_group *group = &g->groups[i];

        budget -= group->bytes;
        memcpy(runs + n, g->runs + group->run, group->runs_n * sizeof(*runs));
        n += group->runs_n;
    }
    qsort(runs, n, sizeof(*runs), run_compare);
    *ret = runs;
    *ret_n = n;
    return 0;
}

size_t gather_find(const struct gather_run *runs, size_t n, uint32_t region, uint32_t sector)
{
    size_t low = 0;

    while (low < n) {
        size_t mid = low + (n - low) / 2;
        bool before =
            runs[mid].region < region ||
            (runs[mid].region == region && (uint32_t)runs[mid].first + runs[mid].count <= sector);

        if (!before)
            n = mid;
        else
            low = mid + 1;
    }
    return low;
}

/* ---- pages ----------------------------------------------------------------------- */

/* The extents of a page as a restore would fetch them. */
struct look {
    struct fetch_item *items; /* cookie: place in runs */
    struct gather_run *runs;
    size_t n;
};

static void look_done(struct look *l)
{
    free(l->items);
    free(l->runs);
}

static int look_open(struct look *l, const struct page *page, uint32_t region, struct err *err)
{
    struct page_extent x;
    size_t n = 0;

    for (uint32_t at = 0; page_extent(page, at, &x); at += x.count)
        n += !x.zero;
    l->items = calloc(n + 1, sizeof(*l->items));
    l->runs = calloc(n + 1, sizeof(*l->runs));
    if (!l->items || !l->runs)
        return no_memory(err);
    for (uint32_t at = 0; page_extent(page, at, &x); at += x.count) {
        if (x.zero)
            continue;
        l->items[l->n] = (struct fetch_item){.unit = x.unit, .cookie = l->n};
        l->runs[l->n++] = (struct gather_run){
            .region = region, .first = (uint16_t)x.first, .count = (uint16_t)x.count};
    }
    fetch_sort(l->items, l->n);
    return 0;
}

/* Stored bytes that these sectors of the unit stand for. */
static uint64_t share_of(const struct look *l, const struct fetch_item *item)
{
    return (uint64_t)item->unit.stored_len * l->runs[item->cookie].count * PAGE_SECTOR /
           item->unit.raw_len;
}

/* What n items, which one GET brings, cost and are worth. */
static void measure(const struct look *l, const struct fetch_item *items, size_t n,
                    uint64_t *ret_bytes, uint64_t *ret_useful)
{
    uint64_t end = 0;

    *ret_useful = 0;
    for (size_t i = 0; i < n; i++) {
        end = num_max(end, (uint64_t)items[i].unit.offset + items[i].unit.stored_len);
        *ret_useful += share_of(l, &items[i]);
    }
    *ret_bytes = end - items[0].unit.offset;
    *ret_useful = num_min(*ret_useful, *ret_bytes); /* one unit may serve several places */
}

static int add_group(struct gather *g, const struct look *l, const struct fetch_item *items,
                     size_t n, uint64_t useful, struct err *err)
{
    struct gather own = {.runs = calloc(n + 1, sizeof(*own.runs))};
    struct gather_group group = {
        .region = l->runs[0].region, .bytes = (uint32_t)useful, .runs_n = (uint32_t)n};
    bool added;
    int rc;

    if (!own.runs)
        return no_memory(err);
    for (size_t i = 0; i < n; i++)
        own.runs[i] = l->runs[items[i].cookie];
    rc = gather_add(g, &own, &group, &added, err);
    gather_done(&own);
    return rc;
}

static int look_at_groups(struct gather *g, const struct look *l, struct gather_cost *ret,
                          struct err *err)
{
    int rc = 0;

    for (size_t i = 0, n; rc == 0 && i < l->n; i += n) {
        uint64_t bytes;
        uint64_t useful;

        n = fetch_together(l->items + i, l->n - i);
        measure(l, l->items + i, n, &bytes, &useful);
        ret->requests++;
        ret->bytes += bytes;
        ret->useful += useful;
        if (g && useful < GATHER_SMALL)
            rc = add_group(g, l, l->items + i, n, useful, err);
    }
    ret->least = (uint32_t)num_div_up(ret->useful, FETCH_RANGE_MAX);
    return rc;
}

int gather_page(struct gather *g, const struct page *page, uint32_t region, uint32_t slack,
                struct gather_cost *ret, struct err *err)
{
    struct gather_cost cost = {0};
    struct look l = {0};
    int rc = look_open(&l, page, region, err);

    if (rc == 0)
        rc = look_at_groups(NULL, &l, &cost, err);
    *ret = cost;
    if (rc == 0 && g && gather_is_scattered(&cost, slack))
        rc = look_at_groups(g, &l, &(struct gather_cost){0}, err);
    look_done(&l);
    return rc;
}

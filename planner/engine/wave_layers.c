/* SPDX-License-Identifier: Apache-2.0 */
/* Links: a group that has moved stays moved, edges per boundary, and orders per boundary. */
#include "planner/engine/wave_layers.h"

#include "base/err.h"

#include <stdlib.h>

#include "base/banned.h"

/* Sides of a boundary that need no node. */
enum { NOT_YET = UINT32_MAX, SURELY = UINT32_MAX - 1 };

void wave_layers_done(struct wave_layers *l)
{
    free(l->start);
    free(l->wave);
    free(l->edges);
    free(l->links);
    *l = (struct wave_layers){0};
}

static size_t count_nodes(const struct wave_problem *p, const struct wave_domain *d)
{
    size_t n = 0;

    for (size_t g = 0; g < p->groups; g++) {
        for (size_t w = d->first[g]; w < d->last[g]; w++)
            n += d->may[g * p->waves + w];
    }
    return n;
}

static void lay_nodes(struct wave_layers *l, const struct wave_problem *p,
                      const struct wave_domain *d)
{
    uint32_t n = 0;

    for (size_t g = 0; g < p->groups; g++) {
        l->start[g] = n;
        for (uint32_t w = d->first[g]; w < d->last[g]; w++) {
            if (d->may[g * p->waves + w])
                l->wave[n++] = w;
        }
    }
    l->start[p->groups] = n;
    l->nodes = n;
}

static void link_up(struct wave_layers *l, uint32_t a, uint32_t b, int64_t there, int64_t back)
{
    l->links[l->links_n++] = (struct wave_cut_link){a, b, there, back};
}

/* Where a group is with the boundary after `wave`; *at goes along with rising waves. */
static uint32_t node_at(const struct wave_layers *l, const struct wave_domain *d, uint32_t g,
                        size_t wave, uint32_t *at)
{
    if (wave < d->first[g])
        return NOT_YET;
    if (wave >= d->last[g])
        return SURELY;
    while (*at + 1 < l->start[g + 1] && l->wave[*at + 1] <= wave)
        (*at)++;
    return *at;
}

static void add_edge(struct wave_layers *l, uint32_t a, uint32_t b, int64_t cost)
{
    uint32_t free_end = a < SURELY ? a : b, other = a < SURELY ? b : a;

    if (a == b || cost == 0)
        return;
    if (a < SURELY && b < SURELY) {
        struct wave_cut_link *last = l->links_n > 0 ? &l->links[l->links_n - 1] : NULL;

        /* Both had no wave in between: the same two nodes again. */
        if (last && last->a == a && last->b == b) {
            last->there += cost;
            last->back += cost;
            return;
        }
        link_up(l, a, b, cost, cost);
    } else if (free_end >= SURELY) {
        l->fixed += cost;
    } else {
        l->fixed += other == SURELY ? cost : 0;
        l->edges[free_end] += other == SURELY ? -cost : cost;
    }
}

static void link_edge(struct wave_layers *l, const struct wave_problem *p,
                      const struct wave_domain *d, const struct wave_edge *edge)
{
    uint32_t at = l->start[edge->a], bt = l->start[edge->b];

    for (size_t w = 0; w + 1 < p->waves && edge->a != edge->b; w++)
        add_edge(l, node_at(l, d, edge->a, w, &at), node_at(l, d, edge->b, w, &bt),
                 edge->cost * (p->when[w + 1] - p->when[w]));
}

/* After narrowing, nothing is on a surer side than what must go before it. */
static void link_order(struct wave_layers *l, const struct wave_problem *p,
                       const struct wave_domain *d, const struct wave_pair *order)
{
    uint32_t at = l->start[order->first], bt = l->start[order->second];

    for (size_t w = 0; w + 1 < p->waves && order->first != order->second; w++) {
        uint32_t first = node_at(l, d, order->first, w, &at);
        uint32_t second = node_at(l, d, order->second, w, &bt);

        if (first < SURELY && second < SURELY)
            link_up(l, second, first, WAVE_NEVER, 0);
    }
}

static void lay_links(struct wave_layers *l, const struct wave_problem *p,
                      const struct wave_domain *d)
{
    for (size_t g = 0; g < p->groups; g++) {
        for (uint32_t n = l->start[g]; n + 1 < l->start[g + 1]; n++)
            link_up(l, n, n + 1, WAVE_NEVER, 0);
    }
    for (size_t e = 0; e < p->edges_n; e++)
        link_edge(l, p, d, &p->edges[e]);
    for (size_t i = 0; i < p->orders_n; i++)
        link_order(l, p, d, &p->orders[i]);
}

int wave_layers_init(struct wave_layers *l, const struct wave_problem *p,
                     const struct wave_domain *d, struct err *err)
{
    size_t nodes = count_nodes(p, d), links = nodes + (p->edges_n + p->orders_n) * p->waves;

    *l = (struct wave_layers){0};
    l->start = calloc(p->groups + 1, sizeof(*l->start));
    l->wave = calloc(nodes + 1, sizeof(*l->wave));
    l->edges = calloc(nodes + 1, sizeof(*l->edges));
    l->links = calloc(links + 1, sizeof(*l->links));
    if (!l->start || !l->wave || !l->edges || !l->links) {
        wave_layers_done(l);
        return err_set(err, -ENOMEM, "the layers of %zu groups: %m", p->groups);
    }
    lay_nodes(l, p, d);
    lay_links(l, p, d);
    return 0;
}

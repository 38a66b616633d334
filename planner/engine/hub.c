/* SPDX-License-Identifier: Apache-2.0 */
/* Degree and participation. */
#include "planner/engine/hub.h"

#include "base/auto.h"
#include "base/err.h"
#include "planner/engine/graph.h"

#include <stdlib.h>

#include "base/banned.h"

static size_t degree(const struct graph *g, size_t v)
{
    return g->first[v + 1] - g->first[v];
}

static int by_size(const void *a, const void *b)
{
    const size_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

int hub_suspect(const struct graph *g, bool *ret_hub, size_t *ret_n, struct err *err)
{
    auto_free size_t *degrees = calloc(g->nodes + 1, sizeof(*degrees));
    size_t least = HUB_DEGREE, n = 0;

    if (!degrees)
        return err_set(err, -ENOMEM, "%zu hosts: %m", g->nodes);
    for (size_t v = 0; v < g->nodes; v++)
        degrees[v] = degree(g, v);
    qsort(degrees, g->nodes, sizeof(*degrees), by_size);
    if (g->nodes > 0 && degrees[g->nodes / 2] * HUB_MEDIANS > least)
        least = degrees[g->nodes / 2] * HUB_MEDIANS;
    for (size_t v = 0; v < g->nodes; v++) {
        ret_hub[v] = degree(g, v) > least;
        n += ret_hub[v];
    }
    *ret_n = n;
    return 0;
}

/* Neighbours that are hubs are in no group, and count alone. count is all 0 before and after. */
static bool participates(const struct graph *g, const uint32_t *of, const bool *hub, size_t v,
                         uint64_t *count)
{
    uint64_t squares = 0, all = degree(g, v);

    for (size_t i = g->first[v]; i < g->first[v + 1]; i++) {
        uint32_t w = g->other[i];

        /* (k + 1)^2 - k^2 */
        squares += hub[w] ? 1 : 2 * count[of[w]]++ + 1;
    }
    for (size_t i = g->first[v]; i < g->first[v + 1]; i++)
        count[of[g->other[i]]] = 0;
    return squares * 5 < all * all;
}

int hub_confirm(const struct graph *g, const uint32_t *of, bool *hub, size_t *ret_n,
                struct err *err)
{
    auto_free uint64_t *count = calloc(g->nodes + 1, sizeof(*count));
    auto_free bool *keep = calloc(g->nodes + 1, sizeof(*keep));
    size_t n = 0;

    if (!count || !keep)
        return err_set(err, -ENOMEM, "%zu hosts: %m", g->nodes);
    for (size_t v = 0; v < g->nodes; v++) {
        keep[v] = hub[v] && participates(g, of, hub, v, count);
        n += keep[v];
    }
    for (size_t v = 0; v < g->nodes; v++)
        hub[v] = keep[v];
    *ret_n = n;
    return 0;
}

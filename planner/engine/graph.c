/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs in rows of neighbours, built by sorting. */
#include "planner/engine/graph.h"

#include "base/err.h"

#include <stdlib.h>

#include "base/banned.h"

enum { LOG_BITS = 16 };

static const uint64_t ln2 = 45426;                  /* of 2^16 */
static const int64_t weight_max = (int64_t)1 << 40; /* a million edges of it still add up */

/* By squaring a mantissa bit by bit. */
uint64_t graph_log2(uint64_t v)
{
    unsigned whole = 63 - (unsigned)__builtin_clzll(v);
    uint64_t mantissa = whole > 31 ? v >> (whole - 31) : v << (31 - whole); /* [2^31, 2^32) */
    uint64_t log = whole;

    for (unsigned i = 0; i < LOG_BITS; i++) {
        mantissa = mantissa * mantissa >> 31;
        log <<= 1;
        if (mantissa >> 32) {
            mantissa >>= 1;
            log |= 1;
        }
    }
    return log;
}

int64_t graph_weight_of(uint64_t bytes)
{
    uint64_t ln = graph_log2(bytes < UINT64_MAX ? bytes + 1 : bytes) * ln2 >> LOG_BITS;

    /* ln is below 45 * 2^16: its cube fits in 65 bits, so two are dropped first. */
    ln >>= 2;
    return (int64_t)(ln * ln * ln >> (3 * (LOG_BITS - 2) - GRAPH_WEIGHT_BITS));
}

static int by_ends(const void *a, const void *b)
{
    const struct graph_edge *x = a, *y = b;

    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    if (x->b != y->b)
        return x->b < y->b ? -1 : 1;
    return 0;
}

/* One edge for each pair, its lower end first. Returns how many are left, SIZE_MAX: out of range.
 */
static size_t normalise(size_t nodes, struct graph_edge *edges, size_t n)
{
    size_t kept = 0, unique = 0;

    for (size_t i = 0; i < n; i++) {
        struct graph_edge e = edges[i];

        if (e.a >= nodes || e.b >= nodes || e.weight < 0 || e.weight > weight_max)
            return SIZE_MAX;
        if (e.a != e.b)
            edges[kept++] = e.a < e.b ? e : (struct graph_edge){e.b, e.a, e.weight};
    }
    if (kept > 0)
        qsort(edges, kept, sizeof(*edges), by_ends);
    for (size_t i = 0; i < kept; i++) {
        if (unique > 0 && by_ends(&edges[unique - 1], &edges[i]) == 0)
            edges[unique - 1].weight += edges[i].weight;
        else
            edges[unique++] = edges[i];
    }
    return unique;
}

static void place(struct graph *g, size_t *next, uint32_t from, uint32_t to, int64_t weight)
{
    g->other[next[from]] = to;
    g->weight[next[from]++] = weight;
}

/* Edges are in order; those to lower nodes go first, so that each row rises. */
static void fill(struct graph *g, size_t *next, const struct graph_edge *edges, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g->first[edges[i].a + 1]++;
        g->first[edges[i].b + 1]++;
    }
    for (size_t i = 0; i < g->nodes; i++) {
        g->first[i + 1] += g->first[i];
        next[i] = g->first[i];
    }
    for (size_t i = 0; i < n; i++)
        place(g, next, edges[i].b, edges[i].a, edges[i].weight);
    for (size_t i = 0; i < n; i++)
        place(g, next, edges[i].a, edges[i].b, edges[i].weight);
}

int graph_build(size_t nodes, const uint32_t *size, struct graph_edge *edges, size_t n,
                struct graph *ret, struct err *err)
{
    auto_graph struct graph g = {.nodes = nodes};
    auto_free size_t *next = NULL;

    if (nodes > GRAPH_NODES_MAX)
        return err_set(err, -EFBIG, "a graph of %zu nodes", nodes);
    n = normalise(nodes, edges, n);
    if (n == SIZE_MAX)
        return err_set(err, -EINVAL, "an edge out of range");
    g.size = calloc(nodes + 1, sizeof(*g.size));
    g.first = calloc(nodes + 1, sizeof(*g.first));
    g.other = calloc(2 * n + 1, sizeof(*g.other));
    g.weight = calloc(2 * n + 1, sizeof(*g.weight));
    next = calloc(nodes + 1, sizeof(*next));
    if (!g.size || !g.first || !g.other || !g.weight || !next)
        return err_set(err, -ENOMEM, "a graph of %zu nodes: %m", nodes);
    for (size_t i = 0; i < nodes; i++)
        g.size[i] = size ? size[i] : 1;
    fill(&g, next, edges, n);
    *ret = g;
    g = (struct graph){0};
    return 0;
}

int graph_contract(const struct graph *g, const uint32_t *label, size_t labels, struct graph *ret,
                   struct err *err)
{
    auto_free uint32_t *size = calloc(labels + 1, sizeof(*size));
    auto_free struct graph_edge *edges = calloc(g->first[g->nodes] / 2 + 1, sizeof(*edges));
    size_t n = 0;

    if (!size || !edges)
        return err_set(err, -ENOMEM, "a graph of %zu nodes: %m", labels);
    for (size_t v = 0; v < g->nodes; v++) {
        size[label[v]] += g->size[v];
        for (size_t i = g->first[v]; i < g->first[v + 1]; i++) {
            if (g->other[i] > v)
                edges[n++] = (struct graph_edge){label[v], label[g->other[i]], g->weight[i]};
        }
    }
    return graph_build(labels, size, edges, n, ret, err);
}

void graph_done(struct graph *g)
{
    free(g->size);
    free(g->first);
    free(g->other);
    free(g->weight);
    *g = (struct graph){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Move, refine, contract, again; communities that fell apart are split at the end. */
#include "planner/engine/leiden.h"

#include "base/auto.h"
#include "base/err.h"
#include "planner/engine/graph.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { LEVELS_MAX = 64 };
static const uint32_t none = UINT32_MAX;

/* One level: labels are any numbers below nodes, sizes are of labels. */
struct level {
    const struct graph *g;
    int64_t resolution;
    uint32_t *label, *part; /* communities, and their refined parts */
    int64_t *size;          /* [label] hosts */
    int64_t *part_size, *part_out;
    uint32_t *queue, *empty, *touched; /* work of one kind each */
    int64_t *to;                       /* [label] weight from the node at hand */
    bool *queued;
    size_t touched_n, empty_n;
};

static void level_done(struct level *l)
{
    free(l->label);
    free(l->part);
    free(l->size);
    free(l->part_size);
    free(l->part_out);
    free(l->queue);
    free(l->empty);
    free(l->touched);
    free(l->to);
    free(l->queued);
}

static int level_init(struct level *l, struct err *err)
{
    size_t n = l->g->nodes + 1;

    l->label = calloc(n, sizeof(*l->label));
    l->part = calloc(n, sizeof(*l->part));
    l->size = calloc(n, sizeof(*l->size));
    l->part_size = calloc(n, sizeof(*l->part_size));
    l->part_out = calloc(n, sizeof(*l->part_out));
    l->queue = calloc(n, sizeof(*l->queue));
    l->empty = calloc(n, sizeof(*l->empty));
    l->touched = calloc(n, sizeof(*l->touched));
    l->to = calloc(n, sizeof(*l->to));
    l->queued = calloc(n, sizeof(*l->queued));
    if (!l->label || !l->part || !l->size || !l->part_size || !l->part_out || !l->queue ||
        !l->empty || !l->touched || !l->to || !l->queued)
        return err_set(err, -ENOMEM, "communities of %zu nodes: %m", l->g->nodes);
    return 0;
}

/* The weight from v to each label around it; within restrict_to's community only, when given. */
static void look_around(struct level *l, uint32_t v, const uint32_t *labels, bool inside)
{
    l->touched_n = 0;
    for (size_t i = l->g->first[v]; i < l->g->first[v + 1]; i++) {
        uint32_t w = l->g->other[i], c = labels[w];

        if (inside && l->label[w] != l->label[v])
            continue;
        if (l->to[c] == 0)
            l->touched[l->touched_n++] = c;
        l->to[c] += l->g->weight[i];
    }
}

static void forget(struct level *l)
{
    for (size_t i = 0; i < l->touched_n; i++)
        l->to[l->touched[i]] = 0;
}

/* -- moving ---------------------------------------------------------------------------- */

static void change_label(struct level *l, uint32_t v, uint32_t to)
{
    uint32_t from = l->label[v];

    l->size[from] -= l->g->size[v];
    if (l->size[from] == 0)
        l->empty[l->empty_n++] = from;
    if (l->empty_n > 0 && l->empty[l->empty_n - 1] == to)
        l->empty_n--;
    l->size[to] += l->g->size[v];
    l->label[v] = to;
}

/* The best community for v: its own unless another is better; of equals the lowest. */
static uint32_t best_label(struct level *l, uint32_t v)
{
    int64_t mine = l->g->size[v], own, best;
    uint32_t at = l->label[v];

    look_around(l, v, l->label, false);
    own = best = l->to[at] - l->resolution * mine * (l->size[at] - mine);
    for (size_t i = 0; i < l->touched_n; i++) {
        uint32_t c = l->touched[i];
        int64_t gain = l->to[c] - l->resolution * mine * l->size[c];

        if (c == l->label[v] || gain < best)
            continue;
        if (gain > best || (best > own && c < at)) {
            best = gain;
            at = c;
        }
    }
    forget(l);
    if (best < 0 && l->empty_n > 0)
        at = l->empty[l->empty_n - 1];
    return at;
}

static bool move_nodes(struct level *l)
{
    size_t n = l->g->nodes, head = 0, waiting = n;
    bool moved = false;

    for (uint32_t v = 0; v < n; v++) {
        l->queue[v] = v;
        l->queued[v] = true;
    }
    for (; waiting > 0; waiting--) {
        uint32_t v = l->queue[head], to;

        head = head + 1 < n ? head + 1 : 0;
        l->queued[v] = false;
        to = best_label(l, v);
        if (to == l->label[v])
            continue;
        change_label(l, v, to);
        moved = true;
        for (size_t i = l->g->first[v]; i < l->g->first[v + 1]; i++) {
            uint32_t w = l->g->other[i];

            if (l->queued[w] || l->label[w] == to)
                continue;
            l->queued[w] = true;
            l->queue[(head + waiting++ - 1) % n] = w;
        }
    }
    return moved;
}

/* -- refining -------------------------------------------------------------------------- */

/* Is this part, of which out goes to the rest of its community, tied to it well enough? */
static bool tied(const struct level *l, int64_t out, int64_t part, int64_t community)
{
    return out >= l->resolution * part * (community - part);
}

static void refine_start(struct level *l)
{
    for (uint32_t v = 0; v < l->g->nodes; v++) {
        l->part[v] = v;
        l->part_size[v] = l->g->size[v];
        l->part_out[v] = 0;
        for (size_t i = l->g->first[v]; i < l->g->first[v + 1]; i++) {
            if (l->label[l->g->other[i]] == l->label[v])
                l->part_out[v] += l->g->weight[i];
        }
    }
}

/* A node that is still alone joins the part it gains most from. */
static void refine_node(struct level *l, uint32_t v)
{
    int64_t mine = l->g->size[v], community = l->size[l->label[v]], best = 0;
    uint32_t at = none;

    if (l->part_size[l->part[v]] != mine || l->part[v] != v ||
        !tied(l, l->part_out[v], mine, community))
        return;
    look_around(l, v, l->part, true);
    for (size_t i = 0; i < l->touched_n; i++) {
        uint32_t c = l->touched[i];
        int64_t gain = l->to[c] - l->resolution * mine * l->part_size[c];

        if (c == v || !tied(l, l->part_out[c], l->part_size[c], community))
            continue;
        if (gain > best || (gain == best && gain > 0 && c < at)) {
            best = gain;
            at = c;
        }
    }
    if (at != none) {
        l->part_out[at] += l->part_out[v] - 2 * l->to[at];
        l->part_size[at] += mine;
        l->part[v] = at;
    }
    forget(l);
}

/* Number labels by their first node; map has room for all of them. */
static size_t number(uint32_t *label, size_t nodes, uint32_t *map)
{
    size_t n = 0;

    memset(map, 0xff, nodes * sizeof(*map));
    for (size_t v = 0; v < nodes; v++) {
        if (map[label[v]] == none)
            map[label[v]] = (uint32_t)n++;
        label[v] = map[label[v]];
    }
    return n;
}

/* -- levels ---------------------------------------------------------------------------- */

static void level_sizes(struct level *l)
{
    memset(l->size, 0, l->g->nodes * sizeof(*l->size));
    l->empty_n = 0;
    for (size_t v = 0; v < l->g->nodes; v++)
        l->size[l->label[v]] += l->g->size[v];
    for (uint32_t c = 0; c < l->g->nodes; c++) {
        if (l->size[c] == 0)
            l->empty[l->empty_n++] = c;
    }
}

/*
 * One level from the labels in start. Afterwards part has the node of the next level of each node,
 * and start the label of each of those. *ret_n: nodes of the next level.
 */
static int run_level(const struct graph *g, int64_t resolution, uint32_t *start, uint32_t *part,
                     size_t *ret_n, struct err *err)
{
    AUTO(level_done) struct level l = {.g = g, .resolution = resolution};
    int r = level_init(&l, err);

    if (r < 0)
        return r;
    memcpy(l.label, start, g->nodes * sizeof(*start));
    level_sizes(&l);
    (void)move_nodes(&l);
    refine_start(&l);
    for (uint32_t v = 0; v < g->nodes; v++)
        refine_node(&l, v);
    (void)number(l.label, g->nodes, l.touched);
    *ret_n = number(l.part, g->nodes, l.touched);
    for (size_t v = 0; v < g->nodes; v++)
        start[l.part[v]] = l.label[v];
    /* Labels of the next level must be below its nodes: there are no more communities than parts.
     */
    memcpy(part, l.part, g->nodes * sizeof(*part));
    return 0;
}

/* A community whose nodes do not hang together becomes several: never worse in this model. */
static size_t split(const struct graph *g, const uint32_t *label, uint32_t *ret, uint32_t *stack)
{
    size_t n = 0;

    memset(ret, 0xff, g->nodes * sizeof(*ret));
    for (uint32_t start = 0; start < g->nodes; start++) {
        size_t depth = 0;

        if (ret[start] != none)
            continue;
        ret[start] = (uint32_t)n;
        stack[depth++] = start;
        while (depth > 0) {
            uint32_t v = stack[--depth];

            for (size_t i = g->first[v]; i < g->first[v + 1]; i++) {
                uint32_t w = g->other[i];

                if (ret[w] != none || label[w] != label[v])
                    continue;
                ret[w] = (uint32_t)n;
                stack[depth++] = w;
            }
        }
        n++;
    }
    return n;
}

int leiden_find(const struct graph *g, int64_t resolution, uint32_t *ret_label, size_t *ret_n,
                struct err *err)
{
    auto_free uint32_t *node = calloc(g->nodes + 1, sizeof(*node)); /* of this level */
    auto_free uint32_t *start = calloc(g->nodes + 1, sizeof(*start));
    auto_free uint32_t *part = calloc(g->nodes + 1, sizeof(*part));
    auto_graph struct graph level = {0};
    const struct graph *at = g;

    if (resolution < 1)
        return err_set(err, -EINVAL, "a resolution below 1");
    if (!node || !start || !part)
        return err_set(err, -ENOMEM, "communities of %zu nodes: %m", g->nodes);
    for (uint32_t v = 0; v < g->nodes; v++)
        node[v] = start[v] = v;
    for (unsigned i = 0; i < LEVELS_MAX; i++) {
        struct graph next = {0};
        size_t n = 0;
        int r = run_level(at, resolution, start, part, &n, err);

        if (r == 0 && n < at->nodes)
            r = graph_contract(at, part, n, &next, err);
        if (r < 0)
            return r;
        for (size_t v = 0; v < g->nodes; v++)
            node[v] = part[node[v]];
        if (n == at->nodes)
            break;
        graph_done(&level);
        level = next;
        at = &level;
    }
    for (size_t v = 0; v < g->nodes; v++)
        part[v] = start[node[v]];
    *ret_n = split(g, part, ret_label, node);
    return 0;
}

int64_t leiden_quality(const struct graph *g, int64_t resolution, const uint32_t *label)
{
    auto_free int64_t *size = calloc(g->nodes + 1, sizeof(*size));
    int64_t quality = 0;

    for (size_t v = 0; size && v < g->nodes; v++) {
        quality -= resolution * size[label[v]] * g->size[v];
        size[label[v]] += g->size[v];
        for (size_t i = g->first[v]; i < g->first[v + 1]; i++)
            quality += g->other[i] > v && label[g->other[i]] == label[v] ? g->weight[i] : 0;
    }
    return quality;
}

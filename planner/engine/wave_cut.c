/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Minimum cut by Dinic's method (shortest augmenting paths in a layered network). Terminals have no
 * arcs: a node holds what it may still take from the source (positive) or give to the sink.
 */
#include "planner/engine/wave_cut.h"

#include "base/auto.h"
#include "base/err.h"

#include <string.h>

#include "base/banned.h"

struct arc {
    uint32_t to, back; /* back: index of the arc the other way */
};

struct wave_cut {
    size_t nodes;
    uint32_t *first;  /* [nodes + 1]: arcs of a node */
    struct arc *arcs; /* by node */
    int64_t *full;    /* capacity of an arc */
    int64_t *left;    /* what it can still carry */
    int64_t *gain;    /* [nodes] of the call before */
    int64_t *supply;  /* [nodes]: what a node can still get (> 0) or give (< 0) */
    uint32_t *level;  /* [nodes]: distance to the sink; UINT32_MAX: it cannot be reached */
    uint32_t *next;   /* [nodes]: the arc to try */
    uint32_t *queue;
    uint32_t *path; /* arcs */
};

void wave_cut_free(struct wave_cut *c)
{
    if (!c)
        return;
    free(c->first);
    free(c->arcs);
    free(c->full);
    free(c->left);
    free(c->gain);
    free(c->supply);
    free(c->level);
    free(c->next);
    free(c->queue);
    free(c->path);
    free(c);
}

static void join(struct wave_cut *c, const struct wave_cut_link *link)
{
    uint32_t x = c->next[link->a]++, y = c->next[link->b]++;

    c->arcs[x] = (struct arc){link->b, y};
    c->arcs[y] = (struct arc){link->a, x};
    c->full[x] = link->there;
    c->full[y] = link->back;
}

static void lay_arcs(struct wave_cut *c, const struct wave_cut_link *links, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        c->first[links[i].a + 1]++;
        c->first[links[i].b + 1]++;
    }
    for (size_t v = 0; v < c->nodes; v++)
        c->first[v + 1] += c->first[v];
    memcpy(c->next, c->first, c->nodes * sizeof(*c->next));
    for (size_t i = 0; i < n; i++)
        join(c, &links[i]);
    memcpy(c->left, c->full, 2 * n * sizeof(*c->left));
}

static int take_room(struct wave_cut *c, size_t arcs, struct err *err)
{
    c->first = calloc(c->nodes + 1, sizeof(*c->first));
    c->arcs = calloc(arcs, sizeof(*c->arcs));
    c->full = calloc(arcs, sizeof(*c->full));
    c->left = calloc(arcs, sizeof(*c->left));
    c->gain = calloc(c->nodes, sizeof(*c->gain));
    c->supply = calloc(c->nodes, sizeof(*c->supply));
    c->level = calloc(c->nodes, sizeof(*c->level));
    c->next = calloc(c->nodes, sizeof(*c->next));
    c->queue = calloc(c->nodes, sizeof(*c->queue));
    c->path = calloc(c->nodes, sizeof(*c->path));
    if (!c->first || !c->arcs || !c->full || !c->left || !c->gain || !c->supply || !c->level ||
        !c->next || !c->queue || !c->path)
        return err_set(err, -ENOMEM, "a network of %zu nodes: %m", c->nodes);
    return 0;
}

int wave_cut_new(size_t nodes, const struct wave_cut_link *links, size_t links_n,
                 struct wave_cut **ret, struct err *err)
{
    auto_wave_cut struct wave_cut *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        return err_set(err, -ENOMEM, "a network of %zu nodes: %m", nodes);
    c->nodes = nodes;
    r = take_room(c, 2 * links_n + 1, err);
    if (r < 0)
        return r;
    lay_arcs(c, links, links_n);
    *ret = TAKE(c);
    return 0;
}

/* Distances to the sink; true when some node that has supply reaches it. */
static bool find_levels(struct wave_cut *c)
{
    size_t head = 0, tail = 0;
    bool reached = false;

    for (uint32_t v = 0; v < c->nodes; v++) {
        c->level[v] = c->supply[v] < 0 ? 0 : UINT32_MAX;
        if (c->supply[v] < 0)
            c->queue[tail++] = v;
    }
    while (head < tail) {
        uint32_t at = c->queue[head++];

        for (uint32_t x = c->first[at]; x < c->first[at + 1]; x++) {
            uint32_t from = c->arcs[x].to;

            if (c->level[from] != UINT32_MAX || c->left[c->arcs[x].back] == 0)
                continue;
            c->level[from] = c->level[at] + 1;
            reached = reached || c->supply[from] > 0;
            c->queue[tail++] = from;
        }
    }
    return reached;
}

/* Along path to a node that gives to the sink; back to the first arc that is full now. */
static size_t augment(struct wave_cut *c, uint32_t root, size_t depth, uint32_t sink)
{
    int64_t most = c->supply[root] < -c->supply[sink] ? c->supply[root] : -c->supply[sink];
    size_t keep = depth;

    for (size_t i = 0; i < depth; i++) {
        if (c->left[c->path[i]] < most)
            most = c->left[c->path[i]];
    }
    for (size_t i = depth; i-- > 0;) {
        c->left[c->path[i]] -= most;
        c->left[c->arcs[c->path[i]].back] += most;
        if (c->left[c->path[i]] == 0)
            keep = i;
    }
    c->supply[root] -= most;
    c->supply[sink] += most;
    return keep;
}

static bool advance(struct wave_cut *c, uint32_t at, uint32_t *ret_arc)
{
    for (; c->next[at] < c->first[at + 1]; c->next[at]++) {
        uint32_t x = c->next[at];

        if (c->left[x] > 0 && c->level[at] == c->level[c->arcs[x].to] + 1 && c->level[at] != 0) {
            *ret_arc = x;
            return true;
        }
    }
    return false;
}

static void push_from(struct wave_cut *c, uint32_t root)
{
    size_t depth = 0;
    uint32_t at = root, arc;

    while (c->supply[root] > 0) {
        if (c->level[at] == 0 && c->supply[at] < 0) {
            depth = augment(c, root, depth, at);
        } else if (c->level[at] != 0 && advance(c, at, &arc)) {
            c->path[depth++] = arc;
        } else {
            c->level[at] = UINT32_MAX; /* a dead end */
            if (at == root)
                return;
            depth--;
        }
        at = depth > 0 ? c->arcs[c->path[depth - 1]].to : root;
    }
}

static void push_all(struct wave_cut *c)
{
    memcpy(c->next, c->first, c->nodes * sizeof(*c->next));
    for (uint32_t v = 0; v < c->nodes; v++) {
        if (c->supply[v] > 0 && c->level[v] != UINT32_MAX)
            push_from(c, v);
    }
}

/*
 * On the source's side is what the source still reaches: in the residual network, exactly the nodes
 * with supply and what they lead to.
 */
static void mark_moved(struct wave_cut *c, bool *moved)
{
    size_t head = 0, tail = 0;

    for (uint32_t v = 0; v < c->nodes; v++) {
        moved[v] = c->supply[v] > 0;
        if (moved[v])
            c->queue[tail++] = v;
    }
    while (head < tail) {
        uint32_t at = c->queue[head++];

        for (uint32_t x = c->first[at]; x < c->first[at + 1]; x++) {
            if (c->left[x] == 0 || moved[c->arcs[x].to])
                continue;
            moved[c->arcs[x].to] = true;
            c->queue[tail++] = c->arcs[x].to;
        }
    }
}

static int64_t value_of(const struct wave_cut *c, const int64_t *gain, const bool *moved)
{
    int64_t sum = 0;

    for (size_t v = 0; v < c->nodes; v++) {
        if (!moved[v])
            continue;
        sum += gain[v] > -WAVE_NEVER ? gain[v] : 0;
        for (uint32_t x = c->first[v]; x < c->first[v + 1]; x++)
            sum += moved[c->arcs[x].to] || c->full[x] >= WAVE_NEVER ? 0 : c->full[x];
    }
    return sum;
}

int64_t wave_cut_solve(struct wave_cut *c, const int64_t *gain, bool *ret_moved)
{
    /* What a flow has brought to a node stays there: its worth changes by the difference. */
    for (size_t v = 0; v < c->nodes; v++) {
        c->supply[v] -= gain[v] - c->gain[v];
        c->gain[v] = gain[v];
    }
    while (find_levels(c))
        push_all(c);
    mark_moved(c, ret_moved);
    return value_of(c, gain, ret_moved);
}

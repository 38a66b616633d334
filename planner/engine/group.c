/* SPDX-License-Identifier: Apache-2.0 */
/* Hubs aside, tags together, then communities; and how far each can be believed. */
#include "planner/engine/group.h"

#include "base/err.h"
#include "planner/engine/graph.h"
#include "planner/engine/group_part.h"
#include "planner/engine/hub.h"
#include "planner/engine/leiden.h"

#include <stdlib.h>

#include "base/banned.h"

static int check(const struct group_input *in, struct err *err)
{
    if (in->hosts > GRAPH_NODES_MAX)
        return err_set(err, -EFBIG, "%zu hosts", in->hosts);
    for (size_t i = 0; i < in->talks_n; i++) {
        if (in->talks[i].a >= in->hosts || in->talks[i].b >= in->hosts)
            return err_set(err, -EINVAL, "talk %zu is of a host that is not there", i);
    }
    for (size_t i = 0; in->observed && i < in->hosts; i++) {
        if (in->observed[i] > GROUP_PERMILLE)
            return err_set(err, -EINVAL, "host %zu is observed %u permille", i, in->observed[i]);
    }
    return 0;
}

static int by_ends(const void *a, const void *b)
{
    const struct group_talk *x = a, *y = b;

    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    if (x->b != y->b)
        return x->b < y->b ? -1 : 1;
    return 0;
}

/* Bytes add up before they are weighed: both directions of a pair are one talk. */
static int weigh(const struct group_input *in, struct graph *ret, struct err *err)
{
    auto_free struct group_talk *talks = calloc(in->talks_n + 1, sizeof(*talks));
    auto_free struct graph_edge *edges = calloc(in->talks_n + 1, sizeof(*edges));
    size_t n = 0;

    if (!talks || !edges)
        return err_set(err, -ENOMEM, "%zu talks: %m", in->talks_n);
    for (size_t i = 0; i < in->talks_n; i++) {
        struct group_talk t = in->talks[i];

        talks[i] = t.a < t.b ? t : (struct group_talk){t.b, t.a, t.bytes};
    }
    if (in->talks_n > 0)
        qsort(talks, in->talks_n, sizeof(*talks), by_ends);
    for (size_t i = 0; i < in->talks_n;) {
        struct group_talk sum = talks[i];

        while (++i < in->talks_n && by_ends(&sum, &talks[i]) == 0) {
            if (__builtin_add_overflow(sum.bytes, talks[i].bytes, &sum.bytes))
                sum.bytes = UINT64_MAX;
        }
        edges[n++] = (struct graph_edge){sum.a, sum.b, graph_weight_of(sum.bytes)};
    }
    return graph_build(in->hosts, NULL, edges, n, ret, err);
}

/* -- what owners say ------------------------------------------------------------------- */

struct tagged {
    uint32_t tag, host;
};

static int by_tag(const void *a, const void *b)
{
    const struct tagged *x = a, *y = b;

    if (x->tag != y->tag)
        return x->tag < y->tag ? -1 : 1;
    return x->host < y->host ? -1 : x->host > y->host;
}

/* A node for each tag and for each host without one, in the order of their first hosts. */
static int tie(const struct group_input *in, uint32_t *node, size_t *ret_n, struct err *err)
{
    auto_free struct tagged *sorted = calloc(in->hosts + 1, sizeof(*sorted));
    auto_free uint32_t *first = calloc(in->hosts + 1, sizeof(*first));
    size_t n = 0;

    if (!sorted || !first)
        return err_set(err, -ENOMEM, "tags of %zu hosts: %m", in->hosts);
    for (uint32_t h = 0; h < in->hosts; h++)
        sorted[h] = (struct tagged){in->tag ? in->tag[h] : 0, h};
    qsort(sorted, in->hosts, sizeof(*sorted), by_tag);
    for (size_t i = 0; i < in->hosts; i++) {
        bool again = i > 0 && sorted[i].tag != 0 && sorted[i].tag == sorted[i - 1].tag;

        first[sorted[i].host] = again ? first[sorted[i - 1].host] : sorted[i].host;
    }
    for (size_t h = 0; h < in->hosts; h++)
        node[h] = first[h] == h ? (uint32_t)n++ : node[first[h]];
    *ret_n = n;
    return 0;
}

/* -- groups ---------------------------------------------------------------------------- */

/* The graph without what the hubs say. */
static int without(const struct graph *g, const bool *hub, struct graph *ret, struct err *err)
{
    auto_free struct graph_edge *edges = calloc(g->first[g->nodes] / 2 + 1, sizeof(*edges));
    size_t n = 0;

    if (!edges)
        return err_set(err, -ENOMEM, "%zu hosts: %m", g->nodes);
    for (uint32_t v = 0; v < g->nodes; v++) {
        for (size_t i = g->first[v]; i < g->first[v + 1]; i++) {
            if (g->other[i] > v && !hub[v] && !hub[g->other[i]])
                edges[n++] = (struct graph_edge){v, g->other[i], g->weight[i]};
        }
    }
    return graph_build(g->nodes, NULL, edges, n, ret, err);
}

/* Communities of what is left of g without hubs, each host with its tag. */
static int communities(const struct graph *g, const struct group_input *in, const bool *hub,
                       uint32_t *of, struct err *err)
{
    auto_free uint32_t *node = calloc(in->hosts + 1, sizeof(*node));
    auto_free uint32_t *label = calloc(in->hosts + 1, sizeof(*label));
    auto_graph struct graph talk = {0}, tied = {0};
    unsigned resolution = in->resolution ? in->resolution : GROUP_RESOLUTION;
    size_t n = 0, found = 0;
    int r;

    if (!node || !label)
        return err_set(err, -ENOMEM, "groups of %zu hosts: %m", in->hosts);
    r = without(g, hub, &talk, err);
    if (r == 0)
        r = tie(in, node, &n, err);
    if (r == 0)
        r = graph_contract(&talk, node, n, &tied, err);
    if (r == 0)
        r = leiden_find(&tied, (int64_t)resolution * GRAPH_ONE, label, &found, err);
    for (size_t h = 0; r == 0 && h < in->hosts; h++)
        of[h] = label[node[h]];
    return r < 0 ? r : group_part(&talk, in, of, err);
}

/* Hubs leave; what remains is numbered by first hosts. */
static int number(struct groups *g, size_t hosts, const bool *hub, struct err *err)
{
    auto_free uint32_t *map = calloc(hosts + 1, sizeof(*map));

    if (!map)
        return err_set(err, -ENOMEM, "groups of %zu hosts: %m", hosts);
    for (size_t h = 0; h < hosts; h++) {
        if (hub[h]) {
            g->of[h] = GROUP_HUB;
            g->hubs++;
            continue;
        }
        if (map[g->of[h]] == 0)
            map[g->of[h]] = (uint32_t)++g->n;
        g->of[h] = map[g->of[h]] - 1;
    }
    return 0;
}

/* -- how far to believe them ----------------------------------------------------------- */

struct sums {
    uint64_t observed;
    int64_t inside, all; /* weights, seen from the members */
};

static uint16_t permille(uint64_t part, uint64_t whole)
{
    return whole ? (uint16_t)((double)part / (double)whole * GROUP_PERMILLE) : 0;
}

static void view(struct group_view *v, const struct sums *s)
{
    uint16_t tags = permille(v->tagged, v->hosts);

    v->coverage = (uint16_t)(s->observed / v->hosts);
    /* Alone and silent: nothing speaks against it. */
    v->cohesion = s->all ? permille((uint64_t)s->inside, (uint64_t)s->all) : GROUP_PERMILLE;
    v->confidence = (uint16_t)((unsigned)v->cohesion * (tags > v->coverage ? tags : v->coverage) /
                               GROUP_PERMILLE);
    /* Whatever goes in and out: they are one because their owners say so. */
    if (v->tagged == v->hosts)
        v->confidence = GROUP_PERMILLE;
}

static int views(const struct graph *g, const struct group_input *in, struct groups *out,
                 struct err *err)
{
    auto_free struct sums *sums = calloc(out->n + 1, sizeof(*sums));

    out->views = calloc(out->n + 1, sizeof(*out->views));
    if (!sums || !out->views)
        return err_set(err, -ENOMEM, "%zu groups: %m", out->n);
    for (size_t h = 0; h < in->hosts; h++) {
        uint32_t of = out->of[h];

        if (of == GROUP_HUB)
            continue;
        out->views[of].hosts++;
        out->views[of].tagged += in->tag && in->tag[h] != 0;
        sums[of].observed += in->observed ? in->observed[h] : GROUP_PERMILLE;
        for (size_t i = g->first[h]; i < g->first[h + 1]; i++) {
            uint32_t there = out->of[g->other[i]];

            sums[of].all += there == GROUP_HUB ? 0 : g->weight[i];
            sums[of].inside += there == of ? g->weight[i] : 0;
        }
    }
    for (size_t k = 0; k < out->n; k++)
        view(&out->views[k], &sums[k]);
    return 0;
}

int group_find(const struct group_input *in, struct groups *ret, struct err *err)
{
    auto_groups struct groups out = {0};
    auto_graph struct graph g = {0};
    auto_free bool *hub = calloc(in->hosts + 1, sizeof(*hub));
    size_t suspects = 0, left = 0;
    int r = check(in, err);

    out.of = calloc(in->hosts + 1, sizeof(*out.of));
    if (r == 0 && (!out.of || !hub))
        r = err_set(err, -ENOMEM, "groups of %zu hosts: %m", in->hosts);
    if (r == 0)
        r = weigh(in, &g, err);
    if (r == 0)
        r = hub_suspect(&g, hub, &suspects, err);
    if (r == 0)
        r = communities(&g, in, hub, out.of, err);
    if (r == 0)
        r = hub_confirm(&g, out.of, hub, &left, err);
    /* Who is no hub after all is a member, and may hold others together. */
    if (r == 0 && left < suspects)
        r = communities(&g, in, hub, out.of, err);
    if (r == 0)
        r = number(&out, in->hosts, hub, err);
    if (r == 0)
        r = views(&g, in, &out, err);
    if (r < 0)
        return r;
    *ret = out;
    out = (struct groups){0};
    return 0;
}

void group_done(struct groups *g)
{
    free(g->of);
    free(g->views);
    *g = (struct groups){0};
}

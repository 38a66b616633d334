/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edges from the dearest on join lines end to end, first as long as a line fits into a wave. Then
 * either those are put in order by what waiting costs them, or the other edges go on joining: the
 * cheaper one depends on whether waiting or traffic weighs more.
 */
#include "planner/engine/wave_line.h"

#include "base/auto.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* How many waves back a group may fill what larger ones left. */
enum { LOOK_BACK = 8 };

struct lines {
    const struct wave_problem *p;
    const struct wave_domain *d;
    uint32_t *edges;                     /* [edges] the dearest first */
    uint32_t *line;                      /* [groups] the line it is in, by steps of find() */
    uint32_t *first, *last, *next, *len; /* [groups]; of lines by their number; next of groups */
    int64_t *used;                       /* [lines * resources] */
    int64_t *most;                       /* [resources]: the largest limit of a wave */
    double *slope;                       /* [lines]: what waiting costs, of all in it */
    int64_t *slack;                      /* [resources * waves] while waves are filled */
    uint32_t *order;                     /* [groups] lines, as they are filled */
    uint32_t *plan;                      /* [groups] of the other try */
};

static void lines_done(struct lines *l)
{
    free(l->edges);
    free(l->line);
    free(l->first);
    free(l->last);
    free(l->next);
    free(l->len);
    free(l->used);
    free(l->most);
    free(l->slope);
    free(l->slack);
    free(l->order);
    free(l->plan);
}

static int take_room(struct lines *l, struct err *err)
{
    const struct wave_problem *p = l->p;
    size_t n = p->groups + 1, resources = p->resources_n + 1;

    l->edges = calloc(p->edges_n + 1, sizeof(*l->edges));
    l->line = calloc(n, sizeof(*l->line));
    l->first = calloc(n, sizeof(*l->first));
    l->last = calloc(n, sizeof(*l->last));
    l->next = calloc(n, sizeof(*l->next));
    l->len = calloc(n, sizeof(*l->len));
    l->used = calloc(n * resources, sizeof(*l->used));
    l->most = calloc(resources, sizeof(*l->most));
    l->slope = calloc(n, sizeof(*l->slope));
    l->slack = calloc(resources * p->waves, sizeof(*l->slack));
    l->order = calloc(n, sizeof(*l->order));
    l->plan = calloc(n, sizeof(*l->plan));
    if (!l->edges || !l->line || !l->first || !l->last || !l->next || !l->len || !l->used ||
        !l->most || !l->slope || !l->slack || !l->order || !l->plan)
        return err_set(err, -ENOMEM, "a line of %zu groups: %m", p->groups);
    return 0;
}

/* -- joining ------------------------------------------------------------------------------ */

static int by_cost(const void *a, const void *b, void *arg)
{
    const struct wave_problem *p = arg;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    if (p->edges[x].cost != p->edges[y].cost)
        return p->edges[x].cost > p->edges[y].cost ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* What a unit of time costs it, between the first and the last wave that it may move in. */
static double slope_of(const struct lines *l, uint32_t g)
{
    const struct wave_problem *p = l->p;
    uint32_t from = l->d->first[g], until = l->d->last[g];
    int64_t time = p->when[until] - p->when[from];

    return time == 0
               ? 0
               : (double)(wave_cost_at(p, g, until) - wave_cost_at(p, g, from)) / (double)time;
}

static void begin(struct lines *l)
{
    const struct wave_problem *p = l->p;

    for (uint32_t e = 0; e < p->edges_n; e++)
        l->edges[e] = e;
    qsort_r(l->edges, p->edges_n, sizeof(*l->edges), by_cost, (void *)(uintptr_t)p);
    for (size_t i = 0; i < p->resources_n; i++) {
        for (size_t k = 0; k < p->waves; k++)
            l->most[i] =
                p->resources[i].limit[k] > l->most[i] ? p->resources[i].limit[k] : l->most[i];
    }
    for (uint32_t g = 0; g < p->groups; g++) {
        l->line[g] = l->first[g] = l->last[g] = g;
        l->next[g] = UINT32_MAX;
        l->len[g] = 1;
        l->slope[g] = slope_of(l, g);
        for (size_t i = 0; i < p->resources_n; i++)
            l->used[g * p->resources_n + i] = p->resources[i].amount[g];
    }
}

static uint32_t find(struct lines *l, uint32_t g)
{
    while (l->line[g] != g) {
        l->line[g] = l->line[l->line[g]];
        g = l->line[g];
    }
    return g;
}

static bool fit_together(const struct lines *l, uint32_t a, uint32_t b)
{
    size_t n = l->p->resources_n;

    for (size_t i = 0; i < n; i++) {
        if (l->used[a * n + i] + l->used[b * n + i] > l->most[i])
            return false;
    }
    return true;
}

static void join_lines(struct lines *l, uint32_t a, uint32_t b)
{
    size_t n = l->p->resources_n;

    l->line[b] = a;
    l->next[l->last[a]] = l->first[b];
    l->last[a] = l->last[b];
    l->len[a] += l->len[b];
    l->slope[a] += l->slope[b];
    for (size_t i = 0; i < n; i++)
        l->used[a * n + i] += l->used[b * n + i];
}

static void join(struct lines *l, bool any_length)
{
    for (size_t e = 0; e < l->p->edges_n; e++) {
        const struct wave_edge *edge = &l->p->edges[l->edges[e]];
        uint32_t a = find(l, edge->a), b = find(l, edge->b);

        if (a != b && edge->cost > 0 && (any_length || fit_together(l, a, b)))
            join_lines(l, l->len[a] >= l->len[b] ? a : b, l->len[a] >= l->len[b] ? b : a);
    }
}

/* -- filling ------------------------------------------------------------------------------- */

/* Whose waiting costs most, by group, moves first. */
static int by_slope(const void *a, const void *b, void *arg)
{
    const struct lines *l = arg;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    double one = l->slope[x] / l->len[x], other = l->slope[y] / l->len[y];

    if (one != other)
        return one > other ? -1 : 1;
    return x < y ? -1 : x > y;
}

static bool has_room(const struct lines *l, uint32_t g, size_t wave)
{
    const struct wave_problem *p = l->p;

    if (!l->d->may[g * p->waves + wave])
        return false;
    for (size_t i = 0; i < p->resources_n; i++) {
        const struct wave_resource *r = &p->resources[i];

        for (struct wave_range k = wave_windows(p, r->span, wave); k.from < k.until; k.from++) {
            if (r->amount[g] > l->slack[i * p->waves + k.from])
                return false;
        }
    }
    return true;
}

/* From a little before the wave that is being filled on; else from the beginning. */
static uint32_t place_of(const struct lines *l, uint32_t g, size_t now)
{
    size_t from = now > LOOK_BACK ? now - LOOK_BACK : 0;

    for (size_t w = from; w < l->p->waves; w++) {
        if (has_room(l, g, w))
            return (uint32_t)w;
    }
    for (size_t w = 0; w < from; w++) {
        if (has_room(l, g, w))
            return (uint32_t)w;
    }
    return l->d->last[g];
}

static void put(struct lines *l, uint32_t g, uint32_t wave, uint32_t *plan)
{
    const struct wave_problem *p = l->p;

    plan[g] = wave;
    for (size_t i = 0; i < p->resources_n; i++) {
        const struct wave_resource *r = &p->resources[i];

        for (struct wave_range k = wave_windows(p, r->span, wave); k.from < k.until; k.from++)
            l->slack[i * p->waves + k.from] -= r->amount[g];
    }
}

static void fill(struct lines *l, uint32_t *plan)
{
    const struct wave_problem *p = l->p;
    size_t n = 0, now = 0;

    for (size_t i = 0; i < p->resources_n; i++)
        memcpy(l->slack + i * p->waves, p->resources[i].limit, p->waves * sizeof(*l->slack));
    for (uint32_t g = 0; g < p->groups; g++) {
        if (l->line[g] == g)
            l->order[n++] = g;
    }
    qsort_r(l->order, n, sizeof(*l->order), by_slope, l);
    for (size_t i = 0; i < n; i++) {
        for (uint32_t g = l->first[l->order[i]]; g != UINT32_MAX; g = l->next[g]) {
            uint32_t wave = place_of(l, g, now);

            /* A pin, or what only a late wave has room for, is not where the line has come to. */
            if (wave > now && wave <= now + LOOK_BACK)
                now = wave;
            put(l, g, wave, plan);
        }
    }
}

int wave_line(const struct wave_problem *p, const struct wave_domain *d, uint32_t *plan,
              struct err *err)
{
    AUTO(lines_done) struct lines l = {.p = p, .d = d};
    int r = take_room(&l, err);

    if (r < 0)
        return r;
    begin(&l);
    join(&l, false);
    fill(&l, plan);
    join(&l, true);
    fill(&l, l.plan);
    if (wave_objective(p, l.plan) < wave_objective(p, plan))
        memcpy(plan, l.plan, p->groups * sizeof(*plan));
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depth first, splitting the waves of one group in two; the half where its cuts put it goes first.
 * Every node is narrowed, then bounded from the prices of its parent.
 */
#include "planner/engine/wave_exact.h"

#include "base/auto.h"
#include "base/err.h"
#include "planner/engine/wave_bound.h"
#include "planner/engine/wave_check.h"

#include <string.h>

#include "base/banned.h"

enum { ROUNDS_ROOT = 200, ROUNDS_NODE = 16, DEPTH_MAX = 400 };

struct search {
    const struct wave_problem *p;
    const struct wave_exact_spec *spec;
    uint32_t *plan;
    struct wave_exact *out;
    int64_t ceiling; /* above every plan there can be: for steps while none is known */
    unsigned depth;
};

static int64_t best_cost(const struct search *s)
{
    return s->out->found ? s->out->cost : s->ceiling;
}

static bool over_now(const struct search *s)
{
    return (s->spec->any && s->out->found) || s->out->nodes >= s->spec->nodes ||
           s->depth >= DEPTH_MAX;
}

/* One more than the sum of the dearest that each group and each edge can be. */
static int64_t ceiling_of(const struct wave_problem *p)
{
    int64_t sum = 1, long_way = p->when[p->waves - 1] - p->when[0];

    for (size_t g = 0; g < p->groups; g++) {
        int64_t most = INT64_MIN;

        for (size_t w = 0; w < p->waves; w++) {
            int64_t cost = wave_cost_at(p, g, w);

            most = cost < WAVE_NEVER && cost > most ? cost : most;
        }
        sum += most > INT64_MIN ? most : 0;
    }
    for (size_t e = 0; e < p->edges_n; e++)
        sum += p->edges[e].cost * long_way;
    return sum;
}

/* What each group costs at the least, and no edge anything: no plan is cheaper. */
static int64_t floor_of(const struct wave_problem *p)
{
    int64_t sum = 0;

    for (size_t g = 0; g < p->groups; g++) {
        int64_t least = WAVE_NEVER;

        for (size_t w = 0; w < p->waves; w++) {
            int64_t cost = wave_cost_at(p, g, w);

            least = cost < least ? cost : least;
        }
        sum += least < WAVE_NEVER ? least : 0;
    }
    return sum;
}

static void consider(struct search *s, const uint32_t *plan)
{
    int64_t cost = wave_objective(s->p, plan);

    if (cost >= best_cost(s) || wave_check(s->p, plan, NULL, 0) > 0)
        return;
    memcpy(s->plan, plan, s->p->groups * sizeof(*plan));
    s->out->cost = cost;
    s->out->found = true;
}

/* A part of the tree that stays unseen has plans of this cost or more. */
static void leave_open(struct search *s, int64_t bound)
{
    if (bound < s->out->bound)
        s->out->bound = bound;
    s->out->finished = false;
}

static double off_middle(double mean)
{
    double part = mean - (double)(int64_t)mean;

    return part < 0.5 ? 0.5 - part : part - 0.5;
}

/* The group whose cuts agree least on its wave; of those the one with most waves. */
static size_t pick_group(const struct search *s, const struct wave_domain *d, const double *mean)
{
    size_t best = SIZE_MAX;

    for (size_t g = 0; g < s->p->groups; g++) {
        double mine = off_middle(mean[g]);

        if (d->first[g] == d->last[g])
            continue;
        if (best == SIZE_MAX || mine < off_middle(mean[best]) - 1e-9 ||
            (mine < off_middle(mean[best]) + 1e-9 &&
             d->last[g] - d->first[g] > d->last[best] - d->first[best]))
            best = g;
    }
    return best;
}

/* A part of the tree before it is narrowed and bounded itself. */
struct node {
    struct wave_domain *d; /* taken: narrowed in place */
    const double *price;
    int64_t bound; /* of its parent */
};

static int visit(struct search *s, const struct node *n, struct err *err);

static int visit_half(struct search *s, const struct node *n, size_t g, struct wave_range part,
                      struct err *err)
{
    auto_wave_domain struct wave_domain half = {0};
    struct node child = {.d = &half, .price = n->price, .bound = n->bound};
    int r = wave_domain_copy(&half, s->p, n->d, err);

    if (r < 0)
        return r;
    wave_domain_keep(&half, s->p, g, part);
    s->depth++;
    r = visit(s, &child, err);
    s->depth--;
    return r;
}

static int split(struct search *s, const struct node *n, const double *mean, struct err *err)
{
    size_t g = pick_group(s, n->d, mean);
    uint32_t at = (uint32_t)(mean[g] > 0 ? mean[g] : 0);
    bool upper_first = mean[g] - (double)at > 0.5;
    struct wave_range halves[2];
    int r = 0;

    at = at < n->d->first[g] ? n->d->first[g] : at >= n->d->last[g] ? n->d->last[g] - 1 : at;
    halves[upper_first] = (struct wave_range){0, at + 1};
    halves[!upper_first] = (struct wave_range){at + 1, s->p->waves};
    for (unsigned i = 0; r == 0 && i < 2; i++)
        r = visit_half(s, n, g, halves[i], err);
    return r;
}

static bool is_fixed(const struct search *s, const struct wave_domain *d)
{
    for (size_t g = 0; g < s->p->groups; g++) {
        if (d->first[g] != d->last[g])
            return false;
    }
    return true;
}

static int bound_and_split(struct search *s, const struct node *n, double *price, struct err *err)
{
    auto_wave_bound struct wave_bound b = {0};
    struct wave_bound_spec spec = {.rounds = s->depth == 0 ? ROUNDS_ROOT : ROUNDS_NODE,
                                   .above = best_cost(s),
                                   .enough = true,
                                   .price = price};
    struct node self = {.d = n->d, .price = price};
    int r = wave_bound_find(s->p, n->d, &spec, &b, err);

    if (r < 0)
        return r;
    self.bound = b.value > n->bound ? b.value : n->bound;
    if (self.bound >= best_cost(s))
        return 0;
    consider(s, b.plan);
    return split(s, &self, b.mean, err);
}

static int visit(struct search *s, const struct node *n, struct err *err)
{
    size_t duals = s->p->resources_n * s->p->waves + 1;
    auto_free double *price = NULL;

    if (over_now(s)) {
        leave_open(s, n->bound);
        return 0;
    }
    s->out->nodes++;
    wave_domain_narrow(n->d, s->p);
    if (n->d->empty)
        return 0;
    if (is_fixed(s, n->d)) {
        consider(s, n->d->first);
        return 0;
    }
    price = calloc(duals, sizeof(*price));
    if (!price)
        return err_set(err, -ENOMEM, "a node of %zu groups: %m", s->p->groups);
    memcpy(price, n->price, duals * sizeof(*price));
    return bound_and_split(s, n, price, err);
}

int wave_exact_solve(const struct wave_problem *p, const struct wave_domain *d,
                     const struct wave_exact_spec *spec, uint32_t *plan, struct wave_exact *ret,
                     struct err *err)
{
    auto_free double *zero = calloc(p->resources_n * p->waves + 1, sizeof(*zero));
    auto_wave_domain struct wave_domain root = {0};
    struct wave_exact out = {
        .found = spec->known, .finished = true, .cost = spec->known_cost, .bound = WAVE_NEVER};
    struct search s = {.p = p, .spec = spec, .plan = plan, .out = &out, .ceiling = ceiling_of(p)};
    int r = zero ? wave_domain_copy(&root, p, d, err) : err_set(err, -ENOMEM, "a search: %m");

    if (r == 0)
        r = visit(&s, &(struct node){&root, zero, floor_of(p)}, err);
    if (r < 0)
        return r;
    if (out.found && out.cost < out.bound)
        out.bound = out.cost;
    *ret = out;
    return 0;
}

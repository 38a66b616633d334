/* SPDX-License-Identifier: Apache-2.0 */
/* The problem of the waves: is it well formed, and what does a plan cost. */
#include "planner/engine/wave.h"

#include "base/err.h"

#include <stdlib.h>

#include "base/banned.h"

static int check_sizes(const struct wave_problem *p, struct err *err)
{
    if (p->groups == 0 || p->waves == 0)
        return err_set(err, -EINVAL, "%zu groups in %zu waves are no problem", p->groups, p->waves);
    if (p->groups > WAVE_GROUPS_MAX || p->waves > WAVE_WAVES_MAX ||
        p->resources_n > WAVE_RESOURCES_MAX || p->edges_n > UINT32_MAX / 4 ||
        p->orders_n > UINT32_MAX / 4 || p->aparts_n > UINT32_MAX / 4)
        return err_set(err, -EFBIG, "%zu groups in %zu waves are more than can be planned",
                       p->groups, p->waves);
    return 0;
}

static int check_costs(const struct wave_problem *p, struct err *err)
{
    for (size_t i = 0; i < p->groups * p->waves; i++) {
        if (p->cost[i] < WAVE_NEVER && llabs(p->cost[i]) > WAVE_VALUE_MAX)
            return err_set(err, -EINVAL, "group %zu: a cost is out of range", i / p->waves);
    }
    for (size_t w = 1; w < p->waves; w++) {
        if (p->when[w] < p->when[w - 1] || p->when[w] - p->when[w - 1] > UINT32_MAX)
            return err_set(err, -EINVAL, "wave %zu is before wave %zu, or too far from it", w,
                           w - 1);
    }
    for (size_t e = 0; e < p->edges_n; e++) {
        if (p->edges[e].a >= p->groups || p->edges[e].b >= p->groups ||
            p->edges[e].a == p->edges[e].b || p->edges[e].cost < 0 ||
            p->edges[e].cost > WAVE_VALUE_MAX)
            return err_set(err, -EINVAL, "edge %zu is out of range, or joins a group to itself", e);
    }
    return 0;
}

static int check_pairs(const struct wave_problem *p, const struct wave_pair *pairs, size_t n,
                       struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (pairs[i].first >= p->groups || pairs[i].second >= p->groups ||
            pairs[i].first == pairs[i].second)
            return err_set(err, -EINVAL, "pair %zu is out of range, or of one group", i);
    }
    return 0;
}

static int check_resource(const struct wave_problem *p, const struct wave_resource *r,
                          struct err *err)
{
    int64_t sum = 0;

    for (size_t g = 0; g < p->groups; g++) {
        if (r->amount[g] < 0 || r->amount[g] > WAVE_VALUE_MAX - sum)
            return err_set(err, -EINVAL, "%s: the amount of group %zu is out of range", r->name, g);
        sum += r->amount[g];
    }
    for (size_t k = 0; k < p->waves; k++) {
        if (r->limit[k] < 0 || r->limit[k] > WAVE_VALUE_MAX * 2)
            return err_set(err, -EINVAL, "%s: the limit of wave %zu is out of range", r->name, k);
    }
    return 0;
}

int wave_validate(const struct wave_problem *p, struct err *err)
{
    int r = check_sizes(p, err);

    if (r == 0)
        r = check_costs(p, err);
    if (r == 0)
        r = check_pairs(p, p->orders, p->orders_n, err);
    if (r == 0)
        r = check_pairs(p, p->aparts, p->aparts_n, err);
    for (size_t i = 0; r == 0 && i < p->resources_n; i++)
        r = check_resource(p, &p->resources[i], err);
    return r;
}

int64_t wave_objective(const struct wave_problem *p, const uint32_t *plan)
{
    int64_t sum = 0;

    for (size_t g = 0; g < p->groups; g++) {
        int64_t cost = wave_cost_at(p, g, plan[g]);

        sum += cost < WAVE_NEVER ? cost : 0;
    }
    for (size_t e = 0; e < p->edges_n; e++) {
        const struct wave_edge *edge = &p->edges[e];

        sum += edge->cost * llabs(p->when[plan[edge->a]] - p->when[plan[edge->b]]);
    }
    return sum;
}

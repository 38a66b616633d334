/* SPDX-License-Identifier: Apache-2.0 */
/* Every rule as it is written down, and nothing else: slow and plain on purpose. */
#include "planner/engine/wave_check.h"

#include "base/banned.h"

struct found {
    struct wave_fault *faults;
    size_t max, n;
};

static void add(struct found *f, struct wave_fault fault)
{
    if (f->n < f->max)
        f->faults[f->n] = fault;
    f->n++;
}

static bool in_window(const struct wave_resource *r, size_t window, size_t wave)
{
    if (r->span == 0)
        return wave <= window;
    return wave >= window && wave - window < r->span;
}

static void check_windows(const struct wave_problem *p, const uint32_t *plan, size_t i,
                          struct found *f)
{
    const struct wave_resource *r = &p->resources[i];

    for (size_t k = 0; k < p->waves; k++) {
        int64_t sum = 0;

        for (size_t g = 0; g < p->groups; g++)
            sum += in_window(r, k, plan[g]) ? r->amount[g] : 0;
        if (sum > r->limit[k])
            add(f, (struct wave_fault){WAVE_RULE_LIMIT, i, k, sum - r->limit[k]});
    }
}

size_t wave_check(const struct wave_problem *p, const uint32_t *plan, struct wave_fault *faults,
                  size_t max)
{
    struct found f = {.faults = faults, .max = max};

    for (size_t g = 0; g < p->groups; g++) {
        if (plan[g] >= p->waves || p->cost[g * p->waves + plan[g]] >= WAVE_NEVER)
            add(&f, (struct wave_fault){WAVE_RULE_ALLOWED, g, plan[g], 0});
    }
    for (size_t i = 0; i < p->orders_n; i++) {
        if (plan[p->orders[i].first] > plan[p->orders[i].second])
            add(&f, (struct wave_fault){WAVE_RULE_ORDER, i, plan[p->orders[i].second], 0});
    }
    for (size_t i = 0; i < p->aparts_n; i++) {
        if (plan[p->aparts[i].first] == plan[p->aparts[i].second])
            add(&f, (struct wave_fault){WAVE_RULE_APART, i, plan[p->aparts[i].first], 0});
    }
    for (size_t i = 0; i < p->resources_n; i++)
        check_windows(p, plan, i, &f);
    return f.n;
}

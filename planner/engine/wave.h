/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The problem of the waves as plain numbers: which group moves in which wave. Every amount is an
 * integer in a unit that the caller chooses, so that sums are exact and the same everywhere.
 *
 *   minimise    sum cost[g][x(g)] + sum edge.cost * |when[x(a)] - when[x(b)]|
 *   such that   every resource keeps its limit in every window of waves,
 *               x(first) <= x(second) for orders, x(first) != x(second) for aparts,
 *               cost[g][x(g)] < WAVE_NEVER.
 */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_H
#define GODWIT_PLANNER_ENGINE_WAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum { WAVE_GROUPS_MAX = 200000, WAVE_WAVES_MAX = 1000, WAVE_RESOURCES_MAX = 64 };

/* A cost that says: not in this wave (a blackout, a pin to another, hardware that must go by then).
 */
#define WAVE_NEVER ((int64_t)1 << 60)
/* No single cost and no sum of amounts may be above it. */
#define WAVE_VALUE_MAX ((int64_t)1 << 52)

struct wave_edge {
    uint32_t a, b;
    int64_t cost; /* for each unit of `when` that the two are apart */
};

struct wave_pair {
    uint32_t first, second;
};

/*
 * What is used up by moving. Window k is the waves k .. k+span-1 (as far as there are any), or with
 * span 0 all waves 0 .. k; in it the amounts of the groups that move add up to at most limit[k].
 */
struct wave_resource {
    const char *name;
    unsigned span;
    const int64_t *amount; /* [groups] */
    const int64_t *limit;  /* [waves] */
};

struct wave_problem {
    size_t groups, waves, edges_n, orders_n, aparts_n, resources_n;
    const int64_t *cost; /* [groups * waves] */
    const int64_t *when; /* [waves], rising: the day of a wave, or its number */
    const struct wave_edge *edges;
    const struct wave_pair *orders; /* first moves no later than second */
    const struct wave_pair *aparts; /* not in the same wave */
    const struct wave_resource *resources;
};

struct wave_range {
    size_t from, until; /* until is not part of it */
};

/* The windows of a resource that hold this wave. */
static inline struct wave_range wave_windows(const struct wave_problem *p, unsigned span,
                                             size_t wave)
{
    if (span == 0)
        return (struct wave_range){wave, p->waves};
    return (struct wave_range){wave + 1 > span ? wave + 1 - span : 0, wave + 1};
}

static inline int64_t wave_cost_at(const struct wave_problem *p, size_t group, size_t wave)
{
    return p->cost[group * p->waves + wave];
}

/* Refuse indices and values out of range: -EINVAL, or -EFBIG above the maxima. */
int wave_validate(const struct wave_problem *p, struct err *err);

/* What the plan costs; waves that are not allowed count nothing. */
int64_t wave_objective(const struct wave_problem *p, const uint32_t *plan);

#endif

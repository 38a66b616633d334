/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cost of a group is at least a line in time: its slope from the first to the last wave that it
 * may move in, as far down as it must go to lie nowhere above. Of lines, with groups divisible, the
 * best plan is known: the steepest by unit of what is limited takes the earliest room; the falling
 * ones take the latest.
 */
#include "planner/engine/wave_rank.h"

#include "base/auto.h"
#include "base/err.h"

#include <math.h>
#include <stdlib.h>

#include "base/banned.h"

struct ranked {
    double slope, amount;
    uint32_t group;
};

/* Without amount it is no part of the question. */
static int by_steepness(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    double one = x->slope * y->amount, other = y->slope * x->amount;

    if (one != other)
        return one > other ? -1 : 1;
    return x->group < y->group ? -1 : x->group > y->group;
}

/* The line under what g costs: its slope, and what it is at time 0. */
static double line_under(const struct wave_problem *p, const struct wave_domain *d, uint32_t g,
                         double *ret_slope)
{
    uint32_t from = d->first[g], until = d->last[g];
    double time = (double)(p->when[until] - p->when[from]), base = INFINITY;
    double slope =
        time > 0 ? (double)(wave_cost_at(p, g, until) - wave_cost_at(p, g, from)) / time : 0;

    for (uint32_t w = from; w <= until; w++) {
        if (d->may[g * p->waves + w])
            base = fmin(base, (double)wave_cost_at(p, g, w) - slope * (double)p->when[w]);
    }
    *ret_slope = slope;
    return base;
}

/* The ranked into waves: the steepest into the first ones, or the last of them into the last. */
static double fill(const struct wave_problem *p, const struct wave_resource *r,
                   const struct ranked *ranked, size_t n, bool from_first)
{
    size_t w = from_first ? 0 : p->waves - 1, left_waves = p->waves;
    double left = (double)r->limit[w], cost = 0;

    for (size_t i = 0; i < n; i++) {
        const struct ranked *one = &ranked[from_first ? i : n - 1 - i];
        double rest = one->amount;

        while (rest > 0) {
            double part = fmin(rest, left);

            if (left_waves == 1) /* what no wave has room for: the last one takes it */
                part = rest;
            cost += one->slope * part / one->amount * (double)p->when[w];
            rest -= part;
            left -= part;
            if (rest > 0) {
                left_waves--;
                w = from_first ? w + 1 : w - 1;
                left = (double)r->limit[w];
            }
        }
    }
    return cost;
}

/* With a limit; NULL: with none. *size: of the numbers that were added, which sets how far off
 * their sum may be. */
static double bound_of(const struct wave_problem *p, const struct wave_domain *d,
                       const struct wave_resource *r, struct ranked *ranked, double *size)
{
    double sum = 0, latest = fmax(fabs((double)p->when[0]), fabs((double)p->when[p->waves - 1]));
    size_t n = 0, rising = 0;

    *size = 0;
    for (uint32_t g = 0; g < p->groups; g++) {
        double slope, amount = r ? (double)r->amount[g] : 0, base = line_under(p, d, g, &slope);

        sum += base;
        *size += fabs(base) + fabs(slope) * latest;
        if (amount > 0)
            ranked[n++] = (struct ranked){slope, amount, g};
        else
            sum += fmin(slope * (double)p->when[d->first[g]], slope * (double)p->when[d->last[g]]);
    }
    if (!r || n == 0)
        return sum;
    qsort(ranked, n, sizeof(*ranked), by_steepness);
    while (rising < n && ranked[rising].slope > 0)
        rising++;
    return sum + fill(p, r, ranked, rising, true) + fill(p, r, ranked + rising, n - rising, false);
}

int wave_rank_bound(const struct wave_problem *p, const struct wave_domain *d, int64_t *ret,
                    struct err *err)
{
    auto_free struct ranked *ranked = calloc(p->groups + 1, sizeof(*ranked));
    double size, best;

    if (!ranked)
        return err_set(err, -ENOMEM, "a bound for %zu groups: %m", p->groups);
    best = bound_of(p, d, NULL, ranked, &size);
    /* What a limit has over several waves cannot be told apart. */
    for (size_t i = 0; i < p->resources_n; i++) {
        if (p->resources[i].span == 1)
            best = fmax(best, bound_of(p, d, &p->resources[i], ranked, &size));
    }
    *ret = (int64_t)floor(best - size * 1e-9 - 0.01);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Two waves share most windows of a resource: only those that hold one and not the other change. */
#include "planner/engine/wave_state.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

int wave_state_init(struct wave_state *s, const struct wave_problem *p, const struct wave_domain *d,
                    const struct wave_index *x, struct err *err)
{
    *s = (struct wave_state){.p = p, .d = d, .x = x, .bond_price = 1};
    s->plan = calloc(p->groups, sizeof(*s->plan));
    s->slack = calloc(p->resources_n * p->waves + 1, sizeof(*s->slack));
    s->over_price = calloc(p->resources_n * p->waves + 1, sizeof(*s->over_price));
    if (!s->plan || !s->slack || !s->over_price) {
        wave_state_done(s);
        return err_set(err, -ENOMEM, "a plan of %zu groups: %m", p->groups);
    }
    for (size_t i = 0; i < p->resources_n * p->waves; i++)
        s->over_price[i] = 1;
    wave_state_set(s, d->first);
    return 0;
}

void wave_state_done(struct wave_state *s)
{
    free(s->plan);
    free(s->slack);
    free(s->over_price);
    *s = (struct wave_state){0};
}

/* How many waves a bond is off: 0 when it holds. */
static uint32_t bond_off(enum wave_relation relation, uint32_t wave, uint32_t other)
{
    if (relation == WAVE_APART)
        return wave == other;
    if (relation == WAVE_BEFORE)
        return other > wave ? other - wave : 0;
    return other < wave ? wave - other : 0;
}

static size_t count_broken(const struct wave_state *s, uint32_t g, uint32_t wave)
{
    size_t n = 0;

    for (uint32_t b = s->x->bond_from[g]; b < s->x->bond_from[g + 1]; b++) {
        const struct wave_bond *bond = &s->x->bonds[b];

        n += bond_off(bond->relation, wave, s->plan[bond->group]) > 0;
    }
    return n;
}

static void take_windows(struct wave_state *s, size_t i, struct wave_range k, int64_t amount)
{
    int64_t *slack = s->slack + i * s->p->waves;

    for (; k.from < k.until; k.from++) {
        s->windows_over -= slack[k.from] < 0;
        slack[k.from] -= amount;
        s->windows_over += slack[k.from] < 0;
    }
}

void wave_state_set(struct wave_state *s, const uint32_t *plan)
{
    const struct wave_problem *p = s->p;

    memmove(s->plan, plan, p->groups * sizeof(*plan));
    s->cost = wave_objective(p, s->plan);
    s->windows_over = 0;
    s->bonds_broken = 0;
    for (size_t i = 0; i < p->resources_n; i++) {
        const struct wave_resource *r = &p->resources[i];

        memcpy(s->slack + i * p->waves, r->limit, p->waves * sizeof(*s->slack));
        for (size_t g = 0; g < p->groups; g++)
            take_windows(s, i, wave_windows(p, r->span, plan[g]), r->amount[g]);
    }
    for (uint32_t g = 0; g < p->groups; g++)
        s->bonds_broken += count_broken(s, g, s->plan[g]);
    s->bonds_broken /= 2; /* each was seen from both ends */
}

/* -- moves ------------------------------------------------------------------------- */

/* The windows that hold `wave` and not `other`. */
static struct wave_range only_in(const struct wave_problem *p, unsigned span, size_t wave,
                                 size_t other)
{
    struct wave_range mine = wave_windows(p, span, wave), theirs = wave_windows(p, span, other);

    if (other > wave)
        mine.until = mine.until < theirs.from ? mine.until : theirs.from;
    else
        mine.from = mine.from > theirs.until ? mine.from : theirs.until;
    return mine;
}

static int64_t over(int64_t slack)
{
    return slack < 0 ? -slack : 0;
}

static double over_change(const int64_t *slack, const double *price, struct wave_range k,
                          int64_t amount)
{
    double sum = 0;

    for (; k.from < k.until; k.from++) {
        if (slack[k.from] < 0 || slack[k.from] < amount)
            sum += price[k.from] * (double)(over(slack[k.from] - amount) - over(slack[k.from]));
    }
    return sum;
}

static double price_change(const struct wave_state *s, uint32_t g, uint32_t wave)
{
    const struct wave_problem *p = s->p;
    double price = 0;
    int64_t off = 0;

    for (size_t i = 0; i < p->resources_n; i++) {
        const struct wave_resource *r = &p->resources[i];
        const int64_t *slack = s->slack + i * p->waves;
        const double *each = s->over_price + i * p->waves;
        int64_t amount = r->amount[g];

        if (amount == 0)
            continue;
        price += over_change(slack, each, only_in(p, r->span, wave, s->plan[g]), amount) +
                 over_change(slack, each, only_in(p, r->span, s->plan[g], wave), -amount);
    }
    for (uint32_t b = s->x->bond_from[g]; b < s->x->bond_from[g + 1]; b++) {
        const struct wave_bond *bond = &s->x->bonds[b];
        uint32_t other = s->plan[bond->group];

        off += (int64_t)bond_off(bond->relation, wave, other) -
               (int64_t)bond_off(bond->relation, s->plan[g], other);
    }
    return price + s->bond_price * (double)off;
}

static int64_t cost_change(const struct wave_state *s, uint32_t g, uint32_t wave)
{
    const int64_t *when = s->p->when;
    int64_t here = when[s->plan[g]], there = when[wave];
    int64_t sum = wave_cost_at(s->p, g, wave) - wave_cost_at(s->p, g, s->plan[g]);

    for (uint32_t n = s->x->near_from[g]; n < s->x->near_from[g + 1]; n++) {
        const struct wave_near *near = &s->x->near[n];
        int64_t other = when[s->plan[near->group]];

        sum += near->cost * (llabs(there - other) - llabs(here - other));
    }
    return sum;
}

struct wave_delta wave_state_try(const struct wave_state *s, uint32_t g, uint32_t wave)
{
    if (wave == s->plan[g])
        return (struct wave_delta){0};
    return (struct wave_delta){cost_change(s, g, wave), price_change(s, g, wave)};
}

void wave_state_move(struct wave_state *s, uint32_t g, uint32_t wave, int64_t cost)
{
    const struct wave_problem *p = s->p;
    uint32_t here = s->plan[g];

    if (wave == here)
        return;
    for (size_t i = 0; i < p->resources_n; i++) {
        const struct wave_resource *r = &p->resources[i];

        if (r->amount[g] == 0)
            continue;
        take_windows(s, i, only_in(p, r->span, here, wave), -r->amount[g]);
        take_windows(s, i, only_in(p, r->span, wave, here), r->amount[g]);
    }
    s->bonds_broken -= count_broken(s, g, here);
    s->plan[g] = wave;
    s->bonds_broken += count_broken(s, g, wave);
    s->cost += cost;
}

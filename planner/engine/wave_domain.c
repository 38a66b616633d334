/* SPDX-License-Identifier: Apache-2.0 */
/* Rules are applied in turn, each to all groups, until a round changes nothing. */
#include "planner/engine/wave_domain.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

void wave_domain_done(struct wave_domain *d)
{
    free(d->may);
    free(d->first);
    free(d->last);
    free(d->sure);
    *d = (struct wave_domain){0};
}

static int take_room(struct wave_domain *d, const struct wave_problem *p, struct err *err)
{
    *d = (struct wave_domain){0};
    d->may = calloc(p->groups * p->waves, sizeof(*d->may));
    d->first = calloc(p->groups, sizeof(*d->first));
    d->last = calloc(p->groups, sizeof(*d->last));
    d->sure = calloc(p->resources_n * p->waves + 1, sizeof(*d->sure));
    if (!d->may || !d->first || !d->last || !d->sure) {
        wave_domain_done(d);
        return err_set(err, -ENOMEM, "the waves of %zu groups: %m", p->groups);
    }
    return 0;
}

/* -- one group --------------------------------------------------------------------- */

static bool take_away(struct wave_domain *d, const struct wave_problem *p, size_t g, size_t wave)
{
    bool *may = d->may + g * p->waves;

    if (!may[wave])
        return false;
    may[wave] = false;
    while (d->first[g] < d->last[g] && !may[d->first[g]])
        d->first[g]++;
    while (d->last[g] > d->first[g] && !may[d->last[g]])
        d->last[g]--;
    d->empty = d->empty || !may[d->first[g]];
    return true;
}

static bool keep_only(struct wave_domain *d, const struct wave_problem *p, size_t g,
                      struct wave_range part)
{
    bool changed = false;

    for (size_t w = 0; w < p->waves; w++) {
        if (w < part.from || w >= part.until)
            changed = take_away(d, p, g, w) || changed;
    }
    return changed;
}

/* -- rules -------------------------------------------------------------------------- */

static bool narrow_orders(struct wave_domain *d, const struct wave_problem *p)
{
    bool changed = false;

    for (size_t i = 0; i < p->orders_n; i++) {
        uint32_t a = p->orders[i].first, b = p->orders[i].second;

        if (d->first[b] < d->first[a])
            changed = keep_only(d, p, b, (struct wave_range){d->first[a], p->waves}) || changed;
        if (d->last[a] > d->last[b])
            changed = keep_only(d, p, a, (struct wave_range){0, d->last[b] + 1}) || changed;
    }
    return changed;
}

static bool narrow_aparts(struct wave_domain *d, const struct wave_problem *p)
{
    bool changed = false;

    for (size_t i = 0; i < p->aparts_n; i++) {
        uint32_t a = p->aparts[i].first, b = p->aparts[i].second;

        if (d->first[a] == d->last[a])
            changed = take_away(d, p, b, d->first[a]) || changed;
        if (d->first[b] == d->last[b])
            changed = take_away(d, p, a, d->first[b]) || changed;
    }
    return changed;
}

/* The windows that hold g in whatever wave it may be. */
static struct wave_range sure_windows(const struct wave_domain *d, const struct wave_problem *p,
                                      unsigned span, size_t g)
{
    struct wave_range first = wave_windows(p, span, d->first[g]);
    struct wave_range last = wave_windows(p, span, d->last[g]);

    return (struct wave_range){last.from, first.until};
}

static bool count_sure(struct wave_domain *d, const struct wave_problem *p, size_t i)
{
    const struct wave_resource *r = &p->resources[i];
    int64_t *sure = d->sure + i * p->waves;
    bool over = false;

    memset(sure, 0, p->waves * sizeof(*sure));
    for (size_t g = 0; g < p->groups; g++) {
        struct wave_range k = sure_windows(d, p, r->span, g);

        for (; r->amount[g] > 0 && k.from < k.until; k.from++)
            sure[k.from] += r->amount[g];
    }
    for (size_t k = 0; k < p->waves; k++)
        over = over || sure[k] > r->limit[k];
    return over;
}

static bool fits(const struct wave_domain *d, const struct wave_problem *p, size_t i, size_t g,
                 size_t wave)
{
    const struct wave_resource *r = &p->resources[i];
    const int64_t *sure = d->sure + i * p->waves;
    struct wave_range k = wave_windows(p, r->span, wave);
    struct wave_range counted = sure_windows(d, p, r->span, g);

    for (; k.from < k.until; k.from++) {
        bool in = k.from >= counted.from && k.from < counted.until;

        if (sure[k.from] > r->limit[k.from] - (in ? 0 : r->amount[g]))
            return false;
    }
    return true;
}

static bool narrow_limits(struct wave_domain *d, const struct wave_problem *p, size_t i)
{
    const struct wave_resource *r = &p->resources[i];
    bool changed = false;

    if (count_sure(d, p, i)) {
        d->empty = true;
        return false;
    }
    for (size_t g = 0; g < p->groups; g++) {
        uint32_t from = d->first[g], to = d->last[g];

        /* A group whose one wave is counted already fits: the sums say so. */
        for (uint32_t w = from; r->amount[g] > 0 && from < to && w <= to; w++) {
            if (d->may[g * p->waves + w] && !fits(d, p, i, g, w))
                changed = take_away(d, p, g, w) || changed;
        }
        /* The sums are those of before: a group that was narrowed is not counted twice. */
    }
    return changed;
}

void wave_domain_narrow(struct wave_domain *d, const struct wave_problem *p)
{
    bool changed = true;

    while (changed && !d->empty) {
        changed = narrow_orders(d, p);
        if (!d->empty)
            changed = narrow_aparts(d, p) || changed;
        for (size_t i = 0; i < p->resources_n && !d->empty; i++)
            changed = narrow_limits(d, p, i) || changed;
    }
}

void wave_domain_keep(struct wave_domain *d, const struct wave_problem *p, size_t g,
                      struct wave_range part)
{
    (void)keep_only(d, p, g, part);
}

/* -- all of it ---------------------------------------------------------------------- */

int wave_domain_init(struct wave_domain *d, const struct wave_problem *p, struct err *err)
{
    int r = take_room(d, p, err);

    if (r < 0)
        return r;
    memset(d->may, true, p->groups * p->waves * sizeof(*d->may));
    for (size_t g = 0; g < p->groups; g++) {
        d->last[g] = (uint32_t)p->waves - 1;
        for (size_t w = 0; w < p->waves; w++) {
            if (wave_cost_at(p, g, w) >= WAVE_NEVER)
                (void)take_away(d, p, g, w);
        }
    }
    wave_domain_narrow(d, p);
    return 0;
}

int wave_domain_copy(struct wave_domain *d, const struct wave_problem *p,
                     const struct wave_domain *from, struct err *err)
{
    int r = take_room(d, p, err);

    if (r < 0)
        return r;
    memcpy(d->may, from->may, p->groups * p->waves * sizeof(*d->may));
    memcpy(d->first, from->first, p->groups * sizeof(*d->first));
    memcpy(d->last, from->last, p->groups * sizeof(*d->last));
    d->empty = from->empty;
    return 0;
}

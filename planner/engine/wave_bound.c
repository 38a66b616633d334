/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subgradient ascent. The multiplier of a resource that is counted from the first wave on is kept
 * as the price of its use in each wave, which never rises: in that form all multipliers are of one
 * size, and steps of one length suit all.
 */
#include "planner/engine/wave_bound.h"

#include "base/auto.h"
#include "base/err.h"
#include "planner/engine/wave_layers.h"

#include <math.h>
#include <string.h>

#include "base/banned.h"

enum { PATIENCE = 4, MEAN_OF = 32 };

/* Of steps: chosen on instances of 30 to 900 groups. */
static const double step_first = 4, step_shrink = 0.8, heading_keep = 0.7, progress = 1e-5;

struct ascent {
    const struct wave_problem *p;
    const struct wave_domain *d;
    struct wave_layers layers;
    struct wave_cut *cut;
    double *price;   /* [resources * waves]: the multipliers, in cost per unit */
    double *in_wave; /* same: what a unit costs in a wave, by all windows that hold it */
    double *heading; /* same: the moving mean of the subgradients, in units of scale */
    double *scale;   /* [resources]: the largest limit of one wave */
    int64_t *gain;   /* [nodes] */
    bool *moved;     /* [nodes] */
    uint32_t *plan;  /* [groups] of the last cut */
    double *mean;    /* [groups]: the moving mean of plans */
};

static void ascent_done(struct ascent *a)
{
    wave_layers_done(&a->layers);
    wave_cut_free(a->cut);
    free(a->price);
    free(a->in_wave);
    free(a->heading);
    free(a->scale);
    free(a->gain);
    free(a->moved);
    free(a->plan);
    free(a->mean);
}

static int take_room(struct ascent *a, struct err *err)
{
    const struct wave_problem *p = a->p;
    size_t duals = p->resources_n * p->waves + 1;

    a->price = calloc(duals, sizeof(*a->price));
    a->in_wave = calloc(duals, sizeof(*a->in_wave));
    a->heading = calloc(duals, sizeof(*a->heading));
    a->scale = calloc(p->resources_n + 1, sizeof(*a->scale));
    a->gain = calloc(a->layers.nodes + 1, sizeof(*a->gain));
    a->moved = calloc(a->layers.nodes + 1, sizeof(*a->moved));
    a->plan = calloc(p->groups, sizeof(*a->plan));
    a->mean = calloc(p->groups, sizeof(*a->mean));
    if (!a->mean || !a->price || !a->in_wave || !a->heading || !a->scale || !a->gain || !a->moved ||
        !a->plan)
        return err_set(err, -ENOMEM, "a bound for %zu groups: %m", p->groups);
    return 0;
}

static int ascent_init(struct ascent *a, const struct wave_problem *p, const struct wave_domain *d,
                       struct err *err)
{
    int r;

    *a = (struct ascent){.p = p, .d = d};
    r = wave_layers_init(&a->layers, p, d, err);
    if (r == 0)
        r = wave_cut_new(a->layers.nodes, a->layers.links, a->layers.links_n, &a->cut, err);
    return r < 0 ? r : take_room(a, err);
}

static void set_scales(struct ascent *a)
{
    for (size_t i = 0; i < a->p->resources_n; i++) {
        const struct wave_resource *r = &a->p->resources[i];
        double most = 1;

        for (size_t k = 0; k < a->p->waves; k++) {
            double step = (double)(r->limit[k] - (r->span == 0 && k > 0 ? r->limit[k - 1] : 0));

            most = step > most ? step : most;
        }
        a->scale[i] = most;
    }
}

/* The limit of window k, or what it adds to the one before. */
static double limit_of(const struct ascent *a, size_t i, size_t k)
{
    const struct wave_resource *r = &a->p->resources[i];

    return (double)(r->limit[k] - (r->span == 0 && k > 0 ? r->limit[k - 1] : 0));
}

/* -- one round: the cuts of the prices ------------------------------------------- */

static double spread_prices(struct ascent *a)
{
    const size_t waves = a->p->waves;
    double paid = 0;

    for (size_t i = 0; i < a->p->resources_n; i++) {
        const double *price = a->price + i * waves;

        for (size_t w = 0; w < waves; w++) {
            struct wave_range k = wave_windows(a->p, a->p->resources[i].span, w);
            double sum = a->p->resources[i].span == 0 ? price[w] : 0;

            for (; a->p->resources[i].span > 0 && k.from < k.until; k.from++)
                sum += price[k.from];
            a->in_wave[i * waves + w] = sum;
            paid += price[w] * limit_of(a, i, w);
        }
    }
    return paid;
}

/* What the amounts of g cost more in a wave than in another (waves: than nothing). Rounded down, as
 * a bound must be: a sum of a few products below 2^52 is off by less than the slack. */
static int64_t paid_down(const struct ascent *a, size_t g, size_t wave, size_t other)
{
    const size_t waves = a->p->waves;
    double paid = 0;

    for (size_t i = 0; i < a->p->resources_n; i++) {
        double step = a->in_wave[i * waves + wave];

        if (other < waves)
            step -= a->in_wave[i * waves + other];
        paid += step * (double)a->p->resources[i].amount[g];
    }
    return (int64_t)floor(paid - 0.01);
}

static void set_gains(struct ascent *a, size_t g)
{
    const struct wave_layers *l = &a->layers;

    for (uint32_t n = l->start[g]; n < l->start[g + 1]; n++) {
        uint32_t wave = l->wave[n], next = n + 1 < l->start[g + 1] ? l->wave[n + 1] : a->d->last[g];

        a->gain[n] = l->edges[n] + wave_cost_at(a->p, g, wave) - wave_cost_at(a->p, g, next) +
                     paid_down(a, g, wave, next);
    }
}

static uint32_t wave_of(const struct ascent *a, size_t g)
{
    for (uint32_t n = a->layers.start[g]; n < a->layers.start[g + 1]; n++) {
        if (a->moved[n])
            return a->layers.wave[n];
    }
    return a->d->last[g];
}

static int64_t solve_cut(struct ascent *a)
{
    const struct wave_problem *p = a->p;
    int64_t value = a->layers.fixed + (int64_t)floor(-spread_prices(a) - 1);

    for (size_t g = 0; g < p->groups; g++) {
        value += wave_cost_at(p, g, a->d->last[g]) + paid_down(a, g, a->d->last[g], p->waves);
        set_gains(a, g);
    }
    value += wave_cut_solve(a->cut, a->gain, a->moved);
    for (size_t g = 0; g < p->groups; g++)
        a->plan[g] = wave_of(a, g);
    return value;
}

/* -- the next prices -------------------------------------------------------------- */

/* How far the cuts use more of window k than there is, in units of scale. */
static double excess_of(const struct ascent *a, const double *used, size_t i, size_t k)
{
    const struct wave_resource *r = &a->p->resources[i];
    double sum = 0;

    for (size_t w = k; w < a->p->waves && w < k + (r->span == 0 ? 1 : r->span); w++)
        sum += used[w];
    return (sum - limit_of(a, i, k)) / a->scale[i];
}

static void sum_used(const struct ascent *a, size_t i, double *used)
{
    memset(used, 0, a->p->waves * sizeof(*used));
    for (size_t g = 0; g < a->p->groups; g++)
        used[a->plan[g]] += (double)a->p->resources[i].amount[g];
}

/* Prices of a resource counted from the first wave on never rise: pool what does. */
static void make_falling(double *price, size_t n)
{
    double mean[WAVE_WAVES_MAX];
    size_t count[WAVE_WAVES_MAX], blocks = 0, at = 0;

    for (size_t i = 0; i < n; i++) {
        mean[blocks] = price[i];
        count[blocks++] = 1;
        while (blocks > 1 && mean[blocks - 2] < mean[blocks - 1]) {
            size_t both = count[blocks - 2] + count[blocks - 1];

            mean[blocks - 2] = (mean[blocks - 2] * (double)count[blocks - 2] +
                                mean[blocks - 1] * (double)count[blocks - 1]) /
                               (double)both;
            count[blocks - 2] = both;
            blocks--;
        }
    }
    for (size_t b = 0; b < blocks; b++) {
        for (size_t i = 0; i < count[b]; i++)
            price[at++] = mean[b];
    }
}

static void take_step(struct ascent *a, double theta, double missing)
{
    const size_t waves = a->p->waves;
    double used[WAVE_WAVES_MAX], norm = 1e-9;

    for (size_t i = 0; i < a->p->resources_n; i++) {
        sum_used(a, i, used);
        for (size_t k = 0; k < waves; k++) {
            double *h = &a->heading[i * waves + k];

            *h = heading_keep * *h + excess_of(a, used, i, k);
            norm += *h * *h;
        }
    }
    for (size_t i = 0; i < a->p->resources_n; i++) {
        double *price = a->price + i * waves;

        for (size_t k = 0; k < waves; k++)
            price[k] += theta * missing / norm * a->heading[i * waves + k] / a->scale[i];
        if (a->p->resources[i].span == 0)
            make_falling(price, waves);
        for (size_t k = 0; k < waves; k++)
            price[k] = price[k] > 0 ? price[k] : 0;
    }
}
/* Shorter steps when longer ones bring nothing any more. */
struct pace {
    int64_t best;
    double theta;
    unsigned idle;
};

static void note_value(struct pace *pace, int64_t value, int64_t above)
{
    double least = (double)(above - pace->best) * progress;

    if (value > pace->best && (double)(value - pace->best) > least)
        pace->idle = 0;
    else
        pace->idle++;
    if (value > pace->best)
        pace->best = value;
    if (pace->idle >= PATIENCE) {
        pace->theta *= step_shrink;
        pace->idle = 0;
    }
}

static void note_plan(struct ascent *a, unsigned round)
{
    double weight = 1.0 / (round < MEAN_OF ? round + 1 : MEAN_OF);

    for (size_t g = 0; g < a->p->groups; g++)
        a->mean[g] += weight * ((double)a->plan[g] - a->mean[g]);
}

/* A guess may be too low: then there is still something to gain. */
static double missing(int64_t value, int64_t above)
{
    double size = above < 0 ? -(double)above : (double)above, least = size / 1000 + 1;

    return (double)(above - value) > least ? (double)(above - value) : least;
}

static int64_t climb(struct ascent *a, const struct wave_bound_spec *spec)
{
    struct pace pace = {.best = INT64_MIN / 2, .theta = step_first};

    for (unsigned round = 0; round < spec->rounds; round++) {
        int64_t value = solve_cut(a);

        note_value(&pace, value, spec->above);
        note_plan(a, round);
        if (spec->enough && value >= spec->above)
            break;
        take_step(a, pace.theta, missing(value, spec->above));
    }
    return pace.best;
}

int wave_bound_find(const struct wave_problem *p, const struct wave_domain *d,
                    const struct wave_bound_spec *spec, struct wave_bound *ret, struct err *err)
{
    size_t duals = p->resources_n * p->waves;
    struct ascent a;
    int r = ascent_init(&a, p, d, err);

    if (r == 0) {
        if (spec->price)
            memcpy(a.price, spec->price, duals * sizeof(*a.price));
        set_scales(&a);
        *ret = (struct wave_bound){.value = climb(&a, spec)};
        ret->plan = TAKE(a.plan);
        ret->mean = TAKE(a.mean);
        if (spec->price)
            memcpy(spec->price, a.price, duals * sizeof(*a.price));
    }
    ascent_done(&a);
    return r;
}

void wave_bound_done(struct wave_bound *b)
{
    free(b->plan);
    free(b->mean);
    *b = (struct wave_bound){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three kinds of moves: one group to another wave, two groups trade places (limits that are full
 * allow little else), and a knot of neighbours in one wave moves together. Sums in floating point
 * are of single moves only, and always in one order.
 */
#include "planner/engine/wave_anneal.h"

#include "base/auto.h"
#include "base/err.h"
#include "planner/engine/wave_random.h"

#include <string.h>

#include "base/banned.h"

enum { TABLE = 4096, KNOT_MAX = 24, SAMPLES = 2000 };

/* Steps of a cycle at the most, moves of a step at the least, and how often heat is halved. */
enum { STEPS_MAX = 2560, STEP_MOVES = 16, HALVINGS = 10 };

/* Chosen on instances of 30 to 900 groups; prices in parts of what a move changes typically. */
static const double price_start = 0.3, price_up = 1.03, price_up_end = 1.1;
static const double price_down_first = 0.99, price_down = 0.97, heat_again = 0.0025;

struct anneal {
    struct wave_state *s;
    struct wave_random random;
    double heat; /* now */
    double down; /* by which the price of a window that is kept falls with each step */
    double exponential[TABLE];
    uint32_t *best;
    int64_t best_cost; /* WAVE_NEVER: none yet */
};

/* -ln(x) for 0 < x <= 1. Of basic arithmetic only: that of libm differs between machines. */
static double minus_log(double x)
{
    double sum = 0, y, power;
    unsigned halves = 0;

    while (x < 0.5) {
        x *= 2;
        halves++;
    }
    /* ln x = 2 artanh((x - 1) / (x + 1)) */
    y = (x - 1) / (x + 1);
    power = y;
    for (unsigned n = 1; n < 40; n += 2) {
        sum += power / n;
        power *= y * y;
    }
    return halves * 0.69314718055994530942 - 2 * sum;
}

static bool accepts(struct anneal *a, const struct wave_delta *d)
{
    double change = (double)d->cost + d->price;

    if (change <= 0)
        return true;
    return change <= a->heat * a->exponential[wave_random_u64(&a->random) % TABLE];
}

static uint32_t any_group(struct anneal *a)
{
    return wave_random_below(&a->random, a->s->p->groups);
}

static bool chance(struct anneal *a, unsigned percent)
{
    return wave_random_below(&a->random, 100) < percent;
}

static uint32_t any_neighbour(struct anneal *a, uint32_t g)
{
    const struct wave_index *x = a->s->x;
    uint32_t n = x->near_from[g + 1] - x->near_from[g];

    return n == 0 ? g : x->near[x->near_from[g] + wave_random_below(&a->random, n)].group;
}

/* A wave near that of a neighbour, near its own, or any; may be out of range. */
static int64_t pick_wave(struct anneal *a, uint32_t g)
{
    const struct wave_state *s = a->s;

    if (chance(a, 50)) {
        int64_t wave = s->plan[any_neighbour(a, g)];

        return chance(a, 30) ? wave + wave_random_below(&a->random, 3) - 1 : wave;
    }
    if (chance(a, 60))
        return (int64_t)s->plan[g] + wave_random_below(&a->random, 7) - 3;
    return wave_random_below(&a->random, s->p->waves);
}

static bool allowed(const struct anneal *a, uint32_t g, int64_t wave)
{
    return wave >= 0 && wave < (int64_t)a->s->p->waves && wave_state_may(a->s, g, (uint32_t)wave);
}

static void try_one(struct anneal *a)
{
    uint32_t g = any_group(a);
    int64_t wave = pick_wave(a, g);
    struct wave_delta d;

    if (!allowed(a, g, wave) || wave == a->s->plan[g])
        return;
    d = wave_state_try(a->s, g, (uint32_t)wave);
    if (accepts(a, &d))
        wave_state_move(a->s, g, (uint32_t)wave, d.cost);
}

/* A group to trade with: any, or one in the wave of a neighbour of g. */
static uint32_t pick_partner(struct anneal *a, uint32_t g)
{
    uint32_t wave, h = any_group(a);

    if (!chance(a, 40))
        return h;
    wave = a->s->plan[any_neighbour(a, g)];
    for (unsigned i = 0; i < 8 && a->s->plan[h] != wave; i++)
        h = any_group(a);
    return h;
}

static void try_trade(struct anneal *a)
{
    struct wave_state *s = a->s;
    uint32_t g = any_group(a), h = pick_partner(a, g), here = s->plan[g], there = s->plan[h];
    struct wave_delta one, two, both;

    if (here == there || !allowed(a, g, there) || !allowed(a, h, here))
        return;
    one = wave_state_try(s, g, there);
    wave_state_move(s, g, there, one.cost);
    two = wave_state_try(s, h, here);
    both = (struct wave_delta){one.cost + two.cost, one.price + two.price};
    if (accepts(a, &both))
        wave_state_move(s, h, here, two.cost);
    else
        wave_state_move(s, g, here, -one.cost);
}

static bool holds(const uint32_t *knot, size_t n, uint32_t g)
{
    for (size_t i = 0; i < n; i++) {
        if (knot[i] == g)
            return true;
    }
    return false;
}

/* g and what hangs together with it in its wave, most of it. */
static size_t pick_knot(struct anneal *a, uint32_t g, uint32_t knot[KNOT_MAX])
{
    const struct wave_index *x = a->s->x;
    size_t n = 0;

    knot[n++] = g;
    for (size_t i = 0; i < n; i++) {
        for (uint32_t k = x->near_from[knot[i]]; k < x->near_from[knot[i] + 1]; k++) {
            uint32_t other = x->near[k].group;

            if (n == KNOT_MAX)
                return n;
            if (a->s->plan[other] == a->s->plan[g] && !holds(knot, n, other) && chance(a, 70))
                knot[n++] = other;
        }
    }
    return n;
}

static void try_knot(struct anneal *a)
{
    struct wave_state *s = a->s;
    uint32_t knot[KNOT_MAX], g = any_group(a), here = s->plan[g];
    int64_t there = chance(a, 70) ? (int64_t)here + wave_random_below(&a->random, 5) - 2
                                  : wave_random_below(&a->random, s->p->waves);
    size_t n = there == here ? 0 : pick_knot(a, g, knot), done = 0;
    int64_t costs[KNOT_MAX];
    struct wave_delta all = {0};

    if (n < 2)
        return;
    for (; done < n && allowed(a, knot[done], there); done++) {
        struct wave_delta d = wave_state_try(s, knot[done], (uint32_t)there);

        costs[done] = d.cost;
        all.cost += d.cost;
        all.price += d.price;
        wave_state_move(s, knot[done], (uint32_t)there, d.cost);
    }
    if (done == n && accepts(a, &all))
        return;
    while (done-- > 0)
        wave_state_move(s, knot[done], here, -costs[done]);
}

static void try_any(struct anneal *a)
{
    uint32_t kind = wave_random_below(&a->random, 100);

    if (kind < 55)
        try_one(a);
    else if (kind < 90)
        try_trade(a);
    else
        try_knot(a);
}

static void note_best(struct anneal *a)
{
    if (!wave_state_keeps_all(a->s) || a->s->cost >= a->best_cost)
        return;
    a->best_cost = a->s->cost;
    memcpy(a->best, a->s->plan, a->s->p->groups * sizeof(*a->best));
}

/* What a move changes on the average: the scale of heat and prices. */
static double typical_change(struct anneal *a)
{
    double sum = 0;
    unsigned n = 0;

    for (unsigned i = 0; i < SAMPLES; i++) {
        uint32_t g = any_group(a), wave = wave_random_below(&a->random, a->s->p->waves);
        struct wave_delta d;

        if (!allowed(a, g, wave) || wave == a->s->plan[g])
            continue;
        d = wave_state_try(a->s, g, wave);
        sum += d.cost < 0 ? -(double)d.cost : (double)d.cost;
        n++;
    }
    return n > 0 ? sum / n + 1 : 1;
}

static void set_prices(struct wave_state *s, double typical)
{
    const struct wave_problem *p = s->p;

    for (size_t i = 0; i < p->resources_n; i++) {
        double sum = 1;

        for (size_t g = 0; g < p->groups; g++)
            sum += (double)p->resources[i].amount[g];
        for (size_t k = 0; k < p->waves; k++)
            s->over_price[i * p->waves + k] = price_start * typical * (double)p->groups / sum;
    }
    s->bond_price = 8 * typical;
}

/*
 * Prices follow what happens: a window that is over costs more with every step, one that is not
 * costs less. So the plan swings about the limits in place of being walled in by them; in the hard
 * part of a cycle prices only rise, until everything is kept.
 */
static void adapt(struct anneal *a, double up, double down)
{
    struct wave_state *s = a->s;

    for (size_t i = 0; i < s->p->resources_n * s->p->waves; i++)
        s->over_price[i] *= s->slack[i] < 0 ? up : down;
}

static void cool(struct anneal *a, uint64_t moves, double heat)
{
    unsigned steps = moves / STEP_MOVES < STEPS_MAX ? (unsigned)(moves / STEP_MOVES) : STEPS_MAX;
    unsigned halving = steps / HALVINGS + 1;

    for (unsigned step = 0; step < steps; step++) {
        if (step > 0 && step % halving == 0)
            heat /= 2;
        a->heat = heat * (1 - (double)(step % halving) / halving / 2);
        for (uint64_t i = 0; i < moves / steps; i++) {
            try_any(a);
            note_best(a);
        }
        adapt(a, step < steps * 15 / 16 ? price_up : price_up_end,
              step < steps * 3 / 4 ? a->down : 1);
    }
}

static void run_cycles(struct anneal *a, const struct wave_anneal_spec *spec)
{
    double typical = typical_change(a), heat = typical / 2 * spec->heat;

    for (unsigned c = 0; c < spec->cycles; c++) {
        a->down = c == 0 ? price_down_first : price_down;
        set_prices(a->s, typical);
        cool(a, spec->moves, c == 0 ? heat : typical * heat_again);
        if (a->best_cost < WAVE_NEVER)
            wave_state_set(a->s, a->best);
    }
}

int wave_anneal_run(struct wave_state *s, const struct wave_anneal_spec *spec, struct err *err)
{
    auto_free uint32_t *best = calloc(s->p->groups, sizeof(*best));
    auto_free struct anneal *a = calloc(1, sizeof(*a));

    if (!best || !a)
        return err_set(err, -ENOMEM, "annealing %zu groups: %m", s->p->groups);
    a->s = s;
    a->random.state = spec->seed;
    a->best = best;
    a->best_cost = WAVE_NEVER;
    for (size_t i = 0; i < TABLE; i++)
        a->exponential[i] = minus_log(((double)i + 0.5) / TABLE);
    note_best(a);
    run_cycles(a, spec);
    return 0;
}

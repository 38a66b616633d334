/* SPDX-License-Identifier: Apache-2.0 */
/* Order of the calls; and starts as tasks that threads take, the best of all being kept. */
#include "planner/engine/wave_solve.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/worker.h"
#include "planner/engine/wave_anneal.h"
#include "planner/engine/wave_bound.h"
#include "planner/engine/wave_check.h"
#include "planner/engine/wave_exact.h"
#include "planner/engine/wave_line.h"
#include "planner/engine/wave_merge.h"
#include "planner/engine/wave_rank.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "base/banned.h"

enum {
    FEW_GROUPS = 200, /* up to which many starts are cheap */
    STARTS_MAX = 8,
    STARTS_MANY = 2,
    CYCLES_FEW = 12,
    CYCLES_MANY = 4,
    MOVES_PER_GROUP = 12000,
    ROUNDS = 400,
    NODES = 100000,
    /* Above these, time would grow with groups x waves: a cut has a part for each. */
    MOVES_MAX = 4000000,
    PARTS_MAX = 400000,
};

struct start {
    uint32_t *plan; /* owned */
    int64_t cost;
    size_t broken;
};

struct solve {
    const struct wave_problem *p;
    const struct wave_solve_spec *spec;
    struct wave_domain d;
    struct wave_index x;
    uint32_t *from; /* [groups]: where starts begin */
    int64_t guess;  /* what a short cycle from there costs; WAVE_NEVER: it broke something */
    uint32_t *line; /* [groups]: where every other one begins; NULL: as the rest */
    int64_t bound;
    size_t starts_n;
    struct start starts[STARTS_MAX];
    atomic_size_t next;
};

static void solve_done(struct solve *s)
{
    wave_domain_done(&s->d);
    wave_index_done(&s->x);
    free(s->from);
    free(s->line);
    for (size_t i = 0; i < STARTS_MAX; i++)
        free(s->starts[i].plan);
}

/* How many waves a part of the cuts stands for; 1 where there is time for every one. */
static size_t block_of(const struct wave_problem *p)
{
    size_t parts = (p->groups + p->edges_n + p->orders_n) * p->waves;

    return (parts + PARTS_MAX - 1) / PARTS_MAX;
}

static uint64_t moves_of(const struct solve *s)
{
    uint64_t moves = s->p->groups * (uint64_t)MOVES_PER_GROUP;

    return block_of(s->p) == 1 || moves < MOVES_MAX ? moves : MOVES_MAX;
}

static uint64_t percent(const struct solve *s, uint64_t n)
{
    return n * (s->spec->effort > 0 ? s->spec->effort : 100) / 100 + 1;
}

/* -- where to begin ------------------------------------------------------------------ */

static uint32_t nearest_allowed(const struct solve *s, size_t g, double wave)
{
    uint32_t best = s->d.first[g];

    for (uint32_t w = s->d.first[g]; w <= s->d.last[g]; w++) {
        double off = wave - w, least = wave - best;

        if (s->d.may[g * s->p->waves + w] && off * off < least * least)
            best = w;
    }
    return best;
}

/* One short cycle from s->from, for an idea of what a plan costs. */
static int estimate(struct solve *s, double heat, int64_t *ret_cost, struct err *err)
{
    struct wave_state state = {0};
    struct wave_anneal_spec spec = {
        .seed = s->spec->seed, .moves = percent(s, moves_of(s) / 16), .cycles = 1, .heat = heat};
    int r = wave_state_init(&state, s->p, &s->d, &s->x, err);

    if (r == 0) {
        wave_state_set(&state, s->from);
        r = wave_anneal_run(&state, &spec, err);
    }
    if (r == 0) {
        *ret_cost = state.cost;
        s->guess = wave_state_keeps_all(&state) ? state.cost : WAVE_NEVER;
    }
    wave_state_done(&state);
    return r;
}

/* m is s->p, or its waves in blocks; d is of m. */
static int climb(struct solve *s, const struct wave_merged *m, const struct wave_domain *d,
                 struct err *err)
{
    const struct wave_problem *p = &m->p;
    auto_free double *price = calloc(p->resources_n * p->waves + 1, sizeof(*price));
    struct wave_bound_spec spec = {.price = price};
    int r = price ? 0 : err_set(err, -ENOMEM, "a bound: %m");

    /* Twice: the second time from the prices of the first, and knowing better what a plan costs. */
    for (unsigned i = 0; r == 0 && i < 2; i++) {
        auto_wave_bound struct wave_bound b = {0};

        r = estimate(s, i == 0 ? 1 : 0.01, &spec.above, err);
        spec.rounds = (unsigned)percent(s, i == 0 ? ROUNDS / 4 : ROUNDS);
        if (r == 0)
            r = wave_bound_find(p, d, &spec, &b, err);
        if (r < 0)
            break;
        assert(b.mean);
        s->bound = b.value > s->bound ? b.value : s->bound;
        for (size_t g = 0; g < p->groups; g++)
            s->from[g] = nearest_allowed(s, g, (b.mean[g] + 0.5) * (double)m->block - 0.5);
    }
    return r;
}

static int find_bound(struct solve *s, struct err *err)
{
    struct wave_merged same = {.p = *s->p, .block = block_of(s->p)};
    auto_wave_merged struct wave_merged m = {0};
    auto_wave_domain struct wave_domain d = {0};
    int r;

    r = wave_rank_bound(s->p, &s->d, &s->bound, err);
    if (r < 0 || same.block == 1)
        return r < 0 ? r : climb(s, &same, &s->d, err);
    r = wave_merge(s->p, same.block, &m, err);
    if (r == 0)
        r = wave_domain_init(&d, &m.p, err);
    return r < 0 ? r : climb(s, &m, &d, err);
}

/* -- starts --------------------------------------------------------------------------- */

/* Bounds of merged waves tell little of where to begin: then all begin with the line. */
static const uint32_t *begin_with(const struct solve *s, size_t i)
{
    if (s->line && (i % 2 == 1 || block_of(s->p) > 1))
        return s->line;
    return s->spec->known && i % 2 == 1 ? s->spec->known : s->from;
}

static int run_start(struct solve *s, size_t i, struct err *err)
{
    static const double heats[STARTS_MAX] = {0.01, 0.01, 0.03, 0.1, 0.3, 1, 1, 1};
    struct wave_state state = {0};
    struct wave_anneal_spec spec = {
        .seed = s->spec->seed * STARTS_MAX + i + 1,
        .moves = percent(s, moves_of(s)),
        .cycles = s->starts_n == 1             ? 1
                  : s->p->groups <= FEW_GROUPS ? CYCLES_FEW
                                               : CYCLES_MANY,
        .heat = heats[i],
    };
    int r = wave_state_init(&state, s->p, &s->d, &s->x, err);

    if (r == 0) {
        wave_state_set(&state, begin_with(s, i));
        r = wave_anneal_run(&state, &spec, err);
    }
    if (r == 0) {
        free(s->starts[i].plan);
        s->starts[i].plan = TAKE(state.plan);
        s->starts[i].cost = state.cost;
        s->starts[i].broken = state.windows_over + state.bonds_broken;
    }
    wave_state_done(&state);
    return r;
}

static int take_starts(void *arg, size_t index, struct err *err)
{
    struct solve *s = arg;
    int r = 0;

    (void)index;
    while (r == 0) {
        size_t i = atomic_fetch_add(&s->next, 1);

        if (i >= s->starts_n)
            break;
        r = run_start(s, i, err);
    }
    return r;
}

static int run_starts(struct solve *s, struct err *err)
{
    size_t threads = s->spec->threads > 0 ? s->spec->threads : workers_cores();
    struct workers *group = NULL;
    int r;

    s->next = 0;
    if (threads > s->starts_n)
        threads = s->starts_n;
    if (threads == 1)
        return take_starts(s, 0, err);
    r = workers_start(threads, "waves", take_starts, s, &group, err);
    return r < 0 ? r : workers_join(group, err);
}

static const struct start *best_start(const struct solve *s)
{
    const struct start *best = &s->starts[0];

    for (size_t i = 1; i < s->starts_n; i++) {
        const struct start *other = &s->starts[i];

        if (other->broken < best->broken ||
            (other->broken == best->broken && other->cost < best->cost))
            best = other;
    }
    return best;
}

/* -- all of it ------------------------------------------------------------------------ */

/* What was known, when nothing better was found. */
static void take_known(const struct solve *s, struct wave_solution *ret)
{
    const uint32_t *known = s->spec->known;
    int64_t cost = known ? wave_objective(s->p, known) : 0;

    if (!known || (ret->verdict == WAVE_SOLVED && ret->cost <= cost) ||
        wave_check(s->p, known, NULL, 0) > 0)
        return;
    memcpy(ret->plan, known, s->p->groups * sizeof(*known));
    ret->cost = cost;
    ret->verdict = WAVE_SOLVED;
}

static int take_plan(const struct solve *s, struct wave_solution *ret, struct err *err)
{
    const struct start *best = best_start(s);
    size_t bytes = s->p->groups * sizeof(*ret->plan);

    ret->plan = malloc(bytes);
    if (!ret->plan)
        return err_set(err, -ENOMEM, "a plan of %zu groups: %m", s->p->groups);
    memcpy(ret->plan, best->plan, bytes);
    ret->cost = best->cost;
    ret->bound = s->bound;
    ret->verdict = wave_check(s->p, ret->plan, NULL, 0) == 0 ? WAVE_SOLVED : WAVE_NOT_FOUND;
    take_known(s, ret);
    return 0;
}

static int prove(const struct solve *s, struct wave_solution *ret, struct err *err)
{
    struct wave_exact_spec spec = {
        .nodes = (unsigned)percent(s, NODES),
        .known = ret->verdict == WAVE_SOLVED,
        .known_cost = ret->cost,
    };
    struct wave_exact exact;
    int r = wave_exact_solve(s->p, &s->d, &spec, ret->plan, &exact, err);

    if (r < 0)
        return r;
    if (!exact.found) {
        ret->verdict = exact.finished ? WAVE_IMPOSSIBLE : WAVE_NOT_FOUND;
        return 0;
    }
    ret->verdict = WAVE_SOLVED;
    ret->cost = exact.cost;
    ret->bound = exact.bound > ret->bound ? exact.bound : ret->bound;
    return 0;
}

static bool is_proved(const struct wave_solution *s)
{
    return s->verdict == WAVE_IMPOSSIBLE || (s->verdict == WAVE_SOLVED && s->bound >= s->cost);
}

/* Few groups: one start and a proof from it, which mostly is the end of it. */
static int solve_few(struct solve *s, struct wave_solution *ret, struct err *err)
{
    int r;

    s->starts_n = 1;
    r = run_starts(s, err);
    if (r == 0)
        r = take_plan(s, ret, err);
    return r < 0 ? r : prove(s, ret, err);
}

static int solve_many(struct solve *s, struct wave_solution *ret, struct err *err)
{
    const struct wave_solution before = *ret;
    int r;

    s->starts_n = s->p->groups <= FEW_GROUPS ? STARTS_MAX : STARTS_MANY;
    r = run_starts(s, err);
    if (r == 0)
        r = take_plan(s, ret, err);
    if (r < 0)
        return r;
    if (before.plan && before.bound > ret->bound)
        ret->bound = before.bound;
    if (before.plan && before.verdict == WAVE_SOLVED &&
        (ret->verdict != WAVE_SOLVED || ret->cost > before.cost)) {
        memcpy(ret->plan, before.plan, s->p->groups * sizeof(*ret->plan));
        ret->cost = before.cost;
        ret->verdict = WAVE_SOLVED;
    }
    free(before.plan);
    return 0;
}

/* Of many groups, a line; unless what is known is cheaper. None, when the cuts begin better. */
static int find_line(struct solve *s, struct err *err)
{
    const uint32_t *known = s->spec->known;
    int r;

    if (s->p->groups <= FEW_GROUPS)
        return 0;
    s->line = calloc(s->p->groups, sizeof(*s->line));
    if (!s->line)
        return err_set(err, -ENOMEM, "a plan of %zu groups: %m", s->p->groups);
    r = wave_line(s->p, &s->d, s->line, err);
    if (r == 0 && known && wave_objective(s->p, known) < wave_objective(s->p, s->line))
        memcpy(s->line, known, s->p->groups * sizeof(*known));
    if (r == 0 && s->guess < wave_objective(s->p, s->line)) {
        free(s->line);
        s->line = NULL;
    }
    return r;
}

static int solve_all(struct solve *s, struct wave_solution *ret, struct err *err)
{
    int r = wave_index_init(&s->x, s->p, err);

    if (r == 0)
        r = find_bound(s, err);
    if (r == 0)
        r = find_line(s, err);
    if (r == 0 && s->p->groups <= WAVE_SOLVE_EXACT_GROUPS)
        r = solve_few(s, ret, err);
    if (r == 0 && !(ret->plan && is_proved(ret)))
        r = solve_many(s, ret, err);
    if (r == 0 && ret->verdict == WAVE_SOLVED && ret->bound > ret->cost)
        ret->bound = ret->cost; /* it was rounded against us by a unit or two */
    return r;
}

int wave_solve(const struct wave_problem *p, const struct wave_solve_spec *spec,
               struct wave_solution *ret, struct err *err)
{
    struct solve s = {.p = p, .spec = spec, .bound = -WAVE_NEVER};
    struct wave_solution out = {.bound = -WAVE_NEVER};
    int r = wave_validate(p, err);

    if (r == 0)
        r = wave_domain_init(&s.d, p, err);
    if (r < 0)
        return r;
    s.from = malloc(p->groups * sizeof(*s.from));
    if (!s.from)
        r = err_set(err, -ENOMEM, "a plan of %zu groups: %m", p->groups);
    else
        memcpy(s.from, s.d.first, p->groups * sizeof(*s.from));
    if (r == 0 && s.d.empty) {
        out.verdict = WAVE_IMPOSSIBLE;
        out.plan = TAKE(s.from);
    } else if (r == 0) {
        r = solve_all(&s, &out, err);
    }
    solve_done(&s);
    if (r == 0)
        *ret = out;
    else
        wave_solution_done(&out);
    return r;
}

void wave_solution_done(struct wave_solution *s)
{
    free(s->plan);
    *s = (struct wave_solution){0};
}

double wave_solution_gap(const struct wave_solution *s)
{
    double size = s->cost < 0 ? -(double)s->cost : (double)s->cost;

    return s->cost == s->bound ? 0 : (double)(s->cost - s->bound) / (size > 1 ? size : 1);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was assigned in order, assigned anew where it costs least: what a workload saves for every
 * day in the cloud, and what talks across while its two ends are on different sides. Limits, pins,
 * dependencies and the pilot stay; so does the number of waves.
 */
#include "planner/engine/plan_model.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "planner/engine/wave_solve.h"

#include <math.h>
#include <string.h>

#include "base/banned.h"

enum { LIMITS = 4, DAY_S = 86400 };
/* Money in thousandths; the most that a day may cost keeps every sum within 63 bits. */
enum { MONEY = 1000 };
static const double money_max = 1e5, gib = 1 << 30;

struct optimise {
    struct plan_model *m;
    size_t n;
    size_t *who;      /* [n]: index of a workload */
    uint32_t *group;  /* [workloads]: its group, or UINT32_MAX */
    int64_t *cost;    /* [n * waves] */
    int64_t *when;    /* [waves] */
    int64_t *amounts; /* [LIMITS * n] */
    int64_t *limits;  /* [LIMITS * waves] */
    struct wave_edge *edges;
    struct wave_pair *orders, *aparts;
    struct wave_resource resources[LIMITS];
    struct wave_problem p;
};

static void optimise_done(struct optimise *o)
{
    free(o->who);
    free(o->group);
    free(o->cost);
    free(o->when);
    free(o->amounts);
    free(o->limits);
    free(o->edges);
    free(o->orders);
    free(o->aparts);
}

static int take_room(struct optimise *o, size_t edges, size_t orders, struct err *err)
{
    size_t waves = o->m->waves_n;

    o->cost = calloc(o->n * waves, sizeof(*o->cost));
    o->when = calloc(waves, sizeof(*o->when));
    o->amounts = calloc(LIMITS * o->n, sizeof(*o->amounts));
    o->limits = calloc(LIMITS * waves, sizeof(*o->limits));
    o->edges = calloc(edges + 1, sizeof(*o->edges));
    o->orders = calloc(orders + 1, sizeof(*o->orders));
    o->aparts = calloc(o->m->aparts_n + 1, sizeof(*o->aparts));
    if (!o->cost || !o->when || !o->amounts || !o->limits || !o->edges || !o->orders || !o->aparts)
        return err_set(err, -ENOMEM, "a plan of %zu workloads: %m", o->n);
    return 0;
}

/* -- what it costs ---------------------------------------------------------------------- */

static int64_t money(double amount)
{
    return llround(fmin(fmax(amount, -money_max), money_max) * MONEY);
}

static int64_t days_between(const struct plan_model *m)
{
    uint64_t days = num_div_up(m->policy.soak_s + m->policy.cutover_s, DAY_S);

    return (int64_t)num_min(num_max(days, 1), 365);
}

static bool is_pilot(const struct plan_model *m, const struct plan_workload *w)
{
    return m->policy.pilot && w->wave == 1 && w->pin == 0 && m->waves[0].workloads_n == 1;
}

static void set_costs(struct optimise *o, size_t g)
{
    const struct plan_model *m = o->m;
    const struct plan_workload *w = &m->workloads[o->who[g]];
    int64_t saving = money(js_f64(w->doc, "saving_per_day", 0));
    bool stays = w->pin > 0 || w->kept || is_pilot(m, w);

    for (size_t k = 0; k < m->waves_n; k++) {
        bool pilots = m->policy.pilot && k == 0 && m->waves_n > 1;
        bool may = stays ? k + 1 == w->wave : k + 1 >= m->first_wave && !pilots;

        o->cost[g * m->waves_n + k] = may ? saving * o->when[k] : WAVE_NEVER;
    }
}

static int add_talk(struct optimise *o, size_t g, const struct js *talk, struct err *err)
{
    const char *name = js_str(talk, "workload", "");
    const struct plan_workload *other = plan_find(o->m, name);
    double bytes = js_f64(talk, "bytes_per_day", 0);
    uint32_t group;

    if (!other || !(bytes >= 0))
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "workload '%s' talks to '%s': %s",
                          o->m->workloads[o->who[g]].name, name,
                          other ? "bytes_per_day is negative" : "it is not there");
    group = o->group[other - o->m->workloads];
    if (group == UINT32_MAX || group == g)
        return 0;
    o->edges[o->p.edges_n++] = (struct wave_edge){
        (uint32_t)g, group, money(bytes / gib * o->m->policy.traffic_cost_per_gib)};
    return 0;
}

static int add_edges(struct optimise *o, size_t g, struct err *err)
{
    const struct js *talks = js_member(o->m->workloads[o->who[g]].doc, "talks");
    int r = 0;

    for (size_t i = 0; r == 0 && i < js_len(talks); i++)
        r = add_talk(o, g, js_at(talks, i), err);
    return r;
}

static void add_orders(struct optimise *o, size_t g)
{
    const struct plan_workload *w = &o->m->workloads[o->who[g]];

    for (size_t i = 0; i < w->depends_n; i++) {
        if (o->group[w->depends[i]] != UINT32_MAX)
            o->orders[o->p.orders_n++] = (struct wave_pair){o->group[w->depends[i]], (uint32_t)g};
    }
}

static void add_aparts(struct optimise *o)
{
    for (size_t i = 0; i < o->m->aparts_n; i++) {
        uint32_t a = o->group[o->m->aparts[i].who], b = o->group[o->m->aparts[i].other];

        /* Each is there from both ends. */
        if (a < b && b != UINT32_MAX)
            o->aparts[o->p.aparts_n++] = (struct wave_pair){a, b};
    }
}

/* -- what it may use ---------------------------------------------------------------------- */

static int64_t amount_of(const struct plan_workload *w, unsigned limit)
{
    const uint64_t amounts[LIMITS] = {1, w->hosts_n, num_div_up(w->bytes, 1 << 20),
                                      w->write_bytes_per_s};

    return (int64_t)num_min(amounts[limit], WAVE_VALUE_MAX / PLAN_WORKLOADS_MAX);
}

static int64_t limit_of(const struct plan_model *m, unsigned limit)
{
    const uint64_t bytes = m->policy.max_bytes;
    const uint64_t limits[LIMITS] = {m->policy.max_workloads, m->policy.max_hosts,
                                     bytes > 0 ? bytes >> 20 : WAVE_VALUE_MAX,
                                     plan_time_share(m) / 2};

    return (int64_t)num_min(limits[limit], WAVE_VALUE_MAX);
}

/* What is larger than any wave is alone in one: it takes all of every limit. */
static bool is_too_large(const struct plan_model *m, const struct plan_workload *w)
{
    for (unsigned i = 0; i < LIMITS; i++) {
        if (amount_of(w, i) > limit_of(m, i))
            return true;
    }
    return false;
}

static void set_limits(struct optimise *o, unsigned i)
{
    static const char *const names[LIMITS] = {"workloads", "hosts", "bytes", "write rate"};
    const struct plan_model *m = o->m;
    int64_t most = limit_of(m, i);

    for (size_t g = 0; g < o->n; g++) {
        const struct plan_workload *w = &m->workloads[o->who[g]];

        o->amounts[i * o->n + g] =
            i == 0 && is_too_large(m, w)
                ? most
                : (int64_t)num_min((uint64_t)amount_of(w, i), (uint64_t)most);
        o->limits[i * m->waves_n + w->wave - 1] += o->amounts[i * o->n + g];
    }
    for (size_t k = 0; k < m->waves_n; k++) {
        int64_t *limit = &o->limits[i * m->waves_n + k];

        /* What was assigned stays possible where pins, or the last wave there is, hold more. */
        *limit = *limit > most ? *limit : most;
    }
    o->resources[i] =
        (struct wave_resource){names[i], 1, o->amounts + i * o->n, o->limits + i * m->waves_n};
}

/* -- the problem, and what became of it ------------------------------------------------------ */

static void count(const struct plan_model *m, size_t *ret_edges, size_t *ret_orders)
{
    for (size_t i = 0; i < m->n; i++) {
        *ret_edges += js_len(js_member(m->workloads[i].doc, "talks"));
        *ret_orders += m->workloads[i].depends_n;
    }
}

static bool says_costs(const struct plan_model *m)
{
    for (size_t i = 0; i < m->n; i++) {
        if (js_len(js_member(m->workloads[i].doc, "talks")) > 0 ||
            js_f64(m->workloads[i].doc, "saving_per_day", 0) != 0)
            return true;
    }
    return false;
}

static int list_groups(struct optimise *o, struct err *err)
{
    o->who = calloc(o->m->n + 1, sizeof(*o->who));
    o->group = calloc(o->m->n + 1, sizeof(*o->group));
    if (!o->who || !o->group)
        return err_set(err, -ENOMEM, "a plan of %zu workloads: %m", o->m->n);
    for (size_t i = 0; i < o->m->n; i++) {
        o->group[i] = o->m->workloads[i].wave > 0 ? (uint32_t)o->n : UINT32_MAX;
        if (o->m->workloads[i].wave > 0)
            o->who[o->n++] = i;
    }
    return 0;
}

static int state_problem(struct optimise *o, struct err *err)
{
    size_t edges = 0, orders = 0;
    int r;

    count(o->m, &edges, &orders);
    r = take_room(o, edges, orders, err);
    if (r < 0)
        return r;
    o->p = (struct wave_problem){.groups = o->n,
                                 .waves = o->m->waves_n,
                                 .cost = o->cost,
                                 .when = o->when,
                                 .edges = o->edges,
                                 .orders = o->orders,
                                 .aparts = o->aparts,
                                 .resources = o->resources,
                                 .resources_n = LIMITS};
    for (size_t k = 0; k < o->m->waves_n; k++)
        o->when[k] = (int64_t)k * days_between(o->m);
    for (size_t g = 0; r == 0 && g < o->n; g++) {
        set_costs(o, g);
        add_orders(o, g);
        r = add_edges(o, g, err);
    }
    add_aparts(o);
    for (unsigned i = 0; i < LIMITS; i++)
        set_limits(o, i);
    return r;
}

/* [n]: the waves as they were assigned in order, from 0; NULL: no memory. */
static uint32_t *as_assigned(const struct optimise *o)
{
    uint32_t *plan = calloc(o->n, sizeof(*plan));

    for (size_t g = 0; plan && g < o->n; g++)
        plan[g] = o->m->workloads[o->who[g]].wave - 1;
    return plan;
}

static void explain(struct plan_model *m, struct plan_workload *w, bool kept)
{
    size_t left = 0;

    if (kept)
        return;
    /* Why it is not where the plan in force has it stays true. */
    for (size_t i = 0; i < w->reasons_n; i++) {
        if (w->reasons[i].rule == RULE_KEPT)
            w->reasons[left++] = w->reasons[i];
    }
    w->reasons_n = left;
    for (size_t i = 0; i < w->depends_n; i++) {
        const struct plan_workload *d = &m->workloads[w->depends[i]];

        if (!d->moved)
            plan_reason_add(w, RULE_DEPENDS, "not before %s, in wave %u, on which it depends",
                            d->name, d->wave);
    }
    plan_reason_add(w, RULE_LEAST_COST,
                    "in wave %u the whole costs least: %.2f for waiting and traffic across, and no "
                    "plan costs less than %.2f",
                    w->wave, m->least_cost.cost, m->least_cost.bound);
}

static void take_plan(struct optimise *o, const struct wave_solution *s)
{
    struct plan_model *m = o->m;
    bool pilot = m->waves[0].workloads_n == 1 && m->policy.pilot;
    size_t waves_n = m->waves_n;

    m->least_cost = (struct plan_least_cost){.used = true,
                                             .cost = (double)s->cost / MONEY,
                                             .bound = (double)s->bound / MONEY,
                                             .gap = wave_solution_gap(s)};
    memset(m->waves, 0, sizeof(m->waves));
    m->waves_n = 0;
    for (size_t g = 0; g < o->n && waves_n > 0; g++)
        plan_wave_put(m, &m->workloads[o->who[g]], s->plan[g] + 1);
    for (size_t g = 0; g < o->n; g++) {
        struct plan_workload *w = &m->workloads[o->who[g]];

        explain(m, w, w->pin > 0 || w->kept || (pilot && w->wave == 1));
    }
}

static int solve(struct optimise *o, struct err *err)
{
    auto_wave_solution struct wave_solution s = {0};
    auto_free uint32_t *known = as_assigned(o);
    struct wave_solve_spec spec = {.seed = 1, .known = known};
    int r =
        known ? state_problem(o, err) : err_set(err, -ENOMEM, "a plan of %zu workloads: %m", o->n);

    if (r == 0)
        r = wave_solve(&o->p, &spec, &s, err);
    if (r < 0 || s.verdict != WAVE_SOLVED)
        return r; /* what was assigned in order stays */
    if (s.cost <= wave_objective(&o->p, known))
        take_plan(o, &s);
    return r;
}

int plan_optimise(struct plan_model *m, struct err *err)
{
    struct optimise o = {.m = m};
    int r;

    if (m->waves_n == 0 || !says_costs(m))
        return 0;
    r = list_groups(&o, err);
    if (r == 0)
        r = solve(&o, err);
    optimise_done(&o);
    return r;
}

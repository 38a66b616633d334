/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deletion filtering: halves first, then ever smaller parts, so that most of what does not matter
 * is gone after a few proofs.
 */
#include "planner/engine/wave_conflict.h"

#include "base/auto.h"
#include "base/err.h"
#include "planner/engine/wave_exact.h"

#include <string.h>

#include "base/banned.h"

enum { NODES = 2000, PROVE_GROUPS = 60 };

/* The problem again with what is left of its constraints; edges cost, they forbid nothing. */
struct filter {
    const struct wave_problem *p;
    struct wave_fault *rules;
    bool *kept; /* [rules_n] */
    size_t rules_n;
    struct wave_problem part;
    int64_t *cost, *limits;
    struct wave_pair *orders, *aparts;
    struct wave_resource *resources;
    uint32_t *plan;
};

static void filter_done(struct filter *f)
{
    free(f->rules);
    free(f->kept);
    free(f->cost);
    free(f->limits);
    free(f->orders);
    free(f->aparts);
    free(f->resources);
    free(f->plan);
}

static bool is_restricted(const struct wave_problem *p, size_t g)
{
    for (size_t w = 0; w < p->waves; w++) {
        if (wave_cost_at(p, g, w) >= WAVE_NEVER)
            return true;
    }
    return false;
}

static void add_rule(struct filter *f, enum wave_rule rule, size_t index, size_t wave)
{
    f->rules[f->rules_n++] = (struct wave_fault){rule, index, wave, 0};
}

/* What was most likely not meant comes last: it is tried, and kept, last. */
static void list_rules(struct filter *f)
{
    const struct wave_problem *p = f->p;

    for (size_t i = 0; i < p->aparts_n; i++)
        add_rule(f, WAVE_RULE_APART, i, 0);
    for (size_t i = 0; i < p->resources_n; i++) {
        for (size_t k = 0; k < p->waves; k++)
            add_rule(f, WAVE_RULE_LIMIT, i, k);
    }
    for (size_t i = 0; i < p->orders_n; i++)
        add_rule(f, WAVE_RULE_ORDER, i, 0);
    for (size_t g = 0; g < p->groups; g++) {
        if (is_restricted(p, g))
            add_rule(f, WAVE_RULE_ALLOWED, g, 0);
    }
}

static int filter_init(struct filter *f, const struct wave_problem *p, struct err *err)
{
    size_t most = p->groups + p->orders_n + p->aparts_n + p->resources_n * p->waves;

    *f = (struct filter){.p = p};
    f->rules = calloc(most + 1, sizeof(*f->rules));
    f->kept = calloc(most + 1, sizeof(*f->kept));
    f->cost = calloc(p->groups * p->waves, sizeof(*f->cost));
    f->limits = calloc(p->resources_n * p->waves + 1, sizeof(*f->limits));
    f->orders = calloc(p->orders_n + 1, sizeof(*f->orders));
    f->aparts = calloc(p->aparts_n + 1, sizeof(*f->aparts));
    f->resources = calloc(p->resources_n + 1, sizeof(*f->resources));
    f->plan = calloc(p->groups, sizeof(*f->plan));
    if (!f->rules || !f->kept || !f->cost || !f->limits || !f->orders || !f->aparts ||
        !f->resources || !f->plan)
        return err_set(err, -ENOMEM, "a conflict among %zu groups: %m", p->groups);
    list_rules(f);
    memset(f->kept, true, f->rules_n * sizeof(*f->kept));
    return 0;
}

static void make_part(struct filter *f)
{
    const struct wave_problem *p = f->p;

    f->part = *p;
    f->part.edges_n = f->part.orders_n = f->part.aparts_n = 0;
    f->part.cost = f->cost;
    f->part.orders = f->orders;
    f->part.aparts = f->aparts;
    f->part.resources = f->resources;
    memset(f->cost, 0, p->groups * p->waves * sizeof(*f->cost));
    for (size_t i = 0; i < p->resources_n; i++) {
        f->resources[i] = p->resources[i];
        f->resources[i].limit = f->limits + i * p->waves;
        for (size_t k = 0; k < p->waves; k++)
            f->limits[i * p->waves + k] = WAVE_VALUE_MAX;
    }
}

static void apply_rule(struct filter *f, const struct wave_fault *rule)
{
    const struct wave_problem *p = f->p;
    size_t i = rule->index;

    switch (rule->rule) {
    case WAVE_RULE_ALLOWED:
        for (size_t w = 0; w < p->waves; w++)
            f->cost[i * p->waves + w] = wave_cost_at(p, i, w) >= WAVE_NEVER ? WAVE_NEVER : 0;
        break;
    case WAVE_RULE_ORDER:
        f->orders[f->part.orders_n++] = p->orders[i];
        break;
    case WAVE_RULE_APART:
        f->aparts[f->part.aparts_n++] = p->aparts[i];
        break;
    case WAVE_RULE_LIMIT:
        f->limits[i * p->waves + rule->wave] = p->resources[i].limit[rule->wave];
        break;
    }
}

/* Is what is kept proved impossible? */
static int prove(struct filter *f, bool *ret_impossible, struct err *err)
{
    auto_wave_domain struct wave_domain d = {0};
    struct wave_exact_spec spec = {.nodes = NODES, .any = true};
    struct wave_exact exact;
    int r;

    make_part(f);
    for (size_t i = 0; i < f->rules_n; i++) {
        if (f->kept[i])
            apply_rule(f, &f->rules[i]);
    }
    r = wave_domain_init(&d, &f->part, err);
    if (r < 0)
        return r;
    *ret_impossible = d.empty;
    if (d.empty || f->p->groups > PROVE_GROUPS)
        return 0;
    r = wave_exact_solve(&f->part, &d, &spec, f->plan, &exact, err);
    if (r == 0)
        *ret_impossible = !exact.found && exact.finished;
    return r;
}

/* Leave out rules [from, until) if the rest is impossible still. */
static int leave_out(struct filter *f, struct wave_range part, struct err *err)
{
    auto_free bool *before = malloc(f->rules_n + 1);
    bool impossible = false, any = false;
    int r;

    if (!before)
        return err_set(err, -ENOMEM, "a conflict: %m");
    memcpy(before, f->kept, f->rules_n * sizeof(*before));
    for (size_t i = part.from; i < part.until; i++) {
        any = any || f->kept[i];
        f->kept[i] = false;
    }
    r = any ? prove(f, &impossible, err) : 0;
    if (any && !impossible)
        memcpy(f->kept, before, f->rules_n * sizeof(*before));
    return r;
}

static int filter_rules(struct filter *f, struct err *err)
{
    size_t size = 1;
    int r = 0;

    while (size < f->rules_n)
        size *= 2;
    for (; r == 0 && size > 0; size /= 2) {
        for (size_t from = 0; r == 0 && from < f->rules_n; from += size) {
            size_t until = from + size < f->rules_n ? from + size : f->rules_n;

            r = leave_out(f, (struct wave_range){from, until}, err);
        }
    }
    return r;
}

static void take_kept(struct filter *f, struct wave_conflict *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < f->rules_n; i++) {
        if (f->kept[i])
            f->rules[n++] = f->rules[i];
    }
    ret->rules = TAKE(f->rules);
    ret->n = n;
}

int wave_conflict_find(const struct wave_problem *p, struct wave_conflict *ret, struct err *err)
{
    struct filter f = {0};
    bool impossible = false;
    int r = wave_validate(p, err);

    if (r == 0)
        r = filter_init(&f, p, err);
    if (r == 0)
        r = prove(&f, &impossible, err);
    if (r == 0 && !impossible)
        r = err_set(err, -ENOENT, "it is not proved that there is no plan");
    if (r == 0)
        r = filter_rules(&f, err);
    if (r == 0)
        take_kept(&f, ret);
    filter_done(&f);
    return r;
}

void wave_conflict_done(struct wave_conflict *c)
{
    free(c->rules);
    *c = (struct wave_conflict){0};
}

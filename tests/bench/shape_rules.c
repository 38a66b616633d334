/* SPDX-License-Identifier: Apache-2.0 */
/* Ours first; then what was tried in its place, and what nobody could know. */
#include "tests/bench/shape_rules.h"

#include "base/auto.h"
#include "inventory/rollup.h"
#include "planner/engine/shape.h"

#include <math.h>
#include <stdio.h>

#include "base/banned.h"

/* -- rules -------------------------------------------------------------------------------- */

static struct size_need ours(const struct shape_case *m)
{
    return size_of(&size_policy_default, &m->use);
}

static struct size_need by_rule(const struct shape_case *m, double quantile, double points,
                                double memory_factor)
{
    struct size_policy policy = size_policy_default;

    policy.usual.cpu_quantile = quantile;
    policy.usual.cpu_margin_points = points;
    policy.usual.cpu_first_day_points = 0;
    policy.usual.memory_factor = memory_factor;
    return size_of(&policy, &m->use);
}

/* A shape is mostly larger than the need: it may be margin enough. */
static struct size_need p99_alone(const struct shape_case *m)
{
    return by_rule(m, 0.99, 0, 1.1);
}

static struct size_need p97_alone(const struct shape_case *m)
{
    return by_rule(m, 0.97, 0, 1.1);
}

static struct size_need p90_alone(const struct shape_case *m)
{
    return by_rule(m, 0.90, 0, 1.1);
}

static struct size_need memory_as_used(const struct shape_case *m)
{
    return by_rule(m, 0.97, 7, 1);
}

static struct size_need cpu_alone(const struct shape_case *m)
{
    struct size_need need = ours(m);

    need.memory_bytes = 0;
    return need;
}

static struct size_need memory_alone(const struct shape_case *m)
{
    struct size_need need = ours(m);

    need.vcpus = 0;
    return need;
}

static struct size_need smallest(const struct shape_case *m)
{
    (void)m;
    return (struct size_need){0};
}

/* 99% of the samples that are to come, and the most memory: no rule can know. */
static struct size_need knowing(const struct shape_case *m)
{
    struct rollup_hist next = {0};

    for (size_t i = 0; i < m->next.n; i++) {
        if (!isnan(m->next.values[i]))
            (void)rollup_hist_add(&next, fmin(100, (double)m->next.values[i] * m->unit));
    }
    return (struct size_need){
        .vcpus = next.n > 0 ? rollup_hist_quantile(&next, 0.99) * m->use.vcpus / 100 : 0,
        .memory_bytes = (uint64_t)m->next_memory_bytes,
    };
}

static const struct {
    const char *name;
    struct size_need (*need)(const struct shape_case *m);
    double
        per_point_micros; /* > 0: the cheapest, each percent of samples above it being paid for */
} rules[SHAPE_RULES] = {
    {"ours", ours, 0},
    {"p99, no points", p99_alone, 0},
    {"p97, no points", p97_alone, 0},
    {"p90, no points", p90_alone, 0},
    {"memory x 1.0", memory_as_used, 0},
    {"a fleet's 1%", memory_alone, 20000}, /* chosen on the first week, judged on the second */
    {"CPU alone", cpu_alone, 0},
    {"memory alone", memory_alone, 0},
    {"the smallest", smallest, 0},
    {"who knew", knowing, 0},
};

/* -- judging -------------------------------------------------------------------------------- */

/* The share of a part in which a shape is too small. */
static double above(const struct shape_case *m, struct shape_part part, double vcpus)
{
    size_t samples = 0, over = 0;

    for (size_t i = 0; i < part.n; i++) {
        double percent = fmin(100, (double)part.values[i] * m->unit);

        samples += isnan(part.values[i]) ? 0 : 1;
        over += !isnan(part.values[i]) && percent * m->use.vcpus / 100 > vcpus;
    }
    return samples > 0 ? (double)over / (double)samples : 0;
}

static const struct catalogue_shape *paid_for(const struct catalogue *c, const struct shape_case *m,
                                              const struct size_need *need, double per_point)
{
    const struct catalogue_shape *best = NULL;
    double least = 0;

    for (size_t i = 0; i < c->n; i++) {
        const struct catalogue_shape *s = &c->shapes[i];
        double cost = (double)s->price_micros + 100 * per_point * above(m, m->past, s->vcpus);

        if (s->arm || s->gpus > 0 || s->memory_bytes < need->memory_bytes)
            continue;
        if (!best || cost < least) {
            best = s;
            least = cost;
        }
    }
    return best;
}

static void judge(const struct catalogue *c, const struct shape_case *m,
                  const struct shape_choice *before, size_t rule, struct shape_score *score)
{
    struct size_need need = rules[rule].need(m);
    struct shape_choice after = {0};

    if (rules[rule].per_point_micros > 0)
        after.x86 = paid_for(c, m, &need, rules[rule].per_point_micros);
    else if (shape_choose(c, &need, true, &after, NULL) < 0)
        after.x86 = NULL;
    if (!after.x86 || !before->x86) {
        score->unplaced++;
        return;
    }
    score->machines++;
    score->before_micros += before->x86->price_micros;
    score->after_micros += after.x86->price_micros;
    score->arm_micros += (after.arm ? after.arm : after.x86)->price_micros;
    score->short_of_memory += m->next_memory_bytes > (double)after.x86->memory_bytes;
    score->over += above(m, m->next, after.x86->vcpus);
}

void shape_rules_judge(const struct catalogue *c, const struct shape_case *m,
                       struct shape_score scores[static SHAPE_RULES])
{
    struct size_need as_is = {.vcpus = m->use.vcpus, .memory_bytes = m->use.memory_has_bytes};
    struct shape_choice before = {0};

    if (shape_choose(c, &as_is, false, &before, NULL) < 0)
        before.x86 = NULL;
    for (size_t i = 0; i < SHAPE_RULES; i++)
        judge(c, m, &before, i, &scores[i]);
}

void shape_rules_show(const struct catalogue *c, const struct shape_score *scores)
{
    printf("shapes (%s %s, %s), cost in parts of that as is\n%-18s %8s %9s %15s %9s\n", c->provider,
           c->region, c->currency, "rule", "cost", "with Arm", "short of memory", "violating");
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const struct shape_score *s = &scores[i];
        double before = (double)s->before_micros / 100, n = (double)s->machines / 100;

        printf("%-18s %7.1f%% %8.1f%% %14.1f%% %8.2f%%\n", rules[i].name,
               (double)s->after_micros / before, (double)s->arm_micros / before,
               (double)s->short_of_memory / n, s->over / n);
    }
    if (scores->unplaced > 0)
        printf("%zu machines fit nowhere\n", scores->unplaced);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is let go: who is apart may be in one block, an edge within a block costs nothing, and
 * blocks are as far from each other as their nearest waves.
 */
#include "planner/engine/wave_merge.h"

#include "base/err.h"
#include "base/num.h"

#include <stdlib.h>

#include "base/banned.h"

void wave_merged_done(struct wave_merged *m)
{
    free(m->cost);
    free(m->when);
    free(m->limits);
    free(m->resources);
    *m = (struct wave_merged){0};
}

static struct wave_range waves_of(const struct wave_problem *p, size_t block, size_t b)
{
    return (struct wave_range){b * block, num_min((b + 1) * block, p->waves)};
}

static void merge_costs(const struct wave_problem *p, struct wave_merged *m)
{
    for (size_t g = 0; g < p->groups; g++) {
        for (size_t b = 0; b < m->p.waves; b++) {
            struct wave_range k = waves_of(p, m->block, b);
            int64_t least = WAVE_NEVER;

            for (; k.from < k.until; k.from++)
                least = wave_cost_at(p, g, k.from) < least ? wave_cost_at(p, g, k.from) : least;
            m->cost[g * m->p.waves + b] = least;
        }
    }
    for (size_t b = 1; b < m->p.waves; b++)
        m->when[b] = m->when[b - 1] + p->when[b * m->block] - p->when[b * m->block - 1];
}

/* Windows that follow each other hold all that moves in the block. */
static int64_t limit_of(const struct wave_resource *r, struct wave_range block)
{
    int64_t sum = 0;

    if (r->span == 0)
        return r->limit[block.until - 1];
    for (size_t k = block.from; k < block.until && sum < WAVE_VALUE_MAX; k += r->span)
        sum += r->limit[k];
    return sum < WAVE_VALUE_MAX ? sum : WAVE_VALUE_MAX;
}

static void merge_limits(const struct wave_problem *p, struct wave_merged *m)
{
    for (size_t i = 0; i < p->resources_n; i++) {
        int64_t *limits = m->limits + i * m->p.waves;

        m->resources[i] = p->resources[i];
        m->resources[i].span = p->resources[i].span > 0;
        m->resources[i].limit = limits;
        for (size_t b = 0; b < m->p.waves; b++)
            limits[b] = limit_of(&p->resources[i], waves_of(p, m->block, b));
    }
}

int wave_merge(const struct wave_problem *p, size_t block, struct wave_merged *ret, struct err *err)
{
    struct wave_merged m = {.p = *p, .block = block};

    m.p.waves = num_div_up(p->waves, block);
    m.p.aparts_n = 0;
    m.cost = calloc(p->groups * m.p.waves, sizeof(*m.cost));
    m.when = calloc(m.p.waves, sizeof(*m.when));
    m.limits = calloc(p->resources_n * m.p.waves + 1, sizeof(*m.limits));
    m.resources = calloc(p->resources_n + 1, sizeof(*m.resources));
    if (!m.cost || !m.when || !m.limits || !m.resources) {
        wave_merged_done(&m);
        return err_set(err, -ENOMEM, "blocks of %zu waves: %m", block);
    }
    merge_costs(p, &m);
    merge_limits(p, &m);
    m.p.cost = m.cost;
    m.p.when = m.when;
    m.p.resources = m.resources;
    *ret = m;
    return 0;
}

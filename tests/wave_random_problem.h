/* SPDX-License-Identifier: Apache-2.0 */
/* Problems of the waves that a number decides: costs that fall and rise, blackouts, edges, orders,
 * aparts, three kinds of limits; about one in three has no plan. */
#ifndef GODWIT_TESTS_WAVE_RANDOM_PROBLEM_H
#define GODWIT_TESTS_WAVE_RANDOM_PROBLEM_H

#include "planner/engine/wave.h"
#include "planner/engine/wave_random.h"

enum { RANDOM_GROUPS = 6, RANDOM_GROUPS_MAX = 120, RANDOM_WAVES_MAX = 8, RANDOM_RESOURCES = 3 };

struct random_problem {
    struct wave_problem p;
    int64_t cost[RANDOM_GROUPS_MAX * RANDOM_WAVES_MAX], when[RANDOM_WAVES_MAX];
    int64_t amounts[RANDOM_RESOURCES][RANDOM_GROUPS_MAX];
    int64_t limits[RANDOM_RESOURCES][RANDOM_WAVES_MAX];
    struct wave_edge edges[RANDOM_GROUPS_MAX * 2];
    struct wave_pair orders[RANDOM_GROUPS_MAX], aparts[RANDOM_GROUPS_MAX];
    struct wave_resource resources[RANDOM_RESOURCES];
};

static inline struct wave_pair random_pair(struct wave_random *r, size_t groups)
{
    uint32_t a = wave_random_below(r, groups - 1);

    return (struct wave_pair){a, a + 1 + wave_random_below(r, groups - 1 - a)};
}

static inline void random_costs(struct random_problem *q, struct wave_random *r)
{
    for (size_t g = 0; g < q->p.groups; g++) {
        int64_t slope = (int64_t)wave_random_below(r, 400) - 200;

        for (size_t w = 0; w < q->p.waves; w++) {
            int64_t noise = wave_random_below(r, 100);

            q->cost[g * q->p.waves + w] =
                wave_random_below(r, 12) == 0 ? WAVE_NEVER : slope * (int64_t)w + noise;
        }
    }
    for (size_t w = 0; w < q->p.waves; w++)
        q->when[w] = (w > 0 ? q->when[w - 1] : 0) + 1 + wave_random_below(r, 3);
}

static inline void random_limits(struct random_problem *q, struct wave_random *r)
{
    static const unsigned spans[] = {1, 0, 3};

    for (size_t i = 0; i < RANDOM_RESOURCES; i++) {
        int64_t sum = 0, most = 0, each;

        for (size_t g = 0; g < q->p.groups; g++) {
            q->amounts[i][g] = wave_random_below(r, 4) == 0 ? 0 : wave_random_below(r, 100);
            sum += q->amounts[i][g];
            most = q->amounts[i][g] > most ? q->amounts[i][g] : most;
        }
        each = sum / (int64_t)q->p.waves + most / 2 + wave_random_below(r, 40);
        for (size_t w = 0; w < q->p.waves; w++)
            q->limits[i][w] = spans[i] == 0   ? each * (int64_t)(w + 1)
                              : spans[i] == 3 ? each * 2
                                              : each;
        q->resources[i] = (struct wave_resource){"some", spans[i], q->amounts[i], q->limits[i]};
    }
}

/* After a copy. */
static inline void random_problem_point(struct random_problem *q)
{
    q->p.cost = q->cost;
    q->p.when = q->when;
    q->p.edges = q->edges;
    q->p.orders = q->orders;
    q->p.aparts = q->aparts;
    q->p.resources = q->resources;
    q->p.resources_n = RANDOM_RESOURCES;
    for (size_t i = 0; i < RANDOM_RESOURCES; i++) {
        q->resources[i].amount = q->amounts[i];
        q->resources[i].limit = q->limits[i];
    }
}

static inline void random_problem_make(struct random_problem *q, uint64_t seed, size_t groups,
                                       size_t waves)
{
    struct wave_random r = {seed};

    *q = (struct random_problem){.p = {.groups = groups, .waves = waves}};
    random_costs(q, &r);
    random_limits(q, &r);
    for (size_t i = 0; groups > 1 && i < groups * 3 / 2; i++) {
        struct wave_pair pair = random_pair(&r, groups);

        q->edges[q->p.edges_n++] =
            (struct wave_edge){pair.first, pair.second, wave_random_below(&r, 60)};
    }
    for (size_t i = 0; groups > 1 && i < groups / 4 + 1; i++) {
        if (wave_random_below(&r, 2) == 0)
            q->orders[q->p.orders_n++] = random_pair(&r, groups);
        if (wave_random_below(&r, 2) == 0)
            q->aparts[q->p.aparts_n++] = random_pair(&r, groups);
    }
    random_problem_point(q);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Lists laid one after the other: count, add up, fill. */
#include "planner/engine/wave_index.h"

#include "base/auto.h"
#include "base/err.h"

#include "base/banned.h"

void wave_index_done(struct wave_index *x)
{
    free(x->near_from);
    free(x->bond_from);
    free(x->near);
    free(x->bonds);
    *x = (struct wave_index){0};
}

static void fill_near(struct wave_index *x, const struct wave_problem *p, uint32_t *at)
{
    for (size_t e = 0; e < p->edges_n; e++) {
        x->near_from[p->edges[e].a + 1]++;
        x->near_from[p->edges[e].b + 1]++;
    }
    for (size_t g = 0; g < p->groups; g++) {
        x->near_from[g + 1] += x->near_from[g];
        at[g] = x->near_from[g];
    }
    for (size_t e = 0; e < p->edges_n; e++) {
        const struct wave_edge *edge = &p->edges[e];

        x->near[at[edge->a]++] = (struct wave_near){edge->b, edge->cost};
        x->near[at[edge->b]++] = (struct wave_near){edge->a, edge->cost};
    }
}

static void count_pairs(struct wave_index *x, const struct wave_pair *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x->bond_from[pairs[i].first + 1]++;
        x->bond_from[pairs[i].second + 1]++;
    }
}

static void fill_pairs(struct wave_index *x, const struct wave_pair *pairs, size_t n,
                       const enum wave_relation relation[2], uint32_t *at)
{
    for (size_t i = 0; i < n; i++) {
        x->bonds[at[pairs[i].first]++] = (struct wave_bond){pairs[i].second, relation[0]};
        x->bonds[at[pairs[i].second]++] = (struct wave_bond){pairs[i].first, relation[1]};
    }
}

static void fill_bonds(struct wave_index *x, const struct wave_problem *p, uint32_t *at)
{
    static const enum wave_relation order[] = {WAVE_AFTER, WAVE_BEFORE};
    static const enum wave_relation apart[] = {WAVE_APART, WAVE_APART};

    count_pairs(x, p->orders, p->orders_n);
    count_pairs(x, p->aparts, p->aparts_n);
    for (size_t g = 0; g < p->groups; g++) {
        x->bond_from[g + 1] += x->bond_from[g];
        at[g] = x->bond_from[g];
    }
    fill_pairs(x, p->orders, p->orders_n, order, at);
    fill_pairs(x, p->aparts, p->aparts_n, apart, at);
}

int wave_index_init(struct wave_index *x, const struct wave_problem *p, struct err *err)
{
    auto_free uint32_t *at = calloc(p->groups + 1, sizeof(*at));

    *x = (struct wave_index){0};
    x->near_from = calloc(p->groups + 1, sizeof(*x->near_from));
    x->bond_from = calloc(p->groups + 1, sizeof(*x->bond_from));
    x->near = calloc(2 * p->edges_n + 1, sizeof(*x->near));
    x->bonds = calloc(2 * (p->orders_n + p->aparts_n) + 1, sizeof(*x->bonds));
    if (!at || !x->near_from || !x->bond_from || !x->near || !x->bonds) {
        wave_index_done(x);
        return err_set(err, -ENOMEM, "an index of %zu groups: %m", p->groups);
    }
    fill_near(x, p, at);
    fill_bonds(x, p, at);
    return 0;
}

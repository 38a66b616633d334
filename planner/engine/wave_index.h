/* SPDX-License-Identifier: Apache-2.0 */
/* What concerns each group: its edges, its orders, what it must be apart from. */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_INDEX_H
#define GODWIT_PLANNER_ENGINE_WAVE_INDEX_H

#include "planner/engine/wave.h"

struct wave_near {
    uint32_t group;
    int64_t cost;
};

enum wave_relation { WAVE_BEFORE, WAVE_AFTER, WAVE_APART }; /* of the other to this one */

struct wave_bond {
    uint32_t group;
    enum wave_relation relation;
};

struct wave_index {
    uint32_t *near_from, *bond_from; /* [groups + 1] */
    struct wave_near *near;
    struct wave_bond *bonds;
};

int wave_index_init(struct wave_index *x, const struct wave_problem *p, struct err *err);
void wave_index_done(struct wave_index *x);

#define auto_wave_index __attribute__((cleanup(wave_index_done)))

#endif

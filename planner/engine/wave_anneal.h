/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated annealing of a plan: the same seed gives the same plan, on every machine. */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_ANNEAL_H
#define GODWIT_PLANNER_ENGINE_WAVE_ANNEAL_H

#include "planner/engine/wave_state.h"

struct wave_anneal_spec {
    uint64_t seed;
    uint64_t moves;  /* tried in each cycle */
    unsigned cycles; /* each begins with the best so far */
    double heat;     /* of the first cycle. 1: from scratch; less keeps more of the start */
};

/*
 * Begin with the plan of s and its prices; leave in s the best plan met that keeps everything, or
 * when there was none, the last one. Sets the prices of s.
 */
int wave_anneal_run(struct wave_state *s, const struct wave_anneal_spec *spec, struct err *err);

#endif

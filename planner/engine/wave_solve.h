/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of the waves: a bound and where its cuts put everything, annealing from there several
 * times, and for few groups branch and bound. The same problem and seed give the same plan,
 * whatever the number of threads.
 */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_SOLVE_H
#define GODWIT_PLANNER_ENGINE_WAVE_SOLVE_H

#include "planner/engine/wave.h"

enum { WAVE_SOLVE_EXACT_GROUPS = 50 };

struct wave_solve_spec {
    uint64_t seed;
    unsigned threads;      /* 0: as many as there are cores */
    unsigned effort;       /* percent of the usual work; 0: 100 */
    const uint32_t *known; /* [groups]: a plan that keeps everything, and none dearer is returned;
                            * NULL: none */
};

enum wave_verdict {
    WAVE_SOLVED,     /* the plan keeps everything */
    WAVE_IMPOSSIBLE, /* proved: no plan keeps everything */
    WAVE_NOT_FOUND,  /* none was found, and none was excluded */
};

struct wave_solution {
    enum wave_verdict verdict;
    uint32_t *plan; /* [groups]: the best, or one that breaks little; owned */
    int64_t cost;
    int64_t bound; /* no plan costs less (when solved) */
};

int wave_solve(const struct wave_problem *p, const struct wave_solve_spec *spec,
               struct wave_solution *ret, struct err *err);
void wave_solution_done(struct wave_solution *s);

/* How much more than the bound the plan costs, as a part of its cost; 0 is a proof. */
double wave_solution_gap(const struct wave_solution *s);

#define auto_wave_solution __attribute__((cleanup(wave_solution_done)))

#endif

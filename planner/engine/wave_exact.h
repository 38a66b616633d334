/* SPDX-License-Identifier: Apache-2.0 */
/* Branch and bound: the best plan, or the proof that there is none, as far as the nodes reach. */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_EXACT_H
#define GODWIT_PLANNER_ENGINE_WAVE_EXACT_H

#include "planner/engine/wave_domain.h"

struct wave_exact_spec {
    unsigned nodes; /* at most so many */
    bool any;       /* the first plan that keeps everything will do */
    bool known;     /* plan holds one that keeps everything, of this cost */
    int64_t known_cost;
};

struct wave_exact {
    bool found;    /* plan keeps everything: the one known, or a better one */
    bool finished; /* the whole tree was seen: plan is the best, or there is none */
    int64_t cost;  /* of plan, if found */
    int64_t bound; /* no plan costs less; WAVE_NEVER: there is none at all */
    unsigned nodes;
};

/* plan[groups]: see known; written when something better is found. */
int wave_exact_solve(const struct wave_problem *p, const struct wave_domain *d,
                     const struct wave_exact_spec *spec, uint32_t *plan, struct wave_exact *ret,
                     struct err *err);

#endif

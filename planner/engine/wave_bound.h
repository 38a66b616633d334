/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lower bound on every plan: limits are let go, and what is used of them is paid for at prices
 * (Lagrange multipliers). What is left is one minimum cut; the best prices give the best bound.
 */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_BOUND_H
#define GODWIT_PLANNER_ENGINE_WAVE_BOUND_H

#include "planner/engine/wave_domain.h"

struct wave_bound_spec {
    unsigned rounds; /* how often prices are set; more gives a better bound */
    int64_t above;   /* the cost of some plan, or a guess: it sets the length of the steps */
    bool enough;     /* a bound as high as `above` will do */
    double *price;   /* [resources * waves] to begin with, and the last; NULL: from zero */
};

struct wave_bound {
    int64_t value;  /* no plan in the domain costs less */
    uint32_t *plan; /* [groups] of the last cut: cheap, but over the limits as a rule; owned */
    double *mean;   /* [groups]: the mean wave of a group over the last cuts; owned */
};

/* d is narrowed and not empty. */
int wave_bound_find(const struct wave_problem *p, const struct wave_domain *d,
                    const struct wave_bound_spec *spec, struct wave_bound *ret, struct err *err);
void wave_bound_done(struct wave_bound *b);

#define auto_wave_bound __attribute__((cleanup(wave_bound_done)))

#endif

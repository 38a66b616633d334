/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In which waves a group can be at all: what is allowed, and what orders, aparts and the amounts
 * that surely fall into a window leave of it.
 */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_DOMAIN_H
#define GODWIT_PLANNER_ENGINE_WAVE_DOMAIN_H

#include "planner/engine/wave.h"

struct wave_domain {
    bool *may;              /* [groups * waves] */
    uint32_t *first, *last; /* [groups]: both may be */
    int64_t *sure;          /* [resources * waves]: what surely falls into a window */
    bool empty;             /* some group has no wave left: there is no plan */
};

/* Of the problem alone, and narrowed. */
int wave_domain_init(struct wave_domain *d, const struct wave_problem *p, struct err *err);
int wave_domain_copy(struct wave_domain *d, const struct wave_problem *p,
                     const struct wave_domain *from, struct err *err);
void wave_domain_done(struct wave_domain *d);

/* Take waves away that no plan can use, until none is left to take. */
void wave_domain_narrow(struct wave_domain *d, const struct wave_problem *p);

/* Only the waves of part; narrow after it. */
void wave_domain_keep(struct wave_domain *d, const struct wave_problem *p, size_t g,
                      struct wave_range part);

#define auto_wave_domain __attribute__((cleanup(wave_domain_done)))

#endif

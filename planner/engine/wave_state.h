/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan on which moves are tried: what one costs more, and how far it breaks limits, without
 * counting the rest again. Plans here may break limits and bonds, at a price.
 */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_STATE_H
#define GODWIT_PLANNER_ENGINE_WAVE_STATE_H

#include "planner/engine/wave_domain.h"
#include "planner/engine/wave_index.h"

struct wave_state {
    const struct wave_problem *p;
    const struct wave_domain *d;
    const struct wave_index *x;
    uint32_t *plan; /* [groups] */
    int64_t *slack; /* [resources * waves]: what is left in a window; negative: over */
    int64_t cost;
    size_t windows_over, bonds_broken;
    double *over_price; /* [resources * waves]: of a unit over the limit of a window */
    double bond_price;  /* of a bond that is broken, for each wave it is off */
};

struct wave_delta {
    int64_t cost;
    double price; /* of breaking more, or less */
};

/* Every group in its first wave; prices 1. */
int wave_state_init(struct wave_state *s, const struct wave_problem *p, const struct wave_domain *d,
                    const struct wave_index *x, struct err *err);
void wave_state_done(struct wave_state *s);

/* Begin again from plan, whose waves are all in the domain. */
void wave_state_set(struct wave_state *s, const uint32_t *plan);

/* What changes when g moves in `wave` in place of its own. */
struct wave_delta wave_state_try(const struct wave_state *s, uint32_t g, uint32_t wave);
void wave_state_move(struct wave_state *s, uint32_t g, uint32_t wave, int64_t cost);

static inline bool wave_state_keeps_all(const struct wave_state *s)
{
    return s->windows_over == 0 && s->bonds_broken == 0;
}

static inline bool wave_state_may(const struct wave_state *s, uint32_t g, uint32_t wave)
{
    return s->d->may[(size_t)g * s->p->waves + wave];
}

#endif

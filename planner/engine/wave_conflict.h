/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why there is no plan: a set of constraints that cannot all be kept, of which none can be left
 * out. Relaxing any one of them (by enough) resolves this contradiction.
 */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_CONFLICT_H
#define GODWIT_PLANNER_ENGINE_WAVE_CONFLICT_H

#include "planner/engine/wave_check.h"

struct wave_conflict {
    struct wave_fault *rules; /* owned. ALLOWED: all waves that are not allowed to the group */
    size_t n;
};

/*
 * By leaving constraints out while what remains is proved impossible. Where the proof does not
 * reach (large problems) more may be named than need be, never less.
 * -ENOENT: it was not proved that there is no plan.
 */
int wave_conflict_find(const struct wave_problem *p, struct wave_conflict *ret, struct err *err);
void wave_conflict_done(struct wave_conflict *c);

#define auto_wave_conflict __attribute__((cleanup(wave_conflict_done)))

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bound for problems of many waves that costs no more than sorting: what waiting costs alone.
 * Edges, orders and aparts are let go, and all limits but one; the rest is settled by rank, who
 * waits dearest first, whatever the number of waves.
 */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_RANK_H
#define GODWIT_PLANNER_ENGINE_WAVE_RANK_H

#include "planner/engine/wave_domain.h"

/* *ret: no plan costs less; of the limit that says most. -ENOMEM. */
int wave_rank_bound(const struct wave_problem *p, const struct wave_domain *d, int64_t *ret,
                    struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same groups over fewer waves, each a block of waves that follow each other. Every plan of the
 * problem is one of the merged problem that costs no more: what bounds that from below bounds both.
 */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_MERGE_H
#define GODWIT_PLANNER_ENGINE_WAVE_MERGE_H

#include "planner/engine/wave.h"

struct wave_merged {
    struct wave_problem p; /* edges and orders are lent by the problem that was merged */
    size_t block;          /* waves of a block; the last has what is left */
    int64_t *cost, *when, *limits;
    struct wave_resource *resources;
};

/* block >= 1. -ENOMEM. */
int wave_merge(const struct wave_problem *p, size_t block, struct wave_merged *ret,
               struct err *err);
void wave_merged_done(struct wave_merged *m);

#define auto_wave_merged __attribute__((cleanup(wave_merged_done)))

#endif

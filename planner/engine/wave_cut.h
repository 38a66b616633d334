/* SPDX-License-Identifier: Apache-2.0 */
/* Minimum cuts in one network, again and again as the worth of its nodes changes. */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_CUT_H
#define GODWIT_PLANNER_ENGINE_WAVE_CUT_H

#include "planner/engine/wave.h"

struct wave_cut;

/* Cutting between a (moved) and b (not moved) costs there, the other way round back. */
struct wave_cut_link {
    uint32_t a, b;
    int64_t there, back; /* 0..WAVE_NEVER; WAVE_NEVER: not at any price */
};

int wave_cut_new(size_t nodes, const struct wave_cut_link *links, size_t links_n,
                 struct wave_cut **ret, struct err *err);
void wave_cut_free(struct wave_cut *c);

/*
 * Choose for each node moved or not, to minimise the sum of gain over the moved and of the links
 * that are cut. ret_moved[nodes] is the smallest cheapest choice. Returns the minimum, exactly, but
 * for gains of +-WAVE_NEVER (not moved, moved), which count nothing. |gain| <= 4 * WAVE_VALUE_MAX.
 * The flow of the call before is the start of this one: small changes are cheap.
 */
int64_t wave_cut_solve(struct wave_cut *c, const int64_t *gain, bool *ret_moved);

static inline void auto_wave_cut_(struct wave_cut **c)
{
    wave_cut_free(*c);
}
#define auto_wave_cut __attribute__((cleanup(auto_wave_cut_)))

#endif

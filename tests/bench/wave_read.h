/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances of the wave problem as text:
 *
 *   G W E P A day bandwidth ratecap     groups, waves, edges, orders, aparts, days per wave, GB/day
 *   cap[0..W-1]                         team effort of each wave
 *   G lines: effort data rate L[0..W-1] GB, GB/day, cost of each wave (1e18: not allowed)
 *   E lines: i j c                      cost of a day that i and j are on different sides
 *   P lines: first second
 *   A lines: i j
 *
 * All numbers become integers, in millionths.
 */
#ifndef GODWIT_TESTS_BENCH_WAVE_READ_H
#define GODWIT_TESTS_BENCH_WAVE_READ_H

#include "planner/engine/wave.h"

enum { WAVE_READ_UNIT = 1000000 };

struct wave_instance {
    struct wave_problem p; /* points into what follows */
    int64_t *cost, *when, *amounts, *limits;
    struct wave_edge *edges;
    struct wave_pair *orders, *aparts;
    struct wave_resource resources[3];
};

/* -EINVAL: no such instance. */
int wave_read(const char *path, struct wave_instance *ret, struct err *err);
void wave_read_done(struct wave_instance *w);

#endif

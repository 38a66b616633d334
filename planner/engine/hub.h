/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts that talk to everybody: what they serve has to stay reachable, with whom says nothing. */
#ifndef GODWIT_PLANNER_ENGINE_HUB_H
#define GODWIT_PLANNER_ENGINE_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct graph;

enum { HUB_DEGREE = 60, HUB_MEDIANS = 10 };

/* Mark in ret_hub [nodes] what has more than max(HUB_DEGREE, HUB_MEDIANS x median) neighbours. */
int hub_suspect(const struct graph *g, bool *ret_hub, size_t *ret_n, struct err *err);

/*
 * Clear the marks of those whose neighbours are in few groups: participation, 1 less the squares
 * of each group's share of the neighbours, is at most 0.8. of [nodes] is below nodes.
 */
int hub_confirm(const struct graph *g, const uint32_t *of, bool *hub, size_t *ret_n,
                struct err *err);

#endif

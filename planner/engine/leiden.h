/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Communities by the Leiden algorithm (Traag, Waltman and van Eck, 2019) with the constant Potts
 * model: the weight inside is maximised, less resolution for each pair of hosts put together.
 * Whole numbers and a fixed order: the same graph gives the same communities everywhere.
 */
#ifndef GODWIT_PLANNER_ENGINE_LEIDEN_H
#define GODWIT_PLANNER_ENGINE_LEIDEN_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct graph;

/*
 * ret_label  [nodes]; communities are numbered by their first node, 0, 1, ...
 * resolution in units of the weights (GRAPH_ONE).
 * Every community is connected. -EINVAL: resolution below 1; -ENOMEM.
 */
int leiden_find(const struct graph *g, int64_t resolution, uint32_t *ret_label, size_t *ret_n,
                struct err *err);

/* Weight inside less resolution for each pair: what leiden_find makes large. */
int64_t leiden_quality(const struct graph *g, int64_t resolution, const uint32_t *label);

#endif

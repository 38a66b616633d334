/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The problem without its resources as one minimum cut: a node for each group and each boundary
 * between two waves that it may be in, "moved by then".
 */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_LAYERS_H
#define GODWIT_PLANNER_ENGINE_WAVE_LAYERS_H

#include "planner/engine/wave_cut.h"
#include "planner/engine/wave_domain.h"

struct wave_layers {
    size_t nodes;
    uint32_t *start; /* [groups + 1]: the nodes of a group, in the order of their waves */
    uint32_t *wave;  /* [nodes]: the last wave before the boundary */
    int64_t *edges;  /* [nodes]: what the edges to groups of one side only add to moving it */
    int64_t fixed;   /* and what they cost anyway */
    struct wave_cut_link *links;
    size_t links_n;
};

int wave_layers_init(struct wave_layers *l, const struct wave_problem *p,
                     const struct wave_domain *d, struct err *err);
void wave_layers_done(struct wave_layers *l);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who talks to whom, as a graph of whole numbers: nodes with a size, edges with a weight, every
 * edge seen from both ends. Edges may come in any order, several times and from either end: the
 * graph is the same.
 */
#ifndef GODWIT_PLANNER_ENGINE_GRAPH_H
#define GODWIT_PLANNER_ENGINE_GRAPH_H

#include "base/auto.h"

#include <stddef.h>
#include <stdint.h>

struct err;

enum { GRAPH_NODES_MAX = 1 << 20, GRAPH_WEIGHT_BITS = 10 };
/* A weight of 1. */
#define GRAPH_ONE ((int64_t)1 << GRAPH_WEIGHT_BITS)

struct graph_edge {
    uint32_t a, b;
    int64_t weight; /* at least 0 */
};

struct graph {
    size_t nodes;
    uint32_t *size;  /* [nodes] */
    size_t *first;   /* [nodes + 1], into what follows */
    uint32_t *other; /* rising for each node */
    int64_t *weight;
};

/* log2(v) in 2^-16, of integers alone; v at least 1. */
uint64_t graph_log2(uint64_t v);

/* log1p(bytes)^3 in units of 1 / GRAPH_ONE, of integers alone: the same on every machine. */
int64_t graph_weight_of(uint64_t bytes);

/*
 * size NULL: all 1. Edges are sorted in place; loops are left out.
 * -EINVAL: an end or a weight out of range; -EFBIG above GRAPH_NODES_MAX; -ENOMEM.
 */
int graph_build(size_t nodes, const uint32_t *size, struct graph_edge *edges, size_t n,
                struct graph *ret, struct err *err);

/* One node for each label (0 .. labels - 1): sizes and weights are added. */
int graph_contract(const struct graph *g, const uint32_t *label, size_t labels, struct graph *ret,
                   struct err *err);
void graph_done(struct graph *g);
#define auto_graph AUTO(graph_done)

#endif

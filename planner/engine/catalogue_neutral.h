/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes of no provider, for who has no price list at hand: 1 to 128 vCPUs with 2, 4 and 8 GiB
 * each, of either architecture, and some with GPUs. Their "prices" are weights without a currency,
 * so that the smallest is the cheapest: 0.036 for a vCPU and 0.0033 for a GiB, as clouds weigh
 * them; Arm 20% less; 1 for a GPU.
 */
#ifndef GODWIT_PLANNER_ENGINE_CATALOGUE_NEUTRAL_H
#define GODWIT_PLANNER_ENGINE_CATALOGUE_NEUTRAL_H

struct catalogue;
struct err;

/* The caller's, for catalogue_done. currency is "". -ENOMEM. */
int catalogue_neutral(struct catalogue *ret, struct err *err);

#endif

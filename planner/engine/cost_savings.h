/* SPDX-License-Identifier: Apache-2.0 */
/* What a bill says of each day in the cloud, for a plan to weigh. */
#ifndef GODWIT_PLANNER_ENGINE_COST_SAVINGS_H
#define GODWIT_PLANNER_ENGINE_COST_SAVINGS_H

struct err;
struct js;

/*
 * The godwit.plan-input/1 with saving_per_day for every workload that a godwit.cost/1 has: a month
 * of staying less a month once gone, by day. What the input says itself stays. -EINVAL: cost is
 * none.
 */
int cost_savings(const struct js *input, const struct js *cost, struct js **ret, struct err *err);

#endif

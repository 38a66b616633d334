/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which workloads gain from running on both sides for a peak, and what that needs: a data path for
 * what their added machines talk to, licences, an owner who says that they scale. Pure.
 */
#ifndef GODWIT_PLANNER_ENGINE_BURST_H
#define GODWIT_PLANNER_ENGINE_BURST_H

struct catalogue;
struct err;
struct estate;
struct js;

struct burst_policy {
    double peak; /* how much higher than the week's highest hour the peak is: 1 = that hour */
    double gain; /* the peak by the week's mean from which on it is worth asking */
};

/* A godwit.burst/1 document (docs/cost.md). catalogue: what the added machines cost; or NULL. */
int burst_compute(const struct estate *e, const struct burst_policy *policy,
                  const struct catalogue *catalogue, struct js **ret, struct err *err);

#endif

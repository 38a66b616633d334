/* SPDX-License-Identifier: Apache-2.0 */
/* What a host of an estate needs, and the shape it would have. */
#ifndef GODWIT_PLANNER_ENGINE_HOST_FIT_H
#define GODWIT_PLANNER_ENGINE_HOST_FIT_H

#include "planner/engine/shape.h"

struct estate_host;

/* Tagged so: "critical", or "criticality" with "high" or "critical". */
bool host_fit_is_critical(const struct estate_host *h);
/* Its software runs on Arm: tagged "arm" with "yes", an Arm machine already, or all that was
 * recognised on it is built for Arm and no tag says "no". */
bool host_fit_runs_on_arm(const struct estate_host *h);

/* What it needs; what was not measured is taken as it is. */
struct size_need host_fit_need(const struct size_policy *policy, const struct estate_host *h);

/* -ENODATA: its cores or memory are not known; -ENOENT: nothing fits. err says why. */
int host_fit_shape(const struct size_policy *policy, const struct catalogue *c,
                   const struct estate_host *h, struct shape_choice *ret, struct err *err);

/* Bytes on its disks: used where that is known, else their size. */
uint64_t host_fit_data(const struct estate_host *h);

#endif

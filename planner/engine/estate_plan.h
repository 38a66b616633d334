/* SPDX-License-Identifier: Apache-2.0 */
/* A fleet as the input of a plan: groups are workloads, disks are volumes, talks are traffic. */
#ifndef GODWIT_PLANNER_ENGINE_ESTATE_PLAN_H
#define GODWIT_PLANNER_ENGINE_ESTATE_PLAN_H

#include <stdint.h>

struct err;
struct estate;
struct estate_groups;
struct js;

/*
 * godwit.plan-input/1 of a settled estate and its groups, at now_ms; no calendars. Hubs are
 * workloads of their own, hypervisors none. What is not known of a workload's disks makes it
 * "unseen". -ENOMEM.
 */
int estate_plan_input(const struct estate *e, const struct estate_groups *g, uint64_t now_ms,
                      struct js **ret, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A fleet whose hosts all have a workload: that of their group. */
#ifndef GODWIT_PLANNER_ENGINE_ESTATE_GROUPED_H
#define GODWIT_PLANNER_ENGINE_ESTATE_GROUPED_H

struct err;
struct estate;

/*
 * Name the workload of every host but hypervisors as its group is named (a hub is its own), and
 * settle again: what is told of workloads then is of those that a plan moves. e is settled.
 */
int estate_grouped(struct estate *e, struct err *err);

#endif

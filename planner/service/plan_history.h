/* SPDX-License-Identifier: Apache-2.0 */
/* What the seeds of past waves have taken beside what was planned: history[] of the plan's input.
 */
#ifndef GODWIT_PLANNER_SERVICE_PLAN_HISTORY_H
#define GODWIT_PLANNER_SERVICE_PLAN_HISTORY_H

#include "planner/service/service.h"

/*
 * Write "history" into the open object: the waves of the plans applied last whose workloads are all
 * seeded, each with planned_s and took_s, from the first start to the last that was ready.
 */
int plan_history_write(struct service *svc, struct jsw *w, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One device belongs to one workload: two that write it would destroy each other's data. */
#ifndef GODWIT_PLANNER_SERVICE_WORKLOAD_DEVICE_H
#define GODWIT_PLANNER_SERVICE_WORKLOAD_DEVICE_H

#include "planner/service/workload.h"

/*
 * Absolute, and written in the one way that compares as text: no "//", "/./", "/../", no '/' at the
 * end. Links are not seen from here: the agent looks at what the path leads to.
 */
bool workload_device_is_normal(const char *path);

/*
 * -EINVAL (GW_BAD_WORKLOAD) when another workload, which is not released, names one of w's devices
 * on the same host, on whichever side; err names both.
 */
int workload_device_check(struct service *svc, const struct workload *w, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* godwit.status/1: what people are told about a workload. Pure: from a view and its gate. */
#ifndef GODWIT_PLANNER_SERVICE_STATUS_H
#define GODWIT_PLANNER_SERVICE_STATUS_H

#include "planner/service/workload_view.h"

/* One word for the workload ("dual-run") and for a volume ("in sync"). */
const char *status_workload_state(const struct workload_view *v);
/* Does an agent of it report that it cannot read who owns the workload? */
bool status_record_damaged(const struct workload_view *v);
const char *status_volume_state(const struct workload_view *v,
                                const struct workload_view_volume *at);
/* Its holder's agent says that it does not converge. */
bool status_diverges(const struct workload_view_volume *at);
/* Consistent points were asked for, and there is none that is fresh. */
bool status_points_late(const struct workload_view *v, const struct workload_view_volume *at);
/* How much of a volume the other side has, 0 to 1. */
double status_done(const struct workload_view_volume *at);

/* One item of the status, as an element of the open array. */
void status_write(const struct workload_view *v, const struct gate_result *gate, struct jsw *w);

#endif

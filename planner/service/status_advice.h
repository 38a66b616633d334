/* SPDX-License-Identifier: Apache-2.0 */
/* What the status warns of, and what it says to do next. */
#ifndef GODWIT_PLANNER_SERVICE_STATUS_ADVICE_H
#define GODWIT_PLANNER_SERVICE_STATUS_ADVICE_H

#include "planner/service/workload_view.h"

/* Member "warnings": [{"text", "next": [command…]}]. */
void status_advice_warnings(const struct workload_view *v, struct jsw *w);
/* Member "next": {"text", "command"}. */
void status_advice_next(const struct workload_view *v, const struct gate_result *gate,
                        struct jsw *w);

#endif

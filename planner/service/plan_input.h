/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine gets: godwit.plan-input/1, assembled from the database. */
#ifndef GODWIT_PLANNER_SERVICE_PLAN_INPUT_H
#define GODWIT_PLANNER_SERVICE_PLAN_INPUT_H

#include "planner/service/service.h"

/* FRESH: as if no plan had been applied, so that none has to be kept to. NO_HISTORY: for comparing
 * with a plan; what past seeds took is read from every plan that was applied. */
enum plan_input_flags { PLAN_INPUT_FRESH = 1, PLAN_INPUT_NO_HISTORY = 2 };

/* Write its members into the open root object. link_bytes_per_s 0 = what is configured. */
int plan_input_write(struct service *svc, uint64_t link_bytes_per_s, unsigned flags, struct jsw *w,
                     struct err *err);

#endif

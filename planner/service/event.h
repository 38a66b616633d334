/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail: who did what to which object, appended in the transaction of the change itself.
 */
#ifndef GODWIT_PLANNER_SERVICE_EVENT_H
#define GODWIT_PLANNER_SERVICE_EVENT_H

#include "planner/service/service.h"

/* (Not event_add: libevent has that name.) kind "host.enrolled", "op.step", …; who as api_call.who
 * or "planner"; object a workload, host or op. Wakes topic "events". */
int event_note(struct service *svc, const char *kind, const char *who, const char *object,
               struct err *err, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

#endif

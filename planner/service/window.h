/* SPDX-License-Identifier: Apache-2.0 */
/* Calendars: when cutovers may be. Windows allow, blackouts forbid; no window at all allows. */
#ifndef GODWIT_PLANNER_SERVICE_WINDOW_H
#define GODWIT_PLANNER_SERVICE_WINDOW_H

#include "planner/service/service.h"

/* Why no cutover may begin at wall_ms, or "" in out. */
int window_closed(struct service *svc, uint64_t wall_ms, char *out, size_t size, struct err *err);

/* Does the engine understand it? -EINVAL (GW_BAD_CALENDAR). */
int window_check(const char *ical, struct err *err);

#endif

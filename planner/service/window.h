/* SPDX-License-Identifier: Apache-2.0 */
/* Calendars: when cutovers may be. Windows allow, blackouts forbid; no window at all allows. */
#ifndef GODWIT_PLANNER_SERVICE_WINDOW_H
#define GODWIT_PLANNER_SERVICE_WINDOW_H

#include "planner/service/service.h"

/* Why no cutover may begin at wall_ms, or "" in out. */
int window_closed(struct service *svc, uint64_t wall_ms, char *out, size_t size, struct err *err);

/* The stored calendars changed: read them again when next asked. */
void window_forget(struct service *svc);

#endif

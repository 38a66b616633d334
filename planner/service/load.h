/* SPDX-License-Identifier: Apache-2.0 */
/* How hard hosts work, kept: raw reports of an hour, points of 48 hours, hourly histograms. */
#ifndef GODWIT_PLANNER_SERVICE_LOAD_H
#define GODWIT_PLANNER_SERVICE_LOAD_H

#include "planner/service/service.h"

struct rollup_hist;

/* A godwit.utilisation/1 of identity (null is fine), inside the caller's transaction. -EINVAL. */
int load_take(struct service *svc, const char *identity, const struct js *doc, struct err *err);

/* Drop what is older than its time. */
int load_forget(struct service *svc, struct err *err);

/* Everything kept about one series, hours since since_ms merged, the open one included. */
int load_hist(struct service *svc, const char *identity, const char *metric, const char *subject,
              uint64_t since_ms, struct rollup_hist *ret, struct err *err);

/* Members "raw", "five_minutes" and "hours" of the open object. */
int load_write(struct service *svc, const char *identity, struct jsw *w, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent tells the planner unasked: inventory at the start, hourly and on change,
 * utilisation each minute, replication when it changes and at least each minute. */
#ifndef GODWIT_AGENT_REPORT_H
#define GODWIT_AGENT_REPORT_H

#include "agent/agent.h"

struct buf;
struct report;

int report_new(struct agent *a, struct report **ret, struct err *err);
void report_free(struct report *r); /* joins its thread; agent->stop is set */
int report_start(struct report *r, struct err *err);
/* One report of everything. Only while no thread was started. */
int report_once(struct report *r, struct err *err);

/* godwit.inventory/1 of this host, appended to out; needs no planner and no state. */
int report_inventory(const struct clock *clock, struct buf *out, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A godwit.cost/1 document as tables: by month, workload, head or machine. */
#ifndef GODWIT_CLI_COST_VIEW_H
#define GODWIT_CLI_COST_VIEW_H

#include "cli/out.h"

int cost_view_months(struct out *o, const struct js *doc, struct table *t, struct err *err);
int cost_view_workloads(struct out *o, const struct js *doc, struct table *t, struct err *err);
int cost_view_heads(struct out *o, const struct js *doc, struct table *t, struct err *err);
int cost_view_machines(struct out *o, const struct js *doc, struct table *t, struct err *err);
/* Of one workload alone: its heads. */
int cost_view_workload(struct out *o, const struct js *doc, struct table *t, struct err *err);
int cost_view_rates(struct out *o, const struct js *doc, struct table *t, struct err *err);

#endif

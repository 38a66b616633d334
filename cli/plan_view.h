/* SPDX-License-Identifier: Apache-2.0 */
/* A godwit.plan/1 as a table of its waves. */
#ifndef GODWIT_CLI_PLAN_VIEW_H
#define GODWIT_CLI_PLAN_VIEW_H

#include "cli/out.h"

int plan_view_waves(struct out *o, const struct js *plan, struct table *t, struct err *err);

#endif

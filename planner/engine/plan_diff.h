/* SPDX-License-Identifier: Apache-2.0 */
/* What is different from one plan to the next, and why. Pure. */
#ifndef GODWIT_PLANNER_ENGINE_PLAN_DIFF_H
#define GODWIT_PLANNER_ENGINE_PLAN_DIFF_H

#include "base/js.h"

struct err;

/*
 * was and is are godwit.plan/1; input is what `is` was computed from, or NULL (then no blackout is
 * named). *ret is a godwit.plan-diff/1 (docs/planner.md), the same for the same documents.
 * -EINVAL: one of them is no plan.
 */
int plan_diff(const struct js *was, const struct js *is, const struct js *input, struct js **ret,
              struct err *err);

#endif

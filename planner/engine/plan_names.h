/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a plan names, and where: found by name, however large the plan is. Internal to plan_*.c. */
#ifndef GODWIT_PLANNER_ENGINE_PLAN_NAMES_H
#define GODWIT_PLANNER_ENGINE_PLAN_NAMES_H

#include "base/js.h"

struct err;

struct plan_named {
    const char *name;
    const struct js *wave; /* NULL: it is among the unplaced */
    const struct js *doc;
};

struct plan_names {
    size_t n;
    struct plan_named *rows; /* owned, by name; what they point to is lent by the document */
};

/* Of a godwit.plan/1, or the workloads of a godwit.plan-input/1 (all without a wave). */
int plan_names_load(const struct js *doc, struct plan_names *ret, struct err *err);
void plan_names_done(struct plan_names *names);
/* NULL when there is none of that name. */
const struct plan_named *plan_names_find(const struct plan_names *names, const char *name);

#define auto_plan_names AUTO(plan_names_done)

#endif

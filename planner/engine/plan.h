/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What moves when: workloads into waves, waves onto the calendar. Pure: no clock, no I/O, and the
 * same input gives the same bytes.
 *
 * Input `godwit.plan-input/1`:
 *   {"now": T, "link_bytes_per_s": N,
 *    "calendars": [{"name", "kind": "window"|"blackout", "calendar": iCalendar text}],
 *    "workloads": [{"workload", "hosts": [NAME…], "depends": [NAME…], "wave": N|null (a pin),
 * "planned_wave": N|null (where the plan in force has it: it stays if it can), "moved": bool,
 * "volumes": [{"volume", "size_bytes", "remaining_bytes", "write_bytes_per_s",
 * "write_peak_bytes_per_s"}]}]} Policy `godwit.policy/1`, every member optional:
 *   {"link_share": 0.8, "max_hosts_per_wave": 10, "max_bytes_per_wave": 0,
 * "max_workloads_per_wave": 20, "pilot": true, "soak_s": 86400, "cutover_s": 3600, "horizon_days":
 * 365, "dual_run_days": 14} Output `godwit.plan/1`: docs/planner.md.
 */
#ifndef GODWIT_PLANNER_ENGINE_PLAN_H
#define GODWIT_PLANNER_ENGINE_PLAN_H

#include "base/js.h"

struct err;

enum { PLAN_WORKLOADS_MAX = 20000, PLAN_VOLUMES_MAX = 64, PLAN_WAVES_MAX = 1000, PLAN_ID_LEN = 8 };

/*
 * Compute the plan. ret is a godwit.plan/1 with "id" (PLAN_ID_LEN hex digits of the SHA-256 of the
 * rest). -EINVAL: GW_BAD_DOCUMENT, GW_BAD_CALENDAR, or GW_PLAN_IMPOSSIBLE for a cycle of
 * dependencies, which is named. What cannot be placed is not an error: it is in "unplaced" with its
 * reason and what would make it fit.
 */
int plan_compute(const struct js *input, const struct js *policy, struct js **ret, struct err *err);

/* The part of a plan that explains workload, as godwit.plan-explain/1. -ENOENT. */
int plan_explain(const struct js *plan, const char *workload, struct js **ret, struct err *err);

/* What of plan would come out otherwise now: NULL when nothing, else a text for people. Owned.
 * Compares workloads, volumes, link, calendars. */
int plan_stale(const struct js *plan, const struct js *input, char **ret_why, struct err *err);

/*
 * input as it was, but with every workload told where plan has it ("planned_wave"): what is
 * computed from it moves only what has to move. -EINVAL: plan is no godwit.plan/1.
 */
int plan_rebase(const struct js *input, const struct js *plan, struct js **ret, struct err *err);

#endif

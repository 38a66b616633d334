/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The switch machine: moves the right to write of a workload from one side to the other.
 *
 * Every step is a row before it acts, so a planner killed anywhere goes on where it was
 * (switch_resume). The same machine, sides swapped, is the rollback. docs/control-plane.md,
 * section 5.
 */
#ifndef GODWIT_PLANNER_SERVICE_SWITCH_H
#define GODWIT_PLANNER_SERVICE_SWITCH_H

#include "planner/service/service.h"

struct switcher;

int switch_new(struct service *svc, struct switcher **ret, struct err *err);
void switch_free(struct switcher *s);
/* Take up every operation that is not ended. Call once, after the loop is ready. */
int switch_resume(struct switcher *s, struct err *err);
/* An order of operation op was answered or the vault replied: look again. */
void switch_poke(struct switcher *s, const char *op);

/* Routes of operations (POST …/cutover and so on, GET /v1/ops…), rows of routes[]. */
void api_workload_cutover(struct api_call *call);
void api_workload_rollback(struct api_call *call);
void api_workload_finalize(struct api_call *call);
void api_workload_test(struct api_call *call);
void api_ops_list(struct api_call *call);
void api_ops_show(struct api_call *call);
void api_ops_abort(struct api_call *call);

#endif

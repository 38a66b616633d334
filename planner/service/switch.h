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
#include "planner/service/switch_plan.h"

struct db_op;
struct switcher;

int switch_new(struct service *svc, struct switcher **ret, struct err *err);
void switch_free(struct switcher *s);
/* Take up every operation that is not ended. Call once, after the loop is ready. */
int switch_resume(struct switcher *s, struct err *err);
/* Something that operation op waits for may have happened: look again. */
void switch_poke(struct switcher *s, const char *op);

/* What an operator asks for. */
struct switch_ask {
    enum switch_kind kind;
    const char *workload;
    const char *who;
    const char *request_id; /* the same one gives the same operation; or NULL */
    const struct js *args;  /* {"max_lag_s", "max_downtime_s"} or NULL */
};
/*
 * Open an operation and begin it. ret is the operation as it stands then.
 * -ENOENT; -EBUSY (GW_SWITCH_OPEN, names who and since when); -EEXIST (GW_API_CONFLICT) the
 * request_id is that of another request.
 */
int switch_begin(struct switcher *s, const struct switch_ask *ask, struct db_op *ret,
                 struct err *err);
/* -ENOENT; -EBUSY once decided; 0 also when it was asked before. */
int switch_abort(struct switcher *s, const char *op, const char *who, struct err *err);

/* An operator has looked after what ended halfway: its workload needs nobody any more. -ENOENT;
 * -EBUSY when it did not end so; 0 also when it was said before. */
int switch_resolve(struct service *svc, const char *op, const char *who, struct err *err);

/* A step that is only repeated does not end: the operation says so from now on, once. why (code 0 =
 * no answer in time) is its cause. op is as the database has it, and changed with it. */
int switch_call_operator(struct service *svc, struct db_op *op, const struct err *why,
                         struct err *err);

/* Routes of operations (POST …/cutover and so on, GET /v1/ops…), rows of routes[]. */
void api_workload_cutover(struct api_call *call);
void api_workload_rollback(struct api_call *call);
void api_workload_finalize(struct api_call *call);
void api_workload_test(struct api_call *call);
void api_ops_list(struct api_call *call);
void api_ops_show(struct api_call *call);
void api_ops_abort(struct api_call *call);
void api_ops_resolve(struct api_call *call);

#endif

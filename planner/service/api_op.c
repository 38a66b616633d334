/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of operations: open one, watch it, ask for its abort. */
#include "base/num.h"
#include "base/text.h"
#include "planner/service/api.h"
#include "planner/service/db_op.h"
#include "planner/service/gate.h"
#include "planner/service/hub.h"
#include "planner/service/switch.h"
#include "planner/service/switch_step.h"
#include "planner/service/workload.h"

#include <stdio.h>

#include "base/banned.h"

static void reply_op(struct api_call *call, const struct db_op *op, int status)
{
    auto_jsw struct jsw *w = NULL;
    struct err err = {0};
    int r = jsw_new(&w, &err);

    if (r == 0) {
        jsw_document(w, "godwit.op/1", clock_wall_ms(call->service->clock));
        r = db_op_write(call->service, op, w, &err);
    }
    if (r < 0) {
        api_fail(call, &err);
        return;
    }
    jsw_end(w);
    api_reply(call, status, w);
}

static int read_limits(struct api_call *call, struct gate_limits *ret, struct err *err)
{
    int r = api_body_u64(call->body, "max_lag_s", 0, &ret->max_lag_s, err);

    return r < 0 ? r : api_body_u64(call->body, "max_downtime_s", 0, &ret->max_downtime_s, err);
}

/* What the precheck of such an operation would say now. */
static int foresee(struct api_call *call, enum switch_kind kind, struct gate_result *ret,
                   struct err *err)
{
    auto_workload struct workload *w = NULL;
    struct gate_limits limits = {0};
    const char *refusal;
    int r = read_limits(call, &limits, err);

    if (r == 0)
        r = workload_load(call->service, call->param[0], &w, err);
    if (r < 0)
        return r;
    *ret = (struct gate_result){.open = true};
    if (switch_step_gated(kind))
        r = gate_check(call->service, call->param[0], &limits, ret, err);
    refusal = switch_step_refusal(call->service, w, kind);
    if (r == 0 && refusal)
        gate_refuse(ret, switch_plan_kind_name(kind), refusal);
    return r;
}

/* What a dry run answers: the gate as it is, nothing written. */
static void reply_gate(struct api_call *call, enum switch_kind kind)
{
    auto_jsw struct jsw *w = NULL;
    struct gate_result gate;
    struct err err = {0};
    int r = foresee(call, kind, &gate, &err);

    if (r == 0)
        r = jsw_new(&w, &err);
    if (r < 0) {
        api_fail(call, &err);
        return;
    }
    jsw_document(w, "godwit.gate/1", clock_wall_ms(call->service->clock));
    jsw_str(w, "workload", call->param[0]);
    gate_write(&gate, w, "gate");
    jsw_f64(w, "expected_downtime_s", gate.expected_downtime_s);
    jsw_end(w);
    api_reply(call, 200, w);
}

/* The operator's limits, as the operation keeps them. */
static int limits_of(struct api_call *call, struct js **ret, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    struct gate_limits limits = {0};
    int r = read_limits(call, &limits, err);

    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    if (limits.max_lag_s > 0)
        jsw_u64(w, "max_lag_s", limits.max_lag_s);
    if (limits.max_downtime_s > 0)
        jsw_u64(w, "max_downtime_s", limits.max_downtime_s);
    jsw_end(w);
    return jsw_take(w, ret, err);
}

static int check_confirm(struct api_call *call, enum switch_kind kind, struct err *err)
{
    if (kind == SWITCH_TEST || text_equal(js_str(call->body, "confirm", NULL), call->param[0]))
        return 0;
    return err_set_gw(err, GW_NEEDS_CONFIRM, -EINVAL, "%s of '%s' needs \"confirm\": \"%s\"",
                      switch_plan_kind_name(kind), call->param[0], call->param[0]);
}

static void begin(struct api_call *call, enum switch_kind kind)
{
    auto_js struct js *args = NULL;
    const char *request_id = NULL;
    struct db_op op;
    struct err err = {0};
    int r = check_confirm(call, kind, &err);

    if (api_is_dry_run(call)) {
        reply_gate(call, kind);
        return;
    }
    if (r == 0)
        r = api_request_id(call, &request_id, &err);
    if (r == 0)
        r = limits_of(call, &args, &err);
    if (r == 0)
        r = switch_begin(call->service->switcher,
                         &(struct switch_ask){.kind = kind,
                                              .workload = call->param[0],
                                              .who = call->who,
                                              .request_id = request_id,
                                              .args = args},
                         &op, &err);
    if (r < 0)
        api_fail(call, &err);
    else
        reply_op(call, &op, 202);
}

void api_workload_cutover(struct api_call *call)
{
    begin(call, SWITCH_CUTOVER);
}

void api_workload_rollback(struct api_call *call)
{
    begin(call, SWITCH_ROLLBACK);
}

void api_workload_finalize(struct api_call *call)
{
    begin(call, SWITCH_FINALIZE);
}

void api_workload_test(struct api_call *call)
{
    begin(call, SWITCH_TEST);
}

struct list {
    struct service *svc;
    struct jsw *w;
    struct err *err;
    uint64_t n;
    char last[DB_OP_ID_MAX];
};

static int list_one(void *arg, const struct db_op *op)
{
    struct list *list = arg;
    int r;

    jsw_obj(list->w, NULL);
    r = db_op_write(list->svc, op, list->w, list->err);
    jsw_end(list->w);
    list->n++;
    (void)text_copy(list->last, sizeof(list->last), op->id);
    return r;
}

void api_ops_list(struct api_call *call)
{
    struct err err = {0};
    struct list list = {.svc = call->service, .err = &err};
    struct api_page page = {0};
    int r = api_page(call, &page, &err);

    if (r == 0)
        r = api_document(call, "godwit.ops/1", &list.w, &err);
    if (r == 0) {
        jsw_arr(list.w, "items");
        r = db_op_each(call->service,
                       &(struct db_op_page){.workload = httpd_query(call->request, "workload"),
                                            .after = page.after,
                                            .limit = page.limit},
                       list_one, &list, &err);
        jsw_end(list.w);
        jsw_str(list.w, "next", list.n == page.limit ? list.last : NULL);
    }
    api_finish(call, r, 200, list.w, &err);
}

/* With ?after=VERSION&wait=S: answered once the version is above, the operation has ended, or the
 * time is up. */
void api_ops_show(struct api_call *call)
{
    const char *after = httpd_query(call->request, "after");
    uint64_t version = 0, wait_ms = api_may_wait_ms(call);
    char topic[DB_OP_ID_MAX + 8];
    struct db_op op;
    struct err err = {0};
    int r = db_op_load(call->service, call->param[0], &op, &err);

    if (r == 0 && after)
        r = num_parse_u64(after, 0, INT64_MAX, &version, &err);
    if (r == 0 && after && op.version <= version && op.ended_ms == 0 && wait_ms > 0) {
        snprintf(topic, sizeof(topic), "op:%s", op.id);
        r = hub_wait(call->service->hub, call, api_ops_show, topic, wait_ms, &err);
        if (r == 0)
            return;
    }
    if (r < 0)
        api_fail(call, &err);
    else
        reply_op(call, &op, 200);
}

/* The operation as it is after r. */
static void reply_changed(struct api_call *call, int r, int status, struct err *err)
{
    struct db_op op;

    if (r == 0)
        r = db_op_load(call->service, call->param[0], &op, err);
    if (r < 0)
        api_fail(call, err);
    else
        reply_op(call, &op, status);
}

void api_ops_abort(struct api_call *call)
{
    struct err err = {0};
    int r = 0;

    if (!api_is_dry_run(call))
        r = switch_abort(call->service->switcher, call->param[0], call->who, &err);
    reply_changed(call, r, 202, &err);
}

void api_ops_resolve(struct api_call *call)
{
    struct err err = {0};
    int r = 0;

    if (!api_is_dry_run(call))
        r = switch_resolve(call->service, call->param[0], call->who, &err);
    reply_changed(call, r, 200, &err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What people ask of the machine: a new operation, an abort, and that a halfway end was looked
 * after. Each is one transaction. */
#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"
#include "planner/service/event.h"
#include "planner/service/switch_priv.h"

#include "base/banned.h"

static int fill_op(const struct switch_ask *ask, struct db_op *op, struct err *err)
{
    auto_buf struct buf args = {0};
    int r = 0;

    *op = (struct db_op){.at = {.kind = ask->kind, .step = STEP_PRECHECK}};
    if (ask->args)
        r = js_print(ask->args, true, false, &args, err);
    if (r < 0)
        return r;
    if (text_copy(op->workload, sizeof(op->workload), ask->workload) < 0 ||
        text_copy(op->who, sizeof(op->who), ask->who) < 0 ||
        text_copy(op->request_id, sizeof(op->request_id), ask->request_id ? ask->request_id : "") <
            0 ||
        text_copy(op->args, sizeof(op->args), args.len ? buf_cstr(&args) : "{}") < 0)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL,
                          "the request is longer than an operation keeps");
    return 0;
}

static int create_op(struct switcher *s, struct db_op *op, struct err *err)
{
    auto_workload struct workload *w = NULL;
    struct step_run run = {.svc = s->svc, .op = op};
    int r = workload_load(s->svc, op->workload, &w, err);

    if (r < 0)
        return r;
    run.workload = w;
    op->holder = w->holder;
    op->epoch = w->epoch;
    op->started_ms = clock_wall_ms(s->svc->clock);
    r = db_op_create(s->svc, op, err);
    return r < 0 ? r : switch_begin_step(&run, op->at, err);
}

/* 1: this very request was answered before, with *ret. */
static int find_same(struct service *svc, const struct db_op *wanted, struct db_op *ret,
                     struct err *err)
{
    struct db_op op;
    int r = wanted->request_id[0] ? db_op_by_request(svc, wanted->request_id, &op, NULL) : -ENOENT;

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return err_set(err, r, "looking for request '%s': %m", wanted->request_id);
    if (op.at.kind != wanted->at.kind || !text_equal(op.workload, wanted->workload) ||
        !text_equal(op.who, wanted->who) || !text_equal(op.args, wanted->args))
        return err_set_gw(err, GW_API_CONFLICT, -EEXIST,
                          "request_id '%s' was used for another request: %s of '%s', %s",
                          wanted->request_id, switch_plan_kind_name(op.at.kind), op.workload,
                          op.id);
    *ret = op;
    return 1;
}

int switch_begin(struct switcher *s, const struct switch_ask *ask, struct db_op *ret,
                 struct err *err)
{
    struct db_op op;
    int r = fill_op(ask, &op, err);

    if (r == 0)
        r = find_same(s->svc, &op, ret, err);
    if (r != 0)
        return r < 0 ? r : 0;
    r = db_begin(s->svc->db, err);
    if (r < 0)
        return r;
    r = create_op(s, &op, err);
    if (r == 0)
        r = db_commit(s->svc->db, err);
    if (r < 0) {
        db_rollback(s->svc->db);
        return r;
    }
    if (!switch_add_open(s, op.id))
        return err_set(err, -ENOMEM,
                       "operation %s is written down and begins with the next start: %m", op.id);
    switch_poke(s, op.id);
    return db_op_load(s->svc, op.id, ret, err);
}

/* The operation and its event: both or none. */
static int save_told(struct service *svc, struct db_op *op, const char *event, const char *who,
                     const char *what, struct err *err)
{
    int r = db_begin(svc->db, err);

    if (r < 0)
        return r;
    r = db_op_save(svc, op, err);
    if (r == 0)
        r = event_note(svc, event, who, op->workload, err, "%s %s", op->id, what);
    if (r == 0)
        r = db_commit(svc->db, err);
    if (r < 0)
        db_rollback(svc->db);
    return r;
}

int switch_call_operator(struct service *svc, struct db_op *op, const struct err *why,
                         struct err *err)
{
    char what[96];
    int r;

    if (op->attention)
        return 0;
    op->attention = true;
    if (why->code)
        op->cause = *why;
    (void)text_print(what, sizeof(what), "waits in step %s", switch_plan_step_name(op->at.step));
    r = save_told(svc, op, "op.attention", "planner", what, err);
    if (r < 0)
        return r;
    log_error("%s of %s (%s) cannot end step %s: %s", switch_plan_kind_name(op->at.kind),
              op->workload, op->id, switch_plan_step_name(op->at.step),
              why->code ? why->text : "no answer in time");
    return 0;
}

int switch_abort(struct switcher *s, const char *id, const char *who, struct err *err)
{
    struct db_op op;
    int r = db_op_load(s->svc, id, &op, err);

    if (r < 0 || (op.abort_wanted && op.ended_ms == 0))
        return r;
    if (op.ended_ms > 0 || !switch_plan_may_abort(op.at))
        return err_set_gw(err, GW_API_CONFLICT, -EBUSY,
                          "%s is past the point where it can be aborted", id);
    op.abort_wanted = true;
    r = save_told(s->svc, &op, "op.abort", who, "is to be aborted", err);
    if (r < 0)
        return r;
    switch_poke(s, id);
    return 0;
}

int switch_resolve(struct service *svc, const char *id, const char *who, struct err *err)
{
    struct db_op op;
    int r = db_op_load(svc, id, &op, err);

    if (r < 0 || (op.state == SWITCH_HALFWAY && !op.attention))
        return r;
    if (op.state != SWITCH_HALFWAY)
        return err_set_gw(err, GW_API_CONFLICT, -EBUSY, "%s did not end halfway", id);
    op.attention = false;
    return save_told(svc, &op, "op.resolved", who, "was looked after", err);
}

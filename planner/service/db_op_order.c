/* SPDX-License-Identifier: Apache-2.0 */
/* What the journal reads from the orders of a step, and the document of an operation. */
#include "planner/service/db_op.h"

#include "base/buf.h"
#include "base/complaint.h"
#include "base/text.h"

#include <stdio.h>

#include "base/banned.h"

enum { STEP_PREFIX_MAX = DB_OP_ID_MAX + 24 };

/* Orders of a step are named "OP.STEP_N.HOST"; '/' is the byte after '.', so this is a range of the
 * key. */
static void step_prefix(const struct db_op *op, char *out_from, char *out_to)
{
    snprintf(out_from, STEP_PREFIX_MAX, "%s.%llu.", op->id, (unsigned long long)op->step_n);
    snprintf(out_to, STEP_PREFIX_MAX, "%s.%llu/", op->id, (unsigned long long)op->step_n);
}

static int prepare(struct service *svc, const struct db_op *op, const char *sql,
                   struct db_stmt **ret, struct err *err)
{
    char from[STEP_PREFIX_MAX], to[STEP_PREFIX_MAX];
    int r = db_prepare(svc->db, sql, ret, err);

    if (r < 0)
        return r;
    step_prefix(op, from, to);
    db_bind_text(*ret, 1, from);
    db_bind_text(*ret, 2, to);
    return 0;
}

/* An agent's godwit.error/1 as our own error. */
static void read_error(const char *host, const char *text, struct err *ret)
{
    auto_js struct js *doc = NULL;
    unsigned gw = 0;
    const char *code;

    if (!text || js_parse(slice_str(text), 0, &doc, NULL) < 0) {
        err_set(ret, -EIO, "%s failed without saying why", host);
        return;
    }
    code = js_str(doc, "code", "");
    for (const char *p = code + (text_starts(code, "GW-") ? 3 : strlen(code));
         *p >= '0' && *p <= '9' && gw < 10000; p++)
        gw = gw * 10 + (unsigned)(*p - '0');
    /* Its why and next are those of the number: they are told beside, not in here again. */
    err_set_gw(ret, gw_find(gw) ? gw : 0, -EIO, "%s: %s", host, js_str(doc, "what", "failed"));
}

int db_op_orders(struct service *svc, const struct db_op *op, struct db_op_orders *ret,
                 struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    struct db_op_orders all = {0};
    int r = prepare(svc, op,
                    "SELECT o.state, o.error, coalesce(h.name, o.host) FROM ord o LEFT JOIN host h"
                    " ON h.identity = o.host WHERE o.id >= ? AND o.id < ? ORDER BY o.n",
                    &st, err);

    if (r < 0)
        return r;
    while ((r = db_step(st, err)) > 0) {
        all.n++;
        if (text_equal(db_text(st, 0), "done"))
            all.done++;
        if (!text_equal(db_text(st, 0), "failed"))
            continue;
        if (all.failed++ == 0)
            read_error(db_text(st, 2), db_text(st, 1), &all.first);
    }
    if (r < 0)
        return r;
    *ret = all;
    return 0;
}

int db_op_orders_volumes(struct service *svc, const struct db_op *op, struct js **ret,
                         struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    auto_jsw struct jsw *w = NULL;
    int r = prepare(svc, op,
                    "SELECT result FROM ord WHERE id >= ? AND id < ? AND state = 'done' ORDER BY n",
                    &st, err);

    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_arr(w, "volumes");
    while ((r = db_step(st, err)) > 0) {
        auto_js struct js *doc = NULL;
        const struct js *volumes;

        r = js_parse(slice_str(db_text(st, 0) ? db_text(st, 0) : "{}"), 0, &doc, err);
        if (r < 0)
            return r;
        volumes = js_member(doc, "volumes");
        for (size_t i = 0; i < js_len(volumes); i++)
            jsw_js(w, NULL, js_at(volumes, i));
    }
    if (r < 0)
        return r;
    jsw_end(w);
    jsw_end(w);
    return jsw_take(w, ret, err);
}

int db_op_orders_void(struct service *svc, const struct db_op *op, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r = prepare(
        svc, op,
        "UPDATE ord SET state = 'void' WHERE id >= ? AND id < ? AND state IN ('open', 'running')",
        &st, err);

    return r < 0 ? r : db_run(st, err);
}

static int write_steps(struct service *svc, const struct db_op *op, struct jsw *w, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r =
        db_prepare(svc->db,
                   "SELECT n, name, leg, epoch, state, started_ms, ended_ms, detail FROM op_step"
                   " WHERE op = ? ORDER BY n",
                   &st, err);

    if (r < 0)
        return r;
    db_bind_text(st, 1, op->id);
    jsw_arr(w, "steps");
    while ((r = db_step(st, err)) > 0) {
        auto_js struct js *detail = NULL;

        if (db_text(st, 7))
            (void)js_parse(slice_str(db_text(st, 7)), 0, &detail, NULL);
        jsw_obj(w, NULL);
        jsw_u64(w, "n", db_u64(st, 0));
        jsw_str(w, "name", db_text(st, 1));
        jsw_u64(w, "leg", db_u64(st, 2));
        jsw_u64(w, "epoch", db_u64(st, 3));
        jsw_str(w, "state", db_text(st, 4));
        jsw_time(w, "started_at", db_u64(st, 5));
        jsw_time(w, "ended_at", db_u64(st, 6));
        jsw_js(w, "detail", detail);
        jsw_end(w);
    }
    if (r < 0)
        return r;
    jsw_end(w);
    return 0;
}

static void write_cause(const struct db_op *op, struct jsw *w)
{
    struct complaint c;

    complaint_of(&op->cause, &c);
    c.exit = op->exit;
    c.op = op->id;
    complaint_member(op->cause.code ? &c : NULL, w);
}

int db_op_write(struct service *svc, const struct db_op *op, struct jsw *w, struct err *err)
{
    uint64_t now = clock_wall_ms(svc->clock);

    jsw_str(w, "id", op->id);
    jsw_str(w, "kind", switch_plan_kind_name(op->at.kind));
    jsw_str(w, "workload", op->workload);
    jsw_str(w, "who", op->who);
    jsw_str(w, "state", switch_plan_state_name(op->state));
    jsw_str(w, "step", switch_plan_step_name(op->at.step));
    jsw_u64(w, "leg", op->at.leg);
    jsw_u64(w, "epoch", op->epoch);
    jsw_str(w, "holder", workload_side_name(op->holder));
    jsw_u64(w, "version", op->version);
    jsw_time(w, "started_at", op->started_ms);
    jsw_time(w, "ended_at", op->ended_ms);
    if (op->frozen_ms > 0)
        jsw_f64(w, "downtime_s",
                (double)((op->thawed_ms ? op->thawed_ms : now) - op->frozen_ms) / 1000.0);
    else
        jsw_null(w, "downtime_s");
    jsw_bool(w, "abort_wanted", op->abort_wanted);
    jsw_bool(w, "attention", op->attention);
    if (op->state == SWITCH_RUNNING)
        jsw_null(w, "exit");
    else
        jsw_i64(w, "exit", op->exit);
    write_cause(op, w);
    return write_steps(svc, op, w, err);
}

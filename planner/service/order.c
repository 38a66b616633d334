/* SPDX-License-Identifier: Apache-2.0 */
/* Orders as rows: created by a step, fetched by an agent's long poll, answered once. */
#include "planner/service/order.h"

#include "base/buf.h"
#include "base/fail.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/service/db_sql.h"
#include "planner/service/hub.h"
#include "planner/service/switch.h"

#include <stdio.h>

#include "base/banned.h"

enum { ORDER_ANSWER_MAX = 256 * 1024 };

static int args_text(const struct js *args, struct buf *out, struct err *err)
{
    if (!args)
        return buf_str(out, "{}");
    return js_print(args, false, false, out, err);
}

int order_create(struct service *svc, const struct order_new *order, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    auto_buf struct buf args = {0};
    int r;

    r = args_text(order->args, &args, err);
    if (r < 0)
        return r;
    r = db_prepare(
        svc->db,
        "INSERT INTO ord (id, host, kind, workload, epoch, deadline_ms, args, state, created_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'open', ?) ON CONFLICT (id) DO NOTHING",
        &st, err);
    if (r < 0)
        return r;
    db_bind_text(st, 1, order->id);
    db_bind_text(st, 2, order->host);
    db_bind_text(st, 3, order->kind);
    db_bind_text(st, 4, order->workload);
    db_bind_u64(st, 5, order->epoch);
    db_bind_u64(st, 6, order->deadline_ms);
    db_bind_text(st, 7, buf_cstr(&args));
    db_bind_u64(st, 8, clock_wall_ms(svc->clock));
    r = db_run(st, err);
    if (r < 0)
        return err_add(err, r, "order %s", order->id);
    hub_notify_agent(svc->hub, order->host);
    return 0;
}

/* An agent counts what is left from the moment of this answer: never more than there was at first,
 * when the clock was set back meanwhile. */
static uint64_t deadline_now(struct db_stmt *st, uint64_t now_ms)
{
    const uint64_t deadline_ms = db_u64(st, 5), created_ms = db_u64(st, 7);

    return num_min(deadline_ms, now_ms + deadline_ms - num_min(deadline_ms, created_ms));
}

static int write_one(struct db_stmt *st, uint64_t now_ms, struct jsw *w, struct err *err)
{
    auto_js struct js *args = NULL;
    const char *text = db_text(st, 6);
    int r;

    r = js_parse(slice_str(text ? text : "{}"), ORDER_ANSWER_MAX, &args, err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_u64(w, "n", db_u64(st, 0));
    jsw_str(w, "id", db_text(st, 1));
    jsw_str(w, "kind", db_text(st, 2));
    jsw_str(w, "workload", db_text(st, 3));
    jsw_u64(w, "epoch", db_u64(st, 4));
    jsw_time(w, "deadline", deadline_now(st, now_ms));
    jsw_js(w, "args", args);
    jsw_end(w);
    return 0;
}

int order_write_open(struct service *svc, const char *host, uint64_t after, struct jsw *w,
                     size_t *ret_n, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    size_t n = 0;
    int r;

    r = db_prepare(
        svc->db,
        "SELECT n, id, kind, workload, epoch, deadline_ms, args, created_ms FROM ord"
        " WHERE host = ? AND n > ? AND state IN ('open', 'running') ORDER BY n LIMIT 100",
        &st, err);
    if (r < 0)
        return r;
    db_bind_text(st, 1, host);
    db_bind_u64(st, 2, after);
    jsw_arr(w, "orders");
    while ((r = db_step(st, err)) > 0) {
        r = write_one(st, clock_wall_ms(svc->clock), w, err);
        if (r < 0)
            return r;
        n++;
    }
    if (r < 0)
        return r;
    jsw_end(w);
    *ret_n = n;
    return 0;
}

/* 0 = may be answered, 1 = has its final answer already. */
static int check_answerable(struct service *svc, const char *host, const char *id, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    const char *state;
    int r;

    r = db_prepare(svc->db, "SELECT host, state FROM ord WHERE id = ?", &st, err);
    if (r < 0)
        return r;
    db_bind_text(st, 1, id);
    r = db_step(st, err);
    if (r < 0)
        return r;
    if (r == 0)
        return err_set_gw(err, GW_API_NOT_FOUND, -ENOENT, "no order '%s'", id);
    if (!text_equal(db_text(st, 0), host))
        return err_set_gw(err, GW_API_FORBIDDEN, -EPERM, "order '%s' is another host's", id);
    state = db_text(st, 1);
    return text_equal(state, "done") || text_equal(state, "failed") || text_equal(state, "void");
}

static int member_text(const struct js *body, const char *key, struct buf *out, struct err *err)
{
    const struct js *v = js_member(body, key);

    if (!v || js_kind(v) == JS_NULL)
        return 0;
    return js_print(v, false, false, out, err);
}

static int save_answer(struct service *svc, const char *id, const char *state,
                       const struct js *body, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    auto_buf struct buf result = {0};
    auto_buf struct buf error = {0};
    int r;

    r = member_text(body, "result", &result, err);
    if (r == 0)
        r = member_text(body, "error", &error, err);
    if (r == 0)
        r = db_prepare(
            svc->db,
            "UPDATE ord SET state = ?, result = ?, error = ?, note = ?, ended_ms = ? WHERE id = ?",
            &st, err);
    if (r < 0)
        return r;
    db_bind_text(st, 1, state);
    db_bind_text(st, 2, result.len > 0 ? buf_cstr(&result) : NULL);
    db_bind_text(st, 3, error.len > 0 ? buf_cstr(&error) : NULL);
    db_bind_text(st, 4, js_str(body, "note", NULL));
    db_bind_u64(st, 5, text_equal(state, "running") ? 0 : clock_wall_ms(svc->clock));
    db_bind_text(st, 6, id);
    return db_run(st, err);
}

/* "OP.STEP.HOST" -> "OP"; orders that no operation waits for have no such form. */
static void poke_operation(struct service *svc, const char *id)
{
    char op[ORDER_ID_MAX];
    const char *dot = strchr(id, '.');

    if (!svc->switcher || !dot || text_print(op, sizeof(op), "%.*s", (int)(dot - id), id) < 0)
        return;
    switch_poke(svc->switcher, op);
}

int order_answer(struct service *svc, const char *host, const char *id, const struct js *body,
                 struct err *err)
{
    const char *state;
    int r;

    r = js_get_str(body, "state", &state, err);
    if (r < 0)
        return r;
    if (!text_equal(state, "running") && !text_equal(state, "done") && !text_equal(state, "failed"))
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL,
                          "state '%s' is not running, done or failed", state);
    r = check_answerable(svc, host, id, err);
    if (r != 0)
        return r < 0 ? r : 0;
    r = failpoint("order_answer_before");
    if (r == 0)
        r = save_answer(svc, id, state, body, err);
    if (r < 0)
        return r;
    (void)failpoint("order_answer_after");
    poke_operation(svc, id);
    return 0;
}

int order_void_host(struct service *svc, const char *host, struct err *err)
{
    return db_sql_run(svc->db, err,
                      "UPDATE ord SET state = 'void', ended_ms = ? WHERE host = ?"
                      " AND state IN ('open', 'running')",
                      "ut", clock_wall_ms(svc->clock), host);
}

int order_past(struct service *svc, const char *workload, const char *kind, uint64_t epoch,
               struct order_past *ret, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r = db_prepare(
        svc->db,
        "SELECT coalesce(max(n), 0), coalesce(max(ended_ms), 0) FROM ord WHERE workload = ?"
        " AND kind = ? AND epoch = ? AND state IN ('done', 'failed')",
        &st, err);

    if (r < 0)
        return r;
    db_bind_text(st, 1, workload);
    db_bind_text(st, 2, kind);
    db_bind_u64(st, 3, epoch);
    r = db_step(st, err);
    if (r < 0)
        return r;
    *ret = (struct order_past){.n = db_u64(st, 0), .last_ms = db_u64(st, 1)};
    return 0;
}

int order_failure(struct service *svc, const char *workload, const char *kind, char *out,
                  size_t size, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    auto_js struct js *doc = NULL;
    const char *text;
    int r = db_prepare(svc->db,
                       "SELECT state, error FROM ord WHERE workload = ? AND kind = ?"
                       " ORDER BY n DESC LIMIT 1",
                       &st, err);

    out[0] = '\0';
    if (r < 0)
        return r;
    db_bind_text(st, 1, workload);
    db_bind_text(st, 2, kind);
    r = db_step(st, err);
    if (r <= 0 || !text_equal(db_text(st, 0), "failed"))
        return r < 0 ? r : 0;
    text = db_text(st, 1);
    if (text && js_parse(slice_str(text), 0, &doc, NULL) == 0)
        text = js_str(doc, "what", "it failed");
    (void)snprintf(out, size, "%s", text ? text : "it failed");
    return 0;
}

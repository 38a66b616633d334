/* SPDX-License-Identifier: Apache-2.0 */
/* SQL of operations and their journal. Decides nothing. */
#include "planner/service/db_op.h"

#include "base/buf.h"
#include "base/text.h"

#include <stdio.h>

#include "base/banned.h"

/* clang-format off */
const char db_op_schema[] =
    "CREATE TABLE op ("
    " id TEXT PRIMARY KEY, request_id TEXT UNIQUE, kind TEXT NOT NULL, workload TEXT NOT NULL,"
    " who TEXT NOT NULL, args TEXT NOT NULL, leg INTEGER NOT NULL, step TEXT NOT NULL,"
    " state TEXT NOT NULL, holder INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " step_n INTEGER NOT NULL, version INTEGER NOT NULL, started_ms INTEGER NOT NULL,"
    " ended_ms INTEGER NOT NULL, frozen_ms INTEGER NOT NULL, thawed_ms INTEGER NOT NULL,"
    " step_started_ms INTEGER NOT NULL, step_deadline_ms INTEGER NOT NULL,"
    " abort_wanted INTEGER NOT NULL, attention INTEGER NOT NULL, exit INTEGER NOT NULL,"
    " cause_code INTEGER NOT NULL, cause_gw INTEGER NOT NULL, cause TEXT);"
    "CREATE UNIQUE INDEX op_one_open ON op (workload) WHERE ended_ms = 0;"
    "CREATE INDEX op_by_time ON op (started_ms);"
    "CREATE TABLE op_step ("
    " op TEXT NOT NULL REFERENCES op (id), n INTEGER NOT NULL, name TEXT NOT NULL,"
    " leg INTEGER NOT NULL, epoch INTEGER NOT NULL, state TEXT NOT NULL,"
    " started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, detail TEXT,"
    " PRIMARY KEY (op, n));"
    "CREATE TABLE ord ("
    " n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, host TEXT NOT NULL,"
    " kind TEXT NOT NULL, workload TEXT NOT NULL, epoch INTEGER NOT NULL,"
    " deadline_ms INTEGER NOT NULL, args TEXT NOT NULL, state TEXT NOT NULL, result TEXT,"
    " error TEXT, note TEXT, created_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX ord_by_host ON ord (host, state, n);";

#define OP_COLUMNS                                                                                 \
    "id, request_id, kind, workload, who, args, leg, step, state, holder, epoch, step_n, version,"  \
    " started_ms, ended_ms, frozen_ms, thawed_ms, step_started_ms, step_deadline_ms, abort_wanted," \
    " attention, exit, cause_code, cause_gw, cause"
/* clang-format on */

static enum switch_state parse_state(const char *name)
{
    for (int s = SWITCH_RUNNING; s <= SWITCH_HALFWAY; s++) {
        if (text_equal(switch_plan_state_name((enum switch_state)s), name))
            return (enum switch_state)s;
    }
    return SWITCH_HALFWAY;
}

static int copy(char *out, size_t size, const char *text)
{
    return text_copy(out, size, text ? text : "");
}

static int read_names(struct db_stmt *st, struct db_op *op)
{
    if (copy(op->id, sizeof(op->id), db_text(st, 0)) < 0 ||
        copy(op->request_id, sizeof(op->request_id), db_text(st, 1)) < 0 ||
        copy(op->workload, sizeof(op->workload), db_text(st, 3)) < 0 ||
        copy(op->who, sizeof(op->who), db_text(st, 4)) < 0 ||
        copy(op->args, sizeof(op->args), db_text(st, 5)) < 0)
        return -EUCLEAN;
    if (!switch_plan_kind(db_text(st, 2), &op->at.kind) ||
        !switch_plan_step(db_text(st, 7), &op->at.step))
        return -EUCLEAN;
    return 0;
}

static int read_row(struct db_stmt *st, struct db_op *op, struct err *err)
{
    *op = (struct db_op){0};
    if (read_names(st, op) < 0)
        return err_set_gw(err, GW_DB_DAMAGED, -EUCLEAN, "a row of op cannot be read");
    op->at.leg = (unsigned)db_u64(st, 6);
    op->state = parse_state(db_text(st, 8));
    op->holder = db_u64(st, 9) ? WORKLOAD_TARGET : WORKLOAD_SOURCE;
    op->epoch = db_u64(st, 10);
    op->step_n = db_u64(st, 11);
    op->version = db_u64(st, 12);
    op->started_ms = db_u64(st, 13);
    op->ended_ms = db_u64(st, 14);
    op->frozen_ms = db_u64(st, 15);
    op->thawed_ms = db_u64(st, 16);
    op->step_started_ms = db_u64(st, 17);
    op->step_deadline_ms = db_u64(st, 18);
    op->abort_wanted = db_u64(st, 19) != 0;
    op->attention = db_u64(st, 20) != 0;
    op->exit = (int)db_i64(st, 21);
    op->cause.code = (int)db_i64(st, 22);
    op->cause.gw = (unsigned)db_u64(st, 23);
    (void)text_print(op->cause.text, sizeof(op->cause.text), "%s",
                     db_text(st, 24) ? db_text(st, 24) : "");
    return 0;
}

/* The members that a save may change, from parameter i on. */
static void bind_state(struct db_stmt *st, int i, const struct db_op *op)
{
    db_bind_u64(st, i++, op->at.leg);
    db_bind_text(st, i++, switch_plan_step_name(op->at.step));
    db_bind_text(st, i++, switch_plan_state_name(op->state));
    db_bind_i64(st, i++, (int64_t)op->holder);
    db_bind_u64(st, i++, op->epoch);
    db_bind_u64(st, i++, op->step_n);
    db_bind_u64(st, i++, op->version);
    db_bind_u64(st, i++, op->ended_ms);
    db_bind_u64(st, i++, op->frozen_ms);
    db_bind_u64(st, i++, op->thawed_ms);
    db_bind_u64(st, i++, op->step_started_ms);
    db_bind_u64(st, i++, op->step_deadline_ms);
    db_bind_i64(st, i++, op->abort_wanted);
    db_bind_i64(st, i++, op->attention);
    db_bind_i64(st, i++, op->exit);
    db_bind_i64(st, i++, op->cause.code);
    db_bind_u64(st, i++, op->cause.gw);
    db_bind_text(st, i, op->cause.code ? op->cause.text : NULL);
}

static int load_where(struct service *svc, const char *sql, const char *key, struct db_op *ret,
                      struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r = db_prepare(svc->db, sql, &st, err);

    if (r < 0)
        return r;
    db_bind_text(st, 1, key);
    r = db_step(st, err);
    if (r < 0)
        return r;
    if (r == 0)
        return err_set_gw(err, GW_API_NOT_FOUND, -ENOENT, "no operation '%s'", key);
    return read_row(st, ret, err);
}

int db_op_load(struct service *svc, const char *id, struct db_op *ret, struct err *err)
{
    return load_where(svc, "SELECT " OP_COLUMNS " FROM op WHERE id = ?", id, ret, err);
}

int db_op_by_request(struct service *svc, const char *request_id, struct db_op *ret,
                     struct err *err)
{
    return load_where(svc, "SELECT " OP_COLUMNS " FROM op WHERE request_id = ?", request_id, ret,
                      err);
}

int db_op_open(struct service *svc, const char *workload, struct db_op *ret, struct err *err)
{
    return load_where(svc, "SELECT " OP_COLUMNS " FROM op WHERE workload = ? AND ended_ms = 0",
                      workload, ret, err);
}

static int refuse_second(struct service *svc, const char *workload, struct err *err)
{
    struct db_op open;
    int r = db_op_open(svc, workload, &open, NULL);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return err_set(err, r, "looking for open operations of '%s': %m", workload);
    return err_set_gw(err, GW_SWITCH_OPEN, -EBUSY, "%s of '%s' is open: %s by %s, at step %s",
                      switch_plan_kind_name(open.at.kind), workload, open.id, open.who,
                      switch_plan_step_name(open.at.step));
}

int db_op_create(struct service *svc, struct db_op *op, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    uint64_t id = rng_u64(svc->rng);
    int r = refuse_second(svc, op->workload, err);

    if (r < 0)
        return r;
    snprintf(op->id, sizeof(op->id), "op-%010llx", (unsigned long long)(id & 0xffffffffffULL));
    op->version = 1;
    r = db_prepare(
        svc->db,
        "INSERT INTO op (leg, step, state, holder, epoch, step_n, version, ended_ms, frozen_ms,"
        " thawed_ms, step_started_ms, step_deadline_ms, abort_wanted, attention, exit, cause_code,"
        " cause_gw, cause, id, request_id, kind, workload, who, args, started_ms)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        &st, err);
    if (r < 0)
        return r;
    bind_state(st, 1, op);
    db_bind_text(st, 19, op->id);
    db_bind_text(st, 20, op->request_id[0] ? op->request_id : NULL);
    db_bind_text(st, 21, switch_plan_kind_name(op->at.kind));
    db_bind_text(st, 22, op->workload);
    db_bind_text(st, 23, op->who);
    db_bind_text(st, 24, op->args);
    db_bind_u64(st, 25, op->started_ms);
    return db_run(st, err);
}

int db_op_save(struct service *svc, struct db_op *op, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r = db_prepare(
        svc->db,
        "UPDATE op SET leg = ?, step = ?, state = ?, holder = ?, epoch = ?, step_n = ?,"
        " version = ?, ended_ms = ?, frozen_ms = ?, thawed_ms = ?, step_started_ms = ?,"
        " step_deadline_ms = ?, abort_wanted = ?, attention = ?, exit = ?, cause_code = ?,"
        " cause_gw = ?, cause = ? WHERE id = ?",
        &st, err);

    if (r < 0)
        return r;
    op->version++;
    bind_state(st, 1, op);
    db_bind_text(st, 19, op->id);
    return db_run(st, err);
}

int db_op_step_begin(struct service *svc, struct db_op *op, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r = db_prepare(svc->db,
                       "INSERT INTO op_step (op, n, name, leg, epoch, state, started_ms, ended_ms)"
                       " VALUES (?, ?, ?, ?, ?, 'running', ?, 0)",
                       &st, err);

    if (r < 0)
        return r;
    op->step_n++;
    db_bind_text(st, 1, op->id);
    db_bind_u64(st, 2, op->step_n);
    db_bind_text(st, 3, switch_plan_step_name(op->at.step));
    db_bind_u64(st, 4, op->at.leg);
    db_bind_u64(st, 5, op->epoch);
    db_bind_u64(st, 6, op->step_started_ms);
    return db_run(st, err);
}

int db_op_step_end(struct service *svc, struct db_op *op, const char *state,
                   const struct js *detail, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    auto_buf struct buf text = {0};
    int r = 0;

    if (detail)
        r = js_print(detail, false, false, &text, err);
    if (r == 0)
        r = db_prepare(
            svc->db,
            "UPDATE op_step SET state = ?, ended_ms = ?, detail = ? WHERE op = ? AND n = ?", &st,
            err);
    if (r < 0)
        return r;
    db_bind_text(st, 1, state);
    db_bind_u64(st, 2, clock_wall_ms(svc->clock));
    db_bind_text(st, 3, detail ? buf_cstr(&text) : NULL);
    db_bind_text(st, 4, op->id);
    db_bind_u64(st, 5, op->step_n);
    return db_run(st, err);
}

int db_op_step_detail(struct service *svc, const struct db_op *op, enum switch_step step,
                      struct js **ret, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    const char *text;
    int r = db_prepare(
        svc->db,
        "SELECT detail FROM op_step WHERE op = ? AND leg = ? AND name = ? AND state = 'done'"
        " ORDER BY n DESC LIMIT 1",
        &st, err);

    if (r < 0)
        return r;
    db_bind_text(st, 1, op->id);
    db_bind_u64(st, 2, op->at.leg);
    db_bind_text(st, 3, switch_plan_step_name(step));
    r = db_step(st, err);
    if (r < 0)
        return r;
    text = r > 0 ? db_text(st, 0) : NULL;
    if (!text) {
        *ret = NULL;
        return 0;
    }
    return js_parse(slice_str(text), 0, ret, err);
}

static int walk(struct db_stmt *st, db_op_fn fn, void *arg, struct err *err)
{
    struct db_op op;
    int r;

    while ((r = db_step(st, err)) > 0) {
        r = read_row(st, &op, err);
        if (r == 0)
            r = fn(arg, &op);
        if (r != 0)
            return r;
    }
    return r;
}

int db_op_each_open(struct service *svc, db_op_fn fn, void *arg, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r = db_prepare(svc->db, "SELECT " OP_COLUMNS " FROM op WHERE ended_ms = 0 ORDER BY id", &st,
                       err);

    return r < 0 ? r : walk(st, fn, arg, err);
}

#define OLDER                                                                                      \
    " (? = '' OR (started_ms, id) < (SELECT a.started_ms, a.id FROM op AS a WHERE a.id = ?))"      \
    " ORDER BY started_ms DESC, id DESC LIMIT ?"

int db_op_each(struct service *svc, const struct db_op_page *page, db_op_fn fn, void *arg,
               struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int i = 1;
    int r = db_prepare(svc->db,
                       page->workload ? "SELECT " OP_COLUMNS " FROM op WHERE workload = ? AND" OLDER
                                      : "SELECT " OP_COLUMNS " FROM op WHERE" OLDER,
                       &st, err);

    if (r < 0)
        return r;
    if (page->workload)
        db_bind_text(st, i++, page->workload);
    db_bind_text(st, i++, page->after);
    db_bind_text(st, i++, page->after);
    db_bind_u64(st, i, page->limit);
    return walk(st, fn, arg, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that drives operations: what is true now, which step follows, one transaction a move.
 *
 * A move ends one step and begins the next in one commit; what must leave this process (orders,
 * questions to the vault) goes out after it. Nothing is kept in memory that a restart cannot ask
 * again.
 */
#include "planner/service/switch.h"

#include "base/fail.h"
#include "base/log.h"
#include "base/text.h"
#include "planner/service/event.h"
#include "planner/service/hub.h"
#include "planner/service/switch_priv.h"
#include "planner/service/vaultq.h"

#include <stdio.h>

#include "base/banned.h"

enum {
    SWITCH_TICK_MS = 500, /* deadlines and retries are looked at this often */
};

static struct open_op *find_open(struct switcher *s, const char *id)
{
    for (struct open_op *o = s->open; o; o = o->next) {
        if (text_equal(o->id, id))
            return o;
    }
    return NULL;
}

struct open_op *switch_add_open(struct switcher *s, const char *id)
{
    struct open_op *o = find_open(s, id);

    if (o)
        return o;
    o = calloc(1, sizeof(*o));
    if (!o)
        return NULL;
    (void)text_copy(o->id, sizeof(o->id), id);
    o->next = s->open;
    s->open = o;
    return o;
}

static void drop_open(struct switcher *s, const char *id)
{
    for (struct open_op **at = &s->open; *at; at = &(*at)->next) {
        if (text_equal((*at)->id, id)) {
            struct open_op *gone = *at;

            *at = gone->next;
            free(gone);
            return;
        }
    }
}

/* -- questions to the vault ---------------------------------------------- */

static void vault_answered(void *arg, struct vaultq_job *taken_job)
{
    struct switcher *s = arg;
    struct open_op *o = find_open(s, taken_job->holder);

    if (o) {
        o->vault.answered = true;
        o->vault.result = taken_job->result;
        o->vault.err = taken_job->err;
        o->vault.standing = taken_job->verdict;
        switch_poke(s, o->id);
    }
    free(taken_job);
}

/* Ask once a step; a restart asks again and gets the same answer. */
static int ask_vault(struct switcher *s, struct step_run *run, struct open_op *o, struct err *err)
{
    struct vaultq_job *job;
    int r;

    if (o->vault.asked || !switch_step_asks(run->op->at.step))
        return 0;
    job = calloc(1, sizeof(*job));
    if (!job)
        return err_set(err, -ENOMEM, "a question to the vault: %m");
    job->done = vault_answered;
    job->arg = s;
    r = switch_step_question(run, job, err);
    if (r < 0) {
        free(job);
        return r;
    }
    r = vaultq_push(s->svc->vaultq, job, err);
    o->vault.asked = r == 0;
    return r;
}

/* -- moves ---------------------------------------------------------------- */

static uint64_t step_deadline(const struct step_run *run)
{
    const uint64_t timeout_s = switch_plan_timeout_s(run->op->at.step);

    return run->op->step_started_ms + (timeout_s > 0 ? timeout_s * 1000 : switch_step_left_ms(run));
}

/* The lifecycle in which an operation that ended leaves its workload; reports take it from there.
 */
static int settle_lifecycle(struct step_run *run, enum switch_state state, struct err *err)
{
    struct service *svc = run->svc;
    const struct db_op *op = run->op;
    int r = 0;

    if (op->at.kind == SWITCH_TEST)
        r = state == SWITCH_DONE
                ? workload_set_tested(svc, op->workload, clock_wall_ms(svc->clock), err)
                : 0;
    else if (op->at.kind == SWITCH_FINALIZE && state == SWITCH_DONE)
        r = workload_set_released(svc, op->workload, err);
    if (r < 0)
        return r;
    return workload_refresh(svc, op->workload, err);
}

/* Nobody was fenced when only the claim failed: the right to write goes back at once. */
static int undo_epoch(struct step_run *run, struct err *err)
{
    struct workload_move move = {
        .from = WORKLOAD_FROZEN,
        .from_epoch = run->op->epoch,
        .to = run->op->holder == WORKLOAD_SOURCE ? WORKLOAD_AT_SOURCE : WORKLOAD_AT_TARGET,
        .to_epoch = run->op->epoch,
    };

    if (run->op->at.step != STEP_EPOCH)
        return 0;
    return workload_set_authority(run->svc, run->op->workload, &move, err);
}

static int exit_of(const struct db_op *op, enum switch_state state)
{
    switch (state) {
    case SWITCH_DONE:
        return GW_EXIT_OK;
    case SWITCH_ROLLED_BACK:
        return GW_EXIT_ROLLED_BACK;
    case SWITCH_HALFWAY:
        return GW_EXIT_HALFWAY;
    case SWITCH_REFUSED:
    case SWITCH_FAILED:
    case SWITCH_RUNNING:
        break;
    }
    return op->cause.code ? (int)gw_of(&op->cause)->exit : GW_EXIT_FAILED;
}

static int end_op(struct step_run *run, enum switch_state state, struct err *err)
{
    struct db_op *op = run->op;
    int r = undo_epoch(run, err);

    if (r < 0)
        return r;
    op->state = state;
    op->ended_ms = clock_wall_ms(run->svc->clock);
    op->exit = exit_of(op, state);
    op->attention = state == SWITCH_HALFWAY; /* until switch_resolve */
    if (op->frozen_ms > 0 && op->thawed_ms == 0)
        op->thawed_ms = op->ended_ms;
    r = db_op_save(run->svc, op, err);
    if (r == 0)
        r = settle_lifecycle(run, state, err);
    if (r < 0)
        return r;
    return event_note(run->svc, "op.ended", op->who, op->workload, err, "%s %s %s%s%s",
                      switch_plan_kind_name(op->at.kind), op->id, switch_plan_state_name(state),
                      op->cause.code ? ": " : "", op->cause.code ? op->cause.text : "");
}

int switch_begin_step(struct step_run *run, struct switch_at at, struct err *err)
{
    struct db_op *op = run->op;
    int r;

    if (at.leg != op->at.leg) /* promoted once already: the other side holds now */
        op->holder = workload_other(op->holder);
    op->at = at;
    op->step_started_ms = clock_wall_ms(run->svc->clock);
    op->step_deadline_ms = step_deadline(run);
    r = db_op_step_begin(run->svc, op, err);
    if (r == 0)
        r = switch_step_begin(run, err);
    if (r == 0)
        r = db_op_save(run->svc, op, err);
    if (r < 0)
        return err_add(err, r, "step %s of %s", switch_plan_step_name(at.step), op->id);
    return event_note(run->svc, "op.step", op->who, op->workload, err, "%s %s: %s, epoch %llu",
                      switch_plan_kind_name(at.kind), op->id, switch_plan_step_name(at.step),
                      (unsigned long long)op->epoch);
}

static const char *const outcome_words[] = {
    [OUTCOME_OK] = "done", [OUTCOME_FAILED] = "failed", [OUTCOME_OTHER] = "other"};

static int write_move(struct step_run *run, enum switch_outcome outcome, const struct js *detail,
                      struct err *err)
{
    struct db_op *op = run->op;
    struct switch_move move = switch_plan_next(op->at, outcome);
    int r = db_op_step_end(run->svc, op, outcome_words[outcome], detail, err);

    if (r == 0)
        r = db_op_orders_void(run->svc, op, err);
    if (r < 0)
        return r;
    if (move.state != SWITCH_RUNNING)
        return end_op(run, move.state, err);
    return switch_begin_step(run, move.at, err);
}

/* End the step and begin what follows, or end the operation: all of it or nothing. */
static int move_on(struct step_run *run, enum switch_outcome outcome, const struct js *detail,
                   struct err *err)
{
    struct db *db = run->svc->db;
    int r = db_begin(db, err);

    if (r < 0)
        return r;
    r = write_move(run, outcome, detail, err);
    if (r == 0)
        r = failpoint("switch_before_commit");
    if (r == 0)
        r = db_commit(db, err);
    if (r < 0) {
        db_rollback(db);
        return r;
    }
    (void)failpoint("switch_after_commit");
    return 0;
}

/* -- looking -------------------------------------------------------------- */

static bool passed_deadline(const struct step_run *run, const struct open_op *o)
{
    return switch_time_is_over(&o->time, clock_mono_ms(run->svc->clock));
}

/* Waiting has an end besides an answer: the deadline. An abort that was accepted comes before both.
 */
static void look_beyond(struct step_run *run, const struct open_op *o, enum step_verdict *verdict,
                        struct err *why)
{
    const struct db_op *op = run->op;

    if (*verdict != STEP_FAILED && op->abort_wanted && switch_plan_abortable(op->at)) {
        err_set_gw(why, GW_ROLLED_BACK, -ECANCELED, "aborted by an operator");
        *verdict = STEP_FAILED;
    }
    if (*verdict != STEP_WAIT)
        return;
    if (passed_deadline(run, o) && !switch_plan_redo_only(op->at.step)) {
        err_set_gw(why, GW_AGENT_NOT_SEEN, -ETIMEDOUT, "step %s did not end within its %llu s",
                   switch_plan_step_name(op->at.step),
                   (unsigned long long)((op->step_deadline_ms - op->step_started_ms) / 1000));
        *verdict = STEP_FAILED;
    }
}

/* True while a repeated step should wait before it is tried again. */
static int hold_redo(struct step_run *run, struct open_op *o, const struct err *why, bool *ret_hold,
                     struct err *err)
{
    *ret_hold = switch_time_ran_ms(&o->time, clock_mono_ms(run->svc->clock)) <
                switch_plan_redo_ms(o->redone);
    if (*ret_hold)
        return 0;
    if (++o->redone < SWITCH_PLAN_ATTENTION)
        return 0;
    return switch_call_operator(run->svc, run->op, why, err);
}

static enum switch_outcome outcome_of(enum step_verdict verdict)
{
    return verdict == STEP_OK ? OUTCOME_OK : verdict == STEP_OTHER ? OUTCOME_OTHER : OUTCOME_FAILED;
}

/* Only the first failure is the cause of an operation; each step keeps its own. */
static int failure_detail(const struct err *why, struct js **ret, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    char code[16];
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    (void)text_print(code, sizeof(code), "GW-%04u", (unsigned)gw_of(why)->number);
    jsw_obj(w, NULL);
    jsw_obj(w, "error");
    jsw_str(w, "code", code);
    jsw_str(w, "what", why->text);
    jsw_end(w);
    jsw_end(w);
    return jsw_take(w, ret, err);
}

/* One look and at most one move. *ret_again: it moved, so look once more. */
static int look_once(struct switcher *s, struct step_run *run, struct open_op *o, bool *ret_again,
                     struct err *err)
{
    struct db_op *op = run->op;
    auto_js struct js *detail = NULL;
    enum step_verdict verdict = STEP_WAIT;
    struct err why = {0};
    bool hold = false;
    int r;

    *ret_again = false;
    switch_time_look(&o->time, op, clock_wall_ms(run->svc->clock), clock_mono_ms(run->svc->clock));
    r = ask_vault(s, run, o, err);
    if (r == 0)
        r = switch_step_look(run, &verdict, &detail, &why);
    if (r < 0)
        return err_add(err, r, "%s", why.text);
    look_beyond(run, o, &verdict, &why);
    if (verdict == STEP_WAIT)
        return passed_deadline(run, o) ? switch_call_operator(run->svc, run->op, &why, err) : 0;
    if (verdict == STEP_FAILED && switch_plan_next(op->at, OUTCOME_FAILED).at.step == op->at.step &&
        switch_plan_next(op->at, OUTCOME_FAILED).state == SWITCH_RUNNING)
        r = hold_redo(run, o, &why, &hold, err);
    if (r < 0 || hold)
        return r;
    run->stopped_ms = switch_time_stopped_ms(&o->time, clock_mono_ms(run->svc->clock));
    if (verdict != STEP_OK && op->cause.code == 0)
        op->cause = why;
    if (verdict != STEP_OK && !detail)
        r = failure_detail(&why, &detail, err);
    if (r == 0)
        r = move_on(run, outcome_of(verdict), detail, err);
    if (r < 0)
        return r;
    if (verdict == STEP_OK)
        o->redone = 0;
    o->vault = (struct step_register){0};
    *ret_again = true;
    return 0;
}

static int advance(struct switcher *s, const char *id, struct err *err)
{
    bool again = true;

    while (again) {
        auto_workload struct workload *w = NULL;
        struct open_op *o = find_open(s, id);
        struct db_op op;
        struct step_run run = {.svc = s->svc, .op = &op};
        int r = db_op_load(s->svc, id, &op, err);

        if (r < 0 || !o)
            return r;
        if (op.ended_ms > 0) {
            drop_open(s, id);
            return 0;
        }
        r = workload_load(s->svc, op.workload, &w, err);
        if (r < 0)
            return r;
        run.workload = w;
        run.vault = &o->vault;
        r = look_once(s, &run, o, &again, err);
        if (r < 0)
            return r;
    }
    return 0;
}

void switch_poke(struct switcher *s, const char *op)
{
    char id[DB_OP_ID_MAX], topic[DB_OP_ID_MAX + 8];
    struct err err = {0};

    if (text_copy(id, sizeof(id), op) < 0 || !find_open(s, id))
        return;
    /* The rows are as they were before: the tick tries again. */
    if (advance(s, id, &err) < 0)
        log_err(LOG_LEVEL_ERROR, &err, id);
    snprintf(topic, sizeof(topic), "op:%s", id);
    hub_notify(s->svc->hub, topic);
}

static void tick(void *arg)
{
    struct switcher *s = arg;
    struct open_op *next;

    for (struct open_op *o = s->open; o; o = next) {
        next = o->next;
        switch_poke(s, o->id);
    }
}

/* -- the machine itself --------------------------------------------------------------- */

int switch_new(struct service *svc, struct switcher **ret, struct err *err)
{
    struct switcher *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return err_set(err, -ENOMEM, "the switch machine: %m");
    s->svc = svc;
    r = loop_timer_new(svc->loop, SWITCH_TICK_MS, SWITCH_TICK_MS, tick, s, &s->tick, err);
    if (r < 0) {
        free(s);
        return r;
    }
    *ret = s;
    return 0;
}

void switch_free(struct switcher *s)
{
    if (!s)
        return;
    loop_timer_free(s->tick);
    while (s->open)
        drop_open(s, s->open->id);
    free(s);
}

static int resume_one(void *arg, const struct db_op *op)
{
    return switch_add_open(arg, op->id) ? 0 : -ENOMEM;
}

int switch_resume(struct switcher *s, struct err *err)
{
    int r = db_op_each_open(s->svc, resume_one, s, err);

    if (r < 0)
        return r;
    tick(s);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a switch, one row each: whom to order what, and how to read the answers.
 *
 * Side effects here are rows only; agents and the vault hear of them after the commit.
 */
#include "planner/service/switch_step.h"

#include "base/num.h"
#include "base/text.h"
#include "planner/service/gate.h"
#include "planner/service/order.h"
#include "planner/service/vaultq.h"

#include <stdio.h>

#include "base/banned.h"

enum { DOWNTIME_DEFAULT_S = 600, HEALTH_LEAST_S = 5, HEALTH_MOST_S = 60 };

typedef int (*begin_fn)(struct step_run *run, struct err *err);
typedef int (*look_fn)(struct step_run *run, enum step_verdict *ret, struct js **ret_detail,
                       struct err *err);

struct step_kind {
    begin_fn begin; /* NULL = nothing to record */
    look_fn look;
    bool asks_vault;
};

static enum workload_side other_side(const struct step_run *run)
{
    return workload_other(run->op->holder);
}

static enum workload_authority authority_of(enum workload_side side)
{
    return side == WORKLOAD_SOURCE ? WORKLOAD_AT_SOURCE : WORKLOAD_AT_TARGET;
}

/* -- orders ------------------------------------------------------------- */

/* tag tells the step's own orders from those that nobody waits for. */
static int order_host(struct step_run *run, const char *tag, const char *identity, const char *kind,
                      const struct js *args, struct err *err)
{
    const struct db_op *op = run->op;
    char id[ORDER_ID_MAX];
    struct order_new order = {
        .id = id,
        .host = identity,
        .kind = kind,
        .workload = op->workload,
        .epoch = op->epoch,
        .deadline_ms = op->step_deadline_ms,
        .args = args,
    };

    if (!identity[0])
        return err_set_gw(err, GW_AGENT_NOT_SEEN, -ENOENT, "a host of '%s' has no agent",
                          op->workload);
    if (text_print(id, sizeof(id), "%s.%s%llu.%s", op->id, tag, (unsigned long long)op->step_n,
                   identity) < 0)
        return err_set(err, -ENAMETOOLONG, "order of %s: %m", op->id);
    return order_create(run->svc, &order, err);
}

static int order_side(struct step_run *run, const char *tag, enum workload_side side,
                      const char *kind, const struct js *args, struct err *err)
{
    const struct workload *w = run->workload;

    for (size_t i = 0; i < w->hosts_n[side]; i++) {
        int r = order_host(run, tag, w->hosts[side][i].identity, kind, args, err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int look_orders(struct step_run *run, enum step_verdict *ret, struct js **ret_detail,
                       struct err *err)
{
    struct db_op_orders orders;
    int r = db_op_orders(run->svc, run->op, &orders, err);

    if (r < 0)
        return r;
    if (orders.failed > 0) {
        *err = orders.first;
        *ret = STEP_FAILED;
        return 0;
    }
    if (orders.done < orders.n) {
        *ret = STEP_WAIT;
        return 0;
    }
    *ret = STEP_OK;
    return db_op_orders_volumes(run->svc, run->op, ret_detail, err);
}

static int look_at_once(struct step_run *run, enum step_verdict *ret, struct js **ret_detail,
                        struct err *err)
{
    (void)run;
    (void)ret_detail;
    (void)err;
    *ret = STEP_OK;
    return 0;
}

/* -- precheck ----------------------------------------------------------- */

static int refuse(struct err *err, enum step_verdict *ret, const char *why)
{
    err_set_gw(err, GW_NOT_NOW, -EPERM, "%s", why);
    *ret = STEP_FAILED;
    return 0;
}

static int look_gate(struct step_run *run, enum step_verdict *ret, struct err *err)
{
    auto_js struct js *args = NULL;
    struct gate_limits limits = {.own_op = run->op->id};
    struct gate_result gate;
    size_t used = 0;
    int r = js_parse(slice_str(run->op->args), sizeof(run->op->args), &args, err);

    if (r < 0)
        return r;
    limits.max_lag_s = js_u64(args, "max_lag_s", 0);
    limits.max_downtime_s = js_u64(args, "max_downtime_s", 0);
    r = gate_check(run->svc, run->op->workload, &limits, &gate, err);
    if (r < 0)
        return r;
    *ret = gate.open ? STEP_OK : STEP_FAILED;
    if (gate.open)
        return 0;
    err_set_gw(err, GW_GATE_CLOSED, -EPERM, "%s", "");
    for (size_t i = 0; i < gate.rows_n && used < sizeof(err->text); i++) {
        if (!gate.rows[i].ok)
            used += (size_t)snprintf(err->text + used, sizeof(err->text) - used, "%s%s",
                                     used ? "; " : "", gate.rows[i].text);
    }
    return 0;
}

/* Orders go to agents; a host without one would leave a step without an end. */
static const char *host_without_agent(const struct workload *w)
{
    for (int side = WORKLOAD_SOURCE; side <= WORKLOAD_TARGET; side++) {
        for (size_t i = 0; i < w->hosts_n[side]; i++) {
            if (!w->hosts[side][i].identity[0])
                return w->hosts[side][i].name;
        }
    }
    return NULL;
}

const char *switch_step_refusal(const struct service *svc, const struct workload *w,
                                enum switch_kind kind)
{
    bool at_target = w->authority == WORKLOAD_AT_TARGET;

    if (!svc->vaultq)
        return "no store is configured";
    if (w->authority == WORKLOAD_FROZEN)
        return "an earlier switch left the workload frozen";
    switch (kind) {
    case SWITCH_CUTOVER:
    case SWITCH_TEST:
        return at_target ? "it is in the cloud already" : NULL;
    case SWITCH_ROLLBACK:
        return at_target ? NULL : "it is at its source already";
    case SWITCH_FINALIZE:
        if (at_target && !w->released)
            return NULL;
        return "only a workload that was cut over, and not finalized, can be finalized";
    }
    return NULL;
}

bool switch_step_gated(enum switch_kind kind)
{
    return kind == SWITCH_CUTOVER || kind == SWITCH_ROLLBACK;
}

static int look_precheck(struct step_run *run, enum step_verdict *ret, struct js **ret_detail,
                         struct err *err)
{
    const struct workload *w = run->workload;
    const char *refusal = switch_step_refusal(run->svc, w, run->op->at.kind);

    (void)ret_detail;
    if (host_without_agent(w)) {
        err_set_gw(err, GW_AGENT_NOT_SEEN, -EPERM, "host '%s' has no agent", host_without_agent(w));
        *ret = STEP_FAILED;
        return 0;
    }
    if (refusal)
        return refuse(err, ret, refusal);
    if (switch_step_gated(run->op->at.kind))
        return look_gate(run, ret, err);
    *ret = STEP_OK;
    return 0;
}

/* -- epoch -------------------------------------------------------------- */

static int begin_epoch(struct step_run *run, struct err *err)
{
    struct db_op *op = run->op;
    struct workload_move move = {
        .from = authority_of(op->holder),
        .from_epoch = run->workload->epoch,
        .to = WORKLOAD_FROZEN,
        .to_epoch = run->workload->epoch + 1,
    };
    int r;

    r = workload_set_authority(run->svc, op->workload, &move, err);
    if (r < 0)
        return r;
    op->epoch = move.to_epoch;
    return workload_set_lifecycle(run->svc, op->workload,
                                  op->at.leg > 0 || op->at.kind == SWITCH_ROLLBACK
                                      ? WORKLOAD_ROLLING_BACK
                                      : WORKLOAD_CUTTING_OVER,
                                  err);
}

static int look_epoch(struct step_run *run, enum step_verdict *ret, struct js **ret_detail,
                      struct err *err)
{
    (void)ret_detail;
    *ret = !run->vault->answered ? STEP_WAIT : run->vault->result < 0 ? STEP_FAILED : STEP_OK;
    if (*ret == STEP_FAILED)
        *err = run->vault->err;
    return 0;
}

/* -- fence, final, apply ------------------------------------------------- */

static int begin_fence(struct step_run *run, struct err *err)
{
    /* On the way back of a failed cutover users may have been served meanwhile; the sum counts from
     * the first fence. */
    if (run->op->frozen_ms == 0)
        run->op->frozen_ms = run->op->step_started_ms;
    return order_side(run, "", run->op->holder, "fence", NULL, err);
}

static int begin_final(struct step_run *run, struct err *err)
{
    return order_side(run, "", run->op->holder, "final", NULL, err);
}

static int begin_apply(struct step_run *run, struct err *err)
{
    auto_js struct js *final = NULL;
    int r = db_op_step_detail(run->svc, run->op, STEP_FINAL, &final, err);

    if (r < 0)
        return r;
    return order_side(run, "", other_side(run), "apply", final, err);
}

static const struct js *volume_named(const struct js *doc, const char *name)
{
    const struct js *volumes = js_member(doc, "volumes");

    for (size_t i = 0; i < js_len(volumes); i++) {
        if (text_equal(js_str(js_at(volumes, i), "name", NULL), name))
            return js_at(volumes, i);
    }
    return NULL;
}

/* Both sides' digests of every volume, each from its own reads: equal, or the first that is not. */
static int compare_digests(const struct workload *w, const struct js *final,
                           const struct js *applied, struct err *err)
{
    for (size_t i = 0; i < w->volumes_n; i++) {
        const char *name = w->volumes[i].name;
        const char *a = js_str(volume_named(final, name), "digest", NULL);
        const char *b = js_str(volume_named(applied, name), "digest", NULL);

        if (!a || !b)
            return err_set_gw(err, GW_DIGEST_DIFFERS, -EBADMSG,
                              "volume '%s': one side gave no digest", name);
        if (!text_equal(a, b))
            return err_set_gw(err, GW_DIGEST_DIFFERS, -EBADMSG,
                              "volume '%s': %.16s… here, %.16s… there", name, a, b);
    }
    return 0;
}

static int look_apply(struct step_run *run, enum step_verdict *ret, struct js **ret_detail,
                      struct err *err)
{
    auto_js struct js *final = NULL;
    int r = look_orders(run, ret, ret_detail, err);

    if (r < 0 || *ret != STEP_OK)
        return r;
    r = db_op_step_detail(run->svc, run->op, STEP_FINAL, &final, err);
    if (r < 0)
        return r;
    if (compare_digests(run->workload, final, *ret_detail, err) < 0)
        *ret = STEP_FAILED;
    return 0;
}

/* -- decide -------------------------------------------------------------- */

static int look_decide(struct step_run *run, enum step_verdict *ret, struct js **ret_detail,
                       struct err *err)
{
    bool promote = run->op->at.step == STEP_DECIDE;
    enum control_decision wanted = promote ? CONTROL_PROMOTE : CONTROL_ABORT;

    (void)ret_detail;
    if (!run->vault->answered) {
        *ret = STEP_WAIT;
    } else if (run->vault->result < 0) {
        *err = run->vault->err;
        *ret = STEP_FAILED;
    } else if (run->vault->standing.decision == wanted) {
        *ret = STEP_OK;
    } else {
        err_set_gw(err, GW_FENCE_FAILED, -ECANCELED, "%s stands, decided by %s: %s",
                   promote ? "abort" : "promote", run->vault->standing.by,
                   run->vault->standing.reason);
        *ret = STEP_OTHER;
    }
    return 0;
}

/* -- promote, give back, and what follows -------------------------------- */

static int move_authority(struct step_run *run, enum workload_side to, struct err *err)
{
    struct workload_move move = {
        .from = WORKLOAD_FROZEN,
        .from_epoch = run->op->epoch,
        .to = authority_of(to),
        .to_epoch = run->op->epoch,
    };

    /* A step that is redone finds it moved already. */
    if (run->workload->authority == move.to && run->workload->epoch == run->op->epoch)
        return 0;
    return workload_set_authority(run->svc, run->op->workload, &move, err);
}

static int begin_promote(struct step_run *run, struct err *err)
{
    auto_js struct js *final = NULL;
    int r = db_op_step_detail(run->svc, run->op, STEP_FINAL, &final, err);

    if (r == 0)
        r = move_authority(run, other_side(run), err);
    if (r == 0)
        r = order_side(run, "", other_side(run), "promote", final, err);
    return r;
}

static int look_promote(struct step_run *run, enum step_verdict *ret, struct js **ret_detail,
                        struct err *err)
{
    int r = look_orders(run, ret, ret_detail, err);

    if (r == 0 && *ret == STEP_OK)
        run->op->thawed_ms = clock_wall_ms(run->svc->clock);
    return r;
}

static int begin_give_back(struct step_run *run, struct err *err)
{
    int r = move_authority(run, run->op->holder, err);

    if (r == 0)
        r = order_side(run, "", run->op->holder, "abort", NULL, err);
    if (r == 0)
        r = order_side(run, "sd", other_side(run), "stand_down", NULL, err);
    return r;
}

/* Checks and traffic are asked of one host of the side that became active. */
static int order_first_host(struct step_run *run, const char *kind, const struct js *args,
                            struct err *err)
{
    enum workload_side side = other_side(run);

    if (run->workload->hosts_n[side] == 0)
        return 0;
    return order_host(run, "", run->workload->hosts[side][0].identity, kind, args, err);
}

uint64_t switch_step_left_ms(const struct step_run *run)
{
    auto_js struct js *args = NULL;
    uint64_t limit_s = run->workload->limits.max_downtime_s;

    if (js_parse(slice_str(run->op->args), sizeof(run->op->args), &args, NULL) == 0)
        limit_s = js_u64(args, "max_downtime_s", limit_s);
    limit_s = limit_s ? limit_s : DOWNTIME_DEFAULT_S;
    /* The way back has it anew: without time for it nobody would be left able to write. */
    return limit_s * 1000 - num_min(limit_s * 1000, run->op->at.leg > 0 ? 0 : run->stopped_ms);
}

/* Users are away until traffic is switched, and to go back takes longer still: services that begin
 * get what is left of the downtime, and no less than a first look. */
static int begin_health(struct step_run *run, struct err *err)
{
    const uint64_t left_s = switch_step_left_ms(run) / 1000;
    auto_jsw struct jsw *w = NULL;
    auto_js struct js *args = NULL;
    int r;

    if (js_len(run->workload->health) == 0)
        return 0;
    r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_u64(w, "timeout_s", num_min(num_max(left_s, HEALTH_LEAST_S), HEALTH_MOST_S));
    jsw_end(w);
    r = jsw_take(w, &args, err);
    return r < 0 ? r : order_first_host(run, "health", args, err);
}

static int begin_traffic(struct step_run *run, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    auto_js struct js *args = NULL;
    enum workload_side to = other_side(run);
    const struct js *traffic = js_member(run->workload->hooks, "traffic");
    int r;

    if (!js_member(traffic, to == WORKLOAD_TARGET ? "to_target" : "to_source"))
        return 0;
    r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_str(w, "to", workload_side_name(to));
    jsw_end(w);
    r = jsw_take(w, &args, err);
    return r < 0 ? r : order_first_host(run, "traffic", args, err);
}

static int begin_release(struct step_run *run, struct err *err)
{
    int r = order_side(run, "", WORKLOAD_TARGET, "release", NULL, err);

    return r < 0 ? r : order_side(run, "", WORKLOAD_SOURCE, "release", NULL, err);
}

static int begin_test(struct step_run *run, struct err *err)
{
    int r = workload_set_lifecycle(run->svc, run->op->workload, WORKLOAD_TESTING, err);

    return r < 0 ? r : order_side(run, "", WORKLOAD_TARGET, "test", NULL, err);
}

static const struct step_kind kinds[STEP_COUNT] = {
    [STEP_PRECHECK] = {NULL, look_precheck, false},
    [STEP_EPOCH] = {begin_epoch, look_epoch, true},
    [STEP_FENCE] = {begin_fence, look_orders, false},
    [STEP_FINAL] = {begin_final, look_orders, false},
    [STEP_APPLY] = {begin_apply, look_apply, false},
    [STEP_DECIDE] = {NULL, look_decide, true},
    [STEP_PROMOTE] = {begin_promote, look_promote, false},
    [STEP_HEALTH] = {begin_health, look_orders, false},
    [STEP_TRAFFIC] = {begin_traffic, look_orders, false},
    [STEP_OBSERVE] = {NULL, look_at_once, false},
    [STEP_DECIDE_ABORT] = {NULL, look_decide, true},
    [STEP_GIVE_BACK] = {begin_give_back, look_promote, false},
    [STEP_RELEASE] = {begin_release, look_orders, false},
    [STEP_TEST] = {begin_test, look_orders, false},
};

int switch_step_begin(struct step_run *run, struct err *err)
{
    const struct step_kind *kind = &kinds[run->op->at.step];

    return kind->begin ? kind->begin(run, err) : 0;
}

int switch_step_look(struct step_run *run, enum step_verdict *ret, struct js **ret_detail,
                     struct err *err)
{
    return kinds[run->op->at.step].look(run, ret, ret_detail, err);
}

bool switch_step_asks(enum switch_step step)
{
    return kinds[step].asks_vault;
}

/* -- questions to the vault ---------------------------------------------- */

static int fill_volume(const struct js *from, const struct workload *w, struct control_volume *out,
                       struct err *err)
{
    const char *name, *digest;
    int r = js_get_str(from, "name", &name, err);

    if (r == 0)
        r = js_get_str(from, "digest", &digest, err);
    if (r == 0)
        r = js_get_u64(from, "seq", &out->seq, err);
    if (r < 0)
        return r;
    if (strlen(digest) != 2 * sizeof(out->digest) ||
        text_unhex(digest, out->digest, sizeof(out->digest)) < 0)
        return err_set(err, -EINVAL, "volume '%s': the digest is not 64 hex digits", name);
    if (text_print(out->replica, sizeof(out->replica), "%s/%s", w->name, name) < 0)
        return err_set(err, -ENAMETOOLONG, "volume '%s': %m", name);
    return 0;
}

static int fill_promote(struct step_run *run, struct control_verdict *verdict, struct err *err)
{
    auto_js struct js *final = NULL;
    const struct js *volumes;
    int r = db_op_step_detail(run->svc, run->op, STEP_FINAL, &final, err);

    if (r < 0)
        return r;
    volumes = js_member(final, "volumes");
    if (js_len(volumes) == 0 || js_len(volumes) > CONTROL_VOLUMES_MAX)
        return err_set(err, -EINVAL, "the journal of %s names %zu volumes", run->op->id,
                       js_len(volumes));
    verdict->volumes_n = js_len(volumes);
    for (size_t i = 0; i < verdict->volumes_n; i++) {
        r = fill_volume(js_at(volumes, i), run->workload, &verdict->volumes[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

int switch_step_question(struct step_run *run, struct vaultq_job *job, struct err *err)
{
    const struct db_op *op = run->op;
    bool promote = op->at.step == STEP_DECIDE;

    job->epoch = op->epoch;
    (void)text_copy(job->workload, sizeof(job->workload), op->workload);
    (void)text_copy(job->holder, sizeof(job->holder), op->id);
    if (op->at.step == STEP_EPOCH) {
        job->kind = VAULTQ_CLAIM;
        return 0;
    }
    job->kind = VAULTQ_DECIDE;
    job->verdict = (struct control_verdict){
        .decision = promote ? CONTROL_PROMOTE : CONTROL_ABORT,
        .epoch = op->epoch,
        .decided_ms = clock_wall_ms(run->svc->clock),
    };
    (void)text_copy(job->verdict.by, sizeof(job->verdict.by), "planner");
    if (promote)
        return fill_promote(run, &job->verdict, err);
    snprintf(job->verdict.reason, sizeof(job->verdict.reason), "%.120s", op->cause.text);
    return 0;
}

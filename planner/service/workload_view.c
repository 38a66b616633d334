/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting the facts of a workload, once for the gate and once for the status. */
#include "planner/service/workload_view.h"

#include "base/num.h"
#include "base/text.h"
#include "planner/service/host.h"
#include "planner/service/order.h"
#include "planner/service/service_own.h"
#include "planner/service/window.h"

#include <stdio.h>

#include "base/banned.h"

void workload_view_free(struct workload_view *v)
{
    if (!v)
        return;
    workload_free(v->workload);
    free(v->volumes);
    free(v);
}

static int load_report(struct service *svc, const struct workload_view *v, size_t i,
                       enum workload_side side, bool *ret_has, struct db_replication *ret,
                       struct err *err)
{
    int r;

    r = db_workload_report_load(svc->db, v->workload->name, v->workload->volumes[i].name, side, ret,
                                err);
    *ret_has = r == 0;
    return r == -ENOENT ? 0 : r;
}

/*
 * As of when the other side has everything. A volume that nobody writes to has no newer point: then
 * the holder's word counts, which says when it last found nothing new after that point.
 */
static uint64_t fresh_ms(const struct workload_view_volume *at)
{
    if (at->has_holder && text_equal(at->holder.role, "push") && at->holder.seq == at->other.seq &&
        at->holder.epoch == at->other.epoch)
        return num_max(at->holder.taken_ms, at->other.taken_ms);
    return at->other.taken_ms;
}

/* Only a side that follows can say how far it came: the last words of a holder are no lag. */
static void judge_volume(const struct workload_view *v, struct workload_view_volume *at)
{
    const bool follows = at->has_other && text_equal(at->other.role, "follow");

    at->applied = follows && at->other.taken_ms > 0;
    if (at->applied && v->now_ms > fresh_ms(at))
        at->lag_s = (double)(v->now_ms - fresh_ms(at)) / 1000;
    if (follows && at->other.verified_ms >= v->workload->switched_ms)
        at->verified_ms = at->other.verified_ms;
}

static int load_volumes(struct service *svc, struct workload_view *v, struct err *err)
{
    const enum workload_side holder = v->workload->holder;
    int r = 0;

    v->volumes = calloc(v->workload->volumes_n, sizeof(*v->volumes));
    if (!v->volumes)
        return err_set(err, -ENOMEM, "look at '%s': %m", v->workload->name);
    for (size_t i = 0; r == 0 && i < v->workload->volumes_n; i++) {
        struct workload_view_volume *at = &v->volumes[i];

        at->volume = &v->workload->volumes[i];
        r = load_report(svc, v, i, holder, &at->has_holder, &at->holder, err);
        if (r == 0)
            r = load_report(svc, v, i, workload_other(holder), &at->has_other, &at->other, err);
        judge_volume(v, at);
    }
    return r;
}

/* Tests and refusals move nothing, so they say nothing of where the workload was left. */
static int take_last_switch(void *arg, const struct db_op *op)
{
    struct workload_view *v = arg;

    if (op->at.kind == SWITCH_TEST || op->ended_ms == 0 ||
        (op->state != SWITCH_DONE && op->state != SWITCH_ROLLED_BACK &&
         op->state != SWITCH_HALFWAY))
        return 0;
    if (op->state == SWITCH_HALFWAY && op->attention)
        v->halfway = *op;
    return 1;
}

static int load_ops(struct service *svc, const char *name, struct workload_view *v, struct err *err)
{
    const struct db_op_page all = {.workload = name, .after = "", .limit = INT64_MAX};
    int r = db_op_open(svc, name, &v->op, err);

    v->has_op = r == 0;
    if (r < 0 && r != -ENOENT)
        return r;
    err_clear(err);
    r = db_op_each(svc, &all, take_last_switch, v, err);
    return r < 0 ? r : 0;
}

static int find_quarantined(struct service *svc, struct workload_view *v, struct err *err)
{
    struct host host;
    int r;

    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < v->workload->hosts_n[side]; i++) {
            r = host_find_name(svc, v->workload->hosts[side][i].name, &host, err);
            if (r < 0 && r != -ENOENT)
                return r;
            if (r == 0 && host.quarantine[0]) {
                (void)text_copy(v->quarantined, sizeof(v->quarantined), host.name);
                (void)text_copy(v->quarantine, sizeof(v->quarantine), host.quarantine);
            }
        }
    return 0;
}

static int find_dependency(struct service *svc, struct workload_view *v, struct err *err)
{
    const struct js *depends = v->workload->depends;
    struct workload *other;
    bool moved;
    int r;

    for (size_t i = 0; i < js_len(depends); i++) {
        const char *name = js_as_str(js_at(depends, i), "");

        other = NULL;
        r = workload_load(svc, name, &other, err);
        if (r < 0 && r != -ENOENT)
            return r;
        moved = r == 0 && other->authority == WORKLOAD_AT_TARGET;
        workload_free(other);
        if (!moved)
            return text_copy(v->depends_open, sizeof(v->depends_open), name);
    }
    return 0;
}

static int load_all(struct service *svc, const char *name, struct workload_view *v, struct err *err)
{
    int r;

    v->now_ms = clock_wall_ms(svc->clock);
    r = workload_load(svc, name, &v->workload, err);
    if (r == 0)
        r = load_volumes(svc, v, err);
    if (r == 0)
        r = load_ops(svc, name, v, err);
    if (r == 0)
        r = find_quarantined(svc, v, err);
    if (r == 0)
        r = order_failure(svc, name, "adopt", v->adopt_failed, sizeof(v->adopt_failed), err);
    if (r == 0)
        r = find_dependency(svc, v, err);
    if (r == 0)
        r = window_closed(svc, v->now_ms, v->blackout, sizeof(v->blackout), err);
    return r;
}

int workload_view_load(struct service *svc, const char *name, struct workload_view **ret,
                       struct err *err)
{
    auto_view struct workload_view *v = calloc(1, sizeof(*v));
    int r;

    if (!v)
        return err_set(err, -ENOMEM, "look at '%s': %m", name);
    r = load_all(svc, name, v, err);
    if (r < 0)
        return r;
    err_clear(err); /* a side that never reported is no failure */
    *ret = TAKE(v);
    return 0;
}

bool workload_view_seen(const struct workload_view *v, const struct db_replication *report)
{
    return v->now_ms < report->reported_ms + SERVICE_UNSEEN_MS;
}

/* -- the gate --------------------------------------------------------------- */

static const char *bad_of(const struct workload_view_volume *at)
{
    if (at->has_holder && at->holder.error[0])
        return at->holder.error;
    if (at->has_other && at->other.error[0])
        return at->other.error;
    /* What does not converge is told by its lag, and by how long its last pass would take. */
    if (at->has_holder && text_equal(at->holder.state, "stalled") &&
        !text_equal(at->holder.reason, "not_converging"))
        return at->holder.reason[0] ? at->holder.reason : "stalled";
    if (at->has_holder && text_equal(at->holder.state, "rescan"))
        return "it rescans";
    if (at->has_holder && text_equal(at->holder.state, "initial_sync"))
        return "its first copy is under way";
    return NULL;
}

/* Below 0: never. */
static double age_s(const struct workload_view *v, uint64_t at_ms)
{
    if (at_ms == 0)
        return -1;
    return at_ms > v->now_ms ? 0 : (double)(v->now_ms - at_ms) / 1000; /* clocks a little apart */
}

static void fill_volume(const struct workload_view *v, const struct workload_view_volume *at,
                        struct gate_volume *to)
{
    to->name = at->volume->name;
    to->seen_holder = at->has_holder && workload_view_seen(v, &at->holder);
    to->seen_other = at->has_other && workload_view_seen(v, &at->other);
    to->has_point = at->applied;
    to->lag_s = at->lag_s;
    to->verified_age_s = age_s(v, at->verified_ms);
    to->apply_s = (at->has_holder ? at->holder.pass_s : 0) + (at->has_other ? at->other.pass_s : 0);
    to->consistent_age_s = age_s(v, at->has_holder ? at->holder.consistent_ms : 0);
    to->bad = bad_of(at);
}

static uint64_t chosen(uint64_t asked, uint64_t document)
{
    return asked ? asked : document;
}

int workload_view_gate(const struct workload_view *v, const struct gate_limits *limits,
                       struct gate_result *ret, struct err *err)
{
    const struct workload *w = v->workload;
    const struct gate_limits none = {0}, *l = limits ? limits : &none;
    auto_free struct gate_volume *volumes = calloc(w->volumes_n, sizeof(*volumes));
    const struct gate_facts facts = {
        .rollback = w->authority == WORKLOAD_AT_TARGET,
        .settled = w->authority != WORKLOAD_FROZEN,
        .applied = w->start_ms > 0 && w->start_ms <= v->now_ms,
        .released = w->released,
        .paused = w->control.paused,
        .quarantined = v->quarantined[0] != '\0',
        .open_op = v->has_op && !text_equal(v->op.id, l->own_op) ? v->op.id : NULL,
        .max_lag_s = chosen(l->max_lag_s, w->limits.max_lag_s),
        .max_downtime_s = chosen(l->max_downtime_s, w->limits.max_downtime_s),
        .verify_max_age_s = w->limits.verify_max_age_s,
        .require_test = w->limits.require_test,
        .wants_points = w->limits.consistent_s > 0,
        .tested_age_s = w->tested_ms ? ((double)v->now_ms - (double)w->tested_ms) / 1000 : -1,
        .blackout = v->blackout[0] ? v->blackout : NULL,
        .depends_open = v->depends_open[0] ? v->depends_open : NULL,
        .volumes_n = w->volumes_n,
        .volumes = volumes,
    };

    if (!volumes)
        return err_set(err, -ENOMEM, "gate of '%s': %m", w->name);
    for (size_t i = 0; i < w->volumes_n; i++)
        fill_volume(v, &v->volumes[i], &volumes[i]);
    gate_evaluate(&facts, ret);
    return 0;
}

int gate_check(struct service *svc, const char *workload, const struct gate_limits *limits,
               struct gate_result *ret, struct err *err)
{
    auto_view struct workload_view *v = NULL;
    int r;

    r = workload_view_load(svc, workload, &v, err);
    return r < 0 ? r : workload_view_gate(v, limits, ret, err);
}

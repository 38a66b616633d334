/* SPDX-License-Identifier: Apache-2.0 */
/* Words and numbers of the status; warnings and the next step are in status_advice.c. */
#include "planner/service/status.h"

#include "base/text.h"
#include "planner/service/status_advice.h"

#include "base/banned.h"

enum { POINTS_SPARE_MS = 60 * 1000 };

static bool all_applied(const struct workload_view *v)
{
    for (size_t i = 0; i < v->workload->volumes_n; i++)
        if (!v->volumes[i].applied)
            return false;
    return true;
}

static const char *state_of_op(const struct workload_view *v)
{
    if (v->op.attention)
        return "needs operator";
    switch (v->op.at.kind) {
    case SWITCH_CUTOVER:
        return v->op.at.leg > 0 ? "rolling back" : "cutting over";
    case SWITCH_ROLLBACK:
        return "rolling back";
    case SWITCH_TEST:
        return "testing";
    case SWITCH_FINALIZE:
        return "finalizing";
    }
    return "needs operator";
}

/* An agent that cannot read who owns the workload fences it and waits for people. */
bool status_record_damaged(const struct workload_view *v)
{
    for (size_t i = 0; i < v->workload->volumes_n; i++) {
        const struct workload_view_volume *at = &v->volumes[i];

        if ((at->has_holder && text_equal(at->holder.reason, "record_damaged")) ||
            (at->has_other && text_equal(at->other.reason, "record_damaged")))
            return true;
    }
    return false;
}

const char *status_workload_state(const struct workload_view *v)
{
    const struct workload *w = v->workload;

    if (v->has_op)
        return state_of_op(v);
    if (w->authority == WORKLOAD_FROZEN || v->halfway.id[0] || status_record_damaged(v))
        return "needs operator";
    if (w->released)
        return "finalized";
    if (w->authority == WORKLOAD_AT_TARGET)
        return "cloud";
    if (!workload_is_applied(w, v->now_ms))
        return "planned";
    return all_applied(v) ? "dual-run" : "seeding";
}

/* A moment may fail, and the next comes only after its time: two of them are a matter for people.
 */
bool status_points_late(const struct workload_view *v, const struct workload_view_volume *at)
{
    const uint64_t every_ms = v->workload->limits.consistent_s * 1000;
    const uint64_t last_ms = at->holder.consistent_ms;
    const uint64_t since = last_ms > 0 ? last_ms : v->workload->start_ms;

    if (every_ms == 0 || !at->applied)
        return false;
    if (last_ms == 0 && at->holder.consistent_error[0])
        return true;
    return v->now_ms > since + 2 * every_ms + POINTS_SPARE_MS;
}

static const char *state_of_lag(const struct workload_view *v,
                                const struct workload_view_volume *at)
{
    if (!at->applied)
        return "seeding";
    if (at->lag_s <= (double)v->workload->limits.max_lag_s)
        return "in sync";
    return "catching up";
}

bool status_diverges(const struct workload_view_volume *at)
{
    return at->has_holder && text_equal(at->holder.convergence, "not_converging");
}

const char *status_volume_state(const struct workload_view *v,
                                const struct workload_view_volume *at)
{
    static const struct {
        const char *replication, *state;
    } words[] = {
        {"stopped", "pending"},      {"initiating", "seeding"}, {"initial_sync", "seeding"},
        {"paused", "paused"},        {"rescan", "rescan"},      {"stalled", "stalled"},
        {"disconnected", "offline"},
    };

    if (v->workload->released)
        return "released";
    if (!workload_is_applied(v->workload, v->now_ms) || !at->has_holder)
        return "pending";
    if (!workload_view_seen(v, &at->holder) ||
        (at->has_other && !workload_view_seen(v, &at->other)))
        return "offline";
    if (v->workload->control.paused)
        return "paused";
    if (at->holder.error[0] || (at->has_other && at->other.error[0]))
        return "error";
    if (status_diverges(at))
        return "lagging";
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (text_equal(words[i].replication, at->holder.state))
            return words[i].state;
    return state_of_lag(v, at);
}

double status_done(const struct workload_view_volume *at)
{
    const struct db_replication *h = &at->holder;

    if (!at->has_holder)
        return 0;
    if (h->total_bytes == 0)
        return at->applied ? 1 : 0;
    return h->done_bytes >= h->total_bytes ? 1 : (double)h->done_bytes / (double)h->total_bytes;
}

static void write_maybe(struct jsw *w, const char *key, bool has, double v)
{
    if (has)
        jsw_f64(w, key, v);
    else
        jsw_null(w, key);
}

/* The agent's word counts while it is there to keep it. */
static void write_convergence(const struct workload_view *v, const struct workload_view_volume *at,
                              struct jsw *w)
{
    const struct db_replication *h = &at->holder;
    const bool now = at->has_holder && workload_view_seen(v, h) && !v->workload->control.paused;

    write_maybe(w, "eta_s", now && h->eta_s >= 0, h->eta_s);
    write_maybe(w, "running_s", now && h->running_s >= 0, h->running_s);
    write_maybe(w, "pass_eta_s", now && h->pass_eta_s >= 0, h->pass_eta_s);
    jsw_str(w, "convergence", now && h->convergence[0] ? h->convergence : NULL);
    jsw_str(w, "bound", now && h->bound[0] ? h->bound : NULL);
    jsw_u64(w, "drain_bytes_per_s", h->drain_bytes_per_s);
    jsw_u64(w, "need_bytes_per_s", h->need_bytes_per_s);
    jsw_u64(w, "limit_bytes_per_s", h->limit_bytes_per_s);
    write_maybe(w, "point_lag_s", at->has_holder && h->point_lag_s >= 0, h->point_lag_s);
    write_maybe(w, "target_lag_s", at->has_holder && h->target_lag_s >= 0, h->target_lag_s);
    write_maybe(w, "late_s", at->has_holder && h->late_s >= 0, h->late_s);
    jsw_str(w, "point_kind", h->point_kind[0] ? h->point_kind : NULL);
    jsw_time(w, "consistent_at", h->consistent_ms);
    jsw_str(w, "consistent_error", h->consistent_error[0] ? h->consistent_error : NULL);
}

static void write_volume(const struct workload_view *v, const struct workload_view_volume *at,
                         struct jsw *w)
{
    const struct db_replication *h = &at->holder;
    const enum workload_side side = v->workload->holder;

    jsw_obj(w, NULL);
    jsw_str(w, "volume", at->volume->name);
    jsw_str(w, "host", at->volume->at[side].host);
    jsw_str(w, "target", at->volume->at[workload_other(side)].host);
    jsw_str(w, "state", status_volume_state(v, at));
    jsw_str(w, "replication", at->has_holder ? h->state : NULL);
    jsw_str(w, "reason", at->has_holder && h->reason[0] ? h->reason : NULL);
    jsw_f64(w, "done", status_done(at));
    jsw_u64(w, "done_bytes", h->done_bytes);
    jsw_u64(w, "total_bytes", h->total_bytes);
    jsw_u64(w, "size_bytes", h->size_bytes);
    jsw_u64(w, "backlog_bytes", h->backlog_bytes);
    write_maybe(w, "lag_s", at->applied, at->lag_s);
    jsw_u64(w, "write_bytes_per_s", h->write_bytes_per_s);
    jsw_u64(w, "send_bytes_per_s", h->send_bytes_per_s);
    write_convergence(v, at, w);
    jsw_time(w, "verified_at", at->verified_ms);
    jsw_u64(w, "pushed_seq", h->seq);
    jsw_u64(w, "applied_seq", at->other.seq);
    jsw_time(w, "taken_at", at->applied ? at->other.taken_ms : 0);
    jsw_time(w, "reported_at", h->reported_ms);
    jsw_str(w, "error", h->error[0] ? h->error : at->other.error[0] ? at->other.error : NULL);
    jsw_end(w);
}

struct totals {
    uint64_t backlog_bytes, done_bytes, total_bytes;
    size_t ready;
};

static struct totals add_up(const struct workload_view *v)
{
    struct totals t = {0};

    for (size_t i = 0; i < v->workload->volumes_n; i++) {
        const struct workload_view_volume *at = &v->volumes[i];

        t.backlog_bytes += at->holder.backlog_bytes;
        t.done_bytes += at->holder.done_bytes;
        t.total_bytes += at->holder.total_bytes;
        t.ready += text_equal(status_volume_state(v, at), "in sync");
    }
    return t;
}

static void write_op(const struct workload_view *v, struct jsw *w)
{
    if (!v->has_op) {
        jsw_null(w, "op");
        return;
    }
    jsw_obj(w, "op");
    jsw_str(w, "op", v->op.id);
    jsw_str(w, "kind", switch_plan_kind_name(v->op.at.kind));
    jsw_str(w, "step", switch_plan_step_name(v->op.at.step));
    jsw_end(w);
}

static void write_fields(const struct workload_view *v, struct jsw *w)
{
    const struct workload *load = v->workload;
    const bool reverse = load->holder == WORKLOAD_TARGET;

    jsw_str(w, "workload", load->name);
    jsw_str(w, "state", status_workload_state(v));
    jsw_str(w, "lifecycle", workload_lifecycle_name(load->lifecycle));
    jsw_str(w, "authority", workload_authority_name(load->authority));
    jsw_str(w, "holder", workload_side_name(load->holder));
    jsw_str(w, "direction", reverse ? "reverse" : "forward");
    jsw_u64(w, "epoch", load->epoch);
    jsw_str(w, "wave", load->wave[0] ? load->wave : NULL);
    jsw_bool(w, "paused", load->control.paused);
    jsw_time(w, "started_at", load->start_ms);
    jsw_time(w, "tested_at", load->tested_ms);
    jsw_time(w, "rollback_until",
             load->authority == WORKLOAD_AT_TARGET && !load->released
                 ? load->switched_ms + load->limits.observe_s * 1000
                 : 0);
    write_op(v, w);
}

void status_write(const struct workload_view *v, const struct gate_result *gate, struct jsw *w)
{
    const struct totals t = add_up(v);

    jsw_obj(w, NULL);
    write_fields(v, w);
    write_maybe(w, "lag_s", gate->has_lag, gate->lag_s);
    jsw_u64(w, "backlog_bytes", t.backlog_bytes);
    jsw_f64(w, "done",
            t.total_bytes == 0              ? 0
            : t.done_bytes >= t.total_bytes ? 1
                                            : (double)t.done_bytes / (double)t.total_bytes);
    jsw_u64(w, "volumes_ready", t.ready);
    if (v->workload->released)
        jsw_null(w, "gate"); /* no switch will ever ask */
    else
        gate_write(gate, w, "gate");
    jsw_arr(w, "volumes");
    for (size_t i = 0; i < v->workload->volumes_n; i++)
        write_volume(v, &v->volumes[i], w);
    jsw_end(w);
    status_advice_warnings(v, w);
    status_advice_next(v, gate, w);
    jsw_end(w);
}

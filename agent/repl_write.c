/* SPDX-License-Identifier: Apache-2.0 */
/* The "replication" rows of a report. */
#include "agent/workload.h"

#include "base/jsw.h"
#include "base/num.h"
#include "transport/rate.h"

#include <math.h>

#include "base/banned.h"

/* A row at the moment at which it is told. */
struct row {
    const struct repl_status *s;
    uint64_t total, done;
    uint64_t running_ms; /* of the pass under way; 0 = none */
    uint64_t written;    /* while it runs; 0 = not known */
    uint64_t lag_ms;     /* of who pushes: age of what the store has; when has_point */
    uint64_t backlog_bytes;
    enum converge_state state;
};

static void write_point(const struct repl_status *s, struct jsw *out)
{
    if (!s->has_point) {
        jsw_null(out, "seq");
        jsw_null(out, "digest");
        jsw_null(out, "taken_at");
        jsw_null(out, "point_kind");
        if (s->volume_bytes > 0)
            jsw_u64(out, "size_bytes", s->volume_bytes);
        else
            jsw_null(out, "size_bytes");
        return;
    }
    jsw_u64(out, "seq", s->point.seq);
    jsw_hex(out, "digest", s->point.digest, sizeof(s->point.digest));
    /* For who pushes: when the volume was last seen equal to its newest point. */
    jsw_time(out, "taken_at",
             s->role == OWNERSHIP_PUSH ? num_max(s->equal_wall_ms, s->point.taken_ms)
                                       : s->point.taken_ms);
    jsw_str(out, "point_kind", replica_kind_name(s->point.kind));
    jsw_u64(out, "size_bytes", s->point.size_bytes);
}

static bool is_seeded(const struct repl_status *s)
{
    return s->has_point && s->state != REPL_INITIAL_SYNC && s->state != REPL_INITIATING;
}

/* What the first copy lacks; later, what is written meanwhile, as far as it goes. */
static uint64_t backlog(const struct row *row)
{
    const struct repl_status *s = row->s;

    if (s->state == REPL_INITIAL_SYNC)
        return row->total > row->done ? row->total - row->done : 0;
    if (s->role != OWNERSHIP_PUSH || !s->has_point)
        return 0;
    return (uint64_t)fmin((double)converge_write_rate(&s->converge) * (double)row->lag_ms / 1000,
                          (double)s->point.size_bytes);
}

static struct row look(const struct workload *w, struct repl_status *s)
{
    const uint64_t mono = clock_mono_ms(w->agent->clock), wall = clock_wall_ms(w->agent->clock);
    struct row row = {.s = s,
                      .total = atomic_load(&s->progress.total_bytes),
                      .done = atomic_load(&s->progress.done_bytes)};
    struct converge_now now;

    if (s->begun_mono_ms > 0) {
        row.running_ms = num_max(mono - s->begun_mono_ms, 1);
        row.written = atomic_load(&s->progress.written_bytes);
        progress_rate_look(&s->pace, mono, row.done, atomic_load(&s->progress.sent_bytes));
    }
    if (s->has_point && wall > s->equal_wall_ms)
        row.lag_ms = wall - s->equal_wall_ms;
    row.backlog_bytes = backlog(&row);
    if (s->role != OWNERSHIP_PUSH)
        return row;
    now = (struct converge_now){.seeded = is_seeded(s),
                                .lag_ms = row.lag_ms,
                                .running_ms = row.running_ms,
                                .since_ms = s->since_ms,
                                .done_bytes = row.done,
                                .written_bytes = row.written};
    row.state = converge_judge(&s->converge, &now, &s->target);
    return row;
}

static void write_f64(struct jsw *out, const char *key, bool has, double v)
{
    if (has)
        jsw_f64(out, key, v);
    else
        jsw_null(out, key);
}

static void write_consistent(const struct repl_status *s, struct jsw *out)
{
    const bool pushes = s->role == OWNERSHIP_PUSH;

    jsw_time(out, "consistent_at", pushes ? s->consistent.wall_ms : 0);
    if (pushes && s->consistent.seq > 0)
        jsw_u64(out, "consistent_seq", s->consistent.seq);
    else
        jsw_null(out, "consistent_seq");
    jsw_str(out, "consistent_error", pushes && s->consistent_error[0] ? s->consistent_error : NULL);
}

static double eta_s(const struct row *row)
{
    if (row->state == CONVERGE_SEEDING)
        return progress_rate_eta_s(&row->s->pace, row->total);
    return row->state == CONVERGE_CONVERGING ? converge_eta_s(&row->s->converge, row->backlog_bytes)
                                             : -1;
}

/* Longer than the last one: what counts is how it goes now. A first copy always is. */
static bool is_long(const struct row *row)
{
    return row->running_ms > row->s->pass_ms;
}

/* Of the pass under way when it is long, and most of it is accounted for: a wait is when it ends.
 * Else of the last ones. */
static const char *bound(const struct row *row)
{
    const struct spent *spent = &row->s->progress.spent;
    enum spent_on on;

    if (is_long(row) && spent_wall_ms(spent) > row->running_ms / 2 && spent_bound(spent, &on))
        return spent_name(on);
    return converge_bound(&row->s->converge, &on) ? spent_name(on) : NULL;
}

/* The narrower of the workload's and the host's; NULL: no limit. */
static void write_limit(const struct workload *w, struct jsw *out)
{
    const uint64_t own = w->rate ? rate_get(w->rate) : 0;
    const uint64_t host = w->agent->rate ? rate_get(w->agent->rate) : 0;
    const bool by_host = host > 0 && (own == 0 || host < own);

    if (own == 0 && host == 0) {
        jsw_null(out, "limit_bytes_per_s");
        jsw_null(out, "limit_of");
        return;
    }
    jsw_u64(out, "limit_bytes_per_s", by_host ? host : own);
    jsw_str(out, "limit_of", by_host ? "host" : "workload");
}

/* How long the target is missed, as far as it is known now. */
static uint64_t late_ms(const struct workload *w, const struct row *row)
{
    const uint64_t target = row->s->target.lag_ms, wall = clock_wall_ms(w->agent->clock);
    const uint64_t since = row->s->late_wall_ms;

    if (since > 0)
        return wall > since ? wall - since : 0;
    return row->lag_ms > target ? row->lag_ms - target : 0;
}

/* Bytes of the pass under way, a second. */
static uint64_t per_s(const struct row *row, uint64_t bytes)
{
    return (uint64_t)((double)bytes * 1000 / (double)row->running_ms);
}

static uint64_t write_rate(const struct row *row)
{
    return is_long(row) && row->written > 0 ? per_s(row, row->written) : row->s->write_bytes_per_s;
}

static uint64_t send_rate(const struct row *row)
{
    return is_long(row) ? (uint64_t)row->s->pace.moved_per_s : row->s->send_bytes_per_s;
}

static uint64_t drain_rate(const struct row *row)
{
    return is_long(row) && row->written > 0 ? per_s(row, row->done)
                                            : converge_drain_rate(&row->s->converge);
}

/* Of a first copy that is outrun, as of passes: half as much again as what is written takes. */
static uint64_t need_rate(const struct row *row)
{
    const uint64_t sent = atomic_load(&row->s->progress.sent_bytes);
    const uint64_t need = converge_need_rate(&row->s->converge);

    if (need > 0 || row->state != CONVERGE_NOT || row->done == 0)
        return need;
    return (uint64_t)((double)per_s(row, sent) * (double)row->written / (double)row->done * 1.5);
}

/* The pass under way; null: there is none, or nobody knows. */
static void write_running(const struct row *row, struct jsw *out)
{
    const double left = row->running_ms > 0 ? progress_rate_eta_s(&row->s->pace, row->total) : -1;

    write_f64(out, "running_s", row->running_ms > 0, (double)row->running_ms / 1000);
    write_f64(out, "pass_eta_s", left >= 0, left);
}

/* Does it get there, what keeps it from it, and what it would take. */
static void write_convergence(const struct workload *w, const struct row *row, struct jsw *out)
{
    const struct repl_status *s = row->s;
    const bool pushes = s->role == OWNERSHIP_PUSH, seeded = pushes && is_seeded(s);
    const bool aims = seeded && s->target.fixed;

    jsw_str(out, "convergence", converge_name(row->state));
    jsw_str(out, "bound", pushes ? bound(row) : NULL);
    write_limit(w, out);
    jsw_u64(out, "drain_bytes_per_s", pushes ? drain_rate(row) : 0);
    jsw_u64(out, "need_bytes_per_s", pushes ? need_rate(row) : 0);
    write_f64(out, "eta_s", eta_s(row) >= 0, eta_s(row));
    write_f64(out, "point_lag_s", seeded, (double)row->lag_ms / 1000);
    write_f64(out, "target_lag_s", pushes && s->target.fixed, (double)s->target.lag_ms / 1000);
    write_f64(out, "late_s", aims, (double)late_ms(w, row) / 1000);
}

static void write_volume(const struct workload *w, const struct row *row, struct jsw *out)
{
    const struct repl_status *s = row->s;

    jsw_obj(out, NULL);
    jsw_str(out, "workload", w->name);
    jsw_str(out, "volume", s->volume);
    jsw_str(out, "role", ownership_role_name(s->role));
    jsw_str(out, "state", repl_state_name(s->state));
    jsw_str(out, "reason", s->reason);
    jsw_u64(out, "epoch", s->has_point ? s->point.epoch : s->epoch);
    write_point(s, out);
    jsw_u64(out, "unreadable_bytes", s->has_point ? s->point.unreadable_bytes : 0);
    write_consistent(s, out);
    jsw_time(out, "verified_at", s->verified_wall_ms);
    jsw_u64(out, "total_bytes", row->total);
    jsw_u64(out, "done_bytes", row->done);
    jsw_u64(out, "backlog_bytes", row->backlog_bytes);
    jsw_u64(out, "write_bytes_per_s", write_rate(row));
    jsw_u64(out, "send_bytes_per_s", send_rate(row));
    write_convergence(w, row, out);
    jsw_f64(out, "pass_s", (double)s->pass_ms / 1000.0);
    write_running(row, out);
    jsw_str(out, "error", s->error[0] ? s->error : NULL);
    jsw_end(out);
}

void repl_write(struct workload *w, struct jsw *out)
{
    pthread_mutex_lock(&w->lock);
    /* Of what is no longer ours the planner wants to hear nothing. */
    for (size_t i = 0; i < w->status_n && !w->unassigned; i++) {
        const struct row row = look(w, &w->status[i]);

        write_volume(w, &row, out);
    }
    pthread_mutex_unlock(&w->lock);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The "replication" rows of a report. */
#include "agent/workload.h"

#include "base/jsw.h"
#include "base/num.h"

#include "base/banned.h"

static void write_point(const struct repl_status *s, struct jsw *out)
{
    if (!s->has_point) {
        jsw_null(out, "seq");
        jsw_null(out, "digest");
        jsw_null(out, "taken_at");
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
    jsw_u64(out, "size_bytes", s->point.size_bytes);
}

static uint64_t backlog(const struct repl_status *s, uint64_t total, uint64_t done)
{
    if (s->state == REPL_INITIAL_SYNC && total > done)
        return total - done;
    return s->backlog_bytes;
}

static void write_volume(const struct workload *w, const struct repl_status *s, struct jsw *out)
{
    uint64_t total = atomic_load(&s->progress.total_bytes);
    uint64_t done = atomic_load(&s->progress.done_bytes);

    jsw_obj(out, NULL);
    jsw_str(out, "workload", w->name);
    jsw_str(out, "volume", s->volume);
    jsw_str(out, "role", ownership_role_name(s->role));
    jsw_str(out, "state", repl_state_name(s->state));
    jsw_str(out, "reason", s->reason);
    jsw_u64(out, "epoch", s->has_point ? s->point.epoch : s->epoch);
    write_point(s, out);
    jsw_u64(out, "unreadable_bytes", s->has_point ? s->point.unreadable_bytes : 0);
    jsw_time(out, "verified_at", s->verified_wall_ms);
    jsw_u64(out, "total_bytes", total);
    jsw_u64(out, "done_bytes", done);
    jsw_u64(out, "backlog_bytes", backlog(s, total, done));
    jsw_u64(out, "write_bytes_per_s", s->write_bytes_per_s);
    jsw_u64(out, "send_bytes_per_s", s->send_bytes_per_s);
    jsw_f64(out, "pass_s", (double)s->pass_ms / 1000.0);
    jsw_str(out, "error", s->error[0] ? s->error : NULL);
    jsw_end(out);
}

void repl_write(struct workload *w, struct jsw *out)
{
    pthread_mutex_lock(&w->lock);
    /* Of what is no longer ours the planner wants to hear nothing. */
    for (size_t i = 0; i < w->status_n && !w->unassigned; i++)
        write_volume(w, &w->status[i], out);
    pthread_mutex_unlock(&w->lock);
}

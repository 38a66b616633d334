/* SPDX-License-Identifier: Apache-2.0 */
/* One pass of replication of one volume, out or in, and what is remembered of it. */
#include "agent/mine.h"
#include "agent/repl_priv.h"
#include "agent/workload.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/gw.h"
#include "base/log.h"
#include "base/text.h"

#include <inttypes.h>

#include "base/banned.h"

enum {
    UNREAD_RETRY_MS = 60 * 1000,
    ALARM_MS = 10 * 60 * 1000 /* long enough to be in a report */
};

static void note_failure(struct repl_volume *v, const struct err *err)
{
    idle_forget(&v->idle);
    if (err->code == -ECANCELED)
        return; /* interrupted, not failed */
    v->failure = err->code;
    v->gw = err->gw;
    v->failures++;
}

static void note_pass(struct repl_volume *v, const struct replica_point *p)
{
    v->failure = 0;
    v->gw = 0;
    v->failures = 0;
    v->seeded = true;
    v->has_point = true;
    v->point = *p;
}

static void note_rates(struct repl *r, size_t i, uint64_t write_bytes_per_s,
                       uint64_t send_bytes_per_s)
{
    struct repl_status *s = &r->w->status[i];

    pthread_mutex_lock(&r->w->lock);
    s->write_bytes_per_s = write_bytes_per_s;
    s->send_bytes_per_s = send_bytes_per_s;
    pthread_mutex_unlock(&r->w->lock);
}

/* Bytes of ms milliseconds as a rate. */
static uint64_t per_s(uint64_t bytes, uint64_t ms)
{
    return ms ? bytes * 1000 / ms : 0;
}

/* A push that ended well: does the volume get there? took_ms 0: there was nothing to look at. */
static void note_push(struct repl *r, size_t i, uint64_t begun, const struct converge_pass *pass)
{
    const struct repl_facts facts = repl_facts_of(r, i, OWNERSHIP_PUSH);
    const struct converge_target target = repl_target(&facts);
    struct repl_volume *v = &r->v[i];

    converge_pass(&v->converge, pass, &target);
    v->taken_mono_ms = begun;
    note_rates(r, i, converge_write_rate(&v->converge), converge_send_rate(&v->converge));
    if (!target.fixed || pass->since_ms + pass->took_ms <= target.lag_ms)
        v->late_wall_ms = 0;
    else if (v->late_wall_ms == 0)
        v->late_wall_ms = repl_wall(r) - (pass->since_ms + pass->took_ms - target.lag_ms);
}

static void show_begun(struct repl *r, size_t i, uint64_t begun, uint64_t since_ms)
{
    struct repl_status *s = &r->w->status[i];

    pthread_mutex_lock(&r->w->lock);
    s->begun_mono_ms = begun;
    s->since_ms = since_ms;
    progress_rate_init(&s->pace, begun);
    pthread_mutex_unlock(&r->w->lock);
}

static void begin_pass(struct repl *r, size_t i, enum ownership_role role)
{
    r->v[i].started = true;
    r->untrimmed = true;
    if (!r->v[i].seeded)
        repl_publish(r, i, role, NULL); /* a seed takes long: people see at once that it began */
}

/* Nothing was written. What could not be read is tried again all the same, now and then: reading
 * costs a disk that fails. */
static bool is_quiet(const struct repl_volume *v, const char *device, uint64_t now)
{
    return idle_is_quiet(&v->idle, device, now) &&
           (v->point.unreadable_bytes == 0 || now - v->idle.pass_mono_ms < UNREAD_RETRY_MS);
}

/* The pass read everything then, so its point is right; and yet somebody must hear of it. */
static void note_scrub(struct repl *r, size_t i, const struct replica_scrub *s)
{
    struct repl_volume *v = &r->v[i];
    struct err err = {0};

    if (s->missed_bytes == 0)
        return;
    err_set_gw(&err, GW_TRACKER_MISSED, -EBADMSG,
               "the tracker missed changes of '%s': %" PRIu64 " bytes, the first %" PRIu64
               " at byte %" PRIu64,
               r->w->assignment->volumes[i].device, s->missed_bytes, s->missed[0].len,
               s->missed[0].offset);
    log_err(LOG_LEVEL_ERROR, &err, v->name);
    text_print(v->alarm, sizeof(v->alarm), "GW-%d: %s", GW_TRACKER_MISSED, err.text);
    v->alarm_mono_ms = repl_mono(r) + ALARM_MS;
}

/* A scan always reads everything; that a tracker had to is worth a line. */
static void note_rescan(const struct repl_volume *v, const struct replica_tracked *t)
{
    if (t->rescan[0] && !text_equal(t->kind, "scan"))
        log_info("%s: everything was read: %s (tracker %s)", v->name, t->rescan, t->kind);
}

static int push_pass(struct repl *r, size_t i, struct err *err)
{
    struct workload *w = r->w;
    struct repl_volume *v = &r->v[i];
    struct replica_point point = {0};
    struct replica_scrub scrub = {0};
    struct replica_tracked tracked = {0};
    struct replica_run run;
    char dir[PATH_MAX];
    uint64_t begun = repl_mono(r);
    uint64_t begun_wall = repl_wall(r);
    uint64_t old_seq = v->has_point ? v->point.seq : 0;
    struct converge_pass pass = {.since_ms = v->taken_mono_ms ? begun - v->taken_mono_ms : 0};
    int rc;

    v->begun_mono_ms = begun;
    /* Nothing was written: the volume still equals its newest point, now too. */
    if (v->has_point && is_quiet(v, w->assignment->volumes[i].device, begun)) {
        v->equal_wall_ms = begun_wall;
        note_push(r, i, begun, &pass);
        return 0;
    }
    rc = repl_run(w, i, dir, &run, err);
    if (rc < 0)
        return rc;
    begin_pass(r, i, OWNERSHIP_PUSH);
    idle_begin(&v->idle, run.volume_path, begun);
    run.scrub = &scrub;
    run.tracked = &tracked;
    show_begun(r, i, begun, pass.since_ms);
    rc = replica_push(&run, &point, err);
    show_begun(r, i, 0, 0);
    note_scrub(r, i, &scrub);
    note_rescan(v, &tracked);
    if (rc == 0 && !v->marked)
        rc = mine_mark(w, i, err);
    if (rc == 0)
        rc = failpoint("agent_push_pass");
    if (rc < 0)
        return rc;
    v->marked = true;
    v->pass_ms = pass.took_ms = repl_mono(r) - begun;
    note_pass(v, &point);
    v->equal_wall_ms = begun_wall;
    pass.changed_bytes = point.seq != old_seq ? point.changed_bytes : 0;
    pass.sent_bytes = atomic_load(&run.progress->sent_bytes);
    spent_shares(&run.progress->spent, pass.shares);
    note_push(r, i, begun, &pass);
    return 0;
}

struct following {
    struct repl *r;
    size_t i;
    bool pulled;
    uint64_t begun_ms;
    char dir[PATH_MAX];
};

static int begin_follow(void *arg, const struct replica_point *head, struct replica_run *run,
                        struct err *err)
{
    struct following *f = arg;
    int rc = repl_take(f->r->w, f->i, err);

    (void)head;
    f->begun_ms = repl_mono(f->r);
    if (rc == 0)
        rc = repl_run(f->r->w, f->i, f->dir, run, err);
    if (rc < 0)
        return rc;
    run->untouched = true;
    idle_begin(&f->r->v[f->i].idle, run->volume_path, f->begun_ms);
    begin_pass(f->r, f->i, OWNERSHIP_FOLLOW);
    f->pulled = true;
    return 0;
}

/*
 * A volume that moved is looked at, also when there is no new point. The stamp is taken before the
 * pull, which moves it when it writes: then the next look finds that nobody else did.
 */
static int look_and_pull(struct repl *r, size_t i, struct vault *vault, struct err *err)
{
    struct repl_volume *v = &r->v[i];
    const char *device = r->w->assignment->volumes[i].device;
    struct following f = {.r = r, .i = i};
    struct replica_follow follow = {.vault = vault,
                                    .name = r->w->assignment->volumes[i].replica,
                                    .known_seq = v->has_point ? v->point.seq : 0,
                                    .equal = v->has_point && v->seeded &&
                                             idle_is_quiet(&v->idle, device, repl_mono(r)),
                                    .news = begin_follow,
                                    .arg = &f};
    struct replica_point point = {0};
    int rc = replica_follow(&follow, &point, err);

    if (rc == 0 && f.pulled)
        rc = failpoint("agent_follow_pass");
    if (rc < 0 || !f.pulled || follow.known_seq == point.seq)
        return rc;
    v->pass_ms = repl_mono(r) - f.begun_ms;
    note_pass(v, &point);
    note_rates(r, i, per_s(point.changed_bytes, v->pass_ms),
               per_s(atomic_load(&r->w->status[i].progress.received_bytes), v->pass_ms));
    return 0;
}

static int follow_pass(struct repl *r, size_t i, struct err *err)
{
    struct repl_volume *v = &r->v[i];
    struct vault *vault = NULL;
    int rc = repl_may_follow(r->w, err);

    v->begun_mono_ms = repl_mono(r);
    if (rc == -EBUSY) {
        err_clear(err);
        return 0;
    }
    if (rc == 0)
        rc = workload_vault(r->w, &vault, err);
    if (rc == 0)
        rc = look_and_pull(r, i, vault, err);
    if (rc == -ENOENT && err->gw == GW_REPLICA_NOT_FOUND) {
        err_clear(err);
        rc = 0; /* nothing to follow yet */
    }
    /* As current as the newest point there is; how old that one is, is the pusher's business. */
    if (rc == 0)
        v->equal_wall_ms = repl_wall(r);
    return rc;
}

void repl_pass(struct repl *r, size_t i, enum ownership_role role)
{
    struct repl_volume *v = &r->v[i];
    struct err err = {0};
    int rc = role == OWNERSHIP_PUSH ? push_pass(r, i, &err) : follow_pass(r, i, &err);

    if (rc < 0) {
        if (rc != -ECANCELED && v->failure != rc)
            log_err(LOG_LEVEL_WARNING, &err, v->name);
        err.code = rc;
        note_failure(v, &err);
    } else if (v->failure != 0) {
        v->failure = 0;
        v->failures = 0;
        v->gw = 0;
    }
    repl_publish(r, i, role, &err);
}

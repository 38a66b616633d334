/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consistent points of a workload, as its policy wants them: all its volumes on this host at one
 * moment, between the workload's freeze and thaw hooks.
 *
 * They come beside ordinary passes and never in their stead: an attempt that fails leaves
 * replication as it was, and is made again after a wait that grows.
 */
#include "agent/helper.h"
#include "agent/hook.h"
#include "agent/repl_priv.h"
#include "agent/thaw.h"
#include "agent/workload.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

enum {
    HOOK_TIMEOUT_MS = 60 * 1000,
    THAW_HURRY_MS = 10 * 1000, /* an order waits */
    RETRY_LEAST_MS = 10 * 1000,
    RETRY_SHIFT_MAX = 6
};

struct moment {
    struct workload *w;
    struct replica_run runs[ASSIGNMENT_VOLUMES_MAX];
    struct replica_point points[ASSIGNMENT_VOLUMES_MAX];
    char dirs[ASSIGNMENT_VOLUMES_MAX][PATH_MAX];
};

/* What thaws is owed before the first hook freezes. */
static int before(void *arg, struct err *err)
{
    struct workload *w = arg;
    const struct hook_run run = {.assignment = w->assignment,
                                 .epoch = w->own.max_epoch,
                                 .timeout_ms = HOOK_TIMEOUT_MS,
                                 .stop = &w->interrupt};
    int r = thaw_owe(w, true, err);

    if (r == 0)
        r = failpoint("agent_freeze_hooks");
    return r == 0 ? hook_run_list(&run, js_member(w->assignment->hooks, "freeze"), NULL, err) : r;
}

static int after(void *arg, struct err *err)
{
    return thaw_pay(arg, HOOK_TIMEOUT_MS, true, err);
}

static bool has_hooks(const struct assignment *a)
{
    return js_len(js_member(a->hooks, "freeze")) > 0 || js_len(js_member(a->hooks, "thaw")) > 0;
}

static int attempt(struct moment *m, struct replica_moment *ret, struct err *err)
{
    struct workload *w = m->w;
    struct replica_hooks hooks = {.before = before, .after = after, .arg = w};
    struct replica_together together = {.runs = m->runs,
                                        .n = w->assignment->volumes_n,
                                        .freeze_ms = w->assignment->freeze_ms,
                                        .hooks = has_hooks(w->assignment) ? &hooks : NULL,
                                        .moment = ret};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < together.n; i++)
        rc = repl_run(w, i, m->dirs[i], &m->runs[i], err);
    if (rc == 0)
        rc = thaw_owe(w, false, err);
    return rc < 0 ? rc : helper_push_together(&together, m->points, err);
}

/* Hooks that could not be run are owed still, and tried again. */
static void settle_debt(struct repl *r, bool hurry)
{
    struct err err = {0};
    int rc = thaw_pay(r->w, hurry ? THAW_HURRY_MS : HOOK_TIMEOUT_MS, !hurry, &err);

    r->thaw_owed = rc < 0;
    if (rc == 0 || rc == -ECANCELED) {
        r->thaw_failures = 0;
        r->thaw_mono_ms = 0;
        return;
    }
    if (r->thaw_failures++ == 0)
        log_err(LOG_LEVEL_ERROR, &err, r->w->name);
    r->thaw_mono_ms = repl_mono(r) + RETRY_LEAST_MS;
}

void repl_settle_thaw(struct repl *r, bool hurry)
{
    if (r->thaw_owed && r->w->assignment && repl_mono(r) >= r->thaw_mono_ms)
        settle_debt(r, hurry);
}

uint64_t repl_moment_taken_mono(const struct repl_attempt *a, uint64_t taken_wall_ms)
{
    uint64_t took = a->end_mono_ms - a->begun_mono_ms;
    uint64_t age = taken_wall_ms > 0 && a->end_wall_ms >= taken_wall_ms
                       ? a->end_wall_ms - taken_wall_ms
                       : took;

    return a->end_mono_ms - num_min(age, took);
}

/* Passes that came before the moment made points, too, whether it came or not. */
static void learn(struct repl *r, const struct moment *m, uint64_t begun, uint64_t moment_wall_ms)
{
    const struct repl_attempt a = {
        .begun_mono_ms = begun, .end_mono_ms = repl_mono(r), .end_wall_ms = repl_wall(r)};

    for (size_t i = 0; i < r->n; i++)
        if (m->points[i].seq > 0) {
            repl_learned(r, i, &m->points[i], false);
            r->v[i].taken_mono_ms =
                repl_moment_taken_mono(&a, num_max(m->points[i].taken_ms, moment_wall_ms));
        }
}

static void note_failure(struct repl *r, const struct err *err, int rc)
{
    unsigned shift = (unsigned)num_min(r->moment_failures, RETRY_SHIFT_MAX);
    uint64_t wait = (uint64_t)RETRY_LEAST_MS << shift;

    if (rc != -ECANCELED && r->moment_failures++ == 0)
        log_err(LOG_LEVEL_WARNING, err, r->w->name);
    if (rc != -ECANCELED)
        text_copy(r->moment_error, sizeof(r->moment_error), err->text);
    r->moment_mono_ms = repl_mono(r) + num_min(wait, r->w->assignment->consistent_ms);
}

/* All volumes have a consistent point as of wall_ms. */
static void note_points(struct repl *r, uint64_t wall_ms)
{
    pthread_mutex_lock(&r->w->lock);
    for (size_t i = 0; i < r->n; i++)
        r->w->status[i].consistent = (struct stamp){.wall_ms = wall_ms, .seq = r->v[i].point.seq};
    r->w->status_version++;
    pthread_mutex_unlock(&r->w->lock);
    r->moment_error[0] = '\0';
}

static void note_success(struct repl *r, const struct replica_moment *moment)
{
    note_points(r, moment->taken_ms);
    for (size_t i = 0; i < r->n; i++)
        stamp_save(r->w, i, "consistent", r->w->status[i].consistent);
    log_info("%s: a consistent point; %u file system%s stood still for %llu ms", r->w->name,
             moment->file_systems, moment->file_systems == 1 ? "" : "s",
             (unsigned long long)(moment->pause_us / 1000));
    r->moment_failures = 0;
    r->moment_mono_ms = repl_mono(r) + r->w->assignment->consistent_ms;
}

/* Everything is as it was at the last one. */
static bool is_quiet(const struct repl *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct repl_volume *v = &r->v[i];

        if (v->point.kind < REPLICA_FILESYSTEM ||
            !idle_is_quiet(&v->idle, r->w->assignment->volumes[i].device, repl_mono(r)))
            return false;
    }
    return true;
}

static bool is_ready(const struct repl *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (!r->v[i].seeded || r->v[i].failure != 0)
            return false;
    return r->n > 0;
}

uint64_t repl_moment_wait_ms(const struct repl *r)
{
    uint64_t now = repl_mono(r);

    if (r->w->assignment->consistent_ms == 0 || r->thaw_owed || !is_ready(r))
        return UINT64_MAX;
    return r->moment_mono_ms > now ? r->moment_mono_ms - now : 0;
}

/* When all volumes last had one; 0 = not all did. */
static uint64_t last_wall_ms(const struct repl *r)
{
    uint64_t last = UINT64_MAX;

    for (size_t i = 0; i < r->n; i++)
        last = num_min(last, r->w->status[i].consistent.wall_ms);
    return last;
}

void repl_moment_assigned(struct repl *r)
{
    const uint64_t every = r->w->assignment->consistent_ms, now = repl_wall(r);
    const uint64_t last = last_wall_ms(r);
    /* One that is said to be of the future says that the clock was wrong. */
    const bool fresh = last <= now && now - last < every;

    r->moment_mono_ms = repl_mono(r) + (fresh ? every - (now - last) : 0);
}

void repl_moment(struct repl *r)
{
    struct replica_moment moment = {0};
    struct err err = {0};
    struct moment *m;
    uint64_t begun;
    int rc;

    if (is_quiet(r)) {
        note_points(r, repl_wall(r)); /* as good as then */
        r->moment_mono_ms = repl_mono(r) + r->w->assignment->consistent_ms;
        return;
    }
    m = calloc(1, sizeof(*m));
    if (!m) {
        err_set(&err, -ENOMEM, "consistent point: %m");
        note_failure(r, &err, -ENOMEM);
        return;
    }
    m->w = r->w;
    r->untrimmed = true;
    begun = repl_mono(r);
    rc = attempt(m, &moment, &err);
    settle_debt(r, false);
    learn(r, m, begun, rc == 0 ? moment.taken_ms : 0);
    if (rc < 0)
        note_failure(r, &err, rc);
    else
        note_success(r, &moment);
    free(m);
}

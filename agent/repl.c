/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rounds of replication of one workload. What may be done at all follows from the record of
 * ownership; the assignment only says what is wanted.
 */
#include "agent/repl_priv.h"

#include "agent/decision.h"
#include "agent/thaw.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "base/tree.h"
#include "transport/volume.h"

#include <inttypes.h>
#include <malloc.h>

#include "base/banned.h"

enum {
    IDLE_ROUND_MS = 60 * 1000,
    CEDE_RETRY_MS = 2000,
    LEAST_WAIT_MS = 50,
    TELL_MS = 15 * 1000,
    TRIM_MS = 10 * 1000
};

int repl_new(struct workload *w, struct repl **ret, struct err *err)
{
    struct repl *r = calloc(1, sizeof(*r));

    if (!r)
        return err_set(err, -ENOMEM, "replication: %m");
    r->w = w;
    r->thaw_owed = thaw_is_owed(w);
    *ret = r;
    return 0;
}

void repl_free(struct repl *r)
{
    free(r);
}

uint64_t repl_mono(const struct repl *r)
{
    return clock_mono_ms(r->w->agent->clock);
}

uint64_t repl_wall(const struct repl *r)
{
    return clock_wall_ms(r->w->agent->clock);
}

void repl_hurry(struct repl *r)
{
    for (size_t i = 0; i < r->n; i++)
        r->v[i].begun_mono_ms = 0;
}

void repl_assigned(struct repl *r)
{
    struct workload *w = r->w;
    const struct assignment *a = w->assignment;

    pthread_mutex_lock(&w->lock);
    w->status_n = a->volumes_n;
    for (size_t i = 0; i < a->volumes_n; i++) {
        if (i < r->n && text_equal(r->v[i].name, a->volumes[i].name))
            continue;
        r->v[i] = (struct repl_volume){0};
        w->status[i] = (struct repl_status){0};
        text_copy(r->v[i].name, sizeof(r->v[i].name), a->volumes[i].name);
        text_copy(w->status[i].volume, sizeof(w->status[i].volume), a->volumes[i].name);
        w->status[i].verified_wall_ms = stamp_load(w, i, "verified").wall_ms;
        w->status[i].consistent = stamp_load(w, i, "consistent");
    }
    w->status_version++;
    pthread_mutex_unlock(&w->lock);
    r->n = a->volumes_n;
    r->moment_error[0] = '\0';
    repl_moment_assigned(r);
    repl_hurry(r);
}

void repl_learned(struct repl *r, size_t i, const struct replica_point *point, bool verified)
{
    uint64_t now = repl_wall(r);

    if (i >= r->n)
        return;
    r->v[i].started = r->v[i].seeded = r->v[i].has_point = true;
    r->v[i].failure = 0;
    r->v[i].failures = 0;
    r->v[i].point = *point;
    r->v[i].equal_wall_ms = num_max(point->taken_ms, r->v[i].equal_wall_ms);
    pthread_mutex_lock(&r->w->lock);
    if (verified)
        r->w->status[i].verified_wall_ms = now;
    r->w->status_version++;
    pthread_mutex_unlock(&r->w->lock);
    if (verified)
        stamp_save(r->w, i, "verified", (struct stamp){.wall_ms = now});
}

int repl_forget(struct workload *w, size_t i, struct err *err)
{
    char dir[PATH_MAX];
    int r = repl_state_dir(w, i, dir, err);

    if (r < 0)
        return r;
    idle_forget(&w->repl->v[i].idle);
    return tree_remove(dir, err);
}

/* -- may it? ----------------------------------------------------------------------- */

int repl_may_follow(struct workload *w, struct err *err)
{
    enum control_decision past = CONTROL_NONE;
    struct applied applied;
    int r = applied_load(w->dir, &applied, err);

    if (r < 0)
        return r;
    if (w->own.owns)
        return err_set(err, -EPERM, "this side owns '%s'", w->name);
    if (applied.epoch == 0 || applied.epoch != w->own.max_epoch)
        return 0;
    r = decision_past(w, &past, err);
    if (r == 0 && past != CONTROL_ABORT)
        return err_set(err, -EBUSY, "epoch %" PRIu64 " is applied and not known to be aborted",
                       applied.epoch);
    return r == 0 ? applied_forget(w->dir, err) : r;
}

/* The old holder begins to follow only when the vault says that the other side was promoted. */
static int cede(struct workload *w, struct err *err)
{
    struct ownership_event ev = {.kind = OWNERSHIP_CEDE, .epoch = w->assignment->epoch};
    int r = decision_past(w, &ev.past, err);

    return r == 0 ? workload_own(w, &ev, "agent_epoch_saved", err) : r;
}

static bool unassigned(struct workload *w)
{
    bool u;

    pthread_mutex_lock(&w->lock);
    u = w->unassigned;
    pthread_mutex_unlock(&w->lock);
    return u;
}

/*
 * The role it may play now. A side that just became the owner pushes although its assignment still
 * says follow: the way back must not wait for the planner.
 */
static enum ownership_role role_now(struct workload *w)
{
    const struct assignment *a = w->assignment;
    struct err err = {0};

    if (!a || unassigned(w) || a->role == OWNERSHIP_IDLE || w->damage.code != 0)
        return OWNERSHIP_IDLE;
    if (ownership_writable(&w->own))
        return OWNERSHIP_PUSH;
    if (a->role != OWNERSHIP_FOLLOW)
        return OWNERSHIP_IDLE;
    if (w->own.known && !w->own.owns)
        return OWNERSHIP_FOLLOW;
    if (cede(w, &err) == 0)
        return OWNERSHIP_FOLLOW;
    if (err.code != -EPERM)
        log_err(LOG_LEVEL_WARNING, &err, w->name);
    return OWNERSHIP_IDLE;
}

/* -- what people see ----------------------------------------------------------------- */

static uint64_t chosen(uint64_t volume, uint64_t workload)
{
    return volume ? volume : workload;
}

static uint64_t round_ms(const struct repl *r)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < r->n; i++)
        sum += r->v[i].pass_ms;
    return sum;
}

struct repl_facts repl_facts_of(const struct repl *r, size_t i, enum ownership_role role)
{
    const struct assignment *a = r->w->assignment;
    const struct repl_volume *v = &r->v[i];
    uint64_t now = repl_wall(r);

    return (struct repl_facts){
        .role = role,
        .record_damaged = r->w->damage.code != 0,
        .fenced = r->w->own.fenced_epoch != 0,
        .paused = a->paused,
        .started = v->started,
        .seeded = v->seeded,
        .failure = v->failure,
        .gw = v->gw,
        .failures = v->failures,
        .behind_ms = now > v->equal_wall_ms ? now - v->equal_wall_ms : 0,
        .interval_ms = chosen(a->volumes[i].interval_ms, a->interval_ms),
        .target_ms = chosen(a->volumes[i].target_lag_ms, a->target_lag_ms),
        .diverges = v->converge.diverges,
        .pass_ms = v->pass_ms,
        .incomplete = v->has_point && v->point.unreadable_bytes > 0,
        .round_ms = round_ms(r),
    };
}

/* Is it worth a report? A quiet volume that stays equal is, now and then: its lag counts from
 * there. */
static bool is_news(const struct repl_status *old, const struct repl_status *now)
{
    return old->role != now->role || old->state != now->state || old->reason != now->reason ||
           old->volume_bytes != now->volume_bytes || old->epoch != now->epoch ||
           old->has_point != now->has_point || old->point.seq != now->point.seq ||
           !text_equal(old->error, now->error) ||
           old->converge.diverges != now->converge.diverges ||
           !text_equal(old->consistent_error, now->consistent_error) ||
           (now->role == OWNERSHIP_PUSH && now->equal_wall_ms >= old->told_wall_ms + TELL_MS);
}

/* What closes the gate although passes go well. */
static void say_trouble(const struct repl *r, size_t i, char out[static ERR_TEXT_MAX])
{
    const struct repl_volume *v = &r->v[i];

    if (repl_mono(r) < v->alarm_mono_ms)
        text_copy(out, ERR_TEXT_MAX, v->alarm);
    else if (v->has_point && v->point.unreadable_bytes > 0)
        text_print(out, ERR_TEXT_MAX,
                   "GW-%d: %" PRIu64 " bytes of '%s' in %" PRIu64
                   " ranges could not be read; its points are incomplete",
                   GW_PARTLY_UNREADABLE, v->point.unreadable_bytes,
                   r->w->assignment->volumes[i].device, v->point.unreadable_n);
}

void repl_publish(struct repl *r, size_t i, enum ownership_role role, const struct err *err)
{
    struct repl_facts facts = repl_facts_of(r, i, role);
    struct repl_volume *v = &r->v[i];
    struct repl_status *s = &r->w->status[i];
    struct repl_status old;
    const char *reason = NULL;
    enum repl_state state = repl_judge(&facts, &reason);

    pthread_mutex_lock(&r->w->lock);
    old = *s;
    s->role = role;
    s->state = state;
    s->reason = reason;
    s->epoch = r->w->own.max_epoch;
    s->has_point = v->has_point;
    s->point = v->point;
    s->volume_bytes = v->volume_bytes;
    s->equal_wall_ms = v->equal_wall_ms;
    s->pass_ms = v->pass_ms;
    s->converge = v->converge;
    s->target = repl_target(&facts);
    s->late_wall_ms = v->late_wall_ms;
    text_copy(s->consistent_error, sizeof(s->consistent_error), r->moment_error);
    text_copy(s->error, sizeof(s->error), r->w->damage.text);
    if (s->error[0] == '\0')
        say_trouble(r, i, s->error);
    if (err && err->code != 0 && v->failure != 0)
        text_copy(s->error, sizeof(s->error), err->text);
    if (is_news(&old, s)) {
        s->told_wall_ms = s->equal_wall_ms;
        r->w->status_version++;
    }
    pthread_mutex_unlock(&r->w->lock);
}

/* -- rounds ------------------------------------------------------------------------------- */

static uint64_t wait_of(const struct repl *r, size_t i, enum ownership_role role)
{
    struct repl_facts facts = repl_facts_of(r, i, role);
    uint64_t due = r->v[i].begun_mono_ms + repl_pause_ms(&facts);
    uint64_t now = repl_mono(r);

    if (r->v[i].begun_mono_ms == 0)
        return 0;
    return due > now ? due - now : 0;
}

/* Before a plan is applied nothing is replicated, but the plan wants to know how much there is. */
static void look_at_sizes(struct repl *r)
{
    for (size_t i = 0; i < r->n; i++) {
        auto_volume struct volume *v = NULL;

        if (r->v[i].has_point ||
            volume_open(r->w->assignment->volumes[i].device, VOLUME_READ, &v, NULL) < 0)
            continue;
        r->v[i].volume_bytes = volume_size(v);
    }
}

static void publish_all(struct repl *r, enum ownership_role role)
{
    for (size_t i = 0; i < r->n; i++)
        repl_publish(r, i, role, NULL);
}

/* A pass is large: what it used goes back to the system before a long pause, and now and then. */
static void trim(struct repl *r, uint64_t wait_ms)
{
    uint64_t now = repl_mono(r);

    if (!r->untrimmed || (wait_ms < CEDE_RETRY_MS && now < r->trim_mono_ms))
        return;
    r->untrimmed = false;
    r->trim_mono_ms = now + TRIM_MS;
    malloc_trim(0);
}

/* Volumes that nothing moves now: they are held, and looked at. */
static uint64_t rest(struct repl *r, enum ownership_role role)
{
    struct workload *w = r->w;

    if (role == OWNERSHIP_IDLE)
        look_at_sizes(r);
    fleet_claim_all(w->agent->fleet, w);
    publish_all(r, role);
    /* A fenced holder waits for its planner, or for the moment to decide alone. */
    return w->own.fenced_epoch ? CEDE_RETRY_MS : IDLE_ROUND_MS;
}

static uint64_t pass_all(struct repl *r, enum ownership_role role)
{
    uint64_t wait = IDLE_ROUND_MS;

    for (size_t i = 0; i < r->n && !workload_interrupted(r->w); i++) {
        if (wait_of(r, i, role) == 0)
            repl_pass(r, i, role);
        wait = num_min(wait, wait_of(r, i, role));
    }
    if (role != OWNERSHIP_PUSH || workload_interrupted(r->w))
        return num_max(wait, LEAST_WAIT_MS);
    if (repl_moment_wait_ms(r) == 0) {
        repl_moment(r);
        publish_all(r, role);
    }
    wait = num_min(wait, repl_moment_wait_ms(r));
    return num_max(wait, LEAST_WAIT_MS);
}

uint64_t repl_round(struct repl *r)
{
    const struct workload *w = r->w;
    uint64_t wait = IDLE_ROUND_MS;

    repl_settle_thaw(r, false);
    if (w->assignment) {
        enum ownership_role role = role_now(r->w);
        bool moves = role != OWNERSHIP_IDLE && !w->assignment->paused;

        wait = moves ? pass_all(r, role) : rest(r, role);
    }
    trim(r, wait); /* also when what moved last moves no more */
    return wait;
}

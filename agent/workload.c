/* SPDX-License-Identifier: Apache-2.0 */
/* A workload's state on this host, and the thread that serves it: an order first, then a round of
 * replication, then a wait that anything new ends. */
#include "agent/workload.h"

#include "agent/order.h"
#include "agent/selfabort.h"
#include "agent/settle.h"
#include "agent/vaultref.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "base/worker.h"
#include "transport/rate.h"

#include <assert.h>
#include <malloc.h>
#include <time.h>

#include "base/banned.h"

enum { ASSIGNMENT_FILE_MAX = 256 * 1024, SETTLE_RETRY_MS = 5000 };

int workload_path(const struct workload *w, const char *what, char out[static PATH_MAX],
                  struct err *err)
{
    int r = text_print(out, PATH_MAX, "%s/%s", w->dir, what);

    return r < 0 ? err_set(err, r, "path of '%s': %m", what) : 0;
}

bool workload_interrupted(const struct workload *w)
{
    return atomic_load(&w->interrupt);
}

/* -- coming and going ------------------------------------------------------ */

static int load_assignment(struct workload *w, struct err *err)
{
    auto_js struct js *doc = NULL;
    char path[PATH_MAX];
    int r = workload_path(w, "assignment.json", path, err);

    if (r == 0)
        r = js_load(path, ASSIGNMENT_FILE_MAX, &doc, err);
    if (r == -ENOENT) {
        err_clear(err);
        return 0;
    }
    return r == 0 ? assignment_parse(doc, &w->assigned, err) : r;
}

/* Damage here is this workload's misfortune: the agent lives on for the others. */
static int load_record(struct workload *w, struct err *err)
{
    int r = ownership_load(w->dir, &w->own, &w->damage);

    if (r == 0 || w->damage.gw != GW_RECORD_DAMAGED)
        return r < 0 ? err_set(err, r, "%s", w->damage.text) : 0;
    log_err(LOG_LEVEL_ERROR, &w->damage, w->name);
    return 0;
}

/* Only a copy of what the planner said, and says again to an agent that begins. */
static int load_assigned(struct workload *w, struct err *err)
{
    struct err why = {0};
    int r = load_assignment(w, &why);

    if (r == -ENOMEM)
        return err_set(err, r, "%s", why.text);
    if (r < 0)
        log_err(LOG_LEVEL_WARNING, &why, w->name);
    return 0;
}

static int workload_fill(struct workload *w, struct err *err)
{
    char path[PATH_MAX];
    int r = text_print(w->dir, sizeof(w->dir), "%s/workloads/%s", w->agent->state_dir, w->name);

    if (r < 0)
        return err_set(err, r, "directory of '%s': %m", w->name);
    r = workload_path(w, "orders", path, err);
    if (r == 0)
        r = fd_mkdirs(path, 0700, err);
    if (r == 0)
        r = load_record(w, err);
    if (r == 0)
        r = load_assigned(w, err);
    if (r == 0)
        r = w->agent->rate ? rate_new_share(w->agent->rate, &w->rate, err)
                           : rate_new(0, w->agent->clock, &w->rate, err);
    if (r == 0)
        r = repl_new(w, &w->repl, err);
    if (r == 0)
        order_forget_old(w, clock_wall_ms(w->agent->clock));
    w->owed = w->damage.code != 0 || w->own.fenced_epoch != 0 || w->own.start_owed;
    return r;
}

static void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

int workload_new(struct agent *agent, const char *name, struct workload **ret, struct err *err)
{
    struct workload *w = calloc(1, sizeof(*w));
    int r;

    if (!w)
        return err_set(err, -ENOMEM, "workload: %m");
    w->agent = agent;
    pthread_mutex_init(&w->lock, NULL);
    cond_init(&w->wake);
    r = text_copy(w->name, sizeof(w->name), name);
    if (r == 0)
        r = workload_fill(w, err);
    if (r < 0) {
        workload_free(w);
        return err_add(err, r, "workload '%s'", name);
    }
    *ret = w;
    return 0;
}

void workload_free(struct workload *w)
{
    if (!w)
        return;
    while (w->waiting) {
        struct order *o = w->waiting;

        w->waiting = o->next;
        order_free(o);
    }
    repl_free(w->repl);
    vault_close(w->vault);
    rate_free(w->rate);
    assignment_free(w->assigned);
    assignment_free(w->assignment);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* -- from other threads ----------------------------------------------------- */

/* The lock is held. */
static void interrupt_pass(struct workload *w)
{
    if (w->replicating)
        atomic_store(&w->interrupt, true);
    pthread_cond_signal(&w->wake);
}

enum change { CHANGE_NONE, CHANGE_RATE, CHANGE_WORK };

static enum change change_of(const struct buf *old, const struct buf *text, const struct js *doc)
{
    auto_js struct js *was = NULL;

    if (old->len == text->len && memcmp(old->data, text->data, old->len) == 0)
        return CHANGE_NONE;
    if (js_parse(buf_slice(old), ASSIGNMENT_FILE_MAX, &was, NULL) < 0)
        return CHANGE_WORK;
    return assignment_same_work(was, doc) ? CHANGE_RATE : CHANGE_WORK;
}

static int save_assignment(struct workload *w, const struct assignment *a, enum change *ret,
                           struct err *err)
{
    auto_buf struct buf text = {0};
    auto_buf struct buf old = {0};
    char path[PATH_MAX];
    int r = workload_path(w, "assignment.json", path, err);

    if (r == 0)
        r = js_print(a->doc, true, true, &text, err);
    if (r < 0)
        return r;
    r = fd_load(path, ASSIGNMENT_FILE_MAX, &old, NULL);
    *ret = r == 0 ? change_of(&old, &text, a->doc) : CHANGE_WORK;
    return *ret == CHANGE_NONE ? 0 : fd_save(path, buf_slice(&text), 0600, err);
}

int workload_assign(struct workload *w, struct assignment *taken, struct err *err)
{
    auto_assignment struct assignment *a = taken;
    enum change change = CHANGE_WORK;
    int r = save_assignment(w, a, &change, err);

    if (r == 0)
        r = failpoint("agent_config_saved");
    if (r < 0)
        return err_add(err, r, "assignment of '%s'", w->name);
    pthread_mutex_lock(&w->lock);
    if (change == CHANGE_RATE && !w->unassigned) /* what runs goes on, at the new rate */
        rate_set_table(w->rate, &a->rate);
    else if (change != CHANGE_NONE || w->unassigned)
        interrupt_pass(w);
    if (change != CHANGE_NONE || w->unassigned) {
        w->unassigned = false;
        assignment_free(w->assigned);
        w->assigned = TAKE(a);
    }
    pthread_mutex_unlock(&w->lock);
    return 0;
}

void workload_unassign(struct workload *w)
{
    pthread_mutex_lock(&w->lock);
    if (!w->unassigned) {
        w->unassigned = true;
        interrupt_pass(w);
    }
    pthread_mutex_unlock(&w->lock);
}

/* The lock is held. */
static bool order_is_known(const struct workload *w, const char *id)
{
    if (w->running && text_equal(w->running->id, id))
        return true;
    for (const struct order *o = w->waiting; o; o = o->next) {
        if (text_equal(o->id, id))
            return true;
    }
    return false;
}

void workload_order(struct workload *w, struct order *taken)
{
    struct order **at = &w->waiting;

    pthread_mutex_lock(&w->lock);
    if (w->leaving || order_is_known(w, taken->id)) {
        pthread_mutex_unlock(&w->lock);
        order_free(taken);
        return;
    }
    while (*at)
        at = &(*at)->next;
    taken->next = NULL;
    *at = taken;
    if (w->running && order_yields(w->running, taken))
        atomic_store(&w->interrupt, true);
    interrupt_pass(w);
    pthread_mutex_unlock(&w->lock);
}

void workload_tick(struct workload *w)
{
    uint64_t deadline = atomic_load(&w->deadline_mono_ms);

    if (deadline != 0 && clock_mono_ms(w->agent->clock) > deadline)
        atomic_store(&w->interrupt, true);
}

/* -- the thread ------------------------------------------------------------- */

int workload_vault(struct workload *w, struct vault **ret, struct err *err)
{
    uint64_t generation = vaultref_generation(w->agent->vault);
    int r;

    if (w->vault && w->vault_generation == generation) {
        *ret = w->vault;
        return 0;
    }
    vault_close(TAKE(w->vault));
    r = vaultref_open(w->agent->vault, w->rate, &w->interrupt, &w->vault, err);
    if (r < 0)
        return err_add(err, r, "open the vault");
    w->vault_generation = generation;
    *ret = w->vault;
    return 0;
}

static bool same_record(const struct ownership *a, const struct ownership *b)
{
    return a->known == b->known && a->owns == b->owns && a->max_epoch == b->max_epoch &&
           a->fenced_epoch == b->fenced_epoch && a->role == b->role &&
           a->start_owed == b->start_owed;
}

int workload_own(struct workload *w, const struct ownership_event *ev, const char *failpoint_name,
                 struct err *err)
{
    struct ownership next;
    int r;

    assert(w->damage.code == 0);
    r = ownership_next(&w->own, ev, &next, err);
    if (r < 0)
        return r;
    if (!same_record(&w->own, &next)) {
        r = ownership_save(w->dir, &next, err);
        if (r < 0)
            return r;
        log_info("%s: epoch %llu, %s%s", w->name, (unsigned long long)next.max_epoch,
                 next.owns ? "owns" : "does not own", next.fenced_epoch ? ", fenced" : "");
    }
    w->own = next;
    (void)failpoint_name;
    return failpoint(failpoint_name);
}

/* Take up a newer assignment; true when there was one. */
static bool take_assignment(struct workload *w)
{
    struct assignment *a;

    pthread_mutex_lock(&w->lock);
    a = TAKE(w->assigned);
    pthread_mutex_unlock(&w->lock);
    if (!a)
        return false;
    assignment_free(w->assignment);
    w->assignment = a;
    rate_set_table(w->rate, &a->rate);
    repl_assigned(w->repl);
    return true;
}

static struct order *next_order(struct workload *w)
{
    struct order *o;

    pthread_mutex_lock(&w->lock);
    o = w->waiting;
    w->replicating = !o && !w->leaving;
    if (o) {
        w->waiting = o->next;
        o->next = NULL;
        w->running = o;
    }
    atomic_store(&w->interrupt, w->leaving);
    pthread_mutex_unlock(&w->lock);
    return o;
}

static void carry_out(struct workload *w, struct order *o)
{
    repl_settle_thaw(w->repl, true);
    order_carry_out(w, o);
    pthread_mutex_lock(&w->lock);
    w->running = NULL;
    pthread_mutex_unlock(&w->lock);
    order_free(o);
    repl_hurry(w->repl);
}

/*
 * What a start of the agent finds half done: a fence outlives it, so hooks and the read-only state
 * are put up again, also when the record that may speak of one is damaged; services whose start was
 * cut are started. Replication waits until then.
 */
static uint64_t settle(struct workload *w)
{
    struct err err = {0};
    int r = 0;

    if (!w->assignment)
        return SETTLE_RETRY_MS;
    repl_settle_thaw(w->repl, true);
    if (w->damage.code != 0 || w->own.fenced_epoch != 0)
        r = settle_fence(w, &err);
    else if (w->own.start_owed)
        r = settle_start(w, &err);
    w->owed = r < 0;
    if (r == 0)
        return 0;
    log_err(LOG_LEVEL_ERROR, &err, w->name);
    return SETTLE_RETRY_MS;
}

uint64_t workload_step(struct workload *w)
{
    struct order *o;
    uint64_t wait_ms;

    take_assignment(w);
    wait_ms = w->owed ? settle(w) : 0;
    o = next_order(w);
    if (o) {
        carry_out(w, o);
        return 0;
    }
    if (wait_ms == 0) {
        selfabort_look(w);
        wait_ms = repl_round(w->repl);
    }
    pthread_mutex_lock(&w->lock);
    w->replicating = false;
    pthread_mutex_unlock(&w->lock);
    return wait_ms;
}

static void wait_for_work(struct workload *w, uint64_t wait_ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(wait_ms / 1000);
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&w->lock);
    while (!w->leaving && !w->waiting && !w->assigned) {
        if (pthread_cond_timedwait(&w->wake, &w->lock, &until) != 0)
            break;
    }
    pthread_mutex_unlock(&w->lock);
}

static int thread_main(void *arg, size_t index, struct err *err)
{
    struct workload *w = arg;

    (void)index;
    (void)err;
    for (;;) {
        uint64_t wait_ms = workload_step(w);
        bool leaving;

        if (wait_ms > 0)
            wait_for_work(w, wait_ms);
        pthread_mutex_lock(&w->lock);
        leaving = w->leaving;
        pthread_mutex_unlock(&w->lock);
        if (leaving)
            return 0;
    }
}

int workload_start(struct workload *w, struct err *err)
{
    return w->thread ? 0 : workers_start(1, "workload", thread_main, w, &w->thread, err);
}

void workload_stop(struct workload *w)
{
    pthread_mutex_lock(&w->lock);
    w->leaving = true;
    atomic_store(&w->interrupt, true);
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void workload_join(struct workload *w)
{
    if (w->thread)
        workers_join(TAKE(w->thread), NULL);
}

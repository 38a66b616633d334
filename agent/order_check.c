/* SPDX-License-Identifier: Apache-2.0 */
/* The orders that move no right: health, traffic, test, verify; and release, the last of all. */
#include "agent/order.h"

#include "agent/decision.h"
#include "agent/health.h"
#include "agent/mine.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "base/tree.h"

#include <inttypes.h>

#include "base/banned.h"

enum { HEALTH_DEFAULT_MS = 60 * 1000, HEALTH_SPARE_MS = 2000 };

static int note_epoch(struct order_call *call, struct err *err)
{
    struct ownership_event ev = {.kind = OWNERSHIP_NOTE, .epoch = call->order->epoch};

    return workload_own(call->w, &ev, "agent_epoch_saved", err);
}

static int check_active(const struct order_call *call, struct err *err)
{
    if (ownership_writable(&call->w->own))
        return 0;
    return err_set(err, -EPERM, "this host is not the active side of '%s'", call->w->name);
}

static struct hook_run hook_of(const struct order_call *call)
{
    return (struct hook_run){.assignment = call->a, .epoch = call->order->epoch};
}

/* The time that the order gives, but ending in time to answer. */
static uint64_t health_deadline(const struct order_call *call)
{
    const struct clock *clock = call->w->agent->clock;
    uint64_t now = clock_wall_ms(clock);
    uint64_t end = call->order->deadline_wall_ms;
    uint64_t ms = HEALTH_DEFAULT_MS;
    double given = js_f64(call->order->args, "timeout_s", 0);

    if (given > 0 && given < 86400)
        ms = (uint64_t)(given * 1000);
    if (end > 0)
        ms = num_min(ms, end > now + HEALTH_SPARE_MS ? end - now - HEALTH_SPARE_MS : 0);
    return clock_mono_ms(clock) + ms;
}

static int run_checks(struct order_call *call, const struct hook_run *hook, bool programs_only,
                      struct err *err)
{
    struct health_run run = {.hook = *hook,
                             .clock = call->w->agent->clock,
                             .stop = &call->w->interrupt,
                             .deadline_mono_ms = health_deadline(call),
                             .programs_only = programs_only};
    unsigned failed = 0;
    int r;

    jsw_arr(call->result, "checks");
    r = health_run(&run, js_member(call->a->hooks, "health"), call->result, &failed, err);
    if (r < 0)
        return r;
    jsw_end(call->result);
    if (failed == 0)
        return 0;
    call->keep_result = true;
    return err_set_gw(err, GW_HEALTH_FAILED, -EIO, "%u health check%s of '%s' did not pass", failed,
                      failed > 1 ? "s" : "", call->w->name);
}

int order_health(struct order_call *call, struct err *err)
{
    struct hook_run hook = hook_of(call);
    int r = note_epoch(call, err);

    if (r == 0)
        r = check_active(call, err);
    return r == 0 ? run_checks(call, &hook, false, err) : r;
}

int order_traffic(struct order_call *call, struct err *err)
{
    auto_buf struct buf out = {.max = HOOK_OUTPUT_MAX};
    struct hook_run hook = hook_of(call);
    const char *text;
    int r = note_epoch(call, err);

    if (r == 0)
        r = check_active(call, err);
    if (r < 0)
        return r;
    hook.direction = text_equal(js_str(call->order->args, "to", call->a->side), "source")
                         ? "to_source"
                         : "to_target";
    r = hook_run_list(&hook, js_member(js_member(call->a->hooks, "traffic"), hook.direction), &out,
                      err);
    text = buf_cstr(&out);
    jsw_str(call->result, "output", text ? text : "");
    call->keep_result = true;
    return r < 0 ? err_add(err, r, "traffic of '%s'", call->w->name) : 0;
}

/* -- volumes that are looked at ------------------------------------------------ */

/* A landing volume is not touched while its fate is open: applied, and not known to be aborted. */
static int check_follower(struct order_call *call, struct err *err)
{
    if (call->w->own.owns)
        return err_set(err, -EPERM, "this host is the active side of '%s'", call->w->name);
    return repl_may_follow(call->w, err);
}

static void write_looked(struct jsw *w, const char *name, const struct replica_point *p, bool same)
{
    jsw_obj(w, NULL);
    jsw_str(w, "name", name);
    jsw_u64(w, "seq", p->seq);
    jsw_str(w, "kind", replica_kind_name(p->kind));
    jsw_time(w, "taken_at", p->taken_ms);
    jsw_hex(w, "digest", p->digest, sizeof(p->digest));
    jsw_bool(w, "ok", same);
    jsw_end(w);
}

static int digest_equal(struct order_call *call, const char *path, const struct replica_point *p,
                        bool *ret_same, struct err *err)
{
    struct replica_digest_run run = {
        .volume_path = path, .size_bytes = p->size_bytes, .stop = &call->w->interrupt};
    uint8_t digest[REPLICA_DIGEST_LEN];
    int r = replica_digest(&run, digest, err);

    if (r == 0)
        *ret_same = memcmp(digest, p->digest, sizeof(digest)) == 0;
    return r;
}

static int verify_volume(struct order_call *call, size_t i, bool *ret_same, struct err *err)
{
    const struct assignment_volume *v = &call->a->volumes[i];
    struct replica_point point = {0};
    struct replica_run run;
    char dir[PATH_MAX];
    const bool resync = js_bool(call->order->args, "resync", false);
    int r = repl_take(call->w, i, err);

    if (r == 0 && resync)
        r = repl_forget(call->w, i, err);
    if (r == 0)
        r = repl_run(call->w, i, dir, &run, err);
    if (r < 0)
        return err_add(err, r, "verify '%s'", v->name);
    run.untouched = !resync;
    r = replica_pull(&run, &point, err);
    if (r == 0)
        r = digest_equal(call, v->device, &point, ret_same, err);
    if (r < 0)
        return err_add(err, r, "verify '%s'", v->name);
    write_looked(call->result, v->name, &point, *ret_same);
    if (*ret_same)
        repl_learned(call->w->repl, i, &point, true);
    /* What was believed equal is not: the next pull compares every block. */
    return *ret_same ? 0 : repl_forget(call->w, i, err);
}

int order_verify(struct order_call *call, struct err *err)
{
    unsigned differ = 0;
    int r = note_epoch(call, err);

    if (r == 0)
        r = check_follower(call, err);
    if (r < 0)
        return r;
    jsw_arr(call->result, "volumes");
    for (size_t i = 0; i < call->a->volumes_n; i++) {
        bool same = false;

        r = verify_volume(call, i, &same, err);
        if (r < 0)
            return r;
        differ += !same;
    }
    jsw_end(call->result);
    if (differ == 0)
        return 0;
    call->keep_result = true;
    return err_set_gw(err, GW_DATA_DIFFERS, -EBADMSG, "%u volume%s of '%s' differ%s", differ,
                      differ > 1 ? "s" : "", call->w->name, differ > 1 ? "" : "s");
}

/* -- test ------------------------------------------------------------------------ */

struct scratch {
    char dir[PATH_MAX];
    uint64_t seqs[ASSIGNMENT_VOLUMES_MAX]; /* the point of each volume; 0 = its newest */
    char *devices[ASSIGNMENT_VOLUMES_MAX + 1];
};

static void scratch_done(struct scratch *s)
{
    for (size_t i = 0; s->devices[i]; i++)
        free(s->devices[i]);
}

static int test_volume(struct order_call *call, struct scratch *s, size_t i, struct err *err)
{
    const struct assignment_volume *v = &call->a->volumes[i];
    struct replica_point point = {0};
    struct replica_run run;
    char state[PATH_MAX];
    char path[PATH_MAX];
    bool same = false;
    int r = repl_run(call->w, i, state, &run, err);

    if (r == 0)
        r = text_print(path, sizeof(path), "%.3900s/%s.img", s->dir, v->name);
    if (r == 0)
        r = text_print(state, sizeof(state), "%.3900s/%s.state", s->dir, v->name);
    if (r < 0)
        return r;
    s->devices[i] = strdup(path);
    if (!s->devices[i])
        return err_set(err, -ENOMEM, "scratch copy: %m");
    run.volume_path = path;
    run.state_dir = state;
    run.seq = s->seqs[i];
    run.progress = NULL;
    r = replica_pull(&run, &point, err);
    if (r == 0)
        r = digest_equal(call, path, &point, &same, err);
    if (r < 0)
        return err_add(err, r, "scratch copy of '%s'", v->name);
    write_looked(call->result, v->name, &point, same);
    if (!same)
        return err_set_gw(err, GW_DATA_DIFFERS, -EBADMSG, "the scratch copy of '%s' differs",
                          v->name);
    return 0;
}

/* The newest consistent point of each volume: that of one which did not change since is older, and
 * of the same moment. -ENOENT: a volume has none. */
static int choose_points(struct order_call *call, struct scratch *s, struct err *err)
{
    struct replica_point point = {0};
    struct vault *vault = NULL;
    int r = workload_vault(call->w, &vault, err);

    for (size_t i = 0; r == 0 && i < call->a->volumes_n; i++) {
        r = replica_consistent(vault, call->a->volumes[i].replica, &point, err);
        s->seqs[i] = point.seq;
    }
    return r;
}

/*
 * A test begins from what its services could begin from. Where there are only fuzzy points it takes
 * the newest, and says so: what then fails may be no fault of the copy.
 */
static int test_points(struct order_call *call, struct scratch *s, struct err *err)
{
    int r = choose_points(call, s, err);

    jsw_str(call->result, "points", r == 0 ? "consistent" : "fuzzy");
    if (r != -ENOENT)
        return r;
    err_clear(err);
    memset(s->seqs, 0, sizeof(s->seqs));
    return 0;
}

static int test_in(struct order_call *call, struct scratch *s, struct err *err)
{
    struct hook_run hook = hook_of(call);
    int r = test_points(call, s, err);

    if (r < 0)
        return r;
    jsw_arr(call->result, "volumes");
    for (size_t i = 0; r == 0 && i < call->a->volumes_n; i++)
        r = test_volume(call, s, i, err);
    if (r < 0)
        return r;
    jsw_end(call->result);
    hook.devices = (const char *const *)s->devices;
    hook.cwd = s->dir;
    return run_checks(call, &hook, true, err);
}

int order_test(struct order_call *call, struct err *err)
{
    struct scratch s = {0};
    int r = note_epoch(call, err);

    if (r == 0 && call->w->own.owns)
        r = err_set(err, -EPERM, "this host is the active side of '%s'", call->w->name);
    if (r == 0)
        r = workload_path(call->w, "test", s.dir, err);
    if (r == 0)
        r = tree_remove(s.dir, err); /* what a killed test left */
    if (r == 0)
        r = fd_mkdirs(s.dir, 0700, err);
    if (r == 0)
        r = test_in(call, &s, err);
    if (!js_bool(call->order->args, "keep", false))
        tree_remove(s.dir, NULL);
    scratch_done(&s);
    return r;
}

/* -- release ---------------------------------------------------------------------- */

/* The record stays, to guard the boot; everything else that is ours goes. */
int order_release(struct order_call *call, struct err *err)
{
    struct ownership_event ev = {.kind = OWNERSHIP_RELEASE, .epoch = call->order->epoch};
    char path[PATH_MAX];
    int r;

    /* Best effort: a vault that is gone already must not keep the workload from being released. */
    decision_past(call->w, &ev.past, NULL);
    r = workload_own(call->w, &ev, "agent_epoch_saved", err);
    if (r == 0)
        r = applied_forget(call->w->dir, err);
    if (r == 0)
        r = workload_path(call->w, "volumes", path, err);
    if (r == 0)
        r = tree_remove(path, err);
    if (r == 0)
        r = mine_forget(call->w, err);
    if (r == 0)
        r = workload_path(call->w, "assignment.json", path, err);
    if (r == 0)
        r = fd_unlink(path, err);
    if (r == 0)
        workload_unassign(call->w);
    return r;
}

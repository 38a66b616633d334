/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of docs/control-plane.md section 4 as one pure function a kind, and the file. */
#include "agent/ownership.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/js.h"
#include "base/jsw.h"
#include "base/num.h"
#include "base/text.h"

#include <inttypes.h>
#include <limits.h>

#include "base/banned.h"

enum { RECORD_MAX_BYTES = 4096 };

static const char *const role_names[] = {
    [OWNERSHIP_IDLE] = "idle", [OWNERSHIP_PUSH] = "push", [OWNERSHIP_FOLLOW] = "follow"};

typedef int (*ownership_rule_fn)(const struct ownership *now, const struct ownership_event *ev,
                                 struct ownership *next, struct err *err);

bool ownership_writable(const struct ownership *o)
{
    return o->known && o->owns && o->fenced_epoch == 0;
}

uint64_t ownership_waits_on(const struct ownership *o, uint64_t applied_epoch)
{
    if (o->fenced_epoch != 0)
        return o->fenced_epoch;
    if (!o->owns && applied_epoch == o->max_epoch)
        return applied_epoch;
    return 0;
}

static void yield_to_other(struct ownership *next)
{
    next->owns = false;
    next->fenced_epoch = 0;
    next->fenced_wall_ms = 0;
    next->start_owed = false;
    next->role = OWNERSHIP_FOLLOW;
}

static void take_over(struct ownership *next)
{
    next->owns = true;
    next->fenced_epoch = 0;
    next->fenced_wall_ms = 0;
    next->role = OWNERSHIP_PUSH;
}

static int rule_adopt(const struct ownership *now, const struct ownership_event *ev,
                      struct ownership *next, struct err *err)
{
    if (ev->epoch != 0)
        return err_set(err, -EINVAL, "a workload is adopted at epoch 0");
    if (now->known && !(ownership_writable(now) && now->max_epoch == 0))
        return err_set(err, -EPERM, "this host has a record that says otherwise");
    take_over(next);
    return 0;
}

/* Only a new epoch fences: a late order of an epoch that was aborted here must not. */
static int rule_fence(const struct ownership *now, const struct ownership_event *ev,
                      struct ownership *next, struct err *err)
{
    if (now->fenced_epoch == ev->epoch)
        return 0;
    if (ev->epoch <= now->max_epoch)
        return err_set_gw(err, GW_FENCE_FAILED, -ESTALE,
                          "epoch %" PRIu64 " was over here before its fence", ev->epoch);
    if (!now->owns && ev->past != CONTROL_PROMOTE)
        return err_set_gw(err, GW_FENCE_FAILED, -EPERM, "this host does not own the workload");
    if (now->fenced_epoch != 0 && ev->past == CONTROL_PROMOTE)
        return err_set_gw(err, GW_FENCE_FAILED, -EPERM,
                          "epoch %" PRIu64 " gave the workload to the other side",
                          now->fenced_epoch);
    take_over(next);
    next->role = now->role;
    next->start_owed = false;
    next->fenced_epoch = ev->epoch;
    next->fenced_wall_ms = ev->wall_ms;
    return 0;
}

static int rule_final(const struct ownership *now, const struct ownership_event *ev,
                      struct ownership *next, struct err *err)
{
    (void)next;
    if (now->fenced_epoch != ev->epoch)
        return err_set(err, -EPERM, "no fence of epoch %" PRIu64 " stands here", ev->epoch);
    return 0;
}

/* May this side become (or stay) the one that does not own? */
static int check_yields(const struct ownership *now, const struct ownership_event *ev,
                        struct err *err)
{
    if (ownership_writable(now))
        return err_set(err, -EPERM, "this host owns the workload and is not fenced");
    if (now->fenced_epoch == ev->epoch && now->fenced_epoch != 0)
        return err_set(err, -EPERM, "this host holds epoch %" PRIu64, ev->epoch);
    if (now->fenced_epoch != 0 && ev->past != CONTROL_PROMOTE)
        return err_set(err, -EPERM,
                       "fenced by epoch %" PRIu64 ", which did not promote the other side",
                       now->fenced_epoch);
    if (!now->owns && ev->past == CONTROL_PROMOTE && ev->epoch > now->max_epoch)
        return err_set(err, -EPERM, "epoch %" PRIu64 " promoted this host", now->max_epoch);
    return 0;
}

static int rule_apply(const struct ownership *now, const struct ownership_event *ev,
                      struct ownership *next, struct err *err)
{
    int r = check_yields(now, ev, err);

    if (r < 0)
        return r;
    yield_to_other(next);
    return 0;
}

static int rule_promote(const struct ownership *now, const struct ownership_event *ev,
                        struct ownership *next, struct err *err)
{
    if (ev->decision != CONTROL_PROMOTE)
        return err_set(err, -EPERM, "epoch %" PRIu64 " was not decided as promote", ev->epoch);
    if (ownership_writable(now)) {
        if (now->max_epoch != ev->epoch)
            return err_set(err, -EPERM, "this host owns the workload since epoch %" PRIu64,
                           now->max_epoch);
        return 0;
    }
    if (now->fenced_epoch != 0)
        return err_set(err, -EPERM, "this host is fenced by epoch %" PRIu64, now->fenced_epoch);
    if (!ev->applied)
        return err_set(err, -EPERM, "the decided points of epoch %" PRIu64 " are not applied here",
                       ev->epoch);
    take_over(next);
    next->start_owed = true;
    return 0;
}

/* The abort of an epoch gives ownership back to the side that held it when the epoch opened. */
static int rule_abort(const struct ownership *now, const struct ownership_event *ev,
                      struct ownership *next, struct err *err)
{
    if (ev->decision != CONTROL_ABORT)
        return err_set(err, -EPERM, "epoch %" PRIu64 " was not decided as abort", ev->epoch);
    if (now->fenced_epoch != 0 && now->fenced_epoch != ev->epoch && ev->past != CONTROL_ABORT)
        return err_set(err, -EPERM, "fenced by epoch %" PRIu64 ", which is not known to be aborted",
                       now->fenced_epoch);
    if (!now->owns && now->fenced_epoch == 0 && ev->past != CONTROL_PROMOTE)
        return err_set(err, -EPERM, "this host did not hold epoch %" PRIu64, ev->epoch);
    take_over(next);
    /* Without a fence nothing was stopped, so there is nothing to start. */
    next->start_owed = now->start_owed || !ownership_writable(now);
    return 0;
}

static int rule_stand_down(const struct ownership *now, const struct ownership_event *ev,
                           struct ownership *next, struct err *err)
{
    return rule_apply(now, ev, next, err);
}

/*
 * Beginning to follow never raises max_epoch of a known record: an assignment may show an epoch
 * whose fence is still on its way, and that fence must find it new.
 */
static int rule_cede(const struct ownership *now, const struct ownership_event *ev,
                     struct ownership *next, struct err *err)
{
    struct ownership_event other = *ev;

    if (!now->known)
        next->max_epoch = ev->epoch;
    else
        next->max_epoch = now->max_epoch;
    if (now->owns) {
        other.epoch = 0; /* the holder of an epoch may be just who cedes after its promote */
        if (ownership_writable(now) || ev->past != CONTROL_PROMOTE)
            return check_yields(now, &other, err);
    }
    yield_to_other(next);
    return 0;
}

/* A holder meets a new epoch only by its fence: see rule_cede. */
static int rule_note(const struct ownership *now, const struct ownership_event *ev,
                     struct ownership *next, struct err *err)
{
    (void)ev;
    (void)err;
    if (now->owns)
        next->max_epoch = now->max_epoch;
    return 0;
}

static int rule_started(const struct ownership *now, const struct ownership_event *ev,
                        struct ownership *next, struct err *err)
{
    (void)ev;
    (void)err;
    next->max_epoch = now->max_epoch;
    next->start_owed = false;
    return 0;
}

/* The record itself stays, on both sides: it goes on guarding the boot. */
static int rule_release(const struct ownership *now, const struct ownership_event *ev,
                        struct ownership *next, struct err *err)
{
    (void)err;
    if (now->fenced_epoch != 0 && ev->past == CONTROL_PROMOTE)
        yield_to_other(next);
    next->role = OWNERSHIP_IDLE;
    return 0;
}

static const struct {
    ownership_rule_fn rule;
    bool epoch_needed;
    bool any_age; /* may speak of an epoch below max_epoch */
} rules[OWNERSHIP_KINDS] = {
    [OWNERSHIP_ADOPT] = {.rule = rule_adopt},
    [OWNERSHIP_FENCE] = {.rule = rule_fence, .epoch_needed = true},
    [OWNERSHIP_FINAL] = {.rule = rule_final, .epoch_needed = true},
    [OWNERSHIP_APPLY] = {.rule = rule_apply, .epoch_needed = true},
    [OWNERSHIP_PROMOTE] = {.rule = rule_promote, .epoch_needed = true},
    [OWNERSHIP_ABORT] = {.rule = rule_abort, .epoch_needed = true},
    [OWNERSHIP_STAND_DOWN] = {.rule = rule_stand_down, .epoch_needed = true},
    [OWNERSHIP_CEDE] = {.rule = rule_cede, .any_age = true},
    [OWNERSHIP_NOTE] = {.rule = rule_note},
    [OWNERSHIP_STARTED] = {.rule = rule_started, .any_age = true},
    [OWNERSHIP_RELEASE] = {.rule = rule_release},
};

int ownership_next(const struct ownership *now, const struct ownership_event *ev,
                   struct ownership *ret, struct err *err)
{
    struct ownership next = *now;
    int r;

    if (rules[ev->kind].epoch_needed && ev->epoch == 0)
        return err_set(err, -EINVAL, "an order of a switch has an epoch");
    if (!rules[ev->kind].any_age && ev->epoch < now->max_epoch)
        return err_set(err, -ESTALE, "epoch %" PRIu64 " is over: epoch %" PRIu64 " was seen here",
                       ev->epoch, now->max_epoch);
    next.max_epoch = num_max(now->max_epoch, ev->epoch);
    r = rules[ev->kind].rule(now, ev, &next, err);
    if (r < 0)
        return r;
    next.known = true;
    *ret = next;
    return 0;
}

const char *ownership_role_name(enum ownership_role role)
{
    return role_names[role];
}

int ownership_role_parse(const char *text, enum ownership_role *ret, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(role_names); i++) {
        if (!text_equal(text, role_names[i]))
            continue;
        *ret = (enum ownership_role)i;
        return 0;
    }
    return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "unknown role '%s'", text ? text : "");
}

static int record_path(const char *dir, char out[static PATH_MAX], struct err *err)
{
    int r = text_print(out, PATH_MAX, "%s/ownership.json", dir);

    return r < 0 ? err_set(err, r, "path of the record in '%s': %m", dir) : 0;
}

static int record_parse(const struct js *doc, struct ownership *ret, struct err *err)
{
    struct ownership o = {.known = true};
    const char *role = NULL;
    int r;

    r = js_get_u64(doc, "max_epoch", &o.max_epoch, err);
    if (r == 0)
        r = js_get_bool(doc, "owns", &o.owns, err);
    if (r == 0)
        r = js_get_u64(doc, "fenced_epoch", &o.fenced_epoch, err);
    if (r == 0)
        r = js_get_str(doc, "role", &role, err);
    if (r == 0)
        r = ownership_role_parse(role, &o.role, err);
    if (r < 0)
        return r == -ENOENT ? -EINVAL : r;
    o.fenced_wall_ms = js_u64(doc, "fenced_wall_ms", 0);
    o.start_owed = js_bool(doc, "start_owed", false);
    *ret = o;
    return 0;
}

int ownership_load(const char *dir, struct ownership *ret, struct err *err)
{
    char path[PATH_MAX];
    auto_js struct js *doc = NULL;
    struct err why = {0};
    int r;

    r = record_path(dir, path, err);
    if (r < 0)
        return r;
    r = js_load(path, RECORD_MAX_BYTES, &doc, &why);
    if (r == -ENOENT) {
        *ret = (struct ownership){0};
        return 0;
    }
    if (r == 0)
        r = record_parse(doc, ret, &why);
    if (r == 0 || r == -ENOMEM)
        return r < 0 ? err_set(err, r, "record '%s': %m", path) : 0;
    return err_set_gw(err, GW_RECORD_DAMAGED, r, "record '%s': %s", path, why.text);
}

int ownership_save(const char *dir, const struct ownership *o, struct err *err)
{
    char path[PATH_MAX];
    auto_jsw struct jsw *w = NULL;
    auto_buf struct buf text = {0};
    int r;

    r = record_path(dir, path, err);
    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_u64(w, "max_epoch", o->max_epoch);
    jsw_bool(w, "owns", o->owns);
    jsw_u64(w, "fenced_epoch", o->fenced_epoch);
    jsw_str(w, "role", ownership_role_name(o->role));
    jsw_u64(w, "fenced_wall_ms", o->fenced_wall_ms);
    jsw_bool(w, "start_owed", o->start_owed);
    jsw_end(w);
    r = jsw_finish(w, true, &text, err);
    if (r == 0)
        r = fd_save(path, buf_slice(&text), 0600, err);
    return r < 0 ? err_add(err, r, "save the record of ownership") : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The orders of a switch. Each makes the record durable first; each may be cut and run again. */
#include "agent/order.h"

#include "agent/decision.h"
#include "agent/helper.h"
#include "agent/settle.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/volume.h"

#include <inttypes.h>

#include "base/banned.h"

enum { WRITERS_WAIT_MS = 10 * 1000, WRITERS_POLL_MS = 100 };

static struct ownership_event event_of(const struct order_call *call, enum ownership_kind kind)
{
    return (struct ownership_event){
        .kind = kind, .epoch = call->order->epoch, .wall_ms = clock_wall_ms(call->w->agent->clock)};
}

/* An old order must not be the reason to ask the vault anything. */
static int event_past(const struct order_call *call, struct ownership_event *ev, struct err *err)
{
    if (ev->epoch < call->w->own.max_epoch || call->w->own.fenced_epoch == ev->epoch)
        return 0;
    return decision_past(call->w, &ev->past, err);
}

int order_adopt(struct order_call *call, struct err *err)
{
    struct ownership_event ev = event_of(call, OWNERSHIP_ADOPT);

    return workload_own(call->w, &ev, "agent_epoch_saved", err);
}

/* -- holder ------------------------------------------------------------------ */

static int count_writers(const struct order_call *call, struct err *err)
{
    for (size_t i = 0; i < call->a->volumes_n; i++) {
        char name[64] = "";
        unsigned n = 0;
        int r = volume_writers(call->a->volumes[i].device, name, sizeof(name), &n, err);

        if (r < 0)
            return r;
        if (n > 0)
            return err_set_gw(err, GW_FENCE_FAILED, -EBUSY,
                              "volume '%s' is held open for writing by %u, the first is '%s'",
                              call->a->volumes[i].name, n, name);
    }
    return 0;
}

/* A stopped service may take a moment to let go. */
static int wait_for_writers(const struct order_call *call, struct err *err)
{
    const struct clock *clock = call->w->agent->clock;
    uint64_t until = clock_mono_ms(clock) + num_min(settle_hook_ms(call->w), WRITERS_WAIT_MS);
    int r;

    while ((r = count_writers(call, err)) == -EBUSY) {
        if (workload_interrupted(call->w) || clock_mono_ms(clock) >= until)
            break;
        clock_sleep_ms(clock, WRITERS_POLL_MS);
    }
    if (r < 0 && err)
        err->retryable = false;
    return r;
}

int order_fence(struct order_call *call, struct err *err)
{
    struct ownership_event ev = event_of(call, OWNERSHIP_FENCE);
    int r = event_past(call, &ev, err);

    if (r == 0)
        r = workload_own(call->w, &ev, "agent_fence_saved", err);
    if (r == 0)
        r = settle_fence(call->w, err);
    if (r == 0)
        r = wait_for_writers(call, err);
    /* What the last writer wrote while it ended is flushed too. */
    for (size_t i = 0; r == 0 && i < call->a->volumes_n; i++)
        r = helper_close(&call->a->volumes[i], err);
    if (r < 0)
        return r;
    jsw_u64(call->result, "writers", 0);
    return 0;
}

static int push_final(struct order_call *call, size_t i, struct replica_point *ret, struct err *err)
{
    struct replica_run run;
    char dir[PATH_MAX];
    int r = repl_run(call->w, i, dir, &run, err);

    if (r < 0)
        return r;
    run.kind = REPLICA_FINAL;
    run.epoch = call->order->epoch;
    r = replica_push(&run, ret, err);
    if (r < 0)
        return err_add(err, r, "final point of '%s'", call->a->volumes[i].name);
    repl_learned(call->w->repl, i, ret, false);
    if (ret->unreadable_bytes > 0)
        return err_set_gw(err, GW_INCOMPLETE, -EUCLEAN,
                          "final point of '%s': %" PRIu64 " bytes cannot be read",
                          call->a->volumes[i].name, ret->unreadable_bytes);
    return failpoint("agent_final_pushed");
}

static void write_point(struct jsw *w, const char *name, const struct replica_point *p)
{
    jsw_obj(w, NULL);
    jsw_str(w, "name", name);
    jsw_u64(w, "seq", p->seq);
    jsw_hex(w, "hash", p->hash, sizeof(p->hash));
    jsw_hex(w, "digest", p->digest, sizeof(p->digest));
    jsw_u64(w, "size_bytes", p->size_bytes);
    jsw_end(w);
}

int order_final(struct order_call *call, struct err *err)
{
    struct ownership_event ev = event_of(call, OWNERSHIP_FINAL);
    int r = workload_own(call->w, &ev, "agent_epoch_saved", err);

    if (r < 0)
        return r;
    jsw_arr(call->result, "volumes");
    for (size_t i = 0; i < call->a->volumes_n; i++) {
        struct replica_point point = {0};

        r = push_final(call, i, &point, err);
        if (r < 0)
            return r;
        write_point(call->result, call->a->volumes[i].name, &point);
    }
    jsw_end(call->result);
    return 0;
}

/* Repeated until it is done; what is not owed was never stopped, or is started already. */
static int start_what_is_owed(struct workload *w, struct err *err)
{
    return w->own.start_owed ? settle_start(w, err) : 0;
}

int order_abort(struct order_call *call, struct err *err)
{
    struct ownership_event ev = event_of(call, OWNERSHIP_ABORT);
    struct control_verdict verdict = {0};
    int r = decision_read(call->w, call->order->epoch, &verdict, err);

    if (r == 0)
        r = failpoint("agent_abort_decided");
    ev.decision = verdict.decision;
    if (r == 0)
        r = event_past(call, &ev, err);
    if (r == 0)
        r = workload_own(call->w, &ev, "agent_abort_saved", err);
    return r == 0 ? start_what_is_owed(call->w, err) : r;
}

/* -- the other side ----------------------------------------------------------- */

static int digest_volume(struct order_call *call, size_t i, uint64_t size_bytes, uint8_t *out,
                         struct err *err)
{
    struct replica_digest_run run = {.volume_path = call->a->volumes[i].device,
                                     .size_bytes = size_bytes,
                                     .stop = &call->w->interrupt};

    return replica_digest(&run, out, err);
}

static int pull_and_digest(struct order_call *call, size_t i, const struct applied_volume *v,
                           struct err *err)
{
    struct replica_run run;
    struct replica_point point = {0};
    uint8_t digest[REPLICA_DIGEST_LEN];
    char dir[PATH_MAX];
    int r = repl_run(call->w, i, dir, &run, err);

    if (r < 0)
        return r;
    run.seq = v->seq;
    run.expect_digest = v->digest;
    r = replica_pull(&run, &point, err);
    if (r == 0)
        r = failpoint("agent_apply_pulled");
    if (r == 0)
        r = digest_volume(call, i, point.size_bytes, digest, err);
    if (r == 0)
        r = failpoint("agent_apply_digested");
    if (r < 0)
        return err_add(err, r, "apply '%s'", call->a->volumes[i].name);
    if (memcmp(digest, v->digest, sizeof(digest)) != 0)
        return err_set_gw(err, GW_DIGEST_DIFFERS, -EBADMSG,
                          "volume '%s' differs from point %" PRIu64, call->a->volumes[i].name,
                          v->seq);
    repl_learned(call->w->repl, i, &point, true);
    return 0;
}

/* What a follower believes to be equal may be wrong: then once more, comparing every block. */
static int apply_volume(struct order_call *call, size_t i, const struct applied_volume *v,
                        struct err *err)
{
    int r = repl_take(call->w, i, err);

    if (r == 0)
        r = pull_and_digest(call, i, v, err);
    if (r != -EBADMSG || !err || err->gw != GW_DIGEST_DIFFERS)
        return r;
    err_clear(err);
    r = repl_forget(call->w, i, err);
    return r == 0 ? pull_and_digest(call, i, v, err) : r;
}

/* applied.json speaks only of volumes that are whole: it goes before, and comes back after. */
static int apply_all(struct order_call *call, const struct applied *want, struct err *err)
{
    int r = applied_forget(call->w->dir, err);

    if (r == 0)
        r = failpoint("agent_apply_marked");
    for (size_t i = 0; r == 0 && i < call->a->volumes_n; i++)
        r = apply_volume(call, i, &want->volumes[i], err);
    return r == 0 ? applied_save(call->w->dir, want, err) : r;
}

int order_apply(struct order_call *call, struct err *err)
{
    struct ownership_event ev = event_of(call, OWNERSHIP_APPLY);
    struct applied want;
    int r = applied_from_args(call->order->args, call->order->epoch, call->a, &want, err);

    if (r == 0)
        r = event_past(call, &ev, err);
    if (r == 0)
        r = workload_own(call->w, &ev, "agent_epoch_saved", err);
    if (r == 0)
        r = apply_all(call, &want, err);
    if (r < 0)
        return r;
    jsw_arr(call->result, "volumes");
    for (size_t i = 0; i < want.volumes_n; i++) {
        jsw_obj(call->result, NULL);
        jsw_str(call->result, "name", want.volumes[i].name);
        jsw_u64(call->result, "seq", want.volumes[i].seq);
        jsw_hex(call->result, "digest", want.volumes[i].digest, REPLICA_DIGEST_LEN);
        jsw_end(call->result);
    }
    jsw_end(call->result);
    return 0;
}

/*
 * The decided points must be here. An apply that was repeated late, and cut, may have torn them
 * again: the decision itself names what to pull, so that the promotion can always be finished.
 */
static int ensure_applied(struct order_call *call, const struct control_verdict *verdict,
                          struct err *err)
{
    struct applied applied;
    struct applied want;
    int r = applied_load(call->w->dir, &applied, err);

    if (r < 0 || applied_matches(&applied, verdict))
        return r;
    if (call->w->own.max_epoch != verdict->epoch || call->w->own.fenced_epoch != 0)
        return 0; /* never the side that applied it: the record will refuse */
    r = applied_from_verdict(verdict, call->a, &want, err);
    return r == 0 ? apply_all(call, &want, err) : r;
}

static int check_promote(struct order_call *call, struct ownership_event *ev, struct err *err)
{
    struct control_verdict verdict = {0};
    struct applied applied;
    int r = decision_read(call->w, call->order->epoch, &verdict, err);

    if (r == 0)
        r = failpoint("agent_promote_decided");
    ev->decision = verdict.decision;
    if (r < 0 || verdict.decision != CONTROL_PROMOTE || call->w->own.owns)
        return r;
    r = ensure_applied(call, &verdict, err);
    if (r == 0)
        r = applied_load(call->w->dir, &applied, err);
    if (r == 0)
        ev->applied = applied_matches(&applied, &verdict);
    return r;
}

/*
 * The reverse push is ready before the first write: from here on the state directory of each
 * replica knows the applied point as its base, and role push is in the record that is saved.
 */
int order_promote(struct order_call *call, struct err *err)
{
    struct ownership_event ev = event_of(call, OWNERSHIP_PROMOTE);
    int r = check_promote(call, &ev, err);

    if (r == 0)
        r = workload_own(call->w, &ev, "agent_promote_saved", err);
    return r == 0 ? start_what_is_owed(call->w, err) : r;
}

int order_stand_down(struct order_call *call, struct err *err)
{
    struct ownership_event ev = event_of(call, OWNERSHIP_STAND_DOWN);
    int r = event_past(call, &ev, err);

    if (r == 0)
        r = workload_own(call->w, &ev, "agent_epoch_saved", err);
    return r == 0 ? applied_forget(call->w->dir, err) : r;
}

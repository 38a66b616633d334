/* SPDX-License-Identifier: Apache-2.0 */
/* Self-abort: the one decision that an agent may take alone, and only through the register. */
#include "agent/selfabort.h"

#include "agent/settle.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/num.h"
#include "base/text.h"

#include <inttypes.h>

#include "base/banned.h"

enum { RETRY_MS = 30 * 1000 };

bool selfabort_due(const struct ownership *o, uint64_t wall_ms, uint64_t silent_ms,
                   uint64_t limit_ms)
{
    if (o->fenced_epoch == 0 || !o->owns)
        return false;
    /* The silence is measured by a clock that nobody sets. The wall clock only makes it wait longer
     * after a restart, and one that went back says nothing. */
    return silent_ms >= limit_ms &&
           (wall_ms < o->fenced_wall_ms || wall_ms - o->fenced_wall_ms >= limit_ms);
}

static int decide_abort(struct workload *w, enum control_decision *ret, struct err *err)
{
    struct control_verdict wanted = {.decision = CONTROL_ABORT,
                                     .epoch = w->own.fenced_epoch,
                                     .decided_ms = clock_wall_ms(w->agent->clock)};
    struct control_verdict standing = {0};
    struct vault *vault = NULL;
    int r = workload_vault(w, &vault, err);

    text_copy(wanted.by, sizeof(wanted.by), w->agent->identity->identity);
    text_copy(wanted.reason, sizeof(wanted.reason), "the planner did not answer");
    if (r == 0)
        r = control_decide(vault, w->name, &wanted, &standing, err);
    if (r == 0)
        r = failpoint("agent_abort_decided");
    if (r == 0)
        *ret = standing.decision;
    return r;
}

static int unfence(struct workload *w, uint64_t epoch, struct err *err)
{
    struct ownership_event ev = {
        .kind = OWNERSHIP_ABORT, .epoch = epoch, .decision = CONTROL_ABORT};
    int r = workload_own(w, &ev, "agent_abort_saved", err);

    if (r == 0)
        r = settle_start(w, err);
    w->owed = w->own.start_owed; /* tried again if that failed */
    return r;
}

void selfabort_look(struct workload *w)
{
    uint64_t now = clock_mono_ms(w->agent->clock);
    uint64_t limit = w->assignment && w->assignment->self_abort_ms ? w->assignment->self_abort_ms
                                                                   : w->agent->self_abort_ms;
    uint64_t epoch = w->own.fenced_epoch;
    enum control_decision standing = CONTROL_NONE;
    struct err err = {0};
    int r;

    if (!w->assignment || now < w->self_abort_next_mono_ms ||
        !selfabort_due(&w->own, clock_wall_ms(w->agent->clock),
                       now - num_min(now, atomic_load(&w->agent->contact_mono_ms)), limit))
        return;
    w->self_abort_next_mono_ms = now + RETRY_MS;
    r = decide_abort(w, &standing, &err);
    if (r == 0 && standing == CONTROL_ABORT)
        r = unfence(w, epoch, &err);
    if (r < 0)
        log_err(LOG_LEVEL_ERROR, &err, w->name);
    else if (standing == CONTROL_ABORT)
        log_warning("%s: the planner is silent, epoch %" PRIu64 " is aborted, it runs here again",
                    w->name, epoch);
    else
        log_warning("%s: epoch %" PRIu64 " was promoted: it stays fenced", w->name, epoch);
}

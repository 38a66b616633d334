/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks and volumes in the order that loses nothing. */
#include "agent/settle.h"

#include "agent/helper.h"
#include "agent/hook.h"
#include "base/err.h"
#include "base/fail.h"

#include "base/banned.h"

enum { HOOK_LEAST_MS = 1000 };

uint64_t settle_hook_ms(const struct workload *w)
{
    uint64_t now = clock_mono_ms(w->agent->clock);
    uint64_t deadline = atomic_load(&w->deadline_mono_ms);

    if (deadline == 0)
        return 0;
    return deadline > now + HOOK_LEAST_MS ? deadline - now : HOOK_LEAST_MS;
}

static int run_hooks(struct workload *w, const char *which, uint64_t epoch, struct err *err)
{
    struct hook_run run = {
        .assignment = w->assignment, .epoch = epoch, .timeout_ms = settle_hook_ms(w)};
    int r = hook_run_list(&run, js_member(w->assignment->hooks, which), NULL, err);

    return r < 0 ? err_add(err, r, "%s hooks of '%s'", which, w->name) : 0;
}

int settle_fence(struct workload *w, struct err *err)
{
    int r = run_hooks(w, "stop", w->own.fenced_epoch, err);

    if (r == 0)
        r = failpoint("agent_fence_stopped");
    for (size_t i = 0; r == 0 && i < w->assignment->volumes_n; i++)
        r = helper_close(&w->assignment->volumes[i], err);
    return r;
}

int settle_start(struct workload *w, struct err *err)
{
    struct ownership_event ev = {.kind = OWNERSHIP_STARTED};
    int r = 0;

    for (size_t i = 0; r == 0 && i < w->assignment->volumes_n; i++)
        r = helper_open(&w->assignment->volumes[i], err);
    if (r == 0)
        r = run_hooks(w, "start", w->own.max_epoch, err);
    if (r == 0)
        r = failpoint("agent_promote_started");
    return r == 0 ? workload_own(w, &ev, "agent_epoch_saved", err) : r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the registers of a switch, for the orders and for replication. */
#include "agent/decision.h"

#include <inttypes.h>

#include "base/banned.h"

int decision_read(struct workload *w, uint64_t epoch, struct control_verdict *ret, struct err *err)
{
    struct vault *vault = NULL;
    int r = workload_vault(w, &vault, err);

    if (r == 0)
        r = control_read(vault, w->name, epoch, ret, err);
    if (r < 0)
        return err_add(err, r, "decision of epoch %" PRIu64, epoch);
    if (ret->decision == CONTROL_NONE)
        return err_set(err, -EAGAIN, "epoch %" PRIu64 " is not decided", epoch);
    return 0;
}

int decision_past(struct workload *w, enum control_decision *ret, struct err *err)
{
    struct control_verdict verdict = {0};
    struct vault *vault = NULL;
    struct applied applied;
    uint64_t epoch;
    int r = applied_load(w->dir, &applied, err);

    *ret = CONTROL_NONE;
    if (r < 0)
        return r;
    epoch = ownership_waits_on(&w->own, applied.epoch);
    if (epoch == 0)
        return 0;
    r = workload_vault(w, &vault, err);
    if (r == 0)
        r = control_read(vault, w->name, epoch, &verdict, err);
    if (r < 0)
        return err_add(err, r, "decision of epoch %" PRIu64, epoch);
    if (verdict.decision == CONTROL_PROMOTE && !w->own.owns && !applied_matches(&applied, &verdict))
        return 0;
    *ret = verdict.decision;
    return 0;
}

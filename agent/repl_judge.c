/* SPDX-License-Identifier: Apache-2.0 */
/* What state replication is in, and when the next pass is due: pure, from what is known. */
#include "agent/repl.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"

#include "base/banned.h"

enum {
    BEHIND_INTERVALS = 3, /* more than so many intervals behind is a backlog */
    BEHIND_LEAST_MS = 15000,
    FAILURES_LEAST = 3, /* a single failure is not yet a stall */
    BACKOFF_MAX_MS = 60 * 1000,
    BACKOFF_SHIFT_MAX = 6,
    PROBE_MS = 1000, /* a follower looks for a new point so often */
    INTERVAL_LEAST_MS = 500,
    SPARE_SHARE = 10, /* of the target: looks come that much early, */
    ROUND_SHARE = 4,  /* and a pass may take that much longer than the last */
};

static const char *const names[] = {
    [REPL_STOPPED] = "stopped",
    [REPL_INITIATING] = "initiating",
    [REPL_INITIAL_SYNC] = "initial_sync",
    [REPL_BACKLOG] = "backlog",
    [REPL_CONTINUOUS] = "continuous",
    [REPL_PAUSED] = "paused",
    [REPL_RESCAN] = "rescan",
    [REPL_STALLED] = "stalled",
    [REPL_DISCONNECTED] = "disconnected",
};

const char *repl_state_name(enum repl_state s)
{
    return names[s];
}

static const struct {
    unsigned gw;
    const char *reason;
} reasons[] = {
    {GW_STORE_UNREACHABLE, "store_unreachable"},
    {GW_STORE_DENIED, "store_denied"},
    {GW_STORE_CONFLICT, "store_conflict"},
    {GW_VAULT_KEY, "vault_key"},
    {GW_VAULT_DAMAGED, "vault_damaged"},
    {GW_VAULT_OBJECT, "vault_damaged"},
    {GW_VAULT_MISSING, "vault_missing"},
    {GW_NO_VAULT, "vault_missing"},
    {GW_VAULT_UNNAMED, "vault_missing"},
    {GW_VAULT_NEWER, "vault_newer"},
    {GW_VAULT_OLDER_HEAD, "vault_older_head"},
    {GW_REPLICA_LOCKED, "replica_locked"},
    {GW_VOLUME_UNREADABLE, "read_error"},
    {GW_VOLUME_CHANGED, "volume_changed"},
    {GW_VOLUME_ALTERED, "volume_altered"},
    {GW_VOLUME_BUSY, "volume_busy"},
    {GW_VOLUME_TOO_SMALL, "volume_too_small"},
    {GW_VOLUME_SHRANK, "volume_shrank"},
    {GW_VOLUME_SHARED, "volume_shared"},
    {GW_VOLUME_NOT_EMPTY, "volume_not_empty"},
    {GW_NO_SPACE, "no_space"},
    {GW_STORE_FULL, "no_space"},
    {GW_DATA_DIFFERS, "data_differs"},
};

static const char *reason_of(const struct repl_facts *f)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].gw == f->gw)
            return reasons[i].reason;
    }
    switch (f->failure) {
    case -EIO:
    case -ENOENT:
    case -EACCES:
        return "read_error";
    case -ENOSPC:
        return "no_space";
    default:
        return "error";
    }
}

/* The store is away for a while: not yet a stall, but nothing is known either. */
static enum repl_state judge_failure(const struct repl_facts *f, const char **ret_reason)
{
    *ret_reason = reason_of(f);
    if (f->gw == GW_STORE_UNREACHABLE && f->failures < FAILURES_LEAST)
        return REPL_DISCONNECTED;
    return REPL_STALLED;
}

struct converge_target repl_target(const struct repl_facts *f)
{
    if (f->target_ms > 0)
        return (struct converge_target){.lag_ms = f->target_ms, .fixed = true};
    return (struct converge_target){
        .lag_ms = num_max(f->interval_ms * BEHIND_INTERVALS, BEHIND_LEAST_MS)};
}

static bool behind(const struct repl_facts *f)
{
    return f->behind_ms > repl_target(f).lag_ms;
}

enum repl_state repl_judge(const struct repl_facts *f, const char **ret_reason)
{
    *ret_reason = NULL;
    if (f->record_damaged) {
        *ret_reason = "record_damaged";
        return REPL_STALLED;
    }
    if (f->role == OWNERSHIP_IDLE) {
        *ret_reason = f->fenced ? "fenced" : NULL;
        return REPL_STOPPED;
    }
    if (f->paused)
        return REPL_PAUSED;
    if (f->failure != 0)
        return judge_failure(f, ret_reason);
    if (!f->seeded)
        return f->started ? REPL_INITIAL_SYNC : REPL_INITIATING;
    if (f->role == OWNERSHIP_PUSH && f->diverges) {
        *ret_reason = "not_converging";
        return REPL_STALLED;
    }
    if (f->incomplete)
        *ret_reason = "incomplete";
    return behind(f) ? REPL_BACKLOG : REPL_CONTINUOUS;
}

/*
 * Right before the next point stands, the last one is as old as the time between their starts and
 * the pass of the next. It may have to wait for the passes of the other volumes; and it may take a
 * little longer than the last one did.
 */
static uint64_t pause_for_lag(const struct repl_facts *f)
{
    uint64_t spare = f->target_ms / SPARE_SHARE + f->round_ms + f->round_ms / ROUND_SHARE;
    uint64_t room = f->target_ms > spare ? f->target_ms - spare : 0;

    return num_max(num_max(room, f->pass_ms), INTERVAL_LEAST_MS);
}

uint64_t repl_pause_ms(const struct repl_facts *f)
{
    uint64_t interval = num_max(f->interval_ms, INTERVAL_LEAST_MS);
    uint64_t pause;

    if (f->failures > 0) {
        unsigned shift = (unsigned)num_min(f->failures - 1, BACKOFF_SHIFT_MAX);

        return num_min(num_max(interval, PROBE_MS) << shift, num_max(interval, BACKOFF_MAX_MS));
    }
    if (f->role == OWNERSHIP_FOLLOW)
        return num_min(interval, PROBE_MS);
    if (f->target_ms > 0)
        return pause_for_lag(f);
    pause = num_max(interval, 2 * f->pass_ms);
    /* Behind by more than a few intervals: what counts is to get there. */
    return behind(f) ? f->pass_ms : pause;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Retention: from the newest point to the oldest, one rule after the other. */
#include "transport/retain.h"

#include "base/auto.h"

#include "base/banned.h"

enum { EPOCHS_NEEDED = 3 };

static const uint64_t hour_ms = UINT64_C(3600) * 1000;

const char *retain_why_name(enum retain_why why)
{
    static const char *const names[] = {
        [RETAIN_NO] = "given up by retention",
        [RETAIN_NEWEST] = "newest",
        [RETAIN_SWITCH] = "cutover",
        [RETAIN_ALL] = "no policy",
        [RETAIN_LAST] = "last",
        [RETAIN_WITHIN] = "within",
        [RETAIN_HOURLY] = "hourly",
        [RETAIN_DAILY] = "daily",
        [RETAIN_WEEKLY] = "weekly",
    };

    return names[why];
}

static uint64_t hour_of(uint64_t ms)
{
    return ms / hour_ms;
}

static uint64_t day_of(uint64_t ms)
{
    return ms / (24 * hour_ms);
}

/* 1970-01-01 was a Thursday. */
static uint64_t week_of(uint64_t ms)
{
    return (day_of(ms) + 3) / 7;
}

static void keep(enum retain_why *why, enum retain_why reason)
{
    if (*why == RETAIN_NO)
        *why = reason;
}

/* The newest of each period, for `left` periods that have points. */
static void keep_periods(const struct replica_point *points, size_t n, uint64_t left,
                         uint64_t (*period_of)(uint64_t ms), enum retain_why reason,
                         enum retain_why *why)
{
    uint64_t last = UINT64_MAX;

    for (size_t i = n; i > 0 && left > 0; i--) {
        uint64_t period = period_of(points[i - 1].taken_ms);

        if (period == last)
            continue;
        keep(&why[i - 1], reason);
        last = period;
        left--;
    }
}

static bool is_for_switch(const struct replica_point *points, size_t n, size_t i)
{
    bool last_of_epoch = i + 1 == n || points[i + 1].epoch != points[i].epoch;

    return points[i].epoch + EPOCHS_NEEDED > points[n - 1].epoch &&
           (points[i].kind == REPLICA_FINAL || last_of_epoch);
}

void retain_points(const struct replica_point *points, size_t n, const struct care_policy *policy,
                   uint64_t now_ms, enum retain_why *ret_why)
{
    bool none =
        !policy->last && !policy->hourly && !policy->daily && !policy->weekly && !policy->within_ms;

    for (size_t i = 0; i < n; i++) {
        ret_why[i] = i + 1 == n ? RETAIN_NEWEST : RETAIN_NO;
        if (is_for_switch(points, n, i))
            keep(&ret_why[i], RETAIN_SWITCH);
        if (none)
            keep(&ret_why[i], RETAIN_ALL);
        if (n - i <= policy->last)
            keep(&ret_why[i], RETAIN_LAST);
        if (policy->within_ms && points[i].taken_ms + policy->within_ms >= now_ms)
            keep(&ret_why[i], RETAIN_WITHIN);
    }
    keep_periods(points, n, policy->hourly, hour_of, RETAIN_HOURLY, ret_why);
    keep_periods(points, n, policy->daily, day_of, RETAIN_DAILY, ret_why);
    keep_periods(points, n, policy->weekly, week_of, RETAIN_WEEKLY, ret_why);
}

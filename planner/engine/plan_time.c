/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waves onto the calendar. Seeds share the link one after the other; waves that run already take
 * their write rate of it. A cutover needs a window, no blackout, and a rest after the one before.
 * Then seeds are put off that would have both sides run for longer than is wanted.
 */
#include "planner/engine/plan_model.h"

#include "base/num.h"

#include "base/banned.h"

enum { PLAN_MARGIN_PERCENT = 10, PLAN_RISK_MED_BYTES_GIB = 1024, PLAN_HOUR_MS = 3600000 };

uint64_t plan_time_share(const struct plan_model *m)
{
    return (uint64_t)((double)m->link_bytes_per_s * m->policy.link_share);
}

/* What is written meanwhile must travel too, and so must what waves before still write. Some of the
 * link is left in any case: what is in a plan converges by itself. */
static uint64_t seed_ms(const struct plan_model *m, const struct plan_wave *wave,
                        uint64_t running_bytes_per_s)
{
    uint64_t share = plan_time_share(m);
    uint64_t taken = num_min(running_bytes_per_s + wave->write_bytes_per_s, share - share / 20);

    return wave_link_sync_ms(wave->remaining_bytes, taken, num_max(share, taken + 1));
}

static const char *risk_of(const struct plan_model *m, const struct plan_wave *wave)
{
    uint64_t share = num_max(plan_time_share(m), 1);

    if (wave->write_bytes_per_s > share / 4 || wave->hosts_n > m->policy.max_hosts)
        return "high";
    if (wave->bytes > (uint64_t)PLAN_RISK_MED_BYTES_GIB << 30 ||
        wave->hosts_n > m->policy.max_hosts / 2)
        return "med";
    return "low";
}

static bool has_begun(const struct plan_wave *wave)
{
    return wave->remaining_bytes < wave->bytes;
}

/* Dates of cutovers stay as they are: a seed keeps its buffer before its own, and ends before the
 * next begins. With fewer waves running beside it, it takes no longer than was reckoned. */
static void put_off_seeds(struct plan_model *m)
{
    const uint64_t dual_run_ms = m->policy.dual_run_days * PLAN_DAY_MS;
    uint64_t next_ms = UINT64_MAX;

    for (size_t i = m->waves_n; i-- > 0;) {
        struct plan_wave *wave = &m->waves[i];
        uint64_t by;

        if (wave->workloads_n == 0)
            continue;
        if (wave->cutover_from_ms > 0 && !has_begun(wave) &&
            wave->cutover_from_ms > wave->seed_from_ms + dual_run_ms) {
            by = num_min(wave->cutover_from_ms - dual_run_ms - wave->seed_from_ms,
                         num_min(wave->cutover_from_ms - wave->buffer_ms, next_ms) -
                             wave->seed_until_ms);
            wave->seed_from_ms += by;
            wave->seed_until_ms += by;
        }
        next_ms = wave->seed_from_ms;
    }
}

void plan_time_assign(struct plan_model *m)
{
    uint64_t earliest_ms = m->now_ms, running = 0;
    uint64_t link_free_ms = earliest_ms;

    for (size_t i = 0; i < m->waves_n; i++) {
        struct plan_wave *wave = &m->waves[i];
        uint64_t len;
        struct span_search search = {
            .open = m->any_window ? &m->open : NULL,
            .closed = &m->closed,
            .until_ms = m->now_ms + m->policy.horizon_days * PLAN_DAY_MS,
            .len_ms = m->policy.cutover_s * 1000,
        };

        if (wave->workloads_n == 0)
            continue;
        len = seed_ms(m, wave, running);
        wave->seed_from_ms = link_free_ms;
        wave->seed_until_ms = link_free_ms + len;
        wave->risk = risk_of(m, wave);
        link_free_ms = wave->seed_until_ms;
        running += wave->write_bytes_per_s;
        wave->buffer_ms = wave_slip_buffer_ms(&m->slip, len, PLAN_MARGIN_PERCENT);
        search.from_ms = num_max(wave->seed_until_ms + wave->buffer_ms, earliest_ms);
        /* People like full hours, and so does a calendar that begins at one. */
        search.from_ms = num_div_up(search.from_ms, PLAN_HOUR_MS) * PLAN_HOUR_MS;
        if (span_find(&search, &wave->cutover_from_ms) < 0) {
            wave->late = search.from_ms + search.len_ms > search.until_ms;
            wave->opening = span_longest(&search);
            continue;
        }
        wave->cutover_until_ms = wave->cutover_from_ms + search.len_ms;
        earliest_ms = wave->cutover_until_ms + m->policy.soak_s * 1000;
        running -= num_min(running, wave->write_bytes_per_s);
    }
    put_off_seeds(m);
}

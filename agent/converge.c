/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over passes, and a judgement that waits for several of them before it changes. */
#include "agent/converge.h"

#include <stddef.h>

#include "base/banned.h"

enum {
    AGAINST_MAX = 3,   /* passes in a row that did not get nearer: it diverges */
    IN_FAVOUR_MAX = 2, /* that did: it does no more */
    GROWTH_SHARE = 50, /* that a pass must be longer than the last one, to be called longer */
    HOPELESS = 3,      /* times the time in which its data came: one such pass is enough */
    OUTRUN_LEAST_MS = 2 * 60 * 1000
};
#define DECAY 0.5
/* Closer to 1 nobody can tell. */
#define LOAD_STAYS 0.95 /* from here on it gets no nearer */
#define LOAD_GROWS 1.05 /* and here further away */
#define LOAD_GOOD 0.80
#define NEED_SPARE 1.5

static const char *const names[] = {
    [CONVERGE_SEEDING] = "seeding",
    [CONVERGE_CONVERGING] = "converging",
    [CONVERGE_STEADY] = "steady",
    [CONVERGE_NOT] = "not_converging",
};

const char *converge_name(enum converge_state s)
{
    return names[s];
}

static void add(double *sum, double now)
{
    *sum = *sum * DECAY + now;
}

static double load_of(const struct converge *c)
{
    return c->since_ms > 0 ? c->took_ms / c->since_ms : 0;
}

static bool is_longer(const struct converge *c, const struct converge_pass *p)
{
    return p->took_ms > c->last_ms + c->last_ms / GROWTH_SHARE;
}

/* Where no lag was asked for, a pass must be longer than the last one, too: where each reads the
 * whole volume the load is about 1, and nothing grows. */
static bool is_against(const struct converge *c, const struct converge_pass *p,
                       const struct converge_target *target)
{
    if (c->peak_ms <= target->lag_ms)
        return false;
    if (target->fixed)
        return load_of(c) >= LOAD_STAYS;
    return load_of(c) >= LOAD_GROWS && is_longer(c, p);
}

static bool is_in_favour(const struct converge *c, const struct converge_pass *p,
                         const struct converge_target *target)
{
    return c->peak_ms <= target->lag_ms || load_of(c) <= LOAD_GOOD ||
           (!target->fixed && !is_longer(c, p));
}

/* It is not that looking takes so long: the pass before was much shorter. */
static bool is_hopeless(const struct converge *c, uint64_t took_ms, uint64_t since_ms,
                        const struct converge_target *target)
{
    return since_ms > 0 && took_ms > target->lag_ms && took_ms / HOPELESS >= since_ms &&
           took_ms / HOPELESS >= c->last_ms;
}

void converge_pass(struct converge *c, const struct converge_pass *p,
                   const struct converge_target *target)
{
    const bool hopeless = is_hopeless(c, p->took_ms, p->since_ms, target);

    for (size_t i = 0; i < SPENT_KINDS; i++)
        add(&c->spent_ms[i], p->shares[i] * (double)p->took_ms);
    if (p->since_ms > 0) { /* else the first: in how much time its data came, nobody knows */
        add(&c->since_ms, (double)p->since_ms);
        add(&c->took_ms, (double)p->took_ms);
        add(&c->changed_bytes, (double)p->changed_bytes);
        add(&c->sent_bytes, (double)p->sent_bytes);
        c->peak_ms = p->since_ms + p->took_ms;
        c->against = is_against(c, p, target) ? c->against + 1 : 0;
        c->in_favour = is_in_favour(c, p, target) ? c->in_favour + 1 : 0;
    }
    c->last_ms = p->took_ms;
    if (c->against >= AGAINST_MAX || hopeless)
        c->diverges = true;
    else if (c->in_favour >= IN_FAVOUR_MAX)
        c->diverges = false;
}

/*
 * The pass under way leaves the next one as much as it does itself. A working set that is written
 * over and over looks so at first: it is not said of the first minutes. And where no lag was asked
 * for, passes that do not grow are as good as they can be.
 */
static bool is_outrun(const struct converge_now *now, const struct converge_target *target)
{
    if (now->seeded && !target->fixed)
        return false;
    return now->running_ms >= OUTRUN_LEAST_MS && now->running_ms > target->lag_ms &&
           now->written_bytes > 0 &&
           (double)now->written_bytes >= LOAD_STAYS * (double)now->done_bytes;
}

enum converge_state converge_judge(const struct converge *c, const struct converge_now *now,
                                   const struct converge_target *target)
{
    if (!now->seeded && now->running_ms == 0)
        return CONVERGE_UNKNOWN;
    if (is_outrun(now, target))
        return CONVERGE_NOT;
    if (!now->seeded)
        return CONVERGE_SEEDING;
    if (c->diverges || is_hopeless(c, now->running_ms, now->since_ms, target))
        return CONVERGE_NOT;
    if (now->lag_ms > target->lag_ms || c->peak_ms > target->lag_ms)
        return CONVERGE_CONVERGING;
    return CONVERGE_STEADY;
}

/* Of less than a millisecond, when all passes were long ago, nothing is known any more. */
static double per_s(double bytes, double ms)
{
    return ms >= 1 ? bytes * 1000 / ms : 0;
}

uint64_t converge_write_rate(const struct converge *c)
{
    return (uint64_t)per_s(c->changed_bytes, c->since_ms);
}

uint64_t converge_drain_rate(const struct converge *c)
{
    return (uint64_t)per_s(c->changed_bytes, c->took_ms);
}

uint64_t converge_send_rate(const struct converge *c)
{
    return (uint64_t)per_s(c->sent_bytes, c->took_ms);
}

uint64_t converge_need_rate(const struct converge *c)
{
    return (uint64_t)(per_s(c->sent_bytes, c->since_ms) * NEED_SPARE);
}

double converge_eta_s(const struct converge *c, uint64_t backlog_bytes)
{
    const double gain = per_s(c->changed_bytes, c->took_ms) - per_s(c->changed_bytes, c->since_ms);

    return c->since_ms > 0 && gain > 0 ? (double)backlog_bytes / gain : -1;
}

bool converge_bound(const struct converge *c, enum spent_on *ret)
{
    size_t most = 0;

    for (size_t i = 0; i < SPENT_KINDS; i++)
        if (c->spent_ms[i] > c->spent_ms[most])
            most = i;
    if (c->spent_ms[most] <= 0)
        return false;
    *ret = (enum spent_on)most;
    return true;
}

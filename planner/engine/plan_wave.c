/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workloads into waves: a small pilot first, then in order, each wave filled to its limits; nothing
 * moves before what it depends on, and a pin is kept or refused by name.
 */
#include "planner/engine/plan_model.h"

#include "base/num.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/banned.h"

static const char *const rule_names[] = {
    [RULE_PILOT] = "pilot",       [RULE_DEPENDS] = "depends",       [RULE_PIN] = "pin",
    [RULE_CAPACITY] = "capacity", [RULE_ORDER] = "order",           [RULE_CONVERGE] = "converge",
    [RULE_UNSEEN] = "unseen",     [RULE_LEAST_COST] = "least-cost", [RULE_KEPT] = "kept",
    [RULE_APART] = "apart",
};

const char *plan_rule_name(enum plan_rule rule)
{
    return rule_names[rule];
}

void plan_reason_add(struct plan_workload *w, enum plan_rule rule, const char *fmt, ...)
{
    struct plan_reason *reason;
    va_list ap;

    if (w->reasons_n == PLAN_REASONS_MAX)
        return;
    reason = &w->reasons[w->reasons_n++];
    reason->rule = rule;
    va_start(ap, fmt);
    vsnprintf(reason->text, sizeof(reason->text), fmt, ap);
    va_end(ap);
}

/* What replicates continuously converges only when it writes less than half of what the link has.
 */
static bool check_converges(const struct plan_model *m, struct plan_workload *w)
{
    uint64_t share = plan_time_share(m);
    char rate[NUM_TEXT_MAX], may[NUM_TEXT_MAX], link[NUM_TEXT_MAX], over[NUM_TEXT_MAX];

    if (wave_link_converges(w->write_bytes_per_s, share))
        return true;
    num_format_bytes(w->write_bytes_per_s, false, rate);
    num_format_bytes(share, false, may);
    num_format_bytes(
        (uint64_t)((double)wave_link_needed(w->write_bytes_per_s) / m->policy.link_share), false,
        link);
    num_format_bytes(w->write_bytes_per_s - share / 2, false, over);
    plan_reason_add(w, RULE_CONVERGE,
                    "it writes %s/s, and only %s/s of the link may be used: replication would "
                    "never catch up; it needs a link of %s/s, or to write %s/s less",
                    rate, may, link, over);
    return false;
}

/* Who is in that wave and must not be in one with w, or NULL. */
static const struct plan_workload *keeps_out(const struct plan_model *m,
                                             const struct plan_workload *w, unsigned wave)
{
    for (size_t i = 0; i < w->aparts_n; i++) {
        if (m->workloads[w->aparts[i].other].wave == wave)
            return &m->workloads[w->aparts[i].other];
    }
    return NULL;
}

static bool fits(const struct plan_model *m, unsigned number, const struct plan_workload *w)
{
    const struct plan_policy *p = &m->policy;
    const struct plan_wave *wave = &m->waves[number - 1];

    if (keeps_out(m, w, number))
        return false;
    if (wave->workloads_n == 0)
        return true; /* a workload larger than any wave gets one of its own */
    if (wave->workloads_n + 1 > p->max_workloads || wave->hosts_n + w->hosts_n > p->max_hosts)
        return false;
    if (p->max_bytes > 0 && (wave->bytes > p->max_bytes || w->bytes > p->max_bytes - wave->bytes))
        return false;
    return wave->write_bytes_per_s + w->write_bytes_per_s <= plan_time_share(m) / 2;
}

void plan_wave_put(struct plan_model *m, struct plan_workload *w, unsigned number)
{
    struct plan_wave *wave = &m->waves[number - 1];

    w->wave = number;
    wave->number = number;
    wave->workloads_n++;
    wave->hosts_n += w->hosts_n;
    wave->bytes += w->bytes;
    wave->remaining_bytes += w->remaining_bytes;
    wave->write_bytes_per_s += w->write_bytes_per_s;
    if (number > m->waves_n)
        m->waves_n = number;
}

/* -- what the plan in force has ------------------------------------------------------- */

static bool may_move(const struct plan_workload *w)
{
    return !w->moved && !w->unseen && w->converges;
}

static void take_out(struct plan_model *m, struct plan_workload *w)
{
    struct plan_wave *wave = &m->waves[w->wave - 1];

    wave->workloads_n--;
    wave->hosts_n -= w->hosts_n;
    wave->bytes -= w->bytes;
    wave->remaining_bytes -= w->remaining_bytes;
    wave->write_bytes_per_s -= w->write_bytes_per_s;
    w->wave = 0;
}

/* What an owner pinned has its room before anybody else takes it. */
static void reserve_pins(struct plan_model *m)
{
    for (size_t i = 0; i < m->n; i++) {
        struct plan_workload *w = &m->workloads[m->order[i]];

        if (w->pin > 0 && may_move(w) && !keeps_out(m, w, w->pin))
            plan_wave_put(m, w, w->pin);
    }
}

/*
 * Everybody back to where the plan in force has him, before anybody new is placed: what is new
 * takes the room that is left. A pin counts for more, and a wave that no longer holds all keeps
 * those who come first.
 */
static void reserve(struct plan_model *m)
{
    unsigned first = PLAN_WAVES_MAX, gone = 0;

    reserve_pins(m);
    for (size_t i = 0; i < m->n; i++) {
        struct plan_workload *w = &m->workloads[m->order[i]];
        bool stays =
            w->planned_wave > 0 && may_move(w) && (w->pin == 0 || w->pin == w->planned_wave);

        if (w->moved)
            gone = (unsigned)num_max(gone, w->planned_wave);
        if (!stays)
            continue;
        first = (unsigned)num_min(first, w->planned_wave);
        w->kept = w->wave > 0 || fits(m, w->planned_wave, w);
        if (w->kept && w->wave == 0)
            plan_wave_put(m, w, w->planned_wave);
    }
    /* A number that was used for what has moved is not used again. */
    m->first_wave = first < PLAN_WAVES_MAX ? first : (unsigned)num_min(gone + 1, PLAN_WAVES_MAX);
}

/* -- one after the other ----------------------------------------------------------------- */

/* The first wave that its dependencies allow, or 0 when one of them is not placed. */
static unsigned earliest(const struct plan_model *m, struct plan_workload *w)
{
    unsigned wave = m->first_wave;
    const char *why = NULL;

    for (size_t i = 0; i < w->depends_n; i++) {
        const struct plan_workload *d = &m->workloads[w->depends[i]];

        if (d->moved)
            continue;
        if (d->wave == 0) {
            plan_reason_add(w, RULE_DEPENDS, "it depends on %s, which could not be placed",
                            d->name);
            return 0;
        }
        if (d->wave >= wave) {
            wave = d->wave;
            why = d->name;
        }
    }
    if (why)
        plan_reason_add(w, RULE_DEPENDS, "not before %s, in wave %u, on which it depends", why,
                        wave);
    return wave;
}

static void place_pinned(struct plan_model *m, struct plan_workload *w, unsigned from)
{
    const struct plan_workload *other = keeps_out(m, w, w->pin);

    if (w->pin < from)
        plan_reason_add(w, RULE_PIN,
                        "it is pinned to wave %u, before what it depends on (wave %u): pin it to "
                        "wave %u or later, or what it depends on earlier",
                        w->pin, from, from);
    else if (other)
        plan_reason_add(w, RULE_PIN,
                        "it is pinned to wave %u, where %s is, from which it is to be apart: pin "
                        "one of them to another wave",
                        w->pin, other->name);
    if (w->pin < from || other)
        return;
    plan_reason_add(w, RULE_PIN, "pinned to wave %u by its owner", w->pin);
    plan_wave_put(m, w, w->pin);
}

/* Why it is not in wave `from`, the first that its dependencies allow. */
static void say_moved_on(const struct plan_model *m, struct plan_workload *w, unsigned from)
{
    const struct plan_workload *other = keeps_out(m, w, from);
    const struct plan_policy *p = &m->policy;

    if (other)
        plan_reason_add(w, RULE_APART, "not in wave %u with %s: the two are to be apart", from,
                        other->name);
    else
        plan_reason_add(w, RULE_CAPACITY,
                        "the waves from %u on were full (at most %llu hosts, %llu workloads)", from,
                        (unsigned long long)p->max_hosts, (unsigned long long)p->max_workloads);
}

/* A wave of its own, and what the policy would have to say for more than that. */
static void say_too_large(const struct plan_model *m, struct plan_workload *w)
{
    const struct plan_policy *p = &m->policy;
    char bytes[NUM_TEXT_MAX];

    if (w->hosts_n > p->max_hosts)
        plan_reason_add(w, RULE_CAPACITY,
                        "its %zu hosts are more than any wave takes, so it has one of its own; "
                        "max_hosts_per_wave %zu would allow it",
                        w->hosts_n, w->hosts_n);
    if (p->max_bytes > 0 && w->bytes > p->max_bytes) {
        num_format_bytes(w->bytes, false, bytes);
        plan_reason_add(w, RULE_CAPACITY,
                        "its %s are more than any wave takes, so it has one of its own; "
                        "max_bytes_per_wave %llu would allow it",
                        bytes, (unsigned long long)w->bytes);
    }
}

static void place(struct plan_model *m, struct plan_workload *w, unsigned from)
{
    unsigned wave = from;

    /* The pilot is alone in wave 1: its lesson is what it is for. */
    if (m->policy.pilot && m->n > 1 && m->waves[0].workloads_n > 0 && wave == 1)
        wave = 2;
    from = wave;
    while (wave < PLAN_WAVES_MAX && !fits(m, wave, w))
        wave++;
    if (wave > from)
        say_moved_on(m, w, from);
    say_too_large(m, w);
    if (m->policy.pilot && m->waves[0].workloads_n == 0 && wave == 1)
        plan_reason_add(w, RULE_PILOT,
                        "the pilot: the smallest workload that depends on nothing still to move");
    else
        plan_reason_add(w, RULE_ORDER,
                        "smaller workloads first among those whose dependencies allow it");
    plan_wave_put(m, w, wave);
}

/* Is it still right where the plan in force has it? Else its place is free again. */
static bool keep(struct plan_model *m, struct plan_workload *w, unsigned from)
{
    if (w->kept && from <= w->planned_wave) {
        w->reasons_n = 0;
        plan_reason_add(w, RULE_KEPT, "stays in wave %u, where the plan in force has it", w->wave);
        return true;
    }
    if (w->wave > 0)
        take_out(m, w);
    else if (w->planned_wave > 0 && w->pin == 0)
        plan_reason_add(w, RULE_KEPT, "wave %u, where the plan in force has it, is full",
                        w->planned_wave);
    w->kept = false;
    return false;
}

static void assign(struct plan_model *m, struct plan_workload *w)
{
    unsigned from = earliest(m, w);

    if (from == 0) {
        if (w->wave > 0)
            take_out(m, w);
        w->kept = false;
    } else if (keep(m, w, from)) {
        return;
    } else if (w->pin > 0) {
        place_pinned(m, w, from);
    } else {
        place(m, w, from);
    }
}

void plan_wave_assign(struct plan_model *m)
{
    for (size_t i = 0; i < m->n; i++) {
        struct plan_workload *w = &m->workloads[i];

        if (w->unseen && !w->moved)
            plan_reason_add(w, RULE_UNSEEN, "%s", w->unseen);
        w->converges = w->moved || w->unseen || check_converges(m, w);
    }
    reserve(m);
    for (size_t i = 0; i < m->n; i++) {
        struct plan_workload *w = &m->workloads[m->order[i]];

        if (may_move(w))
            assign(m, w);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted by host, metric and time, a run of samples is one use. */
#include "planner/engine/estate_series.h"

#include "base/num.h"
#include "inventory/rollup.h"

#include <stdlib.h>

#include "base/banned.h"

enum { HOUR_MS = 3600 * 1000, MONDAY = 3 /* days from the Thursday that 1970 began with */ };

bool estate_series_add(struct estate_series *s, const struct estate_sample *sample)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 1024;
        struct estate_sample *samples;

        if (cap > ESTATE_SAMPLES_MAX)
            return false;
        samples = reallocarray(s->samples, cap, sizeof(*samples));
        if (!samples)
            return false;
        s->samples = samples;
        s->cap = cap;
    }
    s->samples[s->n++] = *sample;
    return true;
}

void estate_series_done(struct estate_series *s)
{
    free(s->samples);
    *s = (struct estate_series){0};
}

static int by_place(const void *a, const void *b)
{
    const struct estate_sample *x = a, *y = b;

    if (x->host != y->host)
        return x->host->index < y->host->index ? -1 : 1;
    if (x->metric != y->metric)
        return x->metric < y->metric ? -1 : 1;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return x->value < y->value ? -1 : x->value > y->value;
}

/* Hour of the week in UTC. */
static size_t hour_of(uint64_t time_ms)
{
    uint64_t hours = time_ms / HOUR_MS;

    return (size_t)((hours / 24 + MONDAY) % 7 * 24 + hours % 24);
}

struct week {
    double sum[ESTATE_WEEK];
    uint64_t n[ESTATE_WEEK];
};

/* What the run says of each hour; hours that it says nothing of keep what was known. */
static void keep_week(struct estate *e, struct estate_usage *u, const struct week *w, bool beside)
{
    double week[ESTATE_WEEK];

    for (size_t i = 0; i < ESTATE_WEEK; i++) {
        double before = beside && u->week ? u->week[i] : -1;

        week[i] = w->n[i] ? w->sum[i] / (double)w->n[i] : before;
        if (w->n[i] && before >= 0)
            week[i] = (week[i] + before) / 2;
    }
    estate_usage_week(e, u, week);
}

static void keep_run(struct estate *e, const struct estate_sample *run, size_t n,
                     struct estate_source source)
{
    struct estate_usage *u = estate_usage_of(e, run->host, run->metric);
    const uint64_t from = run[0].time_ms, until = run[n - 1].time_ms;
    struct rollup_hist hist = {0};
    struct week week = {0};
    bool beside;

    if (!u)
        return;
    beside = u->buckets_n > 0 && (until < u->from_ms || from > u->until_ms);
    if (beside)
        (void)estate_usage_hist(u, &hist);
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && run[i + 1].time_ms == run[i].time_ms)
            continue;
        (void)rollup_hist_add(&hist, run[i].value);
        week.sum[hour_of(run[i].time_ms)] += run[i].value;
        week.n[hour_of(run[i].time_ms)]++;
    }
    estate_usage_keep(e, u, &hist);
    keep_week(e, u, &week, beside);
    u->from_ms = beside ? num_min(u->from_ms, from) : from;
    u->until_ms = beside ? num_max(u->until_ms, until) : until;
    u->source = source;
}

void estate_series_keep(struct estate_series *s, struct estate *e, struct estate_source source)
{
    size_t begin = 0;

    if (s->n > 1)
        qsort(s->samples, s->n, sizeof(*s->samples), by_place);
    for (size_t i = 1; i <= s->n; i++) {
        const struct estate_sample *first = &s->samples[begin];

        if (i < s->n && s->samples[i].host == first->host && s->samples[i].metric == first->metric)
            continue;
        keep_run(e, first, i - begin, source);
        begin = i;
    }
    s->n = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* How hard hosts work: whole histograms where they were kept, else what quantiles say. */
#include "planner/engine/estate_priv.h"

#include "base/err.h"
#include "base/num.h"
#include "inventory/rollup.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static const char *const metric_keys[ESTATE_METRICS] = {
    [ESTATE_CPU_PERCENT] = "cpu_percent",    [ESTATE_MEMORY_USED] = "memory_bytes",
    [ESTATE_DISK_RATE] = "disk_bytes_per_s", [ESTATE_DISK_WRITES] = "disk_write_bytes_per_s",
    [ESTATE_DISK_OPS] = "disk_ops_per_s",    [ESTATE_NET_RATE] = "net_bytes_per_s",
};

static const struct {
    const char *key;
    double of;
} quantiles[ESTATE_QUANTILES] = {
    [ESTATE_P50] = {"p50", 0.5},  [ESTATE_P90] = {"p90", 0.9}, [ESTATE_P95] = {"p95", 0.95},
    [ESTATE_P99] = {"p99", 0.99}, [ESTATE_MAX] = {"max", 1},
};

const char *estate_metric_key(enum estate_metric metric)
{
    return metric_keys[metric];
}

const char *estate_quantile_key(enum estate_quantile quantile)
{
    return quantiles[quantile].key;
}

double estate_quantile_of(enum estate_quantile quantile)
{
    return quantiles[quantile].of;
}

struct estate_usage *estate_usage_of(struct estate *e, struct estate_host *h,
                                     enum estate_metric metric)
{
    struct estate_usage *u = h->usage[metric];

    if (u)
        return u;
    u = calloc(1, sizeof(*u));
    if (!u) {
        estate_fail(e, -ENOMEM, "the use of a host");
        return NULL;
    }
    u->mean = -1;
    for (size_t q = 0; q < ESTATE_QUANTILES; q++)
        u->quantile[q] = -1;
    h->usage[metric] = u;
    return u;
}

void estate_usage_keep(struct estate *e, struct estate_usage *u, const struct rollup_hist *h)
{
    struct estate_bucket *buckets;
    size_t n = 0;

    for (uint32_t b = 0; b < ROLLUP_BUCKETS; b++)
        n += h->counts[b] > 0;
    if (n == 0)
        return;
    buckets = calloc(n, sizeof(*buckets));
    if (!buckets) {
        estate_fail(e, -ENOMEM, "a histogram");
        return;
    }
    free(u->buckets);
    u->buckets = buckets;
    u->buckets_n = 0;
    for (uint32_t b = 0; b < ROLLUP_BUCKETS; b++) {
        if (h->counts[b] > 0)
            u->buckets[u->buckets_n++] = (struct estate_bucket){b, h->counts[b]};
    }
    u->samples = h->n;
    u->mean = rollup_hist_mean(h);
    for (size_t q = 0; q < ESTATE_QUANTILES; q++)
        u->quantile[q] = rollup_hist_quantile(h, quantiles[q].of);
}

void estate_usage_week(struct estate *e, struct estate_usage *u, const double *week)
{
    if (!u->week)
        u->week = calloc(ESTATE_WEEK, sizeof(*u->week));
    if (u->week)
        memcpy(u->week, week, ESTATE_WEEK * sizeof(*u->week));
    else
        estate_fail(e, -ENOMEM, "the hours of a week");
}

double estate_usage_days(const struct estate_usage *u)
{
    return u->until_ms > u->from_ms ? (double)(u->until_ms - u->from_ms) / 86400000 : 0;
}

/* -- disks ------------------------------------------------------------------------------------ */

static bool sum_of(const struct estate_host *h, enum estate_level level, bool used, uint64_t *ret)
{
    uint64_t sum = 0;
    bool any = false;

    for (size_t i = 0; i < h->disks_n; i++) {
        const struct estate_disk *d = &h->disks[i];

        if (d->level != level || (d->size_bytes == 0 && !d->has_used))
            continue;
        any |= used ? d->has_used : d->size_bytes > 0;
        /* Where it is known of one alone, the others count whole. */
        if (!num_add(sum, used && d->has_used ? d->used_bytes : d->size_bytes, &sum))
            sum = INT64_MAX;
    }
    if (any)
        *ret = num_min(sum, INT64_MAX);
    return any;
}

uint64_t estate_disk_bytes(const struct estate_host *h)
{
    uint64_t sum = 0;

    (void)(sum_of(h, ESTATE_DEVICE, false, &sum) || sum_of(h, ESTATE_TOTAL, false, &sum) ||
           sum_of(h, ESTATE_PARTITION, false, &sum));
    return sum;
}

bool estate_disk_used(const struct estate_host *h, uint64_t *ret_bytes)
{
    return sum_of(h, ESTATE_PARTITION, true, ret_bytes) ||
           sum_of(h, ESTATE_DEVICE, true, ret_bytes) || sum_of(h, ESTATE_TOTAL, true, ret_bytes);
}

/* -- as a histogram -------------------------------------------------------------------------- */

enum { STAND_IN_SAMPLES = 1000 };

static void from_buckets(const struct estate_usage *u, struct rollup_hist *ret)
{
    double low, high;

    *ret = (struct rollup_hist){.n = u->samples, .sum = u->mean * (double)u->samples};
    for (size_t i = 0; i < u->buckets_n; i++)
        ret->counts[u->buckets[i].bucket] = u->buckets[i].count;
    rollup_bounds(u->buckets[0].bucket, &low, &high);
    ret->min = low;
    ret->max = u->quantile[ESTATE_MAX];
}

/* n samples of v at once; v is not below what was added before, and far from what a count holds. */
static void add_many(struct rollup_hist *h, double v, uint64_t n)
{
    if (n == 0)
        return;
    h->min = h->n ? h->min : v;
    h->max = v;
    h->n += n;
    h->sum += v * (double)n;
    h->counts[rollup_bucket(v)] += (uint32_t)n;
}

static bool from_quantiles(const struct estate_usage *u, struct rollup_hist *ret)
{
    uint64_t done = 0;
    double last = -1;

    *ret = (struct rollup_hist){0};
    for (size_t q = 0; q < ESTATE_QUANTILES; q++) {
        uint64_t until = (uint64_t)(quantiles[q].of * STAND_IN_SAMPLES + 0.5);

        if (u->quantile[q] < 0 || u->quantile[q] < last)
            continue;
        last = u->quantile[q];
        add_many(ret, last, until - done);
        done = until;
    }
    if (done > 0)
        add_many(ret, last, STAND_IN_SAMPLES - done);
    return done > 0;
}

bool estate_usage_hist(const struct estate_usage *u, struct rollup_hist *ret)
{
    bool upper = false;

    if (u->buckets_n > 0) {
        from_buckets(u, ret);
        return true;
    }
    for (size_t q = ESTATE_P90; q < ESTATE_QUANTILES; q++)
        upper |= u->quantile[q] >= 0;
    return upper && from_quantiles(u, ret);
}

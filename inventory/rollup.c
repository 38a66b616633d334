/* SPDX-License-Identifier: Apache-2.0 */
/* Logarithmic histograms, and the spans of time that they are kept for. */
#include "inventory/rollup.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/js.h"
#include "base/jsw.h"

#include <math.h>
#include <string.h>

#include "base/banned.h"

enum { PER_OCTAVE = 8, LOW_EXPONENT = -7, HIGH_EXPONENT = 48 };

_Static_assert(ROLLUP_BUCKETS == (HIGH_EXPONENT - LOW_EXPONENT) * PER_OCTAVE + 1,
               "one bucket for nothing, eight for each octave");

/* 2^(k/8) / 2 for k = 0..8: upper bounds of the eighths of an octave, for mantissas in [1/2, 1). */
static const double eighths[PER_OCTAVE + 1] = {
    0.5,
    0.54525386633262882960,
    0.59460355750136053336,
    0.64841977732550483296,
    0.70710678118654752440,
    0.77110541270397041180,
    0.84089641525371454303,
    0.91700404320467123175,
    1.0,
};

size_t rollup_bucket(double v)
{
    int exponent = 0;
    double mantissa = frexp(v, &exponent); /* v = mantissa * 2^exponent, mantissa in [1/2, 1) */
    size_t k = 0;

    if (v <= ldexp(1, LOW_EXPONENT))
        return 0;
    if (v > ldexp(1, HIGH_EXPONENT))
        return ROLLUP_BUCKETS - 1;
    while (mantissa > eighths[k])
        k++;
    return (size_t)((exponent - 1 - LOW_EXPONENT) * PER_OCTAVE) + k;
}

void rollup_bounds(size_t bucket, double *ret_low, double *ret_high)
{
    int octave = 0;
    size_t k = 0;

    if (bucket == 0) {
        *ret_low = 0;
        *ret_high = ldexp(1, LOW_EXPONENT);
        return;
    }
    octave = (int)((bucket - 1) / PER_OCTAVE) + LOW_EXPONENT + 1;
    k = (bucket - 1) % PER_OCTAVE;
    *ret_low = ldexp(eighths[k], octave);
    *ret_high = ldexp(eighths[k + 1], octave);
}

int rollup_hist_add(struct rollup_hist *h, double v)
{
    size_t at = 0;

    if (!isfinite(v) || v < 0)
        return -EDOM;
    at = rollup_bucket(v);
    if (h->counts[at] == UINT32_MAX)
        return -EOVERFLOW;
    h->counts[at]++;
    h->min = h->n == 0 || v < h->min ? v : h->min;
    h->max = h->n == 0 || v > h->max ? v : h->max;
    h->sum += v;
    h->n++;
    return 0;
}

int rollup_hist_merge(struct rollup_hist *to, const struct rollup_hist *from)
{
    if (from->n == 0)
        return 0;
    for (size_t i = 0; i < ROLLUP_BUCKETS; i++) {
        if (from->counts[i] > UINT32_MAX - to->counts[i])
            return -EOVERFLOW;
    }
    for (size_t i = 0; i < ROLLUP_BUCKETS; i++)
        to->counts[i] += from->counts[i];
    to->min = to->n == 0 || from->min < to->min ? from->min : to->min;
    to->max = to->n == 0 || from->max > to->max ? from->max : to->max;
    to->sum += from->sum;
    to->n += from->n;
    return 0;
}

double rollup_hist_mean(const struct rollup_hist *h)
{
    return h->n ? h->sum / (double)h->n : 0;
}

static double clamp(double v, double low, double high)
{
    if (v < low)
        return low;
    return v > high ? high : v;
}

double rollup_hist_quantile(const struct rollup_hist *h, double quantile)
{
    double rank = ceil(quantile * (double)h->n);
    double seen = 0;
    double low = 0;
    double high = 0;

    if (h->n == 0)
        return 0;
    rank = clamp(rank, 1, (double)h->n);
    for (size_t i = 0; i < ROLLUP_BUCKETS; i++) {
        seen += h->counts[i];
        if (seen < rank)
            continue;
        rollup_bounds(i, &low, &high);
        return clamp(i == 0 ? 0 : sqrt(low * high), h->min, h->max);
    }
    return h->max;
}

void rollup_hist_write(struct jsw *w, const char *key, const struct rollup_hist *h)
{
    jsw_obj(w, key);
    jsw_u64(w, "n", h->n);
    jsw_f64(w, "sum", h->sum);
    jsw_f64(w, "min", h->min);
    jsw_f64(w, "max", h->max);
    jsw_arr(w, "counts");
    for (size_t i = 0; i < ROLLUP_BUCKETS; i++) {
        if (h->counts[i] == 0)
            continue;
        jsw_arr(w, NULL);
        jsw_u64(w, NULL, i);
        jsw_u64(w, NULL, h->counts[i]);
        jsw_end(w);
    }
    jsw_end(w);
    jsw_end(w);
}

static int read_counts(const struct js *list, struct rollup_hist *h, struct err *err)
{
    uint64_t total = 0;
    uint64_t next = 0;

    if (js_len(list) > ROLLUP_BUCKETS)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "histogram: too many buckets");
    for (size_t i = 0; i < js_len(list); i++) {
        const struct js *pair = js_at(list, i);
        uint64_t at = js_as_u64(js_at(pair, 0), UINT64_MAX);
        uint64_t count = js_as_u64(js_at(pair, 1), 0);

        if (js_len(pair) != 2 || at < next || at >= ROLLUP_BUCKETS || count == 0 ||
            count > UINT32_MAX)
            return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "histogram: bucket %zu is wrong", i);
        h->counts[at] = (uint32_t)count;
        next = at + 1;
        total += count;
    }
    if (total != h->n)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "histogram: counts do not add up to n");
    return 0;
}

int rollup_hist_read(const struct js *v, struct rollup_hist *ret, struct err *err)
{
    struct rollup_hist h = {0};
    const struct js *counts = NULL;
    int rc;

    if (js_get_u64(v, "n", &h.n, NULL) < 0 || js_get_f64(v, "sum", &h.sum, NULL) < 0 ||
        js_get_f64(v, "min", &h.min, NULL) < 0 || js_get_f64(v, "max", &h.max, NULL) < 0 ||
        js_get_arr(v, "counts", &counts, NULL) < 0)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL,
                          "histogram: n, sum, min, max or counts is missing or of another kind");
    rc = read_counts(counts, &h, err);
    if (rc < 0)
        return rc;
    if (h.min < 0 || h.max < h.min || h.sum < 0)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "histogram: bounds that cannot be");
    *ret = h;
    return 0;
}

struct rollup_point rollup_point_of(const struct rollup_hist *h, uint64_t start_ms)
{
    return (struct rollup_point){
        .start_ms = start_ms,
        .n = h->n,
        .min = h->min,
        .avg = rollup_hist_mean(h),
        .max = h->max,
        .p95 = rollup_hist_quantile(h, 0.95),
    };
}

void rollup_flush(struct rollup *r, uint64_t wall_ms, struct rollup_done *ret)
{
    *ret = (struct rollup_done){0};
    if (r->point.n > 0 && wall_ms >= r->point_start_ms + ROLLUP_POINT_MS) {
        ret->has_point = true;
        ret->point = rollup_point_of(&r->point, r->point_start_ms);
        r->point = (struct rollup_hist){0};
    }
    if (r->hour.n > 0 && wall_ms >= r->hour_start_ms + ROLLUP_HOUR_MS) {
        ret->has_hour = true;
        ret->hour_start_ms = r->hour_start_ms;
        ret->hour = r->hour;
        r->hour = (struct rollup_hist){0};
    }
}

int rollup_feed(struct rollup *r, uint64_t wall_ms, double v, struct rollup_done *ret)
{
    uint64_t point_start_ms = rollup_start(wall_ms, ROLLUP_POINT_MS);

    if (!isfinite(v) || v < 0)
        return -EDOM;
    if (point_start_ms < r->point_start_ms)
        return -ESTALE;
    rollup_flush(r, wall_ms, ret);
    r->point_start_ms = point_start_ms;
    r->hour_start_ms = rollup_start(wall_ms, ROLLUP_HOUR_MS);
    /* A span has at most a few thousand samples: counts of 32 bits cannot fill up. */
    (void)rollup_hist_add(&r->point, v);
    (void)rollup_hist_add(&r->hour, v);
    return 0;
}

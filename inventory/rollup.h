/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rolling samples up: raw for an hour, 5-minute points for 48 hours, an hourly histogram for ever.
 *
 * Pure functions over plain structs: the planner keeps the rows. One struct rollup per series (one
 * metric of one disk of one host) is fed in order of time and says what is complete.
 *
 * The histogram is exact about what it is. Values are >= 0. Bucket 0 counts values <= 2^-7
 * ("nothing"). Bucket i, 1 <= i <= 440, counts values v with
 *
 *     2^(-7 + (i-1)/8) < v <= 2^(-7 + i/8)
 *
 * (eight buckets an octave, as exponential histograms of OpenTelemetry at scale 3), and the last
 * one also what is above 2^48. Which bucket a value falls into is decided by comparing with
 * constants, never by a logarithm, so it is the same on every machine. Merging adds counts: the
 * histogram of a union is the merge of the histograms. A percentile is the geometric middle of the
 * bucket that holds the nearest-rank sample, moved into [min, max]: at most 4.43% away from that
 * sample (2^(1/16) - 1) within (2^-7, 2^48], at most 2^-7 below.
 */
#ifndef GODWIT_INVENTORY_ROLLUP_H
#define GODWIT_INVENTORY_ROLLUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct js;
struct jsw;

enum {
    ROLLUP_BUCKETS = 441,
    ROLLUP_RAW_KEEP_MS = 3600 * 1000,
    ROLLUP_POINT_MS = 300 * 1000,            /* width of a point */
    ROLLUP_POINT_KEEP_MS = 48 * 3600 * 1000, /* how long points are kept */
    ROLLUP_HOUR_MS = 3600 * 1000,            /* width of a kept histogram */
};

/* {0} is an empty histogram. */
struct rollup_hist {
    uint64_t n;
    double sum, min, max; /* 0 while n is 0 */
    uint32_t counts[ROLLUP_BUCKETS];
};

struct rollup_point {
    uint64_t start_ms; /* wall clock, a multiple of ROLLUP_POINT_MS */
    uint64_t n;
    double min, avg, max, p95; /* p95 within the error of the histogram */
};

/* -EDOM: v is negative, infinite or not a number; -EOVERFLOW: a count is full. */
int rollup_hist_add(struct rollup_hist *h, double v);
/* Add the counts of from. -EOVERFLOW, and then to is as it was. */
int rollup_hist_merge(struct rollup_hist *to, const struct rollup_hist *from);
/* quantile in [0, 1]; 0 of an empty histogram. */
double rollup_hist_quantile(const struct rollup_hist *h, double quantile);
double rollup_hist_mean(const struct rollup_hist *h);
/* The bucket of v >= 0, and the bounds of a bucket: (low, high]. */
size_t rollup_bucket(double v);
void rollup_bounds(size_t bucket, double *ret_low, double *ret_high);

/* As an object {"n","sum","min","max","counts":[[bucket, count], ...]}, only buckets that count. */
void rollup_hist_write(struct jsw *w, const char *key, const struct rollup_hist *h);
/* -EINVAL: not such an object, buckets out of order or range, or counts that do not add up to n. */
int rollup_hist_read(const struct js *v, struct rollup_hist *ret, struct err *err);

/* The start of the span of width_ms in which wall_ms lies. */
static inline uint64_t rollup_start(uint64_t wall_ms, uint64_t width_ms)
{
    return wall_ms - wall_ms % width_ms;
}

/* The point of a histogram that holds the samples from start_ms on. */
struct rollup_point rollup_point_of(const struct rollup_hist *h, uint64_t start_ms);

/* What is open of one series. {0} before the first sample. */
struct rollup {
    uint64_t point_start_ms, hour_start_ms; /* 0 nothing open */
    struct rollup_hist point, hour;
};

/* What a sample completed. */
struct rollup_done {
    bool has_point, has_hour;
    struct rollup_point point;
    uint64_t hour_start_ms;
    struct rollup_hist hour;
};

/*
 * Take one sample; *ret says which spans ended before it. Samples come in order of time.
 * -ESTALE: the sample belongs to a span that is closed (merge it into the stored histogram
 * yourself), -EDOM: no value that can be. Nothing is changed then.
 */
int rollup_feed(struct rollup *r, uint64_t wall_ms, double v, struct rollup_done *ret);

/* Close the spans that ended at or before wall_ms, when a series goes silent. */
void rollup_flush(struct rollup *r, uint64_t wall_ms, struct rollup_done *ret);

#endif

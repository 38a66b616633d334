/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms keep what their header promises, over many random samples; spans close when they end.
 */
#include "tests/unit.h"

#include "inventory/rollup.h"

#include "base/buf.h"
#include "base/js.h"
#include "base/jsw.h"

#include <math.h>

#include "base/banned.h"

enum { SAMPLES = 2000, ROUNDS = 40 };

static const double error_max = 0.0443; /* 2^(1/16) - 1, rounded up */

/* splitmix64: the same numbers in every run. */
static uint64_t next_u64(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Spread over all the octaves that are counted, some of it exactly on a bound, some of it zero. */
static double next_value(uint64_t *seed)
{
    uint64_t r = next_u64(seed);
    int octave = (int)(r % 55) - 7;

    if (r >> 60 == 0)
        return 0;
    if (r >> 60 == 1)
        return ldexp(1, octave);
    return ldexp(1 + (double)(next_u64(seed) >> 12) / (double)((uint64_t)1 << 52), octave - 1);
}

static int compare_doubles(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;

    return (*x > *y) - (*x < *y);
}

static void every_value_lies_within_the_bounds_of_its_bucket(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        double v = next_value(&seed);
        double low = 0;
        double high = 0;

        rollup_bounds(rollup_bucket(v), &low, &high);
        if (v == 0)
            assert_int_equal(rollup_bucket(v), 0);
        else if (!(v > low && v <= high) && !(v <= high && low == 0))
            fail_msg("%.17g is not in (%.17g, %.17g]", v, low, high);
    }
}

static void buckets_join_without_gap_and_are_an_eighth_of_an_octave_wide(void **state)
{
    double before = 0;

    (void)state;
    for (size_t i = 0; i < ROLLUP_BUCKETS; i++) {
        double low = -1;
        double high = -1;

        rollup_bounds(i, &low, &high);
        assert_true(low == before);
        if (i > 0)
            assert_true(fabs(high / low - pow(2, 1.0 / 8)) < 1e-15);
        assert_int_equal(rollup_bucket(high), i);
        assert_int_equal(rollup_bucket(nextafter(high, INFINITY)),
                         i + 1 < ROLLUP_BUCKETS ? i + 1 : i);
        before = high;
    }
    assert_true(before == ldexp(1, 48));
}

static void merge_of_histograms_is_the_histogram_of_the_union(void **state)
{
    uint64_t seed = 2;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct rollup_hist parts[3] = {{0}};
        struct rollup_hist all = {0};
        struct rollup_hist merged = {0};

        for (int i = 0; i < SAMPLES; i++) {
            double v = next_value(&seed);

            assert_ok(rollup_hist_add(&parts[next_u64(&seed) % 3], v));
            assert_ok(rollup_hist_add(&all, v));
        }
        /* In an order that differs from round to round: merging commutes. */
        for (int i = 0; i < 3; i++)
            assert_ok(rollup_hist_merge(&merged, &parts[(i + round) % 3]));
        assert_int_equal(merged.n, all.n);
        assert_memory_equal(merged.counts, all.counts, sizeof(all.counts));
        assert_true(merged.min == all.min && merged.max == all.max);
        assert_true(fabs(merged.sum - all.sum) <= 1e-9 * all.sum);
    }
}

static void quantiles_are_within_the_documented_error_of_the_sample(void **state)
{
    static const double quantiles[] = {0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1};
    uint64_t seed = 3;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        auto_free double *v = calloc(SAMPLES, sizeof(*v));
        struct rollup_hist h = {0};
        size_t n = 1 + next_u64(&seed) % SAMPLES;

        for (size_t i = 0; i < n; i++) {
            v[i] = next_value(&seed);
            assert_ok(rollup_hist_add(&h, v[i]));
        }
        qsort(v, n, sizeof(*v), compare_doubles);
        for (size_t q = 0; q < ARRAY_LEN(quantiles); q++) {
            double rank = ceil(quantiles[q] * (double)n);
            double want = v[rank < 1 ? 0 : (size_t)rank - 1];
            double got = rollup_hist_quantile(&h, quantiles[q]);

            if (fabs(got - want) > error_max * want && fabs(got - want) > ldexp(1, -7))
                fail_msg("q%g of %zu: %g, should be %g", quantiles[q], n, got, want);
        }
    }
}

static void one_value_is_given_back_exactly(void **state)
{
    struct rollup_hist h = {0};

    (void)state;
    assert_true(rollup_hist_quantile(&h, 0.95) == 0);
    assert_true(rollup_hist_mean(&h) == 0);
    assert_ok(rollup_hist_add(&h, 37.25));
    assert_true(rollup_hist_quantile(&h, 0.95) == 37.25);
    assert_true(rollup_hist_mean(&h) == 37.25);
}

static void refuses_values_that_cannot_be(void **state)
{
    struct rollup_hist h = {0};
    struct rollup_hist zero = {0};

    (void)state;
    assert_fails(-EDOM, rollup_hist_add(&h, -1));
    assert_fails(-EDOM, rollup_hist_add(&h, NAN));
    assert_fails(-EDOM, rollup_hist_add(&h, INFINITY));
    assert_memory_equal(&h, &zero, sizeof(h));
    assert_ok(rollup_hist_add(&h, 1e300));
    assert_true(rollup_hist_quantile(&h, 1) == 1e300);
}

static void full_counts_refuse_to_wrap(void **state)
{
    struct rollup_hist h = {.n = UINT32_MAX, .min = 1, .max = 1};
    struct rollup_hist one = {0};

    (void)state;
    h.counts[rollup_bucket(1)] = UINT32_MAX;
    assert_ok(rollup_hist_add(&one, 1));
    assert_fails(-EOVERFLOW, rollup_hist_add(&h, 1));
    assert_fails(-EOVERFLOW, rollup_hist_merge(&h, &one));
    assert_int_equal(h.n, UINT32_MAX);
}

static int read_back(const char *text, struct rollup_hist *ret)
{
    auto_js struct js *v = NULL;

    assert_ok(js_parse(slice_str(text), 1 << 20, &v, NULL));
    return rollup_hist_read(v, ret, NULL);
}

static void json_brings_the_same_histogram_back(void **state)
{
    auto_jsw struct jsw *w = NULL;
    auto_buf struct buf text = {0};
    struct rollup_hist h = {0};
    struct rollup_hist back = {0};
    uint64_t seed = 4;

    (void)state;
    for (int i = 0; i < SAMPLES; i++)
        assert_ok(rollup_hist_add(&h, next_value(&seed)));
    assert_ok(jsw_new(&w, NULL));
    rollup_hist_write(w, NULL, &h);
    assert_ok(jsw_finish(w, false, &text, NULL));
    assert_ok(read_back(buf_cstr(&text), &back));
    assert_int_equal(back.n, h.n);
    assert_memory_equal(back.counts, h.counts, sizeof(h.counts));
    assert_true(fabs(back.sum - h.sum) <= 1e-12 * h.sum);
}

static void json_that_cannot_be_is_refused(void **state)
{
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"n\":1,\"sum\":1,\"min\":1,\"max\":1,\"counts\":[]}",
        "{\"n\":1,\"sum\":1,\"min\":1,\"max\":1,\"counts\":[[441,1]]}",
        "{\"n\":1,\"sum\":1,\"min\":1,\"max\":1,\"counts\":[[-1,1]]}",
        "{\"n\":2,\"sum\":1,\"min\":1,\"max\":1,\"counts\":[[5,1],[5,1]]}",
        "{\"n\":2,\"sum\":1,\"min\":1,\"max\":1,\"counts\":[[6,1],[5,1]]}",
        "{\"n\":4294967296,\"sum\":1,\"min\":1,\"max\":1,\"counts\":[[5,4294967296]]}",
        "{\"n\":1,\"sum\":1,\"min\":2,\"max\":1,\"counts\":[[5,1]]}",
        "{\"n\":1,\"sum\":-1,\"min\":0,\"max\":1,\"counts\":[[5,1]]}",
        "{\"n\":1,\"sum\":1,\"min\":1,\"max\":1,\"counts\":[5]}",
        "{\"n\":1,\"sum\":1,\"min\":\"1\",\"max\":1,\"counts\":[[5,1]]}",
    };
    struct rollup_hist h = {.n = 99};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_fails(-EINVAL, read_back(bad[i], &h));
    assert_int_equal(h.n, 99);
}

static void a_point_closes_when_its_five_minutes_end(void **state)
{
    const uint64_t start = 1763800200000; /* a multiple of 5 minutes */
    struct rollup r = {0};
    struct rollup_done done;

    (void)state;
    for (uint64_t i = 0; i < 30; i++) {
        assert_ok(rollup_feed(&r, start + i * 10000, (double)(i + 1), &done));
        assert_false(done.has_point || done.has_hour);
    }
    assert_ok(rollup_feed(&r, start + ROLLUP_POINT_MS, 7, &done));
    assert_true(done.has_point);
    assert_int_equal(done.point.start_ms, start);
    assert_int_equal(done.point.n, 30);
    assert_true(done.point.min == 1 && done.point.max == 30 && done.point.avg == 15.5);
    assert_true(fabs(done.point.p95 - 29) <= 29 * error_max);
}

static void an_hour_holds_all_samples_of_its_points(void **state)
{
    const uint64_t hour = 1763798400000; /* a multiple of an hour */
    struct rollup_hist all = {0};
    struct rollup r = {0};
    struct rollup_done done = {0};
    uint64_t seed = 5;
    int points = 0;

    (void)state;
    for (uint64_t i = 0; i < 360; i++) {
        double v = next_value(&seed);

        assert_ok(rollup_feed(&r, hour + i * 10000, v, &done));
        assert_ok(rollup_hist_add(&all, v));
        points += done.has_point;
    }
    rollup_flush(&r, hour + ROLLUP_HOUR_MS, &done);
    assert_int_equal(points + done.has_point, 12);
    assert_true(done.has_hour);
    assert_int_equal(done.hour_start_ms, hour);
    assert_memory_equal(&done.hour, &all, sizeof(all));
    rollup_flush(&r, hour + 2 * (uint64_t)ROLLUP_HOUR_MS, &done);
    assert_false(done.has_point || done.has_hour);
}

static void a_sample_of_a_closed_span_is_stale(void **state)
{
    const uint64_t start = 1763800200000;
    struct rollup r = {0};
    struct rollup_done done;

    (void)state;
    assert_ok(rollup_feed(&r, start + 1000, 1, &done));
    assert_ok(rollup_feed(&r, start, 1, &done)); /* back, but in the same span */
    assert_fails(-ESTALE, rollup_feed(&r, start - 1, 1, &done));
    assert_fails(-EDOM, rollup_feed(&r, start + 2000, -1, &done));
    assert_int_equal(r.point.n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_lies_within_the_bounds_of_its_bucket),
        cmocka_unit_test(buckets_join_without_gap_and_are_an_eighth_of_an_octave_wide),
        cmocka_unit_test(merge_of_histograms_is_the_histogram_of_the_union),
        cmocka_unit_test(quantiles_are_within_the_documented_error_of_the_sample),
        cmocka_unit_test(one_value_is_given_back_exactly),
        cmocka_unit_test(refuses_values_that_cannot_be),
        cmocka_unit_test(full_counts_refuse_to_wrap),
        cmocka_unit_test(json_brings_the_same_histogram_back),
        cmocka_unit_test(json_that_cannot_be_is_refused),
        cmocka_unit_test(a_point_closes_when_its_five_minutes_end),
        cmocka_unit_test(an_hour_holds_all_samples_of_its_points),
        cmocka_unit_test(a_sample_of_a_closed_span_is_stale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

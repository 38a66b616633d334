/* SPDX-License-Identifier: Apache-2.0 */
/* Retention by hand-made points. */
#include "tests/unit.h"

#include "transport/retain.h"

#include "base/banned.h"

enum { N = 100 };

static const uint64_t hour = UINT64_C(3600) * 1000;
static const uint64_t noon = UINT64_C(1700000000000) / 86400000 * 86400000 + UINT64_C(43200000);

/* One point each half hour, the last one at noon. */
static void points(struct replica_point *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (struct replica_point){
            .seq = i + 1, .epoch = 1, .taken_ms = noon - (n - 1 - i) * hour / 2};
}

static size_t kept(const enum retain_why *why, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        kept += why[i] != RETAIN_NO;
    return kept;
}

static void without_a_policy_every_point_stays(void **state)
{
    struct replica_point p[N];
    enum retain_why why[N];
    struct care_policy none = {0};

    (void)state;
    points(p, N);
    retain_points(p, N, &none, noon, why);
    assert_int_equal(kept(why, N), N);
    assert_int_equal(why[N - 1], RETAIN_NEWEST);
    retain_points(p, 0, &none, noon, why);
}

static void each_rule_keeps_the_newest_of_its_periods(void **state)
{
    struct replica_point p[N];
    enum retain_why why[N];

    (void)state;
    points(p, N);
    retain_points(p, N, &(struct care_policy){.last = 3}, noon, why);
    assert_int_equal(kept(why, N), 3);
    assert_int_equal(why[N - 3], RETAIN_LAST);
    retain_points(p, N, &(struct care_policy){.hourly = 3}, noon, why);
    assert_int_equal(kept(why, N), 3); /* noon; 11:30, 10:30 */
    assert_int_equal(why[N - 2], RETAIN_HOURLY);
    assert_int_equal(why[N - 3], RETAIN_NO);
    assert_int_equal(why[N - 4], RETAIN_HOURLY);
    retain_points(p, N, &(struct care_policy){.daily = 7}, noon, why);
    assert_int_equal(kept(why, N), 3); /* 49.5 hours reach over three days */
    assert_int_equal(why[N - 2 - 24], RETAIN_DAILY);
    retain_points(p, N, &(struct care_policy){.within_ms = 2 * hour}, noon, why);
    assert_int_equal(kept(why, N), 5);
    retain_points(p, N, &(struct care_policy){.weekly = 1}, noon, why);
    assert_int_equal(kept(why, N), 1);
}

static void points_of_a_switch_stay(void **state)
{
    struct replica_point p[N];
    enum retain_why why[N];

    (void)state;
    points(p, N);
    for (size_t i = 0; i < N; i++)
        p[i].epoch = 1 + i / 20; /* 1..5 */
    p[10].kind = p[50].kind = p[99].kind = REPLICA_FINAL;
    retain_points(p, N, &(struct care_policy){.last = 1}, noon, why);
    assert_int_equal(why[10], RETAIN_NO); /* of an epoch long past */
    assert_int_equal(why[39], RETAIN_NO);
    assert_int_equal(why[50], RETAIN_SWITCH);
    assert_int_equal(why[59], RETAIN_SWITCH); /* the last of epoch 3 */
    assert_int_equal(why[79], RETAIN_SWITCH);
    assert_int_equal(kept(why, N), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_policy_every_point_stays),
        cmocka_unit_test(each_rule_keeps_the_newest_of_its_periods),
        cmocka_unit_test(points_of_a_switch_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

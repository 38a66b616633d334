/* SPDX-License-Identifier: Apache-2.0 */
/* What a host needs: from histograms, never beyond what it has, and more when more is used. */
#include "inventory/rollup.h"
#include "planner/engine/size.h"
#include "planner/engine/wave_random.h"
#include "tests/unit.h"

#include "base/banned.h"

enum { DAYS = 14, SAMPLES = 288 };

static const uint64_t gib = (uint64_t)1 << 30;

static struct rollup_hist busy_until(double percent)
{
    struct rollup_hist h = {0};

    for (unsigned i = 1; i <= 100; i++)
        assert_ok(rollup_hist_add(&h, percent * i / 100));
    return h;
}

static void a_percentile_and_points_of_what_there_is(void **state)
{
    struct rollup_hist cpu = busy_until(50);
    struct size_use use = {.cpu_percent = &cpu, .days = 1e9, .vcpus = 8, .memory_has_bytes = gib};
    struct size_need need = size_of(&size_policy_default, &use);

    (void)state;
    /* 97% of 50, within the 4.43% of a histogram, and 7. */
    assert_true(need.cpu_percent > 48.5 / 1.05 + 7 && need.cpu_percent < 48.5 * 1.05 + 7);
    assert_true(need.vcpus > 4 && need.vcpus < 5);
    assert_true(need.cpu_measured && !need.memory_measured);
    assert_int_equal(need.memory_bytes, gib);
}

static void few_days_are_trusted_less(void **state)
{
    struct rollup_hist cpu = busy_until(50);
    struct size_use day = {.cpu_percent = &cpu, .days = 1}, week = {.cpu_percent = &cpu, .days = 7};
    struct size_use hour = {.cpu_percent = &cpu, .days = 0.04};
    double one = size_of(&size_policy_default, &day).cpu_percent;

    (void)state;
    assert_true(one > size_of(&size_policy_default, &week).cpu_percent + 4);
    assert_true(size_of(&size_policy_default, &hour).cpu_percent == one);
}

static void what_is_critical_gets_more(void **state)
{
    struct rollup_hist cpu = busy_until(50), memory = {0};
    struct size_use use = {.cpu_percent = &cpu, .memory_bytes = &memory, .days = 14, .vcpus = 4};
    struct size_need usual, critical;

    (void)state;
    assert_ok(rollup_hist_add(&memory, (double)gib));
    usual = size_of(&size_policy_default, &use);
    use.critical = true;
    critical = size_of(&size_policy_default, &use);
    assert_true(critical.cpu_percent > usual.cpu_percent);
    assert_true(critical.memory_bytes > usual.memory_bytes);
}

static void nothing_is_needed_beyond_what_there_is(void **state)
{
    struct rollup_hist cpu = busy_until(100), memory = {0};
    struct size_use use = {.cpu_percent = &cpu,
                           .memory_bytes = &memory,
                           .vcpus = 4,
                           .gpus = 2,
                           .memory_has_bytes = gib};
    struct size_need need;

    (void)state;
    assert_ok(rollup_hist_add(&memory, (double)gib));
    need = size_of(&size_policy_default, &use);
    assert_true(need.vcpus == 4);
    assert_int_equal(need.memory_bytes, gib);
    assert_int_equal(need.gpus, 2);
}

static void what_was_not_measured_is_taken_as_it_is(void **state)
{
    struct rollup_hist empty = {0};
    struct size_use use = {.cpu_percent = &empty, .vcpus = 3, .memory_has_bytes = gib};
    struct size_need need = size_of(&size_policy_default, &use);

    (void)state;
    assert_false(need.cpu_measured);
    assert_true(need.vcpus == 3);
    assert_int_equal(need.memory_bytes, gib);
    assert_int_equal(need.disk_bytes_per_s, 0);
}

/* Raise one sample of a random history: nothing that is needed falls. */
static void using_more_never_needs_less(void **state)
{
    struct wave_random random = {.state = 5};

    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct rollup_hist low = {0}, high = {0};
        struct size_use use = {.days = 1 + wave_random_below(&random, DAYS), .vcpus = 4};
        struct size_need before, after;
        unsigned raised = wave_random_below(&random, SAMPLES);

        use.critical = round % 2;
        for (unsigned i = 0; i < SAMPLES; i++) {
            double v = wave_random_below(&random, 90);

            assert_ok(rollup_hist_add(&low, v));
            assert_ok(rollup_hist_add(&high, i == raised ? v + 10 : v));
        }
        use.cpu_percent = use.memory_bytes = use.disk_bytes_per_s = &low;
        before = size_of(&size_policy_default, &use);
        use.cpu_percent = use.memory_bytes = use.disk_bytes_per_s = &high;
        after = size_of(&size_policy_default, &use);
        assert_true(after.vcpus >= before.vcpus);
        assert_true(after.memory_bytes >= before.memory_bytes);
        assert_true(after.disk_bytes_per_s >= before.disk_bytes_per_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_percentile_and_points_of_what_there_is),
        cmocka_unit_test(few_days_are_trusted_less),
        cmocka_unit_test(what_is_critical_gets_more),
        cmocka_unit_test(nothing_is_needed_beyond_what_there_is),
        cmocka_unit_test(what_was_not_measured_is_taken_as_it_is),
        cmocka_unit_test(using_more_never_needs_less),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

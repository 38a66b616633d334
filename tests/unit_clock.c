/* SPDX-License-Identifier: Apache-2.0 */
/* The system's clock and randomness, and drawing below a bound without favour. */
#include "tests/unit.h"

#include "base/clock.h"

#include <stdbool.h>
#include <time.h>

#include "base/banned.h"

static void wall_clock_is_the_date(void **state)
{
    uint64_t now = clock_wall_ms(&clock_system);
    uint64_t c_library = (uint64_t)time(NULL) * 1000;

    (void)state;
    assert_true(now + 1000 >= c_library && now <= c_library + 2000);
}

static void monotonic_clock_never_goes_back_and_sleep_takes_its_time(void **state)
{
    uint64_t before = clock_mono_ms(&clock_system);
    uint64_t last = before;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_mono_ms(&clock_system);

        assert_true(now >= last);
        last = now;
    }
    clock_sleep_ms(&clock_system, 20);
    assert_true(clock_mono_ms(&clock_system) >= before + 20);
    clock_sleep_ms(&clock_system, 0);
}

static void randomness_fills_every_byte(void **state)
{
    uint8_t seen[1000] = {0};
    uint8_t draw[1000];

    (void)state;
    /* A byte that stays zero in 8 draws has a chance of 2^-64. */
    for (int i = 0; i < 8; i++) {
        rng_fill(&rng_system, draw, sizeof(draw));
        for (size_t j = 0; j < sizeof(draw); j++)
            seen[j] |= draw[j];
    }
    for (size_t j = 0; j < sizeof(seen); j++)
        assert_int_not_equal(0, seen[j]);
    assert_true(rng_u64(&rng_system) != rng_u64(&rng_system));
}

/* Gives out the numbers of a script. */
struct script {
    const uint64_t *next;
    size_t left;
};

static void script_fill(void *arg, void *out, size_t len)
{
    struct script *s = arg;

    assert_int_equal(sizeof(uint64_t), len);
    assert_true(s->left > 0);
    memcpy(out, s->next, len);
    s->next++;
    s->left--;
}

static void below_draws_again_what_would_favour_small_numbers(void **state)
{
    /* 2^64 = 1 mod 3: the topmost value alone is one too many. */
    static const uint64_t numbers[] = {UINT64_MAX, UINT64_MAX - 1, 7};
    struct script s = {numbers, ARRAY_LEN(numbers)};
    const struct rng rng = {script_fill, &s};

    (void)state;
    assert_int_equal((UINT64_MAX - 1) % 3, rng_below(&rng, 3));
    assert_int_equal(1, s.left);
    assert_int_equal(1, rng_below(&rng, 3));
    assert_int_equal(0, s.left);
}

static void below_takes_all_values_when_the_bound_divides(void **state)
{
    static const uint64_t numbers[] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    struct script s = {numbers, ARRAY_LEN(numbers)};
    const struct rng rng = {script_fill, &s};

    (void)state;
    assert_int_equal(0, rng_below(&rng, 1));
    assert_int_equal(255, rng_below(&rng, 256));
    assert_true(rng_below(&rng, UINT64_C(1) << 63) == UINT64_MAX >> 1);
}

static void below_reaches_every_value(void **state)
{
    bool seen[6] = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        seen[rng_below(&rng_system, 6)] = true;
    for (size_t i = 0; i < 6; i++)
        assert_true(seen[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wall_clock_is_the_date),
        cmocka_unit_test(monotonic_clock_never_goes_back_and_sleep_takes_its_time),
        cmocka_unit_test(randomness_fills_every_byte),
        cmocka_unit_test(below_draws_again_what_would_favour_small_numbers),
        cmocka_unit_test(below_takes_all_values_when_the_bound_divides),
        cmocka_unit_test(below_reaches_every_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which volume catches up, how long a copy takes, how much buffer measured overruns ask for. */
#include "planner/engine/wave_link.h"
#include "tests/unit.h"

#include "base/banned.h"

static void half_of_the_share_is_where_catching_up_ends(void **state)
{
    (void)state;
    assert_true(wave_link_converges(50, 100));
    assert_false(wave_link_converges(51, 100));
    assert_true(wave_link_converges(51, wave_link_needed(51)));
    assert_true(wave_link_needed(UINT64_MAX) == UINT64_MAX);
}

static void what_is_written_meanwhile_travels_too(void **state)
{
    (void)state;
    assert_int_equal(wave_link_sync_ms(1000, 0, 100), 10000);
    assert_int_equal(wave_link_sync_ms(1000, 50, 100), 20000);
    assert_int_equal(wave_link_sync_ms(0, 200, 100), 0);
    assert_true(wave_link_sync_ms(1, 100, 100) == UINT64_MAX);
    assert_true(wave_link_sync_ms(UINT64_MAX, 0, 1) == UINT64_MAX);
}

static void a_buffer_follows_what_was_measured(void **state)
{
    struct wave_slip none = {0}, even = {0}, late = {0}, wild = {0};

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        wave_slip_add(&even, 1000, 1000);
        wave_slip_add(&late, 1000, 1500);
        wave_slip_add(&wild, 1000, i % 2 ? 1000 : 2000);
    }
    wave_slip_add(&even, 0, 5); /* says nothing */
    assert_int_equal(wave_slip_buffer_ms(&none, 1000, 10), 100);
    assert_int_equal(wave_slip_buffer_ms(&even, 1000, 10), 0);
    assert_int_equal(wave_slip_buffer_ms(&late, 1000, 10), 500);
    assert_true(wave_slip_buffer_ms(&wild, 1000, 10) > 1300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_of_the_share_is_where_catching_up_ends),
        cmocka_unit_test(what_is_written_meanwhile_travels_too),
        cmocka_unit_test(a_buffer_follows_what_was_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

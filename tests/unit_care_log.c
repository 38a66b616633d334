/* SPDX-License-Identifier: Apache-2.0 */
/* The care log where time passes between a record's making and its being there. */
#include "tests/unit.h"

#include "transport/care_log.h"
#include "transport/vault.h"

#include "base/banned.h"

enum { HOURS_MS = 3 * 3600 * 1000 };

/* Runs ahead of the system's from look number sleep_at on. */
struct sleeper {
    struct clock clock;
    unsigned looks, sleep_at; /* 0 = never */
};

static uint64_t ahead(struct sleeper *s)
{
    return ++s->looks >= s->sleep_at && s->sleep_at > 0 ? HOURS_MS : 0;
}

static uint64_t wall(void *arg)
{
    return clock_wall_ms(&clock_system) + ahead(arg);
}

/* The kernel's monotonic clock stands still while a machine sleeps. */
static uint64_t mono(void *arg)
{
    (void)ahead(arg);
    return clock_mono_ms(&clock_system);
}

static void nap(void *arg, uint64_t ms)
{
    (void)arg;
    clock_sleep_ms(&clock_system, ms);
}

/* Is the pack kept after a condemnation with so many looks at the clock before the sleep? */
static bool condemn(const char *url, unsigned sleep_at, unsigned *ret_looks)
{
    static const uint8_t key[32] = {1};
    struct sleeper s = {.clock = {wall, mono, nap, &s}};
    const struct vault_conf conf = {
        .store = {.url = url, .clock = &s.clock}, .key = key, .create = true};
    uint8_t packs[1][PACK_NAME_LEN] = {{7}};
    auto_care_log struct care_log *log = NULL;
    auto_vault struct vault *vault = NULL;

    assert_ok(vault_open(&conf, &vault, NULL));
    assert_ok(care_log_open(vault, 0, &log, NULL));
    assert_ok(care_log_read(log, NULL));
    s.looks = 0;
    s.sleep_at = sleep_at;
    assert_ok(care_log_condemn(log, packs, 1, NULL));
    assert_int_equal(1, log->lists_n);
    *ret_looks = s.looks;
    return log->lists[0].kept[0];
}

/* The grace counts from the record's time, and would be over when others see it. */
static void a_condemnation_that_came_late_is_taken_back(void **state)
{
    unsigned looks, all;
    char url[64];

    (void)state;
    assert_false(condemn("mem:in-time", 0, &all));
    assert_in_range(all, 4, 1000);
    /* Before the first look the record's own time is late, too, and right. */
    assert_false(condemn("mem:before", 1, &looks));
    for (unsigned at = 4; at <= all - 1; at++) {
        snprintf(url, sizeof(url), "mem:late-%u", at);
        assert_true(condemn(url, at, &looks));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_condemnation_that_came_late_is_taken_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

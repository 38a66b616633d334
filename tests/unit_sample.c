/* SPDX-License-Identifier: Apache-2.0 */
/* Rates from counters that move, wrap, begin anew, come and go, under a clock that jumps. */
#include "tests/unit.h"

#include "tests/fixture.h"

#include "inventory/probe.h"
#include "inventory/sample.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#include <math.h>

#include "base/banned.h"

struct host {
    char *dir;
    struct probe *p;
    struct sample_set *set;
    struct fixture_time time;
    struct clock clock;
    struct sample s;
};

static void put_cpu(struct host *h, const char *line)
{
    char text[256];

    assert_ok(text_print(text, sizeof(text), "%s\ncpu0 1 2 3 4\nbtime 1\n", line));
    fixture_text(h->dir, "proc/stat", text);
}

static int setup(void **state)
{
    struct host *h = calloc(1, sizeof(*h));

    h->dir = unit_mkdir_memory();
    h->time = (struct fixture_time){.wall_ms = 1763800000000, .mono_ms = 5000};
    h->clock = fixture_clock(&h->time);
    put_cpu(h, "cpu  1000 0 1000 8000 0 0 0 0 0 0");
    fixture_text(h->dir, "proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 400 kB\n");
    fixture_text(h->dir, "proc/diskstats", "8 0 sda 100 0 2000 300 200 0 4000 500 0 900 800\n");
    fixture_text(h->dir, "proc/net/dev", "Inter-|\n face |\n  eth0: 5000 1 0 0 0 0 0 0 7000 1\n");
    fixture_text(h->dir, "sys/block/sda/size", "1\n");
    fixture_text(h->dir, "sys/block/sdb/size", "1\n");
    fixture_text(h->dir, "sys/block/cciss!c0d0/size", "1\n");
    fixture_text(h->dir, "sys/block/loop0/size", "1\n");
    assert_ok(probe_fixture_new(h->dir, &h->p, NULL));
    *state = h;
    return sample_new(&h->set, NULL);
}

static int teardown(void **state)
{
    struct host *h = *state;

    sample_free(h->set);
    probe_free(h->p);
    unit_rmdir(h->dir);
    free(h);
    return 0;
}

static void take(struct host *h)
{
    assert_ok(sample_take(h->set, h->p, &h->clock, &h->s, NULL));
    h->time.mono_ms += 10000;
    h->time.wall_ms += 10000;
}

static void assert_near(double got, double want)
{
    if (fabs(got - want) > 1e-9 * (1 + fabs(want)))
        fail_msg("%.17g, should be %.17g", got, want);
}

static void first_sample_has_memory_but_no_rates(void **state)
{
    struct host *h = *state;

    take(h);
    assert_int_equal(h->s.interval_ms, 0);
    assert_false(h->s.has_cpu);
    assert_int_equal(h->s.n_disks + h->s.n_nics, 0);
    assert_true(h->s.has_memory);
    assert_int_equal(h->s.memory_available_bytes, 400 * 1024);
    assert_int_equal(h->s.memory_used_bytes, 600 * 1024);
}

static void second_sample_has_the_rates_between(void **state)
{
    struct host *h = *state;

    take(h);
    put_cpu(h, "cpu  1200 0 1100 8500 100 0 0 100 0 0");
    fixture_text(h->dir, "proc/diskstats", "8 0 sda 200 0 4000 800 500 0 14000 1700 3 900 5800\n");
    fixture_text(h->dir, "proc/net/dev", "Inter-|\n face |\n  eth0:25000 1 0 0 0 0 0 0 107000 1\n");
    take(h);
    assert_int_equal(h->s.interval_ms, 10000);
    assert_near(h->s.cpu_busy_percent, 30);
    assert_near(h->s.cpu_iowait_percent, 10);
    assert_near(h->s.cpu_steal_percent, 10);
    assert_int_equal(h->s.n_disks, 1);
    assert_string_equal(h->s.disks[0].name, "sda");
    assert_near(h->s.disks[0].read_bytes_per_s, 2000 * 512 / 10.0);
    assert_near(h->s.disks[0].write_bytes_per_s, 10000 * 512 / 10.0);
    assert_near(h->s.disks[0].reads_per_s, 10);
    assert_near(h->s.disks[0].writes_per_s, 30);
    assert_near(h->s.disks[0].latency_ms, (500.0 + 1200.0) / 400.0);
    assert_near(h->s.disks[0].queue, 0.5);
    assert_int_equal(h->s.n_nics, 1);
    assert_near(h->s.nics[0].rx_bytes_per_s, 2000);
    assert_near(h->s.nics[0].tx_bytes_per_s, 10000);
}

static void counters_of_32_bits_go_on_after_a_wrap(void **state)
{
    struct host *h = *state;

    fixture_text(h->dir, "proc/diskstats",
                 "8 0 sda 4294967290 0 4294967196 4294967286 200 0 4000 500 0 900 4294966296\n");
    fixture_text(h->dir, "proc/net/dev", "a\nb\n eth0: 4294966296 1 0 0 0 0 0 0 7000 1\n");
    take(h);
    fixture_text(h->dir, "proc/diskstats", "8 0 sda 4 0 100 10 200 0 4000 500 0 900 1000\n");
    fixture_text(h->dir, "proc/net/dev", "a\nb\n eth0: 1000 1 0 0 0 0 0 0 7000 1\n");
    take(h);
    assert_int_equal(h->s.n_disks, 1);
    assert_near(h->s.disks[0].reads_per_s, 1);
    assert_near(h->s.disks[0].read_bytes_per_s, 200 * 512 / 10.0);
    assert_near(h->s.disks[0].latency_ms, 2);
    assert_near(h->s.disks[0].queue, 0.2);
    assert_near(h->s.nics[0].rx_bytes_per_s, 200);
}

static void counters_that_begin_anew_give_no_rate_once(void **state)
{
    struct host *h = *state;

    fixture_text(h->dir, "proc/diskstats",
                 "8 0 sda 99999999999 0 99999999999 300 200 0 4000 500 0 900 800\n");
    fixture_text(h->dir, "proc/net/dev", "a\nb\n eth0: 900000 1 0 0 0 0 0 0 7000 1\n");
    take(h);
    fixture_text(h->dir, "proc/diskstats", "8 0 sda 10 0 100 10 200 0 4000 500 0 900 1000\n");
    fixture_text(h->dir, "proc/net/dev", "a\nb\n eth0: 100 1 0 0 0 0 0 0 7000 1\n");
    take(h);
    assert_int_equal(h->s.n_disks, 0);
    assert_int_equal(h->s.n_nics, 0);
    assert_true(h->s.has_memory);
    fixture_text(h->dir, "proc/diskstats", "8 0 sda 20 0 200 20 200 0 4000 500 0 900 1000\n");
    take(h);
    assert_int_equal(h->s.n_disks, 1);
    assert_near(h->s.disks[0].reads_per_s, 1);
}

static void a_counter_past_32_bits_cannot_have_wrapped_there(void **state)
{
    struct host *h = *state;

    fixture_text(h->dir, "proc/net/dev", "a\nb\n eth0: 8589934592 1 0 0 0 0 0 0 7000 1\n");
    take(h);
    /* Five above 2^32 is five above 2^33 to who looks at 32 bits only. */
    fixture_text(h->dir, "proc/net/dev", "a\nb\n eth0: 4294967301 1 0 0 0 0 0 0 7000 1\n");
    take(h);
    assert_int_equal(h->s.n_nics, 0);
}

static void devices_come_and_go(void **state)
{
    struct host *h = *state;

    take(h);
    fixture_text(h->dir, "proc/diskstats",
                 "8 0 sda 110 0 2000 300 200 0 4000 500 0 900 800\n"
                 "8 16 sdb 5 0 10 1 1 0 8 1 0 2 2\n");
    take(h);
    assert_int_equal(h->s.n_disks, 1); /* sdb has nothing to compare with yet */
    fixture_text(h->dir, "proc/diskstats", "8 16 sdb 15 0 10 1 1 0 8 1 0 2 2\n");
    take(h);
    assert_int_equal(h->s.n_disks, 1);
    assert_string_equal(h->s.disks[0].name, "sdb");
    assert_near(h->s.disks[0].reads_per_s, 1);
}

static void a_name_given_to_another_device_is_another_device(void **state)
{
    struct host *h = *state;

    take(h);
    fixture_text(h->dir, "proc/diskstats", "8 16 sda 500 0 9000 900 900 0 9000 900 0 900 900\n");
    take(h);
    assert_int_equal(h->s.n_disks, 0);
}

static void partitions_and_loops_are_not_sampled(void **state)
{
    static const char text[] = "8 0 sda 110 0 2000 300 200 0 4000 500 0 900 800\n"
                               "8 1 sda1 110 0 2000 300 200 0 4000 500 0 900 800\n"
                               "7 0 loop0 110 0 2000 300 200 0 4000 500 0 900 800\n"
                               "8 16 sdb 0 0 0 0 0 0 0 0 0 0 0\n"
                               "104 0 cciss/c0d0 1 0 2 3 4 0 5 6 0 7 8\n";
    struct host *h = *state;

    fixture_text(h->dir, "proc/diskstats", text);
    take(h);
    take(h);
    assert_int_equal(h->s.n_disks, 2);
    assert_string_equal(h->s.disks[0].name, "sda");
    assert_string_equal(h->s.disks[1].name, "cciss/c0d0");
    assert_near(h->s.disks[0].latency_ms, 0); /* idle: no division by nothing */
}

static void ends_of_containers_and_loopback_are_not_sampled(void **state)
{
    struct host *h = *state;

    fixture_text(h->dir, "proc/net/dev",
                 "Inter-|\n face |\n    lo: 1 1 0 0 0 0 0 0 1 1\nveth1: 1 1 0 0 0 0 0 0 1 1\n"
                 " bond0: 1 1 0 0 0 0 0 0 1 1\n");
    take(h);
    take(h);
    assert_int_equal(h->s.n_nics, 1);
    assert_string_equal(h->s.nics[0].name, "bond0");
}

static void a_wall_clock_that_jumps_does_not_change_rates(void **state)
{
    struct host *h = *state;

    take(h);
    h->time.wall_ms -= 7200000;
    fixture_text(h->dir, "proc/diskstats", "8 0 sda 200 0 2000 300 200 0 4000 500 0 900 800\n");
    take(h);
    assert_int_equal(h->s.interval_ms, 10000);
    assert_near(h->s.disks[0].reads_per_s, 10);
}

static void a_look_that_comes_too_soon_changes_nothing(void **state)
{
    struct host *h = *state;
    struct sample before;

    take(h);
    h->time.mono_ms -= 9700; /* 300 ms after it */
    before = h->s;
    assert_fails(-EAGAIN, sample_take(h->set, h->p, &h->clock, &h->s, NULL));
    assert_memory_equal(&before, &h->s, sizeof(before));
    h->time.mono_ms += 9700;
    take(h);
    assert_int_equal(h->s.interval_ms, 10000);
}

static void idle_time_that_falls_counts_as_none(void **state)
{
    struct host *h = *state;

    take(h);
    put_cpu(h, "cpu  1100 0 1000 7990 0 0 0 0 0 0");
    take(h);
    assert_true(h->s.has_cpu);
    assert_near(h->s.cpu_busy_percent, 100);
}

static void what_cannot_be_read_is_left_out(void **state)
{
    struct host *h = *state;

    fixture_text(h->dir, "proc/stat", "garbage\n");
    fixture_text(h->dir, "proc/diskstats", "8 0 sda -1 x\n\n8 0\n8 0 sda 1 2 3\n");
    fixture_remove(h->dir, "proc/meminfo");
    take(h);
    take(h);
    assert_false(h->s.has_cpu);
    assert_false(h->s.has_memory);
    assert_int_equal(h->s.n_disks, 0);
    assert_int_equal(h->s.n_nics, 1);
}

static void nothing_readable_is_a_failure(void **state)
{
    struct host *h = *state;
    struct err err = {0};

    fixture_remove(h->dir, "proc");
    assert_fails(-ENOENT, sample_take(h->set, h->p, &h->clock, &h->s, &err));
    assert_non_null(strstr(err.text, "/proc/"));
}

static void more_disks_than_fit_are_cut(void **state)
{
    struct host *h = *state;
    auto_buf struct buf b = {0};
    char path[64];

    for (unsigned i = 0; i < 1000; i++) {
        assert_ok(buf_printf(&b, "8 %u sd%u 1 0 2 3 4 0 5 6 0 7 8\n", i, i));
        assert_ok(text_print(path, sizeof(path), "sys/block/sd%u/size", i));
        fixture_text(h->dir, path, "1\n");
    }
    fixture_put(h->dir, "proc/diskstats", buf_slice(&b));
    take(h);
    take(h);
    assert_int_equal(h->s.n_disks, SAMPLE_DISKS_MAX);
}

static void this_machine_can_be_sampled(void **state)
{
    auto_probe struct probe *p = NULL;
    struct host *h = *state;

    assert_ok(probe_local_new(&p, NULL));
    assert_ok(sample_take(h->set, p, &h->clock, &h->s, NULL));
    assert_true(h->s.has_memory);
    assert_true(h->s.memory_available_bytes > 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_sample_has_memory_but_no_rates),
        TEST(second_sample_has_the_rates_between),
        TEST(counters_of_32_bits_go_on_after_a_wrap),
        TEST(counters_that_begin_anew_give_no_rate_once),
        TEST(a_counter_past_32_bits_cannot_have_wrapped_there),
        TEST(devices_come_and_go),
        TEST(a_name_given_to_another_device_is_another_device),
        TEST(partitions_and_loops_are_not_sampled),
        TEST(ends_of_containers_and_loopback_are_not_sampled),
        TEST(a_wall_clock_that_jumps_does_not_change_rates),
        TEST(a_look_that_comes_too_soon_changes_nothing),
        TEST(idle_time_that_falls_counts_as_none),
        TEST(what_cannot_be_read_is_left_out),
        TEST(nothing_readable_is_a_failure),
        TEST(more_disks_than_fit_are_cut),
        TEST(this_machine_can_be_sampled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

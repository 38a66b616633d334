/* SPDX-License-Identifier: Apache-2.0 */
/* godwit.utilisation/1: what is written comes back, and what could not have been written does not.
 */
#include "tests/unit.h"

#include "inventory/utilisation.h"

#include "base/buf.h"
#include "base/js.h"
#include "base/text.h"

#include <math.h>

#include "base/banned.h"

enum { N = 6 };

static const uint64_t start_ms = 1763800000000;

static struct sample *make_samples(void)
{
    struct sample *s = calloc(N, sizeof(*s));

    for (size_t i = 0; i < N; i++) {
        s[i].wall_ms = start_ms + i * 10000;
        s[i].has_memory = true;
        s[i].memory_used_bytes = (uint64_t)5 << 40;
        s[i].memory_available_bytes = 1 << 20;
        s[i].has_cpu = i > 0;
        s[i].cpu_busy_percent = 12.3456789;
        s[i].n_disks = i > 0;
        s[i].disks[0] = (struct sample_disk){
            .name = "sda", .write_bytes_per_s = 1e9 + 0.0004, .latency_ms = 1.0 / 3};
        s[i].n_nics = i > 2;
        s[i].nics[0] = (struct sample_nic){.name = "eth0", .rx_bytes_per_s = (double)i};
    }
    return s;
}

static const struct utilisation_series *find(const struct utilisation *u, const char *metric,
                                             const char *subject)
{
    for (size_t i = 0; i < u->n_series; i++) {
        if (text_equal(u->series[i].metric, metric) && text_equal(u->series[i].subject, subject))
            return &u->series[i];
    }
    fail_msg("no series %s of '%s'", metric, subject);
    return NULL;
}

static void what_is_written_is_read_back(void **state)
{
    auto_free struct sample *s = make_samples();
    auto_utilisation struct utilisation *u = NULL;
    auto_buf struct buf text = {0};

    (void)state;
    assert_ok(utilisation_write(s, N, start_ms + 60000, &text, NULL));
    assert_ok(utilisation_parse(buf_slice(&text), &u, NULL));
    assert_int_equal(u->n_times, N);
    assert_int_equal(u->times_ms[5], start_ms + 50000);
    assert_int_equal(u->n_series, 5 + 6 + 2);
    assert_true(isnan(find(u, "cpu_busy_percent", "")->values[0]));
    assert_true(find(u, "cpu_busy_percent", "")->values[1] == 12.346);
    assert_true(find(u, "memory_used_bytes", "")->values[0] == ldexp(5, 40));
    assert_true(find(u, "disk_write_bytes_per_s", "sda")->values[3] == 1e9);
    assert_true(find(u, "disk_latency_ms", "sda")->values[3] == 0.333);
    assert_true(isnan(find(u, "net_rx_bytes_per_s", "eth0")->values[2]));
    assert_true(find(u, "net_rx_bytes_per_s", "eth0")->values[4] == 4);
}

static void a_report_within_another_document_is_read_too(void **state)
{
    auto_free struct sample *s = make_samples();
    auto_utilisation struct utilisation *u = NULL;
    struct js *doc = NULL;

    (void)state;
    assert_ok(utilisation_write_js(s, N, start_ms, &doc, NULL));
    assert_ok(utilisation_read(doc, &u, NULL));
    js_free(doc);
    assert_true(find(u, "net_rx_bytes_per_s", "eth0")->values[4] == 4);
}

static void a_clock_set_back_leaves_out_what_was_before(void **state)
{
    auto_free struct sample *s = make_samples();
    auto_utilisation struct utilisation *u = NULL;
    auto_buf struct buf text = {0};

    (void)state;
    s[0].wall_ms += 7200000;
    s[1].wall_ms += 7200000;
    assert_ok(utilisation_write(s, N, start_ms, &text, NULL));
    assert_ok(utilisation_parse(buf_slice(&text), &u, NULL));
    assert_int_equal(u->n_times, N - 2);
    assert_int_equal(u->times_ms[0], start_ms + 20000);
}

static void a_report_needs_samples_but_not_too_many(void **state)
{
    auto_free struct sample *s = make_samples();
    auto_buf struct buf text = {0};

    (void)state;
    assert_fails(-EINVAL, utilisation_write(s, 0, 1, &text, NULL));
    assert_fails(-EINVAL, utilisation_write(s, UTILISATION_SAMPLES_MAX + 1, 1, &text, NULL));
}

/* The largest report that can be made must be one that can be read. */
static void the_fullest_report_stays_within_its_bounds(void **state)
{
    auto_free struct sample *s = calloc(UTILISATION_SAMPLES_MAX, sizeof(*s));
    auto_utilisation struct utilisation *u = NULL;
    auto_buf struct buf text = {0};

    (void)state;
    for (size_t i = 0; i < UTILISATION_SAMPLES_MAX; i++) {
        s[i] = (struct sample){.wall_ms = start_ms + i, .has_cpu = true, .has_memory = true};
        s[i].n_disks = SAMPLE_DISKS_MAX;
        s[i].n_nics = SAMPLE_NICS_MAX;
        for (unsigned k = 0; k < SAMPLE_DISKS_MAX; k++) {
            double v = 123456789.123;

            assert_ok(text_print(s[i].disks[k].name, SAMPLE_NAME_MAX, "nvme%un1p2345", k));
            s[i].disks[k].read_bytes_per_s = s[i].disks[k].write_bytes_per_s = v;
            s[i].disks[k].reads_per_s = s[i].disks[k].writes_per_s = 12345.678;
            s[i].disks[k].latency_ms = s[i].disks[k].queue = 123.456;
        }
        for (unsigned k = 0; k < SAMPLE_NICS_MAX; k++)
            assert_ok(text_print(s[i].nics[k].name, SAMPLE_NAME_MAX, "enp%us0f1", k));
    }
    assert_ok(utilisation_write(s, UTILISATION_SAMPLES_MAX, start_ms, &text, NULL));
    assert_ok(utilisation_parse(buf_slice(&text), &u, NULL));
    assert_int_equal(u->n_series, 5 + 6 * SAMPLE_DISKS_MAX + 2 * SAMPLE_NICS_MAX);
}

#define DOC(times, series)                                                                         \
    "{\"schema\":\"godwit.utilisation/1\",\"generated_at\":\"2026-11-22T08:00:00Z\","              \
    "\"times_ms\":" times ",\"series\":" series "}"
#define SERIES(metric, subject, values)                                                            \
    "[{\"metric\":\"" metric "\",\"subject\":" subject ",\"values\":" values "}]"

static void what_no_agent_writes_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "null",
        "{\"schema\":\"godwit.utilisation/2\",\"times_ms\":[1],\"series\":[]}",
        DOC("[]", "[]"),
        DOC("[1,1]", "[]"),
        DOC("[2,1]", "[]"),
        DOC("[-1]", "[]"),
        DOC("[1.5]", "[]"),
        DOC("[9223372036854775807]", "[]"),
        DOC("[1]", "{}"),
        DOC("[1]", "[1]"),
        DOC("[1]", SERIES("cpu_busy", "null", "[1]")),
        DOC("[1]", SERIES("cpu_busy_percent", "\"sda\"", "[1]")),
        DOC("[1]", SERIES("cpu_busy_percent", "null", "[]")),
        DOC("[1]", SERIES("cpu_busy_percent", "null", "[1,2]")),
        DOC("[1]", SERIES("cpu_busy_percent", "null", "[100.1]")),
        DOC("[1]", SERIES("cpu_busy_percent", "null", "[-0.1]")),
        DOC("[1]", SERIES("cpu_busy_percent", "null", "[\"1\"]")),
        DOC("[1]", SERIES("disk_queue", "null", "[1]")),
        DOC("[1]", SERIES("disk_queue", "\"\"", "[1]")),
        DOC("[1]", SERIES("disk_queue", "\"sd a\"", "[1]")),
        DOC("[1]", SERIES("disk_queue", "\"sd\\u001ba\"", "[1]")),
        DOC("[1]", SERIES("disk_queue", "\"'; drop table\"", "[1]")),
        DOC("[1]", SERIES("disk_queue", "\"sdaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "[1]")),
        DOC("[1]", SERIES("disk_queue", "\"sda\"", "[1e18]")),
        DOC("[1]", "[{\"metric\":\"disk_queue\",\"subject\":\"a\",\"values\":[1]},"
                   "{\"metric\":\"disk_queue\",\"subject\":\"a\",\"values\":[1]}]"),
    };
    struct utilisation *u = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};

        if (utilisation_parse(slice_str(bad[i]), &u, &err) != -EINVAL || !err.text[0])
            fail_msg("taken, or refused without a reason: %s", bad[i]);
    }
    assert_null(u);
}

static void the_smallest_report_is_taken(void **state)
{
    auto_utilisation struct utilisation *u = NULL;

    (void)state;
    assert_ok(utilisation_parse(
        slice_str(DOC("[1]", SERIES("disk_queue", "\"cciss/c0d0\"", "[null]"))), &u, NULL));
    assert_true(isnan(u->series[0].values[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_report_within_another_document_is_read_too),
        cmocka_unit_test(a_clock_set_back_leaves_out_what_was_before),
        cmocka_unit_test(a_report_needs_samples_but_not_too_many),
        cmocka_unit_test(the_fullest_report_stays_within_its_bounds),
        cmocka_unit_test(what_no_agent_writes_is_refused),
        cmocka_unit_test(the_smallest_report_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

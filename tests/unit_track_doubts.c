/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of a tracker, and what is not believed of it. */
#include "tests/unit.h"

#include "base/fd.h"
#include "transport/track_doubts.h"

#include "base/banned.h"

static char *dir;

static int setup(void **state)
{
    (void)state;
    dir = unit_mkdir();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unit_rmdir(dir);
    return 0;
}

static uint64_t doubts_of(const char *kind)
{
    uint64_t n = 99;

    assert_ok(track_doubts_get(dir, kind, &n, NULL));
    return n;
}

static void write_file(const char *body)
{
    char path[PATH_MAX];

    assert_ok(fd_save(unit_path(dir, "tracker-doubts-ebpf", path), slice_str(body), 0600, NULL));
}

static void each_kind_is_counted_by_itself(void **state)
{
    (void)state;
    assert_int_equal(0, doubts_of("ebpf"));
    assert_ok(track_doubts_add(dir, "ebpf", NULL));
    assert_ok(track_doubts_add(dir, "ebpf", NULL));
    assert_ok(track_doubts_add(dir, "tracefs", NULL));
    assert_int_equal(2, doubts_of("ebpf"));
    assert_int_equal(1, doubts_of("tracefs"));
    assert_int_equal(0, doubts_of("nbd"));
}

static void another_start_of_the_machine_counts_anew(void **state)
{
    (void)state;
    write_file("01234567-89ab-cdef-0123-456789abcdef 7\n");
    assert_int_equal(0, doubts_of("ebpf"));
    assert_ok(track_doubts_add(dir, "ebpf", NULL));
    assert_int_equal(1, doubts_of("ebpf"));
}

static void what_is_damaged_counts_nothing(void **state)
{
    static const char *const bodies[] = {"", "\n", " ", "7", "a b c", "\xff\xfe"};
    char body[4096] = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        write_file(bodies[i]);
        assert_int_equal(0, doubts_of("ebpf"));
    }
    memset(body, 'a', sizeof(body) - 1);
    write_file(body);
    assert_int_equal(0, doubts_of("ebpf"));
    assert_ok(track_doubts_add(dir, "ebpf", NULL));
    assert_int_equal(1, doubts_of("ebpf"));
}

static void a_directory_that_is_gone_is_told(void **state)
{
    (void)state;
    assert_true(track_doubts_add("/nonexistent/state", "ebpf", NULL) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_kind_is_counted_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(another_start_of_the_machine_counts_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_damaged_counts_nothing, setup, teardown),
        cmocka_unit_test(a_directory_that_is_gone_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

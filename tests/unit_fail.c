/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failpoints. Their rules are read before main, so each test runs this program again with rules in
 * its environment and the names to pass as arguments; it prints what each pass returned.
 */
#include "tests/unit.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/text.h"
#include "base/worker.h"

#include <signal.h>

#include "base/banned.h"

/* "NAME" or "NAME@OFFSET+LEN". */
static int pass(char *arg)
{
    char *range = strchr(arg, '@');
    uint64_t offset = 0;
    uint64_t len = 0;

    if (!range)
        return fail_point(arg, 0, UINT64_MAX);
    *range++ = '\0';
    offset = strtoull(range, &range, 10);
    len = strtoull(range + 1, NULL, 10);
    return fail_point(arg, offset, len);
}

static int pass_points(int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        printf("%d ", pass(argv[i]));
    printf("end");
    return 0;
}

/* Pass names with the rules; out and status as of the child. */
static void run(const char *rules, const char *count_file, const char *const *names,
                struct buf *out, int *status)
{
    const char *argv[16] = {"/proc/self/exe", "--pass"};
    char rules_env[1024];
    char count_env[PATH_MAX + 32];
    const char *const env[] = {rules_env, count_env, NULL};

    for (size_t i = 0; names[i]; i++)
        argv[i + 2] = names[i];
    snprintf(rules_env, sizeof(rules_env), "GODWIT_FAILPOINT=%s", rules);
    snprintf(count_env, sizeof(count_env), "GODWIT_FAILPOINT_COUNT=%s", count_file);
    buf_clear(out);
    assert_ok(proc_run(&(struct proc_run){.argv = argv, .env = env}, out, status, NULL));
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_run(const char *want, const char *rules, const char *const *names)
{
    auto_buf struct buf out = {0};
    int status = -1;

    run(rules, "", names, &out, &status);
    assert_int_equal(0, status);
    assert_string_equal(want, buf_cstr(&out));
}

static void a_rule_may_be_about_some_bytes(void **state)
{
    (void)state;
    assert_run("0 -5 -5 0 end", "a@4096+512:*=err:EIO",
               NAMES("a@0+4096", "a@4000+97", "a@4607+1", "a@4608+9000"));
    assert_run("0 0 -5 0 end", "a@10+1:2=err:EIO", NAMES("a@10+1", "a@11+5", "a@0+99", "a@10+1"));
    assert_run("-5 end", "a@10+1=err:EIO", NAMES("a"));
}

static void without_rules_nothing_happens(void **state)
{
    (void)state;
    assert_run("0 0 end", "", NAMES("a", "b"));
}

static void an_error_comes_on_its_pass_and_no_other(void **state)
{
    (void)state;
    assert_run("-5 0 0 end", "a=err:EIO", NAMES("a", "a", "a"));
    assert_run("0 0 -28 0 end", "a:2=err:ENOSPC", NAMES("a", "b", "a", "a"));
    assert_run("-5 0 -5 end", "a:*=err:EIO", NAMES("a", "b", "a"));
}

static void rules_stand_side_by_side(void **state)
{
    (void)state;
    assert_run("-5 -12 -28 end", "a=err:EIO;b=err:ENOMEM;a:2=err:ENOSPC", NAMES("a", "b", "a"));
    assert_run("-5 end", "a=delay:1;a=err:EIO", NAMES("a"));
    assert_run("-5 end", "a=err:EIO;;", NAMES("a"));
}

static void kill_stops_the_program_on_the_spot(void **state)
{
    auto_buf struct buf out = {0};
    int status = -1;

    (void)state;
    run("a:2=kill", "", NAMES("a", "b", "a", "b"), &out, &status);
    assert_int_equal(128 + SIGKILL, status);
    assert_string_equal("", buf_cstr(&out)); /* not even its buffered output */
}

static void delay_takes_its_time(void **state)
{
    uint64_t before = clock_mono_ms(&clock_system);

    (void)state;
    assert_run("0 end", "a=delay:60", NAMES("a"));
    assert_true(clock_mono_ms(&clock_system) - before >= 60);
}

static void assert_counted(const char *want, const char *dir, const char *rules)
{
    auto_buf struct buf out = {0};
    auto_buf struct buf counted = {0};
    char path[PATH_MAX];
    int status;

    assert_ok(fd_unlink(unit_path(dir, "count", path), NULL));
    run(rules, path, NAMES("a", "b", "a"), &out, &status);
    assert_int_equal(0, status);
    assert_ok(fd_load(path, 4096, &counted, NULL));
    assert_string_equal(want, buf_cstr(&counted));
}

static void every_pass_is_counted_or_only_those_asked_for(void **state)
{
    char *dir = unit_mkdir();

    (void)state;
    assert_counted("a\nb\na\n", dir, "");
    assert_counted("a\nb\na\n", dir, "b=err:EIO");
    assert_counted("b\n", dir, "b=count");
    assert_counted("a\na\n", dir, "a=count;b=delay:1");
    unit_rmdir(dir);
}

static void a_count_file_is_appended_to(void **state)
{
    auto_buf struct buf out = {0};
    auto_buf struct buf counted = {0};
    char *dir = unit_mkdir();
    char path[PATH_MAX];
    int status;

    (void)state;
    unit_path(dir, "count", path);
    run("", path, NAMES("a"), &out, &status);
    run("", path, NAMES("b"), &out, &status);
    assert_ok(fd_load(path, 4096, &counted, NULL));
    assert_string_equal("a\nb\n", buf_cstr(&counted));
    unit_rmdir(dir);
}

static void wrong_rules_end_the_program_before_it_begins(void **state)
{
    static const char *const bad[] = {
        "a",
        "a=",
        "=kill",
        "a:0=kill",
        "a:x=kill",
        "a:=kill",
        "a=err",
        "a=err:",
        "a=err:EWHAT",
        "a=err:5",
        "a=delay",
        "a=delay:",
        "a=delay:0",
        "a=delay:1s",
        "a=kill ",
        "a=boom",
        "a=kill;b",
        ";",
        "a b=kill",
        "a=count", /* without a file to count in */
        "a=delay:99999999999",
    };
    auto_buf struct buf out = {0};
    int status;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        run(bad[i], "", NAMES("zzz"), &out, &status);
        if (status != 2 || !text_starts(buf_cstr(&out), "GODWIT_FAILPOINT"))
            fail_msg("'%s' gave %d: %s", bad[i], status, buf_cstr(&out));
    }
}

static void a_count_file_that_cannot_be_is_refused(void **state)
{
    auto_buf struct buf out = {0};
    int status;

    (void)state;
    run("", "/no/such/directory/count", NAMES("a"), &out, &status);
    assert_int_equal(2, status);
}

/* Of many passes in many threads exactly one is the Nth. */
static int pass_often(void *arg, size_t index, struct err *err)
{
    int failures = 0;

    (void)arg;
    (void)index;
    (void)err;
    for (int i = 0; i < 1000; i++)
        failures += fail_point("threads", 0, UINT64_MAX) == -EIO;
    printf("%.*s", failures, "xxxxxxxx");
    return 0;
}

static int pass_in_threads(void)
{
    struct workers *g;

    if (workers_start(4, "pass", pass_often, NULL, &g, NULL) < 0 || workers_join(g, NULL) < 0)
        return 1;
    printf("end");
    return 0;
}

static void threads_share_one_count(void **state)
{
    const char *const argv[] = {"/proc/self/exe", "--threads", NULL};
    const char *const env[] = {"GODWIT_FAILPOINT=threads:2500=err:EIO", NULL};
    auto_buf struct buf out = {0};
    int status;

    (void)state;
    assert_ok(proc_run(&(struct proc_run){.argv = argv, .env = env}, &out, &status, NULL));
    assert_int_equal(0, status);
    assert_string_equal("xend", buf_cstr(&out));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_may_be_about_some_bytes),
        cmocka_unit_test(without_rules_nothing_happens),
        cmocka_unit_test(an_error_comes_on_its_pass_and_no_other),
        cmocka_unit_test(rules_stand_side_by_side),
        cmocka_unit_test(kill_stops_the_program_on_the_spot),
        cmocka_unit_test(delay_takes_its_time),
        cmocka_unit_test(every_pass_is_counted_or_only_those_asked_for),
        cmocka_unit_test(a_count_file_is_appended_to),
        cmocka_unit_test(wrong_rules_end_the_program_before_it_begins),
        cmocka_unit_test(a_count_file_that_cannot_be_is_refused),
        cmocka_unit_test(threads_share_one_count),
    };

    if (argc > 1 && text_equal(argv[1], "--pass"))
        return pass_points(argc, argv);
    if (argc > 1 && text_equal(argv[1], "--threads"))
        return pass_in_threads();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

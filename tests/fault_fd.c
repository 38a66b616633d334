/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saving files while writes, syncs and renames fail or the program is killed there: the file is
 * always the old or the new one, whole. This program runs itself again with failpoints.
 */
#include "tests/unit.h"

#include "base/fail.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/text.h"

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>

#include "base/banned.h"

#define OLD "the old text"
#define NEW "the new text, which is longer"

enum { EXIT_ERRNO = 100 }; /* the child exits with this plus the errno */

/* A file without a name in directory path, which still is empty. */
static int use_unnamed(const char *path)
{
    char got[sizeof(NEW)];
    int fd = -1;
    int rc = setenv("TMPDIR", path, 1) < 0 ? -errno : fd_unnamed(&fd, NULL);

    if (rc < 0)
        return rc;
    rc = fd_write_full(fd, NEW, sizeof(NEW), NULL);
    if (rc == 0)
        rc = fd_pread_full(fd, got, sizeof(got), 0, NULL);
    close(fd);
    return rc == 0 && !text_equal(got, NEW) ? -EBADMSG : rc;
}

/* What the child does: one of these, its failure as exit status. */
static int run_once(const char *how, const char *path)
{
    int rc;

    if (text_equal(how, "--unnamed"))
        rc = use_unnamed(path);
    else if (text_equal(how, "--save"))
        rc = fd_save(path, slice_str(NEW), 0600, NULL);
    else
        rc = fd_create_once(path, slice_str(NEW), 0600, NULL);
    return rc < 0 ? EXIT_ERRNO - rc : 0;
}

static int run_with(const char *rule, const char *how, const char *path)
{
    const char *const argv[] = {"/proc/self/exe", how, path, NULL};
    char rule_env[128];
    const char *const env[] = {rule_env, NULL};
    auto_buf struct buf out = {0};
    int status = -1;

    snprintf(rule_env, sizeof(rule_env), "GODWIT_FAILPOINT=%s", rule);
    assert_ok(proc_run(&(struct proc_run){.argv = argv, .env = env}, &out, &status, NULL));
    return status;
}

struct listing {
    size_t files;
    size_t temporary;
};

static struct listing list(const char *dir)
{
    struct listing l = {0};
    DIR *d = opendir(dir);

    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        l.temporary += text_starts(e->d_name, FD_TEMPORARY_PREFIX);
        l.files += e->d_name[0] != '.';
    }
    closedir(d);
    return l;
}

static bool holds(const char *path, const char *want)
{
    auto_buf struct buf b = {0};

    return fd_load(path, 4096, &b, NULL) == 0 && text_equal(buf_cstr(&b), want);
}

/* Before the rename the old file stays; the last sync comes after it, when the new one is there. */
static void a_failed_step_is_reported_and_leaves_no_temporary_file(void **state)
{
    static const struct {
        const char *rule;
        const char *after;
    } steps[] = {
        {"fd_write=err:ENOSPC", OLD},
        {"fd_sync:1=err:ENOSPC", OLD},
        {"fd_rename=err:ENOSPC", OLD},
        {"fd_sync:2=err:ENOSPC", NEW},
    };
    char *dir = unit_mkdir();
    char path[PATH_MAX];

    (void)state;
    unit_path(dir, "f", path);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        assert_ok(fd_save(path, slice_str(OLD), 0600, NULL));
        assert_int_equal(EXIT_ERRNO + ENOSPC, run_with(steps[i].rule, "--save", path));
        assert_true(holds(path, steps[i].after));
        assert_int_equal(0, list(dir).temporary);
        assert_int_equal(1, list(dir).files);
    }
    unit_rmdir(dir);
}

static void killed_at_any_step_the_file_is_whole(void **state)
{
    static const char *const rules[] = {"fd_write=kill", "fd_sync:1=kill", "fd_rename=kill",
                                        "fd_sync:2=kill"};
    char *dir = unit_mkdir();
    char path[PATH_MAX];

    (void)state;
    unit_path(dir, "f", path);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        assert_ok(fd_save(path, slice_str(OLD), 0600, NULL));
        assert_int_equal(128 + SIGKILL, run_with(rules[i], "--save", path));
        assert_true(holds(path, OLD) || holds(path, NEW));
        /* The next try succeeds whatever was left. */
        assert_int_equal(0, run_with("", "--save", path));
        assert_true(holds(path, NEW));
    }
    /* What was left is recognizable: at most one a kill before the rename. */
    assert_int_equal(1, list(dir).files);
    assert_int_equal(3, list(dir).temporary);
    unit_rmdir(dir);
}

static void killed_while_creating_there_is_the_whole_file_or_none(void **state)
{
    static const char *const rules[] = {"fd_write=kill", "fd_sync:1=kill", "fd_rename=kill",
                                        "fd_sync:2=kill"};
    char path[PATH_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        char *dir = unit_mkdir();

        unit_path(dir, "f", path);
        assert_int_equal(128 + SIGKILL, run_with(rules[i], "--create", path));
        if (list(dir).files == 0)
            assert_int_equal(0, run_with("", "--create", path));
        else
            assert_int_equal(EXIT_ERRNO + EEXIST, run_with("", "--create", path));
        assert_true(holds(path, NEW));
        unit_rmdir(dir);
    }
}

static void where_no_file_can_be_without_a_name_it_loses_it_at_once(void **state)
{
    char *dir = unit_mkdir();

    (void)state;
    assert_int_equal(0, run_with("fd_tmpfile=err:EOPNOTSUPP", "--unnamed", dir));
    assert_int_equal(0, list(dir).files + list(dir).temporary);
    assert_int_equal(EXIT_ERRNO + EACCES, run_with("fd_tmpfile=err:EACCES", "--unnamed", dir));
    unit_rmdir(dir);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_step_is_reported_and_leaves_no_temporary_file),
        cmocka_unit_test(killed_at_any_step_the_file_is_whole),
        cmocka_unit_test(killed_while_creating_there_is_the_whole_file_or_none),
        cmocka_unit_test(where_no_file_can_be_without_a_name_it_loses_it_at_once),
    };

    if (argc == 3)
        return run_once(argv[1], argv[2]);
    /* In a build without failpoints the macro ignores its argument, and nothing could fail. */
    if (!getenv("GODWIT_TEST_FAILPOINTS") || !getenv("GODWIT_TEST_FAILPOINTS")[0]) {
        puts("skipped: no failpoints in this build");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

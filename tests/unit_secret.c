/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets by reference: every form, what is refused, and that no message shows one. */
#include "tests/unit.h"

#include "base/fd.h"
#include "base/gw.h"
#include "base/secret.h"
#include "base/text.h"

#include "base/banned.h"

static int setup(void **state)
{
    *state = unit_mkdir();
    return 0;
}

static int teardown(void **state)
{
    unit_rmdir(*state);
    return 0;
}

/* "prefix" + dir/name, the file holding body. */
static const char *make_file(const char *dir, struct slice body, mode_t mode, char *ref)
{
    char path[PATH_MAX];

    assert_ok(fd_save(unit_path(dir, "secret", path), body, mode, NULL));
    snprintf(ref, PATH_MAX + 8, "file:%s", path);
    return ref;
}

static void assert_secret(const char *want, const char *ref)
{
    auto_buf struct buf out = {0};
    struct err err = {0};

    if (secret_load(ref, &out, &err) < 0)
        fail_msg("%s: %s", ref, err.text);
    assert_string_equal(want, buf_cstr(&out));
}

static void assert_refused(int code, const char *ref)
{
    auto_buf struct buf out = {0};
    struct err err = {0};

    assert_fails(code, secret_load(ref, &out, &err));
    assert_int_equal(0, out.len);
    assert_true(err.text[0]);
}

static void a_file_loses_one_newline(void **state)
{
    char ref[PATH_MAX + 8];

    assert_secret("s3cret", make_file(*state, slice_str("s3cret\n"), 0600, ref));
    assert_secret("s3cret", make_file(*state, slice_str("s3cret"), 0600, ref));
    assert_secret("s3cret\n", make_file(*state, slice_str("s3cret\n\n"), 0400, ref));
    assert_secret("s3cret\n", ref + strlen("file:"));
}

static void secrets_may_be_binary(void **state)
{
    auto_buf struct buf out = {0};
    char ref[PATH_MAX + 8];

    assert_ok(secret_load(make_file(*state, slice_of("a\0b\xff", 4), 0600, ref), &out, NULL));
    assert_int_equal(4, out.len);
    assert_memory_equal("a\0b\xff", out.data, 4);
}

static void a_file_that_others_can_read_is_refused(void **state)
{
    char ref[PATH_MAX + 8];

    assert_refused(-EPERM, make_file(*state, slice_str("x"), 0644, ref));
    assert_refused(-EPERM, make_file(*state, slice_str("x"), 0604, ref));
    assert_refused(-EPERM, make_file(*state, slice_str("x"), 0660, ref));
    /* A service's group may read. */
    assert_secret("x", make_file(*state, slice_str("x"), 0640, ref));
}

static void what_is_no_good_file_is_refused(void **state)
{
    auto_free char *big = calloc(1, 65537);
    char ref[PATH_MAX + 8];
    char path[PATH_MAX];

    assert_refused(-ENOENT, "file:/no/such/secret");
    assert_refused(-EINVAL, "file:/dev/null");
    assert_refused(-EINVAL, make_file(*state, slice_str(""), 0600, ref));
    assert_refused(-EINVAL, make_file(*state, slice_str("\n"), 0600, ref));
    assert_refused(-EFBIG, make_file(*state, slice_of(big, 65537), 0600, ref));
    assert_ok(mkfifo(unit_path(*state, "fifo", path), 0600));
    assert_refused(-EINVAL, path);
}

static void the_largest_secret_is_whole_and_never_moves(void **state)
{
    auto_free char *big = malloc(65536);
    auto_buf struct buf out = {0};
    char ref[PATH_MAX + 8];

    assert_non_null(big);
    memset(big, 'k', 65536);
    assert_ok(secret_load(make_file(*state, slice_of(big, 65536), 0600, ref), &out, NULL));
    assert_int_equal(65536, out.len);
    const uint8_t *before = out.data;

    assert_non_null(buf_cstr(&out));
    assert_ptr_equal(before, out.data);
}

static void variables_and_credentials_are_read(void **state)
{
    char ref[PATH_MAX + 8];

    setenv("GW_UNIT_SECRET", "from env", 1);
    assert_secret("from env", "env:GW_UNIT_SECRET");
    unsetenv("GW_UNIT_SECRET");
    assert_refused(-ENOENT, "env:GW_UNIT_SECRET");
    make_file(*state, slice_str("from systemd\n"), 0400, ref);
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_refused(-ENOENT, "cred:secret");
    setenv("CREDENTIALS_DIRECTORY", *state, 1);
    assert_secret("from systemd", "cred:secret");
    assert_refused(-EINVAL, "cred:../secret");
    assert_refused(-EINVAL, "cred:");
    unsetenv("CREDENTIALS_DIRECTORY");
}

static void a_command_gives_its_output(void **state)
{
    (void)state;
    assert_secret("from command", "cmd:echo from command");
    assert_refused(-EIO, "cmd:false");
    assert_refused(-ENOENT, "cmd:no-such-program-here");
    assert_refused(-EINVAL, "cmd:");
    assert_refused(-EINVAL, "cmd:true");
}

static void a_relative_path_is_a_file(void **state)
{
    char ref[PATH_MAX + 8];
    char before[PATH_MAX];

    make_file(*state, slice_str("s3cret\n"), 0600, ref);
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(0, chdir(*state));
    assert_secret("s3cret", "secret");
    assert_secret("s3cret", "./secret");
    assert_int_equal(0, chdir(before));
}

static void what_gives_no_secret_has_a_row_of_its_own(void **state)
{
    static const char *const refs[] = {"cmd:false", "cmd:no-such-program-here", "file:/dev/null",
                                       "env:GW_UNIT_NONE"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refs); i++) {
        auto_buf struct buf out = {0};
        struct err err = {0};

        assert_true(secret_load(refs[i], &out, &err) < 0);
        assert_int_equal(GW_SECRET, err.gw);
    }
}

static void a_bare_value_is_refused_and_not_shown(void **state)
{
    auto_buf struct buf out = {0};
    struct err err = {0};

    (void)state;
    assert_fails(-EINVAL, secret_load("hunter2", &out, &err));
    assert_null(strstr(err.text, "hunter2"));
    assert_refused(-EINVAL, "");
}

static void what_was_in_the_buffer_stays(void **state)
{
    auto_buf struct buf out = {0};

    (void)state;
    buf_str(&out, "before ");
    setenv("GW_UNIT_SECRET", "x", 1);
    assert_fails(-ENOENT, secret_load("/no/such/secret", &out, NULL));
    assert_ok(secret_load("env:GW_UNIT_SECRET", &out, NULL));
    assert_string_equal("before x", buf_cstr(&out));
    unsetenv("GW_UNIT_SECRET");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_loses_one_newline, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_may_be_binary, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_others_can_read_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_good_file_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_largest_secret_is_whole_and_never_moves, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(variables_and_credentials_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_command_gives_its_output, setup, teardown),
        cmocka_unit_test_setup_teardown(a_relative_path_is_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(what_gives_no_secret_has_a_row_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bare_value_is_refused_and_not_shown, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_in_the_buffer_stays, setup, teardown),
    };

    /* A directory of our PATH that we may not search would turn ENOENT into EACCES. */
    setenv("PATH", "/usr/bin:/bin", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

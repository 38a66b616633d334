/* SPDX-License-Identifier: Apache-2.0 */
/* struct err: what is recorded, what is added, and what never changes. */
#include "tests/unit.h"

#include "base/err.h"

#include "base/banned.h"

static void set_records_code_and_text(void **state)
{
    struct err err = {0};

    (void)state;
    assert_fails(-ENOENT, err_set(&err, -ENOENT, "open '%s'", "/x"));
    assert_int_equal(-ENOENT, err.code);
    assert_int_equal(0, err.gw);
    assert_false(err.retryable);
    assert_string_equal("open '/x'", err.text);
}

static void percent_m_speaks_of_the_code_not_of_errno(void **state)
{
    struct err err = {0};

    (void)state;
    errno = EPERM;
    err_set(&err, -ENOSPC, "write: %m");
    assert_string_equal("write: No space left on device", err.text);
}

static void set_knows_what_may_be_retried(void **state)
{
    static const int retryable[] = {EAGAIN, ETIMEDOUT,   EINTR,        ECONNREFUSED, ECONNRESET,
                                    EPIPE,  ENETUNREACH, EHOSTUNREACH, EBUSY};
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(retryable); i++) {
        err_set(&err, -retryable[i], "x");
        assert_true(err.retryable);
    }
    err_set(&err, -EIO, "x");
    assert_false(err.retryable);
}

static void set_without_err_returns_the_code(void **state)
{
    (void)state;
    assert_fails(-EIO, err_set(NULL, -EIO, "x"));
    assert_fails(-EIO, err_set_gw(NULL, 1001, -EIO, "x"));
    assert_fails(-EIO, err_add(NULL, -EIO, "x"));
    err_clear(NULL);
}

static void a_failure_without_a_reason_is_still_a_failure(void **state)
{
    struct err err = {0};

    (void)state;
    assert_fails(-EIO, err_set(&err, 0, "x: %m"));
    assert_int_equal(-EIO, err.code);
    assert_string_equal("x: Input/output error", err.text);
    assert_fails(-EIO, err_set(&err, 7, "x"));
    assert_fails(-EIO, err_set(NULL, 0, "x"));
    assert_fails(-EIO, err_set_gw(&err, 1001, 0, "x"));
    assert_int_equal(1001, err.gw);
    err_clear(&err);
    assert_fails(-EIO, err_add(&err, 0, "x"));
    assert_fails(-EIO, err_add(NULL, 0, "x"));
}

static void add_puts_text_before_and_keeps_the_rest(void **state)
{
    struct err err = {0};

    (void)state;
    err_set_gw(&err, 3011, -EAGAIN, "inner");
    assert_fails(-EAGAIN, err_add(&err, -EIO, "outer %d", 1));
    assert_string_equal("outer 1: inner", err.text);
    assert_int_equal(3011, err.gw);
    assert_true(err.retryable);
}

static void add_to_an_empty_err_sets_the_code(void **state)
{
    struct err err = {0};

    (void)state;
    assert_fails(-EIO, err_add(&err, -EIO, "outer"));
    assert_string_equal("outer", err.text);
    assert_int_equal(-EIO, err.code);
}

static void long_texts_are_cut_and_terminated(void **state)
{
    struct err err = {0};
    char big[2 * ERR_TEXT_MAX];

    (void)state;
    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    err_set(&err, -EIO, "%s", big);
    assert_int_equal(ERR_TEXT_MAX - 1, strlen(err.text));
    err_add(&err, -EIO, "%s", big);
    assert_int_equal(ERR_TEXT_MAX - 1, strlen(err.text));
    err_set(&err, -EIO, "inner");
    for (int i = 0; i < 200; i++)
        err_add(&err, -EIO, "layer");
    assert_int_equal(ERR_TEXT_MAX - 1, strlen(err.text));
}

static void clear_forgets_everything(void **state)
{
    struct err err = {0};

    (void)state;
    err_set_gw(&err, 1001, -EAGAIN, "x");
    err_clear(&err);
    assert_int_equal(0, err.code);
    assert_int_equal(0, err.gw);
    assert_false(err.retryable);
    assert_string_equal("", err.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_records_code_and_text),
        cmocka_unit_test(percent_m_speaks_of_the_code_not_of_errno),
        cmocka_unit_test(set_knows_what_may_be_retried),
        cmocka_unit_test(set_without_err_returns_the_code),
        cmocka_unit_test(a_failure_without_a_reason_is_still_a_failure),
        cmocka_unit_test(add_puts_text_before_and_keeps_the_rest),
        cmocka_unit_test(add_to_an_empty_err_sets_the_code),
        cmocka_unit_test(long_texts_are_cut_and_terminated),
        cmocka_unit_test(clear_forgets_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

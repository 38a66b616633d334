/* SPDX-License-Identifier: Apache-2.0 */
/* packrows: as many rows as a vault of 10 TiB has packs, in little memory. */
#include "tests/unit.h"

#include "base/crypto.h"
#include "transport/pack.h"
#include "transport/packrows.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/banned.h"

enum { FEW = 100, MANY = 300 * 1000, ALL_OF_10_TIB = 3000 * 1000, MEMORY_KIB = 16 * 1024 };

struct value {
    uint64_t number;
    uint64_t times;
};

static uint32_t many(void)
{
    return getenv("GODWIT_SOAK") ? ALL_OF_10_TIB : MANY;
}

static void name_of(uint64_t i, uint8_t *out)
{
    crypto_sha256(slice_of(&i, sizeof(i)), out);
}

static struct packrows *new_rows(void)
{
    struct packrows *p = NULL;

    assert_ok(packrows_new(sizeof(struct value), &p, NULL));
    return p;
}

static void touch(struct packrows *p, uint64_t i)
{
    uint8_t name[PACK_NAME_LEN];
    struct value *v;
    void *value = NULL;

    name_of(i, name);
    assert_ok(packrows_get(p, name, &value, NULL));
    v = value;
    assert_true(v->times == 0 || v->number == i);
    v->number = i;
    v->times++;
}

/* Each row once, as it was left. */
static void check(struct packrows *p, uint64_t n, uint64_t times)
{
    struct packrows_cursor at = {0};
    uint8_t name[PACK_NAME_LEN];
    uint8_t want[PACK_NAME_LEN];
    uint8_t *seen = calloc(n, 1);
    struct value v;
    uint64_t rows = 0;
    int rc;

    while ((rc = packrows_next(p, &at, name, &v, NULL)) == 1) {
        name_of(v.number, want);
        assert_memory_equal(name, want, sizeof(want));
        assert_in_range(v.number, 0, n - 1);
        assert_int_equal(seen[v.number]++, 0);
        assert_int_equal(v.times, times);
        rows++;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(rows, n);
    assert_int_equal(packrows_count(p), n);
    free(seen);
}

static void none_is_no_row(void **state)
{
    struct packrows *p = new_rows();

    (void)state;
    assert_int_equal(packrows_next(p, &(struct packrows_cursor){0}, (uint8_t[PACK_NAME_LEN]){0},
                                   &(struct value){0}, NULL),
                     0);
    packrows_free(p);
}

static void a_few_need_no_file(void **state)
{
    struct packrows *p = new_rows();

    (void)state;
    assert_int_equal(setenv("TMPDIR", "/nowhere", 1), 0);
    for (uint64_t i = 0; i < FEW; i++)
        touch(p, i);
    for (uint64_t i = FEW; i > 0; i--)
        touch(p, i - 1);
    check(p, FEW, 2);
    packrows_free(p);
    unsetenv("TMPDIR");
}

static void many_lie_in_a_file(void **state)
{
    struct packrows *p = new_rows();
    struct rusage before, after;

    (void)state;
    getrusage(RUSAGE_SELF, &before);
    for (uint64_t i = 0; i < many(); i++)
        touch(p, i);
    for (uint64_t i = 0; i < many(); i += 2)
        touch(p, i);
    for (uint64_t i = 1; i < many(); i += 2)
        touch(p, i);
    getrusage(RUSAGE_SELF, &after);
    if (!UNIT_SANITIZED) /* they keep what was freed */
        assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, MEMORY_KIB);
    check(p, many(), 2);
    packrows_free(p);
}

/* The error of the file is that of the call. */
static void no_room_is_said(void **state)
{
    struct packrows *p = new_rows();
    struct rlimit whole, small = {.rlim_cur = 1 << 20};
    uint8_t name[PACK_NAME_LEN];
    struct err err = {0};
    void *value;
    int rc = 0;

    (void)state;
    getrlimit(RLIMIT_FSIZE, &whole);
    small.rlim_max = whole.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (uint64_t i = 0; rc == 0 && i < MANY; i++) {
        name_of(i, name);
        rc = packrows_get(p, name, &value, &err);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &whole), 0);
    assert_int_equal(rc, -EFBIG);
    assert_non_null(strstr(err.text, "list packs"));
    packrows_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_no_row),
        cmocka_unit_test(a_few_need_no_file),
        cmocka_unit_test(many_lie_in_a_file),
        cmocka_unit_test(no_room_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

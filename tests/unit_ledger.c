/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: what a killed pass made durable is known again, and nothing else is. */
#include "tests/unit.h"

#include "base/crypto.h"
#include "transport/ledger.h"

#include "base/banned.h"

static struct unit unit_no(uint32_t i)
{
    struct unit u = {.offset = 64 + i % 100 * 1000,
                     .stored_len = 900,
                     .raw_len = 65536,
                     .segment = i % 100,
                     .codec = 1,
                     .kind = UNIT_DATA};
    uint32_t pack = i / 100;
    uint8_t hash[32];

    crypto_sha256(slice_of(&pack, sizeof(pack)), u.pack);
    crypto_sha256(slice_of(u.pack, 32), u.salt);
    crypto_sha256(slice_of(&i, sizeof(i)), hash);
    memcpy(u.id, hash, UNIT_ID_LEN);
    return u;
}

struct asked {
    unsigned times;
    bool answer;
};

static int check(void *arg, const uint8_t *pack, bool *ret_there, struct err *err)
{
    struct asked *a = arg;

    (void)pack;
    (void)err;
    a->times++;
    *ret_there = a->answer;
    return 0;
}

static void assert_finds(struct ledger *l, uint32_t i, struct asked *a, int want)
{
    struct unit u = unit_no(i);
    struct unit got;

    assert_int_equal(ledger_find(l, u.id, u.raw_len, check, a, &got, NULL), want);
    if (want == 1) {
        assert_true(unit_same(&u, &got));
        assert_memory_equal(u.id, got.id, UNIT_ID_LEN);
        assert_int_equal(u.stored_len, got.stored_len);
    }
}

static void add(struct ledger *l, uint32_t first, uint32_t n)
{
    struct unit units[100];

    for (uint32_t i = 0; i < n; i++)
        units[i] = unit_no(first + i);
    assert_ok(ledger_add(l, units, n, NULL));
}

static void knows_what_was_added_without_asking(void **state)
{
    char *dir = unit_mkdir();
    struct ledger *l = NULL;
    struct asked a = {0};

    (void)state;
    assert_ok(ledger_open(dir, &l, NULL));
    for (uint32_t i = 0; i < 10000; i += 100)
        add(l, i, 100);
    for (uint32_t i = 0; i < 10000; i += 7)
        assert_finds(l, i, &a, 1);
    assert_finds(l, 10000, &a, 0);
    assert_int_equal(a.times, 0);
    ledger_close(l);
    unit_rmdir(dir);
}

static void later_run_asks_once_a_pack(void **state)
{
    char *dir = unit_mkdir();
    struct ledger *l = NULL;
    struct asked a = {.answer = true};

    (void)state;
    assert_ok(ledger_open(dir, &l, NULL));
    add(l, 0, 100);
    add(l, 100, 100);
    ledger_close(l);
    assert_ok(ledger_open(dir, &l, NULL));
    assert_int_equal(ledger_count(l), 200);
    for (uint32_t i = 0; i < 200; i++)
        assert_finds(l, i, &a, 1);
    assert_int_equal(a.times, 2);
    ledger_close(l);
    unit_rmdir(dir);
}

static void unit_of_a_lost_pack_is_not_known(void **state)
{
    char *dir = unit_mkdir();
    struct ledger *l = NULL;
    struct asked a = {.answer = false};

    (void)state;
    assert_ok(ledger_open(dir, &l, NULL));
    add(l, 0, 100);
    ledger_close(l);
    assert_ok(ledger_open(dir, &l, NULL));
    assert_finds(l, 5, &a, 0);
    ledger_close(l);
    unit_rmdir(dir);
}

/* Whatever byte a crash cut the file at, the whole records before it are known. */
static void torn_end_is_ignored(void **state)
{
    char *dir = unit_mkdir();
    char path[PATH_MAX];
    struct stat st;
    struct asked a = {.answer = true};

    (void)state;
    unit_path(dir, "ledger", path);
    for (off_t cut = 1; cut < 300; cut += 13) {
        struct ledger *l = NULL;
        size_t known;

        assert_ok(ledger_open(dir, &l, NULL));
        assert_ok(ledger_clear(l, NULL));
        add(l, 0, 10);
        ledger_close(l);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(truncate(path, st.st_size - cut), 0);
        assert_ok(ledger_open(dir, &l, NULL));
        known = ledger_count(l);
        assert_int_equal(known, (size_t)(st.st_size - cut) / ((size_t)st.st_size / 10));
        assert_finds(l, (uint32_t)known - 1, &a, 1);
        assert_finds(l, (uint32_t)known, &a, 0);
        add(l, (uint32_t)known, 1); /* and goes on where it was cut */
        ledger_close(l);
        assert_ok(ledger_open(dir, &l, NULL));
        assert_int_equal(ledger_count(l), known + 1);
        ledger_close(l);
    }
    unit_rmdir(dir);
}

static void clear_forgets_all(void **state)
{
    char *dir = unit_mkdir();
    struct ledger *l = NULL;
    struct asked a = {.answer = true};

    (void)state;
    assert_ok(ledger_open(dir, &l, NULL));
    add(l, 0, 100);
    assert_ok(ledger_clear(l, NULL));
    assert_finds(l, 0, &a, 0);
    ledger_close(l);
    assert_ok(ledger_open(dir, &l, NULL));
    assert_int_equal(ledger_count(l), 0);
    ledger_close(l);
    unit_rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_was_added_without_asking),
        cmocka_unit_test(later_run_asks_once_a_pack),
        cmocka_unit_test(unit_of_a_lost_pack_is_not_known),
        cmocka_unit_test(torn_end_is_ignored),
        cmocka_unit_test(clear_forgets_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

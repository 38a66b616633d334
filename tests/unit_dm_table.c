/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of device-mapper as `dmsetup table` prints them: what is followed, and what is not. */
#include "tests/unit.h"

#include "base/text.h"
#include "transport/dm_table.h"

#include "base/banned.h"

/* One physical volume; the same after lvextend onto another disk; two stripes of 64 KiB. */
#define ONE "0 8388608 linear 8:2 2048\n"
#define TWO "0 20971520 linear 8:16 2048\n20971520 10485760 linear 259:3 20973568\n"
#define STRIPED "0 41943040 striped 2 128 8:16 2048 8:32 4096\n"

struct told {
    size_t n;
    uint64_t start[16];
    uint64_t sectors[16];
};

static void tell(void *arg, uint64_t start, uint64_t sectors)
{
    struct told *t = arg;

    assert_true(t->n < ARRAY_LEN(t->start));
    t->start[t->n] = start;
    t->sectors[t->n++] = sectors;
}

static struct dm_table *parse(const char *text)
{
    struct dm_table *t = calloc(1, sizeof(*t));

    assert_non_null(t);
    assert_ok(dm_table_parse(text, t, NULL));
    return t;
}

static void a_linear_volume_is_one_run_of_its_disk(void **state)
{
    auto_free struct dm_table *t = parse(ONE);
    struct told told = {0};

    (void)state;
    assert_int_equal(1, t->n);
    assert_int_equal(8388608, t->sectors);
    assert_int_equal(8, t->pieces[0].major);
    assert_int_equal(2, t->pieces[0].minor);
    assert_int_equal(2048, t->pieces[0].at);
    dm_table_above(&t->pieces[0], 2048 + 77, 9, tell, &told);
    assert_int_equal(1, told.n);
    assert_int_equal(77, told.start[0]);
    assert_int_equal(9, told.sectors[0]);
}

static void what_lies_beside_it_is_cut_off(void **state)
{
    auto_free struct dm_table *t = parse(ONE);
    struct told told = {0};

    (void)state;
    dm_table_above(&t->pieces[0], 0, 2048, tell, &told);
    dm_table_above(&t->pieces[0], 2048 + 8388608, 100, tell, &told);
    assert_int_equal(0, told.n);
    dm_table_above(&t->pieces[0], 2040, 16, tell, &told);
    dm_table_above(&t->pieces[0], 2048 + 8388600, 100, tell, &told);
    assert_int_equal(2, told.n);
    assert_int_equal(0, told.start[0]);
    assert_int_equal(8, told.sectors[0]);
    assert_int_equal(8388600, told.start[1]);
    assert_int_equal(8, told.sectors[1]);
}

static void a_volume_over_two_disks_has_a_piece_on_each(void **state)
{
    auto_free struct dm_table *t = parse(TWO);
    struct told told = {0};

    (void)state;
    assert_int_equal(2, t->n);
    assert_int_equal(31457280, t->sectors);
    assert_int_equal(259, t->pieces[1].major);
    dm_table_above(&t->pieces[1], 20973568 + 5, 1, tell, &told);
    assert_int_equal(20971520 + 5, told.start[0]);
}

static void stripes_take_turns(void **state)
{
    auto_free struct dm_table *t = parse(STRIPED);
    struct told told = {0};

    (void)state;
    assert_int_equal(2, t->n);
    assert_int_equal(20971520, t->pieces[0].sectors);
    /* The end of the second disk's first chunk and the start of its second. */
    dm_table_above(&t->pieces[1], 4096 + 120, 16, tell, &told);
    assert_int_equal(2, told.n);
    assert_int_equal(128 + 120, told.start[0]);
    assert_int_equal(8, told.sectors[0]);
    assert_int_equal(3 * 128, told.start[1]);
    assert_int_equal(8, told.sectors[1]);
}

static void what_is_in_one_run_is_told(void **state)
{
    auto_free struct dm_table *one = parse(ONE);
    auto_free struct dm_table *two = parse(TWO);
    auto_free struct dm_table *striped = parse(STRIPED);
    /* lvextend into the free extents right behind. */
    auto_free struct dm_table *grown = parse("0 100 linear 8:2 2048\n100 50 linear 8:2 2148\n");
    struct dm_piece run = {0};

    (void)state;
    assert_ok(dm_table_run(one, &run, NULL));
    assert_int_equal(2048, run.at);
    assert_int_equal(8388608, run.sectors);
    assert_ok(dm_table_run(grown, &run, NULL));
    assert_int_equal(150, run.sectors);
    assert_fails(-EOPNOTSUPP, dm_table_run(two, &run, NULL));
    assert_fails(-EOPNOTSUPP, dm_table_run(striped, &run, NULL));
}

/* Every sector of the mapped device lies in one place below. */
static void every_sector_is_there_once(void **state)
{
    auto_free struct dm_table *t =
        parse("0 40 linear 7:0 3\n40 96 striped 3 8 7:1 1 7:2 0 7:3 5\n136 4 linear 7:0 100\n");
    uint8_t seen[140] = {0};

    (void)state;
    assert_int_equal(sizeof(seen), t->sectors);
    for (size_t i = 0; i < t->n; i++)
        for (uint64_t s = 0; s < 200; s++) {
            struct told told = {0};

            dm_table_above(&t->pieces[i], s, 1, tell, &told);
            if (told.n == 1)
                seen[told.start[0]]++;
        }
    for (size_t i = 0; i < sizeof(seen); i++)
        assert_int_equal(1, seen[i]);
}

static void targets_that_cannot_be_followed_are_named(void **state)
{
    static const char *const others[][2] = {
        {"0 4190208 crypt aes-xts-plain64 :64:logon:cryptsetup:0b-d0 0 254:1 32768\n", "crypt"},
        {"0 20971520 thin 254:2 1\n", "thin"},
        {"0 8388608 snapshot-origin 254:5\n", "snapshot-origin"},
        {"0 8388608 raid raid1 3 0 region_size 4096 2 254:0 254:1 254:2 254:3\n", "raid"},
        {"0 100 linear 8:0 0\n100 100 error\n", "error"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        auto_free struct dm_table *t = calloc(1, sizeof(*t));
        struct err err = {0};

        assert_fails(-EOPNOTSUPP, dm_table_parse(others[i][0], t, &err));
        assert_non_null(strstr(err.text, others[i][1]));
    }
}

static void what_is_no_table_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "\n",
        "0 linear",
        "0 x linear 8:0 0",
        "5 10 linear 8:0 0",                     /* a gap at its start */
        "0 10 linear 8:0 0\n11 10 linear 8:0 0", /* and between */
        "0 0 linear 8:0 0",
        "0 10 linear 8 0",
        "0 10 linear 8:0",
        "0 10 striped 0 8",
        "0 10 striped 2 0 8:0 0 8:1 0",
        "0 10 striped 2 8 8:0 0",
        "0 10 striped 3 8 8:0 0 8:1 0 8:2 0", /* not as many for each */
        "0 10 striped 99 8 8:0 0",
        "0 -10 linear 8:0 0",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        auto_free struct dm_table *t = calloc(1, sizeof(*t));

        assert_fails(-EBADMSG, dm_table_parse(bad[i], t, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_linear_volume_is_one_run_of_its_disk),
        cmocka_unit_test(what_lies_beside_it_is_cut_off),
        cmocka_unit_test(a_volume_over_two_disks_has_a_piece_on_each),
        cmocka_unit_test(stripes_take_turns),
        cmocka_unit_test(what_is_in_one_run_is_told),
        cmocka_unit_test(every_sector_is_there_once),
        cmocka_unit_test(targets_that_cannot_be_followed_are_named),
        cmocka_unit_test(what_is_no_table_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of what cannot be read, against a map of bytes. */
#include "tests/unit.h"

#include "base/clock.h"
#include "transport/gaps.h"

#include "base/banned.h"

enum { BYTES = 300, ROUNDS = 400, ADDED_MAX = 30 };

/* Ascending, apart, and just what the map says. */
static void assert_is(const struct gaps *g, const bool *map)
{
    size_t at = 0;
    uint64_t bytes = 0;

    for (uint64_t i = 0; i < BYTES; i++) {
        bool begins = map[i] && (i == 0 || !map[i - 1]);

        bytes += map[i];
        if (!begins)
            continue;
        assert_true(at < g->n);
        assert_int_equal(g->list[at].offset, i);
        assert_true(i + g->list[at].len <= BYTES);
        for (uint64_t k = i; k < i + g->list[at].len; k++)
            assert_true(map[k]);
        assert_true(i + g->list[at].len == BYTES || !map[i + g->list[at].len]);
        at++;
    }
    assert_int_equal(at, g->n);
    assert_int_equal(gaps_bytes(g), bytes);
}

static void assert_next(const struct gaps *g, const bool *map)
{
    struct replica_range r;

    for (uint64_t from = 0; from < BYTES; from++) {
        uint64_t i = from;

        while (i < BYTES && !map[i])
            i++;
        assert_int_equal(gaps_next(g, from, &r), i < BYTES);
        if (i < BYTES)
            assert_true(r.offset <= i && i < r.offset + r.len);
    }
    assert_false(gaps_next(g, BYTES, &r));
}

static void assert_comes_back(const struct gaps *g, uint64_t size)
{
    auto_gaps struct gaps back = {0};
    auto_buf struct buf text = {0};
    struct buf_reader r;

    assert_ok(gaps_encode(g, &text, NULL));
    r = buf_reader(buf_slice(&text));
    assert_ok(gaps_decode(&r, size, &back, NULL));
    assert_int_equal(r.left, 0);
    assert_true(gaps_equal(g, &back));
}

static void ranges_in_any_order_become_one_list(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        auto_gaps struct gaps g = {0};
        bool map[BYTES] = {false};

        for (unsigned i = 0; i < round % ADDED_MAX; i++) {
            uint64_t offset = rng_below(&rng_system, BYTES);
            uint64_t len = rng_below(&rng_system, BYTES - offset < 20 ? BYTES - offset + 1 : 20);

            assert_ok(gaps_add(&g, offset, len, NULL));
            memset(map + offset, true, len);
        }
        assert_is(&g, map);
        assert_next(&g, map);
        assert_comes_back(&g, BYTES);
    }
}

static void refuse(const uint64_t *numbers, size_t n, uint32_t told)
{
    auto_gaps struct gaps g = {0};
    auto_buf struct buf text = {0};
    struct buf_reader r;

    buf_u32le(&text, told);
    for (size_t i = 0; i < n; i++)
        buf_u64le(&text, numbers[i]);
    r = buf_reader(buf_slice(&text));
    assert_fails(-EBADMSG, gaps_decode(&r, 1000, &g, NULL));
}

static void other_lists_are_refused(void **state)
{
    (void)state;
    refuse((uint64_t[]){0, 0}, 2, 1);           /* nothing */
    refuse((uint64_t[]){1000, 1}, 2, 1);        /* outside */
    refuse((uint64_t[]){999, 2}, 2, 1);         /* likewise */
    refuse((uint64_t[]){5, UINT64_MAX}, 2, 1);  /* round the end of numbers */
    refuse((uint64_t[]){5, 5, 10, 5}, 4, 2);    /* touching */
    refuse((uint64_t[]){50, 5, 10, 5}, 4, 2);   /* descending */
    refuse((uint64_t[]){50, 5}, 2, 2);          /* cut */
    refuse((uint64_t[]){50, 5}, 2, UINT32_MAX); /* more than there may be */
    refuse((uint64_t[]){0}, 0, 0xff);           /* nothing but a number */
}

static void there_is_an_end_to_them(void **state)
{
    auto_gaps struct gaps g = {0};

    (void)state;
    for (uint64_t i = 0; i < GAPS_MAX; i++)
        assert_ok(gaps_add(&g, i * 10, 5, NULL));
    assert_fails(-E2BIG, gaps_add(&g, GAPS_MAX * 10, 5, NULL));
    assert_ok(gaps_add(&g, 5, 5, NULL)); /* two become one */
    assert_int_equal(g.n, GAPS_MAX - 1);
    assert_comes_back(&g, (uint64_t)GAPS_MAX * 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_in_any_order_become_one_list),
        cmocka_unit_test(other_lists_are_refused),
        cmocka_unit_test(there_is_an_end_to_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Pages written as differences: against a plain model, and chains that cannot be. */
#include "tests/page_fixture.h"

#include "transport/fetch.h"
#include "transport/page_many.h"

#include "base/banned.h"

static struct unit put_page(struct vault *v, const struct page *p, size_t *ret_len)
{
    auto_buf struct buf raw = {0};
    struct slice s;
    struct unit u;

    assert_ok(page_encode(p, &raw, NULL));
    *ret_len = raw.len;
    s = buf_slice(&raw);
    fixture_pack(v, UNIT_MAP, &s, 1, &u);
    return u;
}

/* Pass upon pass: fetched, changed a little, written as a difference, fetched again. */
static void differences_upon_differences_agree_with_a_plain_model(void **state)
{
    struct vault *v = fixture_vault("mem:chain", fixture_key);
    auto_free struct model *m = calloc(1, sizeof(*m));
    auto_page struct page *first = NULL;
    uint64_t rnd = 11;
    size_t len;
    size_t small = 0;
    struct unit at;

    (void)state;
    m->sectors = PAGE_SECTORS_MAX;
    memset(m->zero, true, sizeof(m->zero));
    assert_ok(page_new(REGION, m->sectors, &first, NULL));
    for (int i = 0; i < 2000; i++)
        step_unit(m, first, &rnd, 100000);
    at = put_page(v, first, &len);
    for (int pass = 0; pass < 40; pass++) {
        auto_page struct page *p = NULL;
        struct err err = {0};

        if (page_fetch(v, &at, REGION, m->sectors, &p, &err) != 0)
            fail_msg("pass %d: %s", pass, err.text);
        model_check(m, p);
        for (uint32_t i = below(&rnd, 12); i > 0; i--)
            step_unit(m, p, &rnd, 100000);
        if (pass % 3 == 0)
            step_zero(m, p, &rnd);
        if (pass % 7 == 0)
            step_resize(m, p, &rnd);
        at = put_page(v, p, &len);
        small += len < 4096;
        model_check(m, p);
    }
    assert_in_range(small, 25, 39); /* most are differences, every ninth at least is whole */
    vault_close(v);
}

static void a_difference_is_as_long_as_the_change(void **state)
{
    struct vault *v = fixture_vault("mem:chain", fixture_key);
    auto_page struct page *p = NULL;
    auto_page struct page *q = NULL;
    struct unit at;
    struct unit one = made_up(999, 1, UNIT_DATA);
    auto_buf struct buf raw = {0};
    size_t whole;
    size_t part;

    (void)state;
    assert_ok(page_new(REGION, PAGE_SECTORS_MAX, &p, NULL));
    for (uint32_t i = 0; i < 256; i++) {
        struct unit u = made_up(i, 64, UNIT_DATA);

        assert_ok(page_set_unit(p, i * 64, 64, &u, 0, NULL));
    }
    at = put_page(v, p, &whole);
    assert_ok(page_fetch(v, &at, REGION, PAGE_SECTORS_MAX, &q, NULL));
    assert_ok(page_set_unit(q, 5000, 1, &one, 0, NULL));
    put_page(v, q, &part);
    assert_in_range(whole, 10000, 20000);
    assert_in_range(part, 1, 400);
    for (uint32_t i = 0; i < 200; i++) { /* when most of it changed, it is written whole */
        struct unit u = made_up(5000 + i, 64, UNIT_DATA);

        assert_ok(page_set_unit(q, i * 64, 64, &u, 0, NULL));
    }
    assert_ok(page_encode(q, &raw, NULL));
    assert_int_equal(1, raw.data[4]);
    vault_close(v);
}

static void a_difference_whose_base_is_gone_or_exchanged_is_refused(void **state)
{
    struct vault *v = fixture_vault("mem:chain", fixture_key);
    auto_page struct page *p = NULL;
    auto_page struct page *q = NULL;
    struct page *none = NULL;
    struct unit base;
    struct unit top;
    struct unit other;
    struct unit one = made_up(999, 1, UNIT_DATA);
    auto_buf struct buf raw = {0};
    struct err err = {0};
    char key[PACK_KEY_MAX];
    size_t len;

    (void)state;
    assert_ok(page_new(REGION, 1000, &p, NULL));
    for (uint32_t i = 0; i < 15; i++) {
        struct unit u = made_up(i, 64, UNIT_DATA);

        assert_ok(page_set_unit(p, i * 64, 64, &u, 0, NULL));
    }
    base = put_page(v, p, &len);
    assert_ok(page_fetch(v, &base, REGION, 1000, &q, NULL));
    assert_ok(page_set_unit(q, 0, 1, &one, 0, NULL));
    top = put_page(v, q, &len);
    assert_ok(page_encode(q, &raw, NULL));
    expect_damaged(page_decode(buf_slice(&raw), REGION, 1000, &none, &err), &err);
    page_free(TAKE(p));
    assert_ok(page_new(REGION + 1, 1000, &p, NULL));
    other = put_page(v, p, &len);
    { /* another region's page in the place of the base: the unit itself is sound */
        auto_buf struct buf body = {0};

        fixture_get(v, pack_key(other.pack, key), &body);
        fixture_put(v, pack_key(base.pack, key), buf_slice(&body));
        expect_damaged(page_fetch(v, &top, REGION, 1000, &none, &err), &err);
    }
    assert_ok(store_delete(vault_store(v), pack_key(base.pack, key), NULL));
    assert_fails(-ENOENT, page_fetch(v, &top, REGION, 1000, &none, &err));
    assert_int_equal(GW_VAULT_MISSING, err.gw);
    vault_close(v);
}

/* What was cut off and came back as zeroes is part of the difference. */
static void shrinking_and_growing_is_part_of_a_difference(void **state)
{
    struct vault *v = fixture_vault("mem:chain", fixture_key);
    auto_free struct model *m = calloc(1, sizeof(*m));
    auto_page struct page *p = NULL;
    auto_page struct page *q = NULL;
    auto_page struct page *back = NULL;
    uint64_t rnd = 3;
    struct unit at;
    size_t whole;
    size_t part;

    (void)state;
    m->sectors = PAGE_SECTORS_MAX;
    memset(m->zero, true, sizeof(m->zero));
    assert_ok(page_new(REGION, m->sectors, &p, NULL));
    for (int i = 0; i < 1000; i++)
        step_unit(m, p, &rnd, 100000);
    at = put_page(v, p, &whole);
    assert_ok(page_fetch(v, &at, REGION, m->sectors, &q, NULL));
    assert_ok(page_resize(q, 16000, NULL));
    assert_ok(page_resize(q, PAGE_SECTORS_MAX, NULL));
    memset(m->zero + 16000, true, PAGE_SECTORS_MAX - 16000);
    at = put_page(v, q, &part);
    assert_in_range(part, 1, whole / 20);
    assert_ok(page_fetch(v, &at, REGION, m->sectors, &back, NULL));
    model_check(m, back);
    vault_close(v);
}

/* More units pass through one chain than a page can keep. */
static void long_differences_make_room_for_each_other(void **state)
{
    struct vault *v = fixture_vault("mem:chain", fixture_key);
    auto_free struct model *m = calloc(1, sizeof(*m));
    auto_page struct page *first = NULL;
    uint64_t n = 0;
    size_t whole;
    struct unit at;

    (void)state;
    m->sectors = PAGE_SECTORS_MAX;
    assert_ok(page_new(REGION, m->sectors, &first, NULL));
    for (uint32_t s = 0; s < PAGE_SECTORS_MAX; s++) {
        struct unit u = made_up(n, 1, UNIT_DATA);

        assert_ok(page_set_unit(first, s, 1, &u, 0, NULL));
        m->unit[s] = n++;
    }
    at = put_page(v, first, &whole);
    for (uint32_t pass = 0; pass < PAGE_DEPTH_MAX; pass++) {
        auto_page struct page *p = NULL;
        size_t part;

        assert_ok(page_fetch(v, &at, REGION, m->sectors, &p, NULL));
        model_check(m, p);
        for (uint32_t s = pass; s < PAGE_SECTORS_MAX; s += 3) {
            struct unit u = made_up(n, 1, UNIT_DATA);

            assert_ok(page_set_unit(p, s, 1, &u, 0, NULL));
            m->unit[s] = n++;
        }
        at = put_page(v, p, &part);
        assert_in_range(part, 1, whole / 2);
    }
    {
        auto_page struct page *p = NULL;

        assert_ok(page_fetch(v, &at, REGION, m->sectors, &p, NULL));
        model_check(m, p);
    }
    vault_close(v);
}

/* One extent of zeroes over a page of 100 zero sectors. */
static int apply_one(uint16_t skip, uint16_t count)
{
    auto_page struct page *p = NULL;
    auto_buf struct buf raw = {0};
    struct unit base = made_up(1, 3, UNIT_MAP);

    buf_str(&raw, "GWMP");
    buf_u32le(&raw, 2);
    buf_u32le(&raw, REGION);
    buf_u32le(&raw, 100);
    buf_u32le(&raw, 0);
    buf_u32le(&raw, 1);
    buf_u32le(&raw, 1);
    buf_u32le(&raw, 100);
    assert_ok(unittab_encode(&base, 1, &raw, NULL));
    buf_u32le(&raw, 0);
    buf_u16le(&raw, skip);
    buf_u16le(&raw, count);
    buf_u16le(&raw, 0xffff);
    buf_u8(&raw, 0);
    assert_ok(page_new(REGION, 100, &p, NULL));
    return page_apply(p, buf_slice(&raw), NULL);
}

static void extents_of_a_difference_stay_inside_the_region(void **state)
{
    (void)state;
    assert_ok(apply_one(0, 100));
    assert_ok(apply_one(99, 1));
    assert_fails(-EBADMSG, apply_one(99, 2));
    assert_fails(-EBADMSG, apply_one(100, 1));
    assert_fails(-EBADMSG, apply_one(101, 1));
    assert_fails(-EBADMSG, apply_one(60000, 1));
    assert_fails(-EBADMSG, apply_one(5, 0));
}

/* A difference with no extents over base, of the depth that it claims. */
static struct unit claim_depth(struct vault *v, const struct unit *base, uint32_t depth)
{
    auto_buf struct buf raw = {0};
    struct slice s;
    struct unit u;

    buf_str(&raw, "GWMP");
    buf_u32le(&raw, 2);
    buf_u32le(&raw, REGION);
    buf_u32le(&raw, 100);
    buf_u64le(&raw, 0);
    buf_u32le(&raw, depth);
    buf_u32le(&raw, 100);
    assert_ok(unittab_encode(base, 1, &raw, NULL));
    buf_u32le(&raw, 0);
    s = buf_slice(&raw);
    fixture_pack(v, UNIT_MAP, &s, 1, &u);
    return u;
}

static void depths_must_count_down_and_end(void **state)
{
    struct vault *v = fixture_vault("mem:chain", fixture_key);
    auto_page struct page *zero = NULL;
    struct page *p = NULL;
    struct unit at;
    struct unit wrong;
    struct err err = {0};
    size_t len;

    (void)state;
    assert_ok(page_new(REGION, 100, &zero, NULL));
    at = put_page(v, zero, &len);
    for (uint32_t depth = 1; depth <= PAGE_DEPTH_MAX; depth++) {
        wrong = claim_depth(v, &at, depth + 1);
        expect_damaged(page_fetch(v, &wrong, REGION, 100, &p, &err), &err);
        wrong = claim_depth(v, &at, depth - 1);
        expect_damaged(page_fetch(v, &wrong, REGION, 100, &p, &err), &err);
        at = claim_depth(v, &at, depth);
        assert_ok(page_fetch(v, &at, REGION, 100, &p, NULL));
        page_free(p);
    }
    vault_close(v);
}

enum { MANY = 6, LEVELS = 5 };

/* MANY regions, each a chain of LEVELS pages; those of one level lie in one pack. */
static void put_chains(struct vault *v, struct unit units[LEVELS][MANY])
{
    for (uint32_t level = 0; level < LEVELS; level++) {
        struct buf raws[MANY] = {0};
        struct slice slices[MANY];

        for (uint32_t i = 0; i < MANY; i++) {
            auto_page struct page *p = NULL;
            struct unit u = made_up(100 * level + i, 64, UNIT_DATA);

            if (level == 0)
                assert_ok(page_new(i, 9000, &p, NULL));
            else
                assert_ok(page_fetch(v, &units[level - 1][i], i, 9000, &p, NULL));
            for (uint32_t k = 0; level == 0 && k < 100; k++) {
                struct unit first = made_up(5000 + 100 * i + k, 64, UNIT_DATA);

                assert_ok(page_set_unit(p, k * 64, 64, &first, 0, NULL));
            }
            assert_ok(page_set_unit(p, level * 64, 64, &u, 0, NULL));
            assert_ok(page_encode(p, &raws[i], NULL));
            slices[i] = buf_slice(&raws[i]);
        }
        fixture_pack(v, UNIT_MAP, slices, MANY, units[level]);
        for (uint32_t i = 0; i < MANY; i++)
            buf_done(&raws[i]);
    }
}

static uint64_t requests(struct vault *v)
{
    struct store_counts c;

    store_counts(vault_store(v), &c);
    return c.get_n;
}

static void want_all(struct page_want *wants, const struct unit *units)
{
    for (uint32_t i = 0; i < MANY; i++)
        wants[i] = (struct page_want){.unit = units[i], .region = i, .sectors = 9000};
}

/* Level by level, and each the page that it is when fetched alone. */
static void many_chains_take_a_request_a_level(void **state)
{
    struct vault *v = fixture_vault("mem:many", fixture_key);
    struct unit units[LEVELS][MANY];
    struct page_want wants[MANY];
    struct fetch *f = NULL;
    uint64_t before;

    (void)state;
    put_chains(v, units);
    want_all(wants, units[LEVELS - 1]);
    assert_ok(fetch_new(v, NULL, &f, NULL));
    before = requests(v);
    assert_ok(page_many_fetch(v, f, wants, MANY, NULL));
    assert_int_equal(requests(v) - before, LEVELS);
    for (uint32_t i = 0; i < MANY; i++) {
        auto_page struct page *alone = NULL;
        auto_buf struct buf a = {0};
        auto_buf struct buf b = {0};

        assert_int_equal(wants[i].rc, 0);
        assert_ok(page_fetch(v, &units[LEVELS - 1][i], i, 9000, &alone, NULL));
        for (size_t k = 0; k < LEVELS; k++)
            assert_true(k == LEVELS - 1
                            ? !page_rests_on(wants[i].page, k)
                            : unit_same(page_rests_on(wants[i].page, k), page_rests_on(alone, k)));
        page_set_zero(wants[i].page, 8000, 5); /* and it can be written as a difference */
        page_set_zero(alone, 8000, 5);
        assert_ok(page_encode(wants[i].page, &a, NULL));
        assert_ok(page_encode(alone, &b, NULL));
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.data, b.data, a.len);
    }
    page_many_free(wants, MANY);
    fetch_free(f);
    vault_close(v);
}

/* Of each chain the page that is damaged or gone is named, and the others come. */
static void of_many_chains_the_broken_ones_are_told(void **state)
{
    struct vault *v = fixture_vault("mem:many", fixture_key);
    struct unit units[LEVELS][MANY];
    struct page_want wants[MANY];
    auto_buf struct buf body = {0};
    struct fetch *f = NULL;
    char key[PACK_KEY_MAX];

    (void)state;
    put_chains(v, units);
    fixture_get(v, pack_key(units[1][0].pack, key), &body);
    body.data[units[1][3].offset + 2] ^= 1;
    fixture_put(v, key, buf_slice(&body));
    want_all(wants, units[LEVELS - 1]);
    wants[5].unit.pack[0] ^= 1; /* a pack that is not there */
    assert_ok(fetch_new(v, NULL, &f, NULL));
    assert_ok(page_many_fetch(v, f, wants, MANY, NULL));
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(wants[i].rc, i == 3 ? -EBADMSG : i == 5 ? -ENOENT : 0);
    assert_true(unit_same(&wants[3].blame, &units[1][3]));
    assert_true(unit_same(&wants[5].blame, &wants[5].unit));
    assert_int_equal(wants[3].err.gw, GW_VAULT_DAMAGED);
    assert_null(wants[3].page);
    page_many_free(wants, MANY);
    fetch_free(f);
    vault_close(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences_upon_differences_agree_with_a_plain_model),
        cmocka_unit_test(a_difference_is_as_long_as_the_change),
        cmocka_unit_test(a_difference_whose_base_is_gone_or_exchanged_is_refused),
        cmocka_unit_test(shrinking_and_growing_is_part_of_a_difference),
        cmocka_unit_test(long_differences_make_room_for_each_other),
        cmocka_unit_test(extents_of_a_difference_stay_inside_the_region),
        cmocka_unit_test(depths_must_count_down_and_end),
        cmocka_unit_test(many_chains_take_a_request_a_level),
        cmocka_unit_test(of_many_chains_the_broken_ones_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

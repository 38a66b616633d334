/* SPDX-License-Identifier: Apache-2.0 */
/* Map pages: against a plain model, and against every kind of damage. */
#include "tests/page_fixture.h"

#include "base/banned.h"

static void model_reload(const struct model *m, struct page **p)
{
    auto_buf struct buf raw = {0};
    auto_buf struct buf again = {0};
    struct page *back = NULL;
    struct err err = {0};

    assert_ok(page_encode(*p, &raw, NULL));
    if (page_decode(buf_slice(&raw), REGION, m->sectors, &back, &err) != 0)
        fail_msg("decode: %s", err.text);
    assert_ok(page_encode(back, &again, NULL));
    assert_int_equal(raw.len, again.len);
    assert_memory_equal(raw.data, again.data, raw.len);
    page_free(*p);
    *p = back;
}

static void play(uint64_t seed, uint32_t sectors, uint64_t units, int steps)
{
    auto_free struct model *m = calloc(1, sizeof(*m));
    struct page *p = NULL;
    uint64_t rnd = seed;

    assert_non_null(m);
    m->sectors = sectors;
    memset(m->zero, true, sizeof(m->zero));
    assert_ok(page_new(REGION, sectors, &p, NULL));
    for (int i = 0; i < steps; i++) {
        uint32_t dice = below(&rnd, 1000);

        if (dice < 800)
            step_unit(m, p, &rnd, units);
        else if (dice < 990)
            step_zero(m, p, &rnd);
        else if (dice < 995)
            step_resize(m, p, &rnd);
        else
            model_reload(m, &p);
        if (i % 97 == 0)
            model_check(m, p);
    }
    model_reload(m, &p);
    model_check(m, p);
    page_free(p);
}

static void thousands_of_operations_agree_with_a_plain_model(void **state)
{
    (void)state;
    play(1, PAGE_SECTORS_MAX, 300, 6000);
    play(2, PAGE_SECTORS_MAX, 100000, 6000);
    play(3, 1, 50, 500);
    play(4, 65, 20, 3000);
}

/* More units than a page can keep pass through it: those out of use must make room. */
static void units_out_of_use_make_room(void **state)
{
    auto_free struct model *m = calloc(1, sizeof(*m));
    auto_page struct page *p = NULL;

    (void)state;
    assert_non_null(m);
    m->sectors = 64;
    assert_ok(page_new(REGION, m->sectors, &p, NULL));
    for (uint32_t i = 0; i < 5 * PAGE_SECTORS_MAX; i++) {
        struct unit u = made_up(i, 1, UNIT_DATA);

        assert_ok(page_set_unit(p, i % 64, 1, &u, 0, NULL));
        m->unit[i % 64] = i;
        if (i >= 64 && i % 1000 == 0)
            model_check(m, p);
    }
    model_check(m, p);
}

static void a_page_of_single_sectors_in_as_many_packs_fits_a_unit(void **state)
{
    auto_page struct page *p = NULL;
    auto_page struct page *back = NULL;
    auto_buf struct buf raw = {0};

    (void)state;
    assert_ok(page_new(REGION, PAGE_SECTORS_MAX, &p, NULL));
    for (uint32_t s = 0; s < PAGE_SECTORS_MAX; s++) {
        struct unit u = made_up((uint64_t)s * 50, 1, UNIT_DATA);

        assert_ok(page_set_unit(p, s, 1, &u, 0, NULL));
    }
    assert_ok(page_encode(p, &raw, NULL));
    assert_in_range(raw.len, PAGE_SECTORS_MAX, UNIT_RAW_MAX);
    assert_ok(page_decode(buf_slice(&raw), REGION, PAGE_SECTORS_MAX, &back, NULL));
}

static void equal_pages_have_equal_bytes_whatever_their_history(void **state)
{
    auto_page struct page *a = NULL;
    auto_page struct page *b = NULL;
    auto_buf struct buf raw_a = {0};
    auto_buf struct buf raw_b = {0};
    struct unit u = made_up(1, 64, UNIT_DATA);
    struct unit w = made_up(99, 64, UNIT_DATA);

    (void)state;
    assert_ok(page_new(REGION, 1000, &a, NULL));
    assert_ok(page_new(REGION, 1000, &b, NULL));
    assert_ok(page_set_unit(a, 10, 64, &u, 0, NULL));
    assert_ok(page_set_unit(a, 500, 64, &w, 0, NULL));
    assert_ok(page_set_unit(b, 0, 64, &w, 0, NULL));
    assert_ok(page_set_unit(b, 500, 64, &w, 0, NULL));
    page_set_zero(b, 0, 64);
    for (uint32_t s = 64; s-- > 0;)
        assert_ok(page_set_unit(b, 10 + s, 1, &u, s, NULL));
    assert_ok(page_encode(a, &raw_a, NULL));
    assert_ok(page_encode(b, &raw_b, NULL));
    assert_int_equal(raw_a.len, raw_b.len);
    assert_memory_equal(raw_a.data, raw_b.data, raw_a.len);
    assert_false(page_is_zero(a));
    page_set_zero(a, 0, 1000);
    assert_true(page_is_zero(a));
}

static void ranges_that_do_not_fit_are_refused(void **state)
{
    auto_page struct page *p = NULL;
    struct page *none = NULL;
    struct unit u = made_up(1, 8, UNIT_DATA);
    struct unit map = made_up(1, 8, UNIT_MAP);

    (void)state;
    assert_fails(-EINVAL, page_new(0, 0, &none, NULL));
    assert_fails(-EINVAL, page_new(0, PAGE_SECTORS_MAX + 1, &none, NULL));
    assert_ok(page_new(REGION, 100, &p, NULL));
    assert_fails(-EINVAL, page_set_unit(p, 0, 0, &u, 0, NULL));
    assert_fails(-EINVAL, page_set_unit(p, 0, 9, &u, 0, NULL));
    assert_fails(-EINVAL, page_set_unit(p, 0, 1, &u, 8, NULL));
    assert_fails(-EINVAL, page_set_unit(p, 0, 8, &u, UINT32_MAX, NULL));
    assert_fails(-EINVAL, page_set_unit(p, 93, 8, &u, 0, NULL));
    assert_fails(-EINVAL, page_set_unit(p, 100, 1, &u, 0, NULL));
    assert_fails(-EINVAL, page_set_unit(p, 0, 8, &map, 0, NULL));
    assert_ok(page_set_unit(p, 92, 8, &u, 0, NULL));
    assert_fails(-EINVAL, page_resize(p, 0, NULL));
}

/* ---- damage to the encoding itself ----------------------------------------- */

static void every_truncation_and_extension_of_a_page_is_refused(void **state)
{
    auto_buf struct buf raw = {0};

    (void)state;
    small_page(&raw);
    for (size_t len = 0; len < raw.len; len++) {
        struct page *p = NULL;
        struct err err = {0};

        expect_damaged(page_decode(slice_of(raw.data, len), REGION, 100, &p, &err), &err);
    }
    {
        struct page *p = NULL;
        struct err err = {0};

        buf_u8(&raw, 0);
        expect_damaged(page_decode(buf_slice(&raw), REGION, 100, &p, &err), &err);
    }
}

/* Inside an authenticated unit no bit flips by itself; still the parser must never accept bytes
 * that it would not have written: what is accepted is written back the same. */
static void a_flipped_bit_is_refused_or_means_just_that(void **state)
{
    auto_buf struct buf raw = {0};

    (void)state;
    small_page(&raw);
    for (size_t bit = 0; bit < raw.len * 8; bit++) {
        auto_page struct page *p = NULL;
        auto_buf struct buf again = {0};

        raw.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (page_decode(buf_slice(&raw), REGION, 100, &p, NULL) == 0) {
            assert_ok(page_encode(p, &again, NULL));
            assert_int_equal(raw.len, again.len);
            assert_memory_equal(raw.data, again.data, raw.len);
        }
        raw.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void a_page_of_another_region_or_size_is_refused(void **state)
{
    auto_buf struct buf raw = {0};
    struct page *p = NULL;
    struct err err = {0};

    (void)state;
    small_page(&raw);
    expect_damaged(page_decode(buf_slice(&raw), REGION + 1, 100, &p, &err), &err);
    expect_damaged(page_decode(buf_slice(&raw), REGION, 101, &p, &err), &err);
    expect_damaged(page_decode(buf_slice(&raw), REGION, 99, &p, &err), &err);
}

/* A page of 100 zero sectors in extents of these lengths, written by hand. */
static int decode_zeroes(const uint16_t *counts, uint32_t n)
{
    auto_page struct page *p = NULL;
    auto_buf struct buf raw = {0};

    buf_str(&raw, "GWMP");
    buf_u32le(&raw, 1);
    buf_u32le(&raw, REGION);
    buf_u32le(&raw, 100);
    buf_u32le(&raw, 0);
    buf_u32le(&raw, n);
    buf_u32le(&raw, 0);
    for (uint32_t i = 0; i < n; i++)
        buf_u16le(&raw, counts[i]);
    for (uint32_t i = 0; i < n; i++)
        buf_u16le(&raw, 0xffff);
    for (uint32_t i = 0; i < n; i++)
        buf_u8(&raw, 0);
    return page_decode(buf_slice(&raw), REGION, 100, &p, NULL);
}

static void extents_must_be_whole_and_cover_the_region(void **state)
{
    (void)state;
    assert_ok(decode_zeroes((const uint16_t[]){100}, 1));
    assert_fails(-EBADMSG, decode_zeroes((const uint16_t[]){50, 50}, 2)); /* could be one */
    assert_fails(-EBADMSG, decode_zeroes((const uint16_t[]){100, 0}, 2));
    assert_fails(-EBADMSG, decode_zeroes((const uint16_t[]){99}, 1));
    assert_fails(-EBADMSG, decode_zeroes((const uint16_t[]){101}, 1));
    assert_fails(-EBADMSG, decode_zeroes(NULL, 0));
}

/* Where the parts of a page of two units in packs_n packs lie. */
enum { PACKS_AT = 24 + 4, PACK_ROW = 64 };

static int decode_copied(uint8_t *data, size_t len, size_t from, size_t to, size_t n)
{
    auto_page struct page *p = NULL;

    memmove(data + to, data + from, n);
    return page_decode(slice_of(data, len), REGION, 100, &p, NULL);
}

static void a_pack_or_a_unit_said_twice_is_refused(void **state)
{
    auto_buf struct buf two_packs = {0};
    auto_buf struct buf one_pack = {0};
    const size_t columns[] = {UNIT_ID_LEN, 2, 4, 4, 4, 2, 1};

    (void)state;
    for (int i = 0; i < 2; i++) {
        auto_page struct page *p = NULL;
        struct unit a = made_up(1, 8, UNIT_DATA);
        struct unit b = made_up(i ? 2 : 200, 8, UNIT_DATA);

        assert_ok(page_new(REGION, 100, &p, NULL));
        assert_ok(page_set_unit(p, 0, 8, &a, 0, NULL));
        assert_ok(page_set_unit(p, 8, 8, &b, 0, NULL));
        assert_ok(page_encode(p, i ? &one_pack : &two_packs, NULL));
    }
    assert_fails(-EBADMSG, decode_copied(two_packs.data, two_packs.len, PACKS_AT,
                                         PACKS_AT + PACK_ROW, PACK_ROW));
    for (size_t i = 0, at = PACKS_AT + PACK_ROW; i < ARRAY_LEN(columns); at += 2 * columns[i++]) {
        int rc = decode_copied(one_pack.data, one_pack.len, at, at + columns[i], columns[i]);

        if (i == 5) /* the segment was the last difference of place */
            assert_int_equal(-EBADMSG, rc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousands_of_operations_agree_with_a_plain_model),
        cmocka_unit_test(units_out_of_use_make_room),
        cmocka_unit_test(a_page_of_single_sectors_in_as_many_packs_fits_a_unit),
        cmocka_unit_test(equal_pages_have_equal_bytes_whatever_their_history),
        cmocka_unit_test(ranges_that_do_not_fit_are_refused),
        cmocka_unit_test(every_truncation_and_extension_of_a_page_is_refused),
        cmocka_unit_test(a_flipped_bit_is_refused_or_means_just_that),
        cmocka_unit_test(a_page_of_another_region_or_size_is_refused),
        cmocka_unit_test(extents_must_be_whole_and_cover_the_region),
        cmocka_unit_test(a_pack_or_a_unit_said_twice_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Map pages and directories: against a plain model, and against every kind of damage. */
#include "tests/vault_fixture.h"

#include "base/gw.h"
#include "transport/codec.h"
#include "transport/page_impl.h"
#include "transport/pagedir.h"
#include "transport/unittab.h"

#include "base/banned.h"

enum { SECTOR = 4096, REGION = 7 };

/* A unit that could exist; nothing fetches it. */
static struct unit made_up(uint64_t n, uint32_t sectors, enum unit_kind kind)
{
    struct unit u = {.offset = (uint32_t)(PACK_HEADER_LEN + n % 1000),
                     .raw_len = sectors * SECTOR,
                     .stored_len = sectors * SECTOR + SEAL_TAG_LEN,
                     .segment = (uint32_t)(n % 5000),
                     .codec = CODEC_RAW,
                     .kind = (uint8_t)kind};

    fixture_noise(n / 50, u.pack, sizeof(u.pack)); /* fifty units a pack */
    fixture_noise(n / 50 + 1, u.salt, sizeof(u.salt));
    fixture_noise(n, u.id, sizeof(u.id));
    return u;
}

static void expect_damaged(int rc, const struct err *err)
{
    assert_int_equal(-EBADMSG, rc);
    assert_int_equal(GW_VAULT_DAMAGED, err->gw);
}

/* ---- against a model ------------------------------------------------------- */

/* What a page should say, in the plainest form. */
struct model {
    uint32_t sectors;
    bool zero[PAGE_SECTORS_MAX];
    uint64_t unit[PAGE_SECTORS_MAX];
    uint32_t inside[PAGE_SECTORS_MAX];
};

static void model_check(const struct model *m, const struct page *p)
{
    struct page_extent e;
    uint32_t s = 0;

    assert_int_equal(m->sectors, page_sectors(p));
    while (page_extent(p, s, &e)) {
        assert_int_equal(s, e.first);
        assert_in_range(e.count, 1, m->sectors - s);
        for (uint32_t i = 0; i < e.count; i++) {
            assert_int_equal(m->zero[s + i], e.zero);
            if (e.zero)
                continue;
            assert_int_equal(m->inside[s + i], e.unit_first + i);
            if (i == 0) {
                struct unit u = made_up(m->unit[s], e.unit.raw_len / SECTOR, UNIT_DATA);

                assert_memory_equal(&u, &e.unit, sizeof(u));
            }
            assert_int_equal(m->unit[s], m->unit[s + i]);
        }
        s += e.count;
    }
    assert_int_equal(m->sectors, s);
}

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

static uint32_t below(uint64_t *rnd, uint64_t n)
{
    return (uint32_t)(fixture_random(rnd) % n);
}

/* The length of a made-up unit follows from its number, so that the model can make it up again. */
static uint32_t sectors_of_unit(uint64_t n)
{
    return (uint32_t)(n % UNIT_SECTORS_MAX) + 1;
}

static void step_unit(struct model *m, struct page *p, uint64_t *rnd, uint64_t units)
{
    uint64_t n = below(rnd, units);
    uint32_t sectors = sectors_of_unit(n);
    struct unit u = made_up(n, sectors, UNIT_DATA);
    uint32_t inside = below(rnd, sectors);
    uint32_t count = 1 + below(rnd, sectors - inside);
    uint32_t first = below(rnd, m->sectors);

    if (count > m->sectors - first)
        count = m->sectors - first;
    assert_ok(page_set_unit(p, first, count, &u, inside, NULL));
    for (uint32_t i = 0; i < count; i++) {
        m->zero[first + i] = false;
        m->unit[first + i] = n;
        m->inside[first + i] = inside + i;
    }
}

static void step_zero(struct model *m, struct page *p, uint64_t *rnd)
{
    uint32_t first = below(rnd, m->sectors);
    uint32_t count = below(rnd, m->sectors - first < 200 ? m->sectors - first + 1 : 200);

    page_set_zero(p, first, count);
    memset(m->zero + first, true, count);
}

static void step_resize(struct model *m, struct page *p, uint64_t *rnd)
{
    uint32_t sectors = 1 + below(rnd, PAGE_SECTORS_MAX);

    assert_ok(page_resize(p, sectors, NULL));
    for (uint32_t s = m->sectors; s < sectors; s++)
        m->zero[s] = true;
    m->sectors = sectors;
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

static void small_page(struct buf *raw)
{
    auto_page struct page *p = NULL;
    struct unit a = made_up(1, 8, UNIT_DATA);
    struct unit b = made_up(200, 8, UNIT_DATA);

    assert_ok(page_new(REGION, 100, &p, NULL));
    assert_ok(page_set_unit(p, 3, 8, &a, 0, NULL));
    assert_ok(page_set_unit(p, 20, 4, &b, 2, NULL));
    assert_ok(page_set_unit(p, 60, 4, &a, 4, NULL));
    assert_ok(page_encode(p, raw, NULL));
}

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

/* ---- directories ----------------------------------------------------------- */

static void directories_come_back(void **state)
{
    static const uint32_t sizes[] = {1, 2, 100, 1024};

    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
        auto_pagedir struct pagedir *d = NULL;
        auto_pagedir struct pagedir *back = NULL;
        auto_buf struct buf raw = {0};
        uint64_t rnd = k + 1;

        assert_ok(pagedir_new(3, sizes[k], &d, NULL));
        assert_true(pagedir_is_zero(d));
        for (uint32_t i = 0; i < sizes[k]; i++) {
            struct unit u = made_up(fixture_random(&rnd) % 10000, 3, UNIT_MAP);

            if (fixture_random(&rnd) % 3 > 0)
                pagedir_set(d, i, &u);
        }
        assert_ok(pagedir_encode(d, &raw, NULL));
        assert_ok(pagedir_decode(buf_slice(&raw), 3, sizes[k], &back, NULL));
        for (uint32_t i = 0; i < sizes[k]; i++) {
            const struct unit *a = pagedir_get(d, i);
            const struct unit *b = pagedir_get(back, i);

            assert_int_equal(a == NULL, b == NULL);
            if (a)
                assert_memory_equal(a, b, sizeof(*a));
        }
    }
}

static void a_directory_shrinks_and_grows_with_zero_regions(void **state)
{
    auto_pagedir struct pagedir *d = NULL;
    struct unit u = made_up(1, 3, UNIT_MAP);

    (void)state;
    assert_ok(pagedir_new(0, 10, &d, NULL));
    pagedir_set(d, 9, &u);
    assert_ok(pagedir_resize(d, 9, NULL));
    assert_ok(pagedir_resize(d, 10, NULL));
    assert_null(pagedir_get(d, 9));
    pagedir_set(d, 9, &u);
    assert_non_null(pagedir_get(d, 9));
    pagedir_set(d, 9, NULL);
    assert_true(pagedir_is_zero(d));
    assert_fails(-EINVAL, pagedir_resize(d, PAGEDIR_REGIONS_MAX + 1, NULL));
}

static void damaged_directories_are_refused(void **state)
{
    auto_pagedir struct pagedir *d = NULL;
    auto_buf struct buf raw = {0};
    struct unit a = made_up(1, 3, UNIT_MAP);
    struct unit b = made_up(200, 3, UNIT_MAP);

    (void)state;
    assert_ok(pagedir_new(3, 20, &d, NULL));
    pagedir_set(d, 4, &a);
    pagedir_set(d, 19, &b);
    assert_ok(pagedir_encode(d, &raw, NULL));
    for (size_t len = 0; len < raw.len; len++) {
        struct pagedir *back = NULL;
        struct err err = {0};

        expect_damaged(pagedir_decode(slice_of(raw.data, len), 3, 20, &back, &err), &err);
    }
    for (size_t bit = 0; bit < raw.len * 8; bit++) {
        auto_pagedir struct pagedir *back = NULL;
        auto_buf struct buf again = {0};

        raw.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (pagedir_decode(buf_slice(&raw), 3, 20, &back, NULL) == 0) {
            assert_ok(pagedir_encode(back, &again, NULL));
            assert_int_equal(raw.len, again.len);
            assert_memory_equal(raw.data, again.data, raw.len);
        }
        raw.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* ---- in the vault ---------------------------------------------------------- */

static void pages_and_directories_travel_through_a_vault(void **state)
{
    struct vault *v = fixture_vault("mem:pages", fixture_key);
    auto_buf struct buf page_raw = {0};
    auto_buf struct buf dir_raw = {0};
    auto_pagedir struct pagedir *d = NULL;
    auto_pagedir struct pagedir *d_back = NULL;
    auto_page struct page *p_back = NULL;
    struct slice raw;
    struct unit page_at;
    struct unit dir_at;
    struct err err = {0};

    (void)state;
    small_page(&page_raw);
    raw = buf_slice(&page_raw);
    fixture_pack(v, UNIT_MAP, &raw, 1, &page_at);
    assert_ok(pagedir_new(0, 8, &d, NULL));
    pagedir_set(d, REGION, &page_at);
    assert_ok(pagedir_encode(d, &dir_raw, NULL));
    raw = buf_slice(&dir_raw);
    fixture_pack(v, UNIT_MAP, &raw, 1, &dir_at);
    assert_ok(pagedir_fetch(v, &dir_at, 0, 8, &d_back, NULL));
    assert_ok(page_fetch(v, pagedir_get(d_back, REGION), REGION, 100, &p_back, NULL));
    expect_damaged(page_fetch(v, &dir_at, REGION, 100, &p_back, &err), &err);
    expect_damaged(pagedir_fetch(v, &page_at, 0, 8, &d_back, &err), &err);
    vault_close(v);
}

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
        cmocka_unit_test(directories_come_back),
        cmocka_unit_test(a_directory_shrinks_and_grows_with_zero_regions),
        cmocka_unit_test(damaged_directories_are_refused),
        cmocka_unit_test(pages_and_directories_travel_through_a_vault),
        cmocka_unit_test(differences_upon_differences_agree_with_a_plain_model),
        cmocka_unit_test(a_difference_is_as_long_as_the_change),
        cmocka_unit_test(a_difference_whose_base_is_gone_or_exchanged_is_refused),
        cmocka_unit_test(depths_must_count_down_and_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Directory pages, and the way from one to a page through a vault. */
#include "tests/page_fixture.h"

#include "base/banned.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directories_come_back),
        cmocka_unit_test(a_directory_shrinks_and_grows_with_zero_regions),
        cmocka_unit_test(damaged_directories_are_refused),
        cmocka_unit_test(pages_and_directories_travel_through_a_vault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

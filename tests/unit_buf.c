/* SPDX-License-Identifier: Apache-2.0 */
/* struct buf: what is appended is there, the ceiling holds, a failure sticks; reading is bounded.
 */
#include "tests/unit.h"

#include "base/buf.h"

#include "base/banned.h"

static void zero_value_is_an_empty_buffer(void **state)
{
    auto_buf struct buf b = {0};

    (void)state;
    assert_string_equal("", buf_cstr(&b));
    assert_int_equal(0, buf_slice(&b).len);
    assert_ok(buf_failed(&b, NULL));
    assert_ok(buf_append(&b, NULL, 0));
    assert_ok(buf_str(&b, ""));
    assert_int_equal(0, b.len);
}

static void appended_bytes_are_there_in_order(void **state)
{
    auto_buf struct buf b = {0};

    (void)state;
    assert_ok(buf_str(&b, "ab"));
    assert_ok(buf_append(&b, "c\0d", 3));
    assert_ok(buf_printf(&b, "%d-%s", 7, "x"));
    assert_ok(buf_hex(&b, "\x00\xaf", 2));
    assert_int_equal(12, b.len);
    assert_memory_equal("abc\0d7-x00af", b.data, 12);
}

static void integers_are_little_endian(void **state)
{
    static const uint8_t want[] = {0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f,
                                   0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08};
    auto_buf struct buf b = {0};

    (void)state;
    buf_u8(&b, 0x01);
    buf_u16le(&b, 0x0203);
    buf_u32le(&b, 0x04050607);
    buf_u64le(&b, UINT64_C(0x08090a0b0c0d0e0f));
    assert_ok(buf_failed(&b, NULL));
    assert_int_equal(sizeof(want), b.len);
    assert_memory_equal(want, b.data, sizeof(want));
}

static void growing_keeps_what_was_there(void **state)
{
    auto_buf struct buf b = {0};

    (void)state;
    for (uint32_t i = 0; i < 100000; i++)
        assert_ok(buf_u32le(&b, i));
    for (uint32_t i = 0; i < 100000; i++)
        assert_memory_equal(&i, b.data + 4 * (size_t)i, 4);
}

static void append_fills_to_the_ceiling_and_not_beyond(void **state)
{
    auto_buf struct buf b;
    struct err err = {0};

    (void)state;
    buf_init(&b, 4);
    assert_ok(buf_str(&b, "abcd"));
    assert_string_equal("abcd", buf_cstr(&b));
    assert_fails(-EFBIG, buf_u8(&b, 'e'));
    assert_int_equal(4, b.len);
    assert_fails(-EFBIG, buf_failed(&b, &err));
    assert_string_equal("more than 4 bytes", err.text);
}

static void a_failure_sticks_until_clear(void **state)
{
    auto_buf struct buf b;

    (void)state;
    buf_init(&b, 4);
    assert_fails(-EFBIG, buf_str(&b, "abcde"));
    assert_int_equal(0, b.len);
    assert_fails(-EFBIG, buf_str(&b, "a"));
    assert_fails(-EFBIG, buf_printf(&b, "a"));
    assert_fails(-EFBIG, buf_hex(&b, "a", 1));
    assert_int_equal(0, b.len);
    buf_clear(&b);
    assert_ok(buf_str(&b, "ab"));
}

static void append_refuses_overflow(void **state)
{
    auto_buf struct buf b = {0};
    uint8_t *at = NULL;

    (void)state;
    assert_ok(buf_str(&b, "abc"));
    assert_fails(-EFBIG, buf_reserve(&b, SIZE_MAX, &at));
    buf_clear(&b);
    assert_fails(-EFBIG, buf_hex(&b, "", SIZE_MAX));
    assert_null(at);
}

static void default_ceiling_holds(void **state)
{
    auto_buf struct buf b = {0};
    uint8_t *at;

    (void)state;
    assert_fails(-EFBIG, buf_reserve(&b, BUF_MAX_DEFAULT + 1, &at));
}

static void printf_at_the_ceiling_needs_no_room_for_nul(void **state)
{
    auto_buf struct buf b;

    (void)state;
    buf_init(&b, 3);
    assert_ok(buf_printf(&b, "%d", 123));
    assert_int_equal(3, b.len);
    assert_fails(-EFBIG, buf_printf(&b, "%d", 4));
}

static void long_printf_is_whole(void **state)
{
    auto_buf struct buf b = {0};

    (void)state;
    assert_ok(buf_printf(&b, "%05000d", 1));
    assert_int_equal(5000, b.len);
    assert_int_equal('1', b.data[4999]);
}

static void reserve_gives_room_that_grow_commits(void **state)
{
    auto_buf struct buf b = {0};
    uint8_t *at;

    (void)state;
    assert_ok(buf_str(&b, "x"));
    assert_ok(buf_reserve(&b, 1000, &at));
    memset(at, 'y', 1000);
    assert_int_equal(1, b.len);
    buf_grow(&b, 1000);
    assert_int_equal(1001, b.len);
    assert_int_equal('x', b.data[0]);
    assert_int_equal('y', b.data[1000]);
}

static void clear_keeps_memory_and_done_gives_it_back(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    assert_ok(buf_str(&b, "abc"));
    buf_clear(&b);
    assert_int_equal(0, b.len);
    assert_non_null(b.data);
    buf_done(&b);
    assert_null(b.data);
    assert_int_equal(10, b.max);
    buf_done(&b);
}

static void reader_gives_back_what_was_written(void **state)
{
    auto_buf struct buf b = {0};
    struct buf_reader r;
    struct slice s;

    (void)state;
    buf_u8(&b, 0xfe);
    buf_u16le(&b, 0xfedc);
    buf_u32le(&b, 0xfedcba98);
    buf_u64le(&b, UINT64_MAX - 1);
    buf_str(&b, "tail");
    r = buf_reader(buf_slice(&b));
    assert_int_equal(0xfe, buf_get_u8(&r));
    assert_int_equal(0xfedc, buf_get_u16le(&r));
    assert_int_equal(0xfedcba98, buf_get_u32le(&r));
    assert_true(buf_get_u64le(&r) == UINT64_MAX - 1);
    s = buf_get(&r, 4);
    assert_memory_equal("tail", s.data, 4);
    assert_int_equal(0, r.left);
    assert_false(r.short_);
}

static void short_reader_answers_zero_for_ever(void **state)
{
    struct buf_reader r = buf_reader(slice_of("\x01\x02\x03", 3));

    (void)state;
    assert_int_equal(0, buf_get_u32le(&r));
    assert_true(r.short_);
    assert_int_equal(0, buf_get_u8(&r));
    assert_null(buf_get(&r, 1).data);
    assert_null(buf_get(&r, 0).data);
}

static void reader_refuses_a_length_from_hell(void **state)
{
    struct buf_reader r = buf_reader(slice_of("abc", 3));
    struct slice s;

    (void)state;
    s = buf_get(&r, SIZE_MAX);
    assert_int_equal(0, s.len);
    assert_true(r.short_);
}

static void reader_over_nothing_is_short_only_when_asked(void **state)
{
    struct buf_reader r = buf_reader(slice_of(NULL, 0));

    (void)state;
    assert_int_equal(0, buf_get(&r, 0).len);
    assert_false(r.short_);
    buf_get_u8(&r);
    assert_true(r.short_);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_value_is_an_empty_buffer),
        cmocka_unit_test(appended_bytes_are_there_in_order),
        cmocka_unit_test(integers_are_little_endian),
        cmocka_unit_test(growing_keeps_what_was_there),
        cmocka_unit_test(append_fills_to_the_ceiling_and_not_beyond),
        cmocka_unit_test(a_failure_sticks_until_clear),
        cmocka_unit_test(append_refuses_overflow),
        cmocka_unit_test(default_ceiling_holds),
        cmocka_unit_test(printf_at_the_ceiling_needs_no_room_for_nul),
        cmocka_unit_test(long_printf_is_whole),
        cmocka_unit_test(reserve_gives_room_that_grow_commits),
        cmocka_unit_test(clear_keeps_memory_and_done_gives_it_back),
        cmocka_unit_test(reader_gives_back_what_was_written),
        cmocka_unit_test(short_reader_answers_zero_for_ever),
        cmocka_unit_test(reader_refuses_a_length_from_hell),
        cmocka_unit_test(reader_over_nothing_is_short_only_when_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

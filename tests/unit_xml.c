/* SPDX-License-Identifier: Apache-2.0 */
/* XML and zips from outside: what could grow or never end is refused. */
#include "base/buf.h"
#include "base/xml.h"
#include "base/zip.h"
#include "tests/unit.h"

#include "base/banned.h"

static void on_begin(void *ctx, const char *name, const char *const *attributes)
{
    const char *id = xml_attribute(attributes, "id");

    buf_printf(ctx, "<%s%s%s>", name, id ? " " : "", id ? id : "");
}

static void on_end(void *ctx, const char *name)
{
    buf_printf(ctx, "</%s>", name);
}

static void on_text(void *ctx, struct slice text)
{
    buf_append(ctx, text.data, text.len);
}

static int read_xml(const char *text, struct buf *out)
{
    const struct xml_events events = {
        .ctx = out, .begin = on_begin, .end = on_end, .text = on_text};

    return xml_parse(slice_str(text), &events, NULL);
}

static void elements_come_without_prefixes(void **state)
{
    auto_buf struct buf out = {0};
    int r = read_xml("<a:b xmlns:a=\"x\" a:id=\"7\">t&amp;u<c/></a:b>", &out);

    (void)state;
    if (r == -ENOSYS)
        skip();
    assert_ok(r);
    assert_string_equal(buf_cstr(&out), "<b 7>t&u<c></c></b>");
}

static void types_depth_and_damage_are_refused(void **state)
{
    static const char *const texts[] = {"<!DOCTYPE a [<!ENTITY b \"bb\">]><a>&b;</a>",
                                        "<a><b></a>",
                                        "<a>",
                                        "",
                                        "text",
                                        "<a>&x;</a>"};
    auto_buf struct buf deep = {0}, out = {0};
    int r = read_xml("<a/>", &out);

    (void)state;
    if (r == -ENOSYS)
        skip();
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_fails(-EINVAL, read_xml(texts[i], &out));
    for (int i = 0; i <= XML_DEPTH_MAX; i++)
        buf_str(&deep, "<a>");
    assert_fails(-EINVAL, read_xml(buf_cstr(&deep), &out));
}

static int count_file(void *arg, const char *name, struct slice bytes)
{
    (void)name;
    *(size_t *)arg += bytes.len;
    return 0;
}

/* One stored file "a" of 5 bytes, "hello". */
static const uint8_t small_zip[] =
    "PK\3\4\x0a\0\0\0\0\0\0\0\x21\0\x86\xa6\x10\x36\5\0\0\0\5\0\0\0\1\0\0\0ahello"
    "PK\1\2\x0a\3\x0a\0\0\0\0\0\0\0\x21\0\x86\xa6\x10\x36\5\0\0\0\5\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0"
    "\x80\1\0\0\0\0a"
    "PK\5\6\0\0\0\0\1\0\1\0\x2f\0\0\0\x24\0\0\0\0";

static void what_is_unpacked_is_bounded(void **state)
{
    const struct slice zip = slice_of(small_zip, sizeof(small_zip));
    size_t bytes = 0;
    int r = zip_each(zip, 1 << 20, count_file, &bytes, NULL);

    (void)state;
    if (r == -ENOSYS)
        skip();
    assert_ok(r);
    assert_int_equal(bytes, 5);
    assert_fails(-EFBIG, zip_each(zip, 4, count_file, &bytes, NULL));
    assert_true(zip_is(zip));
    assert_false(zip_is(slice_str("PK")));
}

static void a_damaged_zip_is_refused(void **state)
{
    uint8_t broken[sizeof(small_zip)];
    size_t bytes = 0;
    int r = zip_each(slice_of(small_zip, sizeof(small_zip)), 1 << 20, count_file, &bytes, NULL);

    (void)state;
    if (r == -ENOSYS)
        skip();
    memcpy(broken, small_zip, sizeof(broken));
    broken[32] ^= 1; /* a byte of the file: its sum is another */
    assert_fails(-EINVAL,
                 zip_each(slice_of(broken, sizeof(broken)), 1 << 20, count_file, &bytes, NULL));
    assert_fails(-EINVAL, zip_each(slice_str("PK\3\4 no zip"), 1 << 20, count_file, &bytes, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_come_without_prefixes),
        cmocka_unit_test(types_depth_and_damage_are_refused),
        cmocka_unit_test(what_is_unpacked_is_bounded),
        cmocka_unit_test(a_damaged_zip_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

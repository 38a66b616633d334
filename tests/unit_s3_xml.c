/* SPDX-License-Identifier: Apache-2.0 */
/* The extractor of S3 replies: what it finds, and that it never reads past what it was given. */
#include "tests/unit.h"

#include "base/clock.h"
#include "transport/s3_xml.h"

#include "base/banned.h"

static void texts_are_found_by_name(void **state)
{
    struct slice doc = slice_str("<?xml version=\"1.0\"?>\n<Error xmlns=\"x\"><CodeX>no</CodeX>"
                                 "<Code>NoSuchKey</Code><Empty/><Blank></Blank>"
                                 "<Message lang='en'>a &lt;b&gt; &amp; &quot;c&quot; &#x27;&#39;"
                                 "</Message></Error>");
    char out[64];

    (void)state;
    assert_ok(s3_xml_text(doc, "Code", out, sizeof(out)));
    assert_string_equal("NoSuchKey", out);
    assert_ok(s3_xml_text(doc, "Message", out, sizeof(out)));
    assert_string_equal("a <b> & \"c\" ''", out);
    assert_ok(s3_xml_text(doc, "Empty", out, sizeof(out)));
    assert_string_equal("", out);
    assert_ok(s3_xml_text(doc, "Blank", out, sizeof(out)));
    assert_string_equal("", out);
    assert_fails(-ENOENT, s3_xml_text(doc, "Cod", out, sizeof(out)));
    assert_fails(-ENOENT, s3_xml_text(slice_of(NULL, 0), "Code", out, sizeof(out)));
}

static void too_long_or_strange_texts_are_refused(void **state)
{
    static const char *const bad[] = {"<A>12345678</A>", "<A>&unknown;</A>", "<A>&</A>",
                                      "<A>&#0;</A>",     "<A>&#999;</A>",    "<A>&#x;</A>",
                                      "<A><B>x</B></A>", "<A>&#12a;</A>"};
    char out[8];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_fails(-EINVAL, s3_xml_text(slice_str(bad[i]), "A", out, sizeof(out)));
        assert_string_equal("", out);
    }
    assert_ok(s3_xml_text(slice_str("<A>1234567</A>"), "A", out, sizeof(out)));
}

static void elements_are_walked_in_order(void **state)
{
    struct slice rest =
        slice_str("<L><C><K>1</K></C><X/><C ><K>2</K></C ><C><K>3</K></C>cut<C><K>");
    struct slice inside;
    char out[8];

    (void)state;
    assert_true(s3_xml_next(&rest, "C", &inside));
    assert_ok(s3_xml_text(inside, "K", out, sizeof(out)));
    assert_string_equal("1", out);
    /* "</C >" is not what S3 writes: the element then ends at the next plain one. */
    assert_true(s3_xml_next(&rest, "C", &inside));
    assert_ok(s3_xml_text(inside, "K", out, sizeof(out)));
    assert_string_equal("2", out);
    assert_false(s3_xml_next(&rest, "C", &inside));
}

/* Every cut of a reply, in memory of exactly that size: sanitizers watch the reads. */
static void cut_replies_are_never_overrun(void **state)
{
    static const char whole[] = "<ListBucketResult><IsTruncated>true</IsTruncated><Contents>"
                                "<Key>a&amp;b</Key><Size>1</Size></Contents></ListBucketResult>";
    static const char *const tags[] = {"ListBucketResult", "Contents", "Key", "Size", "C", "Key>"};

    (void)state;
    for (size_t len = 0; len <= strlen(whole); len++) {
        auto_free uint8_t *copy = malloc(len > 0 ? len : 1);

        memcpy(copy, whole, len);
        for (size_t t = 0; t < ARRAY_LEN(tags); t++) {
            struct slice rest = slice_of(copy, len);
            struct slice inside;
            char out[16];

            while (s3_xml_next(&rest, tags[t], &inside))
                assert_true(inside.data >= copy && inside.data + inside.len <= copy + len);
            s3_xml_text(slice_of(copy, len), tags[t], out, sizeof(out));
        }
    }
}

static void noise_is_survived(void **state)
{
    static const char alphabet[] = "<>/&;#xA1 \n\0";

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t noise[48];
        size_t len = (size_t)rng_below(&rng_system, sizeof(noise) + 1);
        auto_free uint8_t *copy = malloc(len > 0 ? len : 1);
        char out[8];

        for (size_t i = 0; i < len; i++)
            copy[i] = (uint8_t)alphabet[rng_below(&rng_system, sizeof(alphabet))];
        s3_xml_text(slice_of(copy, len), "A", out, sizeof(out));
        s3_xml_text(slice_of(copy, len), "A1", out, sizeof(out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_found_by_name),
        cmocka_unit_test(too_long_or_strange_texts_are_refused),
        cmocka_unit_test(elements_are_walked_in_order),
        cmocka_unit_test(cut_replies_are_never_overrun),
        cmocka_unit_test(noise_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures against the published examples of the Amazon S3 API Reference, "Signature Calculations
 * for the Authorization Header: Transferring Payload in a Single Chunk", and at the edges of keys.
 */
#include "tests/unit.h"

#include "base/crypto.h"
#include "base/text.h"
#include "transport/s3_sign.h"

#include "base/banned.h"

#define EXAMPLE_MS UINT64_C(1369353600000) /* 2013-05-24T00:00:00Z */

static const struct s3_sign_key example_key = {
    .access_key = "AKIAIOSFODNN7EXAMPLE",
    .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    .token = "",
    .region = "us-east-1",
    .service = "s3",
};

static void sign(struct s3_sign_request *req, const char *body, struct s3_signed *ret)
{
    uint8_t sha[CRYPTO_SHA256_LEN];
    struct err err = {0};

    if (!req->host)
        req->host = "examplebucket.s3.amazonaws.com";
    if (!req->method)
        req->method = "GET";
    req->wall_ms = EXAMPLE_MS;
    crypto_sha256(slice_str(body), sha);
    req->payload_sha256 = sha;
    if (s3_sign(&example_key, req, ret, &err) < 0)
        fail_msg("%s", err.text);
}

/* The line of a header, or "". */
static const char *line_of(const struct s3_signed *s, const char *name)
{
    for (size_t i = 0; s->lines[i]; i++)
        if (text_starts(s->lines[i], name) && s->lines[i][strlen(name)] == ':')
            return s->lines[i] + strlen(name) + 2;
    return "";
}

static void assert_authorization(const struct s3_signed *s, const char *names,
                                 const char *signature)
{
    char want[512];

    assert_ok(text_print(want, sizeof(want),
                         "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
                         "aws4_request,SignedHeaders=%s,Signature=%s",
                         names, signature));
    assert_string_equal(want, line_of(s, "Authorization"));
}

static void published_get_object(void **state)
{
    static const struct s3_sign_pair headers[] = {{"range", "bytes=0-9"}};
    struct s3_sign_request req = {.path = "/test.txt", .headers = headers, .headers_n = 1};
    auto_signed struct s3_signed s = {0};

    (void)state;
    sign(&req, "", &s);
    assert_authorization(&s, "host;range;x-amz-content-sha256;x-amz-date",
                         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    assert_string_equal("/test.txt", buf_cstr(&s.target));
    assert_string_equal("bytes=0-9", line_of(&s, "range"));
    assert_string_equal("20130524T000000Z", line_of(&s, "x-amz-date"));
    assert_string_equal("examplebucket.s3.amazonaws.com", line_of(&s, "host"));
    assert_string_equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                        line_of(&s, "x-amz-content-sha256"));
}

static void published_put_object(void **state)
{
    static const struct s3_sign_pair headers[] = {
        {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
        {"date", "Fri, 24 May 2013 00:00:00 GMT"},
    };
    struct s3_sign_request req = {
        .method = "PUT", .path = "/test$file.text", .headers = headers, .headers_n = 2};
    auto_signed struct s3_signed s = {0};

    (void)state;
    sign(&req, "Welcome to Amazon S3.", &s);
    assert_authorization(&s, "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                         "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
    assert_string_equal("/test%24file.text", buf_cstr(&s.target));
}

static void published_get_bucket_lifecycle(void **state)
{
    static const struct s3_sign_pair params[] = {{"lifecycle", ""}};
    struct s3_sign_request req = {.path = "/", .params = params, .params_n = 1};
    auto_signed struct s3_signed s = {0};

    (void)state;
    sign(&req, "", &s);
    assert_authorization(&s, "host;x-amz-content-sha256;x-amz-date",
                         "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

static void published_list_objects(void **state)
{
    /* Given unsorted: the canonical order is ours to make. */
    static const struct s3_sign_pair params[] = {{"prefix", "J"}, {"max-keys", "2"}};
    struct s3_sign_request req = {.path = "/", .params = params, .params_n = 2};
    auto_signed struct s3_signed s = {0};

    (void)state;
    sign(&req, "", &s);
    assert_authorization(&s, "host;x-amz-content-sha256;x-amz-date",
                         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    assert_string_equal("/?max-keys=2&prefix=J", buf_cstr(&s.target));
}

static void paths_and_queries_are_encoded_strictly(void **state)
{
    static const struct {
        const char *path;
        const char *target;
    } cases[] = {
        {"/b/a=b/c.d_e-f~g", "/b/a%3Db/c.d_e-f~g"},
        {"/b/..a/.b", "/b/..a/.b"},
        {"/b/a b+c", "/b/a%20b%2Bc"},
        {"/b/x//y", "/b/x//y"},
        {"/b/50%25", "/b/50%2525"},
        {"/b/\xc3\xa9", "/b/%C3%A9"},
        {"/b/(a)!*'", "/b/%28a%29%21%2A%27"},
    };
    static const struct s3_sign_pair params[] = {{"prefix", "a/b=c d+~"}, {"list-type", "2"}};
    struct s3_sign_request list = {.path = "/b", .params = params, .params_n = 2};
    auto_signed struct s3_signed l = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct s3_sign_request req = {.path = cases[i].path};
        auto_signed struct s3_signed s = {0};

        sign(&req, "", &s);
        assert_string_equal(cases[i].target, buf_cstr(&s.target));
    }
    sign(&list, "", &l);
    assert_string_equal("/b?list-type=2&prefix=a%2Fb%3Dc%20d%2B~", buf_cstr(&l.target));
}

/* Names of which one begins another sort by name, not by line ("a:" is above "a-"). */
static void header_names_sort_by_name(void **state)
{
    static const struct s3_sign_pair headers[] = {
        {"x-amz-copy-source-range", "bytes=0-1"},
        {"x-amz-copy-source", "/b/k"},
    };
    struct s3_sign_request req = {
        .method = "PUT", .path = "/b/k", .headers = headers, .headers_n = 2};
    auto_signed struct s3_signed s = {0};

    (void)state;
    sign(&req, "", &s);
    assert_non_null(strstr(line_of(&s, "Authorization"),
                           "SignedHeaders=host;x-amz-content-sha256;x-amz-copy-source;"
                           "x-amz-copy-source-range;x-amz-date,"));
}

static void spaces_in_values_are_folded_for_the_signature_only(void **state)
{
    static const struct s3_sign_pair spaced[] = {{"x-amz-meta-a", "  one   two "}};
    static const struct s3_sign_pair folded[] = {{"x-amz-meta-a", "one two"}};
    struct s3_sign_request a = {.path = "/k", .headers = spaced, .headers_n = 1};
    struct s3_sign_request b = {.path = "/k", .headers = folded, .headers_n = 1};
    auto_signed struct s3_signed sa = {0};
    auto_signed struct s3_signed sb = {0};

    (void)state;
    sign(&a, "", &sa);
    sign(&b, "", &sb);
    assert_string_equal(line_of(&sb, "Authorization"), line_of(&sa, "Authorization"));
}

static void a_session_token_is_sent_and_signed(void **state)
{
    struct s3_sign_key key = example_key;
    uint8_t sha[CRYPTO_SHA256_LEN] = {0};
    struct s3_sign_request req = {
        .method = "GET", .host = "h", .path = "/k", .payload_sha256 = sha, .wall_ms = EXAMPLE_MS};
    auto_signed struct s3_signed without = {0};
    auto_signed struct s3_signed with = {0};

    (void)state;
    assert_ok(s3_sign(&key, &req, &without, NULL));
    key.token = "the/token+==";
    assert_ok(s3_sign(&key, &req, &with, NULL));
    assert_string_equal("the/token+==", line_of(&with, "x-amz-security-token"));
    assert_string_equal("", line_of(&without, "x-amz-security-token"));
    assert_non_null(strstr(line_of(&with, "Authorization"), "x-amz-date;x-amz-security-token,"));
}

static void everything_signed_changes_the_signature(void **state)
{
    static const struct s3_sign_pair other[] = {{"range", "bytes=0-8"}};
    static const struct s3_sign_pair params[] = {{"a", "b"}};
    struct s3_sign_request base = {.path = "/k"};
    struct s3_sign_request variants[] = {
        {.path = "/l"},
        {.path = "/k", .method = "HEAD"},
        {.path = "/k", .host = "other"},
        {.path = "/k", .headers = other, .headers_n = 1},
        {.path = "/k", .params = params, .params_n = 1},
    };
    auto_signed struct s3_signed b = {0};

    (void)state;
    sign(&base, "", &b);
    for (size_t i = 0; i < ARRAY_LEN(variants); i++) {
        auto_signed struct s3_signed v = {0};

        sign(&variants[i], "", &v);
        assert_string_not_equal(strstr(line_of(&b, "Authorization"), "Signature="),
                                strstr(line_of(&v, "Authorization"), "Signature="));
    }
    {
        auto_signed struct s3_signed v = {0};

        sign(&base, "another body", &v);
        assert_string_not_equal(line_of(&b, "Authorization"), line_of(&v, "Authorization"));
    }
}

static void line_breaks_and_crowds_are_refused(void **state)
{
    static const struct s3_sign_pair evil[] = {{"x-amz-meta-a", "a\r\nx-evil: 1"}};
    struct s3_sign_pair many[S3_SIGN_LINES_MAX + 1];
    uint8_t sha[CRYPTO_SHA256_LEN] = {0};
    struct s3_sign_request req = {.method = "GET",
                                  .host = "h",
                                  .path = "/k",
                                  .payload_sha256 = sha,
                                  .wall_ms = EXAMPLE_MS,
                                  .headers = evil,
                                  .headers_n = 1};
    struct s3_signed s = {0};

    (void)state;
    assert_fails(-EINVAL, s3_sign(&example_key, &req, &s, NULL));
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = (struct s3_sign_pair){"a", "b"};
    req.headers = many;
    req.headers_n = ARRAY_LEN(many);
    assert_fails(-EINVAL, s3_sign(&example_key, &req, &s, NULL));
    req.headers_n = 0;
    req.params = many;
    req.params_n = ARRAY_LEN(many);
    assert_fails(-EINVAL, s3_sign(&example_key, &req, &s, NULL));
    assert_null(s.lines[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_get_object),
        cmocka_unit_test(published_put_object),
        cmocka_unit_test(published_get_bucket_lifecycle),
        cmocka_unit_test(published_list_objects),
        cmocka_unit_test(paths_and_queries_are_encoded_strictly),
        cmocka_unit_test(header_names_sort_by_name),
        cmocka_unit_test(spaces_in_values_are_folded_for_the_signature_only),
        cmocka_unit_test(a_session_token_is_sent_and_signed),
        cmocka_unit_test(everything_signed_changes_the_signature),
        cmocka_unit_test(line_breaks_and_crowds_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

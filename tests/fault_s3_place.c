/* SPDX-License-Identifier: Apache-2.0 */
/* Where a bucket is and who we are there, as answers tell it: regions, clocks, newer credentials,
 * and what one handle learned for all of them. */
#include "tests/s3_fixture.h"

#include "base/banned.h"

#define SKEWED(date) SAY("403 No", "Date: " date "\r\n", ERROR_DOC("RequestTimeTooSkewed"))

static void a_wrong_clock_follows_the_stores(void **state)
{
    struct place *p = *state;
    char value[64];

    s3_step(p->server, S3_SAY, SKEWED("Sat, 01 Jan 2000 00:00:00 GMT"));
    assert_ok(put(p, "k", "x", STORE_PUT_REPLACE));
    assert_int_equal(2, s3_requests(p->server));
    assert_non_null(s3_header(p->server->heads[1], "x-amz-date", value, sizeof(value)));
    assert_int_equal(0, strncmp("20000101T0000", value, 13));
    assert_ok(put(p, "l", "x", STORE_PUT_REPLACE)); /* and remembered */
    assert_non_null(s3_header(p->server->heads[2], "x-amz-date", value, sizeof(value)));
    assert_int_equal(0, strncmp("200001", value, 6));
}

static void a_clock_that_cannot_be_followed_is_named(void **state)
{
    struct place *p = *state;

    s3_step(p->server, S3_SAY, SKEWED("Sat, 01 Jan 2000 00:00:00 GMT"));
    s3_step(p->server, S3_SAY, SKEWED("Sat, 01 Jan 2000 00:00:00 GMT"));
    assert_fails(-EACCES, put(p, "k", "x", STORE_PUT_REPLACE));
    assert_int_equal(2, s3_requests(p->server));
    assert_int_equal(GW_STORE_DENIED, p->err.gw);
    assert_non_null(strstr(p->err.text, "ahead of"));
    assert_non_null(strstr(p->err.text, "d ")); /* days */
}

static void what_one_handle_learned_its_dups_know(void **state)
{
    struct place *p = *state;
    auto_store struct store *other = NULL;

    assert_ok(store_dup(p->store, &other, NULL));
    s3_step(p->server, S3_SAY,
            SAY("301 Away", "x-amz-bucket-region: far-2\r\n", ERROR_DOC("PermanentRedirect")));
    assert_ok(put(p, "k", "x", STORE_PUT_REPLACE));
    assert_ok(store_put(other, "l", slice_str("x"), NULL, STORE_PUT_REPLACE, NULL));
    assert_int_equal(3, s3_requests(p->server));
    assert_non_null(strstr(p->server->heads[2], "/far-2/s3/aws4_request"));
}

static void another_region_is_gone_to_once(void **state)
{
    struct place *p = *state;

    s3_step(p->server, S3_SAY,
            SAY("301 Away", "x-amz-bucket-region: far-2\r\n", ERROR_DOC("PermanentRedirect")));
    assert_ok(put(p, "k", "x", STORE_PUT_REPLACE));
    assert_non_null(strstr(p->server->heads[0], "/home-1/s3/aws4_request"));
    assert_non_null(strstr(p->server->heads[1], "/far-2/s3/aws4_request"));
    assert_ok(put(p, "l", "x", STORE_PUT_REPLACE)); /* and remembered */
    assert_non_null(strstr(p->server->heads[2], "/far-2/s3/aws4_request"));
    s3_step(p->server, S3_SAY,
            SAY("400 No", "",
                "<Error><Code>AuthorizationHeaderMalformed</Code><Region>far-3</Region></Error>"));
    s3_step(p->server, S3_SAY,
            SAY("400 No", "",
                "<Error><Code>AuthorizationHeaderMalformed</Code><Region>far-4</Region></Error>"));
    assert_fails(-EPROTO, put(p, "m", "x", STORE_PUT_REPLACE));
    assert_int_equal(5, s3_requests(p->server));
    s3_step(p->server, S3_SAY,
            SAY("301 Away", "x-amz-bucket-region: evil.com/\r\n", ERROR_DOC("PermanentRedirect")));
    assert_fails(-EINVAL, put(p, "n", "x", STORE_PUT_REPLACE));
}

static void an_endpoint_may_have_a_path(void **state)
{
    static const char *const paths[] = {"/s3/v1", "/s3/v1/", "/", ""};
    struct place *p = *state;
    struct store_conf conf = {.url = "s3://bucket/pre", .path_style = -1, .clock = &p->clock};
    char endpoint[96];

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        auto_store struct store *s = NULL;
        char want[96];

        assert_ok(text_print(endpoint, sizeof(endpoint), "%s%s", p->endpoint, paths[i]));
        assert_ok(text_print(want, sizeof(want), "PUT %s/bucket/pre/k HTTP/1.1\r\n",
                             i < 2 ? "/s3/v1" : ""));
        conf.endpoint = endpoint;
        assert_ok(store_open(&conf, &s, NULL));
        assert_ok(store_put(s, "k", slice_str("x"), NULL, STORE_PUT_REPLACE, NULL));
        assert_int_equal(0, strncmp(p->server->heads[i], want, strlen(want)));
    }
    conf.endpoint = "http://127.0.0.1/a?b=c";
    assert_fails(-EINVAL, store_open(&conf, &p->store, NULL));
}

static void newer_credentials_are_taken_up(void **state)
{
    struct place *p = *state;
    char value[64];

    assert_ok(fd_save(p->credentials,
                      slice_str("[default]\naws_access_key_id=B\naws_secret_access_key=S\n"
                                "aws_session_token=new\n"),
                      0600, NULL));
    s3_step(p->server, S3_SAY, REFUSE("400 No", "ExpiredToken"));
    assert_ok(put(p, "k", "x", STORE_PUT_REPLACE));
    assert_string_equal("old", s3_header(p->server->heads[0], "x-amz-security-token", value, 64));
    assert_string_equal("new", s3_header(p->server->heads[1], "x-amz-security-token", value, 64));
    assert_non_null(strstr(p->server->heads[1], "Credential=B/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_wrong_clock_follows_the_stores),      CASE(a_clock_that_cannot_be_followed_is_named),
        CASE(what_one_handle_learned_its_dups_know), CASE(another_region_is_gone_to_once),
        CASE(an_endpoint_may_have_a_path),           CASE(newer_credentials_are_taken_up),
    };

    place_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

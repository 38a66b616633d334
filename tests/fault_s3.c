/* SPDX-License-Identifier: Apache-2.0 */
/* The S3 store against a service that fails in every way we know of: the right code, nothing
 * invented, nothing lost, and no attempt that cannot help. */
#include "tests/s3_fixture.h"

#include "base/banned.h"

static void a_busy_store_is_asked_again(void **state)
{
    struct place *p = *state;
    struct store_counts c;

    s3_step(p->server, S3_SAY, SAY("503 Slow", "", ERROR_DOC("SlowDown")));
    s3_step(p->server, S3_SAY, SAY("500 Oops", "Content-Length: 0\r\n", ""));
    s3_step(p->server, S3_HANG_UP, NULL);
    assert_ok(put(p, "k", "body", STORE_PUT_REPLACE));
    assert_int_equal(4, s3_requests(p->server));
    assert_true(p->slept_ms > 0);
    store_counts(p->store, &c);
    assert_int_equal(3, c.retry_n);
    assert_int_equal(1, c.put_n);
    assert_int_equal(4 * strlen("body"), c.bytes_out);
}

static void a_store_that_never_recovers_is_given_up(void **state)
{
    struct place *p = *state;

    for (int i = 0; i < ATTEMPTS; i++)
        s3_step(p->server, S3_SAY, SAY("503 Slow", "Content-Length: 0\r\n", ""));
    assert_gave_up(p, put(p, "k", "body", STORE_PUT_REPLACE));
    assert_int_equal(ATTEMPTS, s3_requests(p->server));
    assert_non_null(strstr(p->err.text, "4 attempts"));
}

/* A restart is waited out; a wrong address is said at once. */
static void who_never_answered_is_given_up_sooner(void **state)
{
    struct place *p = *state;
    struct store_conf conf = {.url = "s3://bucket/pre",
                              .endpoint = p->endpoint,
                              .path_style = 1,
                              .clock = &p->clock,
                              .attempts = 10};
    auto_store struct store *s = NULL;
    uint64_t size;

    assert_ok(store_open(&conf, &s, NULL));
    for (int i = 0; i < 4; i++)
        s3_step(p->server, S3_HANG_UP, NULL);
    assert_fails(-EAGAIN, store_head(s, "k", &size, NULL));
    assert_int_equal(4, s3_requests(p->server));
    assert_fails(-ENOENT, store_head(s, "k", &size, NULL));
    for (int i = 0; i < 9; i++)
        s3_step(p->server, S3_HANG_UP, NULL);
    assert_fails(-ENOENT, store_head(s, "k", &size, NULL));
    assert_int_equal(15, s3_requests(p->server));
}

static void nobody_at_home_is_unreachable(void **state)
{
    struct place *p = *state;

    s3_server_end(TAKE(p->server));
    assert_gave_up(p, put(p, "k", "body", STORE_PUT_REPLACE));
}

static void a_cut_body_is_fetched_again(void **state)
{
    struct place *p = *state;
    auto_buf struct buf out = {0};

    assert_ok(put(p, "k", "the whole body", STORE_PUT_REPLACE));
    s3_step(p->server, S3_CUT_BODY, NULL);
    s3_step(p->server, S3_NO_LENGTH, NULL);
    assert_ok(get(p, "k", whole, &out));
    assert_string_equal("kept:the whole body", buf_cstr(&out));
    assert_int_equal(4, s3_requests(p->server));
    for (int i = 0; i < ATTEMPTS; i++)
        s3_step(p->server, S3_CUT_BODY, NULL);
    assert_gave_up(p, get(p, "k", whole, &out));
    assert_string_equal("kept:", buf_cstr(&out));
}

static void a_put_whose_reply_was_lost_is_recognised(void **state)
{
    struct place *p = *state;

    s3_step(p->server, S3_LOSE_REPLY, NULL);
    assert_ok(put(p, "k", "mine", STORE_PUT_CREATE_ONLY));
    assert_int_equal(3, s3_requests(p->server)); /* PUT, PUT: 412, GET */
    s3_step(p->server, S3_SAY_ANYWAY, SAY("500 Oops", "Content-Length: 0\r\n", ""));
    assert_ok(put(p, "l", "mine", STORE_PUT_CREATE_ONLY));
    s3_step(p->server, S3_LOSE_REPLY, NULL);
    s3_step(p->server, S3_HANG_UP, NULL);
    s3_step(p->server, S3_SERVE, NULL);
    s3_step(p->server, S3_CUT_BODY, NULL); /* of the read back */
    assert_ok(put(p, "m", "mine", STORE_PUT_CREATE_ONLY));
}

static void an_object_of_another_writer_is_not_taken_for_ours(void **state)
{
    static const char *const others[] = {"his", "a longer one", "tuna"};
    struct place *p = *state;
    char key[8];

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_ok(text_print(key, sizeof(key), "k%zu", i));
        assert_ok(put(p, key, others[i], STORE_PUT_REPLACE));
        s3_step(p->server, S3_HANG_UP, NULL);
        assert_fails(-EEXIST, put(p, key, "mine", STORE_PUT_CREATE_ONLY));
        assert_int_equal(GW_STORE_CONFLICT, p->err.gw);
    }
}

static void a_first_refusal_is_final(void **state)
{
    struct place *p = *state;

    assert_ok(put(p, "k", "mine", STORE_PUT_CREATE_ONLY));
    assert_fails(-EEXIST, put(p, "k", "mine", STORE_PUT_CREATE_ONLY));
    assert_int_equal(2, s3_requests(p->server));
    assert_int_equal(GW_STORE_CONFLICT, p->err.gw);
    assert_false(p->err.retryable);
}

static void a_conflict_of_two_writers_is_tried_again(void **state)
{
    struct place *p = *state;

    s3_step(p->server, S3_SAY, SAY("409 Conflict", "", ERROR_DOC("ConditionalRequestConflict")));
    s3_step(p->server, S3_SAY, SAY("409 Conflict", "", ERROR_DOC("Whatever")));
    assert_ok(put(p, "k", "mine", STORE_PUT_CREATE_ONLY));
    assert_int_equal(3, s3_requests(p->server));
}

static void wrong_ranges_are_not_believed(void **state)
{
    struct place *p = *state;
    auto_buf struct buf out = {0};
    struct store_range middle = {.offset = 2, .len = 3};

    assert_ok(put(p, "k", "0123456789", STORE_PUT_REPLACE));
    s3_step(p->server, S3_WRONG_RANGE, NULL);
    assert_ok(get(p, "k", middle, &out));
    assert_string_equal("kept:234", buf_cstr(&out));
    for (int i = 0; i < ATTEMPTS; i++)
        s3_step(p->server, S3_WRONG_RANGE, NULL);
    assert_gave_up(p, get(p, "k", middle, &out));
    s3_step(p->server, S3_NO_RANGE, NULL);
    assert_fails(-EPROTO, get(p, "k", middle, &out));
    assert_non_null(strstr(p->err.text, "range"));
    s3_step(p->server, S3_SAY, SAY("206 Part", "Content-Length: 3\r\n", "234"));
    assert_ok(get(p, "k", middle, &out));
    assert_string_equal("kept:234", buf_cstr(&out));
}

struct refusal {
    const char *reply;
    int rc;
    unsigned gw;
    const char *said;
};

static void refusals_are_told_apart_and_not_repeated(void **state)
{
    static const struct refusal refusals[] = {
        {REFUSE("403 No", "AccessDenied"), -EACCES, GW_STORE_DENIED, "because"},
        {REFUSE("403 No", "SignatureDoesNotMatch"), -EACCES, GW_STORE_DENIED,
         "PUT 'bucket/pre/k': the secret key"},
        {REFUSE("403 No", "InvalidAccessKeyId"), -EACCES, GW_STORE_DENIED, "access key"},
        {REFUSE("400 No", "ExpiredToken"), -EACCES, GW_STORE_DENIED, "expired"},
        {REFUSE("403 No", "QuotaExceeded"), -ENOSPC, GW_STORE_FULL, "quota"},
        {REFUSE("507 Full", "Whatever"), -ENOSPC, GW_STORE_FULL, "full"},
        {REFUSE("404 No", "NoSuchBucket"), -EINVAL, GW_STORE_BAD_URL, "bucket"},
        {REFUSE("501 No", "NotImplemented"), -EOPNOTSUPP, 0, "cannot"},
        {REFUSE("301 Away", "PermanentRedirect"), -EINVAL, GW_STORE_BAD_URL, "endpoint"},
        {REFUSE("418 Teapot", "Teapot"), -EPROTO, GW_STORE_UNREACHABLE, "418"},
        {SAY("302 Away", "Location: http://evil/\r\n", ""), -EINVAL, GW_STORE_BAD_URL, "redirect"},
        {SAY("403 No", "", "<Error><Code>\x1b[31m</Code>"), -EACCES, GW_STORE_DENIED, "403"},
    };
    struct place *p = *state;

    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        size_t before = s3_requests(p->server);

        s3_step(p->server, S3_SAY, refusals[i].reply);
        assert_int_equal(refusals[i].rc, put(p, "k", "x", STORE_PUT_CREATE_ONLY));
        assert_int_equal(refusals[i].gw, p->err.gw);
        assert_false(p->err.retryable);
        if (!strstr(p->err.text, refusals[i].said))
            fail_msg("'%s' does not speak of '%s'", p->err.text, refusals[i].said);
        assert_null(strchr(p->err.text, '\x1b'));
        assert_int_equal(before + 1, s3_requests(p->server));
    }
}

static void a_request_to_slow_down_is_heeded_by_all(void **state)
{
    struct place *p = *state;
    auto_store struct store *other = NULL;
    uint64_t size;

    assert_ok(store_dup(p->store, &other, NULL));
    s3_step(p->server, S3_SAY, SAY("503 Slow", "Retry-After: 7\r\n", ERROR_DOC("SlowDown")));
    assert_ok(put(p, "k", "x", STORE_PUT_REPLACE));
    assert_in_range(p->slept_ms, 7000, 8750);
    s3_step(p->server, S3_SAY,
            SAY("429 Many", "Retry-After: Sat, 01 Jan 2000 00:00:00 GMT\r\n", ""));
    p->slept_ms = 0;
    assert_ok(store_head(other, "k", &size, NULL)); /* a date in the past asks for nothing more */
    assert_in_range(p->slept_ms, 1, 1000);
    for (int i = 0; i < ATTEMPTS - 1; i++)
        s3_step(p->server, S3_SAY, SAY("503 Slow", "Retry-After: 9\r\n", ""));
    p->slept_ms = 0;
    assert_ok(put(p, "m", "x", STORE_PUT_REPLACE));
    assert_in_range(p->slept_ms, 3 * 9000, 3 * 11250);
}

static void a_success_with_an_error_inside_is_none(void **state)
{
    struct place *p = *state;
    auto_buf struct buf out = {0};

    s3_step(p->server, S3_SAY,
            SAY("200 OK", "", "<?xml version=\"1.0\"?>" ERROR_DOC("InternalError")));
    assert_ok(put(p, "k", "<Error>data</Error>", STORE_PUT_REPLACE));
    assert_int_equal(2, s3_requests(p->server));
    s3_step(p->server, S3_SAY, SAY("200 OK", "", ERROR_DOC("InvalidAccessKeyId")));
    assert_fails(-EACCES, put(p, "l", "x", STORE_PUT_REPLACE));
    assert_ok(get(p, "k", whole, &out)); /* what is read back is data */
    assert_string_equal("kept:<Error>data</Error>", buf_cstr(&out));
}

static void a_pack_whose_reply_was_lost_is_not_sent_again(void **state)
{
    enum { LEN = 100 * 1024 };
    static const enum s3_action ways[] = {S3_LOSE_REPLY, S3_HANG_UP};
    struct place *p = *state;
    auto_free uint8_t *body = malloc(LEN);
    struct store_counts c;
    char key[8];

    memset(body, 7, LEN);
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        size_t before = s3_requests(p->server);

        assert_ok(text_print(key, sizeof(key), "k%zu", i));
        s3_step(p->server, ways[i], NULL);
        assert_ok(store_put(p->store, key, slice_of(body, LEN), NULL, STORE_PUT_REPLACE, NULL));
        /* PUT, HEAD, GET when it is there; PUT, HEAD, PUT when not */
        assert_int_equal(before + 3, s3_requests(p->server));
        assert_int_equal(0, strncmp(p->server->heads[before + 2], i == 0 ? "GET" : "PUT", 3));
    }
    store_counts(p->store, &c);
    assert_int_equal(3 * LEN, c.bytes_out);
    body[5] = 8; /* another object of that name and length is replaced */
    s3_step(p->server, S3_HANG_UP, NULL);
    assert_ok(store_put(p->store, "k0", slice_of(body, LEN), NULL, STORE_PUT_REPLACE, NULL));
    assert_int_equal(8, p->server->objects[0].body.data[5]);
}

static void wrong_lengths_of_replies_are_not_believed(void **state)
{
    struct place *p = *state;
    auto_buf struct buf out = {0};

    s3_step(p->server, S3_SAY, SAY("200 OK", "Content-Length: 50\r\n", "short"));
    assert_ok(put(p, "k", "0123456789", STORE_PUT_REPLACE));
    s3_step(p->server, S3_SAY, SAY("200 OK", "Content-Length: 50\r\n", "0123456789"));
    s3_step(p->server, S3_SAY, SAY("200 OK", "Content-Length: banana\r\n", "0123456789"));
    s3_step(p->server, S3_SAY, "HTTP/1.1 20");
    assert_ok(get(p, "k", whole, &out));
    assert_string_equal("kept:0123456789", buf_cstr(&out));
}

static int list_add(void *arg, const char *key, uint64_t size_bytes, uint64_t mtime_ms)
{
    (void)size_bytes;
    (void)mtime_ms;
    return buf_printf(arg, "%s ", key);
}

static int list(struct place *p, const char *after, struct buf *out)
{
    err_clear(&p->err);
    buf_clear(out);
    return store_list(p->store, "", after, list_add, out, &p->err);
}

#define ENTRY(key)                                                                                 \
    "<Contents><Key>pre%2F" key "</Key><Size>1</Size>"                                             \
    "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
#define PAGE(truncated, rest)                                                                      \
    SAY("200 OK", "",                                                                              \
        "<?xml "                                                                                   \
        "version=\"1.0\"?><ListBucketResult><EncodingType>url</"                                   \
        "EncodingType><IsTruncated>" truncated "</IsTruncated>" rest "</ListBucketResult>")
#define TOKEN(text) "<NextContinuationToken>" text "</NextContinuationToken>"

static void a_listing_goes_on_after_a_broken_page(void **state)
{
    struct place *p = *state;
    auto_buf struct buf out = {0};

    s3_step(p->server, S3_SAY, PAGE("true", ENTRY("a") ENTRY("b") TOKEN("t/1+=&amp;")));
    s3_step(p->server, S3_SAY, SAY("503 Slow", "", ""));
    s3_step(p->server, S3_SAY, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<ListBucketRes");
    s3_step(p->server, S3_SAY, PAGE("true", ENTRY("c") TOKEN("2")));
    s3_step(p->server, S3_SAY, PAGE("false", ENTRY("d") ENTRY("~not-ours") ENTRY("x%3Dy")));
    assert_ok(list(p, NULL, &out));
    assert_string_equal("a b c d x=y ", buf_cstr(&out));
    assert_null(strstr(p->server->heads[0], "start-after"));
    assert_non_null(strstr(p->server->heads[1], "continuation-token=t%2F1%2B%3D%26&"));
    assert_non_null(strstr(p->server->heads[2], "start-after=pre%2Fb "));
    assert_non_null(strstr(p->server->heads[4], "continuation-token=2&"));
}

static void listings_that_lie_are_refused(void **state)
{
    static const char *const broken[] = {
        SAY("200 OK", "", "this is not XML"),
        SAY("200 OK", "", ""),
        PAGE("true", ENTRY("a")), /* no token */
        SAY("200 OK", "", "<ListBucketResult></ListBucketResult>"),
        PAGE("false", "<Contents><Size>1</Size></Contents>"),
        PAGE("false", "<Contents><Key>pre%2Fa</Key><Size>-1</Size></Contents>"),
    };
    struct place *p = *state;
    auto_buf struct buf out = {0};

    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        p->server->steps_n = p->server->step = 0;
        for (int n = 0; n < ATTEMPTS; n++)
            s3_step(p->server, S3_SAY, broken[i]);
        assert_gave_up(p, list(p, NULL, &out));
    }
    s3_step(p->server, S3_SAY, PAGE("false", ENTRY("b") ENTRY("a")));
    assert_fails(-EPROTO, list(p, NULL, &out));
    assert_non_null(strstr(p->err.text, "order"));
    p->server->steps_n = p->server->step = 0;
    for (int n = 0; n < S3_STEPS_MAX; n++)
        s3_step(p->server, S3_SAY, PAGE("true", TOKEN("same"))); /* for ever the same page */
    assert_gave_up(p, list(p, NULL, &out));
}

static void a_stop_ends_a_stalled_request(void **state)
{
    struct place *p = *state;

    s3_step(p->server, S3_STALL, NULL);
    assert_fails(-ECANCELED, put(p, "k", "x", STORE_PUT_REPLACE));
    assert_int_equal(1, s3_requests(p->server));
}

static void a_stop_ends_the_waiting_between_attempts(void **state)
{
    struct place *p = *state;

    p->stop_in_sleep = &p->stop;
    s3_step(p->server, S3_SAY, SAY("503 Slow", "", ""));
    assert_fails(-ECANCELED, put(p, "k", "x", STORE_PUT_REPLACE));
    assert_int_equal(1, s3_requests(p->server));
}

static void damage_on_the_way_up_is_noticed_there(void **state)
{
    struct place *p = *state;
    uint8_t wrong[CRYPTO_SHA256_LEN] = {1};

    /* The caller's hash is the one that is signed: a body that is not it never lands. */
    assert_fails(-EAGAIN,
                 store_put(p->store, "k", slice_str("body"), wrong, STORE_PUT_REPLACE, NULL));
    assert_int_equal(0, p->server->objects_n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_busy_store_is_asked_again),
        CASE(a_store_that_never_recovers_is_given_up),
        CASE(who_never_answered_is_given_up_sooner),
        CASE(nobody_at_home_is_unreachable),
        CASE(a_cut_body_is_fetched_again),
        CASE(a_put_whose_reply_was_lost_is_recognised),
        CASE(an_object_of_another_writer_is_not_taken_for_ours),
        CASE(a_first_refusal_is_final),
        CASE(a_conflict_of_two_writers_is_tried_again),
        CASE(wrong_ranges_are_not_believed),
        CASE(refusals_are_told_apart_and_not_repeated),
        CASE(a_request_to_slow_down_is_heeded_by_all),
        CASE(a_success_with_an_error_inside_is_none),
        CASE(a_pack_whose_reply_was_lost_is_not_sent_again),
        CASE(wrong_lengths_of_replies_are_not_believed),
        CASE(a_listing_goes_on_after_a_broken_page),
        CASE(listings_that_lie_are_refused),
        CASE(a_stop_ends_a_stalled_request),
        CASE(a_stop_ends_the_waiting_between_attempts),
        CASE(damage_on_the_way_up_is_noticed_there),
    };
    place_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

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

/* -- credentials that are lent --------------------------------------------- */

#define LENT(key, token, more)                                                                     \
    "{\"Code\":\"Success\",\"AccessKeyId\":\"" key                                                 \
    "\",\"SecretAccessKey\":\"S\",\"Token\":\"" token "\"" more "}"
#define EXPIRES(time) ",\"Expiration\":\"" time "\""

/* A second server of the same kind lends them: an instance's metadata, a container's agent. */
struct lender {
    struct place *p;
    struct s3_server *server;
    struct store *store;
};

static void lender_begin(struct lender *l, struct place *p, const char *variable, const char *path)
{
    char url[128];

    *l = (struct lender){.p = p, .server = s3_server_start()};
    unlink(p->credentials);
    assert_ok(text_print(url, sizeof(url), "http://127.0.0.1:%u%s", l->server->port, path));
    setenv(variable, url, 1);
    unsetenv("AWS_EC2_METADATA_DISABLED");
}

static int lender_open(struct lender *l)
{
    struct store_conf conf = {.url = "s3://bucket/pre",
                              .endpoint = l->p->endpoint,
                              .path_style = 1,
                              .clock = &l->p->clock,
                              .attempts = ATTEMPTS};

    err_clear(&l->p->err);
    return store_open(&conf, &l->store, &l->p->err);
}

static void lender_end(struct lender *l, const char *variable)
{
    store_close(l->store);
    s3_server_end(l->server);
    unsetenv(variable);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
}

static void say(struct s3_server *s, const char *body)
{
    s3_step(s, S3_SAY, body);
}

#define METADATA "AWS_EC2_METADATA_SERVICE_ENDPOINT"

static void lend_instance(struct lender *l, const char *document)
{
    say(l->server, SAY("200 OK", "", "metadata-token"));
    say(l->server, SAY("200 OK", "", "the-role\n"));
    say(l->server, document);
}

static void an_instance_lends_and_lends_again_before_the_end(void **state)
{
    struct place *p = *state;
    struct lender l;
    char value[64];
    char now[TEXT_TIME_MAX];
    auto_buf struct buf soon = {0};

    lender_begin(&l, p, METADATA, "/");
    text_time(clock_wall_ms(&clock_system) / 1000 * 1000 + 60 * 1000, now);
    buf_printf(&soon, SAY("200 OK", "", LENT("I1", "t1", ",\"Expiration\":\"%s\"")), now);
    lend_instance(&l, buf_cstr(&soon));
    assert_ok(lender_open(&l));
    assert_int_equal(0, strncmp(l.server->heads[0], "PUT /latest/api/token ", 22));
    assert_non_null(s3_header(l.server->heads[0], "X-aws-ec2-metadata-token-ttl-seconds", value,
                              sizeof(value)));
    assert_string_equal("metadata-token", s3_header(l.server->heads[2], "X-aws-ec2-metadata-token",
                                                    value, sizeof(value)));
    assert_non_null(strstr(l.server->heads[2], "/security-credentials/the-role "));
    /* They end in a minute: the first call asks for others, the second has those. */
    lend_instance(&l, SAY("200 OK", "", LENT("I2", "t2", EXPIRES("2100-01-01T00:00:00Z"))));
    assert_ok(store_put(l.store, "k", slice_str("x"), NULL, STORE_PUT_REPLACE, NULL));
    assert_ok(store_put(l.store, "l", slice_str("x"), NULL, STORE_PUT_REPLACE, NULL));
    assert_int_equal(6, s3_requests(l.server));
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(
            "t2", s3_header(p->server->heads[i], "x-amz-security-token", value, sizeof(value)));
        assert_non_null(strstr(p->server->heads[i], "Credential=I2/"));
    }
    lender_end(&l, METADATA);
}

static void a_renewal_that_fails_leaves_the_old_ones(void **state)
{
    struct place *p = *state;
    struct lender l;
    char now[TEXT_TIME_MAX];
    auto_buf struct buf soon = {0};

    lender_begin(&l, p, METADATA, "");
    text_time(clock_wall_ms(&clock_system) / 1000 * 1000 + 60 * 1000, now);
    buf_printf(&soon, SAY("200 OK", "", LENT("I1", "t1", ",\"Expiration\":\"%s\"")), now);
    lend_instance(&l, buf_cstr(&soon));
    assert_ok(lender_open(&l));
    say(l.server, SAY("404 No", "", ""));
    assert_ok(store_put(l.store, "k", slice_str("x"), NULL, STORE_PUT_REPLACE, NULL));
    assert_ok(store_put(l.store, "l", slice_str("x"), NULL, STORE_PUT_REPLACE, NULL));
    assert_int_equal(4, s3_requests(l.server)); /* not asked at every call */
    assert_non_null(strstr(p->server->heads[1], "Credential=I1/"));
    lender_end(&l, METADATA);
}

static void nobody_lends_is_said_as_no_credentials(void **state)
{
    static const char *const answers[] = {SAY("404 No", "", ""), SAY("403 No", "", "")};
    struct place *p = *state;

    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct lender l;

        lender_begin(&l, p, METADATA, "");
        say(l.server, answers[i]);
        assert_fails(-EACCES, lender_open(&l));
        assert_int_equal(GW_STORE_DENIED, p->err.gw);
        assert_non_null(strstr(p->err.text, "no S3 credentials"));
        lender_end(&l, METADATA);
    }
}

#define FULL_URI "AWS_CONTAINER_CREDENTIALS_FULL_URI"

static void a_container_lends_with_its_token(void **state)
{
    struct place *p = *state;
    struct lender l;
    char value[64];
    char path[PATH_MAX];

    lender_begin(&l, p, FULL_URI, "/creds?x=y");
    unit_path(p->dir, "token", path);
    assert_ok(fd_save(path, slice_str("the token\n"), 0600, NULL));
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path, 1);
    say(l.server, SAY("500 Oops", "", ""));
    say(l.server, SAY("200 OK", "", LENT("C1", "t1", EXPIRES("2100-01-01T00:00:00Z"))));
    assert_ok(lender_open(&l));
    assert_int_equal(0, strncmp(l.server->heads[1], "GET /creds?x=y ", 15));
    assert_string_equal("the token",
                        s3_header(l.server->heads[1], "Authorization", value, sizeof(value)));
    /* A refusal for their age asks at once. */
    s3_step(p->server, S3_SAY, REFUSE("400 No", "ExpiredToken"));
    say(l.server, SAY("200 OK", "", LENT("C2", "t2", EXPIRES("2100-01-01T00:00:00Z"))));
    assert_ok(store_put(l.store, "k", slice_str("x"), NULL, STORE_PUT_REPLACE, NULL));
    assert_non_null(strstr(p->server->heads[1], "Credential=C2/"));
    unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    lender_end(&l, FULL_URI);
}

static void useless_loans_are_refused(void **state)
{
    static const char *const answers[] = {
        SAY("200 OK", "", "not json"),
        SAY("200 OK", "", "{}"),
        SAY("200 OK", "", "{\"Code\":\"Failed\"}"),
        SAY("200 OK", "", LENT("A\\nB", "t", "")),
        SAY("200 OK", "", LENT("A", "t", EXPIRES("tomorrow"))),
        SAY("403 No", "", ""),
    };
    struct place *p = *state;

    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct lender l;

        lender_begin(&l, p, FULL_URI, "/");
        say(l.server, answers[i]);
        assert_fails(-EACCES, lender_open(&l));
        assert_int_equal(GW_STORE_DENIED, p->err.gw);
        assert_non_null(strstr(p->err.text, "container"));
        lender_end(&l, FULL_URI);
    }
    setenv(FULL_URI, "http://192.0.2.1/creds", 1);
    assert_fails(-EACCES, lender_open(&(struct lender){.p = p}));
    unsetenv(FULL_URI);
}

static void a_program_lends(void **state)
{
    struct place *p = *state;
    struct lender l = {.p = p};
    auto_buf struct buf text = {0};
    char value[64];
    char path[PATH_MAX];

    unit_path(p->dir, "lend it", path);
    assert_ok(fd_save(path,
                      slice_str("#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"P1\",'"
                                "'\"SecretAccessKey\":\"S\",\"SessionToken\":\"'\"$1\"'\",'"
                                "'\"Expiration\":\"2100-01-01T00:00:00+00:00\"}'\n"),
                      0700, NULL));
    buf_printf(&text, "[default]\ncredential_process = \"%s\" \"a token\"\n", path);
    assert_ok(fd_save(p->credentials, buf_slice(&text), 0600, NULL));
    assert_ok(lender_open(&l));
    assert_ok(store_put(l.store, "k", slice_str("x"), NULL, STORE_PUT_REPLACE, NULL));
    assert_string_equal(
        "a token", s3_header(p->server->heads[0], "x-amz-security-token", value, sizeof(value)));
    store_close(l.store);
    assert_ok(fd_save(p->credentials, slice_str("[default]\ncredential_process=/bin/false\n"), 0600,
                      NULL));
    assert_fails(-EACCES, lender_open(&l));
    assert_non_null(strstr(p->err.text, "credential_process"));
}

/* -- a login ---------------------------------------------------------------- */

/* The SHA-1 of "corp", and of "https://corp.example/start": printf %s corp | sha1sum. */
#define TOKEN_OF_SESSION "ee0bfd2552fbd840c02cc48b6e823320543c450f.json"
#define TOKEN_OF_URL "f7c9b39d0b4c7a7d82c79307585f77e1c5e74378.json"
#define PORTAL "AWS_ENDPOINT_URL_SSO"
#define KEYS(key, expires)                                                                         \
    "{\"roleCredentials\":{\"accessKeyId\":\"" key                                                 \
    "\",\"secretAccessKey\":\"S\",\"sessionToken\":\"sso token\",\"expiration\":" expires "}}"
#define PROFILE_END "sso_account_id = 0123\nsso_role_name = Mover+1\n"

static const char session_profile[] =
    "[sso-session other]\nsso_start_url = https://wrong\n"
    "[default]\nsso_session = corp\n" PROFILE_END "[sso-session corp]\nsso_region = home-1\n"
    "sso_start_url = https://corp.example/start\nregion = no\n";
static const char old_profile[] = "[default]\nsso_start_url = https://corp.example/start\n"
                                  "sso_region = home-1\n" PROFILE_END;

struct login {
    struct lender l;
    char config[PATH_MAX];
    char token[PATH_MAX];
    char *home;
};

static void login_begin(struct login *in, struct place *p, const char *profile, const char *token)
{
    char dir[PATH_MAX];

    lender_begin(&in->l, p, PORTAL, "");
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    in->home = strdup(getenv("HOME") ? getenv("HOME") : "");
    setenv("HOME", p->dir, 1);
    unit_path(p->dir, "config", in->config);
    setenv("AWS_CONFIG_FILE", in->config, 1);
    assert_ok(fd_save(in->config, slice_str(profile), 0600, NULL));
    unit_path(p->dir, ".aws/sso/cache", dir);
    assert_ok(fd_mkdirs(dir, 0700, NULL));
    assert_ok(text_print(in->token, sizeof(in->token), "%s/%s", dir, token));
    assert_ok(fd_save(in->token,
                      slice_str("{\"startUrl\":\"https://corp.example/start\",\"accessToken\":"
                                "\"the login\",\"expiresAt\":\"2100-01-01T00:00:00Z\"}"),
                      0600, NULL));
}

static void login_end(struct login *in)
{
    lender_end(&in->l, PORTAL);
    setenv("HOME", in->home, 1);
    unsetenv("AWS_CONFIG_FILE");
    free(in->home);
}

static void a_login_lends_by_session_and_by_url(void **state)
{
    static const struct {
        const char *profile;
        const char *token;
    } sorts[] = {{session_profile, TOKEN_OF_SESSION}, {old_profile, TOKEN_OF_URL}};
    struct place *p = *state;
    char value[64];

    for (size_t i = 0; i < ARRAY_LEN(sorts); i++) {
        struct login in = {0};

        login_begin(&in, p, sorts[i].profile, sorts[i].token);
        say(in.l.server, SAY("200 OK", "", KEYS("L1", "4102444800000")));
        assert_ok(lender_open(&in.l));
        assert_non_null(strstr(in.l.server->heads[0], "GET /federation/credentials?role_name="
                                                      "Mover%2B1&account_id=0123 "));
        assert_string_equal("the login", s3_header(in.l.server->heads[0], "x-amz-sso_bearer_token",
                                                   value, sizeof(value)));
        assert_ok(store_put(in.l.store, "k", slice_str("x"), NULL, STORE_PUT_REPLACE, NULL));
        assert_string_equal("sso token", s3_header(p->server->heads[i], "x-amz-security-token",
                                                   value, sizeof(value)));
        assert_non_null(strstr(p->server->heads[i], "Credential=L1/"));
        login_end(&in);
    }
}

static void a_login_that_is_no_use_says_why(void **state)
{
    static const struct {
        const char *answer;
        const char *said;
    } bad[] = {
        {SAY("401 No", "", "{}"), "login has ended"},
        {SAY("403 No", "", "{}"), "gives no keys"},
        {SAY("200 OK", "", "{}"), "malformed"},
        {SAY("200 OK", "", KEYS("A\\nB", "0")), "malformed"},
    };
    struct place *p = *state;
    struct login in = {0};

    login_begin(&in, p, session_profile, TOKEN_OF_SESSION);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        say(in.l.server, bad[i].answer);
        assert_fails(-EACCES, lender_open(&in.l));
        assert_int_equal(GW_STORE_DENIED, p->err.gw);
        assert_non_null(strstr(p->err.text, bad[i].said));
    }
    assert_ok(fd_save(in.token, slice_str("{}"), 0600, NULL));
    assert_fails(-EACCES, lender_open(&in.l));
    assert_non_null(strstr(p->err.text, "no token"));
    unlink(in.token);
    assert_fails(-EACCES, lender_open(&in.l));
    assert_non_null(strstr(p->err.text, "aws sso login"));
    assert_ok(
        fd_save(in.config, slice_str("[default]\nsso_session=gone\n" PROFILE_END), 0600, NULL));
    assert_fails(-EINVAL, lender_open(&in.l));
    assert_non_null(strstr(p->err.text, "sso-session 'gone'"));
    assert_int_equal(ARRAY_LEN(bad), s3_requests(in.l.server));
    login_end(&in);
}

static void a_token_goes_nowhere_in_the_clear(void **state)
{
    struct place *p = *state;
    struct login in = {0};

    login_begin(&in, p, session_profile, TOKEN_OF_SESSION);
    setenv(PORTAL, "http://192.0.2.1", 1);
    assert_fails(-EACCES, lender_open(&in.l));
    assert_non_null(strstr(p->err.text, "not https"));
    login_end(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_wrong_clock_follows_the_stores),
        CASE(a_clock_that_cannot_be_followed_is_named),
        CASE(what_one_handle_learned_its_dups_know),
        CASE(another_region_is_gone_to_once),
        CASE(an_endpoint_may_have_a_path),
        CASE(newer_credentials_are_taken_up),
        CASE(an_instance_lends_and_lends_again_before_the_end),
        CASE(a_renewal_that_fails_leaves_the_old_ones),
        CASE(nobody_lends_is_said_as_no_credentials),
        CASE(a_container_lends_with_its_token),
        CASE(useless_loans_are_refused),
        CASE(a_program_lends),
        CASE(a_login_lends_by_session_and_by_url),
        CASE(a_login_that_is_no_use_says_why),
        CASE(a_token_goes_nowhere_in_the_clear),
    };

    place_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials of roles: a Security Token Service of the test's own, over TLS, that checks tokens
 * and signatures as Amazon's does, and refuses as it does.
 */
#include "tests/httpd_fixture.h"

#include "tests/s3_server.h"
#include "tests/tool_s3_auth.h"

#include "base/gw.h"
#include "transport/s3_place.h"

#include "base/banned.h"

enum { VARIABLES_MAX = 12, CALLS_MAX = 8, FIELD_MAX = 256, HOUR_MS = 3600 * 1000 };

/* What was asked for, and by whom. */
struct call {
    char action[FIELD_MAX], role[FIELD_MAX], session[FIELD_MAX], token[FIELD_MAX];
    char external_id[FIELD_MAX], duration[FIELD_MAX];
    char asker[FIELD_MAX]; /* access key; "" = unsigned */
    char fault[FIELD_MAX]; /* of the signature */
};

struct sts {
    struct server server; /* first: the handler gets it */
    struct pki pki;
    const char *say; /* instead of keys: a code, */
    int status;      /* with this status */
    struct call calls[CALLS_MAX];
    size_t calls_n;

    char *dir;
    char config[PATH_MAX], token[PATH_MAX];
    struct {
        const char *name;
        const char *value;
    } env[VARIABLES_MAX];
    size_t env_n;
    char url[256];
    struct clock clock;
    uint64_t ahead_ms;
    struct store_conf conf;
    struct s3_cred cred;
    struct err err;
};

/* -- the service ----------------------------------------------------------- */

/* The value of a field of a form, decoded. */
static void field(struct slice form, const char *name, char *out)
{
    size_t len = strlen(name);
    size_t n = 0;
    const char *at = (const char *)form.data;
    const char *end = at + form.len;

    out[0] = '\0';
    while (at < end && !(strncmp(at, name, len) == 0 && at[len] == '=')) {
        const char *next = memchr(at, '&', (size_t)(end - at));

        at = next ? next + 1 : end;
    }
    for (at += at < end ? len + 1 : 0; at < end && *at != '&' && n + 1 < FIELD_MAX; at++) {
        uint8_t byte = (uint8_t)*at;

        if (*at == '%') {
            char hex[3] = {at[1], at[2], '\0'};

            assert_ok(text_unhex(hex, &byte, 1));
            at += 2;
        }
        out[n++] = (char)byte;
    }
    out[n] = '\0';
}

static const char *header_of(void *arg, const char *name)
{
    return httpd_header(arg, name);
}

/* Keys that it made itself have a secret and a token that say which they are. */
static const char *check(struct httpd_request *r, const struct call *c)
{
    static const char *const amz[] = {"x-amz-date", "x-amz-content-sha256", NULL};
    static const char *const amz_token[] = {"x-amz-date", "x-amz-content-sha256",
                                            "x-amz-security-token", NULL};
    const char *token = httpd_header(r, "x-amz-security-token");
    bool made_here = text_starts(c->asker, "ASIA");
    uint8_t sha256[CRYPTO_SHA256_LEN];
    char secret[FIELD_MAX];
    struct tool_s3_auth a = {
        .method = "POST",
        .target = "/",
        .body_sha256 = sha256,
        .amz_names = token ? amz_token : amz,
        .service = "sts",
        .access_key = c->asker,
        .secret_key = secret,
        .now_ms = clock_wall_ms(&clock_system),
        .header = header_of,
        .arg = r,
    };

    crypto_sha256(httpd_body(r), sha256);
    if (text_print(secret, sizeof(secret), "%s of %s", made_here ? "secret" : "own", c->asker) < 0)
        return "AccessDenied";
    if (made_here && (!token || !text_starts(token, "token+of/") ||
                      strcmp(token + strlen("token+of/"), c->asker) != 0))
        return "InvalidClientTokenId";
    return tool_s3_auth_check(&a);
}

static void note(struct sts *s, struct httpd_request *r, struct call *c)
{
    const char *authorization = httpd_header(r, "authorization");
    const char *fault = NULL;
    struct slice form = httpd_body(r);

    field(form, "Action", c->action);
    field(form, "RoleArn", c->role);
    field(form, "RoleSessionName", c->session);
    field(form, "WebIdentityToken", c->token);
    field(form, "ExternalId", c->external_id);
    field(form, "DurationSeconds", c->duration);
    if (authorization) {
        const char *key = strstr(authorization, "Credential=");

        key += key ? strlen("Credential=") : 0;
        (void)text_print(c->asker, FIELD_MAX, "%.*s", key ? (int)strcspn(key, "/") : 0, key);
        fault = check(r, c);
    }
    (void)text_copy(c->fault, FIELD_MAX, fault ? fault : "");
    s->calls_n++;
}

static void serve(struct httpd_request *r, void *arg)
{
    struct sts *s = arg;
    struct call *c = &s->calls[s->calls_n % CALLS_MAX];
    auto_buf struct buf out = {0};
    char time[TEXT_TIME_MAX];

    pthread_mutex_lock(&s->server.lock);
    *c = (struct call){0};
    note(s, r, c);
    if (s->say) {
        buf_printf(&out,
                   "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>"
                   "<Type>Sender</Type><Code>%s</Code><Message>no &lt;%s&gt;</Message></Error>"
                   "</ErrorResponse>",
                   s->say, c->role);
        httpd_reply(r, s->status, "text/xml", buf_slice(&out), NULL);
    } else {
        buf_printf(&out, "<%sResponse><%sResult><Credentials>", c->action, c->action);
        buf_printf(&out, "<AccessKeyId>ASIA%zu</AccessKeyId>", s->calls_n);
        buf_printf(&out, "<SecretAccessKey>secret of ASIA%zu</SecretAccessKey>", s->calls_n);
        buf_printf(&out, "<SessionToken>token+of/ASIA%zu</SessionToken>", s->calls_n);
        buf_printf(&out, "<Expiration>%s</Expiration></Credentials>",
                   text_time(clock_wall_ms(&s->clock) + HOUR_MS, time));
        buf_printf(&out, "</%sResult></%sResponse>", c->action, c->action);
        httpd_reply(r, 200, "text/xml", buf_slice(&out), NULL);
    }
    pthread_mutex_unlock(&s->server.lock);
}

/* -- who asks -------------------------------------------------------------- */

static const char *variable(void *arg, const char *name)
{
    struct sts *s = arg;

    for (size_t i = s->env_n; i-- > 0;)
        if (strcmp(s->env[i].name, name) == 0)
            return s->env[i].value;
    return NULL;
}

static void set(struct sts *s, const char *name, const char *value)
{
    assert_true(s->env_n < VARIABLES_MAX);
    s->env[s->env_n].name = name;
    s->env[s->env_n++].value = value;
}

static void save(const char *path, const char *text)
{
    assert_ok(fd_save(path, slice_str(text), 0600, NULL));
}

static uint64_t wall(void *arg)
{
    return clock_wall_ms(&clock_system) + ((struct sts *)arg)->ahead_ms;
}

static uint64_t mono(void *arg)
{
    return clock_mono_ms(&clock_system) + ((struct sts *)arg)->ahead_ms;
}

static int setup(void **state)
{
    struct sts *s = calloc(1, sizeof(*s));
    char aws[PATH_MAX];

    pki_init(&s->pki);
    server_start(&s->server, &s->pki.planner, &s->pki.ca, serve, NULL);
    s->dir = unit_mkdir();
    assert_int_equal(0, mkdir(unit_path(s->dir, ".aws", aws), 0700));
    unit_path(s->dir, ".aws/config", s->config);
    unit_path(s->dir, "token", s->token);
    save(s->token, "pod.token/1+2=\n");
    s->clock = (struct clock){.wall_ms = wall, .mono_ms = mono, .arg = s};
    s->conf = (struct store_conf){
        .url = "s3://bucket", .path_style = -1, .region = "home-1", .clock = &s->clock};
    set(s, "HOME", s->dir);
    set(s, "AWS_CA_BUNDLE", s->pki.ca.cert_file);
    set(s, "AWS_EC2_METADATA_DISABLED", "true");
    set(s, "AWS_ENDPOINT_URL_STS", server_url(&s->server, "", s->url));
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct sts *s = *state;

    server_stop(&s->server);
    pki_done(&s->pki);
    unit_rmdir(s->dir);
    free(s);
    return 0;
}

static int load(struct sts *s)
{
    const struct s3_cred_env env = {.get = variable, .arg = s};

    err_clear(&s->err);
    return s3_cred_load(&s->conf, &env, &s->cred, &s->err);
}

static void load_ok(struct sts *s)
{
    if (load(s) < 0)
        fail_msg("%s", s->err.text);
}

static void assert_refused(struct sts *s, const char *text)
{
    assert_fails(-EACCES, load(s));
    assert_int_equal(GW_STORE_DENIED, s->err.gw);
    assert_false(s->err.retryable);
    if (!strstr(s->err.text, text))
        fail_msg("'%s' lacks '%s'", s->err.text, text);
}

static void assert_misconfigured(struct sts *s, const char *config, const char *text)
{
    save(s->config, config);
    assert_fails(-EINVAL, load(s));
    assert_int_equal(GW_BAD_CONFIG, s->err.gw);
    if (!strstr(s->err.text, text))
        fail_msg("'%s' lacks '%s'", s->err.text, text);
}

/* -- a token of an identity provider --------------------------------------- */

#define ARN "arn:aws:iam::123456789012:role/mover"

static void a_pods_token_becomes_keys(void **state)
{
    struct sts *s = *state;
    const struct call *c = &s->calls[0];

    set(s, "AWS_WEB_IDENTITY_TOKEN_FILE", s->token);
    set(s, "AWS_ROLE_ARN", ARN);
    load_ok(s);
    assert_string_equal("ASIA1", s->cred.access_key);
    assert_string_equal("secret of ASIA1", s->cred.secret_key);
    assert_string_equal("token+of/ASIA1", s->cred.token);
    assert_true(s->cred.expires_ms > clock_wall_ms(&s->clock) + HOUR_MS - 60 * 1000);
    assert_string_equal("AssumeRoleWithWebIdentity", c->action);
    assert_string_equal(ARN, c->role);
    assert_string_equal("pod.token/1+2=", c->token);
    assert_int_equal(0, strncmp("godwit-", c->session, 7));
    assert_string_equal("", c->asker); /* who has a token need not sign */
    set(s, "AWS_ROLE_SESSION_NAME", "nightly");
    load_ok(s);
    assert_string_equal("nightly", s->calls[1].session);
}

static void the_token_is_read_anew_and_the_keys_in_time(void **state)
{
    struct sts *s = *state;
    const struct s3_cred_env env = {.get = variable, .arg = s};
    struct s3_place *place = NULL;
    struct s3_view view;

    set(s, "AWS_WEB_IDENTITY_TOKEN_FILE", s->token);
    set(s, "AWS_ROLE_ARN", ARN);
    assert_ok(s3_place_new(&s->conf, &env, &place, &s->err));
    s->ahead_ms = HOUR_MS / 2;
    assert_ok(s3_place_view(place, &view, &s->err));
    assert_string_equal("ASIA1", view.cred.access_key);
    save(s->token, "pod.token/2");
    s->ahead_ms = HOUR_MS - 4 * 60 * 1000;
    assert_ok(s3_place_view(place, &view, &s->err));
    assert_string_equal("ASIA2", view.cred.access_key);
    assert_string_equal("pod.token/2", s->calls[1].token);
    /* What cannot be renewed is used to its end, and then said. */
    s->say = "ExpiredTokenException";
    s->status = 400;
    s->ahead_ms = 2 * HOUR_MS - 5 * 60 * 1000;
    assert_ok(s3_place_view(place, &view, &s->err));
    assert_string_equal("ASIA2", view.cred.access_key);
    s->ahead_ms = 2 * HOUR_MS + 60 * 1000;
    assert_fails(-EACCES, s3_place_view(place, &view, &s->err));
    assert_non_null(strstr(s->err.text, "must renew it"));
    s->say = NULL;
    assert_ok(s3_place_view(place, &view, &s->err));
    assert_string_equal("ASIA5", view.cred.access_key);
    s3_view_done(&view);
    s3_place_unref(place);
}

static void who_names_a_profile_is_not_the_pod(void **state)
{
    struct sts *s = *state;

    save(s->config, "[default]\naws_access_key_id=D\naws_secret_access_key=own of D\n"
                    "[profile work]\naws_access_key_id=W\naws_secret_access_key=own of W\n");
    set(s, "AWS_WEB_IDENTITY_TOKEN_FILE", s->token);
    set(s, "AWS_ROLE_ARN", ARN);
    s->conf.profile = "work";
    load_ok(s);
    assert_string_equal("W", s->cred.access_key);
    s->conf.profile = NULL;
    load_ok(s);
    assert_string_equal("ASIA1", s->cred.access_key);
    set(s, "AWS_ACCESS_KEY_ID", "E");
    set(s, "AWS_SECRET_ACCESS_KEY", "own of E");
    load_ok(s);
    assert_string_equal("E", s->cred.access_key);
    assert_int_equal(1, s->calls_n);
}

static void what_is_wrong_with_a_token_is_said(void **state)
{
    struct sts *s = *state;
    char path[PATH_MAX];

    set(s, "AWS_WEB_IDENTITY_TOKEN_FILE", s->token);
    assert_refused(s, "AWS_ROLE_ARN");
    set(s, "AWS_ROLE_ARN", ARN);
    save(s->token, " \n");
    assert_refused(s, "token is empty");
    set(s, "AWS_WEB_IDENTITY_TOKEN_FILE", unit_path(s->dir, "nowhere", path));
    assert_refused(s, "nowhere");
    assert_int_equal(0, s->calls_n);
}

/* -- a role for other keys ------------------------------------------------- */

static void a_role_is_asked_for_with_the_keys_of_its_source(void **state)
{
    struct sts *s = *state;
    const struct call *c = s->calls;

    save(s->config, "[default]\nrole_arn = " ARN "\nsource_profile = middle\n"
                    "role_session_name = nightly\nexternal_id = a b\nduration_seconds = 1800\n"
                    "[profile middle]\nrole_arn=arn:middle\nsource_profile=base\nregion=no\n"
                    "[profile base]\naws_access_key_id=BASE\naws_secret_access_key=own of BASE\n"
                    "role_arn=arn:never\nsource_profile=base\n");
    load_ok(s);
    assert_string_equal("ASIA2", s->cred.access_key);
    assert_int_equal(2, s->calls_n);
    assert_string_equal("AssumeRole", c[0].action);
    assert_string_equal("arn:middle", c[0].role);
    assert_string_equal("BASE", c[0].asker);
    assert_string_equal("", c[0].fault);
    assert_string_equal(ARN, c[1].role);
    assert_string_equal("ASIA1", c[1].asker);
    assert_string_equal("", c[1].fault);
    assert_string_equal("nightly", c[1].session);
    assert_string_equal("a b", c[1].external_id);
    assert_string_equal("1800", c[1].duration);
    assert_string_equal("home-1", s->cred.region);
}

static void a_role_may_be_for_keys_of_many_places(void **state)
{
    struct sts *s = *state;

    /* Its own, which stand in the other file. */
    unit_path(s->dir, ".aws/credentials", s->token);
    save(s->token, "[work]\naws_access_key_id=SELF\naws_secret_access_key=own of SELF\n");
    save(s->config, "[profile work]\nrole_arn=" ARN "\nsource_profile=work\n");
    s->conf.profile = "work";
    load_ok(s);
    assert_string_equal("SELF", s->calls[0].asker);
    /* Those of the environment. */
    save(s->config, "[profile work]\nrole_arn=" ARN "\ncredential_source=Environment\n");
    set(s, "AWS_ACCESS_KEY_ID", "ENV");
    set(s, "AWS_SECRET_ACCESS_KEY", "own of ENV");
    load_ok(s);
    assert_string_equal("ENV", s->calls[1].asker);
    /* Those of a web identity: two steps. */
    unlink(s->token);
    unit_path(s->dir, "token", s->token);
    save(s->config, "[profile work]\nrole_arn=" ARN "\nsource_profile=pod\n"
                    "[profile pod]\nrole_arn=arn:pod\nweb_identity_token_file=/nowhere\n");
    assert_refused(s, "/nowhere");
    assert_int_equal(2, s->calls_n);
    for (size_t i = 0; i < s->calls_n; i++)
        assert_string_equal("", s->calls[i].fault);
}

static void mistakes_of_profiles_are_named(void **state)
{
    struct sts *s = *state;

    assert_misconfigured(s, "[default]\nrole_arn=r\n", "neither source_profile");
    assert_misconfigured(s, "[default]\nrole_arn=r\nsource_profile=gone\n", "'gone'");
    assert_misconfigured(s, "[default]\nrole_arn=r\ncredential_source=Moon\n", "'Moon'");
    assert_misconfigured(s,
                         "[default]\nrole_arn=r\nsource_profile=a\n"
                         "[profile a]\nrole_arn=a\nsource_profile=b\n"
                         "[profile b]\nrole_arn=b\nsource_profile=a\n",
                         "in a circle");
    save(s->config, "[default]\nrole_arn=r\nsource_profile=empty\n[profile empty]\nregion=x\n");
    assert_refused(s, "source_profile 'empty' has no keys");
    save(s->config, "[default]\nrole_arn=r\nsource_profile=default\n");
    assert_refused(s, "source_profile 'default' has no keys");
    save(s->config, "[default]\nrole_arn=r\ncredential_source=Ec2InstanceMetadata\n");
    assert_refused(s, "credential_source 'Ec2InstanceMetadata' has no keys");
    save(s->config, "[default]\nrole_arn=r\nsource_profile=half\n[profile half]\n"
                    "aws_access_key_id=HALF\n");
    assert_refused(s, "secret access key is missing");
    save(s->config, "[default]\nrole_arn=r\nsource_profile=default\nmfa_serial=arn:mfa\n"
                    "aws_access_key_id=D\naws_secret_access_key=own of D\n");
    assert_refused(s, "MFA");
    assert_int_equal(0, s->calls_n);
}

/* -- what the service says ------------------------------------------------- */

static void refusals_say_what_to_do(void **state)
{
    static const struct {
        const char *code;
        const char *said;
    } bad[] = {
        {"AccessDenied", "trust policy"},       {"ExpiredToken", "renew the keys"},
        {"InvalidClientTokenId", "access key"}, {"NoSuchEntity", "no such role"},
        {"SignatureDoesNotMatch", "clock"},     {"SomethingNew", "no <" ARN ">"},
    };
    struct sts *s = *state;

    save(s->config, "[default]\nrole_arn=" ARN "\nsource_profile=default\n"
                    "aws_access_key_id=D\naws_secret_access_key=own of D\n");
    s->status = 403;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        s->say = bad[i].code;
        assert_refused(s, bad[i].said);
        assert_non_null(strstr(s->err.text, bad[i].code));
        assert_non_null(strstr(s->err.text, ARN));
    }
    s->say = "Fine"; /* and yet no keys */
    s->status = 200;
    assert_refused(s, "malformed");
}

static void trouble_is_worth_another_try(void **state)
{
    struct sts *s = *state;
    char url[256];

    save(s->config, "[default]\nrole_arn=" ARN "\nsource_profile=default\n"
                    "aws_access_key_id=D\naws_secret_access_key=own of D\n");
    s->say = "ServiceUnavailable";
    s->status = 503;
    assert_fails(-EAGAIN, load(s));
    assert_int_equal(GW_STORE_UNREACHABLE, s->err.gw);
    assert_true(s->err.retryable);
    assert_int_equal(3, s->calls_n);
    s->say = NULL;
    assert_ok(text_print(url, sizeof(url), "https://127.0.0.1:1"));
    set(s, "AWS_ENDPOINT_URL_STS", url);
    assert_fails(-ECONNREFUSED, load(s));
    assert_int_equal(GW_STORE_UNREACHABLE, s->err.gw);
    assert_true(s->err.retryable);
}

static void keys_come_from_whom_we_know_and_not_in_the_clear(void **state)
{
    struct sts *s = *state;

    save(s->config, "[default]\nrole_arn=" ARN "\nsource_profile=default\n"
                    "aws_access_key_id=D\naws_secret_access_key=own of D\n");
    set(s, "AWS_CA_BUNDLE", NULL);
    assert_fails(-EPROTO, load(s));
    set(s, "AWS_ENDPOINT_URL_STS", "http://192.0.2.1");
    assert_refused(s, "not https");
    assert_int_equal(0, s->calls_n);
}

/* A proxy is asked for the host, and so tells where they went. */
static void by_default_it_is_amazons_of_the_region(void **state)
{
    struct sts *s = *state;
    struct s3_server *proxy = s3_server_start();
    char url[64];

    assert_ok(text_print(url, sizeof(url), "http://127.0.0.1:%u", proxy->port));
    setenv("https_proxy", url, 1);
    set(s, "AWS_ENDPOINT_URL_STS", NULL);
    save(s->config, "[default]\nrole_arn=" ARN "\nsource_profile=default\n"
                    "aws_access_key_id=D\naws_secret_access_key=own of D\n");
    s->conf.region = "eu-central-1";
    assert_true(load(s) < 0);
    assert_non_null(strstr(proxy->heads[0], "CONNECT sts.eu-central-1.amazonaws.com:443 "));
    s->conf.region = "cn-north-1";
    assert_true(load(s) < 0);
    assert_non_null(strstr(proxy->heads[s3_requests(proxy) - 1],
                           "CONNECT sts.cn-north-1.amazonaws.com.cn:443 "));
    /* A gateway has the service beside its buckets. */
    set(s, "AWS_ENDPOINT_URL", s->url);
    unsetenv("https_proxy");
    load_ok(s);
    assert_int_equal(1, s->calls_n);
    s3_server_end(proxy);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_pods_token_becomes_keys),
        CASE(the_token_is_read_anew_and_the_keys_in_time),
        CASE(who_names_a_profile_is_not_the_pod),
        CASE(what_is_wrong_with_a_token_is_said),
        CASE(a_role_is_asked_for_with_the_keys_of_its_source),
        CASE(a_role_may_be_for_keys_of_many_places),
        CASE(mistakes_of_profiles_are_named),
        CASE(refusals_say_what_to_do),
        CASE(trouble_is_worth_another_try),
        CASE(keys_come_from_whom_we_know_and_not_in_the_clear),
        CASE(by_default_it_is_amazons_of_the_region),
    };

    unsetenv("https_proxy");
    unsetenv("HTTPS_PROXY");
    unsetenv("all_proxy");
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    return cmocka_run_group_tests(tests, NULL, NULL);
}

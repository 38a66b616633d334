/* SPDX-License-Identifier: Apache-2.0 */
/* The credential chain: who wins, what is missing, and files as people write them. */
#include "tests/unit.h"

#include "base/fd.h"
#include "base/gw.h"
#include "transport/s3_profile.h"

#include "base/banned.h"

enum { VARIABLES_MAX = 12 };

struct place {
    char *dir;
    char credentials[PATH_MAX];
    char config[PATH_MAX];
    struct {
        const char *name;
        const char *value;
    } env[VARIABLES_MAX];
    size_t env_n;
    struct store_conf conf;
    struct s3_cred cred;
    struct err err;
};

static const char *place_get(void *arg, const char *name)
{
    struct place *p = arg;

    for (size_t i = 0; i < p->env_n; i++)
        if (strcmp(p->env[i].name, name) == 0)
            return p->env[i].value;
    return NULL;
}

static void set(struct place *p, const char *name, const char *value)
{
    assert_true(p->env_n < VARIABLES_MAX);
    p->env[p->env_n].name = name;
    p->env[p->env_n++].value = value;
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    char aws[PATH_MAX];

    p->dir = unit_mkdir();
    p->conf.path_style = -1;
    unit_path(p->dir, ".aws", aws);
    assert_int_equal(0, mkdir(aws, 0700));
    unit_path(p->dir, ".aws/credentials", p->credentials);
    unit_path(p->dir, ".aws/config", p->config);
    set(p, "HOME", p->dir);
    set(p, "AWS_EC2_METADATA_DISABLED", "true");
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    unit_rmdir(p->dir);
    free(p);
    return 0;
}

static void save(const char *path, const char *text)
{
    assert_ok(fd_save(path, slice_str(text), 0600, NULL));
}

static int load(struct place *p)
{
    struct s3_cred_env env = {.get = place_get, .arg = p};

    err_clear(&p->err);
    return s3_cred_load(&p->conf, &env, &p->cred, &p->err);
}

static void load_ok(struct place *p)
{
    if (load(p) < 0)
        fail_msg("%s", p->err.text);
    assert_string_equal("", p->err.text); /* nor of a place that lends none */
}

static void assert_cred(const struct place *p, const char *access, const char *secret,
                        const char *token)
{
    assert_string_equal(access, p->cred.access_key);
    assert_string_equal(secret, p->cred.secret_key);
    assert_string_equal(token, p->cred.token);
}

static void nothing_at_all_says_what_to_do(void **state)
{
    struct place *p = *state;

    assert_fails(-EACCES, load(p));
    assert_int_equal(GW_STORE_DENIED, p->err.gw);
    assert_non_null(strstr(p->err.text, "AWS_ACCESS_KEY_ID"));
    assert_false(p->err.retryable);
}

static void the_environment_suffices(void **state)
{
    struct place *p = *state;

    set(p, "AWS_ACCESS_KEY_ID", "AK");
    set(p, "AWS_SECRET_ACCESS_KEY", "s/e+c=ret");
    load_ok(p);
    assert_cred(p, "AK", "s/e+c=ret", "");
    assert_string_equal("us-east-1", p->cred.region);
    assert_string_equal("", p->cred.endpoint);
    assert_string_equal("", p->cred.ca_file);
    assert_int_equal(-1, p->cred.path_style);
    set(p, "AWS_SESSION_TOKEN", "tok");
    load_ok(p);
    assert_cred(p, "AK", "s/e+c=ret", "tok");
}

static void half_a_credential_is_refused(void **state)
{
    struct place *p = *state;

    save(p->credentials, "[default]\naws_access_key_id = F\naws_secret_access_key = G\n");
    set(p, "AWS_ACCESS_KEY_ID", "AK");
    assert_fails(-EACCES, load(p));
    assert_non_null(strstr(p->err.text, "secret access key"));
}

static void empty_variables_count_as_unset(void **state)
{
    struct place *p = *state;

    save(p->credentials, "[default]\naws_access_key_id = F\naws_secret_access_key = G\n");
    set(p, "AWS_ACCESS_KEY_ID", "");
    set(p, "AWS_SECRET_ACCESS_KEY", "");
    set(p, "AWS_PROFILE", "");
    load_ok(p);
    assert_cred(p, "F", "G", "");
}

static void files_are_read_as_people_write_them(void **state)
{
    struct place *p = *state;

    save(p->credentials, "# mine\r\n"
                         "[other]\n"
                         "aws_access_key_id=NO\n"
                         "aws_secret_access_key=NO\n"
                         "\n"
                         "[ default ]\n"
                         "  ; indented comment\n"
                         "aws_access_key_id\t=  AKID  \r\n"
                         "aws_secret_access_key = a#b;c=d/e+f\n"
                         "unknown = 1\n"
                         "not a pair\n"
                         "aws_session_token = T");
    save(p->config, "[default]\nregion = eu-central-1\ns3 =\n    addressing_style = path\n"
                    "    region = no\n[profile other]\nregion = xx\n");
    load_ok(p);
    assert_cred(p, "AKID", "a#b;c=d/e+f", "T");
    assert_string_equal("eu-central-1", p->cred.region);
    assert_int_equal(1, p->cred.path_style);
}

static void profiles_are_found_in_both_files(void **state)
{
    struct place *p = *state;

    save(p->credentials, "[default]\naws_access_key_id=D\naws_secret_access_key=D\n"
                         "[work]\naws_access_key_id=W\naws_secret_access_key=W2\n");
    save(p->config, "[profile work]\nregion = r-w\nendpoint_url = https://w\nca_bundle = /w.pem\n"
                    "[profile only]\naws_access_key_id=O\naws_secret_access_key=O2\n");
    set(p, "AWS_PROFILE", "work");
    load_ok(p);
    assert_cred(p, "W", "W2", "");
    assert_string_equal("r-w", p->cred.region);
    assert_string_equal("https://w", p->cred.endpoint);
    assert_string_equal("/w.pem", p->cred.ca_file);
    p->conf.profile = "only";
    load_ok(p);
    assert_cred(p, "O", "O2", "");
    p->conf.profile = "nobody";
    assert_fails(-EINVAL, load(p));
    assert_non_null(strstr(p->err.text, "nobody"));
}

/* As the AWS tools do: --profile beats the variables, AWS_PROFILE does not. */
static void an_explicit_profile_beats_the_environment(void **state)
{
    struct place *p = *state;

    save(p->credentials, "[work]\naws_access_key_id=W\naws_secret_access_key=W2\n");
    set(p, "AWS_ACCESS_KEY_ID", "E");
    set(p, "AWS_SECRET_ACCESS_KEY", "E2");
    set(p, "AWS_SESSION_TOKEN", "ET");
    set(p, "AWS_PROFILE", "work");
    load_ok(p);
    assert_cred(p, "E", "E2", "ET");
    p->conf.profile = "work";
    load_ok(p);
    assert_cred(p, "W", "W2", "");
}

static void a_pair_is_never_made_of_two_places(void **state)
{
    struct place *p = *state;

    save(p->credentials, "[default]\naws_access_key_id = A\n");
    save(p->config, "[default]\naws_secret_access_key = B\n");
    assert_fails(-EACCES, load(p));
}

static void settings_have_their_order(void **state)
{
    struct place *p = *state;

    save(p->config, "[default]\nregion = file\nendpoint_url = http://file\nca_bundle = /file\n"
                    "aws_access_key_id=D\naws_secret_access_key=D\n");
    set(p, "AWS_DEFAULT_REGION", "env-default");
    set(p, "AWS_ENDPOINT_URL", "http://env");
    load_ok(p);
    assert_string_equal("env-default", p->cred.region);
    assert_string_equal("http://env", p->cred.endpoint);
    assert_string_equal("/file", p->cred.ca_file);
    set(p, "AWS_REGION", "env");
    set(p, "AWS_ENDPOINT_URL_S3", "http://env-s3");
    set(p, "AWS_CA_BUNDLE", "/env");
    set(p, "GODWIT_S3_PATH_STYLE", "0");
    load_ok(p);
    assert_string_equal("env", p->cred.region);
    assert_string_equal("http://env-s3", p->cred.endpoint);
    assert_string_equal("/env", p->cred.ca_file);
    assert_int_equal(0, p->cred.path_style);
    p->conf.region = "conf";
    p->conf.endpoint = "http://conf";
    p->conf.ca_file = "/conf";
    p->conf.path_style = 1;
    load_ok(p);
    assert_string_equal("conf", p->cred.region);
    assert_string_equal("http://conf", p->cred.endpoint);
    assert_string_equal("/conf", p->cred.ca_file);
    assert_int_equal(1, p->cred.path_style);
}

/* Flag, variable of the service, variable of all, section "services", the profile. */
static void endpoints_have_their_order(void **state)
{
    struct place *p = *state;

    save(p->config, "[services lab]\ndynamodb =\n  endpoint_url = http://no\n"
                    "s3 = \n  endpoint_url = http://lab-s3\nsts =\n\tendpoint_url = https://sts\n"
                    "[services other]\ns3 =\n  endpoint_url = http://other\n"
                    "[default]\naws_access_key_id=D\naws_secret_access_key=D\n"
                    "endpoint_url = http://file\nservices = lab\n"
                    "[profile all]\naws_access_key_id=D\naws_secret_access_key=D\n"
                    "s3 =\n  endpoint_url = http://nested\nendpoint_url = http://file\n"
                    "[profile gone]\nservices = nowhere\n");
    load_ok(p);
    assert_string_equal("http://lab-s3", p->cred.endpoint);
    p->conf.profile = "all";
    load_ok(p);
    assert_string_equal("http://file", p->cred.endpoint);
    p->conf.profile = "gone";
    assert_fails(-EINVAL, load(p));
    assert_int_equal(GW_BAD_CONFIG, p->err.gw);
    assert_non_null(strstr(p->err.text, "no services 'nowhere'"));
    p->conf.profile = NULL;
    set(p, "AWS_ENDPOINT_URL", "http://env");
    load_ok(p);
    assert_string_equal("http://env", p->cred.endpoint);
    set(p, "AWS_ENDPOINT_URL_S3", "http://env-s3");
    load_ok(p);
    assert_string_equal("http://env-s3", p->cred.endpoint);
    set(p, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True");
    load_ok(p);
    assert_string_equal("", p->cred.endpoint);
    p->conf.endpoint = "http://conf";
    load_ok(p);
    assert_string_equal("http://conf", p->cred.endpoint);
}

static void a_profile_may_ignore_endpoints(void **state)
{
    struct place *p = *state;

    save(p->config, "[default]\naws_access_key_id=D\naws_secret_access_key=D\n"
                    "endpoint_url = http://file\nignore_configured_endpoint_urls = true\n");
    set(p, "AWS_ENDPOINT_URL_S3", "http://env-s3");
    load_ok(p);
    assert_string_equal("", p->cred.endpoint);
    set(p, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false"); /* the variable decides */
    load_ok(p);
    assert_string_equal("http://env-s3", p->cred.endpoint);
}

static void the_services_of_a_profile_say_who_lends(void **state)
{
    struct place *p = *state;
    struct s3_cred_env env = {.get = place_get, .arg = p};
    struct s3_profile profile;

    save(p->config, "[services lab]\nsts =\n  endpoint_url = https://sts\n"
                    "[profile work]\nservices = lab\nendpoint_url = http://file\n");
    assert_ok(s3_profile_load(&env, "work", false, &profile, &p->err));
    assert_string_equal("https://sts", profile.services.sts);
    assert_string_equal("", profile.services.s3);
    assert_string_equal("http://file", profile.cred.endpoint);
    s3_profile_done(&profile);
}

static void files_may_be_elsewhere(void **state)
{
    struct place *p = *state;
    char path[PATH_MAX];

    unit_path(p->dir, "elsewhere", path);
    save(path, "[default]\naws_access_key_id=X\naws_secret_access_key=Y\n");
    set(p, "AWS_SHARED_CREDENTIALS_FILE", path);
    load_ok(p);
    assert_cred(p, "X", "Y", "");
}

static void bad_values_are_named(void **state)
{
    struct place *p = *state;
    char big[S3_CRED_KEY_MAX + 2];

    set(p, "AWS_ACCESS_KEY_ID", "A");
    set(p, "AWS_SECRET_ACCESS_KEY", big);
    memset(big, 'k', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    assert_fails(-EINVAL, load(p));
    assert_non_null(strstr(p->err.text, "AWS_SECRET_ACCESS_KEY"));
    assert_null(strstr(p->err.text, "kkkk")); /* and never shown */
    big[1] = '\n';
    big[2] = '\0';
    assert_fails(-EINVAL, load(p));
    big[1] = '\0';
    set(p, "GODWIT_S3_PATH_STYLE", "perhaps");
    assert_fails(-EINVAL, load(p));
    assert_non_null(strstr(p->err.text, "perhaps"));
}

static void unreadable_files_are_errors(void **state)
{
    struct place *p = *state;

    set(p, "AWS_SHARED_CREDENTIALS_FILE", p->dir); /* a directory */
    assert_true(load(p) < 0);
    assert_true(p->err.text[0] != '\0');
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(nothing_at_all_says_what_to_do),
        CASE(the_environment_suffices),
        CASE(half_a_credential_is_refused),
        CASE(empty_variables_count_as_unset),
        CASE(files_are_read_as_people_write_them),
        CASE(profiles_are_found_in_both_files),
        CASE(an_explicit_profile_beats_the_environment),
        CASE(a_pair_is_never_made_of_two_places),
        CASE(settings_have_their_order),
        CASE(endpoints_have_their_order),
        CASE(a_profile_may_ignore_endpoints),
        CASE(the_services_of_a_profile_say_who_lends),
        CASE(files_may_be_elsewhere),
        CASE(bad_values_are_named),
        CASE(unreadable_files_are_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The credential chain of the AWS tools: what is asked in which order, and who wins. */
#include "transport/s3_cred.h"

#include "base/auto.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"
#include "transport/s3_lent.h"
#include "transport/s3_profile.h"

#include <stdlib.h>
#include <strings.h>

#include "base/banned.h"

static const char *system_get(void *arg, const char *name)
{
    (void)arg;
    return getenv(name);
}

const struct s3_cred_env s3_cred_env_system = {.get = system_get};

const char *s3_cred_env_get(const struct s3_cred_env *env, const char *name)
{
    const char *value = env->get(env->arg, name);

    return value && value[0] != '\0' ? value : NULL;
}

void s3_cred_done(struct s3_cred *c)
{
    crypto_wipe(c, sizeof(*c));
}

void s3_cred_take_keys(const struct s3_cred *from, struct s3_cred *ret)
{
    memcpy(ret->access_key, from->access_key, sizeof(ret->access_key));
    memcpy(ret->secret_key, from->secret_key, sizeof(ret->secret_key));
    memcpy(ret->token, from->token, sizeof(ret->token));
    ret->expires_ms = from->expires_ms;
}

static int copy(char *out, size_t size, const char *value, const char *what, struct err *err)
{
    if (text_copy(out, size, value) < 0 || strpbrk(value, "\r\n"))
        return err_set(err, -EINVAL, "%s is too long or malformed", what);
    return 0;
}

int s3_cred_fill(char *out, size_t size, const char *value, const char *what, struct err *err)
{
    return out[0] == '\0' && value ? copy(out, size, value, what, err) : 0;
}

#define FILL(field, value, what) s3_cred_fill(ret->field, sizeof(ret->field), value, what, err)

static int load_env_keys(const struct s3_cred_env *env, struct s3_cred *ret, struct err *err)
{
    int rc = FILL(access_key, s3_cred_env_get(env, "AWS_ACCESS_KEY_ID"), "AWS_ACCESS_KEY_ID");

    if (rc == 0)
        rc = FILL(secret_key, s3_cred_env_get(env, "AWS_SECRET_ACCESS_KEY"),
                  "AWS_SECRET_ACCESS_KEY");
    return rc < 0 ? rc
                  : FILL(token, s3_cred_env_get(env, "AWS_SESSION_TOKEN"), "AWS_SESSION_TOKEN");
}

static int load_env(const struct s3_cred_env *env, struct s3_cred *ret, struct err *err)
{
    int rc = FILL(region, s3_cred_env_get(env, "AWS_REGION"), "AWS_REGION");

    if (rc == 0)
        rc = FILL(region, s3_cred_env_get(env, "AWS_DEFAULT_REGION"), "AWS_DEFAULT_REGION");
    if (rc == 0)
        rc = FILL(endpoint, s3_cred_env_get(env, "AWS_ENDPOINT_URL_S3"), "AWS_ENDPOINT_URL_S3");
    if (rc == 0)
        rc = FILL(endpoint, s3_cred_env_get(env, "AWS_ENDPOINT_URL"), "AWS_ENDPOINT_URL");
    return rc < 0 ? rc : FILL(ca_file, s3_cred_env_get(env, "AWS_CA_BUNDLE"), "AWS_CA_BUNDLE");
}

/* A variable of ours, 1 or 0, in *ret when it is set. */
static int load_switch(const struct s3_cred_env *env, const char *name, int *ret, struct err *err)
{
    const char *value = s3_cred_env_get(env, name);

    if (!value)
        return 0;
    if (strcmp(value, "1") == 0 || strcmp(value, "yes") == 0 || strcmp(value, "true") == 0)
        *ret = 1;
    else if (strcmp(value, "0") == 0 || strcmp(value, "no") == 0 || strcmp(value, "false") == 0)
        *ret = 0;
    else
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "%s='%.32s': expected 1 or 0", name, value);
    return 0;
}

static int load_switches(const struct s3_cred_env *env, struct s3_cred *ret, struct err *err)
{
    int rc = 0;

    ret->http2 = 1;
    if (ret->path_style < 0)
        rc = load_switch(env, "GODWIT_S3_PATH_STYLE", &ret->path_style, err);
    return rc < 0 ? rc : load_switch(env, "GODWIT_S3_HTTP2", &ret->http2, err);
}

static int load_conf(const struct store_conf *conf, struct s3_cred *ret, struct err *err)
{
    int rc = FILL(region, conf->region, "region");

    if (rc == 0)
        rc = FILL(endpoint, conf->endpoint, "endpoint");
    if (rc == 0)
        rc = FILL(ca_file, conf->ca_file, "CA file");
    ret->path_style = conf->path_style;
    return rc;
}

static int check(const struct s3_cred *c, const char *profile, struct err *err)
{
    if (c->access_key[0] != '\0' && c->secret_key[0] != '\0')
        return 0;
    if (c->access_key[0] != '\0' || c->secret_key[0] != '\0')
        return err_set_gw(err, GW_STORE_DENIED, -EACCES,
                          "half of an S3 credential: the %s is missing",
                          c->access_key[0] != '\0' ? "secret access key" : "access key id");
    return err_set_gw(
        err, GW_STORE_DENIED, -EACCES,
        "no S3 credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or fill "
        "profile '%s' of ~/.aws/credentials (keys) or ~/.aws/config (a role, a login); "
        "no container or instance lends any",
        profile);
}

/* Settings that nothing before has said. */
static int take_settings(const struct s3_profile *from, struct s3_cred *ret, struct err *err)
{
    int rc = FILL(region, from->cred.region, "region");

    if (rc == 0)
        rc = FILL(endpoint, from->services.s3, "endpoint_url");
    if (rc == 0)
        rc = FILL(endpoint, from->cred.endpoint, "endpoint_url");
    if (rc == 0)
        rc = FILL(ca_file, from->cred.ca_file, "ca_bundle");
    if (ret->path_style < 0)
        ret->path_style = from->cred.path_style;
    return rc;
}

/* The environment, but for what it says of endpoints. */
static const char *get_without_endpoints(void *arg, const char *name)
{
    const struct s3_cred_env *env = *(const struct s3_cred_env **)arg;

    return text_starts(name, "AWS_ENDPOINT_URL") ? NULL : env->get(env->arg, name);
}

/* Endpoints of variables and files count, unless one of them says otherwise. */
static bool ignores_endpoints(const struct s3_cred_env *env, const struct s3_profile *p)
{
    const char *value = s3_cred_env_get(env, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");

    return strcasecmp(value ? value : p->ignore_endpoints, "true") == 0;
}

static void forget_endpoints(struct s3_profile *p)
{
    p->services = (struct s3_services){0};
    p->cred.endpoint[0] = '\0';
}

/* -- who lends ------------------------------------------------------------- */

enum { ROLES_MAX = 5 };

/* Whom to ask, and how. */
struct lender {
    const struct s3_cred_env *env;
    struct s3_sts sts;
};

static bool has_keys(const struct s3_cred *c)
{
    return c->access_key[0] != '\0' || c->secret_key[0] != '\0';
}

/* What a profile has of its own, or is lent without another one. -ENOENT: nothing. */
static int take_own(const struct lender *l, const struct s3_profile *p, struct s3_cred *ret,
                    struct err *err)
{
    if (p->role.arn[0] != '\0' && p->role.token_file[0] != '\0')
        return s3_lent_sts_web_identity(&l->sts, &p->role, ret, err);
    if (has_keys(&p->cred)) {
        s3_cred_take_keys(&p->cred, ret);
        return 0;
    }
    if (p->sso.account[0] != '\0')
        return s3_lent_sso(l->env, &p->sso, ret, err);
    if (p->process[0] != '\0')
        return s3_lent_process(p->process, ret, err);
    return err_set(err, -ENOENT, "no S3 credentials");
}

static int take_named_source(const struct lender *l, const char *source, struct s3_cred *ret,
                             struct err *err)
{
    if (strcmp(source, "Environment") == 0)
        return load_env_keys(l->env, ret, err);
    if (strcmp(source, "Ec2InstanceMetadata") == 0)
        return s3_lent_instance(l->env, ret, err);
    if (strcmp(source, "EcsContainer") == 0)
        return s3_lent_container(l->env, ret, err);
    return err_set_gw(err, GW_BAD_CONFIG, -EINVAL,
                      "credential_source '%s' is none of Environment, Ec2InstanceMetadata and "
                      "EcsContainer",
                      source);
}

/* A role by itself; keys that stand beside it are for it, or for who was named as a source. */
static bool wants_source(const struct s3_profile *p, size_t depth)
{
    return p->role.arn[0] != '\0' && p->role.token_file[0] == '\0' &&
           (depth == 0 || !has_keys(&p->cred));
}

/* From profile to profile, *p the one at hand, until one has keys. */
static int follow_sources(const struct lender *l, const char *name, struct s3_profile *p,
                          struct s3_role *roles, size_t *ret_n, struct err *err)
{
    char at[sizeof(p->role.source_profile)];
    size_t n = 0;
    int rc = text_copy(at, sizeof(at), name);

    while (rc == 0 && wants_source(p, n)) {
        if (n == ROLES_MAX)
            return err_set_gw(err, GW_BAD_CONFIG, -EINVAL,
                              "profile '%s': its source_profile leads in a circle, or over more "
                              "than %d roles",
                              name, ROLES_MAX);
        roles[n] = p->role;
        if (roles[n++].credential_source[0] != '\0' || strcmp(p->role.source_profile, at) == 0)
            break;
        if (p->role.source_profile[0] == '\0')
            return err_set_gw(err, GW_BAD_CONFIG, -EINVAL,
                              "profile '%s' has a role_arn, but neither source_profile, "
                              "credential_source nor web_identity_token_file",
                              at);
        rc = s3_profile_load(l->env, roles[n - 1].source_profile, true, p, err);
        if (rc == -ENOENT)
            return err_set_gw(err, GW_BAD_CONFIG, -EINVAL,
                              "no profile '%s', which profile '%s' names as its source_profile",
                              roles[n - 1].source_profile, at);
        if (rc == 0)
            rc = text_copy(at, sizeof(at), roles[n - 1].source_profile);
    }
    *ret_n = n;
    return rc;
}

/* All that a profile says of who we are. -ENOENT: nothing. */
static int take_profile(const struct lender *l, const char *name, struct s3_profile *p,
                        struct s3_cred *ret, struct err *err)
{
    struct s3_role roles[ROLES_MAX];
    const char *source = "";
    size_t n = 0;
    int rc = follow_sources(l, name, p, roles, &n, err);

    if (rc == 0 && n > 0)
        source = roles[n - 1].credential_source;
    if (rc == 0)
        rc = source[0] != '\0' ? take_named_source(l, source, ret, err) : take_own(l, p, ret, err);
    if (n > 0 && (rc == -ENOENT || (rc == 0 && !has_keys(ret))))
        return err_set_gw(
            err, GW_STORE_DENIED, -EACCES,
            "profile '%s': %s '%s' has no keys with which its role could be asked for", name,
            source[0] != '\0' ? "credential_source" : "source_profile",
            source[0] != '\0' ? source : roles[n - 1].source_profile);
    if (rc == 0 && n > 0)
        rc = check(ret, name, err);
    while (rc == 0 && n > 0)
        rc = s3_lent_sts_role(&l->sts, &roles[--n], ret, err);
    return rc;
}

/* A pod's: the token of its service account. -ENOENT: it has none. */
static int take_web_identity(const struct lender *l, struct s3_cred *ret, struct err *err)
{
    const char *token_file = s3_cred_env_get(l->env, "AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *arn = s3_cred_env_get(l->env, "AWS_ROLE_ARN");
    struct s3_role role = {0};
    int rc;

    if (!token_file)
        return err_set(err, -ENOENT, "no web identity");
    if (!arn)
        return err_set_gw(err, GW_STORE_DENIED, -EACCES,
                          "AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not: whose "
                          "role is it for?");
    rc = copy(role.token_file, sizeof(role.token_file), token_file, "AWS_WEB_IDENTITY_TOKEN_FILE",
              err);
    if (rc == 0)
        rc = copy(role.arn, sizeof(role.arn), arn, "AWS_ROLE_ARN", err);
    if (rc == 0)
        rc = s3_cred_fill(role.session, sizeof(role.session),
                          s3_cred_env_get(l->env, "AWS_ROLE_SESSION_NAME"), "AWS_ROLE_SESSION_NAME",
                          err);
    return rc < 0 ? rc : s3_lent_sts_web_identity(&l->sts, &role, ret, err);
}

/* Everywhere but in variables with keys. A named profile is not made up elsewhere. */
static int borrow(const struct lender *l, const char *named, struct s3_profile *p,
                  struct s3_cred *ret, struct err *err)
{
    int rc = named ? -ENOENT : take_web_identity(l, ret, err);

    if (rc == -ENOENT)
        rc = take_profile(l, named ? named : "default", p, ret, err);
    if (rc == -ENOENT && !named)
        rc = s3_lent_container(l->env, ret, err);
    if (rc == -ENOENT && !named)
        rc = s3_lent_instance(l->env, ret, err);
    if (rc < 0 && rc != -ENOENT)
        return rc;
    err_clear(err); /* where there were none is no failure */
    return 0;
}

/* STS is where variables or the profile say that the services are, else Amazon's. */
static int lender_init(struct lender *l, const struct store_conf *conf,
                       const struct s3_cred_env *env, const struct s3_profile *p,
                       const struct s3_cred *c, struct err *err)
{
    const char *own = s3_cred_env_get(env, "AWS_ENDPOINT_URL_STS");
    const char *all = s3_cred_env_get(env, "AWS_ENDPOINT_URL");

    *l = (struct lender){.env = env,
                         .sts = {.region = c->region,
                                 .ca_file = c->ca_file,
                                 .clock = conf->clock ? conf->clock : &clock_system}};
    return copy(l->sts.endpoint, sizeof(l->sts.endpoint),
                own                          ? own
                : all                        ? all
                : p->services.sts[0] != '\0' ? p->services.sts
                                             : p->cred.endpoint,
                "AWS_ENDPOINT_URL_STS", err);
}

/* Which profile, and who was asked for it by name. */
struct choice {
    const char *named; /* or NULL */
    const char *profile;
    bool env_wins; /* the keys are those of variables */
};

static void choose(const struct store_conf *conf, const struct s3_cred_env *env, struct choice *ret)
{
    bool has_pair =
        s3_cred_env_get(env, "AWS_ACCESS_KEY_ID") || s3_cred_env_get(env, "AWS_SECRET_ACCESS_KEY");

    ret->named = conf->profile ? conf->profile : s3_cred_env_get(env, "AWS_PROFILE");
    ret->profile = ret->named ? ret->named : "default";
    ret->env_wins = !conf->profile && has_pair;
}

static int load_profile(const struct choice *c, const struct s3_cred_env *env, struct s3_profile *p,
                        struct err *err)
{
    int rc = s3_profile_load(env, c->profile, !c->env_wins, p, err);

    if (rc != -ENOENT)
        return rc;
    err_clear(err);
    return c->named && !c->env_wins
               ? err_set_gw(err, GW_BAD_CONFIG, -EINVAL,
                            "no profile '%s' in the AWS configuration files", c->named)
               : 0;
}

/* Of flags, variables and the profile, in this order. */
static int load_settings(const struct store_conf *conf, const struct s3_cred_env *env,
                         const struct s3_profile *p, struct s3_cred *ret, struct err *err)
{
    int rc = load_conf(conf, ret, err);

    if (rc == 0)
        rc = load_env(env, ret, err);
    if (rc == 0)
        rc = load_switches(env, ret, err);
    if (rc == 0)
        rc = take_settings(p, ret, err);
    return rc < 0 ? rc : FILL(region, "us-east-1", "region");
}

static int load_all(const struct store_conf *conf, const struct s3_cred_env *env,
                    struct s3_cred *ret, struct err *err)
{
    AUTO(s3_profile_done) struct s3_profile p = {.cred.path_style = -1};
    const struct s3_cred_env *all = env;
    struct s3_cred_env plain = {.get = get_without_endpoints, .arg = &all};
    struct choice choice;
    struct lender l;
    int rc;

    choose(conf, env, &choice);
    rc = load_profile(&choice, env, &p, err);
    if (rc == 0 && ignores_endpoints(env, &p)) {
        forget_endpoints(&p);
        env = &plain;
    }
    if (rc == 0)
        rc = load_settings(conf, env, &p, ret, err);
    if (rc == 0 && choice.env_wins)
        rc = load_env_keys(env, ret, err);
    if (rc == 0)
        rc = lender_init(&l, conf, env, &p, ret, err);
    if (rc == 0 && !choice.env_wins)
        rc = borrow(&l, choice.named, &p, ret, err);
    return rc < 0 ? rc : check(ret, choice.profile, err);
}

int s3_cred_load(const struct store_conf *conf, const struct s3_cred_env *env, struct s3_cred *ret,
                 struct err *err)
{
    AUTO(s3_cred_done) struct s3_cred c = {0};
    int rc = load_all(conf, env, &c, err);

    if (rc < 0)
        return rc;
    *ret = c;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The credential chain of the AWS tools: what is asked in which order, and who wins. */
#include "transport/s3_cred.h"

#include "base/auto.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"
#include "transport/s3_lent.h"

#include <stdlib.h>

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

static int load_env(const struct s3_cred_env *env, bool credentials, struct s3_cred *ret,
                    struct err *err)
{
    int rc = 0;

    if (credentials) {
        rc = FILL(access_key, s3_cred_env_get(env, "AWS_ACCESS_KEY_ID"), "AWS_ACCESS_KEY_ID");
        if (rc == 0)
            rc = FILL(secret_key, s3_cred_env_get(env, "AWS_SECRET_ACCESS_KEY"),
                      "AWS_SECRET_ACCESS_KEY");
        if (rc == 0)
            rc = FILL(token, s3_cred_env_get(env, "AWS_SESSION_TOKEN"), "AWS_SESSION_TOKEN");
    }
    if (rc == 0)
        rc = FILL(region, s3_cred_env_get(env, "AWS_REGION"), "AWS_REGION");
    if (rc == 0)
        rc = FILL(region, s3_cred_env_get(env, "AWS_DEFAULT_REGION"), "AWS_DEFAULT_REGION");
    if (rc == 0)
        rc = FILL(endpoint, s3_cred_env_get(env, "AWS_ENDPOINT_URL_S3"), "AWS_ENDPOINT_URL_S3");
    if (rc == 0)
        rc = FILL(endpoint, s3_cred_env_get(env, "AWS_ENDPOINT_URL"), "AWS_ENDPOINT_URL");
    if (rc == 0)
        rc = FILL(ca_file, s3_cred_env_get(env, "AWS_CA_BUNDLE"), "AWS_CA_BUNDLE");
    return rc;
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
    return err_set_gw(err, GW_STORE_DENIED, -EACCES,
                      "no S3 credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or fill "
                      "profile '%s' of ~/.aws/credentials; no container or instance lends any",
                      profile);
}

/* Settings that nothing before has said. */
static int take_settings(const struct s3_cred *from, struct s3_cred *ret, struct err *err)
{
    int rc = FILL(region, from->region, "region");

    if (rc == 0)
        rc = FILL(endpoint, from->endpoint, "endpoint_url");
    if (rc == 0)
        rc = FILL(ca_file, from->ca_file, "ca_bundle");
    if (ret->path_style < 0)
        ret->path_style = from->path_style;
    return rc;
}

/* What a profile has, or is lent. -ENOENT: nothing. */
static int take_keys(const struct s3_cred_env *env, const struct s3_profile *p, struct s3_cred *ret,
                     struct err *err)
{
    if (p->cred.access_key[0] != '\0' || p->cred.secret_key[0] != '\0') {
        memcpy(ret->access_key, p->cred.access_key, sizeof(ret->access_key));
        memcpy(ret->secret_key, p->cred.secret_key, sizeof(ret->secret_key));
        memcpy(ret->token, p->cred.token, sizeof(ret->token));
        return 0;
    }
    if (p->sso.account[0] != '\0')
        return s3_lent_sso(env, &p->sso, ret, err);
    if (p->process[0] != '\0')
        return s3_lent_process(p->process, ret, err);
    return err_set(err, -ENOENT, "no S3 credentials");
}

/* A named profile is not made up elsewhere. */
static int borrow(const struct s3_cred_env *env, const struct s3_profile *p, bool named,
                  struct s3_cred *ret, struct err *err)
{
    int rc = take_keys(env, p, ret, err);

    if (rc == -ENOENT && !named)
        rc = s3_lent_container(env, ret, err);
    if (rc == -ENOENT && !named)
        rc = s3_lent_instance(env, ret, err);
    if (rc != -ENOENT)
        return rc;
    err_clear(err);
    return 0;
}

static int load_all(const struct store_conf *conf, const struct s3_cred_env *env,
                    struct s3_cred *ret, struct err *err)
{
    AUTO(s3_profile_done) struct s3_profile p = {.cred.path_style = -1};
    bool has_pair =
        s3_cred_env_get(env, "AWS_ACCESS_KEY_ID") || s3_cred_env_get(env, "AWS_SECRET_ACCESS_KEY");
    const char *named = conf->profile ? conf->profile : s3_cred_env_get(env, "AWS_PROFILE");
    const char *profile = named ? named : "default";
    bool env_wins = !conf->profile && has_pair;
    int rc = load_conf(conf, ret, err);

    if (rc == 0)
        rc = load_env(env, env_wins, ret, err);
    if (rc == 0)
        rc = load_switches(env, ret, err);
    if (rc == 0)
        rc = s3_profile_load(env, profile, !env_wins, &p, err);
    if (rc == -ENOENT) {
        err_clear(err);
        rc = named && !env_wins
                 ? err_set_gw(err, GW_BAD_CONFIG, -EINVAL,
                              "no profile '%s' in the AWS configuration files", named)
                 : 0;
    }
    if (rc == 0)
        rc = take_settings(&p.cred, ret, err);
    if (rc == 0 && !env_wins)
        rc = borrow(env, &p, named != NULL, ret, err);
    if (rc == 0)
        rc = FILL(region, "us-east-1", "region");
    return rc < 0 ? rc : check(ret, profile, err);
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

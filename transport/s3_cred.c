/* SPDX-License-Identifier: Apache-2.0 */
/* The credential chain of the AWS tools. The files are
 * read by a small reader of their own: their values may hold ';' and '#', and indented lines are
 * nested settings, which ini libraries take for continuations. */
#include "transport/s3_cred.h"

#include "base/auto.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/text.h"
#include "transport/s3_lent.h"

#include <stdio.h>

#include "base/banned.h"

enum { CRED_FILE_MAX = 1 << 20, CRED_LINE_MAX = 16 * 1024 };

static const char *system_get(void *arg, const char *name)
{
    (void)arg;
    return getenv(name);
}

const struct s3_cred_env s3_cred_env_system = {.get = system_get};

/* Set and not empty, as the AWS tools see it. */
static const char *env_get(const struct s3_cred_env *env, const char *name)
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

/* Fill a setting that nothing before has set. */
static int fill(char *out, size_t size, const char *value, const char *what, struct err *err)
{
    return out[0] == '\0' && value ? copy(out, size, value, what, err) : 0;
}

#define FILL(field, value, what) fill(ret->field, sizeof(ret->field), value, what, err)

/* One file and the section of it that is wanted. */
struct cred_file {
    char path[S3_CRED_PATH_MAX + 1];
    const char *profile;
    const char *sso_session; /* or NULL: then the section of that session, not of the profile */
    bool is_config;          /* sections are "profile NAME" there, but for "default" */
    bool credentials;        /* take them too; else only settings */
    bool found;              /* the section */
};

static char *trim(char *text)
{
    size_t len;

    text += strspn(text, " \t\r");
    len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1]))
        text[--len] = '\0';
    return text;
}

/* What stands behind "word ", or NULL. */
static char *behind(char *name, const char *word)
{
    size_t len = strlen(word);

    return text_starts(name, word) && name[len] != '\0' && strchr(" \t", name[len])
               ? trim(name + len)
               : NULL;
}

static bool is_section(const struct cred_file *f, char *line)
{
    char *end = strchr(line, ']');
    char *name;
    char *rest;

    if (!end)
        return false;
    *end = '\0';
    name = trim(line + 1);
    if (f->sso_session) {
        rest = behind(name, "sso-session");
        return rest && strcmp(rest, f->sso_session) == 0;
    }
    rest = f->is_config ? behind(name, "profile") : NULL;
    if (rest)
        return strcmp(rest, f->profile) == 0;
    if (f->is_config && strcmp(f->profile, "default") != 0)
        return false;
    return strcmp(name, f->profile) == 0;
}

static int take_style(struct s3_cred *ret, const char *value)
{
    if (ret->path_style >= 0)
        return 0;
    if (strcmp(value, "path") == 0)
        ret->path_style = 1;
    if (strcmp(value, "virtual") == 0)
        ret->path_style = 0;
    return 0;
}

static int take_sso(const char *name, const char *value, struct s3_cred *ret, struct err *err)
{
    if (strcmp(name, "sso_session") == 0)
        return FILL(sso.session, value, name);
    if (strcmp(name, "sso_start_url") == 0)
        return FILL(sso.start_url, value, name);
    if (strcmp(name, "sso_region") == 0)
        return FILL(sso.region, value, name);
    if (strcmp(name, "sso_account_id") == 0)
        return FILL(sso.account, value, name);
    if (strcmp(name, "sso_role_name") == 0)
        return FILL(sso.role, value, name);
    return 0;
}

static int take_value(const struct cred_file *f, const char *name, const char *value,
                      struct s3_cred *ret, struct err *err)
{
    if (f->credentials && strcmp(name, "aws_access_key_id") == 0)
        return FILL(access_key, value, "aws_access_key_id");
    if (f->credentials && strcmp(name, "aws_secret_access_key") == 0)
        return FILL(secret_key, value, "aws_secret_access_key");
    if (f->credentials && strcmp(name, "aws_session_token") == 0)
        return FILL(token, value, "aws_session_token");
    if (f->credentials && strcmp(name, "credential_process") == 0)
        return FILL(process, value, "credential_process");
    if (f->credentials && text_starts(name, "sso_"))
        return take_sso(name, value, ret, err);
    if (f->sso_session)
        return 0;
    if (strcmp(name, "region") == 0)
        return FILL(region, value, "region");
    if (strcmp(name, "endpoint_url") == 0)
        return FILL(endpoint, value, "endpoint_url");
    if (strcmp(name, "ca_bundle") == 0)
        return FILL(ca_file, value, "ca_bundle");
    return 0;
}

/* in: is the line before in the wanted section? nested: is it below "s3 ="? */
struct cred_line {
    bool in;
    bool nested_s3;
};

static int take_line(struct cred_file *f, char *line, struct cred_line *at, struct s3_cred *ret,
                     struct err *err)
{
    bool indented = line[0] == ' ' || line[0] == '\t';
    char *name = trim(line);
    char *value;

    if (name[0] == '\0' || name[0] == '#' || name[0] == ';')
        return 0;
    if (name[0] == '[' && !indented) {
        at->in = is_section(f, name);
        at->nested_s3 = false;
        f->found |= at->in;
        return 0;
    }
    value = strchr(name, '=');
    if (!at->in || !value)
        return 0;
    *value = '\0';
    value = trim(value + 1);
    name = trim(name);
    if (indented)
        return at->nested_s3 && strcmp(name, "addressing_style") == 0 ? take_style(ret, value) : 0;
    at->nested_s3 = strcmp(name, "s3") == 0 && value[0] == '\0';
    return take_value(f, name, value, ret, err);
}

static int parse_file(struct cred_file *f, char *text, struct s3_cred *ret, struct err *err)
{
    struct cred_line at = {0};
    unsigned number = 0;

    while (text && *text != '\0') {
        char *end = strchr(text, '\n');
        int rc;

        number++;
        if (end)
            *end = '\0';
        if (strlen(text) > CRED_LINE_MAX)
            return err_set_gw(err, GW_BAD_CONFIG, -EINVAL, "%s:%u: line too long", f->path, number);
        rc = take_line(f, text, &at, ret, err);
        if (rc < 0)
            return err_add(err, rc, "%s:%u", f->path, number);
        text = end ? end + 1 : NULL;
    }
    return 0;
}

static int load_file(struct cred_file *f, struct s3_cred *ret, struct err *err)
{
    auto_buf struct buf text = {0};
    int rc = fd_load(f->path, CRED_FILE_MAX, &text, err);

    if (rc == -ENOENT) {
        err_clear(err);
        return 0;
    }
    if (rc < 0)
        return rc;
    buf_u8(&text, '\0');
    rc = buf_failed(&text, err);
    if (rc == 0)
        rc = parse_file(f, (char *)text.data, ret, err);
    if (text.data)
        crypto_wipe(text.data, text.cap);
    return rc;
}

/* The variable's file, or the one in the home directory; "" when neither is known. */
static int file_path(const struct s3_cred_env *env, const char *variable, const char *below_home,
                     char *out, size_t size)
{
    const char *path = env_get(env, variable);
    const char *home = env_get(env, "HOME");

    out[0] = '\0';
    if (path)
        return text_copy(out, size, path);
    return home ? text_print(out, size, "%s/%s", home, below_home) : 0;
}

/* The section that the profile's sso_session names. */
static int load_session(const struct cred_file *config, struct s3_cred *ret, struct err *err)
{
    char session[sizeof(ret->sso.session)];
    struct cred_file f = *config;
    int rc;

    if (!config->credentials || ret->sso.session[0] == '\0')
        return 0;
    memcpy(session, ret->sso.session, sizeof(session));
    f.sso_session = session;
    f.found = false;
    rc = load_file(&f, ret, err);
    if (rc == 0 && !f.found)
        return err_set_gw(err, GW_BAD_CONFIG, -EINVAL, "no sso-session '%s' in '%s'", session,
                          f.path);
    return rc;
}

static int load_files(const struct s3_cred_env *env, const char *profile, bool credentials,
                      struct s3_cred *ret, bool *ret_found, struct err *err)
{
    struct cred_file shared = {.profile = profile, .credentials = credentials};
    struct cred_file config = {.profile = profile, .credentials = credentials, .is_config = true};
    int rc = 0;

    if (file_path(env, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", shared.path,
                  sizeof(shared.path)) < 0 ||
        file_path(env, "AWS_CONFIG_FILE", ".aws/config", config.path, sizeof(config.path)) < 0)
        return err_set(err, -EINVAL, "the path of an AWS configuration file is too long");
    if (shared.path[0] != '\0')
        rc = load_file(&shared, ret, err);
    /* A pair is never made of two places. */
    config.credentials = credentials && ret->access_key[0] == '\0' && ret->secret_key[0] == '\0';
    if (rc == 0 && config.path[0] != '\0')
        rc = load_file(&config, ret, err);
    if (rc == 0)
        rc = load_session(&config, ret, err);
    *ret_found = shared.found || config.found;
    return rc;
}

static int load_env(const struct s3_cred_env *env, bool credentials, struct s3_cred *ret,
                    struct err *err)
{
    int rc = 0;

    if (credentials) {
        rc = FILL(access_key, env_get(env, "AWS_ACCESS_KEY_ID"), "AWS_ACCESS_KEY_ID");
        if (rc == 0)
            rc = FILL(secret_key, env_get(env, "AWS_SECRET_ACCESS_KEY"), "AWS_SECRET_ACCESS_KEY");
        if (rc == 0)
            rc = FILL(token, env_get(env, "AWS_SESSION_TOKEN"), "AWS_SESSION_TOKEN");
    }
    if (rc == 0)
        rc = FILL(region, env_get(env, "AWS_REGION"), "AWS_REGION");
    if (rc == 0)
        rc = FILL(region, env_get(env, "AWS_DEFAULT_REGION"), "AWS_DEFAULT_REGION");
    if (rc == 0)
        rc = FILL(endpoint, env_get(env, "AWS_ENDPOINT_URL_S3"), "AWS_ENDPOINT_URL_S3");
    if (rc == 0)
        rc = FILL(endpoint, env_get(env, "AWS_ENDPOINT_URL"), "AWS_ENDPOINT_URL");
    if (rc == 0)
        rc = FILL(ca_file, env_get(env, "AWS_CA_BUNDLE"), "AWS_CA_BUNDLE");
    return rc;
}

/* A variable of ours, 1 or 0, in *ret when it is set. */
static int load_switch(const struct s3_cred_env *env, const char *name, int *ret, struct err *err)
{
    const char *value = env_get(env, name);

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

/* What no variable and no file holds may be lent. A named profile is not made up elsewhere. */
static int borrow(const struct s3_cred_env *env, bool named, struct s3_cred *ret, struct err *err)
{
    int rc;

    if (ret->access_key[0] != '\0' || ret->secret_key[0] != '\0')
        return 0;
    if (ret->sso.account[0] != '\0')
        return s3_lent_sso(env, ret, err);
    if (ret->process[0] != '\0')
        return s3_lent_process(ret->process, ret, err);
    if (named)
        return 0;
    rc = s3_lent_container(env, ret, err);
    if (rc == -ENOENT)
        rc = s3_lent_instance(env, ret, err);
    if (rc != -ENOENT)
        return rc;
    err_clear(err);
    return 0;
}

static int load_all(const struct store_conf *conf, const struct s3_cred_env *env,
                    struct s3_cred *ret, struct err *err)
{
    bool has_pair = env_get(env, "AWS_ACCESS_KEY_ID") || env_get(env, "AWS_SECRET_ACCESS_KEY");
    const char *named = conf->profile ? conf->profile : env_get(env, "AWS_PROFILE");
    const char *profile = named ? named : "default";
    bool env_wins = !conf->profile && has_pair;
    bool found = false;
    int rc = load_conf(conf, ret, err);

    if (rc == 0)
        rc = load_env(env, env_wins, ret, err);
    if (rc == 0)
        rc = load_switches(env, ret, err);
    if (rc == 0)
        rc = load_files(env, profile, !env_wins, ret, &found, err);
    if (rc == 0 && named && !found && !env_wins)
        rc = err_set_gw(err, GW_BAD_CONFIG, -EINVAL,
                        "no profile '%s' in the AWS configuration files", named);
    if (rc == 0)
        rc = borrow(env, named != NULL, ret, err);
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

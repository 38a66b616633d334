/* SPDX-License-Identifier: Apache-2.0 */
/* One section of the files of the AWS tools, by a small reader of its own: their values may hold
 * ';' and '#', and indented lines are nested settings, which ini libraries take for continuations.
 */
#include "transport/s3_profile.h"

#include "base/auto.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/text.h"

#include <stdio.h>

#include "base/banned.h"

enum { PROFILE_FILE_MAX = 1 << 20, PROFILE_LINE_MAX = 16 * 1024 };

/* One file and the section of it that is wanted. */
struct file {
    char path[S3_CRED_PATH_MAX + 1];
    const char *profile;
    const char *kind;    /* "sso-session", "services"; NULL: the profile's own section */
    const char *section; /* with kind: its name */
    bool is_config;      /* sections are "profile NAME" there, but for "default" */
    bool who;            /* take also who we are */
    bool keys;           /* with the keys that say so */
    bool found;          /* the section */
};

void s3_profile_done(struct s3_profile *p)
{
    crypto_wipe(p, sizeof(*p));
}

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

static bool is_section(const struct file *f, char *line)
{
    char *end = strchr(line, ']');
    char *name;
    char *rest;

    if (!end)
        return false;
    *end = '\0';
    name = trim(line + 1);
    if (f->kind) {
        rest = behind(name, f->kind);
        return rest && strcmp(rest, f->section) == 0;
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

/* A setting that nothing before has set. */
struct place {
    const char *name;
    char *out;
    size_t size;
};

#define PLACE(name, field)                                                                         \
    {                                                                                              \
        name, (field), sizeof(field)                                                               \
    }

static int take(const struct place *places, size_t n, const char *name, const char *value,
                struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(places[i].name, name) == 0)
            return s3_cred_fill(places[i].out, places[i].size, value, name, err);
    return 0;
}

static int take_keys(const char *name, const char *value, struct s3_profile *ret, struct err *err)
{
    const struct place places[] = {
        PLACE("aws_access_key_id", ret->cred.access_key),
        PLACE("aws_secret_access_key", ret->cred.secret_key),
        PLACE("aws_session_token", ret->cred.token),
        PLACE("credential_process", ret->process),
    };

    return take(places, ARRAY_LEN(places), name, value, err);
}

static int take_sso(const char *name, const char *value, struct s3_profile *ret, struct err *err)
{
    const struct place places[] = {
        PLACE("sso_session", ret->sso.session), PLACE("sso_start_url", ret->sso.start_url),
        PLACE("sso_region", ret->sso.region),   PLACE("sso_account_id", ret->sso.account),
        PLACE("sso_role_name", ret->sso.role),
    };

    return take(places, ARRAY_LEN(places), name, value, err);
}

static int take_role(const char *name, const char *value, struct s3_profile *ret, struct err *err)
{
    const struct place places[] = {
        PLACE("role_arn", ret->role.arn),
        PLACE("role_session_name", ret->role.session),
        PLACE("external_id", ret->role.external_id),
        PLACE("mfa_serial", ret->role.mfa_serial),
        PLACE("duration_seconds", ret->role.duration_s),
        PLACE("source_profile", ret->role.source_profile),
        PLACE("credential_source", ret->role.credential_source),
        PLACE("web_identity_token_file", ret->role.token_file),
    };

    return take(places, ARRAY_LEN(places), name, value, err);
}

static int take_setting(const char *name, const char *value, struct s3_profile *ret,
                        struct err *err)
{
    const struct place places[] = {
        PLACE("region", ret->cred.region),
        PLACE("endpoint_url", ret->cred.endpoint),
        PLACE("ca_bundle", ret->cred.ca_file),
        PLACE("services", ret->services.name),
        PLACE("ignore_configured_endpoint_urls", ret->ignore_endpoints),
    };

    return take(places, ARRAY_LEN(places), name, value, err);
}

static bool is_services(const struct file *f)
{
    return f->kind && strcmp(f->kind, "services") == 0;
}

static int take_value(const struct file *f, const char *name, const char *value,
                      struct s3_profile *ret, struct err *err)
{
    int rc = f->keys && !is_services(f) ? take_sso(name, value, ret, err) : 0;

    if (rc < 0 || f->kind)
        return rc;
    if (f->keys)
        rc = take_keys(name, value, ret, err);
    if (rc == 0 && f->who)
        rc = take_role(name, value, ret, err);
    return rc < 0 ? rc : take_setting(name, value, ret, err);
}

/* An indented line, and what it is below: a service. */
static int take_nested(const struct file *f, const char *service, const char *name,
                       const char *value, struct s3_profile *ret, struct err *err)
{
    const struct place services[] = {
        PLACE("s3", ret->services.s3),
        PLACE("sts", ret->services.sts),
    };

    if (is_services(f))
        return strcmp(name, "endpoint_url") == 0
                   ? take(services, ARRAY_LEN(services), service, value, err)
                   : 0;
    if (!f->kind && strcmp(service, "s3") == 0 && strcmp(name, "addressing_style") == 0)
        return take_style(&ret->cred, value);
    return 0;
}

/* in: is the line before in the wanted section? service: the one that it is below, or "". */
struct line {
    bool in;
    char service[8]; /* longer ones are none of ours */
};

static int take_line(struct file *f, char *line, struct line *at, struct s3_profile *ret,
                     struct err *err)
{
    bool indented = line[0] == ' ' || line[0] == '\t';
    char *name = trim(line);
    char *value;

    if (name[0] == '\0' || name[0] == '#' || name[0] == ';')
        return 0;
    if (name[0] == '[' && !indented) {
        at->in = is_section(f, name);
        at->service[0] = '\0';
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
        return take_nested(f, at->service, name, value, ret, err);
    if (value[0] != '\0' || text_copy(at->service, sizeof(at->service), name) < 0)
        at->service[0] = '\0';
    return take_value(f, name, value, ret, err);
}

static int parse_file(struct file *f, char *text, struct s3_profile *ret, struct err *err)
{
    struct line at = {0};
    unsigned number = 0;

    while (text && *text != '\0') {
        char *end = strchr(text, '\n');
        int rc;

        number++;
        if (end)
            *end = '\0';
        if (strlen(text) > PROFILE_LINE_MAX)
            return err_set_gw(err, GW_BAD_CONFIG, -EINVAL, "%s:%u: line too long", f->path, number);
        rc = take_line(f, text, &at, ret, err);
        if (rc < 0)
            return err_add(err, rc, "%s:%u", f->path, number);
        text = end ? end + 1 : NULL;
    }
    return 0;
}

static int load_file(struct file *f, struct s3_profile *ret, struct err *err)
{
    auto_buf struct buf text = {0};
    int rc = fd_load(f->path, PROFILE_FILE_MAX, &text, err);

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
    const char *path = s3_cred_env_get(env, variable);
    const char *home = s3_cred_env_get(env, "HOME");

    out[0] = '\0';
    if (path)
        return text_copy(out, size, path);
    return home ? text_print(out, size, "%s/%s", home, below_home) : 0;
}

/* A section that the profile names. */
static int load_section(const struct file *config, const char *kind, const char *section,
                        struct s3_profile *ret, struct err *err)
{
    struct file f = *config;
    int rc;

    if (section[0] == '\0')
        return 0;
    f.kind = kind;
    f.section = section;
    f.found = false;
    rc = load_file(&f, ret, err);
    if (rc == 0 && !f.found)
        return err_set_gw(err, GW_BAD_CONFIG, -EINVAL, "no %s '%s' in '%s'", kind, section, f.path);
    return rc;
}

static int load_both(struct file *shared, struct file *config, struct s3_profile *ret,
                     struct err *err)
{
    int rc = 0;

    if (shared->path[0] != '\0')
        rc = load_file(shared, ret, err);
    /* A pair is never made of two places. */
    config->keys =
        shared->keys && ret->cred.access_key[0] == '\0' && ret->cred.secret_key[0] == '\0';
    if (rc == 0 && config->path[0] != '\0')
        rc = load_file(config, ret, err);
    if (rc == 0)
        rc = load_section(config, "services", ret->services.name, ret, err);
    if (rc == 0 && config->keys)
        rc = load_section(config, "sso-session", ret->sso.session, ret, err);
    return rc;
}

int s3_profile_load(const struct s3_cred_env *env, const char *name, bool who,
                    struct s3_profile *ret, struct err *err)
{
    AUTO(s3_profile_done) struct s3_profile p = {.cred.path_style = -1};
    struct file shared = {.profile = name, .who = who, .keys = who};
    struct file config = {.profile = name, .who = who, .is_config = true};
    int rc;

    if (file_path(env, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", shared.path,
                  sizeof(shared.path)) < 0 ||
        file_path(env, "AWS_CONFIG_FILE", ".aws/config", config.path, sizeof(config.path)) < 0)
        return err_set(err, -EINVAL, "the path of an AWS configuration file is too long");
    rc = load_both(&shared, &config, &p, err);
    if (rc == 0 && !shared.found && !config.found)
        return err_set(err, -ENOENT, "no profile '%s'", name);
    if (rc < 0)
        return rc;
    *ret = p;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials for a login at AWS IAM Identity Center. `aws sso login` keeps the login's token in
 * ~/.aws/sso/cache; the portal gives keys of a role for it. A login that has ended is not renewed
 * here: that takes a browser.
 */
#include "transport/s3_lent.h"

#include "base/auto.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/http.h"
#include "base/js.h"
#include "base/text.h"

#include <limits.h>
#include <stdio.h>

#include "base/banned.h"

enum { SSO_TOKEN_MAX = 16 * 1024, SSO_REPLY_MAX = 64 * 1024 };

static const char who[] = "the single sign-on";
static const char log_in[] = "log in first: 'aws sso login'";

/* The file is named by the SHA-1 of the session's name, or of the URL where no session has one. */
static int token_path(const struct s3_cred_env *env, const struct s3_sso *sso, char *out,
                      struct err *err)
{
    const char *home = env->get(env->arg, "HOME");
    const char *name = sso->session[0] != '\0' ? sso->session : sso->start_url;
    auto_buf struct buf hex = {0};
    uint8_t sum[CRYPTO_SHA1_LEN];
    int rc = crypto_sha1(slice_str(name), sum, err);

    if (rc < 0)
        return rc;
    buf_hex(&hex, sum, sizeof(sum));
    if (!buf_cstr(&hex))
        return buf_failed(&hex, err);
    if (!home || text_print(out, PATH_MAX, "%s/.aws/sso/cache/%s.json", home, buf_cstr(&hex)) < 0)
        return s3_lent_useless(err, who, "HOME is not set, or too long");
    return 0;
}

/* The header that carries the token. */
static int token_line(const char *path, struct buf *ret, struct err *err)
{
    auto_buf struct buf text = {.max = SSO_TOKEN_MAX};
    auto_js struct js *doc = NULL;
    const char *token;
    int rc = fd_load(path, SSO_TOKEN_MAX, &text, err);

    if (rc == -ENOENT)
        return s3_lent_useless(err, who, log_in);
    if (rc < 0)
        return rc;
    rc = js_parse(buf_slice(&text), SSO_TOKEN_MAX, &doc, err);
    crypto_wipe(text.data, text.cap);
    token = rc == 0 ? js_str(doc, "accessToken", "") : "";
    if (token[0] == '\0' || strpbrk(token, "\r\n"))
        return s3_lent_useless(err, who, "what is kept of the login holds no token");
    buf_printf(ret, "x-amz-sso_bearer_token: %s", token);
    return buf_failed(ret, err);
}

/* AWS_ENDPOINT_URL_SSO or Amazon's, with what is asked for. */
static int portal_url(const struct s3_cred_env *env, const struct s3_sso *sso, struct buf *out,
                      struct err *err)
{
    const char *endpoint = env->get(env->arg, "AWS_ENDPOINT_URL_SSO");

    if (endpoint && endpoint[0] != '\0')
        buf_str(out, endpoint);
    else
        buf_printf(out, "https://portal.sso.%s.amazonaws.com", sso->region);
    buf_str(out, "/federation/credentials?role_name=");
    http_escape(sso->role, false, out);
    buf_str(out, "&account_id=");
    http_escape(sso->account, false, out);
    if (!buf_cstr(out))
        return buf_failed(out, err);
    if (!s3_lent_is_safe_url(buf_cstr(out)))
        return s3_lent_useless(err, who, "its address is not https");
    return 0;
}

static int take(const struct js *doc, const char *name, char *out, size_t size)
{
    const char *value = js_str(doc, name, "");

    return value[0] == '\0' || strpbrk(value, "\r\n") ? -EINVAL : text_copy(out, size, value);
}

static int take_reply(struct slice text, struct s3_cred *ret, struct err *err)
{
    AUTO(s3_cred_done) struct s3_cred c = {0};
    auto_js struct js *doc = NULL;
    const struct js *keys = NULL;

    if (js_parse(text, SSO_REPLY_MAX, &doc, NULL) == 0)
        keys = js_member(doc, "roleCredentials");
    if (!keys || take(keys, "accessKeyId", c.access_key, sizeof(c.access_key)) < 0 ||
        take(keys, "secretAccessKey", c.secret_key, sizeof(c.secret_key)) < 0 ||
        take(keys, "sessionToken", c.token, sizeof(c.token)) < 0)
        return s3_lent_useless(err, who, "the answer is malformed");
    c.expires_ms = js_u64(keys, "expiration", 0);
    s3_cred_take_keys(&c, ret);
    return 0;
}

static int ask(const char *url, const char *header, struct s3_cred *ret, struct err *err)
{
    auto_reply struct http_reply reply = {0};
    const char *const headers[] = {header, NULL};
    struct s3_lent_question q = {.method = "GET",
                                 .url = url,
                                 .headers = headers,
                                 .ca_file = ret->ca_file[0] != '\0' ? ret->ca_file : NULL,
                                 .far = true};
    int rc = s3_lent_ask(&q, &reply, err);

    if (rc < 0)
        return s3_lent_useless(err, who, "its portal does not answer");
    if (reply.status == 401)
        return s3_lent_useless(err, who, "the login has ended; log in again: 'aws sso login'");
    if (reply.status != 200)
        return s3_lent_useless(err, who, "its portal gives no keys of this role and account");
    rc = take_reply(buf_slice(&reply.body), ret, err);
    crypto_wipe(reply.body.data, reply.body.len);
    return rc;
}

int s3_lent_sso(const struct s3_cred_env *env, const struct s3_sso *sso, struct s3_cred *ret,
                struct err *err)
{
    auto_buf struct buf line = {0};
    auto_buf struct buf url = {0};
    char path[PATH_MAX];
    int rc;

    if (sso->start_url[0] == '\0' || sso->region[0] == '\0' || sso->role[0] == '\0')
        return s3_lent_useless(err, who, "sso_start_url, sso_region or sso_role_name is missing");
    rc = token_path(env, sso, path, err);
    if (rc == 0)
        rc = token_line(path, &line, err);
    if (rc == 0)
        rc = portal_url(env, sso, &url, err);
    if (rc == 0)
        rc = ask(buf_cstr(&url), buf_cstr(&line), ret, err);
    if (line.data)
        crypto_wipe(line.data, line.cap);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials of a role, from AWS's Security Token Service: for a token of an identity provider (as
 * a pod of Kubernetes has in a file), or for other keys.
 * Source: AWS Security Token Service API Reference, AssumeRole and AssumeRoleWithWebIdentity.
 */
#include "transport/s3_lent.h"

#include "base/auto.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/http.h"
#include "base/text.h"
#include "transport/s3_sign.h"
#include "transport/s3_xml.h"

#include <limits.h>
#include <stdio.h>

#include "base/banned.h"

enum {
    STS_TOKEN_MAX = 20000, /* what the service takes */
    STS_HOST_MAX = 255,
    STS_CODE_MAX = 64,
    STS_MESSAGE_MAX = 200,
    STS_WHO_MAX = 300,
};

#define FORM "application/x-www-form-urlencoded"

/* What to do, by the code of a refusal. */
static const struct {
    const char *code;
    const char *advice;
} advices[] = {
    {"AccessDenied", "the role's trust policy must name who asks"},
    {"ExpiredToken", "renew the keys of its source"},
    {"ExpiredTokenException", "whoever writes the token's file must renew it"},
    {"IDPRejectedClaim", "whoever writes the token's file must renew it"},
    {"InvalidClientTokenId", "the access key of its source is not known there"},
    {"InvalidIdentityToken", "the account must know who issued the token, and its audience"},
    {"NoSuchEntity", "there is no such role"},
    {"RegionDisabledException", "set AWS_REGION to a region that the account uses"},
    {"SignatureDoesNotMatch", "look at the secret key of its source, and at this machine's clock"},
};

static int useless(const struct s3_role *role, const char *why, struct err *err)
{
    char who[STS_WHO_MAX];

    (void)text_print(who, sizeof(who), "role '%.250s'", role->arn);
    return s3_lent_useless(err, who, why);
}

/* -- where ----------------------------------------------------------------- */

struct endpoint {
    char url[S3_CRED_PATH_MAX + 2];
    char host[STS_HOST_MAX + 1]; /* as the Host header has it: without the port of its scheme */
    const char *path;            /* within url */
};

static int endpoint_of(const struct s3_sts *sts, const struct s3_role *role, struct endpoint *ret,
                       struct err *err)
{
    const char *domain = text_starts(sts->region, "cn-") ? "amazonaws.com.cn" : "amazonaws.com";
    const char *at;
    int rc;

    if (sts->endpoint[0] != '\0')
        rc = text_copy(ret->url, sizeof(ret->url), sts->endpoint);
    else
        rc = text_print(ret->url, sizeof(ret->url), "https://sts.%s.%s", sts->region, domain);
    if (rc < 0 || !s3_lent_is_safe_url(ret->url))
        return useless(role, "the address of STS is not https (AWS_ENDPOINT_URL_STS)", err);
    at = strstr(ret->url, "//") + 2;
    if (text_print(ret->host, sizeof(ret->host), "%.*s", (int)strcspn(at, "/"), at) < 0)
        return useless(role, "the address of STS is too long", err);
    if (text_ends(ret->host, text_starts(ret->url, "https") ? ":443" : ":80"))
        *strrchr(ret->host, ':') = '\0';
    at += strcspn(at, "/");
    if (*at == '\0' && text_print(ret->url + strlen(ret->url), 2, "/") < 0)
        return useless(role, "the address of STS is too long", err);
    ret->path = at;
    return 0;
}

/* -- what ------------------------------------------------------------------ */

static void put(struct buf *form, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    buf_printf(form, "%s%s=", form->len > 0 ? "&" : "", name);
    http_escape(value, false, form);
}

/* Audit trails show it: by default it says where the keys are used. */
static void session_name(const struct s3_role *role, char *out, size_t size)
{
    char host[HOST_NAME_MAX + 1] = "";

    if (role->session[0] == '\0' && gethostname(host, sizeof(host) - 1) < 0)
        host[0] = '\0';
    (void)text_print(out, size, "%s%.56s", role->session[0] != '\0' ? role->session : "godwit-",
                     host);
}

static void put_role(struct buf *form, const char *action, const struct s3_role *role)
{
    char session[sizeof(role->session)];

    session_name(role, session, sizeof(session));
    put(form, "Action", action);
    put(form, "Version", "2011-06-15");
    put(form, "RoleArn", role->arn);
    put(form, "RoleSessionName", session);
    put(form, "DurationSeconds", role->duration_s);
}

/* -- the answer ------------------------------------------------------------ */

static bool take(struct slice keys, const char *tag, char *out, size_t size)
{
    return s3_xml_text(keys, tag, out, size) == 0 && out[0] != '\0' && !strpbrk(out, "\r\n");
}

static int take_reply(const struct s3_role *role, struct slice text, struct s3_cred *ret,
                      struct err *err)
{
    AUTO(s3_cred_done) struct s3_cred c = {0};
    char expires[TEXT_TIME_MAX];
    struct slice keys;

    if (!s3_xml_next(&text, "Credentials", &keys) ||
        !take(keys, "AccessKeyId", c.access_key, sizeof(c.access_key)) ||
        !take(keys, "SecretAccessKey", c.secret_key, sizeof(c.secret_key)) ||
        !take(keys, "SessionToken", c.token, sizeof(c.token)) ||
        !take(keys, "Expiration", expires, sizeof(expires)) ||
        text_parse_time(expires, &c.expires_ms, NULL) < 0)
        return useless(role, "the answer of STS is malformed", err);
    s3_cred_take_keys(&c, ret);
    return 0;
}

static int refused(const struct s3_role *role, const struct http_reply *reply, struct err *err)
{
    struct slice doc = buf_slice(&reply->body);
    const char *advice = NULL;
    char message[STS_MESSAGE_MAX];
    char code[STS_CODE_MAX];

    s3_xml_text(doc, "Code", code, sizeof(code));
    s3_xml_text(doc, "Message", message, sizeof(message));
    text_sanitize(code);
    text_sanitize(message);
    for (size_t i = 0; i < ARRAY_LEN(advices); i++)
        if (strcmp(advices[i].code, code) == 0)
            advice = advices[i].advice;
    return err_set_gw(err, GW_STORE_DENIED, -EACCES,
                      "S3 credentials of role '%.120s': STS answers %ld %s%s%s%s%s", role->arn,
                      reply->status, code, message[0] != '\0' ? ": " : "", message,
                      advice ? "; " : "", advice ? advice : "");
}

/* Nobody there, or in trouble: worth another try, unlike a refusal. */
static int unreachable(const struct s3_role *role, int rc, const char *why, struct err *err)
{
    return err_set_gw(err, GW_STORE_UNREACHABLE, rc, "S3 credentials of role '%.120s': STS: %s",
                      role->arn, why);
}

static int ask(const struct s3_sts *sts, const struct s3_role *role, struct s3_lent_question *q,
               struct s3_cred *ret, struct err *err)
{
    auto_reply struct http_reply reply = {0};
    struct err why = {0};
    int rc;

    q->method = "POST";
    q->ca_file = sts->ca_file[0] != '\0' ? sts->ca_file : NULL;
    q->far = true;
    rc = s3_lent_ask(q, &reply, &why);
    if (rc < 0)
        return unreachable(role, rc, why.text, err);
    if (http_status_retryable(reply.status))
        return unreachable(role, -EAGAIN, "the service is in trouble", err);
    if (reply.status != 200)
        return refused(role, &reply, err);
    rc = take_reply(role, buf_slice(&reply.body), ret, err);
    crypto_wipe(reply.body.data, reply.body.len);
    return rc;
}

/* -- the two ways ---------------------------------------------------------- */

static int load_token(const struct s3_role *role, struct buf *ret, struct err *err)
{
    struct err why = {0};

    if (fd_load(role->token_file, STS_TOKEN_MAX, ret, &why) < 0)
        return useless(role, why.text, err);
    while (ret->len > 0 && strchr(" \t\r\n", ret->data[ret->len - 1]))
        ret->len--;
    if (!buf_cstr(ret))
        return buf_failed(ret, err);
    return ret->len > 0 ? 0 : useless(role, "the file of its token is empty", err);
}

int s3_lent_sts_web_identity(const struct s3_sts *sts, const struct s3_role *role,
                             struct s3_cred *ret, struct err *err)
{
    static const char *const headers[] = {"Content-Type: " FORM, NULL};
    auto_buf struct buf token = {0};
    auto_buf struct buf form = {0};
    struct endpoint to;
    struct s3_lent_question q = {.url = to.url, .headers = headers};
    int rc = endpoint_of(sts, role, &to, err);

    if (rc == 0)
        rc = load_token(role, &token, err);
    if (rc < 0)
        return rc;
    put_role(&form, "AssumeRoleWithWebIdentity", role);
    put(&form, "WebIdentityToken", buf_cstr(&token));
    rc = buf_failed(&form, err);
    q.body = buf_slice(&form);
    if (rc == 0)
        rc = ask(sts, role, &q, ret, err);
    crypto_wipe(token.data, token.cap);
    if (form.data)
        crypto_wipe(form.data, form.cap);
    return rc;
}

int s3_lent_sts_role(const struct s3_sts *sts, const struct s3_role *role, struct s3_cred *ret,
                     struct err *err)
{
    static const struct s3_sign_pair headers[] = {{"content-type", FORM}};
    const struct s3_sign_key key = {.access_key = ret->access_key,
                                    .secret_key = ret->secret_key,
                                    .token = ret->token,
                                    .region = sts->region,
                                    .service = "sts"};
    auto_signed struct s3_signed s = {0};
    auto_buf struct buf form = {0};
    uint8_t sha256[CRYPTO_SHA256_LEN];
    struct endpoint to;
    struct s3_sign_request req = {.method = "POST",
                                  .host = to.host,
                                  .headers = headers,
                                  .headers_n = ARRAY_LEN(headers),
                                  .payload_sha256 = sha256,
                                  .wall_ms = clock_wall_ms(sts->clock)};
    struct s3_lent_question q = {.url = to.url, .headers = s.lines};
    int rc;

    if (role->mfa_serial[0] != '\0')
        return useless(role,
                       "it wants a code of an MFA device (mfa_serial), which cannot be typed here; "
                       "use 'credential_process = aws configure export-credentials'",
                       err);
    rc = endpoint_of(sts, role, &to, err);
    if (rc < 0)
        return rc;
    put_role(&form, "AssumeRole", role);
    put(&form, "ExternalId", role->external_id);
    rc = buf_failed(&form, err);
    q.body = buf_slice(&form);
    req.path = to.path;
    crypto_sha256(q.body, sha256);
    if (rc == 0)
        rc = s3_sign(&key, &req, &s, err);
    return rc < 0 ? rc : ask(sts, role, &q, ret, err);
}

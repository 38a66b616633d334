/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials that are lent for a time by who is near: nothing goes to a proxy, and plain HTTP only
 * to addresses that are this machine's or its host's. */
#include "transport/s3_lent.h"

#include "base/auto.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/http.h"
#include "base/js.h"
#include "base/proc.h"
#include "base/text.h"

#include <stdio.h>

#include "base/banned.h"

enum {
    LENT_URL_MAX = 2048,
    LENT_REPLY_MAX = 64 * 1024,
    LENT_TOKEN_MAX = 16 * 1024,
    LENT_TIMEOUT_MS = 5000,
    LENT_CONNECT_MS = 1000, /* outside of a cloud nobody is there: do not wait for long */
    LENT_PROCESS_MS = 60 * 1000,
    LENT_TRIES = 3,
    LENT_AGAIN_MS = 200,
};

int s3_lent_useless(struct err *err, const char *who, const char *why)
{
    return err_set_gw(err, GW_STORE_DENIED, -EACCES, "S3 credentials of %s: %s", who, why);
}

/* -- the document ---------------------------------------------------------- */

static int take(const struct js *doc, const char *name, char *out, size_t size)
{
    const char *value = js_str(doc, name, "");

    return value[0] == '\0' || strpbrk(value, "\r\n") ? -EINVAL : text_copy(out, size, value);
}

/* "2026-12-07T22:00:00Z", or with "+00:00" as some programs write it. */
static int take_expiration(const struct js *doc, uint64_t *ret_ms)
{
    const char *text = js_str(doc, "Expiration", "");
    char utc[TEXT_TIME_MAX];
    size_t len = strlen(text);

    *ret_ms = 0;
    if (len == 0)
        return 0;
    if (text_ends(text, "+00:00"))
        len -= strlen("+00:00");
    else if (text_ends(text, "Z"))
        len--;
    if (text_print(utc, sizeof(utc), "%.*sZ", (int)len, text) < 0)
        return -EINVAL;
    return text_parse_time(utc, ret_ms, NULL);
}

int s3_lent_parse(struct slice text, struct s3_cred *ret, struct err *err)
{
    AUTO(s3_cred_done) struct s3_cred c = {0};
    auto_js struct js *doc = NULL;
    const char *code;
    int rc = js_parse(text, LENT_REPLY_MAX, &doc, err);

    if (rc < 0)
        return rc;
    code = js_str(doc, "Code", "Success");
    if (strcmp(code, "Success") != 0)
        return err_set(err, -EINVAL, "the answer is '%.64s'", code);
    if (take(doc, "AccessKeyId", c.access_key, sizeof(c.access_key)) < 0 ||
        take(doc, "SecretAccessKey", c.secret_key, sizeof(c.secret_key)) < 0)
        return err_set(err, -EINVAL, "AccessKeyId or SecretAccessKey is missing");
    if (js_member(doc, "Token") && take(doc, "Token", c.token, sizeof(c.token)) < 0)
        return err_set(err, -EINVAL, "the token is too long or malformed");
    if (js_member(doc, "SessionToken") && take(doc, "SessionToken", c.token, sizeof(c.token)) < 0)
        return err_set(err, -EINVAL, "the token is too long or malformed");
    if (take_expiration(doc, &c.expires_ms) < 0)
        return err_set(err, -EINVAL, "the time of expiration is malformed");
    s3_cred_take_keys(&c, ret);
    return 0;
}

static int parse_of(const char *who, struct slice text, struct s3_cred *ret, struct err *err)
{
    struct err why = {0};

    return s3_lent_parse(text, ret, &why) < 0 ? s3_lent_useless(err, who, why.text) : 0;
}

/* -- a program ------------------------------------------------------------- */

/* The next word of *at, which ends up behind it; double quotes keep blanks together. */
static char *next_word(char **at)
{
    char *from = *at + strspn(*at, " \t");
    char *out = from;
    char *word = from;
    bool quoted = false;

    if (*from == '\0')
        return NULL;
    for (; *from != '\0' && (quoted || !strchr(" \t", *from)); from++) {
        if (*from == '"')
            quoted = !quoted;
        else
            *out++ = *from;
    }
    *at = *from == '\0' ? from : from + 1;
    *out = '\0';
    return word;
}

int s3_lent_process(const char *command, struct s3_cred *ret, struct err *err)
{
    enum { WORDS_MAX = 32 };
    static const char who[] = "credential_process";
    auto_free char *copy = strdup(command);
    const char *argv[WORDS_MAX + 1] = {0};
    struct proc_run run = {.argv = argv, .timeout_ms = LENT_PROCESS_MS, .flags = PROC_STDERR_OURS};
    auto_buf struct buf out = {0};
    char *at = copy;
    int status = 0;
    int rc;

    if (!copy)
        return err_set(err, -ENOMEM, "%s: %m", who);
    for (size_t i = 0; i < WORDS_MAX; i++)
        argv[i] = next_word(&at);
    if (!argv[0] || argv[WORDS_MAX - 1])
        return s3_lent_useless(err, who, "no program, or too many words");
    rc = proc_run(&run, &out, &status, err);
    if (rc == -ENOMEM)
        return rc;
    if (rc < 0 || status != 0)
        rc = s3_lent_useless(err, who, "the program failed");
    else
        rc = parse_of(who, buf_slice(&out), ret, err);
    if (out.data)
        crypto_wipe(out.data, out.cap);
    return rc;
}

/* -- asking over HTTP ------------------------------------------------------ */

/* A server that has trouble is asked again, one that is not there is not. */
int s3_lent_ask(const struct s3_lent_question *q, struct http_reply *reply, struct err *err)
{
    const struct http_conf conf = {.connect_timeout_ms = q->far ? 0 : LENT_CONNECT_MS,
                                   .tls12_allowed = true,
                                   .no_proxy = !q->far,
                                   .ca_file = q->ca_file};
    const struct http_request req = {.method = q->method,
                                     .url = q->url,
                                     .headers = q->headers,
                                     .body = q->body,
                                     .timeout_ms = LENT_TIMEOUT_MS,
                                     .max_reply_bytes = LENT_REPLY_MAX};
    auto_http struct http *h = NULL;
    int rc = http_new(&conf, &h, err);

    for (unsigned i = 0; rc == 0 && i < LENT_TRIES; i++) {
        if (i > 0)
            clock_sleep_ms(&clock_system, LENT_AGAIN_MS);
        rc = http_do(h, &req, reply, err);
        if (rc == 0 && !http_status_retryable(reply->status))
            return 0;
    }
    return rc;
}

/* -- a container ----------------------------------------------------------- */

static const char container[] = "the container";

bool s3_lent_is_safe_url(const char *url)
{
    static const char *const hosts[] = {"127.0.0.1",     "localhost",      "[::1]",
                                        "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    const char *host = url + strlen("http://");

    if (text_starts(url, "https://"))
        return true;
    for (size_t i = 0; text_starts(url, "http://") && i < ARRAY_LEN(hosts); i++)
        if (text_starts(host, hosts[i]) && strchr(":/", host[strlen(hosts[i])]))
            return true;
    return false;
}

static int container_url(const struct s3_cred_env *env, char *out, struct err *err)
{
    const char *relative = s3_cred_env_get(env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = s3_cred_env_get(env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    int rc;

    if (!relative && !full)
        return err_set(err, -ENOENT, "no container lends S3 credentials");
    rc = relative ? text_print(out, LENT_URL_MAX, "http://169.254.170.2%s", relative)
                  : text_copy(out, LENT_URL_MAX, full);
    if (rc < 0 || !s3_lent_is_safe_url(out))
        return s3_lent_useless(err, container,
                               "its address is not one of this machine, and not https");
    return 0;
}

/* "Authorization: …" of the variable, or of the file that another one names. "" = none. */
static int container_token(const struct s3_cred_env *env, struct buf *ret_line, struct err *err)
{
    const char *path = s3_cred_env_get(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = s3_cred_env_get(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    auto_buf struct buf text = {0};

    if (path && fd_load(path, LENT_TOKEN_MAX, &text, err) < 0)
        return s3_lent_useless(err, container, "the file of its token cannot be read");
    if (path)
        token = buf_cstr(&text);
    if (!token)
        return buf_failed(&text, err);
    buf_printf(ret_line, "Authorization: %.*s", (int)strcspn(token, "\r\n"), token);
    return buf_failed(ret_line, err);
}

int s3_lent_container(const struct s3_cred_env *env, struct s3_cred *ret, struct err *err)
{
    auto_reply struct http_reply reply = {0};
    auto_buf struct buf line = {0};
    char url[LENT_URL_MAX];
    const char *headers[] = {NULL, NULL};
    struct s3_lent_question q = {.method = "GET", .url = url, .headers = headers};
    int rc = container_url(env, url, err);

    if (rc == 0)
        rc = container_token(env, &line, err);
    if (rc < 0)
        return rc;
    headers[0] = line.len > 0 ? buf_cstr(&line) : NULL;
    if (s3_lent_ask(&q, &reply, err) < 0)
        return s3_lent_useless(err, container, "it does not answer");
    if (reply.status != 200)
        return s3_lent_useless(err, container, "it refuses");
    rc = parse_of(container, buf_slice(&reply.body), ret, err);
    crypto_wipe(reply.body.data, reply.body.len);
    return rc;
}

/* -- an instance ----------------------------------------------------------- */

static const char instance[] = "the instance's metadata";

/* What every question but the first carries (IMDSv2); the first version is never spoken. */
static int instance_token(const char *base, struct buf *ret_line, struct err *err)
{
    auto_reply struct http_reply reply = {0};
    char url[LENT_URL_MAX];
    static const char *const headers[] = {"X-aws-ec2-metadata-token-ttl-seconds: 21600", NULL};
    struct s3_lent_question q = {.method = "PUT", .url = url, .headers = headers};
    const char *token;

    if (text_print(url, sizeof(url), "%s/latest/api/token", base) < 0)
        return s3_lent_useless(err, instance, "its address is too long");
    if (s3_lent_ask(&q, &reply, NULL) < 0 || reply.status != 200)
        return err_set(err, -ENOENT, "no instance metadata");
    token = buf_cstr(&reply.body);
    if (!token || token[0] == '\0' || strpbrk(token, "\r\n"))
        return s3_lent_useless(err, instance, "its token is malformed");
    buf_printf(ret_line, "X-aws-ec2-metadata-token: %s", token);
    return buf_failed(ret_line, err);
}

/* GET below the list of roles. -ENOENT: none is attached. */
static int instance_get(const char *base, const char *role, struct buf *line,
                        struct http_reply *reply, struct err *err)
{
    char url[LENT_URL_MAX];
    const char *const headers[] = {buf_cstr(line), NULL};
    struct s3_lent_question q = {.method = "GET", .url = url, .headers = headers};

    if (text_print(url, sizeof(url), "%s/latest/meta-data/iam/security-credentials/%s", base,
                   role) < 0)
        return s3_lent_useless(err, instance, "the role's name is too long");
    if (s3_lent_ask(&q, reply, err) < 0)
        return s3_lent_useless(err, instance, "it does not answer");
    if (reply->status == 404)
        return err_set(err, -ENOENT, "no role is attached to this instance");
    return reply->status == 200 ? 0 : s3_lent_useless(err, instance, "it refuses");
}

static int instance_ask(const char *base, struct s3_cred *ret, struct err *err)
{
    auto_reply struct http_reply roles = {0};
    auto_reply struct http_reply reply = {0};
    auto_buf struct buf line = {0};
    char role[256];
    const char *text;
    int rc = instance_token(base, &line, err);

    if (rc == 0)
        rc = instance_get(base, "", &line, &roles, err);
    if (rc < 0)
        return rc;
    text = buf_cstr(&roles.body);
    if (!text || text_print(role, sizeof(role), "%.*s", (int)strcspn(text, "\r\n"), text) < 0 ||
        role[0] == '\0')
        return s3_lent_useless(err, instance, "it names no role");
    rc = instance_get(base, role, &line, &reply, err);
    if (rc < 0)
        return rc;
    rc = parse_of(instance, buf_slice(&reply.body), ret, err);
    crypto_wipe(reply.body.data, reply.body.len);
    return rc;
}

int s3_lent_instance(const struct s3_cred_env *env, struct s3_cred *ret, struct err *err)
{
    const char *off = s3_cred_env_get(env, "AWS_EC2_METADATA_DISABLED");
    const char *base = s3_cred_env_get(env, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    char trimmed[LENT_URL_MAX];
    size_t len;

    if (off && strcmp(off, "true") == 0)
        return err_set(err, -ENOENT, "instance metadata is switched off");
    if (!base)
        base = "http://169.254.169.254";
    len = strlen(base);
    while (len > 0 && base[len - 1] == '/')
        len--;
    if (text_print(trimmed, sizeof(trimmed), "%.*s", (int)len, base) < 0)
        return s3_lent_useless(err, instance, "its address is too long");
    return instance_ask(trimmed, ret, err);
}

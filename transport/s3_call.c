/* SPDX-License-Identifier: Apache-2.0 */
/* One signed call to a bucket: where it is, how it is addressed, and what is tried again at once
 * with something changed (the region, newer credentials). */
#include "transport/s3_call.h"

#include "base/auto.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

#include "base/banned.h"

enum { S3_CODE_MAX = 64, S3_URL_MAX = 4096, S3_TARGET_MAX = 1024 };

static int bad_url(const char *url, const char *why, struct err *err)
{
    return err_set_gw(err, GW_STORE_BAD_URL, -EINVAL, "'%s': %s; expected s3://bucket/prefix", url,
                      why);
}

static bool is_bucket(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    return len >= 3 && name[len] == '\0' && name[0] != '.' && !strstr(name, "..");
}

/* "s3://bucket/prefix" */
static int parse_url(struct s3_call *c, const char *url, struct err *err)
{
    const char *at = url + strlen("s3://");
    size_t len = strcspn(at, "/");
    size_t prefix_len;

    if (text_print(c->bucket, sizeof(c->bucket), "%.*s", (int)len, at) < 0 || !is_bucket(c->bucket))
        return bad_url(url, "no valid bucket name", err);
    at += len;
    at += strspn(at, "/");
    if (text_copy(c->prefix, S3_CALL_PREFIX_MAX + 1, at) < 0)
        return bad_url(url, "the prefix is too long", err);
    prefix_len = strlen(c->prefix);
    while (prefix_len > 0 && c->prefix[prefix_len - 1] == '/')
        c->prefix[--prefix_len] = '\0';
    if (prefix_len == 0)
        return 0;
    if (!store_is_key(c->prefix))
        return bad_url(url, "the prefix may hold only letters, digits and ._=-/", err);
    c->prefix[prefix_len] = '/';
    c->prefix[prefix_len + 1] = '\0';
    return 0;
}

/* Amazon's own name for the service of a region. */
static int amazon_host(const char *region, char *out, size_t size)
{
    const char *domain = text_starts(region, "cn-") ? "amazonaws.com.cn" : "amazonaws.com";

    return text_print(out, size, "s3.%s.%s", region, domain);
}

static bool is_address(const char *host)
{
    struct in_addr a;

    return host[0] == '[' || inet_pton(AF_INET, host, &a) == 1;
}

/* Names below the host may not resolve, nor be in its certificate. */
static bool wants_path_style(const struct s3_call *c, const char *host, bool has_port)
{
    if (c->cred.path_style >= 0)
        return c->cred.path_style == 1;
    return has_port || is_address(host) || strcmp(host, "localhost") == 0 || strchr(c->bucket, '.');
}

static int bad_endpoint(const struct s3_call *c, struct err *err)
{
    return err_set_gw(err, GW_STORE_BAD_URL, -EINVAL,
                      "S3 endpoint '%s': expected http://host[:port] or https://host[:port]",
                      c->cred.endpoint);
}

/* The two parts of an endpoint's authority. */
struct authority {
    char host[S3_CALL_HOST_MAX + 1];
    char port[8]; /* "" = the scheme's own, which the Host header leaves out */
};

static int parse_authority(const struct s3_call *c, const char *text, size_t len,
                           struct authority *ret, struct err *err)
{
    const char *colon = memrchr(text, ':', len);
    size_t host_len = len;
    uint64_t port;

    if (colon && !memchr(colon, ']', (size_t)(text + len - colon))) {
        host_len = (size_t)(colon - text);
        if (text_print(ret->port, sizeof(ret->port), "%.*s", (int)(len - host_len - 1), colon + 1) <
                0 ||
            num_parse_u64(ret->port, 1, 65535, &port, NULL) < 0)
            return bad_endpoint(c, err);
        if (port == (c->tls ? 443 : 80))
            ret->port[0] = '\0';
    }
    if (host_len == 0 || memchr(text, '@', len) ||
        text_print(ret->host, sizeof(ret->host), "%.*s", (int)host_len, text) < 0)
        return bad_endpoint(c, err);
    return 0;
}

/* "http://host:port" or "https://host", perhaps with a '/' behind it. */
static int parse_endpoint(struct s3_call *c, struct authority *ret, struct err *err)
{
    const char *at = c->cred.endpoint;
    size_t len;

    c->tls = !text_starts(at, "http://");
    if (c->tls && !text_starts(at, "https://"))
        return bad_endpoint(c, err);
    at += c->tls ? strlen("https://") : strlen("http://");
    len = strcspn(at, "/");
    if (at[len] != '\0' && at[len + 1] != '\0')
        return bad_endpoint(c, err);
    return parse_authority(c, at, len, ret, err);
}

/* c->host, c->tls and c->path_style from the credentials' endpoint and region. */
static int resolve(struct s3_call *c, struct err *err)
{
    struct authority a = {0};
    int rc;

    if (c->cred.endpoint[0] == '\0') {
        c->tls = true;
        rc = amazon_host(c->cred.region, a.host, sizeof(a.host));
    } else {
        rc = parse_endpoint(c, &a, err);
    }
    if (rc < 0)
        return rc;
    c->path_style = wants_path_style(c, a.host, a.port[0] != '\0');
    rc = text_print(c->host, sizeof(c->host), "%s%s%s%s%s", c->path_style ? "" : c->bucket,
                    c->path_style ? "" : ".", a.host, a.port[0] != '\0' ? ":" : "", a.port);
    return rc < 0 ? bad_endpoint(c, err) : 0;
}

static int open_http(struct s3_call *c, struct err *err)
{
    struct http_conf conf = {
        .ca_file = c->cred.ca_file[0] != '\0' ? c->cred.ca_file : NULL,
        .tls12_allowed = true,
        .stall_timeout_ms = c->conf->stall_ms,
        .stop = c->conf->stop,
    };

    return http_new(&conf, &c->http, err);
}

int s3_call_open(const struct store_conf *conf, const struct s3_cred_env *env, struct s3_call **ret,
                 struct err *err)
{
    AUTO(s3_call_closep) struct s3_call *c = calloc(1, sizeof(*c));
    int rc;

    if (!c)
        return err_set(err, -ENOMEM, "opening store: %m");
    c->conf = conf;
    rc = parse_url(c, conf->url, err);
    if (rc == 0)
        rc = s3_cred_load(conf, env, &c->cred, err);
    if (rc == 0)
        rc = resolve(c, err);
    if (rc == 0)
        rc = open_http(c, err);
    if (rc < 0)
        return rc;
    *ret = TAKE(c);
    return 0;
}

int s3_call_dup(const struct s3_call *from, struct s3_call **ret, struct err *err)
{
    AUTO(s3_call_closep) struct s3_call *c = malloc(sizeof(*c));
    int rc;

    if (!c)
        return err_set(err, -ENOMEM, "opening store: %m");
    *c = *from;
    c->http = NULL;
    rc = open_http(c, err);
    if (rc < 0)
        return rc;
    *ret = TAKE(c);
    return 0;
}

void s3_call_close(struct s3_call *c)
{
    if (!c)
        return;
    http_free(c->http);
    s3_cred_done(&c->cred);
    free(c);
}

/* "Fri, 24 May 2013 00:00:00 GMT", fixed places (RFC 9110, 5.6.7). */
static int parse_http_date(const char *text, uint64_t *ret_ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char time[TEXT_TIME_MAX];
    unsigned month = 0;

    if (strlen(text) != strlen("Fri, 24 May 2013 00:00:00 GMT"))
        return -EINVAL;
    while (month < 12 && memcmp(months + (size_t)month * 3, text + 8, 3) != 0)
        month++;
    if (month == 12 || text_print(time, sizeof(time), "%.4s-%02u-%.2sT%.8sZ", text + 12, month + 1,
                                  text + 5, text + 17) < 0)
        return -EINVAL;
    return text_parse_time(time, ret_ms, NULL);
}

static void note_skew(struct s3_call *c, struct http_reply *reply)
{
    const char *date = http_reply_header(reply, "Date");
    uint64_t theirs_ms;

    if (!date || parse_http_date(date, &theirs_ms) < 0)
        return;
    /* The header has whole seconds: half of one is as good a guess as any. */
    c->skew_ms = (int64_t)theirs_ms + 500 - (int64_t)clock_wall_ms(c->conf->clock);
    c->has_skew = true;
}

static int make_target(const struct s3_call *c, const char *key, char *out, size_t size)
{
    return text_print(out, size, "/%s%s%s%s", c->path_style ? c->bucket : "",
                      c->path_style && key ? "/" : "", key ? c->prefix : "", key ? key : "");
}

static int sign(const struct s3_call *c, const struct s3_request *req, struct s3_signed *ret,
                struct err *err)
{
    struct s3_sign_key key = {
        .access_key = c->cred.access_key,
        .secret_key = c->cred.secret_key,
        .token = c->cred.token,
        .region = c->cred.region,
    };
    char path[S3_TARGET_MAX + S3_CALL_BUCKET_MAX];
    uint8_t sha256[CRYPTO_SHA256_LEN];
    struct s3_sign_request s = {
        .method = req->method,
        .host = c->host,
        .path = path,
        .params = req->params,
        .params_n = req->params_n,
        .headers = req->headers,
        .headers_n = req->headers_n,
        .payload_sha256 = req->sha256 ? req->sha256 : sha256,
        .wall_ms = clock_wall_ms(c->conf->clock),
    };

    if (!req->sha256)
        crypto_sha256(req->body, sha256);
    if (make_target(c, req->key, path, sizeof(path)) < 0)
        return err_set(err, -EINVAL, "object key too long");
    return s3_sign(&key, &s, ret, err);
}

/* One request and its reply, whatever that says. */
static int exchange(struct s3_call *c, const struct s3_request *req, struct http_reply *reply,
                    struct err *err)
{
    auto_signed struct s3_signed s = {0};
    char url[S3_URL_MAX];
    int rc = sign(c, req, &s, err);

    if (rc == 0)
        rc = text_print(url, sizeof(url), "%s://%s%s", c->tls ? "https" : "http", c->host,
                        buf_cstr(&s.target));
    if (rc == 0) {
        struct http_request http = {
            .method = req->method,
            .url = url,
            .headers = s.lines,
            .body = req->body,
            .max_reply_bytes = req->max_reply_bytes,
        };

        rc = http_do(c->http, &http, reply, err);
    }
    if (rc == 0)
        note_skew(c, reply);
    return rc;
}

/* Did the answer name another region? Then the next attempt goes there. */
static bool move_region(struct s3_call *c, struct http_reply *reply, struct err *err)
{
    char region[S3_CRED_REGION_MAX + 1];

    if (reply->status != 301 && reply->status != 307 && reply->status != 400 &&
        reply->status != 403)
        return false;
    s3_fail_region(reply, region, sizeof(region));
    if (region[0] == '\0' || strcmp(region, c->cred.region) == 0)
        return false;
    if (text_copy(c->cred.region, sizeof(c->cred.region), region) < 0)
        return false;
    return resolve(c, err) == 0;
}

/* Have the credentials run out, and are there others by now? */
static bool renew(struct s3_call *c, const struct http_reply *reply)
{
    AUTO(s3_cred_done) struct s3_cred fresh = {0};
    char code[S3_CODE_MAX];

    s3_fail_code(reply, code, sizeof(code));
    if (strcmp(code, "ExpiredToken") != 0 && strcmp(code, "InvalidToken") != 0 &&
        strcmp(code, "TokenRefreshRequired") != 0)
        return false;
    if (s3_cred_load(c->conf, &s3_cred_env_system, &fresh, NULL) < 0 ||
        strcmp(fresh.token, c->cred.token) == 0)
        return false;
    memcpy(c->cred.access_key, fresh.access_key, sizeof(fresh.access_key));
    memcpy(c->cred.secret_key, fresh.secret_key, sizeof(fresh.secret_key));
    memcpy(c->cred.token, fresh.token, sizeof(fresh.token));
    return true;
}

int s3_call(struct s3_call *c, const struct s3_request *req, struct http_reply *reply,
            struct err *err)
{
    bool moved = false;
    bool renewed = false;

    for (;;) {
        int rc = exchange(c, req, reply, err);

        if (rc < 0)
            return rc;
        if (reply->status >= 200 && reply->status < 300)
            return 0;
        if (!moved && move_region(c, reply, err)) {
            moved = true;
            continue;
        }
        if (!renewed && renew(c, reply)) {
            renewed = true;
            continue;
        }
        return s3_fail(c, req, reply, err);
    }
}

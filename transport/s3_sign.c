/* SPDX-License-Identifier: Apache-2.0 */
/* AWS Signature Version 4: a canonical request, its hash in a string to sign, a derived key. No
 * I/O and no clock; tests/unit_s3_sign.c holds it against the published examples. */
#include "transport/s3_sign.h"

#include "base/auto.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/http.h"
#include "base/text.h"

#include <stdio.h>

#include "base/banned.h"

enum {
    SIGN_HEX_LEN = 2 * CRYPTO_SHA256_LEN + 1,
    SIGN_DATE_LEN = 8,  /* "20130524" */
    SIGN_STAMP_LEN = 16 /* "20130524T000000Z" */
};

/* A request on its way to a signature. */
struct sign {
    const struct s3_sign_key *key;
    const struct s3_sign_request *req;
    char stamp[TEXT_TIME_MAX];
    char payload[SIGN_HEX_LEN];
    struct s3_sign_pair headers[S3_SIGN_LINES_MAX]; /* sorted by name */
    size_t headers_n;
    struct buf query;
    struct buf names; /* "host;x-amz-date" */
    struct buf scope; /* "20130524/us-east-1/s3/aws4_request" */
};

static void sign_done(struct sign *s)
{
    buf_done(&s->query);
    buf_done(&s->names);
    buf_done(&s->scope);
}

void s3_sign_done(struct s3_signed *s)
{
    buf_done(&s->target);
    buf_done(&s->text);
    memset(s, 0, sizeof(*s));
}

static int pair_compare(const void *a, const void *b)
{
    return strcmp(((const struct s3_sign_pair *)a)->name, ((const struct s3_sign_pair *)b)->name);
}

/* "2013-05-24T00:00:00Z" without its marks. */
static void format_stamp(uint64_t wall_ms, char *out)
{
    char time[TEXT_TIME_MAX];
    size_t n = 0;

    text_time(wall_ms - wall_ms % 1000, time);
    for (const char *p = time; *p != '\0'; p++)
        if (*p != '-' && *p != ':')
            out[n++] = *p;
    out[n] = '\0';
}

/* A line break would make a second header out of a value. */
static bool is_clean(const char *value)
{
    return !strpbrk(value, "\r\n");
}

static int add_header(struct sign *s, const char *name, const char *value, struct err *err)
{
    if (s->headers_n == ARRAY_LEN(s->headers) || !is_clean(value))
        return err_set(err, -EINVAL, "header '%s' cannot be signed", name);
    s->headers[s->headers_n++] = (struct s3_sign_pair){.name = name, .value = value};
    return 0;
}

static int collect_headers(struct sign *s, struct err *err)
{
    int rc = add_header(s, "host", s->req->host, err);

    if (rc == 0)
        rc = add_header(s, "x-amz-content-sha256", s->payload, err);
    if (rc == 0)
        rc = add_header(s, "x-amz-date", s->stamp, err);
    if (rc == 0 && s->key->token[0] != '\0')
        rc = add_header(s, "x-amz-security-token", s->key->token, err);
    for (size_t i = 0; rc == 0 && i < s->req->headers_n; i++)
        rc = add_header(s, s->req->headers[i].name, s->req->headers[i].value, err);
    if (rc < 0)
        return rc;
    qsort(s->headers, s->headers_n, sizeof(*s->headers), pair_compare);
    for (size_t i = 0; i < s->headers_n; i++)
        buf_printf(&s->names, "%s%s", i > 0 ? ";" : "", s->headers[i].name);
    return buf_failed(&s->names, err);
}

/* Parameters sorted and encoded; names are ASCII letters and '-', so their encoded order is the
 * plain one. */
static int make_query(struct sign *s, struct err *err)
{
    struct s3_sign_pair params[S3_SIGN_PAIRS_MAX];

    if (s->req->params_n > ARRAY_LEN(params))
        return err_set(err, -EINVAL, "too many query parameters to sign");
    if (s->req->params_n == 0)
        return 0;
    memcpy(params, s->req->params, s->req->params_n * sizeof(*params));
    qsort(params, s->req->params_n, sizeof(*params), pair_compare);
    for (size_t i = 0; i < s->req->params_n; i++) {
        if (i > 0)
            buf_str(&s->query, "&");
        http_escape(params[i].name, false, &s->query);
        buf_str(&s->query, "=");
        http_escape(params[i].value, false, &s->query);
    }
    return buf_failed(&s->query, err);
}

/* A header's value as it is signed: no space around it, and one where several were. */
static void put_trimmed(struct buf *out, const char *value)
{
    bool space = false;

    value += strspn(value, " \t");
    for (; *value != '\0'; value++) {
        if (*value == ' ' || *value == '\t') {
            space = true;
            continue;
        }
        if (space)
            buf_str(out, " ");
        space = false;
        buf_append(out, value, 1);
    }
}

/* The hex SHA-256 of the canonical request. */
static int hash_canonical(struct sign *s, char *out_hex, struct err *err)
{
    auto_buf struct buf c = {0};
    uint8_t sha[CRYPTO_SHA256_LEN];

    buf_printf(&c, "%s\n", s->req->method);
    http_escape(s->req->path, true, &c);
    buf_str(&c, "\n");
    buf_append(&c, s->query.data, s->query.len);
    buf_str(&c, "\n");
    for (size_t i = 0; i < s->headers_n; i++) {
        buf_printf(&c, "%s:", s->headers[i].name);
        put_trimmed(&c, s->headers[i].value);
        buf_str(&c, "\n");
    }
    buf_str(&c, "\n");
    buf_append(&c, s->names.data, s->names.len);
    buf_printf(&c, "\n%s", s->payload);
    crypto_sha256(buf_slice(&c), sha);
    text_hex(sha, sizeof(sha), out_hex);
    return buf_failed(&c, err);
}

static void derive(uint8_t *key, const char *text)
{
    uint8_t next[CRYPTO_SHA256_LEN];

    crypto_hmac_sha256(slice_of(key, CRYPTO_SHA256_LEN), slice_str(text), next);
    memcpy(key, next, sizeof(next));
    crypto_wipe(next, sizeof(next));
}

/* out has 32 bytes. */
static int signing_key(const struct sign *s, uint8_t *out, struct err *err)
{
    auto_buf struct buf secret = {0};
    char date[SIGN_DATE_LEN + 1];
    int rc;

    snprintf(date, sizeof(date), "%.*s", SIGN_DATE_LEN, s->stamp);
    buf_printf(&secret, "AWS4%s", s->key->secret_key);
    rc = buf_failed(&secret, err);
    crypto_hmac_sha256(buf_slice(&secret), slice_str(date), out);
    derive(out, s->key->region);
    derive(out, s->key->service);
    derive(out, "aws4_request");
    if (secret.data)
        crypto_wipe(secret.data, secret.cap);
    return rc;
}

static int make_signature(struct sign *s, char *out_hex, struct err *err)
{
    auto_buf struct buf text = {0};
    char canonical[SIGN_HEX_LEN];
    uint8_t key[CRYPTO_SHA256_LEN];
    uint8_t mac[CRYPTO_SHA256_LEN];
    int rc = hash_canonical(s, canonical, err);

    if (rc < 0)
        return rc;
    buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n", s->stamp);
    buf_append(&text, s->scope.data, s->scope.len);
    buf_printf(&text, "\n%s", canonical);
    rc = buf_failed(&text, err);
    if (rc == 0)
        rc = signing_key(s, key, err);
    if (rc < 0)
        return rc;
    crypto_hmac_sha256(slice_of(key, sizeof(key)), buf_slice(&text), mac);
    crypto_wipe(key, sizeof(key));
    text_hex(mac, sizeof(mac), out_hex);
    return 0;
}

/* Every signed header and the signature, as lines; then the pointers, since text has moved. */
static int write_lines(struct sign *s, const char *signature, struct s3_signed *ret,
                       struct err *err)
{
    const char *at;
    int rc;

    for (size_t i = 0; i < s->headers_n; i++) {
        buf_printf(&ret->text, "%s: %s", s->headers[i].name, s->headers[i].value);
        buf_u8(&ret->text, '\0');
    }
    buf_printf(&ret->text, "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=%s,",
               s->key->access_key, buf_cstr(&s->scope), buf_cstr(&s->names));
    buf_printf(&ret->text, "Signature=%s", signature);
    buf_u8(&ret->text, '\0');
    rc = buf_failed(&ret->text, err);
    if (rc < 0)
        return rc;
    at = (const char *)ret->text.data;
    for (size_t i = 0; i <= s->headers_n; i++) {
        ret->lines[i] = at;
        at += strlen(at) + 1;
    }
    return 0;
}

static int write_target(const struct sign *s, struct s3_signed *ret, struct err *err)
{
    http_escape(s->req->path, true, &ret->target);
    if (s->query.len > 0) {
        buf_str(&ret->target, "?");
        buf_append(&ret->target, s->query.data, s->query.len);
    }
    return buf_failed(&ret->target, err);
}

int s3_sign(const struct s3_sign_key *key, const struct s3_sign_request *req, struct s3_signed *ret,
            struct err *err)
{
    AUTO(sign_done) struct sign s = {.key = key, .req = req};
    auto_signed struct s3_signed out = {0};
    char signature[SIGN_HEX_LEN];
    int rc;

    if (!is_clean(key->access_key))
        return err_set(err, -EINVAL, "the access key holds a line break");
    format_stamp(req->wall_ms, s.stamp);
    text_hex(req->payload_sha256, CRYPTO_SHA256_LEN, s.payload);
    buf_printf(&s.scope, "%.*s/%s/%s/aws4_request", SIGN_DATE_LEN, s.stamp, key->region,
               key->service);
    rc = buf_failed(&s.scope, err);
    if (rc == 0)
        rc = collect_headers(&s, err);
    if (rc == 0)
        rc = make_query(&s, err);
    if (rc == 0)
        rc = make_signature(&s, signature, err);
    if (rc == 0)
        rc = write_target(&s, &out, err);
    if (rc == 0)
        rc = write_lines(&s, signature, &out, err);
    if (rc < 0)
        return rc;
    *ret = out;
    memset(&out, 0, sizeof(out));
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Amazon S3 API reference, "Authenticating Requests: Using the Authorization Header". */
#include "tests/tool_s3_auth.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { FIELD_MAX = 1024, SKEW_MAX_MS = 15 * 60 * 1000 };

#define SCHEME "AWS4-HMAC-SHA256 "

struct claim {
    char access_key[FIELD_MAX];
    char date[9]; /* 20130524 */
    char region[64];
    char signed_headers[FIELD_MAX];
    char signature[2 * CRYPTO_SHA256_LEN + 1];
};

/* What stands behind "name=" up to a comma. */
static int field(const char *text, const char *name, char *out, size_t size)
{
    const char *at = strstr(text, name);

    if (!at)
        return -1;
    at += strlen(name);
    return text_print(out, size, "%.*s", (int)strcspn(at, ", "), at);
}

static int parse_claim(const char *authorization, const char *service, struct claim *c)
{
    char credential[FIELD_MAX];
    auto_vec char **parts = NULL;

    if (!text_starts(authorization, SCHEME) ||
        field(authorization, "Credential=", credential, sizeof(credential)) < 0 ||
        field(authorization, "SignedHeaders=", c->signed_headers, sizeof(c->signed_headers)) < 0 ||
        field(authorization, "Signature=", c->signature, sizeof(c->signature)) < 0 ||
        text_split(credential, "/", &parts, NULL) < 0 || text_vec_len(parts) != 5 ||
        !text_equal(parts[3], service) || !text_equal(parts[4], "aws4_request"))
        return -1;
    if (text_copy(c->access_key, sizeof(c->access_key), parts[0]) < 0 ||
        text_copy(c->date, sizeof(c->date), parts[1]) < 0)
        return -1;
    return text_copy(c->region, sizeof(c->region), parts[2]);
}

static bool is_signed(const struct claim *c, const char *name)
{
    auto_vec char **names = NULL;

    if (text_split(c->signed_headers, ";", &names, NULL) < 0)
        return false;
    for (size_t i = 0; names[i]; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Parameters are signed in order, each with an equals sign. */
static int add_query(const char *query, struct buf *out)
{
    auto_vec char **params = NULL;

    if (text_split(query, "&", &params, NULL) < 0)
        return -1;
    qsort(params, text_vec_len(params), sizeof(*params), by_text);
    for (size_t i = 0; params[i]; i++)
        buf_printf(out, "%s%s%s", i ? "&" : "", params[i], strchr(params[i], '=') ? "" : "=");
    return 0;
}

static int add_headers(const struct tool_s3_auth *a, const struct claim *c, struct buf *out)
{
    auto_vec char **names = NULL;

    if (text_split(c->signed_headers, ";", &names, NULL) < 0)
        return -1;
    for (size_t i = 0; names[i]; i++) {
        const char *value = a->header(a->arg, names[i]);
        size_t len;

        if (!value)
            return -1;
        value += strspn(value, " ");
        len = strlen(value);
        while (len > 0 && value[len - 1] == ' ')
            len--;
        buf_printf(out, "%s:%.*s\n", names[i], (int)len, value);
    }
    return 0;
}

static int canonical(const struct tool_s3_auth *a, const struct claim *c, struct buf *out)
{
    size_t path = strcspn(a->target, "?");

    buf_printf(out, "%s\n%.*s\n", a->method, (int)path, a->target);
    if (a->target[path] && add_query(a->target + path + 1, out) < 0)
        return -1;
    buf_str(out, "\n");
    if (add_headers(a, c, out) < 0)
        return -1;
    buf_printf(out, "\n%s\n%s", c->signed_headers, a->header(a->arg, "x-amz-content-sha256"));
    return buf_failed(out, NULL);
}

static void hmac(const void *key, size_t len, const char *text, uint8_t *out)
{
    crypto_hmac_sha256(slice_of(key, len), slice_str(text), out);
}

static void signing_key(const struct tool_s3_auth *a, const struct claim *c, uint8_t *key)
{
    char secret[FIELD_MAX];

    (void)text_print(secret, sizeof(secret), "AWS4%s", a->secret_key);
    hmac(secret, strlen(secret), c->date, key);
    hmac(key, CRYPTO_SHA256_LEN, c->region, key);
    hmac(key, CRYPTO_SHA256_LEN, a->service, key);
    hmac(key, CRYPTO_SHA256_LEN, "aws4_request", key);
}

static bool signature_fits(const struct tool_s3_auth *a, const struct claim *c, const char *date)
{
    auto_buf struct buf request = {0};
    auto_buf struct buf text = {0};
    uint8_t key[CRYPTO_SHA256_LEN];
    uint8_t sha[CRYPTO_SHA256_LEN];
    char hex[2 * CRYPTO_SHA256_LEN + 1];

    if (canonical(a, c, &request) < 0)
        return false;
    crypto_sha256(buf_slice(&request), sha);
    buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", date, c->date, c->region,
               a->service, text_hex(sha, sizeof(sha), hex));
    if (!buf_cstr(&text))
        return false;
    signing_key(a, c, key);
    hmac(key, sizeof(key), buf_cstr(&text), sha);
    return text_equal(text_hex(sha, sizeof(sha), hex), c->signature);
}

/* "20130524T000000Z", not far from now and of the day that the key is for. */
static bool date_fits(const struct tool_s3_auth *a, const struct claim *c, const char *date)
{
    char rfc[TEXT_TIME_MAX];
    uint64_t ms = 0;

    if (strlen(date) != strlen("20130524T000000Z") || !text_starts(date, c->date) ||
        text_print(rfc, sizeof(rfc), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", date, date + 4, date + 6,
                   date + 9, date + 11, date + 13) < 0 ||
        text_parse_time(rfc, &ms, NULL) < 0)
        return false;
    return ms < a->now_ms + SKEW_MAX_MS && a->now_ms < ms + SKEW_MAX_MS;
}

const char *tool_s3_auth_check(const struct tool_s3_auth *a)
{
    const char *authorization = a->header(a->arg, "authorization");
    const char *date = a->header(a->arg, "x-amz-date");
    const char *sha = a->header(a->arg, "x-amz-content-sha256");
    char hex[2 * CRYPTO_SHA256_LEN + 1];
    struct claim c;

    if (!authorization || !date || !sha)
        return "AccessDenied";
    if (parse_claim(authorization, a->service, &c) < 0 || !is_signed(&c, "host"))
        return "AuthorizationHeaderMalformed";
    for (size_t i = 0; a->amz_names[i]; i++)
        if (!is_signed(&c, a->amz_names[i]))
            return "AccessDenied";
    if (!text_equal(c.access_key, a->access_key))
        return "InvalidAccessKeyId";
    if (!date_fits(a, &c, date))
        return "RequestTimeTooSkewed";
    if (!signature_fits(a, &c, date))
        return "SignatureDoesNotMatch";
    if (!text_equal(text_hex(a->body_sha256, CRYPTO_SHA256_LEN, hex), sha))
        return "XAmzContentSHA256Mismatch";
    return NULL;
}

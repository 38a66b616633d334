/* SPDX-License-Identifier: Apache-2.0 */
/* What an S3 service means when it does not answer 2xx. Codes come first, since services differ in
 * their statuses; then the status. */
#include "transport/s3_call.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/s3_xml.h"

#include "base/banned.h"

enum { FAIL_CODE_MAX = 64, FAIL_MESSAGE_MAX = 200, FAIL_DOC_MAX = 64 * 1024 };

/* What a code or a status means to us. */
struct meaning {
    const char *code; /* of S3, or NULL */
    long status;      /* when code is NULL */
    int rc;           /* -EAGAIN is retryable */
    unsigned gw;
    const char *why; /* in front of the service's message, or NULL */
};

static const struct meaning meanings[] = {
    {"NoSuchKey", 0, -ENOENT, GW_VAULT_MISSING, "no such object"},
    {"NoSuchBucket", 0, -EINVAL, GW_STORE_BAD_URL, "the bucket does not exist"},
    {"InvalidBucketName", 0, -EINVAL, GW_STORE_BAD_URL, "the bucket's name is not valid there"},
    {"PermanentRedirect", 0, -EINVAL, GW_STORE_BAD_URL, "the bucket is at another endpoint"},
    {"TemporaryRedirect", 0, -EAGAIN, GW_STORE_UNREACHABLE, "the bucket is at another endpoint"},
    {"PreconditionFailed", 0, -EEXIST, GW_STORE_CONFLICT, "the object exists already"},
    {"FileAlreadyExists", 0, -EEXIST, GW_STORE_CONFLICT, "the object exists already"},
    {"ConditionalRequestConflict", 0, -EAGAIN, GW_STORE_UNREACHABLE, "another writer is at it"},
    {"OperationAborted", 0, -EAGAIN, GW_STORE_UNREACHABLE, "another writer is at it"},
    {"InvalidRange", 0, -ERANGE, 0, "the object is shorter than asked"},
    {"NotImplemented", 0, -EOPNOTSUPP, 0, "the store cannot do that"},
    {"QuotaExceeded", 0, -ENOSPC, GW_STORE_FULL, "the quota is used up"},
    {"XMinioStorageFull", 0, -ENOSPC, GW_STORE_FULL, "the store is full"},
    {"ExpiredToken", 0, -EACCES, GW_STORE_DENIED, "the credentials have expired"},
    {"TokenRefreshRequired", 0, -EACCES, GW_STORE_DENIED, "the credentials have expired"},
    {"InvalidToken", 0, -EACCES, GW_STORE_DENIED, "the session token is not valid"},
    {"InvalidAccessKeyId", 0, -EACCES, GW_STORE_DENIED, "the access key is unknown"},
    {"SignatureDoesNotMatch", 0, -EACCES, GW_STORE_DENIED, "the secret key does not match"},
    {"RequestTimeout", 0, -EAGAIN, GW_STORE_UNREACHABLE, "the upload stalled"},
    {"IncompleteBody", 0, -EAGAIN, GW_STORE_UNREACHABLE, "the upload was cut"},
    {"BadDigest", 0, -EAGAIN, GW_STORE_UNREACHABLE, "the upload was damaged on its way"},
    {"XAmzContentSHA256Mismatch", 0, -EAGAIN, GW_STORE_UNREACHABLE,
     "the upload was damaged on its way"},
    {"SlowDown", 0, -EAGAIN, GW_STORE_UNREACHABLE, "the store asks to slow down"},
    {NULL, 401, -EACCES, GW_STORE_DENIED, "refused"},
    {NULL, 403, -EACCES, GW_STORE_DENIED, "refused"},
    {NULL, 404, -ENOENT, GW_VAULT_MISSING, "no such object"},
    {NULL, 409, -EAGAIN, GW_STORE_UNREACHABLE, "another writer is at it"},
    {NULL, 412, -EEXIST, GW_STORE_CONFLICT, "the object exists already"},
    {NULL, 413, -EINVAL, 0, "the object is too large for the store"},
    {NULL, 416, -ERANGE, 0, "the object is shorter than asked"},
    {NULL, 501, -EOPNOTSUPP, 0, "the store cannot do that"},
    {NULL, 507, -ENOSPC, GW_STORE_FULL, "the store is full"},
    {NULL, 301, -EINVAL, GW_STORE_BAD_URL, "the bucket is at another endpoint"},
    {NULL, 302, -EINVAL, GW_STORE_BAD_URL, "the endpoint answers with a redirect"},
    {NULL, 307, -EAGAIN, GW_STORE_UNREACHABLE, "the endpoint answers with a redirect"},
    {NULL, 308, -EINVAL, GW_STORE_BAD_URL, "the endpoint answers with a redirect"},
};

static struct slice document(const struct http_reply *reply)
{
    size_t len = reply->body.len < FAIL_DOC_MAX ? reply->body.len : FAIL_DOC_MAX;

    return slice_of(reply->body.data, len);
}

void s3_fail_code(const struct http_reply *reply, char *out, size_t size)
{
    s3_xml_text(document(reply), "Code", out, size);
    text_sanitize(out);
}

bool s3_fail_within(const struct s3_request *req, const struct http_reply *reply)
{
    struct slice rest = document(reply);
    struct slice inside;

    /* What is read back is data, whatever it looks like. */
    return strcmp(req->method, "PUT") == 0 && s3_xml_next(&rest, "Error", &inside);
}

static bool is_region(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return len > 0 && text[len] == '\0';
}

void s3_fail_region(struct http_reply *reply, char *out, size_t size)
{
    const char *header = http_reply_header(reply, "x-amz-bucket-region");

    out[0] = '\0';
    if (header)
        text_copy(out, size, header);
    else
        s3_xml_text(document(reply), "Region", out, size);
    /* It becomes part of a host name. */
    if (!is_region(out))
        out[0] = '\0';
}

static const struct meaning *meaning_of(const char *code, long status)
{
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
        const struct meaning *m = &meanings[i];

        if (m->code ? strcmp(m->code, code) == 0 : m->status == status)
            return m;
    }
    return NULL;
}

static int fail_skew(const struct s3_call *c, struct err *err)
{
    char text[NUM_TEXT_MAX];
    int64_t skew_ms = c->skew_ms;

    if (!c->has_skew)
        return err_set_gw(err, GW_STORE_DENIED, -EACCES,
                          "this machine's clock differs too much from the store's");
    num_format_duration((uint64_t)(skew_ms < 0 ? -skew_ms : skew_ms), text);
    return err_set_gw(err, GW_STORE_DENIED, -EACCES,
                      "this machine's clock is %s %s the store's, which refuses our signature",
                      text, skew_ms < 0 ? "ahead of" : "behind");
}

/* "PUT 'bucket/prefix/k': the bucket does not exist (404 NoSuchBucket: message)" */
static int fail_with(const struct s3_call *c, const struct s3_request *req, long status,
                     const struct meaning *m, const char *code, const char *message,
                     struct err *err)
{
    return err_set_gw(err, m->gw, m->rc, "%s '%s/%s%s': %s (%ld%s%s%s%s)", req->method, c->bucket,
                      req->key ? c->prefix : "", req->key ? req->key : "", m->why, status,
                      code[0] != '\0' ? " " : "", code, message[0] != '\0' ? ": " : "", message);
}

int s3_fail(const struct s3_call *c, const struct s3_request *req, struct http_reply *reply,
            struct err *err)
{
    static const struct meaning busy = {NULL, 0, -EAGAIN, GW_STORE_UNREACHABLE,
                                        "the store has trouble"};
    static const struct meaning other = {NULL, 0, -EPROTO, GW_STORE_UNREACHABLE,
                                         "unexpected answer"};
    char code[FAIL_CODE_MAX];
    char message[FAIL_MESSAGE_MAX];
    const struct meaning *m;

    s3_fail_code(reply, code, sizeof(code));
    s3_xml_text(document(reply), "Message", message, sizeof(message));
    text_sanitize(message);
    if (strcmp(code, "RequestTimeTooSkewed") == 0)
        return fail_skew(c, err);
    m = meaning_of(code, reply->status);
    if (!m)
        m = reply->status < 300 || reply->status >= 500 || http_status_retryable(reply->status)
                ? &busy
                : &other;
    return fail_with(c, req, reply->status, m, code, message, err);
}

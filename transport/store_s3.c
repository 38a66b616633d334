/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of an S3 service: s3://bucket/prefix. Nothing here relies on ETag, multipart or the
 * order of a listing's pages beyond what is checked. */
#include "transport/s3_list.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/rate.h"

#include "base/banned.h"

enum {
    S3_REPLY_MIN = 64 * 1024, /* room for an error document, however small the range */
};

static int s3_open(const struct store_conf *conf, void **ret_self, struct err *err)
{
    struct s3_call *c = NULL;
    int rc = s3_call_open(conf, &s3_cred_env_system, &c, err);

    if (rc == 0)
        *ret_self = c;
    return rc;
}

static int s3_dup(const void *self, void **ret_self, struct err *err)
{
    struct s3_call *c = NULL;
    int rc = s3_call_dup(self, &c, err);

    if (rc == 0)
        *ret_self = c;
    return rc;
}

static void s3_close(void *self)
{
    s3_call_close(self);
}

static int s3_put(void *self, const char *key, struct slice body, const uint8_t *sha256,
                  enum store_put_flags flags, struct err *err)
{
    static const struct s3_sign_pair create_only[] = {{"if-none-match", "*"}};
    auto_reply struct http_reply reply = {0};
    struct s3_request req = {
        .method = "PUT",
        .key = key,
        .headers = create_only,
        .headers_n = flags == STORE_PUT_CREATE_ONLY ? ARRAY_LEN(create_only) : 0,
        .body = body,
        .sha256 = sha256,
        .once = flags == STORE_PUT_CREATE_ONLY,
    };
    int rc = s3_call(self, &req, &reply, err);

    if (rc == 0 && failpoint("s3_put_reply_lost") < 0)
        return err_set(err, -ECONNRESET, "put '%s': reply lost (failpoint)", key);
    return rc;
}

static int wrong_answer(const char *key, const char *what, struct err *err)
{
    return err_set_gw(err, GW_STORE_UNREACHABLE, -EAGAIN, "get '%s': %s", key, what);
}

/* "bytes 3-6/10" of a range that was asked for must be it, from its first byte. */
static int check_content_range(const char *key, const struct store_range *range,
                               struct http_reply *reply, struct err *err)
{
    const char *text = http_reply_header(reply, "Content-Range");
    char want[64];
    uint64_t last;

    if (!text)
        return wrong_answer(key, "a partial reply without Content-Range", err);
    if (reply->body.len == 0)
        return wrong_answer(key, "an empty partial reply", err);
    last = range->offset + reply->body.len - 1;
    if (text_print(want, sizeof(want), "bytes %llu-%llu/", (unsigned long long)range->offset,
                   (unsigned long long)last) < 0 ||
        !text_starts(text, want))
        return wrong_answer(key, "the reply holds another range than asked", err);
    return 0;
}

/* libcurl checks a length it was told; a proxy that tells none could cut without a trace. */
static int check_whole(const char *key, struct http_reply *reply, struct err *err)
{
    const char *text = http_reply_header(reply, "Content-Length");
    uint64_t len;

    if (!text) {
        const char *coding = http_reply_header(reply, "Transfer-Encoding");

        return coding && strcmp(coding, "chunked") == 0
                   ? 0
                   : wrong_answer(key, "a reply without a length", err);
    }
    if (num_parse_u64(text, 0, INT64_MAX, &len, NULL) < 0 || len != reply->body.len)
        return wrong_answer(key, "the reply was cut", err);
    return 0;
}

static int check_get(const char *key, const struct store_range *range, bool ranged,
                     struct http_reply *reply, struct err *err)
{
    int rc;

    if (ranged && reply->status != 206)
        return err_set_gw(err, GW_STORE_UNREACHABLE, -EPROTO,
                          "get '%s': the store does not honour ranges (%ld)", key, reply->status);
    rc = ranged ? check_content_range(key, range, reply, err) : check_whole(key, reply, err);
    if (rc < 0)
        return rc;
    if (range->len > 0 && reply->body.len > range->len)
        return wrong_answer(key, "more bytes than asked", err);
    if (range->len > 0 && reply->body.len < range->len)
        return err_set(err, -ERANGE, "object '%s' is shorter than asked", key);
    if (reply->body.len > range->max_bytes)
        return err_set(err, -EFBIG, "object '%s' has more than %zu bytes", key, range->max_bytes);
    return 0;
}

static int s3_head(void *self, const char *key, uint64_t *ret_bytes, struct err *err);

/* 416 is right for a range behind the end; but nothing at the very end is not an error. */
static int get_at_end(void *self, const char *key, const struct store_range *range, struct err *err)
{
    uint64_t size = 0;
    struct err why = {0};

    if (range->len > 0)
        return -ERANGE;
    if (s3_head(self, key, &size, &why) < 0) {
        *err = why;
        return why.code;
    }
    if (size != range->offset)
        return -ERANGE;
    err_clear(err);
    return 0;
}

/* The body into out; an empty out takes the memory itself, which spares a copy of a pack. */
static int hand_over(struct http_reply *reply, struct buf *out, struct err *err)
{
    size_t max = out->max;

    if (out->data || out->failed || (max > 0 && reply->body.len > max)) {
        if (buf_append(out, reply->body.data, reply->body.len) < 0)
            return buf_failed(out, err);
        return 0;
    }
    *out = reply->body;
    out->max = max;
    memset(&reply->body, 0, sizeof(reply->body));
    return 0;
}

/* A buffer that is used again and again is where the next body lands: it is not copied. */
static void lend_memory(struct buf *out, struct http_reply *reply)
{
    if (out->len > 0 || out->failed)
        return;
    reply->body.data = TAKE(out->data);
    reply->body.cap = out->cap;
    out->cap = 0;
}

static int s3_get(void *self, const char *key, const struct store_range *range, struct buf *out,
                  struct err *err)
{
    auto_reply struct http_reply reply = {0};
    bool ranged = range->offset > 0 || range->len > 0;
    size_t most = range->len > 0 ? range->len : range->max_bytes;
    char bytes[64];
    struct s3_sign_pair header = {"range", bytes};
    struct s3_request req = {
        .method = "GET",
        .key = key,
        .headers = &header,
        .headers_n = ranged ? 1 : 0,
        .max_reply_bytes = most > S3_REPLY_MIN ? most : S3_REPLY_MIN,
    };
    int rc;

    lend_memory(out, &reply);
    if (range->len > 0)
        rc = text_print(bytes, sizeof(bytes), "bytes=%llu-%llu", (unsigned long long)range->offset,
                        (unsigned long long)(range->offset + range->len - 1));
    else
        rc = text_print(bytes, sizeof(bytes), "bytes=%llu-", (unsigned long long)range->offset);
    if (rc == 0)
        rc = s3_call(self, &req, &reply, err);
    if (rc == -ERANGE)
        return get_at_end(self, key, range, err);
    if (rc == 0)
        rc = check_get(key, range, ranged, &reply, err);
    if (rc < 0)
        return rc;
    return hand_over(&reply, out, err);
}

static int s3_head(void *self, const char *key, uint64_t *ret_bytes, struct err *err)
{
    auto_reply struct http_reply reply = {0};
    struct s3_request req = {.method = "HEAD", .key = key};
    const char *text;
    int rc = s3_call(self, &req, &reply, err);

    if (rc < 0)
        return rc;
    text = http_reply_header(&reply, "Content-Length");
    if (!text || num_parse_u64(text, 0, INT64_MAX, ret_bytes, NULL) < 0)
        return err_set_gw(err, GW_STORE_UNREACHABLE, -EPROTO, "head '%s': no length in the reply",
                          key);
    return 0;
}

static int s3_remove(void *self, const char *key, struct err *err)
{
    auto_reply struct http_reply reply = {0};
    struct s3_request req = {.method = "DELETE", .key = key};
    int rc = s3_call(self, &req, &reply, err);

    if (rc != -ENOENT)
        return rc;
    err_clear(err);
    return 0;
}

static int s3_list_all(void *self, const char *prefix, const char *after, store_list_fn fn,
                       void *arg, struct err *err)
{
    struct s3_list w = {.call = self, .prefix = prefix, .after = after, .fn = fn, .arg = arg};

    return s3_list(&w, err);
}

static bool s3_skew_ms(const void *self, int64_t *ret_ms)
{
    const struct s3_call *c = self;

    return s3_place_skew(c->place, ret_ms);
}

static uint64_t s3_limited_ms(const void *self)
{
    const struct s3_call *c = self;

    return c->turn ? rate_turn_waited_ms(c->turn) : 0;
}

static bool s3_busy(const void *self, uint64_t *ret_after_ms)
{
    const struct s3_call *c = self;

    *ret_after_ms = c->after_ms;
    return c->busy;
}

const struct store_ops store_s3_ops = {
    .scheme = "s3://",
    .paces = true,
    .open = s3_open,
    .dup = s3_dup,
    .close = s3_close,
    .put = s3_put,
    .get = s3_get,
    .head = s3_head,
    .remove = s3_remove,
    .list = s3_list_all,
    .skew_ms = s3_skew_ms,
    .busy = s3_busy,
    .limited_ms = s3_limited_ms,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* One signed call to a bucket, and what is tried again at once with something changed: the region,
 * newer credentials, their clock. */
#include "transport/s3_call.h"

#include "base/auto.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/rate.h"

#include "base/banned.h"

enum { S3_CODE_MAX = 64, S3_URL_MAX = 4096, S3_TARGET_MAX = 1280 };

static uint64_t pace_ask(void *arg, size_t bytes)
{
    return rate_turn_ask(arg, bytes);
}

static void pace_drop(void *arg)
{
    rate_turn_drop(arg);
}

static size_t pace_grain(void *arg)
{
    return rate_turn_grain(arg);
}

static int open_http(struct s3_call *c, struct err *err)
{
    const char *ca_file = s3_place_ca_file(c->place);
    static const struct http_pace none = {0};
    const struct http_pace pace = {
        .ask = pace_ask, .drop = pace_drop, .grain = pace_grain, .arg = c->turn};
    struct http_conf conf = {
        .multi = c->multi,
        .pace = c->turn ? pace : none,
        .http2 = s3_place_http2(c->place),
        .ca_file = ca_file[0] != '\0' ? ca_file : NULL,
        .tls12_allowed = true,
        .stall_timeout_ms = c->conf->stall_ms,
        .stop = c->conf->stop,
    };

    return http_new(&conf, &c->http, err);
}

/* Another handle onto place, by multi. */
static int call_new(const struct store_conf *conf, struct s3_place *place, struct http_multi *multi,
                    struct s3_call **ret, struct err *err)
{
    AUTO(s3_call_closep) struct s3_call *c = calloc(1, sizeof(*c));
    int rc;

    if (!c)
        return err_set(err, -ENOMEM, "opening store: %m");
    c->conf = conf;
    c->place = s3_place_ref(place);
    c->multi = http_multi_ref(multi);
    c->bucket = s3_place_bucket(c->place);
    c->prefix = s3_place_prefix(c->place);
    rc = conf->rate ? rate_turn_new(conf->rate, &c->turn, err) : 0;
    if (rc == 0)
        rc = open_http(c, err);
    if (rc < 0)
        return rc;
    *ret = TAKE(c);
    return 0;
}

int s3_call_open(const struct store_conf *conf, const struct s3_cred_env *env, struct s3_call **ret,
                 struct err *err)
{
    struct s3_place *place = NULL;
    struct http_multi *multi = NULL;
    int rc = s3_place_new(conf, env, &place, err);

    if (rc == 0)
        rc = http_multi_new(&multi, err);
    if (rc == 0)
        rc = call_new(conf, place, multi, ret, err);
    http_multi_unref(multi);
    s3_place_unref(place);
    return rc;
}

int s3_call_dup(const struct s3_call *from, struct s3_call **ret, struct err *err)
{
    return call_new(from->conf, from->place, from->multi, ret, err);
}

void s3_call_close(struct s3_call *c)
{
    if (!c)
        return;
    http_free(c->http);
    http_multi_unref(c->multi);
    rate_turn_free(c->turn);
    s3_place_unref(c->place);
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

    c->has_skew = date && parse_http_date(date, &theirs_ms) == 0;
    if (!c->has_skew)
        return;
    /* The header has whole seconds: half of one is as good a guess as any. */
    c->skew_ms = (int64_t)theirs_ms + 500 - (int64_t)clock_wall_ms(c->conf->clock);
    s3_place_note_skew(c->place, c->skew_ms);
}

/* "Retry-After: 3", or a date (RFC 9110, 10.2.3). */
static uint64_t retry_after_ms(const struct s3_call *c, struct http_reply *reply)
{
    const char *text = http_reply_header(reply, "Retry-After");
    uint64_t now_ms = clock_wall_ms(c->conf->clock);
    uint64_t value;

    if (!text)
        return 0;
    if (num_parse_u64(text, 0, UINT32_MAX, &value, NULL) == 0)
        return value * 1000;
    if (parse_http_date(text, &value) < 0)
        return 0;
    if (c->has_skew)
        now_ms += (uint64_t)c->skew_ms;
    return value > now_ms ? value - now_ms : 0;
}

static void note_busy(struct s3_call *c, struct http_reply *reply)
{
    char code[S3_CODE_MAX];

    s3_fail_code(reply, code, sizeof(code));
    c->busy = reply->status == 503 || reply->status == 429 || strcmp(code, "SlowDown") == 0;
    c->after_ms = c->busy ? retry_after_ms(c, reply) : 0;
}

static int make_target(const struct s3_call *c, const struct s3_view *v, const char *key, char *out,
                       size_t size)
{
    return text_print(out, size, "%s/%s%s%s%s", v->base, v->path_style ? c->bucket : "",
                      v->path_style && key ? "/" : "", key ? c->prefix : "", key ? key : "");
}

static int sign(const struct s3_call *c, const struct s3_view *v, const struct s3_request *req,
                struct s3_signed *ret, struct err *err)
{
    struct s3_sign_key key = {
        .access_key = v->cred.access_key,
        .secret_key = v->cred.secret_key,
        .token = v->cred.token,
        .region = v->cred.region,
        .service = "s3",
    };
    char path[S3_TARGET_MAX + S3_PLACE_BUCKET_MAX];
    uint8_t sha256[CRYPTO_SHA256_LEN];
    struct s3_sign_request s = {
        .method = req->method,
        .host = v->host,
        .path = path,
        .params = req->params,
        .params_n = req->params_n,
        .headers = req->headers,
        .headers_n = req->headers_n,
        .payload_sha256 = req->sha256 ? req->sha256 : sha256,
        .wall_ms = clock_wall_ms(c->conf->clock) + (uint64_t)v->sign_skew_ms,
    };

    if (!req->sha256)
        crypto_sha256(req->body, sha256);
    if (make_target(c, v, req->key, path, sizeof(path)) < 0)
        return err_set(err, -EINVAL, "object key too long");
    return s3_sign(&key, &s, ret, err);
}

/* One request and its reply, whatever that says. */
static int exchange(struct s3_call *c, const struct s3_view *v, const struct s3_request *req,
                    struct http_reply *reply, struct err *err)
{
    auto_signed struct s3_signed s = {0};
    char url[S3_URL_MAX];
    int rc = sign(c, v, req, &s, err);

    if (rc == 0)
        rc = text_print(url, sizeof(url), "%s://%s%s", v->tls ? "https" : "http", v->host,
                        buf_cstr(&s.target));
    if (rc == 0) {
        struct http_request http = {
            .method = req->method,
            .url = url,
            .headers = s.lines,
            .body = req->body,
            .max_reply_bytes = req->max_reply_bytes,
            .once = req->once,
        };

        rc = http_do(c->http, &http, reply, err);
        if (rc == -EPROTO && v->tls && err && err->gw == 0)
            err->gw = GW_STORE_UNTRUSTED;
    }
    if (rc == 0)
        note_skew(c, reply);
    return rc;
}

/* Did the answer name another region? Then the next attempt goes there. */
static bool move_region(struct s3_call *c, const struct s3_view *v, struct http_reply *reply)
{
    char region[S3_CRED_REGION_MAX + 1];

    if (reply->status != 301 && reply->status != 307 && reply->status != 400 &&
        reply->status != 403)
        return false;
    s3_fail_region(reply, region, sizeof(region));
    return region[0] != '\0' && s3_place_move(c->place, v, region);
}

/* Have the credentials run out, and are there others by now? */
static bool renew(struct s3_call *c, const struct s3_view *v, const struct http_reply *reply)
{
    char code[S3_CODE_MAX];

    s3_fail_code(reply, code, sizeof(code));
    return (strcmp(code, "ExpiredToken") == 0 || strcmp(code, "InvalidToken") == 0 ||
            strcmp(code, "TokenRefreshRequired") == 0 || strcmp(code, "RequestExpired") == 0) &&
           s3_place_renew(c->place, v);
}

/* Was the signature refused for its time, and does the store's own help? */
static bool follow_clock(struct s3_call *c, const struct s3_view *v, const struct http_reply *reply)
{
    char code[S3_CODE_MAX];

    s3_fail_code(reply, code, sizeof(code));
    return strcmp(code, "RequestTimeTooSkewed") == 0 && s3_place_follow_clock(c->place, v);
}

/* Each is done once a call: a place that sends us round in circles is given up. */
enum change { CHANGE_NONE = 0, CHANGE_REGION = 1, CHANGE_CRED = 2, CHANGE_CLOCK = 4 };

static enum change change(struct s3_call *c, const struct s3_view *v, struct http_reply *reply,
                          unsigned had)
{
    if (reply->status < 300)
        return CHANGE_NONE;
    if (!(had & CHANGE_REGION) && move_region(c, v, reply))
        return CHANGE_REGION;
    if (!(had & CHANGE_CRED) && renew(c, v, reply))
        return CHANGE_CRED;
    return !(had & CHANGE_CLOCK) && follow_clock(c, v, reply) ? CHANGE_CLOCK : CHANGE_NONE;
}

/* One exchange. *ret_change: what it was refused for that is different by now. */
static int attempt(struct s3_call *c, const struct s3_request *req, struct http_reply *reply,
                   unsigned had, enum change *ret_change, struct err *err)
{
    AUTO(s3_view_done) struct s3_view v = {0};
    int rc = s3_place_view(c->place, &v, err);

    if (rc == 0)
        rc = exchange(c, &v, req, reply, err);
    if (rc == 0)
        *ret_change = change(c, &v, reply, had);
    return rc;
}

int s3_call(struct s3_call *c, const struct s3_request *req, struct http_reply *reply,
            struct err *err)
{
    unsigned had = CHANGE_NONE;
    enum change now;

    c->busy = false;
    do {
        int rc = attempt(c, req, reply, had, &now, err);

        if (rc < 0)
            return rc;
        had |= now;
    } while (now != CHANGE_NONE);
    if (reply->status >= 200 && reply->status < 300 && !s3_fail_within(req, reply))
        return 0;
    note_busy(c, reply);
    return s3_fail(c, req, reply, err);
}

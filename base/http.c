/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP out over libcurl. Every request sets every option anew on the kept handle: connections are
 * reused, settings of the request before are not.
 */
#include "base/http_priv.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"

#include <errno.h>
#include <signal.h>
#include <strings.h>

#include "base/banned.h"

enum {
    CONNECT_TIMEOUT_MS = 10 * 1000,
    STALL_TIMEOUT_MS = 60 * 1000,
    REPLY_MAX = 1 << 20,
    COPY_BYTES = 256 * 1024,
    GRAIN_MIN = 1024, /* of what a pace lets go at once */
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static bool curl_is_ready;

static void curl_start(void)
{
    struct sigaction old;

    /* A peer that hangs up is an error to report, not a signal to die of. */
    if (sigaction(SIGPIPE, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
    curl_is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

bool http_start(void)
{
    pthread_once(&curl_once, curl_start);
    return curl_is_ready;
}

/* 0 also when there is nothing to copy. */
static int copy_text(const char *text, char **ret)
{
    *ret = text ? strdup(text) : NULL;
    return text && !*ret ? -ENOMEM : 0;
}

static int copy_conf(struct http *h, const struct http_conf *conf)
{
    h->tls12_allowed = conf->tls12_allowed;
    h->http2 = conf->http2;
    h->no_proxy = conf->no_proxy;
    h->pace = conf->pace;
    h->multi = http_multi_ref(conf->multi);
    h->connect_timeout_ms =
        conf->connect_timeout_ms ? conf->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    h->stall_timeout_ms = conf->stall_timeout_ms ? conf->stall_timeout_ms : STALL_TIMEOUT_MS;
    h->stop = conf->stop;
    if (conf->pin) {
        memcpy(h->pin, conf->pin, sizeof(h->pin));
        h->pinned = (struct cert_pinned){.pin = h->pin, .pin_alone = !conf->ca_file};
    }
    if (copy_text(conf->ca_file, &h->ca_file) < 0 ||
        copy_text(conf->cert_file, &h->cert_file) < 0 ||
        copy_text(conf->key_file, &h->key_file) < 0)
        return -ENOMEM;
    return 0;
}

int http_new(const struct http_conf *conf, struct http **ret, struct err *err)
{
    auto_http struct http *h = calloc(1, sizeof(*h));

    if (!h || !http_start() || copy_conf(h, conf) < 0)
        return err_set(err, -ENOMEM, "start an HTTP client: %m");
    h->easy = curl_easy_init();
    if (!h->easy)
        return err_set(err, -ENOMEM, "start an HTTP client: %m");
    *ret = TAKE(h);
    return 0;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    curl_easy_cleanup(h->easy);
    http_multi_unref(h->multi);
    free(h->ca_file);
    free(h->cert_file);
    free(h->key_file);
    free(h);
}

/* -- what libcurl calls ------------------------------------------------- */

/* Less than all ends the transfer; t->code says why. */
static size_t refuse(struct http_transfer *t, int code)
{
    t->code = code;
    return 0;
}

uint64_t http_transfer_ask(struct http_transfer *t)
{
    const struct http_pace *pace = &t->http->pace;
    uint64_t wait_ms = pace->ask(pace->arg, t->asked);

    if (wait_ms > 0)
        return wait_ms;
    t->granted += t->asked;
    t->asked = 0;
    return 0;
}

/* May so many bytes move? If not, libcurl is told to pause, and http_multi.c goes on in time. */
static bool may_move(struct http_transfer *t, size_t bytes)
{
    if (!t->http->pace.ask)
        return true;
    if (t->asked == 0 && t->granted < bytes)
        t->asked = bytes - t->granted;
    t->paused = t->asked > 0 && http_transfer_ask(t) > 0;
    if (t->paused || t->granted < bytes)
        return false;
    t->granted -= bytes;
    return true;
}

static size_t on_send(char *out, size_t size, size_t n, void *arg)
{
    struct http_transfer *t = arg;
    const struct http_pace *pace = &t->http->pace;
    size_t len = num_min(size * n, t->body.len - t->sent);

    len = num_min(len, num_max(pace->grain(pace->arg), GRAIN_MIN));
    if (!may_move(t, len))
        return CURL_READFUNC_PAUSE;
    memcpy(out, t->body.data + t->sent, len);
    t->sent += len;
    return len;
}

/* A kept connection turned out to be dead: from the start again. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct http_transfer *t = arg;

    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > t->body.len)
        return CURL_SEEKFUNC_FAIL;
    t->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct http_transfer *t = arg;
    struct buf *body = &t->reply->body;
    const size_t len = size * n; /* size is 1 */
    curl_off_t announced = -1;
    uint8_t *at;

    if (!may_move(t, len))
        return CURL_WRITEFUNC_PAUSE;
    if (body->len == 0) {
        curl_easy_getinfo(t->http->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
        if (announced > 0 && (uint64_t)announced > t->max_reply_bytes)
            return refuse(t, -EFBIG);
        if (announced > 0 && buf_reserve(body, (size_t)announced, &at) < 0)
            return refuse(t, body->failed);
    }
    if (len > t->max_reply_bytes - body->len)
        return refuse(t, -EFBIG);
    if (buf_append(body, data, len) < 0)
        return refuse(t, body->failed);
    return len;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
    struct http_transfer *t = arg;
    struct buf *headers = &t->reply->headers;
    const size_t len = size * n;

    /* "100 Continue" and a proxy's answer come first; the last reply counts. */
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
        buf_clear(headers);
    if (len > HTTP_HEADERS_MAX - headers->len)
        return refuse(t, -EFBIG);
    if (buf_append(headers, data, len) < 0)
        return refuse(t, headers->failed);
    return len;
}

/* Called at least once a second, also while nothing moves. */
static int on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    struct http_transfer *t = arg;
    const uint64_t now_ms = clock_mono_ms(&clock_system);

    (void)down_total;
    (void)up_total;
    if (t->http->stop && atomic_load(t->http->stop)) {
        t->code = -ECANCELED;
        return 1;
    }
    if (down + up != t->moved || t->paused) {
        t->moved = down + up;
        t->moved_at_ms = now_ms;
    }
    if (now_ms - t->moved_at_ms <= t->http->stall_timeout_ms)
        return 0;
    t->code = -ETIMEDOUT;
    return 1;
}

static CURLcode on_tls(CURL *easy, void *ctx, void *arg)
{
    struct http *h = arg;

    (void)easy;
    cert_pin_require(ctx, &h->pinned);
    return CURLE_OK;
}

/* -- options of one request --------------------------------------------- */

/* Remembers the first option that libcurl refused. */
#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (code == CURLE_OK)                                                                      \
            code = curl_easy_setopt(h->easy, option, value);                                       \
    } while (0)

static CURLcode set_tls(struct http *h)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_SSLVERSION,
        (long)(h->tls12_allowed ? CURL_SSLVERSION_TLSv1_2 : CURL_SSLVERSION_TLSv1_3));
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    if (h->ca_file || h->pinned.pin)
        SET(CURLOPT_CAPATH, NULL);
    if (h->ca_file || h->pinned.pin)
        SET(CURLOPT_CAINFO, h->ca_file); /* NULL beside a pin: no root but the pinned one */
    if (h->cert_file) {
        SET(CURLOPT_SSLCERT, h->cert_file);
        SET(CURLOPT_SSLKEY, h->key_file);
    }
    if (h->pinned.pin) {
        SET(CURLOPT_SSL_CTX_FUNCTION, on_tls);
        SET(CURLOPT_SSL_CTX_DATA, h);
        /* A resumed session would skip the check. */
        SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    }
    /* Who asks for a pin or shows a certificate must not end up in the clear. */
    SET(CURLOPT_PROTOCOLS_STR, h->pinned.pin || h->cert_file ? "https" : "http,https");
    return code;
}

static CURLcode set_manners(struct http *h, const struct http_request *req)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_URL, req->url);
    SET(CURLOPT_ERRORBUFFER, h->why);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* do not wait for a name server after a stop */
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)(h->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    /* After a host that was not found libcurl 7.88 still has a buffer and refuses another size. */
    (void)curl_easy_setopt(h->easy, CURLOPT_BUFFERSIZE, (long)COPY_BYTES);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)COPY_BYTES);
    SET(CURLOPT_USERAGENT, "godwit/" PACKAGE_VERSION);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)h->connect_timeout_ms);
    SET(CURLOPT_TIMEOUT_MS, (long)req->timeout_ms);
    if (h->no_proxy)
        SET(CURLOPT_PROXY, "");
    return code;
}

static CURLcode set_callbacks(struct http *h, struct http_transfer *t)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, t);
    SET(CURLOPT_NOPROGRESS, 0L);
    return code;
}

/* Bytes that leave are counted as they do, so they are asked for piece by piece. */
static CURLcode set_paced_body(struct http *h, struct http_transfer *t)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_UPLOAD, 1L);
    SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->body.len);
    SET(CURLOPT_READFUNCTION, on_send);
    SET(CURLOPT_READDATA, t);
    SET(CURLOPT_SEEKFUNCTION, on_seek);
    SET(CURLOPT_SEEKDATA, t);
    return code;
}

/* Any other body goes out as POSTFIELDS (lent, not copied) under the method's own name. */
static CURLcode set_method(struct http *h, const struct http_request *req, struct http_transfer *t)
{
    const bool sends =
        req->body.len > 0 || strcmp(req->method, "PUT") == 0 || strcmp(req->method, "POST") == 0;
    CURLcode code = CURLE_OK;

    if (strcmp(req->method, "HEAD") == 0) {
        SET(CURLOPT_NOBODY, 1L);
        return code;
    }
    if (sends && h->pace.ask && req->body.len > 0) {
        t->body = req->body;
        code = set_paced_body(h, t);
    } else if (sends) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body.len);
        SET(CURLOPT_POSTFIELDS, req->body.len ? (const char *)req->body.data : "");
    }
    SET(CURLOPT_CUSTOMREQUEST, req->method);
    return code;
}

static bool list_add(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer)
        *list = longer;
    return longer != NULL;
}

static bool names_header(const char *line, const char *name)
{
    const size_t len = strlen(name);

    return strncasecmp(line, name, len) == 0 && line[len] == ':';
}

/* The caller's headers, less the ones that libcurl would add by itself. */
static int make_headers(const struct http_request *req, struct curl_slist **ret)
{
    struct curl_slist *list = NULL;
    bool ok = list_add(&list, "Expect:"), has_type = false;

    for (const char *const *line = req->headers; ok && line && *line; line++) {
        has_type |= names_header(*line, "Content-Type");
        ok = list_add(&list, *line);
    }
    if (ok && !has_type)
        ok = list_add(&list, "Content-Type:");
    if (!ok) {
        curl_slist_free_all(list);
        return -ENOMEM;
    }
    *ret = list;
    return 0;
}

static CURLcode set_all(struct http *h, const struct http_request *req, struct http_transfer *t,
                        struct curl_slist *headers)
{
    CURLcode code;

    curl_easy_reset(h->easy); /* keeps live connections */
    code = set_manners(h, req);
    if (code == CURLE_OK)
        code = set_tls(h);
    if (code == CURLE_OK)
        code = set_callbacks(h, t);
    if (code == CURLE_OK)
        code = set_method(h, req, t);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_FRESH_CONNECT, req->once ? 1L : 0L);
    return code;
}

/* -- failures ----------------------------------------------------------- */

/*
 * libcurl gives one code for a handshake that a peer refused and one that broke off; only its text
 * tells them apart.
 */
static bool tls_refused(const char *why)
{
    return strstr(why, "SSL routines") && !strstr(why, "unexpected eof") &&
           !strstr(why, "Connection reset");
}

static int code_of_connect(struct http *h)
{
    long os = 0;

    curl_easy_getinfo(h->easy, CURLINFO_OS_ERRNO, &os);
    switch (os) {
    case ECONNREFUSED:
    case ECONNRESET:
    case ETIMEDOUT:
        return -(int)os;
    default:
        return -EHOSTUNREACH;
    }
}

/* An answer that is no HTTP was damaged on its way, and libcurl has many names for it. Before a
 * request went out it is a scheme or an option that was refused: code. */
static int code_of_garbage(struct http *h, int code)
{
    curl_off_t began_us = 0;

    curl_easy_getinfo(h->easy, CURLINFO_PRETRANSFER_TIME_T, &began_us);
    return began_us > 0 ? -ECONNRESET : code;
}

static int code_of(struct http *h, CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_COULDNT_CONNECT:
        return code_of_connect(h);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return -EHOSTUNREACH;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return tls_refused(h->why) ? -EPROTO : -ECONNRESET;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return -ECONNRESET;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return -EPROTO;
    case CURLE_UNSUPPORTED_PROTOCOL: /* of the URL; or a reply that does not begin as one */
        return code_of_garbage(h, -EPROTO);
    case CURLE_OUT_OF_MEMORY:
        return -ENOMEM;
    case CURLE_URL_MALFORMAT:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        return -EINVAL;
    default:
        return code_of_garbage(h, -EIO);
    }
}

static int report(struct http *h, CURLcode code, const struct http_transfer *t,
                  const struct http_request *req, struct err *err)
{
    const char *why = h->why[0] ? h->why : curl_easy_strerror(code);
    const int own = t->code < 0 ? t->code : code_of(h, code);

    if (h->pinned.pin && h->pinned.mismatch)
        return err_set_gw(err, GW_PIN_MISMATCH, -EPROTO,
                          "%s %s: the peer's chain does not hold the pinned key", req->method,
                          req->url);
    if (t->code == -EFBIG)
        return err_set(err, own, "%s %s: the reply is above %zu bytes", req->method, req->url,
                       t->max_reply_bytes);
    if (t->code < 0)
        return err_set(err, own, "%s %s: %m", req->method, req->url);
    return err_set(err, own, "%s %s: %s", req->method, req->url, why);
}

int http_do(struct http *h, const struct http_request *req, struct http_reply *reply,
            struct err *err)
{
    struct http_transfer t = {
        .http = h, .reply = reply, .moved_at_ms = clock_mono_ms(&clock_system)};
    struct curl_slist *headers = NULL;
    CURLcode code;

    t.max_reply_bytes = req->max_reply_bytes ? req->max_reply_bytes : REPLY_MAX;
    buf_clear(&reply->body);
    buf_clear(&reply->headers);
    reply->body.max = t.max_reply_bytes;
    reply->status = 0;
    h->why[0] = '\0';
    h->pinned.mismatch = false;
    if (h->stop && atomic_load(h->stop))
        return err_set(err, -ECANCELED, "%s %s: %m", req->method, req->url);
    if (make_headers(req, &headers) < 0)
        return err_set(err, -ENOMEM, "%s %s: %m", req->method, req->url);
    code = set_all(h, req, &t, headers);
    if (code == CURLE_OK)
        code = h->multi ? http_multi_perform(h->multi, &t) : curl_easy_perform(h->easy);
    if (t.asked > 0)
        h->pace.drop(h->pace.arg);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &reply->status);
    curl_slist_free_all(headers);
    return code == CURLE_OK ? 0 : report(h, code, &t, req, err);
}

/* -- replies and helpers ------------------------------------------------ */

void http_reply_done(struct http_reply *r)
{
    buf_done(&r->body);
    buf_done(&r->headers);
    r->status = 0;
}

const char *http_reply_header(struct http_reply *r, const char *name)
{
    static const char ends[] = "\r\n";
    char *line;

    if (!buf_cstr(&r->headers))
        return NULL;
    line = (char *)r->headers.data;
    /* A value found before was ended by a NUL in place of its line's end. */
    for (const char *const end = line ? line + r->headers.len : NULL; line < end;
         line += strcspn(line, ends) + 1) {
        char *value;

        if (!names_header(line, name))
            continue;
        value = line + strlen(name) + 1;
        value += strspn(value, " \t");
        value[strcspn(value, ends)] = '\0';
        for (size_t len = strlen(value); len > 0 && strchr(" \t", value[len - 1]); len--)
            value[len - 1] = '\0';
        return value;
    }
    return NULL;
}

uint64_t http_backoff_ms(const struct rng *rng, unsigned attempt, uint64_t base_ms, uint64_t max_ms)
{
    uint64_t bound_ms = base_ms;

    for (; attempt > 1 && bound_ms < max_ms; attempt--)
        bound_ms = bound_ms > UINT64_MAX / 2 ? UINT64_MAX : bound_ms * 2;
    if (bound_ms > max_ms)
        bound_ms = max_ms;
    return bound_ms == UINT64_MAX ? rng_u64(rng) : rng_below(rng, bound_ms + 1);
}

bool http_status_retryable(long status)
{
    return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int http_escape(const char *text, bool keep_slash, struct buf *out)
{
    static const char hex[] = "0123456789ABCDEF";

    for (; *text; text++) {
        const uint8_t byte = (uint8_t)*text;
        const char escaped[3] = {'%', hex[byte >> 4], hex[byte & 15]};

        if (is_unreserved(*text) || (keep_slash && *text == '/'))
            buf_append(out, text, 1);
        else
            buf_append(out, escaped, sizeof(escaped));
    }
    return out->failed;
}

const char *http_version(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}

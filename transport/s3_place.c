/* SPDX-License-Identifier: Apache-2.0 */
/* The address and the credentials of a bucket, read by every call and changed by few. */
#include "transport/s3_place.h"

#include "base/auto.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/store_impl.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

enum {
    RENEW_BEFORE_MS = 5 * 60 * 1000, /* the end of credentials that end: as the AWS tools do */
    RENEW_AGAIN_MS = 30 * 1000,      /* after a renewal that failed while the old ones hold */
    SKEW_NEWS_MS = 60 * 1000,        /* a difference that may have been what was refused */
};

struct s3_place {
    atomic_uint refs;
    const struct store_conf *conf;
    struct s3_cred_env env;
    char bucket[S3_PLACE_BUCKET_MAX + 1];
    char prefix[S3_PLACE_PREFIX_MAX + 2]; /* "" or with its '/' */

    pthread_mutex_t lock; /* of the rest; never held while credentials are fetched */
    pthread_cond_t renewed;
    struct s3_view now;
    bool renewing;
    uint64_t renew_not_before_ms;
    bool has_skew;
    int64_t skew_ms; /* their clock minus ours, by the last reply */
    bool follow_clock;
};

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
static int parse_url(struct s3_place *p, const char *url, struct err *err)
{
    const char *at = url + strlen("s3://");
    size_t len = strcspn(at, "/");
    size_t prefix_len;

    if (text_print(p->bucket, sizeof(p->bucket), "%.*s", (int)len, at) < 0 || !is_bucket(p->bucket))
        return bad_url(url, "no valid bucket name", err);
    at += len;
    at += strspn(at, "/");
    if (text_copy(p->prefix, S3_PLACE_PREFIX_MAX + 1, at) < 0)
        return bad_url(url, "the prefix is too long", err);
    prefix_len = strlen(p->prefix);
    while (prefix_len > 0 && p->prefix[prefix_len - 1] == '/')
        p->prefix[--prefix_len] = '\0';
    if (prefix_len == 0)
        return 0;
    if (!store_is_key(p->prefix))
        return bad_url(url, "the prefix may hold only letters, digits and ._=-/", err);
    p->prefix[prefix_len] = '/';
    p->prefix[prefix_len + 1] = '\0';
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
static bool wants_path_style(const struct s3_place *p, const char *host, bool has_port)
{
    if (p->now.cred.path_style >= 0)
        return p->now.cred.path_style == 1;
    return has_port || p->now.base[0] != '\0' || is_address(host) ||
           strcmp(host, "localhost") == 0 || strchr(p->bucket, '.');
}

static int bad_endpoint(const struct s3_place *p, struct err *err)
{
    return err_set_gw(err, GW_STORE_BAD_URL, -EINVAL,
                      "S3 endpoint '%s': expected http://host[:port][/path] or https://…",
                      p->now.cred.endpoint);
}

/* The two parts of an endpoint's authority. */
struct authority {
    char host[S3_PLACE_HOST_MAX + 1];
    char port[8]; /* "" = the scheme's own, which the Host header leaves out */
};

static int parse_authority(const struct s3_place *p, const char *text, size_t len,
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
            return bad_endpoint(p, err);
        if (port == (p->now.tls ? 443 : 80))
            ret->port[0] = '\0';
    }
    if (host_len == 0 || memchr(text, '@', len) ||
        text_print(ret->host, sizeof(ret->host), "%.*s", (int)host_len, text) < 0)
        return bad_endpoint(p, err);
    return 0;
}

/* "/s3/": what stands before every bucket, or nothing. */
static int parse_base(struct s3_place *p, const char *text, struct err *err)
{
    size_t len = strlen(text);

    while (len > 0 && text[len - 1] == '/')
        len--;
    if (text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._~-")] !=
            '\0' ||
        text_print(p->now.base, sizeof(p->now.base), "%.*s", (int)len, text) < 0)
        return bad_endpoint(p, err);
    return 0;
}

/* "http://host:port" or "https://host", perhaps with a path behind it. */
static int parse_endpoint(struct s3_place *p, struct authority *ret, struct err *err)
{
    const char *at = p->now.cred.endpoint;
    size_t len;
    int rc;

    p->now.tls = !text_starts(at, "http://");
    if (p->now.tls && !text_starts(at, "https://"))
        return bad_endpoint(p, err);
    at += p->now.tls ? strlen("https://") : strlen("http://");
    len = strcspn(at, "/");
    rc = parse_base(p, at + len, err);
    return rc < 0 ? rc : parse_authority(p, at, len, ret, err);
}

/* Host, scheme and style from the endpoint and the region. */
static int resolve(struct s3_place *p, struct err *err)
{
    struct authority a = {0};
    int rc;

    p->now.base[0] = '\0';
    if (p->now.cred.endpoint[0] == '\0') {
        p->now.tls = true;
        rc = amazon_host(p->now.cred.region, a.host, sizeof(a.host));
    } else {
        rc = parse_endpoint(p, &a, err);
    }
    if (rc < 0)
        return rc;
    p->now.path_style = wants_path_style(p, a.host, a.port[0] != '\0');
    rc = text_print(p->now.host, sizeof(p->now.host), "%s%s%s%s%s",
                    p->now.path_style ? "" : p->bucket, p->now.path_style ? "" : ".", a.host,
                    a.port[0] != '\0' ? ":" : "", a.port);
    return rc < 0 ? bad_endpoint(p, err) : 0;
}

int s3_place_new(const struct store_conf *conf, const struct s3_cred_env *env,
                 struct s3_place **ret, struct err *err)
{
    struct s3_place *p = calloc(1, sizeof(*p));
    int rc;

    if (!p)
        return err_set(err, -ENOMEM, "opening store: %m");
    atomic_init(&p->refs, 1);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->renewed, NULL);
    p->conf = conf;
    p->env = *env;
    rc = parse_url(p, conf->url, err);
    if (rc == 0)
        rc = s3_cred_load(conf, env, &p->now.cred, err);
    if (rc == 0)
        rc = resolve(p, err);
    if (rc < 0) {
        s3_place_unref(p);
        return rc;
    }
    *ret = p;
    return 0;
}

struct s3_place *s3_place_ref(struct s3_place *p)
{
    atomic_fetch_add(&p->refs, 1);
    return p;
}

void s3_place_unref(struct s3_place *p)
{
    if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    pthread_cond_destroy(&p->renewed);
    pthread_mutex_destroy(&p->lock);
    s3_view_done(&p->now);
    free(p);
}

void s3_view_done(struct s3_view *v)
{
    s3_cred_done(&v->cred);
}

const char *s3_place_bucket(const struct s3_place *p)
{
    return p->bucket;
}

const char *s3_place_prefix(const struct s3_place *p)
{
    return p->prefix;
}

const char *s3_place_ca_file(const struct s3_place *p)
{
    return p->now.cred.ca_file; /* which nothing changes */
}

bool s3_place_http2(const struct s3_place *p)
{
    return p->now.cred.http2 == 1; /* nor this */
}

/* -- credentials that end -------------------------------------------------- */

static bool ends_within(const struct s3_place *p, uint64_t ms)
{
    uint64_t now_ms = clock_wall_ms(p->conf->clock);

    return p->now.cred.expires_ms > 0 && p->now.cred.expires_ms < now_ms + ms;
}

/* Under the lock: take over what is new, keep where we are. False when nothing is new. */
static bool adopt(struct s3_place *p, const struct s3_cred *fresh)
{
    struct s3_cred *c = &p->now.cred;

    if (strcmp(fresh->access_key, c->access_key) == 0 &&
        strcmp(fresh->secret_key, c->secret_key) == 0 && strcmp(fresh->token, c->token) == 0 &&
        fresh->expires_ms == c->expires_ms)
        return false;
    s3_cred_take_keys(fresh, c);
    p->now.cred_n++;
    return true;
}

/* Under the lock, which is let go meanwhile. Was anything new found? */
static bool fetch_cred(struct s3_place *p, struct err *err)
{
    AUTO(s3_cred_done) struct s3_cred fresh = {0};
    bool news;
    int rc;

    p->renewing = true;
    pthread_mutex_unlock(&p->lock);
    rc = s3_cred_load(p->conf, &p->env, &fresh, err);
    pthread_mutex_lock(&p->lock);
    p->renewing = false;
    news = rc == 0 && adopt(p, &fresh);
    if (!news)
        p->renew_not_before_ms = clock_mono_ms(p->conf->clock) + RENEW_AGAIN_MS;
    pthread_cond_broadcast(&p->renewed);
    return news;
}

static void wait_renewed(struct s3_place *p)
{
    while (p->renewing)
        pthread_cond_wait(&p->renewed, &p->lock);
}

int s3_place_view(struct s3_place *p, struct s3_view *ret, struct err *err)
{
    struct err why = {0};
    int rc = 0;

    pthread_mutex_lock(&p->lock);
    if (ends_within(p, RENEW_BEFORE_MS) && !p->renewing &&
        (ends_within(p, 0) || clock_mono_ms(p->conf->clock) >= p->renew_not_before_ms))
        fetch_cred(p, &why);
    if (ends_within(p, 0))
        wait_renewed(p);
    /* What has ended may still be asked for: the store's clock decides. */
    if (ends_within(p, 0) && why.code < 0)
        rc = why.code;
    if (rc == 0) {
        *ret = p->now;
        ret->sign_skew_ms = p->follow_clock ? p->skew_ms : 0;
    }
    pthread_mutex_unlock(&p->lock);
    if (rc < 0)
        *err = why;
    return rc;
}

bool s3_place_renew(struct s3_place *p, const struct s3_view *seen)
{
    bool news;

    pthread_mutex_lock(&p->lock);
    wait_renewed(p);
    news = p->now.cred_n != seen->cred_n || fetch_cred(p, NULL);
    pthread_mutex_unlock(&p->lock);
    return news;
}

/* -- what answers tell ----------------------------------------------------- */

bool s3_place_move(struct s3_place *p, const struct s3_view *seen, const char *region)
{
    struct s3_view before;
    bool moved = false;

    if (strcmp(region, seen->cred.region) == 0)
        return false;
    pthread_mutex_lock(&p->lock);
    before = p->now;
    if (text_copy(p->now.cred.region, sizeof(p->now.cred.region), region) == 0)
        moved = resolve(p, NULL) == 0;
    if (!moved)
        p->now = before;
    pthread_mutex_unlock(&p->lock);
    s3_view_done(&before);
    return moved;
}

void s3_place_note_skew(struct s3_place *p, int64_t skew_ms)
{
    pthread_mutex_lock(&p->lock);
    p->skew_ms = skew_ms;
    p->has_skew = true;
    pthread_mutex_unlock(&p->lock);
}

bool s3_place_skew(struct s3_place *p, int64_t *ret_ms)
{
    bool known;

    pthread_mutex_lock(&p->lock);
    known = p->has_skew;
    if (known)
        *ret_ms = p->skew_ms;
    pthread_mutex_unlock(&p->lock);
    return known;
}

bool s3_place_follow_clock(struct s3_place *p, const struct s3_view *seen)
{
    bool worth;

    pthread_mutex_lock(&p->lock);
    worth = p->has_skew && llabs(p->skew_ms - seen->sign_skew_ms) > SKEW_NEWS_MS;
    p->follow_clock |= p->has_skew;
    pthread_mutex_unlock(&p->lock);
    return worth;
}

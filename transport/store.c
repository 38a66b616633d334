/* SPDX-License-Identifier: Apache-2.0 */
/* The table of object stores and the dispatchers around them: arguments are checked and calls
 * counted here, and nowhere else. */
#include "transport/store_impl.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

static const struct store_ops *const stores[] = {
    &store_file_ops,
    &store_s3_ops,
    &store_mem_ops,
};

enum { STORE_PART_MAX = 255, STORE_ATTEMPTS = 10 };

/* What a handle and its dups have in common. */
struct store_shared {
    atomic_uint refs;
    struct store_conf conf; /* its strings are the three below and url, owned */
    char *url;
    char *endpoint;
    char *region;
    char *profile;
    char *ca_file;
    struct store_totals totals;
    bool gated; /* totals.gate is there */
};

struct store {
    struct store_shared *shared;
    void *self; /* of store_retry_ops */
};

bool store_is_prefix(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "/._=-");

    return len <= STORE_KEY_MAX && text[len] == '\0';
}

bool store_is_key(const char *text)
{
    if (!store_is_prefix(text))
        return false;
    for (const char *part = text;;) {
        size_t len = strcspn(part, "/");

        if (len == 0 || len > STORE_PART_MAX || (len == 1 && part[0] == '.') ||
            (len == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        if (part[len] == '\0')
            return true;
        part += len + 1;
    }
}

static void shared_unref(struct store_shared *sh)
{
    if (!sh || atomic_fetch_sub(&sh->refs, 1) != 1)
        return;
    if (sh->gated)
        store_gate_done(&sh->totals.gate);
    free(sh->url);
    free(sh->endpoint);
    free(sh->region);
    free(sh->profile);
    free(sh->ca_file);
    free(sh);
}

static void shared_unrefp(struct store_shared **sh)
{
    shared_unref(*sh);
}

static bool copy_text(char **ret, const char *text)
{
    *ret = text ? strdup(text) : NULL;
    return *ret || !text;
}

static int shared_new(const struct store_conf *conf, struct store_shared **ret, struct err *err)
{
    AUTO(shared_unrefp) struct store_shared *sh = calloc(1, sizeof(*sh));

    if (!sh)
        return err_set(err, -ENOMEM, "opening store: %m");
    atomic_init(&sh->refs, 1);
    if (!copy_text(&sh->url, conf->url) || !copy_text(&sh->endpoint, conf->endpoint) ||
        !copy_text(&sh->region, conf->region) || !copy_text(&sh->profile, conf->profile) ||
        !copy_text(&sh->ca_file, conf->ca_file))
        return err_set(err, -ENOMEM, "opening store: %m");
    sh->conf = *conf;
    sh->conf.url = sh->url;
    sh->conf.endpoint = sh->endpoint;
    sh->conf.region = sh->region;
    sh->conf.profile = sh->profile;
    sh->conf.ca_file = sh->ca_file;
    if (!sh->conf.clock)
        sh->conf.clock = &clock_system;
    if (!sh->conf.rng)
        sh->conf.rng = &rng_system;
    if (sh->conf.attempts == 0)
        sh->conf.attempts = STORE_ATTEMPTS;
    sh->conf.streams = (unsigned)num_min(sh->conf.streams, STORE_STREAMS_MAX);
    store_gate_init(&sh->totals.gate, sh->conf.streams, sh->conf.clock, sh->conf.rng);
    sh->gated = true;
    *ret = TAKE(sh);
    return 0;
}

static const struct store_ops *ops_of_url(const char *url)
{
    for (size_t i = 0; i < ARRAY_LEN(stores); i++)
        if (text_starts(url, stores[i]->scheme))
            return stores[i];
    return NULL;
}

static int bad_url(const char *url, struct err *err)
{
    if (url[0] == '/')
        return err_set_gw(err, GW_STORE_BAD_URL, -EINVAL,
                          "'%s' is not a store URL; a directory is written file://%s", url, url);
    return err_set_gw(err, GW_STORE_BAD_URL, -EINVAL,
                      "'%s' is not a store URL: expected file:///path or s3://bucket/prefix", url);
}

/* Wrap taken_inner; sh's reference is the caller's to give. */
static int store_new(struct store_shared *sh, const struct store_ops *ops, void *taken_inner,
                     struct store **ret, struct err *err)
{
    auto_free struct store *s = calloc(1, sizeof(*s));
    int rc;

    if (!s) {
        ops->close(taken_inner);
        return err_set(err, -ENOMEM, "opening store: %m");
    }
    rc = store_retry_new(&sh->conf, &sh->totals, ops, taken_inner, &s->self, err);
    if (rc < 0)
        return rc;
    s->shared = sh;
    *ret = TAKE(s);
    return 0;
}

int store_open(const struct store_conf *conf, struct store **ret, struct err *err)
{
    AUTO(shared_unrefp) struct store_shared *sh = NULL;
    const struct store_ops *ops;
    struct err local = {0};
    void *inner = NULL;
    int rc;

    if (!err)
        err = &local;
    if (!conf->url)
        return err_set_gw(err, GW_STORE_BAD_URL, -EINVAL, "no store URL given");
    ops = ops_of_url(conf->url);
    if (!ops)
        return bad_url(conf->url, err);
    rc = shared_new(conf, &sh, err);
    if (rc < 0)
        return rc;
    rc = ops->open(&sh->conf, &inner, err);
    if (rc < 0)
        return rc;
    rc = store_new(sh, ops, inner, ret, err);
    if (rc < 0)
        return rc;
    (void)TAKE(sh);
    return 0;
}

int store_dup(const struct store *s, struct store **ret, struct err *err)
{
    auto_free struct store *d = calloc(1, sizeof(*d));
    struct err local = {0};
    int rc;

    if (!err)
        err = &local;
    if (!d)
        return err_set(err, -ENOMEM, "opening store: %m");
    rc = store_retry_ops.dup(s->self, &d->self, err);
    if (rc < 0)
        return rc;
    d->shared = s->shared;
    atomic_fetch_add(&d->shared->refs, 1);
    *ret = TAKE(d);
    return 0;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    store_retry_ops.close(s->self);
    shared_unref(s->shared);
    free(s);
}

static int check_key(const char *key, struct err *err)
{
    if (!key || !store_is_key(key))
        return err_set(err, -EINVAL, "'%.64s' is not a valid object key", key ? key : "");
    return 0;
}

/* The failpoint of a call; counts nothing. */
static int check_point(int rc, const char *what, struct err *err)
{
    return rc < 0 ? err_set(err, rc, "%s: %m (failpoint)", what) : 0;
}

int store_put(struct store *s, const char *key, struct slice body, const uint8_t *sha256,
              enum store_put_flags flags, struct err *err)
{
    struct store_totals *t = &s->shared->totals;
    struct err local = {0};
    int rc;

    if (!err)
        err = &local;
    rc = check_key(key, err);
    if (rc < 0)
        return rc;
    if (body.len > STORE_BODY_MAX)
        return err_set(err, -EINVAL, "object '%s' of %zu bytes is larger than %d", key, body.len,
                       STORE_BODY_MAX);
    rc = check_point(failpoint("store_put"), "put", err);
    if (rc < 0)
        return rc;
    atomic_fetch_add(&t->put_n, 1);
    rc = store_retry_ops.put(s->self, key, body, sha256, flags, err);
    if (rc < 0)
        return rc;
    return check_point(failpoint("store_put_done"), "put", err);
}

int store_get(struct store *s, const char *key, struct store_range range, struct buf *out,
              struct err *err)
{
    struct store_totals *t = &s->shared->totals;
    struct err local = {0};
    uint64_t end;
    int rc;

    if (!err)
        err = &local;
    rc = check_key(key, err);
    if (rc < 0)
        return rc;
    if (range.max_bytes == 0)
        range.max_bytes = STORE_BODY_MAX;
    if (range.len > range.max_bytes || __builtin_add_overflow(range.offset, range.len, &end) ||
        end > INT64_MAX)
        return err_set(err, -EINVAL, "range of '%s' is too large", key);
    rc = check_point(failpoint("store_get"), "get", err);
    if (rc < 0)
        return rc;
    atomic_fetch_add(&t->get_n, 1);
    return store_retry_ops.get(s->self, key, &range, out, err);
}

int store_head(struct store *s, const char *key, uint64_t *ret_bytes, struct err *err)
{
    struct err local = {0};
    int rc;

    if (!err)
        err = &local;
    rc = check_key(key, err);
    if (rc < 0)
        return rc;
    rc = check_point(failpoint("store_head"), "head", err);
    if (rc < 0)
        return rc;
    atomic_fetch_add(&s->shared->totals.head_n, 1);
    return store_retry_ops.head(s->self, key, ret_bytes, err);
}

int store_delete(struct store *s, const char *key, struct err *err)
{
    struct err local = {0};
    int rc;

    if (!err)
        err = &local;
    rc = check_key(key, err);
    if (rc < 0)
        return rc;
    rc = check_point(failpoint("store_delete"), "delete", err);
    if (rc < 0)
        return rc;
    atomic_fetch_add(&s->shared->totals.delete_n, 1);
    return store_retry_ops.remove(s->self, key, err);
}

int store_list(struct store *s, const char *prefix, const char *after, store_list_fn fn, void *arg,
               struct err *err)
{
    struct err local = {0};
    int rc;

    if (!err)
        err = &local;
    if (!prefix)
        prefix = "";
    if (!store_is_prefix(prefix) || (after && !store_is_prefix(after)))
        return err_set(err, -EINVAL, "'%.64s' is not a valid key prefix", prefix);
    rc = check_point(failpoint("store_list"), "list", err);
    if (rc < 0)
        return rc;
    atomic_fetch_add(&s->shared->totals.list_n, 1);
    return store_retry_ops.list(s->self, prefix, after, fn, arg, err);
}

void store_counts(const struct store *s, struct store_counts *ret)
{
    struct store_totals *t = &s->shared->totals;

    ret->put_n = atomic_load(&t->put_n);
    ret->get_n = atomic_load(&t->get_n);
    ret->head_n = atomic_load(&t->head_n);
    ret->list_n = atomic_load(&t->list_n);
    ret->delete_n = atomic_load(&t->delete_n);
    ret->retry_n = atomic_load(&t->retry_n);
    ret->bytes_out = atomic_load(&t->bytes_out);
    ret->bytes_in = atomic_load(&t->bytes_in);
    ret->streams = store_gate_streams(&t->gate);
}

void store_spent(const struct store *s, struct store_spent *ret)
{
    store_retry_spent(s->self, ret);
}

const char *store_url(const struct store *s)
{
    return s->shared->url;
}

unsigned store_streams(const struct store *s)
{
    return s->shared->conf.streams;
}

const struct store_conf *store_conf_of(const struct store *s)
{
    return &s->shared->conf;
}

bool store_skew_ms(const struct store *s, int64_t *ret_ms)
{
    return store_retry_ops.skew_ms(s->self, ret_ms);
}

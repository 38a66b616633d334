/* SPDX-License-Identifier: Apache-2.0 */
/* A store around a store: tries again what may be tried again, and keeps to the bandwidth limit.
 * It counts attempts and bytes; what a call means is left to the inner store. */
#include "transport/store_impl.h"

#include "base/err.h"
#include "base/gw.h"
#include "transport/rate.h"

#include "base/banned.h"

enum {
    RETRY_BASE_MS = 200,
    RETRY_MAX_MS = 20000,
    RETRY_SLICE_MS = 50,
    /* A place that never answered is rather a wrong name than a restart: say so soon. */
    RETRY_FIRST_CONTACT = 4,
};

struct retry {
    const struct store_conf *conf;
    struct store_totals *totals;
    const struct store_ops *ops;
    void *inner;
};

int store_retry_new(const struct store_conf *conf, struct store_totals *totals,
                    const struct store_ops *inner_ops, void *taken_inner, void **ret_self,
                    struct err *err)
{
    struct retry *r = calloc(1, sizeof(*r));

    if (!r) {
        inner_ops->close(taken_inner);
        return err_set(err, -ENOMEM, "opening store: %m");
    }
    *r = (struct retry){.conf = conf, .totals = totals, .ops = inner_ops, .inner = taken_inner};
    *ret_self = r;
    return 0;
}

static int retry_dup(const void *self, void **ret_self, struct err *err)
{
    const struct retry *r = self;
    void *inner = NULL;
    int rc = r->ops->dup(r->inner, &inner, err);

    if (rc < 0)
        return rc;
    return store_retry_new(r->conf, r->totals, r->ops, inner, ret_self, err);
}

static void retry_close(void *self)
{
    struct retry *r = self;

    r->ops->close(r->inner);
    free(r);
}

static bool is_stopped(const struct retry *r)
{
    return r->conf->stop && atomic_load(r->conf->stop);
}

static int say_stopped(struct err *err)
{
    return err_set(err, -ECANCELED, "stopped while waiting for the store");
}

/* Exponential with full jitter, but never under a tenth, so that a row of lucky draws does not
 * hammer a store that asks for mercy. */
static uint64_t backoff_ms(const struct retry *r, unsigned attempt)
{
    uint64_t ceiling = RETRY_MAX_MS;

    if (attempt < 16 && ((uint64_t)RETRY_BASE_MS << (attempt - 1)) < ceiling)
        ceiling = (uint64_t)RETRY_BASE_MS << (attempt - 1);
    return ceiling / 10 + rng_below(r->conf->rng, ceiling - ceiling / 10);
}

/* Is rc what the caller gets? What may be repeated is not. */
static bool is_final(struct retry *r, int rc, const struct err *err)
{
    if (rc < 0 && err->retryable)
        return false;
    atomic_store(&r->totals->answered, true);
    return true;
}

static unsigned attempts_of(const struct retry *r)
{
    unsigned most = r->conf->attempts;

    return most > RETRY_FIRST_CONTACT && !atomic_load(&r->totals->answered) ? RETRY_FIRST_CONTACT
                                                                            : most;
}

/*
 * Attempt number *attempt failed with err, which is retryable: wait and return 0 when another one
 * is due (*attempt counts on), else return what the caller gets.
 */
static int retry_next(struct retry *r, unsigned *attempt, struct err *err)
{
    uint64_t left;

    if (*attempt >= attempts_of(r)) {
        err->code = -EAGAIN;
        err->gw = GW_STORE_UNREACHABLE;
        return err_add(err, -EAGAIN, "gave up after %u attempts", *attempt);
    }
    left = backoff_ms(r, *attempt);
    while (left > 0) {
        uint64_t slice = left < RETRY_SLICE_MS ? left : RETRY_SLICE_MS;

        if (is_stopped(r))
            return say_stopped(err);
        clock_sleep_ms(r->conf->clock, slice);
        left -= slice;
    }
    if (is_stopped(r))
        return say_stopped(err);
    *attempt += 1;
    atomic_fetch_add(&r->totals->retry_n, 1);
    err_clear(err);
    return 0;
}

static int take_rate(struct retry *r, size_t bytes, struct err *err)
{
    int rc = rate_take(r->conf->rate, bytes, r->conf->stop);

    return rc < 0 ? say_stopped(err) : 0;
}

/*
 * The key exists although we asked for it to be created; an attempt of this call may have done
 * that with its reply lost. 0 when the object holds our very bytes, else -EEXIST or the failure.
 */
static int retry_read_back(struct retry *r, const char *key, struct slice body, struct err *err)
{
    struct store_range range = {.max_bytes = body.len > 0 ? body.len : 1};
    auto_buf struct buf there = {0};
    struct err why = {0};
    unsigned attempt = 1;
    int rc;

    for (;;) {
        rc = r->ops->get(r->inner, key, &range, &there, &why);
        if (is_final(r, rc, &why))
            break;
        rc = retry_next(r, &attempt, &why);
        if (rc < 0) {
            *err = why;
            return rc;
        }
    }
    if (rc == 0) {
        atomic_fetch_add(&r->totals->bytes_in, there.len);
        if (there.len == body.len &&
            (body.len == 0 || memcmp(there.data, body.data, body.len) == 0)) {
            err_clear(err);
            return 0;
        }
    }
    return err->code;
}

static int retry_put(void *self, const char *key, struct slice body, const uint8_t *sha256,
                     enum store_put_flags flags, struct err *err)
{
    struct retry *r = self;
    unsigned attempt = 1;
    int rc;

    for (;;) {
        rc = take_rate(r, body.len, err);
        if (rc < 0)
            return rc;
        atomic_fetch_add(&r->totals->bytes_out, body.len);
        rc = r->ops->put(r->inner, key, body, sha256, flags, err);
        if (rc == -EEXIST && attempt > 1)
            return retry_read_back(r, key, body, err);
        if (is_final(r, rc, err))
            return rc;
        rc = retry_next(r, &attempt, err);
        if (rc < 0)
            return rc;
    }
}

static int retry_get(void *self, const char *key, const struct store_range *range, struct buf *out,
                     struct err *err)
{
    struct retry *r = self;
    size_t before = out->len;
    unsigned attempt = 1;
    int rc;

    for (;;) {
        rc = r->ops->get(r->inner, key, range, out, err);
        if (is_final(r, rc, err))
            break;
        rc = retry_next(r, &attempt, err);
        if (rc < 0)
            return rc;
    }
    if (rc < 0)
        return rc;
    atomic_fetch_add(&r->totals->bytes_in, out->len - before);
    /* What came is paid for afterwards: the next get waits. */
    rc = rate_take(r->conf->rate, out->len - before, r->conf->stop);
    if (rc < 0) {
        out->len = before;
        return say_stopped(err);
    }
    return 0;
}

static int retry_head(void *self, const char *key, uint64_t *ret_bytes, struct err *err)
{
    struct retry *r = self;
    unsigned attempt = 1;
    int rc;

    for (;;) {
        rc = r->ops->head(r->inner, key, ret_bytes, err);
        if (is_final(r, rc, err))
            return rc;
        rc = retry_next(r, &attempt, err);
        if (rc < 0)
            return rc;
    }
}

static int retry_remove(void *self, const char *key, struct err *err)
{
    struct retry *r = self;
    unsigned attempt = 1;
    int rc;

    for (;;) {
        rc = r->ops->remove(r->inner, key, err);
        if (is_final(r, rc, err))
            return rc;
        rc = retry_next(r, &attempt, err);
        if (rc < 0)
            return rc;
    }
}

/* A walk that was cut goes on after the last key it told. */
struct retry_walk {
    store_list_fn fn;
    void *arg;
    char last[STORE_KEY_MAX + 1];
    bool ended; /* by fn, which wants its own return value back */
};

static int walk_entry(void *arg, const char *key, uint64_t size_bytes, uint64_t mtime_ms)
{
    struct retry_walk *w = arg;
    int rc = w->fn(w->arg, key, size_bytes, mtime_ms);

    if (rc != 0)
        w->ended = true;
    memcpy(w->last, key, strlen(key) + 1); /* a key: at most STORE_KEY_MAX bytes */
    return rc;
}

static int retry_list(void *self, const char *prefix, const char *after, store_list_fn fn,
                      void *arg, struct err *err)
{
    struct retry *r = self;
    struct retry_walk w = {.fn = fn, .arg = arg};
    unsigned attempt = 1;
    int rc;

    for (;;) {
        const char *from = w.last[0] != '\0' ? w.last : after;
        char start[STORE_KEY_MAX + 1];

        if (from) {
            memcpy(start, from, strlen(from) + 1);
            from = start;
        }
        rc = r->ops->list(r->inner, prefix, from, walk_entry, &w, err);
        if (w.ended || is_final(r, rc, err))
            return rc;
        rc = retry_next(r, &attempt, err);
        if (rc < 0)
            return rc;
    }
}

static bool retry_skew_ms(const void *self, int64_t *ret_ms)
{
    const struct retry *r = self;

    return r->ops->skew_ms && r->ops->skew_ms(r->inner, ret_ms);
}

const struct store_ops store_retry_ops = {
    .dup = retry_dup,
    .close = retry_close,
    .put = retry_put,
    .get = retry_get,
    .head = retry_head,
    .remove = retry_remove,
    .list = retry_list,
    .skew_ms = retry_skew_ms,
};

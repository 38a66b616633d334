/* SPDX-License-Identifier: Apache-2.0 */
/* A store around a store: tries again what may be tried again, and keeps to the bandwidth limit.
 * It counts attempts and bytes; what a call means is left to the inner store. */
#include "transport/store_impl.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "transport/rate.h"

#include "base/banned.h"

enum {
    /* A place that never answered is rather a wrong name than a restart: say so soon. */
    RETRY_FIRST_CONTACT = 4,
    /* To send less again costs less than to ask whether it is there. */
    READ_BACK_MIN = 64 * 1024,
};

/* One that is under way. */
struct attempt {
    struct store_gate_turn turn;
    uint64_t began_ms;
    uint64_t limited_ms; /* inner's, when it began */
};

struct retry {
    const struct store_conf *conf;
    struct store_totals *totals;
    const struct store_ops *ops;
    void *inner;
    struct attempt now;
    bool busy;        /* the last attempt was told to slow down: the gate waits */
    uint64_t last_ms; /* what the last attempt counted as call_ms */
    struct store_spent spent;
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

static int say_stopped(struct err *err)
{
    return err_set(err, -ECANCELED, "stopped while waiting for the store");
}

static uint64_t mono_ms(const struct retry *r)
{
    return clock_mono_ms(r->conf->clock);
}

/* By the inner store, which paces itself, or by take_rate. */
static uint64_t limited_ms(const struct retry *r)
{
    return r->ops->limited_ms ? r->ops->limited_ms(r->inner) : r->spent.limit_ms;
}

static int begin(struct retry *r, bool bulk, struct err *err)
{
    r->now.began_ms = mono_ms(r);
    r->now.limited_ms = limited_ms(r);
    if (store_gate_enter(&r->totals->gate, bulk, r->conf->stop, &r->now.turn) < 0)
        return say_stopped(err);
    return 0;
}

/* What the attempt took is the pause before it, the limit, or the call. */
static void count(struct retry *r)
{
    uint64_t took_ms = mono_ms(r) - r->now.began_ms;
    uint64_t limit_ms = num_min(limited_ms(r) - r->now.limited_ms, took_ms);
    uint64_t pause_ms = num_min(r->now.turn.paused_ms, took_ms - limit_ms);

    if (r->ops->limited_ms)
        r->spent.limit_ms += limit_ms;
    r->spent.pause_ms += pause_ms;
    r->last_ms = took_ms - limit_ms - pause_ms;
    r->spent.call_ms += r->last_ms;
}

/* An attempt ended with rc and moved so many bytes. Returns rc. */
static int end(struct retry *r, int rc, uint64_t bytes)
{
    enum store_gate_end how = rc == 0 ? STORE_GATE_DONE : STORE_GATE_FAILED;
    uint64_t after_ms = 0;

    count(r);
    r->busy = rc < 0 && r->ops->busy && r->ops->busy(r->inner, &after_ms);
    store_gate_leave(&r->totals->gate, &r->now.turn, r->busy ? STORE_GATE_BUSY : how,
                     rc == 0 ? bytes : 0, after_ms);
    return rc;
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
    uint64_t begun_ms = mono_ms(r);

    r->spent.call_ms -= r->last_ms; /* it was for nothing */
    r->spent.pause_ms += r->last_ms;
    r->last_ms = 0;
    if (*attempt >= attempts_of(r)) {
        err->code = -EAGAIN;
        err->gw = GW_STORE_UNREACHABLE;
        return err_add(err, -EAGAIN, "gave up after %u attempts", *attempt);
    }
    if (!r->busy && store_gate_sleep(r->conf->clock, store_gate_backoff_ms(r->conf->rng, *attempt),
                                     r->conf->stop) < 0)
        return say_stopped(err);
    r->spent.pause_ms += mono_ms(r) - begun_ms;
    *attempt += 1;
    atomic_fetch_add(&r->totals->retry_n, 1);
    err_clear(err);
    return 0;
}

static int take_rate(struct retry *r, size_t bytes, struct err *err)
{
    struct rate *rate = r->ops->paces ? NULL : r->conf->rate;
    uint64_t begun_ms = mono_ms(r);
    int rc = rate_take(rate, bytes, r->conf->stop);

    r->spent.limit_ms += mono_ms(r) - begun_ms;
    return rc < 0 ? say_stopped(err) : 0;
}

/* One try at it: what the object under key holds is body. */
static int try_compare(struct retry *r, const char *key, struct slice body, bool *ret_same,
                       struct err *err)
{
    struct store_range range = {.max_bytes = body.len > 0 ? body.len : 1};
    auto_buf struct buf there = {0};
    int rc = begin(r, true, err);

    if (rc < 0)
        return rc;
    rc = r->ops->get(r->inner, key, &range, &there, err);
    rc = end(r, rc, there.len);
    if (rc < 0)
        return rc;
    atomic_fetch_add(&r->totals->bytes_in, there.len);
    *ret_same =
        there.len == body.len && (body.len == 0 || memcmp(there.data, body.data, body.len) == 0);
    return 0;
}

/*
 * The key exists although we asked for it to be created; an attempt of this call may have done
 * that with its reply lost. 0 when the object holds our very bytes, else -EEXIST or the failure.
 * It is read twice before it counts as another's: what differs may have been altered on its way.
 */
static int retry_read_back(struct retry *r, const char *key, struct slice body, struct err *err)
{
    struct err why = {0};
    unsigned attempt = 1;
    bool same = false;
    bool doubted = false;
    int rc;

    for (;;) {
        rc = try_compare(r, key, body, &same, &why);
        if (is_final(r, rc, &why) && (same || doubted || rc == -ECANCELED))
            break;
        if (is_final(r, rc, &why)) {
            doubted = true;
            err_clear(&why);
            continue;
        }
        rc = retry_next(r, &attempt, &why);
        if (rc < 0) {
            *err = why;
            return rc;
        }
    }
    if (rc == -ECANCELED)
        *err = why;
    if (!same)
        return err->code;
    err_clear(err);
    return 0;
}

/* The request may have arrived whole: what failed is the way, not the place. */
static bool may_have_landed(int rc)
{
    return rc == -ECONNRESET || rc == -ETIMEDOUT || rc == -EPIPE;
}

/* After such a failure: is it there, byte for byte? Whatever speaks against it sends it again. */
static bool has_landed(struct retry *r, const char *key, struct slice body)
{
    struct err ignored = {0};
    uint64_t bytes = 0;
    bool same = false;
    int rc;

    if (body.len < READ_BACK_MIN || begin(r, false, &ignored) < 0)
        return false;
    rc = end(r, r->ops->head(r->inner, key, &bytes, &ignored), 0);
    return rc == 0 && bytes == body.len && try_compare(r, key, body, &same, &ignored) == 0 && same;
}

static int try_put(struct retry *r, const char *key, struct slice body, const uint8_t *sha256,
                   enum store_put_flags flags, struct err *err)
{
    int rc = begin(r, true, err);

    if (rc < 0)
        return rc;
    rc = take_rate(r, body.len, err);
    if (rc == 0) {
        atomic_fetch_add(&r->totals->bytes_out, body.len);
        rc = r->ops->put(r->inner, key, body, sha256, flags, err);
    }
    return end(r, rc, body.len);
}

static int retry_put(void *self, const char *key, struct slice body, const uint8_t *sha256,
                     enum store_put_flags flags, struct err *err)
{
    struct retry *r = self;
    unsigned attempt = 1;
    int rc;

    for (;;) {
        bool doubtful;

        rc = try_put(r, key, body, sha256, flags, err);
        if (rc == -EEXIST && attempt > 1)
            return retry_read_back(r, key, body, err);
        if (is_final(r, rc, err))
            return rc;
        doubtful = may_have_landed(rc);
        rc = retry_next(r, &attempt, err);
        if (rc < 0)
            return rc;
        if (doubtful && has_landed(r, key, body))
            return 0;
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
        rc = begin(r, true, err);
        if (rc < 0)
            return rc;
        rc = r->ops->get(r->inner, key, range, out, err);
        rc = end(r, rc, out->len - before);
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
    rc = take_rate(r, out->len - before, err);
    if (rc < 0)
        out->len = before;
    return rc;
}

static int retry_head(void *self, const char *key, uint64_t *ret_bytes, struct err *err)
{
    struct retry *r = self;
    unsigned attempt = 1;
    int rc;

    for (;;) {
        rc = begin(r, false, err);
        if (rc == 0)
            rc = end(r, r->ops->head(r->inner, key, ret_bytes, err), 0);
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
        rc = begin(r, false, err);
        if (rc == 0)
            rc = end(r, r->ops->remove(r->inner, key, err), 0);
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

/* fn may call this very handle: its turns come between. */
static int list_once(struct retry *r, const char *prefix, const char *from, struct retry_walk *w,
                     struct err *err)
{
    struct attempt now;
    int rc = begin(r, false, err);

    if (rc < 0)
        return rc;
    now = r->now;
    rc = r->ops->list(r->inner, prefix, from, walk_entry, w, err);
    r->now = now;
    return end(r, rc, 0);
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
        rc = list_once(r, prefix, from, &w, err);
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

void store_retry_spent(const void *self, struct store_spent *ret)
{
    *ret = ((const struct retry *)self)->spent;
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

/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching before it is asked for: in front of who reads forward, and behind everybody. */
#include "transport/serve_impl.h"

#include "base/err.h"
#include "base/num.h"
#include "base/worker.h"
#include "transport/unit_cache.h"

#include <time.h>

#include "base/banned.h"

enum {
    WINDOW_MIN = 256 * 1024,
    WINDOW_MAX = 4 << 20, /* of each stream; memory holds 24 MiB of units */
    SPAN_MAX = 1 << 20,   /* so that several threads share a window */
    NEAR = 1 << 20,       /* requests of one stream overtake each other */
    PREFETCH_SPAN = 16 << 20,
    RETRY_S = 1
};

/* -- what to fetch ------------------------------------------------------------------------ */

static struct serve_stream *stream_of(struct serve_ahead *a, uint64_t offset, uint64_t len)
{
    struct serve_stream *oldest = &a->streams[0];

    for (size_t i = 0; i < SERVE_STREAMS; i++) {
        struct serve_stream *st = &a->streams[i];

        if (st->used > 0 && offset + NEAR >= st->next && offset <= st->next + NEAR)
            return st;
        if (st->used < oldest->used)
            oldest = st;
    }
    *oldest = (struct serve_stream){.next = offset + len, .ahead = offset + len};
    return oldest;
}

static void push_span(struct serve_ahead *a, uint64_t offset, uint64_t len)
{
    if (a->n == SERVE_SPANS_MAX) {
        a->first = (a->first + 1) % SERVE_SPANS_MAX;
        a->n--;
    }
    a->spans[(a->first + a->n++) % SERVE_SPANS_MAX] = (struct serve_span){offset, len};
    pthread_cond_signal(&a->moved);
}

static void push_spans(struct serve_ahead *a, uint64_t from, uint64_t to)
{
    for (uint64_t some; from < to; from += some) {
        some = num_min(SPAN_MAX, to - from);
        push_span(a, from, some);
    }
}

void serve_ahead_note(struct serve *s, uint64_t offset, uint64_t len)
{
    struct serve_ahead *a = &s->ahead;
    struct serve_stream *st;
    bool known;

    pthread_mutex_lock(&a->lock);
    st = stream_of(a, offset, len);
    known = st->used > 0;
    st->used = ++a->now;
    st->next = num_max(st->next, offset + len);
    if (known)
        st->window = num_min(num_max(st->window * 2, WINDOW_MIN), WINDOW_MAX);
    /* Not for each little request: when half of the window is eaten up. */
    if (known && st->ahead < st->next + st->window / 2) {
        uint64_t to = num_min(st->next + st->window, s->point.info.size_bytes);

        push_spans(a, num_max(st->ahead, st->next), to);
        st->ahead = num_max(to, st->ahead);
    }
    pthread_mutex_unlock(&a->lock);
}

void serve_hint(struct serve *s, uint64_t offset, uint64_t len)
{
    uint64_t size = s->point.info.size_bytes;

    pthread_mutex_lock(&s->ahead.lock);
    push_spans(&s->ahead, num_min(offset, size), num_min(offset + num_min(len, WINDOW_MAX), size));
    pthread_mutex_unlock(&s->ahead.lock);
}

/* -- fetching it --------------------------------------------------------------------------- */

typedef int (*span_fn)(struct serve *s, const struct serve_page *p, uint32_t *at, uint32_t end,
                       struct err *err);

static bool stopped(struct serve *s)
{
    bool stop;

    pthread_mutex_lock(&s->ahead.lock);
    stop = s->ahead.stop;
    pthread_mutex_unlock(&s->ahead.lock);
    return stop;
}

static int do_region(struct serve *s, struct serve_span span, span_fn fn, struct err *err)
{
    uint64_t in = span.offset % VOLUME_REGION;
    uint32_t at = (uint32_t)(in / VOLUME_SECTOR);
    uint32_t end = (uint32_t)num_div_up(in + span.len, VOLUME_SECTOR);
    struct serve_page p = {0};
    int rc = serve_map_get(s, (uint32_t)(span.offset / VOLUME_REGION), &p, err);

    while (rc == 0 && p.page && at < end && !stopped(s))
        rc = fn(s, &p, &at, end, err);
    serve_map_put(s, &p);
    return rc;
}

static int do_span(struct serve *s, struct serve_span span, span_fn fn, struct err *err)
{
    uint64_t end = span.offset + span.len;
    uint64_t some;
    int rc = 0;

    for (uint64_t at = span.offset; rc == 0 && at < end; at += some) {
        some = num_min(VOLUME_REGION - at % VOLUME_REGION, end - at);
        rc = do_region(s, (struct serve_span){at, some}, fn, err);
    }
    return rc;
}

/* The store is away: the same place again, a little later. Called with the lock. */
static void put_back(struct serve_ahead *a, struct serve_span span)
{
    struct timespec until;

    a->prefetched = num_min(a->prefetched, span.offset);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RETRY_S;
    pthread_cond_timedwait(&a->moved, &a->lock, &until);
}

static void prefetch(struct serve *s)
{
    struct serve_ahead *a = &s->ahead;
    uint64_t size = s->point.info.size_bytes;
    struct serve_span span = {a->prefetched, num_min(PREFETCH_SPAN, size - a->prefetched)};
    int rc;

    a->prefetched += span.len;
    if (a->prefetched == size || unit_cache_is_full(s->cache))
        a->prefetching = false;
    pthread_mutex_unlock(&a->lock);
    rc = do_span(s, span, serve_unit_prefetch, NULL);
    pthread_mutex_lock(&a->lock);
    if (rc == -EBADMSG || rc == -ENOENT)
        rc = 0; /* a part of the map is lost: who reads there will hear of it */
    if (rc < 0 && !a->stop) {
        a->prefetching = true;
        put_back(a, span);
    } else if (s->progress) {
        s->progress->done_bytes += span.len;
    }
}

static int work(void *arg, size_t index, struct err *err)
{
    struct serve *s = arg;
    struct serve_ahead *a = &s->ahead;

    (void)index;
    (void)err;
    pthread_mutex_lock(&a->lock);
    while (!a->stop) {
        if (a->n > 0) {
            struct serve_span span = a->spans[a->first];

            a->first = (a->first + 1) % SERVE_SPANS_MAX;
            a->n--;
            pthread_mutex_unlock(&a->lock);
            (void)do_span(s, span, serve_unit_ahead, NULL); /* whoever reads it hears why */
            pthread_mutex_lock(&a->lock);
        } else if (a->prefetching) {
            prefetch(s);
        } else {
            pthread_cond_wait(&a->moved, &a->lock);
        }
    }
    pthread_mutex_unlock(&a->lock);
    return 0;
}

int serve_ahead_start(struct serve *s, bool prefetching, struct err *err)
{
    pthread_mutex_init(&s->ahead.lock, NULL);
    pthread_cond_init(&s->ahead.moved, NULL);
    s->ahead.prefetching = prefetching && s->point.info.size_bytes > 0;
    if (s->progress)
        s->progress->total_bytes = s->point.info.size_bytes;
    return workers_start(SERVE_AHEAD_THREADS, "ahead", work, s, &s->ahead.workers, err);
}

void serve_ahead_stop(struct serve *s)
{
    if (!s->ahead.workers)
        return;
    pthread_mutex_lock(&s->ahead.lock);
    s->ahead.stop = true;
    pthread_cond_broadcast(&s->ahead.moved);
    pthread_mutex_unlock(&s->ahead.lock);
    workers_join(s->ahead.workers, NULL);
    pthread_cond_destroy(&s->ahead.moved);
    pthread_mutex_destroy(&s->ahead.lock);
}

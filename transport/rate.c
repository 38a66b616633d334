/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bandwidth limit as a balance that grows with time at the rate of that moment, and a line of
 * those who wait. A taker passes when the balance holds its bytes and those of all before it; so a
 * change of rate reaches those who wait, and none starves.
 */
#include "transport/rate.h"

#include "base/err.h"
#include "base/num.h"
#include "transport/rate_line.h"
#include "transport/rate_table.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/banned.h"

enum {
    RATE_SLICE_MS = 50,  /* how late a stop or a new rate may be seen */
    RATE_BURST_MS = 100, /* what an idle time may be caught up with */
    RATE_STEP_MAX_MS = 1000,
    RATE_TABLE_MS = 500, /* how often the timetable is looked at */
    RATE_MILLI = 1000,
    RATE_GRAINS_A_SECOND = 50,
};

#define RATE_MAX ((uint64_t)1 << 44) /* bytes a second; more is no limit */

struct rate {
    const struct clock *clock;
    struct rate *whole;      /* or NULL: this is a share of it */
    struct rate_flow shared; /* of this share in the line of the whole; under its lock */
    pthread_mutex_t lock;    /* guards the rest */
    struct rate_table table;
    uint64_t table_ms; /* when it was looked at */
    uint64_t bytes_per_s;
    uint64_t last_ms;
    int64_t balance_milli; /* thousandths of bytes: rate times milliseconds, without rounding */
    struct rate_line line;
    struct rate_flow own;
};

static uint64_t rate_clip(uint64_t bytes_per_s)
{
    return bytes_per_s > RATE_MAX ? 0 : bytes_per_s;
}

int rate_new(uint64_t bytes_per_s, const struct clock *clock, struct rate **ret, struct err *err)
{
    struct rate *r = calloc(1, sizeof(*r));

    if (!r)
        return err_set(err, -ENOMEM, "bandwidth limit: %m");
    pthread_mutex_init(&r->lock, NULL);
    r->clock = clock;
    r->last_ms = clock_mono_ms(clock);
    r->table = rate_table_flat(bytes_per_s);
    r->bytes_per_s = rate_clip(bytes_per_s);
    *ret = r;
    return 0;
}

int rate_new_share(struct rate *whole, struct rate **ret, struct err *err)
{
    struct rate *r = NULL;
    int rc = rate_new(0, whole->clock, &r, err);

    if (rc < 0)
        return rc;
    r->whole = whole;
    *ret = r;
    return 0;
}

void rate_free(struct rate *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* Under the lock. */
static void rate_look(struct rate *r, uint64_t now_ms)
{
    r->table_ms = now_ms;
    r->bytes_per_s = rate_clip(rate_table_at(&r->table, clock_wall_ms(r->clock)));
}

/* Let the time since the last call count at the rate that was; then see which one is. Under the
 * lock. */
static void rate_advance(struct rate *r)
{
    uint64_t now_ms = clock_mono_ms(r->clock);
    uint64_t step_ms = num_min(now_ms - r->last_ms, RATE_STEP_MAX_MS);
    int64_t ceiling_milli =
        (int64_t)(r->line.waiting * RATE_MILLI + r->bytes_per_s * RATE_BURST_MS);

    r->last_ms = now_ms;
    r->balance_milli += (int64_t)(r->bytes_per_s * step_ms);
    if (r->balance_milli > ceiling_milli)
        r->balance_milli = ceiling_milli;
    if (!rate_table_is_flat(&r->table) && now_ms - r->table_ms >= RATE_TABLE_MS)
        rate_look(r, now_ms);
}

void rate_set_table(struct rate *r, const struct rate_table *table)
{
    pthread_mutex_lock(&r->lock);
    rate_advance(r);
    r->table = *table;
    rate_look(r, r->last_ms);
    pthread_mutex_unlock(&r->lock);
}

void rate_set(struct rate *r, uint64_t bytes_per_s)
{
    struct rate_table flat = rate_table_flat(bytes_per_s);

    rate_set_table(r, &flat);
}

uint64_t rate_get(struct rate *r)
{
    uint64_t bytes_per_s;

    pthread_mutex_lock(&r->lock);
    rate_advance(r);
    bytes_per_s = r->bytes_per_s;
    pthread_mutex_unlock(&r->lock);
    return bytes_per_s;
}

/* A taker's places: in the line of a share and, at the same time, in that of the whole. */
struct rate_place {
    struct rate *rate;
    struct rate_flow *flow;
    struct rate_waiter waiter;
};

static void rate_join(struct rate_place *p, size_t bytes)
{
    pthread_mutex_lock(&p->rate->lock);
    rate_advance(p->rate);
    rate_line_join(&p->rate->line, p->flow, &p->waiter, bytes);
    pthread_mutex_unlock(&p->rate->lock);
}

static void rate_leave(struct rate_place *p, bool passed)
{
    struct rate *r = p->rate;

    pthread_mutex_lock(&r->lock);
    if (passed && r->bytes_per_s > 0)
        r->balance_milli -= (int64_t)(p->waiter.bytes * RATE_MILLI);
    rate_line_leave(&r->line, p->flow, &p->waiter, passed);
    pthread_mutex_unlock(&r->lock);
}

/* Milliseconds until p may pass at the present rate, 0 = now. */
static uint64_t rate_wait_ms(struct rate_place *p)
{
    struct rate *r = p->rate;
    uint64_t wait_ms = 0;
    int64_t lacks_milli;

    pthread_mutex_lock(&r->lock);
    rate_advance(r);
    lacks_milli = (int64_t)(rate_line_upto(&r->line, &p->waiter) * RATE_MILLI) - r->balance_milli;
    if (r->bytes_per_s > 0 && lacks_milli > 0)
        wait_ms = (uint64_t)lacks_milli / r->bytes_per_s + 1;
    pthread_mutex_unlock(&r->lock);
    return wait_ms;
}

struct rate_turn {
    struct rate_place places[2]; /* of r and, when that is a share, of its whole */
    size_t n;
    bool waiting;      /* in the lines, */
    uint64_t since_ms; /* since then */
    uint64_t waited_ms;
};

static struct rate_turn turn_of(struct rate *r)
{
    struct rate_turn t = {.places = {{.rate = r, .flow = &r->own}}, .n = 1};

    if (r->whole)
        t.places[t.n++] = (struct rate_place){.rate = r->whole, .flow = &r->shared};
    return t;
}

static void turn_leave(struct rate_turn *t, bool passed)
{
    for (size_t i = 0; t->waiting && i < t->n; i++)
        rate_leave(&t->places[i], passed);
    t->waiting = false;
}

uint64_t rate_turn_ask(struct rate_turn *t, size_t bytes)
{
    uint64_t wait_ms = 0;

    if (!t->waiting)
        t->since_ms = clock_mono_ms(t->places[0].rate->clock);
    for (size_t i = 0; !t->waiting && i < t->n; i++)
        rate_join(&t->places[i], bytes);
    t->waiting = true;
    for (size_t i = 0; i < t->n; i++)
        wait_ms = num_max(wait_ms, rate_wait_ms(&t->places[i]));
    if (wait_ms == 0) {
        t->waited_ms += clock_mono_ms(t->places[0].rate->clock) - t->since_ms;
        turn_leave(t, true);
    }
    return wait_ms;
}

uint64_t rate_turn_waited_ms(const struct rate_turn *t)
{
    return t->waited_ms;
}

void rate_turn_drop(struct rate_turn *t)
{
    turn_leave(t, false);
}

size_t rate_turn_grain(const struct rate_turn *t)
{
    uint64_t grain = SIZE_MAX;

    for (size_t i = 0; i < t->n; i++) {
        uint64_t bytes_per_s = rate_get(t->places[i].rate);

        if (bytes_per_s > 0)
            grain = num_min(grain, num_max(bytes_per_s / RATE_GRAINS_A_SECOND, 1));
    }
    return (size_t)grain;
}

int rate_turn_new(struct rate *r, struct rate_turn **ret, struct err *err)
{
    struct rate_turn *t = malloc(sizeof(*t));

    if (!t)
        return err_set(err, -ENOMEM, "bandwidth limit: %m");
    *t = turn_of(r);
    *ret = t;
    return 0;
}

void rate_turn_free(struct rate_turn *t)
{
    if (!t)
        return;
    rate_turn_drop(t);
    free(t);
}

int rate_take(struct rate *r, size_t bytes, const atomic_bool *stop)
{
    struct rate_turn t;
    uint64_t wait_ms;

    if (!r)
        return 0;
    t = turn_of(r);
    while ((wait_ms = rate_turn_ask(&t, bytes)) > 0) {
        if (stop && atomic_load(stop)) {
            rate_turn_drop(&t);
            return -ECANCELED;
        }
        clock_sleep_ms(r->clock, num_min(wait_ms, RATE_SLICE_MS));
    }
    return 0;
}

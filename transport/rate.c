/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bandwidth limit as two odometers: bytes reserved by takers, in their order of arrival, and
 * bytes allowed so far, which grows with time at the rate of that moment. A taker passes when the
 * second has reached its own mark on the first; so a change of rate reaches those who wait.
 */
#include "transport/rate.h"

#include "base/err.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/banned.h"

enum {
    RATE_SLICE_MS = 50,  /* how late a stop or a new rate may be seen */
    RATE_BURST_MS = 100, /* what an idle time may be caught up with */
    RATE_STEP_MAX_MS = 1000,
    RATE_MILLI = 1000,
};

#define RATE_MAX ((uint64_t)1 << 44) /* bytes a second; more is no limit */

struct rate {
    const struct clock *clock;
    pthread_mutex_t lock; /* guards the rest */
    uint64_t bytes_per_s;
    uint64_t last_ms;
    uint64_t reserved_milli; /* thousandths of bytes: rate times milliseconds, without rounding */
    uint64_t allowed_milli;
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
    r->bytes_per_s = rate_clip(bytes_per_s);
    r->last_ms = clock_mono_ms(clock);
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

/* Let the time since the last call count at the present rate. Under the lock. */
static void rate_advance(struct rate *r)
{
    uint64_t now_ms = clock_mono_ms(r->clock);
    uint64_t step_ms = now_ms - r->last_ms;
    uint64_t ceiling = r->reserved_milli + r->bytes_per_s * RATE_BURST_MS;

    r->last_ms = now_ms;
    if (step_ms > RATE_STEP_MAX_MS)
        step_ms = RATE_STEP_MAX_MS;
    r->allowed_milli += r->bytes_per_s * step_ms;
    if (r->allowed_milli > ceiling)
        r->allowed_milli = ceiling;
    if (r->bytes_per_s == 0)
        r->allowed_milli = r->reserved_milli;
}

void rate_set(struct rate *r, uint64_t bytes_per_s)
{
    pthread_mutex_lock(&r->lock);
    rate_advance(r);
    r->bytes_per_s = rate_clip(bytes_per_s);
    pthread_mutex_unlock(&r->lock);
}

uint64_t rate_get(struct rate *r)
{
    uint64_t bytes_per_s;

    pthread_mutex_lock(&r->lock);
    bytes_per_s = r->bytes_per_s;
    pthread_mutex_unlock(&r->lock);
    return bytes_per_s;
}

static uint64_t rate_reserve(struct rate *r, size_t bytes)
{
    uint64_t mark;

    pthread_mutex_lock(&r->lock);
    rate_advance(r);
    r->reserved_milli += (uint64_t)bytes * RATE_MILLI;
    mark = r->reserved_milli;
    pthread_mutex_unlock(&r->lock);
    return mark;
}

/* Who gives up leaves its share to those behind. */
static void rate_give_back(struct rate *r, size_t bytes)
{
    pthread_mutex_lock(&r->lock);
    r->allowed_milli += (uint64_t)bytes * RATE_MILLI;
    pthread_mutex_unlock(&r->lock);
}

/* Milliseconds until mark may pass at the present rate, 0 = now. */
static uint64_t rate_wait_ms(struct rate *r, uint64_t mark)
{
    uint64_t wait_ms = 0;

    pthread_mutex_lock(&r->lock);
    rate_advance(r);
    if (mark > r->allowed_milli)
        wait_ms = (mark - r->allowed_milli) / r->bytes_per_s + 1;
    pthread_mutex_unlock(&r->lock);
    return wait_ms;
}

int rate_take(struct rate *r, size_t bytes, const atomic_bool *stop)
{
    uint64_t mark;
    uint64_t wait_ms;

    if (!r)
        return 0;
    mark = rate_reserve(r, bytes);
    while ((wait_ms = rate_wait_ms(r, mark)) > 0) {
        if (stop && atomic_load(stop)) {
            rate_give_back(r, bytes);
            return -ECANCELED;
        }
        clock_sleep_ms(r->clock, wait_ms < RATE_SLICE_MS ? wait_ms : RATE_SLICE_MS);
    }
    return 0;
}

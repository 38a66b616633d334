/* SPDX-License-Identifier: Apache-2.0 */
/* Turns and pauses of the calls to one endpoint. Throughput is compared between windows that differ
 * in nothing but the number of streams; a window in which turns were left over says nothing. */
#include "transport/store_gate.h"

#include "base/num.h"
#include "transport/store.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/banned.h"

enum {
    BACKOFF_BASE_MS = 200,
    BACKOFF_MAX_MS = 20000,
    SLICE_MS = 50,        /* how late a stop may be seen */
    WINDOW_MS = 1000,     /* shorter ones are noise, */
    WINDOW_OLD_MS = 8000, /* and after so long a slow one is judged by few calls, too */
    HELPED_PERCENT = 110, /* a growth that gave less was none */
    HOLD_MS = 30 * 1000,  /* until the next try after one that did not help */
};

void store_gate_init(struct store_gate *g, unsigned streams, const struct clock *clock,
                     const struct rng *rng)
{
    pthread_condattr_t attr;

    *g = (struct store_gate){
        .clock = clock,
        .rng = rng,
        .max = streams ? streams : STORE_STREAMS_MAX,
        .fixed = streams > 0,
        .streams = streams ? streams : STORE_GATE_FIRST,
    };
    g->window.began_ms = clock_mono_ms(clock);
    pthread_mutex_init(&g->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&g->turn_free, &attr);
    pthread_condattr_destroy(&attr);
}

void store_gate_done(struct store_gate *g)
{
    pthread_cond_destroy(&g->turn_free);
    pthread_mutex_destroy(&g->lock);
}

uint64_t store_gate_backoff_ms(const struct rng *rng, unsigned n)
{
    uint64_t ceiling = BACKOFF_MAX_MS;

    if (n < 16 && ((uint64_t)BACKOFF_BASE_MS << (n - 1)) < ceiling)
        ceiling = (uint64_t)BACKOFF_BASE_MS << (n - 1);
    return ceiling / 10 + rng_below(rng, ceiling - ceiling / 10);
}

static bool is_stopped(const atomic_bool *stop)
{
    return stop && atomic_load(stop);
}

int store_gate_sleep(const struct clock *clock, uint64_t ms, const atomic_bool *stop)
{
    while (ms > 0 && !is_stopped(stop)) {
        uint64_t slice_ms = num_min(ms, SLICE_MS);

        clock_sleep_ms(clock, slice_ms);
        ms -= slice_ms;
    }
    return is_stopped(stop) ? -ECANCELED : 0;
}

/* -- how many ------------------------------------------------------------ */

static void begin_window(struct store_gate *g, uint64_t now_ms)
{
    g->window = (struct store_gate_window){.began_ms = now_ms};
}

static void grow(struct store_gate *g, uint64_t rate)
{
    g->grew_from = 0;
    if (g->streams == g->max)
        return;
    g->rate_then = rate;
    g->grew_from = g->streams;
    g->streams = (unsigned)num_min(g->streams + num_max(g->streams / 2, 1), g->max);
    pthread_cond_broadcast(&g->turn_free);
}

/* At the end of a window in which every turn was wanted. */
static void judge(struct store_gate *g, uint64_t rate, uint64_t now_ms)
{
    if (g->grew_from == 0) {
        if (now_ms >= g->hold_until_ms)
            grow(g, rate);
    } else if (rate >= g->rate_then * HELPED_PERCENT / 100) {
        grow(g, rate);
    } else {
        g->streams = g->grew_from;
        g->grew_from = 0;
        g->hold_until_ms = now_ms + HOLD_MS;
    }
}

/* Under the lock, when a bulk call ended well. */
static void look(struct store_gate *g, uint64_t bytes)
{
    struct store_gate_window *w = &g->window;
    uint64_t now_ms = clock_mono_ms(g->clock);
    uint64_t took_ms = now_ms > w->began_ms ? now_ms - w->began_ms : 0; /* a pause begins late */

    w->bytes += bytes;
    w->done_n++;
    if (g->fixed || took_ms < WINDOW_MS || (w->done_n < 2 * g->streams && took_ms < WINDOW_OLD_MS))
        return;
    if (2 * w->filled_n >= w->done_n)
        judge(g, w->bytes * 1000 / took_ms, now_ms);
    begin_window(g, now_ms);
}

/* -- when ---------------------------------------------------------------- */

/* Under the lock. Those who were under way when a pause began were not asked again. */
static void slow_down(struct store_gate *g, uint64_t after_ms)
{
    uint64_t now_ms = clock_mono_ms(g->clock);
    uint64_t pause_ms = store_gate_backoff_ms(g->rng, ++g->strikes);

    pause_ms = num_max(pause_ms, num_min(after_ms, STORE_GATE_AFTER_MAX_MS));
    g->pause_until_ms = now_ms + pause_ms;
    g->pause_n++;
    g->grew_from = 0;
    g->hold_until_ms = g->pause_until_ms + HOLD_MS;
    if (!g->fixed)
        g->streams = (unsigned)num_max(g->streams / 2, 1);
    begin_window(g, g->pause_until_ms);
}

static int wait_turn(struct store_gate *g, const atomic_bool *stop)
{
    while (g->running >= g->streams) {
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += SLICE_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&g->turn_free, &g->lock, &until);
        if (is_stopped(stop))
            return -ECANCELED;
    }
    g->running++;
    if (g->running == g->streams)
        g->window.filled_n++;
    return 0;
}

/* Not all at once when it ends: a quarter of what was waited for again, at most. */
static uint64_t pause_left_ms(struct store_gate *g)
{
    uint64_t now_ms = clock_mono_ms(g->clock);
    uint64_t left_ms = g->pause_until_ms > now_ms ? g->pause_until_ms - now_ms : 0;

    return left_ms > 0 ? left_ms + rng_below(g->rng, left_ms / 4 + 1) : 0;
}

static int wait_pauses(struct store_gate *g, struct store_gate_turn *turn, const atomic_bool *stop)
{
    for (;;) {
        uint64_t left_ms;

        pthread_mutex_lock(&g->lock);
        left_ms = pause_left_ms(g);
        turn->pause_n = g->pause_n;
        pthread_mutex_unlock(&g->lock);
        if (left_ms == 0)
            return 0;
        turn->paused_ms += left_ms;
        if (store_gate_sleep(g->clock, left_ms, stop) < 0)
            return -ECANCELED;
    }
}

static void free_turn(struct store_gate *g)
{
    g->running--;
    pthread_cond_signal(&g->turn_free);
}

int store_gate_enter(struct store_gate *g, bool bulk, const atomic_bool *stop,
                     struct store_gate_turn *ret)
{
    struct store_gate_turn turn = {.bulk = bulk};
    int rc = 0;

    if (bulk) {
        pthread_mutex_lock(&g->lock);
        rc = wait_turn(g, stop);
        pthread_mutex_unlock(&g->lock);
    }
    if (rc < 0)
        return rc;
    rc = wait_pauses(g, &turn, stop);
    if (rc < 0 && bulk) {
        pthread_mutex_lock(&g->lock);
        free_turn(g);
        pthread_mutex_unlock(&g->lock);
    }
    if (rc == 0)
        *ret = turn;
    return rc;
}

void store_gate_leave(struct store_gate *g, const struct store_gate_turn *turn,
                      enum store_gate_end end, uint64_t bytes, uint64_t after_ms)
{
    bool current;

    pthread_mutex_lock(&g->lock);
    current = turn->pause_n == g->pause_n;
    if (turn->bulk)
        free_turn(g);
    if (end == STORE_GATE_BUSY && current)
        slow_down(g, after_ms);
    if (end == STORE_GATE_DONE && current)
        g->strikes = 0;
    if (end == STORE_GATE_DONE && turn->bulk)
        look(g, bytes);
    pthread_mutex_unlock(&g->lock);
}

unsigned store_gate_streams(struct store_gate *g)
{
    unsigned streams;

    pthread_mutex_lock(&g->lock);
    streams = g->streams;
    pthread_mutex_unlock(&g->lock);
    return streams;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The real clock and the kernel's randomness. */
#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/banned.h"

static uint64_t read_ms(clockid_t id)
{
    struct timespec ts;

    if (clock_gettime(id, &ts) < 0)
        abort(); /* neither clock can be missing on Linux */
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t system_wall_ms(void *arg)
{
    (void)arg;
    return read_ms(CLOCK_REALTIME);
}

static uint64_t system_mono_ms(void *arg)
{
    (void)arg;
    return read_ms(CLOCK_MONOTONIC);
}

static void system_sleep_ms(void *arg, uint64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000)};

    (void)arg;
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        ;
}

const struct clock clock_system = {
    .wall_ms = system_wall_ms,
    .mono_ms = system_mono_ms,
    .sleep_ms = system_sleep_ms,
};

static void system_fill(void *arg, void *out, size_t len)
{
    uint8_t *at = out;
    ssize_t got;

    (void)arg;
    while (len) {
        got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort(); /* keys made without randomness would be worse than no program */
        at += got;
        len -= (size_t)got;
    }
}

const struct rng rng_system = {.fill = system_fill};

void rng_fill(const struct rng *r, void *out, size_t len)
{
    r->fill(r->arg, out, len);
}

uint64_t rng_u64(const struct rng *r)
{
    uint64_t v;

    rng_fill(r, &v, sizeof(v));
    return v;
}

uint64_t rng_below(const struct rng *r, uint64_t n)
{
    uint64_t excess;
    uint64_t v;

    assert(n > 0);
    /* 2^64 mod n values at the top would favour small results: draw again. */
    excess = (UINT64_MAX % n + 1) % n;
    do {
        v = rng_u64(r);
    } while (v > UINT64_MAX - excess);
    return v % n;
}

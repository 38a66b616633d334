/* SPDX-License-Identifier: Apache-2.0 */
/* Time and randomness, passed in so that a test or a simulator can own them. */
#ifndef GODWIT_BASE_CLOCK_H
#define GODWIT_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock {
    uint64_t (*wall_ms)(void *arg); /* since 1970-01-01T00:00:00Z */
    uint64_t (*mono_ms)(void *arg); /* never goes back */
    void (*sleep_ms)(void *arg, uint64_t ms);
    void *arg;
};

extern const struct clock clock_system;

static inline uint64_t clock_wall_ms(const struct clock *c)
{
    return c->wall_ms(c->arg);
}

static inline uint64_t clock_mono_ms(const struct clock *c)
{
    return c->mono_ms(c->arg);
}

static inline void clock_sleep_ms(const struct clock *c, uint64_t ms)
{
    c->sleep_ms(c->arg, ms);
}

struct rng {
    void (*fill)(void *arg, void *out,
                 size_t len); /* never fails: aborts when the kernel has no randomness */
    void *arg;
};

extern const struct rng rng_system;

void rng_fill(const struct rng *r, void *out, size_t len);
uint64_t rng_u64(const struct rng *r);
/* Uniform in [0, n), n > 0. */
uint64_t rng_below(const struct rng *r, uint64_t n);

#endif

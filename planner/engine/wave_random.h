/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of numbers that a seed decides, the same on every machine (SplitMix64; Steele, Lea and
 * Flood, 2014). Not for secrets. */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_RANDOM_H
#define GODWIT_PLANNER_ENGINE_WAVE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct wave_random {
    uint64_t state;
};

static inline uint64_t wave_random_u64(struct wave_random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 0 .. n-1; n at least 1. */
static inline uint32_t wave_random_below(struct wave_random *r, size_t n)
{
    return (uint32_t)(((wave_random_u64(r) >> 32) * (uint64_t)n) >> 32);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What shares a machine: loads by the hour, with what they vary within it, onto as few bins as will
 * do.
 *
 * A bin holds its items when in every slot the sum of their means and z deviations of that sum is
 * within its cores, and their memory within its memory. Deviations add up as squares (loads vary on
 * their own once the hour is known): many together need less room than each alone. z is the
 * contention that is accepted.
 */
#ifndef GODWIT_PLANNER_ENGINE_SHARE_H
#define GODWIT_PLANNER_ENGINE_SHARE_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum { SHARE_SLOTS_MAX = 168 };

struct share_item {
    const float *load; /* [slots] mean, in cores; lent */
    double variance;   /* within a slot, cores squared */
    uint64_t memory;
    size_t kind; /* items of one kind come one after the other and have one number */
    size_t most; /* no more of its kind in one bin; 0: as many as fit */
};

struct share_bin {
    double cores;
    uint64_t memory;
};

struct share_spec {
    const struct share_item *items;
    const struct share_bin *bins;
    size_t items_n, bins_n, slots;
    double z, drift;
};

#define SHARE_NOWHERE SIZE_MAX

/*
 * Bin of each item in ret (SHARE_NOWHERE: it fits in none), and how many bins are in use. Larger
 * bins are used first, those of one size in order. The same input, the same answer. -ENOMEM.
 */
int share_fit(const struct share_spec *spec, size_t *ret, size_t *ret_used, struct err *err);

/* No fewer bins can hold the means and the memory of all that fits at all. */
size_t share_bound(const struct share_spec *spec);

/* How full a bin is with those items (indices), in the slot where it is fullest. */
struct share_fill {
    double mean, high; /* of its cores: means alone, and with z deviations */
    double memory;     /* of its memory */
    double over;       /* share of the time in which more is wanted than there is */
};
struct share_fill share_fill(const struct share_spec *spec, size_t bin, const size_t *items,
                             size_t n);

#endif

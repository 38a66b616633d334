/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How hard a host works: rates between two looks at its counters.
 *
 * The caller calls sample_take every 10 s (SAMPLE_INTERVAL_MS); nothing here owns a thread or a
 * timer. Rates are taken over the monotonic clock, so a wall clock that jumps spoils nothing.
 * One thread per set.
 */
#ifndef GODWIT_INVENTORY_SAMPLE_H
#define GODWIT_INVENTORY_SAMPLE_H

#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct err;
struct probe;

enum {
    SAMPLE_INTERVAL_MS = 10000,
    SAMPLE_INTERVAL_MIN_MS = 500, /* counters tick in 10 ms: below this rates are noise */
    SAMPLE_DISKS_MAX = 64,
    SAMPLE_NICS_MAX = 32,
    SAMPLE_NAME_MAX = 32, /* bytes of a name with its NUL */
};

struct sample_disk {
    char name[SAMPLE_NAME_MAX]; /* of the kernel: "sda", "dm-3", "md0" */
    double read_bytes_per_s, write_bytes_per_s;
    double reads_per_s, writes_per_s; /* requests completed */
    double latency_ms;                /* mean of the requests completed; 0 when there were none */
    double queue;                     /* mean number of requests in flight */
};

struct sample_nic {
    char name[SAMPLE_NAME_MAX];
    double rx_bytes_per_s, tx_bytes_per_s;
};

struct sample {
    uint64_t wall_ms;     /* when it was taken */
    uint64_t interval_ms; /* over which the rates are; 0 in a first sample, which has none */
    bool has_cpu, has_memory;
    /* Percent of all processors together. busy counts neither waiting for disks nor stolen time. */
    double cpu_busy_percent, cpu_iowait_percent, cpu_steal_percent;
    uint64_t memory_used_bytes; /* total less available */
    uint64_t memory_available_bytes;
    struct sample_disk disks[SAMPLE_DISKS_MAX];
    size_t n_disks;
    struct sample_nic nics[SAMPLE_NICS_MAX];
    size_t n_nics;
};

/* Is text a name that a sample may carry: 1..31 visible ASCII characters that quote nothing? */
bool sample_is_name(const char *text);

struct sample_set; /* the counters of the look before */

int sample_new(struct sample_set **ret, struct err *err);
void sample_free(struct sample_set *s);
static inline void sample_freep(struct sample_set **s)
{
    sample_free(*s);
}
#define auto_sample AUTO(sample_freep)

/*
 * Look at the counters through p and give the rates since the call before.
 *
 * The first call gives memory only. A device that came, went, or whose counters fell (it was
 * replaced) is absent once; counters of 32 bits that wrapped are continued. Whole disks and volumes
 * count, not partitions, loop or memory devices; not the loopback interface nor the host's end of
 * containers' interfaces.
 * -EAGAIN less than SAMPLE_INTERVAL_MIN_MS after the call before (nothing is forgotten);
 * otherwise fails only when no file at all could be read, with the failure of the last one.
 */
int sample_take(struct sample_set *s, struct probe *p, const struct clock *c, struct sample *ret,
                struct err *err);

#endif

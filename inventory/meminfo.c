/* SPDX-License-Identifier: Apache-2.0 */
/* Reading /proc/meminfo, of kernels that do not tell MemAvailable too. */
#include "inventory/meminfo.h"

#include "inventory/line.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/num.h"

#include "base/banned.h"

enum field {
    F_TOTAL,
    F_FREE,
    F_AVAILABLE,
    F_BUFFERS,
    F_CACHED,
    F_SHMEM,
    F_SWAP_TOTAL,
    F_SWAP_FREE,
    F_HUGE_SIZE,
    F_HUGE_PAGES,
    F_COUNT
};

static const char *const names[F_COUNT] = {
    [F_TOTAL] = "MemTotal",         [F_FREE] = "MemFree",
    [F_AVAILABLE] = "MemAvailable", [F_BUFFERS] = "Buffers",
    [F_CACHED] = "Cached",          [F_SHMEM] = "Shmem",
    [F_SWAP_TOTAL] = "SwapTotal",   [F_SWAP_FREE] = "SwapFree",
    [F_HUGE_SIZE] = "Hugepagesize", [F_HUGE_PAGES] = "HugePages_Total",
};

static const uint64_t value_max = (uint64_t)1 << 56; /* 64 PiB: garbage above */

static bool parse_value(struct slice s, uint64_t *ret)
{
    struct slice number;
    uint64_t v = 0;

    if (!line_word(&s, &number) || !line_u64(number, 10, &v))
        return false;
    if (line_is(line_trim(s), "kB") && !num_mul(v, 1024, &v))
        return false;
    if (v > value_max)
        return false;
    *ret = v;
    return true;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* What `free` of procps did before the kernel told: page cache can go, shared memory cannot. */
static uint64_t estimate(const uint64_t v[F_COUNT])
{
    uint64_t cache = minus(v[F_CACHED], v[F_SHMEM]);
    uint64_t sum = 0;

    if (!num_add(v[F_FREE], v[F_BUFFERS], &sum) || !num_add(sum, cache, &sum))
        return v[F_FREE];
    return sum;
}

int meminfo_parse(struct slice text, struct meminfo *ret, struct err *err)
{
    uint64_t v[F_COUNT] = {0};
    bool seen[F_COUNT] = {false};
    struct slice line;
    struct slice value;

    while (line_next(&text, &line)) {
        for (size_t i = 0; i < F_COUNT; i++) {
            if (!seen[i] && line_value(line, names[i], ':', &value))
                seen[i] = parse_value(value, &v[i]);
        }
    }
    if (v[F_TOTAL] == 0)
        return err_set(err, -EINVAL, "/proc/meminfo tells no MemTotal");
    *ret = (struct meminfo){
        .total_bytes = v[F_TOTAL],
        .available_bytes = num_min(v[F_TOTAL], seen[F_AVAILABLE] ? v[F_AVAILABLE] : estimate(v)),
        .is_estimated = !seen[F_AVAILABLE],
        .swap_total_bytes = v[F_SWAP_TOTAL],
        .swap_free_bytes = num_min(v[F_SWAP_FREE], v[F_SWAP_TOTAL]),
        .huge_pages = v[F_HUGE_PAGES],
        .huge_page_bytes = v[F_HUGE_SIZE],
    };
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The clean, dirty, taken protocol on a byte map. */
#include "transport/track_map.h"

#include "base/err.h"
#include "base/num.h"
#include "transport/track_abi.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { WORD = 64, COARSE_GRANULES = 1 << TRACK_ABI_COARSE_SHIFT };

unsigned track_map_shift(uint64_t size_bytes)
{
    unsigned shift = TRACK_MAP_SHIFT_MIN;

    while (track_map_granules(size_bytes, shift) > TRACK_MAP_BYTES_MAX)
        shift++;
    return shift;
}

uint64_t track_map_granules(uint64_t size_bytes, unsigned shift)
{
    return num_div_up(size_bytes, 1ULL << shift);
}

uint64_t track_map_coarse(uint64_t granules)
{
    return num_div_up(granules, COARSE_GRANULES);
}

int track_map_init(struct track_map *m, struct err *err)
{
    m->granules = track_map_granules(m->size_bytes, m->shift);
    m->taken = calloc(m->granules / WORD + 1, sizeof(*m->taken));
    return m->taken ? 0 : err_set(err, -ENOMEM, "change tracker: %m");
}

void track_map_done(struct track_map *m)
{
    free(m->taken);
    m->taken = NULL;
}

/* Long ranges are marked coarsely. First fine, then clear: a crash in between loses nothing, and a
 * mark that comes in between is of a change that is there before its granules are taken below. */
static void spread(struct track_map *m)
{
    uint64_t n = track_map_coarse(m->granules);

    for (uint64_t i = 0; i < n; i++) {
        uint64_t from = i * COARSE_GRANULES;

        if (__atomic_load_n(&m->coarse[i], __ATOMIC_SEQ_CST) == TRACK_CLEAN)
            continue;
        memset(m->fine + from, TRACK_DIRTY, num_min(COARSE_GRANULES, m->granules - from));
        __atomic_exchange_n(&m->coarse[i], TRACK_CLEAN, __ATOMIC_SEQ_CST);
    }
}

/* Most of a map is clean: eight bytes at a look. A mark that the look misses came after it. */
static bool eight_clean(const struct track_map *m, uint64_t granule)
{
    uint64_t eight;

    if (granule % 8 != 0 || granule + 8 > m->granules)
        return false;
    memcpy(&eight, m->fine + granule, sizeof(eight));
    return eight == 0;
}

void track_map_take(struct track_map *m)
{
    spread(m);
    memset(m->taken, 0, (m->granules / WORD + 1) * sizeof(*m->taken));
    m->taken_n = 0;
    m->told = 0;
    for (uint64_t g = 0; g < m->granules; g++) {
        if (eight_clean(m, g)) {
            g += 7;
            continue;
        }
        if (__atomic_load_n(&m->fine[g], __ATOMIC_SEQ_CST) == TRACK_CLEAN)
            continue;
        __atomic_exchange_n(&m->fine[g], TRACK_TAKEN, __ATOMIC_SEQ_CST);
        m->taken[g / WORD] |= 1ULL << (g % WORD);
        m->taken_n++;
    }
}

static bool is_taken(const struct track_map *m, uint64_t granule)
{
    return (m->taken[granule / WORD] >> (granule % WORD)) & 1;
}

/* The first granule from `from` on whose bit is `taken`; granules when there is none. */
static uint64_t find(const struct track_map *m, uint64_t from, bool taken)
{
    while (from < m->granules && is_taken(m, from) != taken) {
        if (taken && from % WORD == 0 && m->taken[from / WORD] == 0)
            from += WORD;
        else
            from++;
    }
    return num_min(from, m->granules);
}

int track_map_next(struct track_map *m, struct track_range *ret)
{
    uint64_t first = find(m, m->told, true);
    uint64_t end;

    m->told = first;
    if (first == m->granules)
        return 0;
    end = find(m, first, false);
    m->told = end;
    ret->offset = first << m->shift;
    ret->len = num_min(end << m->shift, m->size_bytes) - ret->offset;
    return 1;
}

static void release(struct track_map *m, uint8_t to)
{
    for (uint64_t g = find(m, 0, true); g < m->granules; g = find(m, g + 1, true)) {
        uint8_t taken = TRACK_TAKEN;

        /* Failing is fine: it was marked meanwhile and stays dirty. */
        (void)__atomic_compare_exchange_n(&m->fine[g], &taken, to, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST);
    }
    m->taken_n = 0;
    m->told = m->granules;
}

bool track_map_marked(const struct track_map *m, uint64_t offset, uint64_t len)
{
    uint64_t end = num_min(num_div_up(offset + len, 1ULL << m->shift), m->granules);

    for (uint64_t g = offset >> m->shift; g < end; g++)
        if (__atomic_load_n(&m->fine[g], __ATOMIC_SEQ_CST) != TRACK_CLEAN ||
            __atomic_load_n(&m->coarse[g / COARSE_GRANULES], __ATOMIC_SEQ_CST) != TRACK_CLEAN)
            return true;
    return false;
}

void track_map_commit(struct track_map *m)
{
    release(m, TRACK_CLEAN);
}

void track_map_abort(struct track_map *m)
{
    release(m, TRACK_DIRTY);
}

static uint64_t marked_coarsely(const struct track_map *m)
{
    uint64_t n = track_map_coarse(m->granules);
    uint64_t sum = 0;

    for (uint64_t i = 0; i < n; i++)
        if (__atomic_load_n(&m->coarse[i], __ATOMIC_RELAXED) != TRACK_CLEAN)
            sum += COARSE_GRANULES;
    return sum;
}

uint64_t track_map_written_bytes(const struct track_map *m)
{
    uint64_t n = marked_coarsely(m);

    for (uint64_t g = 0; g < m->granules; g++)
        n += __atomic_load_n(&m->fine[g], __ATOMIC_RELAXED) == TRACK_DIRTY;
    return num_min(n << m->shift, m->size_bytes);
}

uint64_t track_map_dirty_bytes(const struct track_map *m)
{
    uint64_t n = m->taken_n;

    if (n == 0) {
        for (uint64_t g = 0; g < m->granules; g++)
            n += __atomic_load_n(&m->fine[g], __ATOMIC_RELAXED) != TRACK_CLEAN;
        n += marked_coarsely(m);
    }
    return num_min(n << m->shift, m->size_bytes);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The clean, dirty, taken protocol, with a marker that stands still and one that does not. */
#include "tests/unit.h"

#include "transport/track_abi.h"
#include "transport/track_map.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/banned.h"

enum { GRANULES = 3000, GRAIN = 4096 };

struct memory {
    uint8_t fine[GRANULES];
    uint8_t coarse[GRANULES / 1024 + 1];
};

static struct track_map map_of(struct memory *mem, uint64_t size)
{
    struct track_map m = {
        .fine = mem->fine, .coarse = mem->coarse, .size_bytes = size, .shift = 12};

    memset(mem, 0, sizeof(*mem));
    assert_ok(track_map_init(&m, NULL));
    return m;
}

static void expect(struct track_map *m, uint64_t offset, uint64_t len)
{
    struct track_range r = {0};

    assert_int_equal(1, track_map_next(m, &r));
    assert_int_equal(offset, r.offset);
    assert_int_equal(len, r.len);
}

static void expect_end(struct track_map *m)
{
    struct track_range r;

    assert_int_equal(0, track_map_next(m, &r));
}

static void the_map_stays_under_64_mib(void **state)
{
    (void)state;
    assert_int_equal(12, track_map_shift(0));
    assert_int_equal(12, track_map_shift(256ULL << 30));
    assert_int_equal(13, track_map_shift((256ULL << 30) + 1));
    assert_int_equal(14, track_map_shift(1ULL << 40));
    assert_int_equal(19, track_map_shift(32ULL << 40));
    for (uint64_t size = 1; size < 1ULL << 50; size = size * 3 + 1)
        assert_true(track_map_granules(size, track_map_shift(size)) <= TRACK_MAP_BYTES_MAX);
}

static void ranges_are_joined_and_end_with_the_volume(void **state)
{
    struct memory mem;
    struct track_map m = map_of(&mem, GRANULES * GRAIN - 512);

    (void)state;
    mem.fine[0] = mem.fine[7] = mem.fine[8] = mem.fine[64] = mem.fine[GRANULES - 1] = TRACK_DIRTY;
    assert_int_equal(5 * GRAIN, track_map_dirty_bytes(&m));
    track_map_take(&m);
    expect(&m, 0, GRAIN);
    expect(&m, 7 * GRAIN, 2 * GRAIN);
    expect(&m, 64 * GRAIN, GRAIN);
    expect(&m, (GRANULES - 1) * GRAIN, GRAIN - 512);
    expect_end(&m);
    assert_int_equal(0, track_map_written_bytes(&m));
    mem.fine[7] = mem.fine[9] = TRACK_DIRTY;
    assert_int_equal(2 * GRAIN, track_map_written_bytes(&m));
    assert_int_equal(5 * GRAIN, track_map_dirty_bytes(&m));
    track_map_commit(&m);
    track_map_take(&m);
    expect(&m, 7 * GRAIN, GRAIN);
    expect(&m, 9 * GRAIN, GRAIN);
    expect_end(&m);
    track_map_done(&m);
}

static void a_mark_during_a_pass_is_of_the_next(void **state)
{
    struct memory mem;
    struct track_map m = map_of(&mem, GRANULES * GRAIN);

    (void)state;
    mem.fine[10] = mem.fine[20] = TRACK_DIRTY;
    track_map_take(&m);
    mem.fine[10] = TRACK_DIRTY; /* taken: read again */
    mem.fine[30] = TRACK_DIRTY; /* clean: not in this pass */
    expect(&m, 10 * GRAIN, GRAIN);
    expect(&m, 20 * GRAIN, GRAIN);
    expect_end(&m);
    track_map_commit(&m);
    track_map_take(&m);
    expect(&m, 10 * GRAIN, GRAIN);
    expect(&m, 30 * GRAIN, GRAIN);
    expect_end(&m);
    track_map_done(&m);
}

static void an_abort_and_a_pass_that_died_forget_nothing(void **state)
{
    struct memory mem;
    struct track_map m = map_of(&mem, GRANULES * GRAIN);

    (void)state;
    mem.fine[5] = TRACK_DIRTY;
    track_map_take(&m);
    track_map_abort(&m);
    assert_int_equal(TRACK_DIRTY, mem.fine[5]);
    track_map_take(&m);
    assert_int_equal(TRACK_TAKEN, mem.fine[5]);
    track_map_take(&m); /* as by another process, after the first one died */
    expect(&m, 5 * GRAIN, GRAIN);
    expect_end(&m);
    track_map_done(&m);
}

static void long_ranges_are_spread(void **state)
{
    struct memory mem;
    struct track_map m = map_of(&mem, GRANULES * GRAIN);

    (void)state;
    mem.coarse[1] = TRACK_DIRTY;
    track_map_take(&m);
    expect(&m, 1024 * GRAIN, 1024 * GRAIN);
    expect_end(&m);
    assert_int_equal(TRACK_CLEAN, mem.coarse[1]);
    track_map_commit(&m);
    mem.coarse[2] = TRACK_DIRTY; /* the last one is short */
    track_map_take(&m);
    expect(&m, 2048 * GRAIN, (GRANULES - 2048) * GRAIN);
    track_map_done(&m);
}

/* A disk of one number a granule, written and then marked as the kernel does it. */
struct race {
    struct memory mem;
    _Atomic uint32_t disk[GRANULES];
    uint32_t copy[GRANULES];
    atomic_bool stop;
};

static void mark(struct race *r, unsigned granule)
{
    volatile uint8_t *byte = &r->mem.fine[granule];

    if (granule % 97 == 0)
        byte = &r->mem.coarse[granule / 1024];
    if (*byte != TRACK_DIRTY)
        *byte = TRACK_DIRTY;
}

static void *write_and_mark(void *arg)
{
    struct race *r = arg;
    uint32_t seed = 1;

    while (!atomic_load(&r->stop)) {
        seed = seed * 1664525 + 1013904223;
        /* A few granules are hot. */
        unsigned granule = (seed >> 8) % (seed & 0x80000000 ? 16 : GRANULES);

        atomic_fetch_add(&r->disk[granule], 1);
        mark(r, granule);
    }
    return NULL;
}

static void copy_pass(struct race *r, struct track_map *m, bool fail)
{
    struct track_range range;

    track_map_take(m);
    while (track_map_next(m, &range) == 1)
        for (uint64_t g = range.offset / GRAIN; g < (range.offset + range.len) / GRAIN; g++)
            if (!fail || g % 2)
                r->copy[g] = atomic_load(&r->disk[g]);
    if (fail)
        track_map_abort(m);
    else
        track_map_commit(m);
}

static void a_marker_at_the_same_time_loses_nothing(void **state)
{
    struct race *r = calloc(1, sizeof(*r));
    struct track_map m = map_of(&r->mem, GRANULES * GRAIN);
    pthread_t thread;

    (void)state;
    for (int round = 0; round < 20; round++) {
        atomic_store(&r->stop, false);
        assert_int_equal(0, pthread_create(&thread, NULL, write_and_mark, r));
        for (int i = 0; i < 100; i++)
            copy_pass(r, &m, i % 7 == 3);
        atomic_store(&r->stop, true);
        pthread_join(thread, NULL);
        copy_pass(r, &m, false);
        for (unsigned g = 0; g < GRANULES; g++)
            assert_int_equal(atomic_load(&r->disk[g]), r->copy[g]);
        assert_int_equal(0, track_map_dirty_bytes(&m));
    }
    track_map_done(&m);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_map_stays_under_64_mib),
        cmocka_unit_test(ranges_are_joined_and_end_with_the_volume),
        cmocka_unit_test(a_mark_during_a_pass_is_of_the_next),
        cmocka_unit_test(an_abort_and_a_pass_that_died_forget_nothing),
        cmocka_unit_test(long_ranges_are_spread),
        cmocka_unit_test(a_marker_at_the_same_time_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

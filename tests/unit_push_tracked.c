/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A push that trusts a tracker: only dirty ranges are read, in any cut; and the two phases are kept
 * in every outcome. The tracker is this file's own: it stands in for track.c when linking.
 */
#include "tests/replica_place.h"

#include "base/gw.h"
#include "transport/track.h"

#include "base/banned.h"

enum { MIB = 1 << 20, SECTOR = 4096, RANGES_MAX = 64 };

/* The one tracker of this process, as the tests set it up and read it afterwards. */
static struct track {
    const char *kind;
    struct track_range dirty[RANGES_MAX];
    size_t n;
    size_t told;
    bool stale;
    bool frozen;
    unsigned commits;
    unsigned aborts;
    unsigned scans;
    uint64_t size;
} tracker;

int track_open(const char *kind, struct volume *v, const char *state_dir, struct track **ret,
               struct err *err)
{
    (void)state_dir;
    (void)err;
    tracker.kind = kind;
    tracker.size = volume_size(v);
    *ret = &tracker;
    return 0;
}

void track_close(struct track *t)
{
    assert_true(!t || !t->frozen);
}

const char *track_kind(const struct track *t)
{
    return t->kind;
}

const char *track_rescan(const struct track *t)
{
    (void)t;
    return "";
}

int track_freeze(struct track *t, struct err *err)
{
    assert_false(t->frozen);
    if (t->stale && !text_equal(t->kind, "scan"))
        return err_set(err, -ESTALE, "may have missed a write");
    t->scans += text_equal(t->kind, "scan");
    t->frozen = true;
    t->told = 0;
    return 0;
}

int track_take(struct track *t)
{
    return track_freeze(t, NULL);
}

int track_trust(struct track *t, struct err *err)
{
    (void)t;
    (void)err;
    return 0;
}

int track_next(struct track *t, struct track_range *ret, struct err *err)
{
    (void)err;
    assert_true(t->frozen);
    if (text_equal(t->kind, "scan")) {
        *ret = (struct track_range){.len = t->size};
        return t->told++ == 0;
    }
    if (t->told == t->n)
        return 0;
    *ret = t->dirty[t->told++];
    return 1;
}

int track_marked(struct track *t, uint64_t offset, uint64_t len)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->dirty[i].offset < offset + len && offset < t->dirty[i].offset + t->dirty[i].len)
            return 1;
    return 0;
}

int track_commit(struct track *t, struct err *err)
{
    (void)err;
    assert_true(t->frozen);
    t->frozen = false;
    t->n = 0;
    t->commits++;
    return 0;
}

void track_abort(struct track *t)
{
    if (!t->frozen)
        return;
    t->frozen = false;
    t->aborts++;
}

uint64_t track_dirty_bytes(const struct track *t)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < t->n; i++)
        sum += t->dirty[i].len;
    return sum;
}

uint64_t track_written_bytes(const struct track *t)
{
    (void)t;
    return UINT64_MAX;
}

static void forget(void)
{
    tracker = (struct track){.n = 0};
}

/* Random sectors in ascending runs: written, and said to be dirty; some are said but not written.
 */
static void touch(const struct place *p, uint64_t size, uint64_t *seed)
{
    uint64_t sectors = (size + SECTOR - 1) / SECTOR;
    uint64_t at = place_rand(seed) % (sectors / 8 + 1);

    while (at < sectors && tracker.n < RANGES_MAX) {
        uint64_t n = 1 + place_rand(seed) % 40;
        uint64_t end;

        n = n < sectors - at ? n : sectors - at;
        end = (at + n) * SECTOR < size ? (at + n) * SECTOR : size;
        if (place_rand(seed) % 4 != 0)
            place_random(p, "a", at * SECTOR, (size_t)(end - at * SECTOR), place_rand(seed));
        tracker.dirty[tracker.n++] =
            (struct track_range){.offset = at * SECTOR, .len = end - at * SECTOR};
        at += n + place_rand(seed) % (sectors / 16 + 1);
    }
}

static void assert_follows(const struct place *p, struct place_run *push, uint64_t size)
{
    struct place_run pull = {.image = "b", .state = "sb"};

    place_ok(place_push(p, push), push);
    place_ok(place_pull(p, &pull), &pull);
    assert_true(place_same(p, "a", "b", size));
    assert_false(tracker.frozen);
}

static void follows_dirty_ranges(const char *url, uint64_t size, uint64_t seed)
{
    struct place_run push = {.image = "a", .state = "sa"};
    char path[PATH_MAX];
    struct place p;

    forget();
    place_init(&p, url);
    place_random(&p, "a", 0, (size_t)(size < 3 * MIB ? size : 3 * MIB), seed);
    place_resize(&p, "a", size);
    assert_follows(&p, &push, size);
    for (unsigned i = 0; i < 12; i++) {
        touch(&p, size, &seed);
        if (i == 7)
            unit_rmdir(strdup(unit_path(p.dir, "sa", path))); /* then all is looked at */
        assert_follows(&p, &push, size);
        if (i != 7)
            assert_true(push.progress.done_bytes < size || size < 4 * MIB);
    }
    assert_int_equal(tracker.aborts, 0);
    assert_int_equal(tracker.commits, 13);
    place_done(&p);
}

static void reads_only_what_is_dirty(void **state)
{
    (void)state;
    follows_dirty_ranges("mem:dirty", 3 * MIB + 777, 1);
    follows_dirty_ranges("mem:dirty", 200 * MIB + 5000, 2);
}

/* What lies scattered is read beside what is dirty, and nothing else is. */
static void scattered_sectors_are_read_beside_dirty_ones(void **state)
{
    enum { SIZE = 100 * MIB + 777, PASSES = 30 };
    struct place_run push = {.image = "a", .state = "sa", .compact = REPLICA_COMPACT_NONE};
    struct place_run again = {.image = "a", .state = "sa", .workers = 1, .compact = 1000};
    struct place_run all = {.image = "a", .state = "sa", .compact = REPLICA_COMPACT_ALL};
    uint64_t seed = 3;
    struct place p;

    (void)state;
    forget();
    place_init(&p, "mem:scattered");
    place_resize(&p, "a", SIZE);
    place_random(&p, "a", SIZE - 3 * MIB, 3 * MIB, 1);
    place_ok(place_push(&p, &push), &push);
    for (unsigned i = 0; i < PASSES; i++) {
        uint64_t at = SIZE - 777 - (1 + place_rand(&seed) % 700) * SECTOR;

        if (i + 1 == PASSES) /* a change is met before what follows it is sent again */
            at = SIZE - 777 - 720 * SECTOR;

        place_random(&p, "a", at, SECTOR, place_rand(&seed));
        tracker.dirty[tracker.n++] = (struct track_range){.offset = at, .len = SECTOR};
        place_ok(place_push(&p, i + 2 < PASSES ? &push : &again), i + 2 < PASSES ? &push : &again);
    }
    assert_in_range(again.progress.compacted_bytes, 4 * SECTOR, 20 * SECTOR);
    assert_true(again.progress.done_bytes <= 21 * VOLUME_BLOCK);
    assert_follows(&p, &again, SIZE); /* nothing is dirty: nothing is sent again */
    assert_int_equal(again.progress.sent_bytes, 0);
    assert_int_equal(again.progress.done_bytes, 0);
    assert_follows(&p, &all, SIZE);
    assert_int_equal(all.progress.changed_bytes, 0);
    assert_int_equal(all.progress.done_bytes, SIZE - 64 * MIB); /* its region */
    assert_follows(&p, &all, SIZE);
    assert_int_equal(all.progress.done_bytes, 0);
    place_done(&p);
}

static void nothing_dirty_reads_nothing(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place p;

    (void)state;
    forget();
    place_init(&p, "mem:clean");
    place_random(&p, "a", 0, 2 * MIB, 1);
    place_ok(place_push(&p, &push), &push);
    place_ok(place_push(&p, &push), &push);
    assert_int_equal(push.point.seq, 1);
    assert_int_equal(push.progress.done_bytes, 0);
    assert_int_equal(tracker.commits, 2);
    place_done(&p);
}

/* A region that the table cannot vouch for is read as a whole, however little of it is dirty. */
static void damaged_table_is_made_good(void **state)
{
    enum { SIZE = 130 * MIB };
    struct place_run push = {.image = "a", .state = "sa"};
    struct place_run pull = {.image = "b", .state = "sb"};
    uint8_t digest[32];
    struct place p;

    (void)state;
    forget();
    place_init(&p, "mem:damage");
    place_resize(&p, "a", SIZE);
    place_random(&p, "a", 65 * MIB, MIB, 1);
    place_ok(place_push(&p, &push), &push);
    place_write(&p, "sa/table", 8192 + 32 * 1024 + 5, "damage", 6); /* leaves of region 1 */
    place_random(&p, "a", 100 * MIB, 3 * SECTOR, 2);
    tracker.dirty[tracker.n++] = (struct track_range){.offset = 100 * MIB, .len = 3 * SECTOR};
    place_ok(place_push(&p, &push), &push);
    assert_int_equal(push.progress.done_bytes, 64 * MIB);
    place_digest(&p, "a", 0, digest);
    assert_memory_equal(digest, push.point.digest, 32);
    place_ok(place_pull(&p, &pull), &pull);
    assert_true(place_same(&p, "a", "b", SIZE));
    place_random(&p, "a", 100 * MIB, SECTOR, 3);
    tracker.dirty[tracker.n++] = (struct track_range){.offset = 100 * MIB, .len = SECTOR};
    place_ok(place_push(&p, &push), &push);
    assert_int_equal(push.progress.done_bytes, 65536);
    place_done(&p);
}

static void tracker_in_doubt_is_replaced_by_a_scan(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place p;

    (void)state;
    forget();
    place_init(&p, "mem:stale");
    place_random(&p, "a", 0, 2 * MIB, 1);
    place_ok(place_push(&p, &push), &push);
    place_random(&p, "a", MIB, 5000, 2); /* it saw nothing of this, and says so */
    tracker.stale = true;
    assert_follows(&p, &push, 2 * MIB);
    assert_int_equal(push.point.seq, 2);
    assert_int_equal(tracker.scans, 1);
    place_done(&p);
}

static void failed_pass_gives_the_dirty_set_back(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place_run other = {.image = "c", .state = "sc"};
    struct place p;

    (void)state;
    forget();
    place_init(&p, "mem:abort");
    place_random(&p, "a", 0, 2 * MIB, 1);
    place_random(&p, "c", 0, 2 * MIB, 2);
    place_ok(place_push(&p, &push), &push);
    tracker.dirty[tracker.n++] = (struct track_range){.offset = 4 * MIB, .len = SECTOR};
    place_resize(&p, "a", 2 * MIB);
    place_ok(place_push(&p, &push), &push); /* dirty past the end: nothing to read */
    assert_int_equal(push.point.seq, 1);
    place_ok(place_push(&p, &other), &other);
    tracker.commits = 0;
    tracker.dirty[tracker.n++] = (struct track_range){.offset = 0, .len = SECTOR};
    assert_fails(-EEXIST, place_push(&p, &push));
    assert_int_equal(tracker.commits, 0);
    assert_int_equal(tracker.n, 1);
    assert_false(tracker.frozen);
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_only_what_is_dirty),
        cmocka_unit_test(scattered_sectors_are_read_beside_dirty_ones),
        cmocka_unit_test(nothing_dirty_reads_nothing),
        cmocka_unit_test(damaged_table_is_made_good),
        cmocka_unit_test(tracker_in_doubt_is_replaced_by_a_scan),
        cmocka_unit_test(failed_pass_gives_the_dirty_set_back),
    };

    place_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

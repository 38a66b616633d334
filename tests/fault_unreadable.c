/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes with sectors that cannot be read. What cannot is named, to the sector, and nothing else;
 * all other bytes are in the point as they are on the volume; there the point has what the one
 * before it had. Which bytes are bad is this file's to say: it stands in for fail.c when linking.
 */
#include "tests/replica_place.h"

#include "base/fail.h"
#include "base/gw.h"

#include "base/banned.h"

enum { MIB = 1 << 20, SECTOR = 4096, BAD_MAX = 12, ROUNDS = 24 };

static struct {
    struct replica_range at[BAD_MAX];
    size_t n;
    unsigned passing; /* reads that fail before all go well */
    unsigned failed;
    bool asleep;
    bool gone; /* the volume goes away at the first */
    char path[PATH_MAX];
} bad;

int fail_point(const char *name, uint64_t offset, uint64_t len)
{
    if (bad.asleep || !text_equal(name, "volume_read"))
        return 0;
    for (size_t i = 0; i < bad.n; i++) {
        if (bad.at[i].offset >= offset + len || offset >= bad.at[i].offset + bad.at[i].len)
            continue;
        if (bad.passing > 0 && bad.failed >= bad.passing)
            return 0;
        bad.failed++;
        if (bad.gone)
            (void)unlink(bad.path);
        return -EIO;
    }
    return 0;
}

static void all_is_well(void)
{
    memset(&bad, 0, sizeof(bad));
}

static void spoil(uint64_t offset, uint64_t len)
{
    assert_true(bad.n < BAD_MAX);
    bad.at[bad.n++] = (struct replica_range){.offset = offset, .len = len};
}

/* ---- a clock that does not wait ----------------------------------------------------------------
 */

static atomic_uint_fast64_t waited_ms; /* workers look, the reader waits */

static uint64_t test_ms(void *arg)
{
    (void)arg;
    return 1700000000000 + waited_ms;
}

static void test_sleep(void *arg, uint64_t ms)
{
    (void)arg;
    waited_ms += ms;
}

static const struct clock quick = {.wall_ms = test_ms, .mono_ms = test_ms, .sleep_ms = test_sleep};

static void begin(struct place *p)
{
    struct vault_conf conf = {.key = place_key};

    all_is_well();
    waited_ms = 0;
    place_init(p, NULL);
    vault_close(TAKE(p->vault));
    conf.store.url = p->url;
    conf.store.clock = &quick;
    assert_ok(vault_open(&conf, &p->vault, NULL));
}

/* The volume "a" of most stories: 3 MiB, all of which can be read. */
static void begin_with_image(struct place *p)
{
    begin(p);
    place_random(p, "a", 0, 3 * MIB, 1);
}

/* ---- what a point says, and what it holds ------------------------------------------------------
 */

struct told {
    bool *sectors; /* of the volume */
    uint64_t size;
    uint64_t n;
};

static int note_range(void *arg, const struct replica_range *r)
{
    struct told *t = arg;
    uint64_t end = r->offset + r->len;

    assert_int_equal(r->offset % SECTOR, 0);
    assert_true(end % SECTOR == 0 || end == t->size);
    for (uint64_t at = r->offset; at < end; at += SECTOR)
        t->sectors[at / SECTOR] = true;
    t->n++;
    return 0;
}

static bool is_bad(uint64_t sector)
{
    for (size_t i = 0; i < bad.n; i++)
        if (bad.at[i].offset < (sector + 1) * SECTOR &&
            sector * SECTOR < bad.at[i].offset + bad.at[i].len)
            return true;
    return false;
}

/* The ranges of the point are those that are bad, to the sector. */
static void assert_named(const struct place *p, const struct place_run *push, uint64_t size)
{
    struct told t = {.sectors = calloc(size / SECTOR + 1, sizeof(bool)), .size = size};
    uint64_t bytes = 0;

    assert_ok(replica_unreadable(p->vault, "shop/db", push->point.seq, note_range, &t, NULL));
    for (uint64_t s = 0; s * SECTOR < size; s++) {
        assert_int_equal(t.sectors[s], is_bad(s));
        if (is_bad(s))
            bytes += size - s * SECTOR < SECTOR ? size - s * SECTOR : SECTOR;
    }
    assert_int_equal(push->point.unreadable_n, t.n);
    assert_int_equal(push->point.unreadable_bytes, bytes);
    free(t.sectors);
}

static uint8_t *load(const struct place *p, const char *name, uint64_t size)
{
    auto_close int fd = place_open_image(p, name);
    uint8_t *data = malloc(size + 1);

    assert_int_equal(pread(fd, data, size, 0), (ssize_t)size);
    return data;
}

/* What b was restored to: a, but where a is bad; there before, or zeroes when that is NULL. */
static void assert_holds(const struct place *p, const uint8_t *before, uint64_t size)
{
    auto_free uint8_t *a = load(p, "a", size);
    auto_free uint8_t *b = load(p, "b", size);

    for (uint64_t at = 0; at < size; at += SECTOR) {
        static const uint8_t zeroes[SECTOR];
        size_t len = size - at < SECTOR ? size - at : SECTOR;
        const uint8_t *want = !is_bad(at / SECTOR) ? a + at : before ? before + at : zeroes;

        if (memcmp(b + at, want, len) != 0)
            fail_msg("byte %llu: not what it was", (unsigned long long)at);
    }
}

static void assert_restores(const struct place *p, const uint8_t *before, uint64_t size)
{
    struct place_run pull = {.image = "b", .state = "sb", .allow_incomplete = true};

    bad.asleep = true; /* this other volume is whole */
    place_ok(place_pull(p, &pull), &pull);
    bad.asleep = false;
    assert_holds(p, before, size);
}

/* ---- stories -----------------------------------------------------------------------------------
 */

static void spoil_at_random(uint64_t size, uint64_t *seed)
{
    for (uint64_t n = place_rand(seed) % BAD_MAX; n > 0; n--) {
        uint64_t offset = place_rand(seed) % size;

        spoil(offset, 1 + place_rand(seed) % (place_rand(seed) % 8 == 0 ? 300000 : 9000));
    }
}

/* A seed of a bad volume, a pass that finds other sectors bad and data changed, and one after
 * somebody mended it. */
static void what_is_not_named_is_identical(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        uint64_t seed = 20261122 + round;
        uint64_t size = 2 * MIB + place_rand(&seed) % (2 * MIB);
        struct place_run push = {.image = "a", .state = "sa"};
        auto_free uint8_t *before = NULL;
        struct place p;

        begin(&p);
        place_random(&p, "a", 0, size, place_rand(&seed));
        spoil_at_random(size, &seed);
        place_ok(place_push(&p, &push), &push);
        assert_named(&p, &push, size);
        assert_restores(&p, NULL, size);
        before = load(&p, "b", size);
        place_random(&p, "a", place_rand(&seed) % MIB, MIB, place_rand(&seed));
        all_is_well();
        spoil_at_random(size, &seed);
        place_ok(place_push(&p, &push), &push);
        assert_named(&p, &push, size);
        assert_restores(&p, before, size);
        all_is_well();
        place_ok(place_push(&p, &push), &push);
        assert_named(&p, &push, size);
        assert_restores(&p, NULL, size);
        assert_true(place_same(&p, "a", "b", size));
        place_done(&p);
    }
}

static void the_same_gaps_make_no_new_point(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place p;

    (void)state;
    begin_with_image(&p);
    spoil(MIB, 1);
    place_ok(place_push(&p, &push), &push);
    place_ok(place_push(&p, &push), &push);
    assert_int_equal(push.point.seq, 1);
    assert_int_equal(push.point.unreadable_bytes, SECTOR);
    spoil(2 * MIB, 1); /* what was read before is kept: only the list differs */
    place_ok(place_push(&p, &push), &push);
    assert_int_equal(push.point.seq, 2);
    assert_int_equal(push.point.changed_bytes, 0);
    assert_int_equal(push.point.unreadable_n, 2);
    place_done(&p);
}

/* Once in vain, then it goes well: nobody need ever know. */
static void an_error_that_passes_leaves_nothing(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place p;

    (void)state;
    begin_with_image(&p);
    spoil(MIB + 5 * SECTOR, SECTOR);
    bad.passing = 2;
    place_ok(place_push(&p, &push), &push);
    assert_int_equal(push.point.unreadable_n, 0);
    assert_true(waited_ms > 0);
    assert_restores(&p, load(&p, "a", 3 * MIB), 3 * MIB);
    place_done(&p);
}

/* What was unreadable a moment ago is tried once in a pass, and never waited for. */
static void a_known_gap_costs_one_read(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place p;

    (void)state;
    begin_with_image(&p);
    spoil(MIB + 5 * SECTOR, SECTOR);
    place_ok(place_push(&p, &push), &push);
    waited_ms = 0;
    bad.failed = 0;
    place_ok(place_push(&p, &push), &push);
    assert_int_equal(bad.failed, 1);
    assert_int_equal(waited_ms, 0);
    place_done(&p);
}

static void a_point_with_gaps_is_fuzzy(void **state)
{
    static const enum replica_kind kinds[] = {REPLICA_CRASH, REPLICA_FILESYSTEM, REPLICA_FINAL};
    struct place p;

    (void)state;
    begin_with_image(&p);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct place_run push = {.image = "a", .state = "sa", .kind = kinds[i]};

        spoil(MIB, 1);
        place_ok(place_push(&p, &push), &push);
        assert_int_equal(push.point.kind, REPLICA_FUZZY);
        all_is_well();
        place_ok(place_push(&p, &push), &push);
        assert_int_equal(push.point.kind, kinds[i]);
    }
    place_done(&p);
}

static void a_pull_wants_to_be_told(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place_run pull = {.image = "b", .state = "sb"};
    struct place p;

    (void)state;
    begin_with_image(&p);
    spoil(MIB, 1);
    place_ok(place_push(&p, &push), &push);
    assert_fails(-EUCLEAN, place_pull(&p, &pull));
    assert_int_equal(pull.err.gw, GW_INCOMPLETE);
    assert_non_null(strstr(pull.err.text, "1048576"));
    assert_restores(&p, NULL, 3 * MIB);
    place_done(&p);
}

/* ---- who compares with a volume ----------------------------------------------------------------
 */

struct verdict {
    bool *unreadable; /* sectors */
    uint64_t differs;
};

static void note_fault(void *arg, const struct replica_fault *f)
{
    struct verdict *v = arg;

    assert_null(f->object);
    if (text_equal(f->what, "differs"))
        v->differs += f->len;
    else
        for (uint64_t at = f->offset; at < f->offset + f->len; at += SECTOR)
            v->unreadable[at / SECTOR] = true;
}

/* a against its own point, a moment later: what is bad is named, and hides no difference. */
static void a_comparison_names_what_it_cannot_read(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place p;

    (void)state;
    begin(&p);
    place_random(&p, "a", 0, 3 * MIB + 700, 1);
    place_ok(place_push(&p, &push), &push);
    for (int changed = 0; changed < 2; changed++) {
        bool sectors[3 * MIB / SECTOR + 1] = {false};
        struct verdict v = {.unreadable = sectors};
        struct err err = {0};

        if (changed)
            place_write(&p, "a", MIB + 9 * SECTOR, "other", 5);
        all_is_well();
        spoil(MIB, 1);
        spoil(2 * MIB + 100, 9 * SECTOR);
        spoil(3 * MIB + 600, 1);
        assert_fails(changed ? -EBADMSG : -EIO, place_verify(&p, "a", note_fault, &v, &err));
        assert_int_equal(err.gw, changed ? GW_DATA_DIFFERS : GW_PARTLY_UNREADABLE);
        assert_int_equal(v.differs, changed ? SECTOR : 0);
        for (size_t s = 0; s < ARRAY_LEN(sectors); s++)
            assert_int_equal(sectors[s], is_bad(s));
    }
    place_done(&p);
}

/* For hours, sector by sector: rather an error that says what it is. */
static void a_comparison_with_a_dead_disk_ends(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct err err = {0};
    struct place p;

    (void)state;
    begin(&p);
    place_random(&p, "a", 0, 24 * MIB, 1);
    place_ok(place_push(&p, &push), &push);
    spoil(0, 24 * MIB);
    assert_fails(-EIO, place_verify(&p, "a", NULL, NULL, &err));
    assert_int_equal(err.gw, GW_VOLUME_UNREADABLE);
    place_done(&p);
}

/* What a pull cannot compare it writes anew: a disk then takes a spare sector. */
static void a_pull_writes_what_it_cannot_compare(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place_run pull = {.image = "b", .state = "sb"};
    struct place p;

    (void)state;
    begin_with_image(&p);
    place_resize(&p, "a", 5 * MIB);
    place_ok(place_push(&p, &push), &push);
    place_random(&p, "b", 0, 5 * MIB, 2);
    place_write(&p, "b", 0, load(&p, "a", MIB), MIB); /* what is equal needs no writing */
    spoil(5 * SECTOR, 1);
    spoil(2 * MIB, 9 * SECTOR);
    spoil(4 * MIB, 1);
    place_ok(place_pull(&p, &pull), &pull);
    assert_true(bad.failed >= 3);
    assert_true(place_same(&p, "a", "b", 5 * MIB));
    place_done(&p);
}

/* The volume that could not be read is not known to equal its own point: a pull looks. */
static void a_pull_back_writes_what_was_not_read(void **state)
{
    struct place_run run = {.image = "a", .state = "sa", .allow_incomplete = true};
    auto_free uint8_t *point = NULL;
    auto_free uint8_t *after = NULL;
    struct place p;

    (void)state;
    begin_with_image(&p);
    spoil(MIB, 1);
    place_ok(place_push(&p, &run), &run);
    assert_restores(&p, NULL, 3 * MIB);
    all_is_well();
    place_ok(place_pull(&p, &run), &run);
    point = load(&p, "b", 3 * MIB);
    after = load(&p, "a", 3 * MIB);
    assert_memory_equal(point, after, 3 * MIB);
    place_done(&p);
}

/* Every sector fails because there is nothing behind them any more. */
static void a_volume_that_goes_away_is_no_bad_sector(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place p;

    (void)state;
    begin_with_image(&p);
    unit_path(p.dir, "a", bad.path);
    spoil(0, 3 * MIB);
    bad.gone = true;
    assert_fails(-ESTALE, place_push(&p, &push));
    assert_int_equal(push.err.gw, GW_VOLUME_CHANGED);
    assert_true(bad.failed < 10);
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_named_is_identical),
        cmocka_unit_test(the_same_gaps_make_no_new_point),
        cmocka_unit_test(an_error_that_passes_leaves_nothing),
        cmocka_unit_test(a_known_gap_costs_one_read),
        cmocka_unit_test(a_point_with_gaps_is_fuzzy),
        cmocka_unit_test(a_pull_wants_to_be_told),
        cmocka_unit_test(a_comparison_names_what_it_cannot_read),
        cmocka_unit_test(a_comparison_with_a_dead_disk_ends),
        cmocka_unit_test(a_pull_writes_what_it_cannot_compare),
        cmocka_unit_test(a_pull_back_writes_what_was_not_read),
        cmocka_unit_test(a_volume_that_goes_away_is_no_bad_sector),
    };

    place_prefer_memory();
#ifndef GODWIT_FAILPOINTS
    print_message("skipped: built without failpoints\n");
    return 77;
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}

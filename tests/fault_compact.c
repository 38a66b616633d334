/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compaction: after many scattered passes the newest point is sequential to read again, what it
 * costs is bounded, and killed anywhere it is none the worse.
 *
 * The program runs itself as a child, "fault_compact push DIR", under GODWIT_FAILPOINT. The number
 * of passes is GODWIT_COMPACT_PASSES (200); with more than a few it prints the table of
 * docs/vault-care.md.
 */
#include "tests/replica_place.h"

#include "transport/gc.h"
#include "transport/vault_impl.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/banned.h"

enum { MIB = 1 << 20, SIZE = 16 * MIB, SECTOR = 4096, WRITES = 16 };

static unsigned passes(void)
{
    const char *text = getenv("GODWIT_COMPACT_PASSES");

    return text ? (unsigned)strtoul(text, NULL, 10) : 200;
}

static uint64_t requests_of(const struct place *p)
{
    struct store_counts c;

    store_counts(vault_store(p->vault), &c);
    return c.get_n;
}

static void scatter(const struct place *p, uint64_t *seed, unsigned n, uint64_t reach)
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t at = place_rand(seed) % (reach / SECTOR) * SECTOR;

        place_random(p, "a", at, SECTOR, place_rand(seed));
    }
}

static struct place_run push(const struct place *p, int compact)
{
    struct place_run r = {.image = "a", .state = "sa", .workers = 2, .compact = compact};

    place_ok(place_push(p, &r), &r);
    return r;
}

/* Requests of a restore of the newest point, which is compared. */
static uint64_t restore(const struct place *p)
{
    struct place_run r = {.image = "b", .state = "sb"};
    uint64_t before = requests_of(p);
    char path[PATH_MAX];

    unit_rmdir(strdup(unit_path(p->dir, "sb", path)));
    unlink(unit_path(p->dir, "b", path));
    place_ok(place_pull(p, &r), &r);
    assert_true(place_same(p, "a", "b", SIZE));
    return requests_of(p) - before;
}

/* Only the newest point stays, and nothing of the others. */
static void retain_newest(const struct place *p)
{
    static const struct care_policy last = {.last = 1};
    struct gc_run run = {.vault = p->vault, .policy = &last, .idle = true, .apply = true};
    struct gc_report report;
    struct err err = {0};

    if (gc_collect(&run, &report, &err) < 0)
        fail_msg("%s", err.text);
}

static void begin(struct place *p)
{
    place_init(p, NULL);
    place_resize(p, "a", SIZE);
    place_random(p, "a", 0, SIZE, 1);
    push(p, REPLICA_COMPACT_NONE);
}

static void many_scattered_passes_are_read_in_few_requests(void **state)
{
    uint64_t seed = 7, fresh, before, after;
    struct place_run last = {0}, all;
    struct gc_usage usage;
    struct place p;

    (void)state;
    begin(&p);
    fresh = restore(&p);
    for (unsigned i = 1; i <= passes(); i++) {
        scatter(&p, &seed, WRITES, SIZE);
        last = push(&p, REPLICA_COMPACT_NONE);
        if (i % 25 == 0)
            retain_newest(&p);
        if (i == 10 || i == 50 || i == passes())
            print_message("%u passes: %u GETs\n", i, (unsigned)restore(&p));
    }
    before = restore(&p);
    all = push(&p, REPLICA_COMPACT_ALL);
    assert_int_equal(all.point.seq, last.point.seq + 1);
    assert_int_equal(all.progress.changed_bytes, 0);
    assert_int_equal(all.progress.compacted_bytes, SIZE);
    assert_memory_equal(all.point.digest, last.point.digest, sizeof(all.point.digest));
    retain_newest(&p);
    after = restore(&p);
    print_message("fresh: %u GETs; compacted: %u\n", (unsigned)fresh, (unsigned)after);
    assert_true(after <= fresh + 4);
    assert_true(before > after + passes() / 2);
    assert_ok(place_verify(&p, "a", NULL, NULL, NULL));
    /* What the scattered ones were in is gone. */
    assert_ok(gc_usage(p.vault, NULL, NULL, NULL, &usage, NULL));
    assert_int_equal(usage.unneeded_packs, 0);
    assert_true(usage.kinds[0].bytes < SIZE + SIZE / 50);
    /* And once it is sequential there is nothing to do. */
    all = push(&p, REPLICA_COMPACT_ALL);
    assert_int_equal(all.point.seq, last.point.seq + 1);
    assert_int_equal(all.progress.sent_bytes, 0);
    place_done(&p);
}

struct sum {
    uint64_t changed, again, sent; /* bytes of all passes but the seed */
    uint64_t requests;             /* of a restore after them */
};

/* Most writes meet the few sectors below reach: what older passes hold of them becomes little. */
static struct sum many_passes(int compact, unsigned n, uint64_t reach)
{
    struct sum sum = {0};
    uint64_t seed = 7;
    struct place p;

    begin(&p);
    for (unsigned i = 0; i < n; i++) {
        struct place_run r;

        scatter(&p, &seed, 4, SIZE);
        scatter(&p, &seed, 60, reach);
        r = push(&p, compact);
        sum.changed += r.progress.changed_bytes;
        sum.again += r.progress.compacted_bytes;
        sum.sent += r.progress.sent_bytes;
    }
    sum.requests = restore(&p);
    print_message(
        "%s, reach %u MiB: changed %u KiB, sent again %u KiB, sent in all %u KiB, %u GETs\n",
        compact == REPLICA_COMPACT_NONE ? "none" : "10%", (unsigned)(reach >> 20),
        (unsigned)(sum.changed >> 10), (unsigned)(sum.again >> 10), (unsigned)(sum.sent >> 10),
        (unsigned)sum.requests);
    place_done(&p);
    return sum;
}

/* By default at most a tenth is added, and what it brings together stays together. */
static void a_share_of_the_change_bounds_it(void **state)
{
    struct sum none, tenth;

    (void)state;
    none = many_passes(REPLICA_COMPACT_NONE, 60, MIB);
    tenth = many_passes(0, 60, MIB);
    assert_int_equal(none.again, 0);
    assert_in_range(tenth.again, 1, tenth.changed / 10);
    assert_true((double)tenth.sent <= 1.15 * (double)tenth.changed);
    assert_true(tenth.requests * 3 < none.requests * 2);
}

/* Thousands of extents in a region: their map is paid from the same share. */
static void what_the_map_takes_is_not_spent_twice(void **state)
{
    struct sum even;

    (void)state;
    even = many_passes(0, passes(), SIZE);
    assert_true(even.again > 0);
    assert_true((double)even.sent <= 1.15 * (double)even.changed);
}

/* A pass that meets no change makes no point for the plan's sake. */
static void what_did_not_change_makes_no_point(void **state)
{
    struct place_run r;
    uint64_t seed = 7;
    struct place p;

    (void)state;
    begin(&p);
    for (unsigned i = 0; i < 40; i++) {
        scatter(&p, &seed, WRITES, SIZE);
        r = push(&p, 100);
    }
    for (unsigned i = 0; i < 2; i++) {
        struct place_run again = push(&p, 100);

        assert_int_equal(again.point.seq, r.point.seq);
        assert_int_equal(again.progress.sent_bytes, 0);
    }
    place_done(&p);
}

/* ---- killed -------------------------------------------------------------------------- */

static int child(const char *dir)
{
    struct place_run r = {
        .image = "a", .state = "sa", .workers = 1, .compact = REPLICA_COMPACT_ALL};

    return place_push_alone(dir, &r);
}

static bool run_child(const struct place *p, const char *failpoints)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        setenv("GODWIT_FAILPOINT", failpoints, 1);
        execl("/proc/self/exe", "fault_compact", "push", p->dir, (char *)NULL);
        _exit(4);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static void killed_at(const char *failpoint, bool write)
{
    uint64_t seed = 7, after;
    struct place_run r;
    uint8_t digest[REPLICA_DIGEST_LEN];
    struct place p;

    begin(&p);
    for (unsigned i = 0; i < 20; i++) {
        scatter(&p, &seed, WRITES, SIZE);
        r = push(&p, REPLICA_COMPACT_NONE);
    }
    if (!run_child(&p, failpoint))
        fail_msg("%s was not met", failpoint);
    restore(&p);
    if (write)
        scatter(&p, &seed, WRITES, SIZE);
    r = push(&p, REPLICA_COMPACT_ALL);
    assert_true(r.progress.sent_bytes < SIZE + SIZE / 20);
    place_digest(&p, "a", SIZE, digest);
    assert_memory_equal(r.point.digest, digest, sizeof(digest));
    retain_newest(&p);
    after = restore(&p);
    assert_in_range(after, 1, 30);
    assert_ok(place_verify(&p, "a", NULL, NULL, NULL));
    place_done(&p);
}

static void killed_anywhere_it_goes_on(void **state)
{
    static const char *const points[] = {
        "push_read:5=kill",         "push_pack_durable:2=kill", "push_pages_durable:1=kill",
        "push_point_before:1=kill", "push_point_after:1=kill",  "push_table_commit:1=kill",
        "push_gather_saved:1=kill", "push_track_commit:1=kill",
    };

    const char *have = getenv("GODWIT_TEST_FAILPOINTS");

    (void)state;
    if (!have || !have[0])
        skip();
    for (size_t i = 0; i < ARRAY_LEN(points); i++)
        killed_at(points[i], i % 2 == 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_scattered_passes_are_read_in_few_requests),
        cmocka_unit_test(a_share_of_the_change_bounds_it),
        cmocka_unit_test(what_the_map_takes_is_not_spent_twice),
        cmocka_unit_test(what_did_not_change_makes_no_point),
        cmocka_unit_test(killed_anywhere_it_goes_on),
    };

    if (argc == 3)
        return child(argv[2]);
    place_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pass that is killed after it noted pages: what goes on takes these regions over by their pages,
 * with no ledger at all if need be; and believes none of them when a collector took their packs.
 *
 * The program runs itself as a child, "fault_made DIR", under GODWIT_FAILPOINT. Many small units
 * make pages large, so that a pack of them is full long before the pass ends.
 */
#include "tests/replica_place.h"

#include "transport/gc.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/banned.h"

enum { MIB = 1 << 20, REGION = 64 * MIB, REGIONS = 12, SECTOR = 4096, UNITS = 256 };
#define SIZE ((uint64_t)REGIONS * REGION)

static struct place_run source(void)
{
    return (struct place_run){
        .image = "a", .state = "sa", .compact = REPLICA_COMPACT_NONE, .pack_bytes = 16 * 1024};
}

static int child(const char *dir)
{
    struct place_run r = source();

    return place_push_alone(dir, &r);
}

static void kill_child(const struct place *p, const char *failpoint)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        setenv("GODWIT_FAILPOINT", failpoint, 1);
        execl("/proc/self/exe", "fault_made", p->dir, (char *)NULL);
        _exit(4);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static uint64_t file_bytes(const struct place *p, const char *name)
{
    char path[PATH_MAX];
    struct stat st;

    assert_int_equal(stat(unit_path(p->dir, name, path), &st), 0);
    return (uint64_t)st.st_size;
}

/* Sectors far from each other, each a unit of its own. */
static void killed_pass(struct place *p)
{
    struct place_run r = source();
    uint64_t seed = 5;

    place_init(p, NULL);
    place_resize(p, "a", SIZE);
    place_ok(place_push(p, &r), &r);
    for (uint64_t region = 0; region < REGIONS; region++)
        for (uint64_t i = 0; i < UNITS; i++)
            place_random(p, "a", region * REGION + i * (REGION / UNITS), SECTOR, place_rand(&seed));
    kill_child(p, "push_pages_noted:3=kill");
    assert_true(file_bytes(p, "sa/pages") > 0);
    assert_true(file_bytes(p, "sa/packs") > 0);
}

static void assert_equal(const struct place *p, const struct place_run *push)
{
    struct place_run pull = {.image = "b", .state = "sb"};
    uint8_t digest[REPLICA_DIGEST_LEN];

    place_ok(place_pull(p, &pull), &pull);
    assert_true(place_same(p, "a", "b", SIZE));
    place_digest(p, "a", SIZE, digest);
    assert_memory_equal(push->point.digest, digest, sizeof(digest));
    assert_ok(place_verify(p, NULL, NULL, NULL, NULL));
}

static void noted_regions_need_no_ledger(void **state)
{
    struct place_run whole = source();
    struct place_run r = source();
    char path[PATH_MAX];
    struct place p;

    (void)state;
    killed_pass(&p);
    assert_int_equal(truncate(unit_path(p.dir, "sa/ledger", path), 0), 0);
    place_random(&p, "a", SIZE / 2, SECTOR, 9); /* and what changed meanwhile is seen */
    place_ok(place_push(&p, &r), &r);
    assert_int_equal(r.point.seq, 2);
    assert_equal(&p, &r);
    assert_int_equal(file_bytes(&p, "sa/pages") + file_bytes(&p, "sa/packs"), 0);
    /* Against one that knows nothing. */
    unit_rmdir(strdup(unit_path(p.dir, "vault", path)));
    unit_rmdir(strdup(unit_path(p.dir, "sa", path)));
    assert_int_equal(mkdir(unit_path(p.dir, "vault", path), 0700), 0);
    vault_close(p.vault);
    assert_ok(place_open_vault(&p, NULL));
    place_ok(place_push(&p, &whole), &whole);
    print_message("sent: %u KiB of %u KiB\n", (unsigned)(r.progress.sent_bytes >> 10),
                  (unsigned)(whole.progress.sent_bytes >> 10));
    assert_true(r.progress.sent_bytes < whole.progress.sent_bytes * 9 / 10);
    place_done(&p);
}

static void nothing_is_believed_that_a_collector_took(void **state)
{
    static const struct care_policy last = {.last = 1};
    struct place_run r = source();
    struct gc_report report;
    struct gc_run run;
    struct place p;

    (void)state;
    killed_pass(&p);
    run = (struct gc_run){.vault = p.vault, .policy = &last, .idle = true, .apply = true};
    assert_ok(gc_collect(&run, &report, NULL));
    assert_true(report.packs_deleted + report.packs_condemned > 0);
    place_ok(place_push(&p, &r), &r);
    assert_equal(&p, &r);
    place_done(&p);
}

/* The store lost the pages and nobody wrote it down: what they name is sent again. */
static void lost_pages_are_made_again(void **state)
{
    struct place_run r = source();
    char path[PATH_MAX];
    struct place p;

    (void)state;
    killed_pass(&p);
    assert_int_equal(truncate(unit_path(p.dir, "sa/ledger", path), 0), 0);
    unit_rmdir(strdup(unit_path(p.dir, "vault/packs", path)));
    place_ok(place_push(&p, &r), &r);
    assert_equal(&p, &r);
    place_done(&p);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noted_regions_need_no_ledger),
        cmocka_unit_test(nothing_is_believed_that_a_collector_took),
        cmocka_unit_test(lost_pages_are_made_again),
    };
    const char *have = getenv("GODWIT_TEST_FAILPOINTS");

    if (argc == 2)
        return child(argv[1]);
    if (have && !have[0]) {
        puts("needs --enable-failpoints");
        return 77;
    }
    place_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replicas under failures: killed at every failpoint, errors from volume, store and state
 * directory, and every object of the vault altered, cut or lost. In the end: the right bytes, or a
 * named error and nothing wrong.
 *
 * The program runs itself as a child, "fault_replica push|pull DIR", under GODWIT_FAILPOINT. With
 * GODWIT_SOAK set it goes through up to 200 passes of each point.
 */
#include "tests/replica_place.h"

#include "base/gw.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/banned.h"

enum { MIB = 1 << 20, SIZE = 66 * MIB + 99, PASSES_MAX = 3, SOAK_MAX = 200 };

static struct place_run source(void)
{
    return (struct place_run){.image = "a", .state = "sa", .epoch = 1};
}

static struct place_run landing(void)
{
    return (struct place_run){.image = "b", .state = "sb"};
}

static int child(const char *what, const char *dir)
{
    struct place p = {.dir = strdup(dir)};
    struct place_run r = text_equal(what, "push") ? source() : landing();
    struct err err = {0};
    int rc;

    if (text_print(p.url, sizeof(p.url), "file://%s/vault", dir) < 0)
        return 3;
    if (place_open_vault(&p, &err) < 0) {
        free(p.dir);
        return 1;
    }
    r.workers = 8; /* so that there are several packs */
    rc = text_equal(what, "push") ? place_push(&p, &r) : place_pull(&p, &r);
    vault_close(p.vault);
    free(p.dir);
    return rc < 0 ? 1 : 0;
}

enum outcome { DONE = 0, FAILED = 1, KILLED = -1 };

static enum outcome run_child(const struct place *p, const char *what, const char *failpoints)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        setenv("GODWIT_FAILPOINT", failpoints, 1);
        execl("/proc/self/exe", "fault_replica", what, p->dir, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return KILLED;
    }
    assert_in_range(WEXITSTATUS(status), 0, 1);
    return WEXITSTATUS(status) == 0 ? DONE : FAILED;
}

/* A seed of a little data spread over two regions, and a landing side that has it. */
static void begin(struct place *p)
{
    struct place_run push = source();
    struct place_run pull = landing();

    place_init(p, NULL);
    place_resize(p, "a", SIZE);
    place_random(p, "a", 100000, 2 * MIB, 1);
    place_random(p, "a", 65 * MIB, MIB, 2);
    place_ok(place_push(p, &push), &push);
    place_ok(place_pull(p, &pull), &pull);
}

static void change(const struct place *p, uint64_t seed)
{
    place_random(p, "a", place_rand(&seed) % (SIZE - MIB), 200000, seed);
    place_random(p, "a", SIZE - 5000, 5000, seed + 1);
}

/* Whatever happened, the next runs must bring both sides to the same bytes. */
static void recover(const struct place *p)
{
    struct place_run push = source();
    struct place_run pull = landing();
    struct err err = {0};
    uint8_t digest[32];

    place_ok(place_push(p, &push), &push);
    place_digest(p, "a", 0, digest);
    assert_memory_equal(digest, push.point.digest, 32);
    place_ok(place_pull(p, &pull), &pull);
    assert_true(place_same(p, "a", "b", SIZE));
    if (place_verify(p, "b", NULL, NULL, &err) < 0)
        fail_msg("%s", err.text);
    push.progress.sent_bytes = 0;
    place_ok(place_push(p, &push), &push);
    assert_int_equal(push.progress.sent_bytes, 0);
    place_ok(place_push(p, &pull), &pull); /* its digest table is the point's too */
    assert_int_equal(pull.progress.sent_bytes, 0);
}

static bool have_failpoints(void)
{
    const char *have = getenv("GODWIT_TEST_FAILPOINTS");

    return have && have[0];
}

/* At the nth pass of the point, for n = 1, 2, … until a run gets through without it. */
static void at_each_pass(const char *what, const char *point, const char *action)
{
    char spec[128];
    struct place p;

    begin(&p);
    for (unsigned n = 1; n <= (getenv("GODWIT_SOAK") ? SOAK_MAX : PASSES_MAX); n++) {
        enum outcome got;

        change(&p, n);
        if (text_equal(what, "pull")) {
            struct place_run push = source();

            place_ok(place_push(&p, &push), &push);
        }
        assert_ok(text_print(spec, sizeof(spec), "%s:%u=%s", point, n, action));
        got = run_child(&p, what, spec);
        if (n == 1 && got == DONE)
            fail_msg("%s never passes %s", what, point);
        if (got != DONE)
            assert_int_equal(got, text_equal(action, "kill") ? KILLED : FAILED);
        recover(&p);
        if (got == DONE)
            break;
    }
    place_done(&p);
}

static void killed_push_goes_on(void **state)
{
    static const char *const points[] = {
        "push_read",         "push_pack_durable", "push_pages_durable", "push_point_before",
        "push_point_after",  "push_table_commit", "push_track_commit",  "pack_put",
        "pack_put_done",     "page_put",          "page_put_done",      "point_put",
        "point_put_done",    "table_seal",        "table_apply",        "table_whole",
        "fd_rename",         "file_put_write",    "file_put_place",     "track_commit",
        "push_gather_saved",
    };

    (void)state;
    if (!have_failpoints())
        skip();
    for (size_t i = 0; i < ARRAY_LEN(points); i++)
        at_each_pass("push", points[i], "kill");
}

static void killed_pull_goes_on(void **state)
{
    static const char *const points[] = {
        "pull_mark",   "pull_write",  "pull_flush",   "pull_state", "volume_write",
        "table_apply", "table_whole", "volume_flush", "fd_rename",
    };

    (void)state;
    if (!have_failpoints())
        skip();
    for (size_t i = 0; i < ARRAY_LEN(points); i++)
        at_each_pass("pull", points[i], "kill");
}

static void errors_leave_everything_as_it_was(void **state)
{
    static const struct {
        const char *what;
        const char *point;
        const char *action;
    } cases[] = {
        {"push", "push_read", "err:EIO"},         {"push", "volume_read", "err:ENXIO"},
        {"push", "file_put_write", "err:ENOSPC"}, {"push", "store_put", "err:ENOSPC"},
        {"push", "table_seal", "err:ENOSPC"},     {"push", "fd_write", "err:ENOSPC"},
        {"push", "fd_sync", "err:EIO"},           {"push", "fd_rename", "err:ENOSPC"},
        {"push", "table_apply", "err:ENOSPC"},    {"push", "store_get", "err:EACCES"},
        {"pull", "pull_write", "err:ENOSPC"},     {"pull", "volume_write", "err:EIO"},
        {"pull", "volume_flush", "err:EIO"},      {"pull", "store_get", "err:EACCES"},
        {"pull", "fd_write", "err:ENOSPC"},       {"pull", "table_apply", "err:EIO"},
    };

    (void)state;
    if (!have_failpoints())
        skip();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        at_each_pass(cases[i].what, cases[i].point, cases[i].action);
}

static uint64_t file_bytes(const struct place *p, const char *name)
{
    char path[PATH_MAX];
    struct stat st;

    assert_int_equal(stat(unit_path(p->dir, name, path), &st), 0);
    return (uint64_t)st.st_size;
}

/* 48 MiB that cannot be compressed make some 24 packs of about 2 MiB. At the fourteenth all are in
 * the ledger but those that the streams have under way: six at most. */
static void killed_seed_does_not_send_again(void **state)
{
    enum { SEED = 48 * MIB, PACK_MIN = 7 * MIB / 4, UNIT_RECORD = 32 + 32 + 24 + 18 + 8 };
    struct place_run push = source();
    struct place_run pull = landing();
    uint64_t known;
    struct place p;

    (void)state;
    if (!have_failpoints())
        skip();
    place_init(&p, NULL);
    place_random(&p, "a", 0, SEED, 7);
    assert_int_equal(run_child(&p, "push", "push_pack_durable:14=kill"), KILLED);
    known = file_bytes(&p, "sa/ledger") / UNIT_RECORD * 256 * 1024;
    assert_true(known >= (uint64_t)(14 - 6) * PACK_MIN);
    place_ok(place_push(&p, &push), &push);
    assert_true(push.progress.sent_bytes <= SEED - known + MIB);
    place_ok(place_pull(&p, &pull), &pull);
    assert_true(place_same(&p, "a", "b", SEED));
    assert_int_equal(file_bytes(&p, "sa/ledger"), 0);
    place_done(&p);
}

/* A pull that was killed is seen by the other direction too. */
static void half_pulled_volume_is_not_pushed(void **state)
{
    struct place_run push = source();
    struct place_run back = landing();
    struct place p;

    (void)state;
    if (!have_failpoints())
        skip();
    begin(&p);
    change(&p, 1);
    place_ok(place_push(&p, &push), &push);
    assert_int_equal(run_child(&p, "pull", "pull_flush=kill"), KILLED);
    back.epoch = 2;
    assert_fails(-ESTALE, place_push(&p, &back));
    assert_int_equal(back.err.gw, GW_VOLUME_CHANGED);
    recover(&p);
    place_done(&p);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_push_goes_on),
        cmocka_unit_test(killed_pull_goes_on),
        cmocka_unit_test(errors_leave_everything_as_it_was),
        cmocka_unit_test(killed_seed_does_not_send_again),
        cmocka_unit_test(half_pulled_volume_is_not_pushed),
    };

    if (argc == 3)
        return child(argv[1], argv[2]);
    place_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

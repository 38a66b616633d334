/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collectors of garbage beside pushers, both killed anywhere: whatever the order, every point that
 * is offered stays whole, and what nothing needs goes in the end.
 *
 * The program runs itself as a child, "fault_gc push|gc DIR HOURS", under GODWIT_FAILPOINT; HOURS
 * is how far its clock is ahead. A clock with a hook lets a collector run at one exact moment of a
 * push in this process.
 */
#include "tests/replica_place.h"

#include "base/gw.h"
#include "transport/gc.h"
#include "transport/pack.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/banned.h"

enum { MIB = 1 << 20, SIZE = 3 * MIB, HOUR_MS = 3600 * 1000 };

/* ---- a clock that is ahead ------------------------------------------------------------ */

struct ahead {
    struct clock clock;
    _Atomic uint64_t ms;
    void (*_Atomic hook)(void *); /* once, at the next look of a push while packs are sent */
    void *arg;
    const struct replica_progress *progress;
    void (*sleep)(void *arg); /* once, just before look number sleep_at of either clock */
    unsigned sleep_at;
    _Atomic unsigned looks;
};

static void count_look(struct ahead *a)
{
    if (a->sleep && ++a->looks == a->sleep_at)
        a->sleep(a->arg);
}

static uint64_t ahead_wall(void *arg)
{
    struct ahead *a = arg;

    count_look(a);
    return clock_wall_ms(&clock_system) + a->ms;
}

static uint64_t ahead_mono(void *arg)
{
    struct ahead *a = arg;

    count_look(a);
    if (a->hook && a->progress->packs > 0) {
        void (*hook)(void *) = atomic_exchange(&a->hook, NULL);

        if (hook)
            hook(a->arg);
    }
    return clock_mono_ms(&clock_system) + a->ms;
}

static void ahead_sleep(void *arg, uint64_t ms)
{
    (void)arg;
    clock_sleep_ms(&clock_system, ms);
}

static void open_ahead(struct place *p, struct ahead *a, uint64_t hours)
{
    struct vault_conf conf = {
        .store = {.url = p->url, .clock = &a->clock}, .key = place_key, .create = true};
    struct err err = {0};

    *a = (struct ahead){.ms = hours * HOUR_MS};
    a->clock = (struct clock){ahead_wall, ahead_mono, ahead_sleep, a};
    vault_close(p->vault);
    p->vault = NULL;
    if (vault_open(&conf, &p->vault, &err) < 0)
        fail_msg("%s", err.text);
}

/* ---- what is done ------------------------------------------------------------------------ */

static int collect(const struct place *p, struct gc_report *ret, struct err *err)
{
    static const struct care_policy last = {.last = 1};
    struct gc_run run = {
        .vault = p->vault, .policy = &last, .grace_ms = GC_GRACE_MIN_MS, .apply = true};

    return gc_collect(&run, ret, err);
}

/* At so many hours from now. */
static struct gc_report collect_at(const struct place *from, uint64_t hours)
{
    struct place p = {.dir = from->dir};
    struct gc_report report = {0};
    struct err err = {0};
    struct ahead a;

    text_copy(p.url, sizeof(p.url), from->url);
    open_ahead(&p, &a, hours);
    if (collect(&p, &report, &err) < 0)
        fail_msg("%s", err.text);
    vault_close(p.vault);
    return report;
}

static void assert_pulls(const struct place *p)
{
    struct place_run pull = {.image = "b", .state = "sb"};
    char path[PATH_MAX];

    unit_rmdir(strdup(unit_path(p->dir, "sb", path)));
    unlink(unit_path(p->dir, "b", path));
    place_ok(place_pull(p, &pull), &pull);
}

static void assert_whole(const struct place *p)
{
    struct gc_check_run run = {.vault = p->vault, .full = true};
    struct gc_check_report report;
    struct err err = {0};

    if (gc_check(&run, &report, &err) < 0)
        fail_msg("%s", err.text);
    assert_pulls(p);
}

static int child(const char *what, const char *dir, uint64_t hours)
{
    struct place p = {.dir = strdup(dir)};
    struct place_run run = {.image = "a", .state = "sa", .workers = 1};
    struct gc_report report;
    struct ahead a;
    int rc;

    if (text_print(p.url, sizeof(p.url), "file://%s/vault", dir) < 0)
        return 3;
    open_ahead(&p, &a, hours);
    rc = text_equal(what, "push") ? place_push(&p, &run) : collect(&p, &report, NULL);
    vault_close(p.vault);
    free(p.dir);
    return rc < 0 ? 1 : 0;
}

/* How it ended, as of waitpid. */
static int end_of_child(const struct place *p, const char *what, const char *hours,
                        const char *failpoints)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        setenv("GODWIT_FAILPOINT", failpoints, 1);
        execl("/proc/self/exe", "fault_gc", what, p->dir, hours, (char *)NULL);
        _exit(4);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* Killed? */
static bool run_child(const struct place *p, const char *what, const char *hours,
                      const char *failpoints)
{
    int status = end_of_child(p, what, hours, failpoints);

    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static void push(const struct place *p, uint64_t seed)
{
    struct place_run r = {.image = "a", .state = "sa", .workers = 1};

    if (seed)
        place_random(p, "a", MIB / 2, MIB, seed);
    place_ok(place_push(p, &r), &r);
}

static void begin(struct place *p, unsigned points)
{
    place_init(p, NULL);
    place_resize(p, "a", SIZE);
    place_random(p, "a", 0, SIZE, 1);
    for (unsigned i = 0; i < points; i++)
        push(p, 10 + i);
}

static int count(void *arg, const struct replica_point *point)
{
    unsigned *n = arg;

    (void)point;
    (*n)++;
    return 0;
}

static void assert_points(const struct place *p, unsigned want)
{
    unsigned n = 0;

    assert_ok(replica_points(p->vault, "shop/db", count, &n, NULL));
    assert_int_equal(n, want);
}

/* ---- alone --------------------------------------------------------------------------------- */

static void what_no_point_needs_goes_in_two_runs(void **state)
{
    struct gc_report report;
    struct gc_usage usage;
    struct place p;

    (void)state;
    begin(&p, 4);
    report = collect_at(&p, 0);
    assert_int_equal(report.points_given_up, 3);
    assert_int_equal(report.packs_condemned, 0); /* too young */
    assert_true(report.packs_young > 0);
    assert_points(&p, 1);
    assert_ok(gc_usage(p.vault, NULL, NULL, NULL, &usage, NULL));
    assert_true(usage.unneeded_packs == report.packs_young);
    report = collect_at(&p, 2);
    assert_int_equal(report.packs_condemned, usage.unneeded_packs);
    assert_int_equal(report.packs_deleted, 0);
    report = collect_at(&p, 2);
    assert_int_equal(report.packs_condemned, 0);
    assert_int_equal(report.packs_waiting, usage.unneeded_packs);
    report = collect_at(&p, 4);
    assert_int_equal(report.packs_deleted, usage.unneeded_packs);
    assert_int_equal(report.bytes_deleted, usage.unneeded_bytes);
    assert_ok(gc_usage(p.vault, NULL, NULL, NULL, &usage, NULL));
    assert_int_equal(usage.unneeded_packs, 0);
    assert_whole(&p);
    assert_true(place_same(&p, "a", "b", SIZE));
    push(&p, 99);
    assert_points(&p, 2);
    place_done(&p);
}

static void nothing_goes_while_something_cannot_be_read(void **state)
{
    struct gc_report report = {0};
    struct err err = {0};
    char path[PATH_MAX];
    struct place p;

    (void)state;
    begin(&p, 2);
    assert_int_equal(
        unlink(unit_path(p.dir, "vault/replicas/shop/db/points/0000000000000001", path)), 0);
    assert_true(collect(&p, &report, &err) < 0);
    assert_int_equal(err.gw, GW_REPLICA_NOT_FOUND);
    place_done(&p);
}

/* Without create-only no order holds: refused before a sweep is written down, which would forbid
 * pushers to count on packs that stay. */
static void a_store_without_create_only_is_not_swept(void **state)
{
    struct gc_report report;
    struct place p;
    int status;

    (void)state;
    begin(&p, 3);
    assert_true(collect_at(&p, 2).packs_condemned > 0);
    status = end_of_child(&p, "gc", "4", "store_put:1=err:EOPNOTSUPP");
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    report = collect_at(&p, 2);
    assert_true(report.packs_waiting > 0);
    report = collect_at(&p, 4);
    assert_true(report.packs_deleted > 0);
    assert_whole(&p);
    place_done(&p);
}

/* A point that a repair went past is none: it needs nothing, and nothing waits for it. */
static void a_point_that_was_set_aside_holds_nothing_up(void **state)
{
    struct place_run repair = {.image = "a", .state = "sa", .repair = true};
    struct gc_usage usage;
    char path[PATH_MAX];
    struct place p;

    (void)state;
    begin(&p, 3);
    assert_int_equal(
        truncate(unit_path(p.dir, "vault/replicas/shop/db/points/0000000000000003", path), 99), 0);
    place_ok(place_push(&p, &repair), &repair);
    assert_int_equal(repair.point.seq, 4);
    for (uint64_t hours = 2; hours <= 4; hours += 2)
        collect_at(&p, hours);
    assert_ok(gc_usage(p.vault, NULL, NULL, NULL, &usage, NULL));
    assert_int_equal(usage.unneeded_packs, 0);
    repair = (struct place_run){.image = "b", .state = "sb"};
    place_ok(place_pull(&p, &repair), &repair);
    assert_true(place_same(&p, "a", "b", SIZE));
    place_done(&p);
}

/* ---- killed -------------------------------------------------------------------------------- */

static void a_collector_killed_anywhere_can_be_run_again(void **state)
{
    static const char *const points[] = {"care_log_add", "care_log_add_done", "gc_marked",
                                         "gc_sweep", "gc_delete"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        bool killed = true;

        for (unsigned pass = 1; killed && pass <= 3; pass++) {
            struct gc_usage usage;
            char spec[64];
            struct place p;

            begin(&p, 3);
            text_print(spec, sizeof(spec), "%s:%u=kill", points[i], pass);
            killed = run_child(&p, "gc", "2", spec);
            killed = run_child(&p, "gc", "4", spec) || killed;
            assert_whole(&p);
            for (uint64_t hours = 6; hours <= 10; hours += 2)
                collect_at(&p, hours);
            assert_ok(gc_usage(p.vault, NULL, NULL, NULL, &usage, NULL));
            assert_int_equal(usage.unneeded_packs, 0);
            assert_whole(&p);
            assert_true(place_same(&p, "a", "b", SIZE));
            place_done(&p);
        }
    }
}

/* Every pack that a sweep has named is gone now, whoever was to delete it. */
static void finish_sweeps(const struct place *p)
{
    auto_care_log struct care_log *log = NULL;
    char key[PACK_KEY_MAX];

    assert_ok(care_log_open(p->vault, 0, &log, NULL));
    assert_ok(care_log_read(log, NULL));
    for (size_t i = 0; i < log->lists_n; i++)
        for (size_t k = 0; log->lists[i].swept && k < log->lists[i].n; k++)
            assert_ok(
                store_delete(vault_store(p->vault), pack_key(log->lists[i].packs[k], key), NULL));
}

static bool is_asked_for(const struct place *p)
{
    struct place mine = *p; /* a handle belongs to one thread */
    auto_care_log struct care_log *log = NULL;
    bool kept = false;

    assert_ok(place_open_vault(&mine, NULL));
    assert_ok(care_log_open(mine.vault, 0, &log, NULL));
    assert_ok(care_log_read(log, NULL));
    for (size_t i = 0; i < log->lists_n; i++)
        for (size_t k = 0; k < log->lists[i].n; k++)
            kept = kept || log->lists[i].kept[k];
    vault_close(mine.vault);
    return kept;
}

/* A pass killed before its point left packs that no point needs; a collector finds them. */
static void abandon(struct place *p)
{
    begin(p, 1);
    place_random(p, "a", MIB / 2, MIB, 77);
    assert_true(run_child(p, "push", "0", "push_point_before:1=kill"));
}

static void packs_of_a_killed_push_are_kept_when_it_goes_on(void **state)
{
    struct gc_report report;
    struct place p;

    (void)state;
    abandon(&p);
    report = collect_at(&p, 2);
    assert_true(report.packs_condemned > 0);
    push(&p, 0); /* resumes: what it knows is condemned, and it asks for it */
    assert_true(is_asked_for(&p));
    report = collect_at(&p, 4);
    finish_sweeps(&p);
    assert_whole(&p);
    assert_true(place_same(&p, "a", "b", SIZE));
    place_done(&p);
}

static void packs_of_a_killed_push_are_sent_again_once_they_were_swept(void **state)
{
    (void)state;
    /* Deleted, or only named by the sweep when the collector was killed. */
    for (int late = 0; late < 2; late++) {
        struct place p;

        abandon(&p);
        collect_at(&p, 2);
        assert_int_equal(run_child(&p, "gc", "4", late ? "gc_delete:1=kill" : ""), late);
        push(&p, 0);
        finish_sweeps(&p);
        assert_whole(&p);
        assert_true(place_same(&p, "a", "b", SIZE));
        place_done(&p);
    }
}

/* ---- what goes is missed by pulls ------------------------------------------------------------ */

/* A volume that is equal to a point whose packs were swept is pulled to the newest all the same. */
static void a_pull_whose_base_was_swept_compares_all(void **state)
{
    struct place_run pull = {.image = "b", .state = "sb"};
    struct place p;

    (void)state;
    begin(&p, 1);
    place_ok(place_pull(&p, &pull), &pull);
    for (unsigned i = 0; i < 3; i++)
        push(&p, 20 + i);
    place_random(&p, "a", 0, SIZE, 30); /* not one unit of the first point is needed */
    push(&p, 0);
    for (uint64_t hours = 2; hours <= 4; hours += 2)
        collect_at(&p, hours);
    place_ok(place_pull(&p, &pull), &pull);
    assert_true(place_same(&p, "a", "b", SIZE));
    place_done(&p);
}

static void a_pull_of_what_was_given_up_says_so(void **state)
{
    struct place_run pull = {.image = "b", .state = "sb", .seq = 1};
    struct place p;

    (void)state;
    begin(&p, 1);
    place_random(&p, "a", 0, SIZE, 30);
    push(&p, 0);
    collect_at(&p, 0);
    place_ok(place_pull(&p, &pull), &pull); /* it can be read until its packs go */
    for (uint64_t hours = 2; hours <= 4; hours += 2)
        collect_at(&p, hours);
    pull.image = "c";
    pull.state = "sc";
    assert_fails(-ENOENT, place_pull(&p, &pull));
    assert_int_equal(pull.err.gw, GW_REPLICA_NOT_FOUND);
    assert_non_null(strstr(pull.err.text, "retention gave point 1 of 'shop/db' up at 20"));
    place_done(&p);
}

/* ---- in the middle of a pass ------------------------------------------------------------ */

struct middle {
    struct place *p;
    struct ahead *a;
    bool sweep;
    bool asked;   /* the pass has asked for its packs */
    uint64_t met; /* packs that the collectors found dead */
};

static void sweep_now(void *arg)
{
    struct middle *m = arg;

    if (!m->sweep && !is_asked_for(m->p)) {
        m->a->hook = sweep_now; /* not yet: others look at the clock, too */
        return;
    }
    m->asked = !m->sweep;
    collect_at(m->p, 4);
    m->a->ms = 4 * HOUR_MS;
}

static void collect_now(void *arg)
{
    struct middle *m = arg;

    m->met = collect_at(m->p, 2).packs_condemned;
    m->a->ms = 2 * HOUR_MS;
    if (m->sweep)
        sweep_now(m);
    else
        m->a->hook = sweep_now; /* before the point: by then the pass has asked for them */
}

/* The push is between its packs and its point, and takes hours. */
static void pass_with_a_collector(bool sweep)
{
    struct place_run r = {.image = "a", .state = "sa", .workers = 1};
    struct place p;
    struct ahead a;
    struct middle m = {.p = &p, .a = &a, .sweep = sweep};

    begin(&p, 1);
    open_ahead(&p, &a, 0);
    a.hook = collect_now;
    a.arg = &m;
    a.progress = &r.progress;
    place_random(&p, "a", MIB / 2, MIB, 5);
    if (sweep) {
        assert_fails(-EAGAIN, place_push(&p, &r));
        assert_int_equal(r.err.gw, GW_VAULT_MISSING);
        assert_points(&p, 1);
    }
    place_ok(place_push(&p, &r), &r);
    assert_true(m.met > 0);
    assert_int_equal(m.asked, !sweep);
    assert_points(&p, 2);
    collect_at(&p, 6);
    collect_at(&p, 8);
    finish_sweeps(&p);
    assert_whole(&p);
    assert_true(place_same(&p, "a", "b", SIZE));
    place_done(&p);
}

static void a_long_pass_asks_for_its_packs(void **state)
{
    (void)state;
    pass_with_a_collector(false);
}

static void a_pass_whose_packs_were_swept_makes_no_point(void **state)
{
    (void)state;
    pass_with_a_collector(true);
}

/* A killed push is gone on with, and the machine sleeps before look number at. Looks taken. */
static unsigned pass_that_slept(unsigned at)
{
    struct place_run r = {.image = "a", .state = "sa", .workers = 1};
    struct place p;
    struct ahead a;
    struct middle m = {.p = &p, .a = &a, .sweep = true};
    int rc;

    abandon(&p);
    open_ahead(&p, &a, 0);
    a.arg = &m;
    a.sleep = collect_now;
    a.sleep_at = at;
    rc = place_push(&p, &r);
    if (rc < 0) {
        assert_int_equal(rc, -EAGAIN);
        place_ok(place_push(&p, &r), &r);
        collect_at(&p, 6);
    }
    finish_sweeps(&p);
    (rc < 0 ? assert_pulls : assert_whole)(&p);
    assert_true(place_same(&p, "a", "b", SIZE));
    place_done(&p);
    return a.looks;
}

/* From before the log is read for the last time until after the point. */
static void a_machine_that_slept_knows_of_its_broken_point(void **state)
{
    unsigned looks = pass_that_slept(UINT_MAX);

    (void)state;
    for (unsigned at = looks > 20 ? looks - 20 : 1; at <= looks; at++)
        pass_that_slept(at);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_no_point_needs_goes_in_two_runs),
        cmocka_unit_test(nothing_goes_while_something_cannot_be_read),
        cmocka_unit_test(a_store_without_create_only_is_not_swept),
        cmocka_unit_test(a_point_that_was_set_aside_holds_nothing_up),
        cmocka_unit_test(a_collector_killed_anywhere_can_be_run_again),
        cmocka_unit_test(packs_of_a_killed_push_are_kept_when_it_goes_on),
        cmocka_unit_test(packs_of_a_killed_push_are_sent_again_once_they_were_swept),
        cmocka_unit_test(a_pull_whose_base_was_swept_compares_all),
        cmocka_unit_test(a_pull_of_what_was_given_up_says_so),
        cmocka_unit_test(a_long_pass_asks_for_its_packs),
        cmocka_unit_test(a_pass_whose_packs_were_swept_makes_no_point),
        cmocka_unit_test(a_machine_that_slept_knows_of_its_broken_point),
    };

    if (argc == 4)
        return child(argv[1], argv[2], strtoull(argv[3], NULL, 10));
    place_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

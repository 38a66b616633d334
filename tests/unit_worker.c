/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of threads: all run, the first failure is kept, signals stay with the caller. */
#include "tests/unit.h"

#include "base/worker.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/banned.h"

enum { N = 8 };

static int mark(void *arg, size_t index, struct err *err)
{
    atomic_int *marks = arg;

    (void)err;
    atomic_fetch_add(&marks[index], 1);
    return 0;
}

static void every_index_runs_once(void **state)
{
    atomic_int marks[N] = {0};
    struct workers *g;

    (void)state;
    assert_ok(workers_start(N, "mark", mark, marks, &g, NULL));
    assert_ok(workers_join(g, NULL));
    for (size_t i = 0; i < N; i++)
        assert_int_equal(1, marks[i]);
}

static void nonsense_is_refused(void **state)
{
    struct workers *g = NULL;

    (void)state;
    assert_fails(-EINVAL, workers_start(0, "none", mark, NULL, &g, NULL));
    assert_fails(-EINVAL, workers_start(SIZE_MAX, "all", mark, NULL, &g, NULL));
    assert_null(g);
}

/* Index 0 fails when the thread of index 1 is gone, its failure long recorded. */
static int fail_in_order(void *arg, size_t index, struct err *err)
{
    atomic_int *second_tid = arg;

    if (index == 1) {
        atomic_store(second_tid, gettid());
        return err_set(err, -ENOSPC, "the first failure");
    }
    while (!atomic_load(second_tid) || tgkill(getpid(), atomic_load(second_tid), 0) == 0)
        sched_yield();
    return err_set(err, -EIO, "a later failure");
}

static int fail_second(void *arg, size_t index, struct err *err)
{
    (void)arg;
    return index == 2 ? err_set_gw(err, 3011, -ENOSPC, "the failure") : 0;
}

static void join_returns_the_failure_with_its_text(void **state)
{
    struct workers *g;
    struct err err = {0};

    (void)state;
    assert_ok(workers_start(N, "w", fail_second, NULL, &g, NULL));
    assert_fails(-ENOSPC, workers_join(g, &err));
    assert_string_equal("the failure", err.text);
    assert_int_equal(3011, err.gw);
    assert_ok(workers_start(N, "w", fail_second, NULL, &g, NULL));
    assert_fails(-ENOSPC, workers_join(g, NULL));
}

static void the_first_failure_in_time_is_kept(void **state)
{
    atomic_int second_tid = 0;
    struct workers *g;
    struct err err = {0};

    (void)state;
    assert_ok(workers_start(2, "w", fail_in_order, &second_tid, &g, NULL));
    assert_fails(-ENOSPC, workers_join(g, &err));
    assert_string_equal("the first failure", err.text);
}

static int fail_silently(void *arg, size_t index, struct err *err)
{
    (void)arg;
    (void)index;
    (void)err;
    return -EIO;
}

static void a_failure_without_text_gets_one(void **state)
{
    struct workers *g;
    struct err err = {0};

    (void)state;
    assert_ok(workers_start(1, "silent", fail_silently, NULL, &g, NULL));
    assert_fails(-EIO, workers_join(g, &err));
    assert_string_equal("silent 0: Input/output error", err.text);
}

static int check_signals(void *arg, size_t index, struct err *err)
{
    sigset_t set;

    (void)arg;
    (void)index;
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    if (!sigismember(&set, SIGTERM) || !sigismember(&set, SIGINT) || !sigismember(&set, SIGHUP))
        return err_set(err, -EIO, "a signal can reach a worker");
    return 0;
}

static void workers_block_signals_and_the_caller_does_not(void **state)
{
    struct workers *g;
    sigset_t before;
    sigset_t after;

    (void)state;
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    assert_ok(workers_start(2, "sig", check_signals, NULL, &g, NULL));
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
    assert_ok(workers_join(g, NULL));
}

static int check_name(void *arg, size_t index, struct err *err)
{
    char name[16];

    (void)arg;
    pthread_getname_np(pthread_self(), name, sizeof(name));
    if (index == 1 && strcmp(name, "a-rather-l-1") != 0)
        return err_set(err, -EIO, "named '%s'", name);
    return 0;
}

static void threads_carry_a_name_within_the_kernels_limit(void **state)
{
    struct workers *g;
    struct err err = {0};

    (void)state;
    assert_ok(workers_start(2, "a-rather-long-name", check_name, NULL, &g, NULL));
    if (workers_join(g, &err) != 0)
        fail_msg("%s", err.text);
}

/* In a child: no thread can be made, so none may have run. */
static int start_without_room(void)
{
    const struct rlimit none = {0, 0};
    atomic_int marks[N] = {0};
    struct workers *g = NULL;

    if (setrlimit(RLIMIT_NPROC, &none) < 0 || (geteuid() == 0 && setresuid(65534, 65534, 65534)))
        return 77;
    if (workers_start(N, "x", mark, marks, &g, NULL) != -EAGAIN || g)
        return 1;
    for (size_t i = 0; i < N; i++)
        if (marks[i])
            return 2;
    return 0;
}

static void all_run_or_none(void **state)
{
    pid_t pid = fork();
    int status = 0;

    (void)state;
    if (pid == 0)
        _exit(start_without_room());
    assert_int_equal(pid, waitpid(pid, &status, 0));
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(0, WEXITSTATUS(status));
}

static void there_is_at_least_one_core(void **state)
{
    (void)state;
    assert_in_range(workers_cores(), 1, 65536);
    assert_true(workers_cores() <= (size_t)sysconf(_SC_NPROCESSORS_CONF));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_index_runs_once),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(join_returns_the_failure_with_its_text),
        cmocka_unit_test(the_first_failure_in_time_is_kept),
        cmocka_unit_test(a_failure_without_text_gets_one),
        cmocka_unit_test(workers_block_signals_and_the_caller_does_not),
        cmocka_unit_test(threads_carry_a_name_within_the_kernels_limit),
        cmocka_unit_test(all_run_or_none),
        cmocka_unit_test(there_is_at_least_one_core),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Child processes: what they get, what comes back, and that none outlives its time. */
#include "tests/unit.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/proc.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/banned.h"

static int shell(const char *script, struct buf *out, int *status, struct err *err)
{
    const char *const argv[] = {"sh", "-c", script, NULL};

    return proc_run(&(struct proc_run){.argv = argv}, out, status, err);
}

static void output_of_both_streams_comes_in_order(void **state)
{
    auto_buf struct buf out = {0};
    int status = -1;

    (void)state;
    assert_ok(shell("echo one; echo two >&2; echo three", &out, &status, NULL));
    assert_int_equal(0, status);
    assert_string_equal("one\ntwo\nthree\n", buf_cstr(&out));
}

static void output_is_appended_and_may_be_unwanted(void **state)
{
    auto_buf struct buf out = {0};
    int status = -1;

    (void)state;
    buf_str(&out, "before ");
    assert_ok(shell("printf after", &out, &status, NULL));
    assert_string_equal("before after", buf_cstr(&out));
    assert_ok(shell("echo unwanted", NULL, &status, NULL));
}

static void exit_status_and_signal_are_told_apart(void **state)
{
    int status = -1;

    (void)state;
    assert_ok(shell("exit 3", NULL, &status, NULL));
    assert_int_equal(3, status);
    assert_ok(shell("kill -KILL $$", NULL, &status, NULL));
    assert_int_equal(128 + SIGKILL, status);
    assert_ok(shell("kill -TERM $$", NULL, &status, NULL));
    assert_int_equal(128 + SIGTERM, status);
}

static void a_missing_program_is_noent(void **state)
{
    const char *const argv[] = {"no-such-program-here", NULL};
    struct err err = {0};
    int status = 77;

    (void)state;
    assert_fails(-ENOENT, proc_run(&(struct proc_run){.argv = argv}, NULL, &status, &err));
    assert_int_equal(77, status);
    assert_non_null(strstr(err.text, "no-such-program-here"));
}

static void a_file_that_is_no_program_is_acces(void **state)
{
    const char *const argv[] = {"/etc/passwd", NULL};
    int status;

    (void)state;
    assert_fails(-EACCES, proc_run(&(struct proc_run){.argv = argv}, NULL, &status, NULL));
}

static void a_missing_directory_is_named(void **state)
{
    const char *const argv[] = {"true", NULL};
    struct err err = {0};
    int status;

    (void)state;
    assert_fails(-ENOENT, proc_run(&(struct proc_run){.argv = argv, .cwd = "/no/such/place"}, NULL,
                                   &status, &err));
    assert_non_null(strstr(err.text, "/no/such/place"));
}

static void it_runs_in_the_directory_asked_for(void **state)
{
    const char *const argv[] = {"pwd", NULL};
    auto_buf struct buf out = {0};
    int status;

    (void)state;
    assert_ok(proc_run(&(struct proc_run){.argv = argv, .cwd = "/"}, &out, &status, NULL));
    assert_string_equal("/\n", buf_cstr(&out));
}

static void variables_are_added_and_replaced(void **state)
{
    const char *const argv[] = {"sh", "-c", "echo $GW_A/$GW_B/$GW_C; env | grep -c ^GW_A=", NULL};
    const char *const env[] = {"GW_A=new", "GW_B=added", NULL};
    auto_buf struct buf out = {0};
    int status;

    (void)state;
    setenv("GW_A", "old", 1);
    setenv("GW_C", "kept", 1);
    assert_ok(proc_run(&(struct proc_run){.argv = argv, .env = env}, &out, &status, NULL));
    assert_string_equal("new/added/kept\n1\n", buf_cstr(&out));
    assert_string_equal("old", getenv("GW_A"));
}

static void input_reaches_its_stdin_whole(void **state)
{
    enum { LEN = 300000 }; /* more than a pipe holds, so reading and writing must alternate */
    const char *const argv[] = {"cat", NULL};
    auto_buf struct buf out = {.max = LEN};
    auto_free char *input = malloc(LEN);
    int status;

    (void)state;
    assert_non_null(input);
    for (size_t i = 0; i < LEN; i++)
        input[i] = (char)('a' + i % 26);
    assert_ok(proc_run(&(struct proc_run){.argv = argv, .input = slice_of(input, LEN)}, &out,
                       &status, NULL));
    assert_int_equal(LEN, out.len);
    assert_memory_equal(input, out.data, LEN);
}

static void without_input_stdin_is_at_its_end(void **state)
{
    auto_buf struct buf out = {0};
    int status;

    (void)state;
    assert_ok(shell("cat; echo end", &out, &status, NULL));
    assert_string_equal("end\n", buf_cstr(&out));
}

static void a_child_that_does_not_read_does_not_kill_us(void **state)
{
    enum { LEN = 1 << 20 };
    const char *const argv[] = {"true", NULL};
    auto_free char *input = calloc(1, LEN);
    sigset_t pending;
    int status;

    (void)state;
    signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < 10; i++)
        assert_ok(proc_run(&(struct proc_run){.argv = argv, .input = slice_of(input, LEN)}, NULL,
                           &status, NULL));
    sigpending(&pending);
    assert_false(sigismember(&pending, SIGPIPE));
}

static void output_beyond_the_bound_is_dropped(void **state)
{
    auto_buf struct buf small = {.max = 10};
    auto_buf struct buf dflt = {0};
    int status = -1;

    (void)state;
    assert_ok(shell("head -c 1000000 /dev/zero; exit 5", &small, &status, NULL));
    assert_int_equal(10, small.len);
    assert_int_equal(5, status);
    assert_ok(shell("head -c 1000000 /dev/zero", &dflt, &status, NULL));
    assert_int_equal(64 * 1024, dflt.len);
}

static void stderr_can_stay_ours(void **state)
{
    const char *const argv[] = {"sh", "-c", "echo kept; echo gone >&2", NULL};
    auto_buf struct buf out = {0};
    int status;
    int old = dup(STDERR_FILENO);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void)state;
    dup2(null, STDERR_FILENO);
    assert_ok(
        proc_run(&(struct proc_run){.argv = argv, .flags = PROC_STDERR_OURS}, &out, &status, NULL));
    dup2(old, STDERR_FILENO);
    close(old);
    close(null);
    assert_string_equal("kept\n", buf_cstr(&out));
}

static int run_for(const char *script, uint64_t timeout_ms, struct buf *out, uint64_t *ret_took)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    uint64_t before = clock_mono_ms(&clock_system);
    int status = 0;
    int rc =
        proc_run(&(struct proc_run){.argv = argv, .timeout_ms = timeout_ms}, out, &status, NULL);

    *ret_took = clock_mono_ms(&clock_system) - before;
    return rc;
}

static void a_child_beyond_its_time_is_ended(void **state)
{
    auto_buf struct buf out = {0};
    uint64_t took;

    (void)state;
    assert_fails(-ETIMEDOUT, run_for("echo begun; exec sleep 1000", 100, &out, &took));
    assert_string_equal("begun\n", buf_cstr(&out));
    assert_true(took >= 100 && took < 2000);
}

struct begun {
    char fifo[PATH_MAX]; /* the child writes to it */
    atomic_bool stop;
};

static void *stop_what_has_begun(void *arg)
{
    struct begun *b = arg;
    auto_close int fd = open(b->fifo, O_RDONLY | O_CLOEXEC);
    char byte;

    atomic_store(&b->stop, fd >= 0 && read(fd, &byte, 1) == 1);
    return NULL;
}

static void a_child_that_is_not_wanted_any_more_is_ended(void **state)
{
    char *dir = unit_mkdir();
    struct begun b = {.stop = false};
    const char *const argv[] = {"sh", "-c", "echo >\"$0\"; exec sleep 1000", b.fifo, NULL};
    uint64_t before = clock_mono_ms(&clock_system);
    pthread_t thread;
    int status = -1;

    (void)state;
    assert_int_equal(0, mkfifo(unit_path(dir, "begun", b.fifo), 0600));
    assert_int_equal(0, pthread_create(&thread, NULL, stop_what_has_begun, &b));
    assert_fails(-ECANCELED,
                 proc_run(&(struct proc_run){.argv = argv, .stop = &b.stop}, NULL, &status, NULL));
    assert_true(clock_mono_ms(&clock_system) - before < 10000);
    assert_int_equal(-1, status);
    pthread_join(thread, NULL);
    unit_rmdir(dir);
}

static void a_child_that_is_wanted_ends_by_itself(void **state)
{
    const char *const argv[] = {"true", NULL};
    const atomic_bool stop = false;
    int status = -1;

    (void)state;
    assert_ok(proc_run(&(struct proc_run){.argv = argv, .stop = &stop}, NULL, &status, NULL));
    assert_int_equal(0, status);
}

static void a_child_that_is_not_wanted_is_not_started(void **state)
{
    const atomic_bool stop = true;
    const struct proc_run run = {.argv = (const char *const[]){"no-such-program", NULL},
                                 .stop = &stop};
    int status = -1;

    (void)state;
    assert_fails(-ECANCELED, proc_run(&run, NULL, &status, NULL));
    assert_int_equal(-1, status);
}

static void a_child_that_ignores_sigterm_is_killed(void **state)
{
    uint64_t took;

    (void)state;
    assert_fails(-ETIMEDOUT,
                 run_for("trap '' TERM; while :; do sleep 0.05; done", 100, NULL, &took));
    assert_true(took >= 2100);
}

static void a_child_that_never_stops_writing_is_ended(void **state)
{
    uint64_t took;

    (void)state;
    assert_fails(-ETIMEDOUT, run_for("exec yes", 100, NULL, &took));
    assert_true(took < 2000);
}

/* Is any process of the group left? The killed ones are reaped by init, soon. */
static bool group_is_gone(pid_t group)
{
    for (int i = 0; i < 500; i++) {
        if (kill(-group, 0) < 0 && errno == ESRCH)
            return true;
        clock_sleep_ms(&clock_system, 10);
    }
    return false;
}

static void its_children_end_with_it(void **state)
{
    auto_buf struct buf out = {0};
    uint64_t took;
    int group = 0;

    (void)state;
    assert_fails(-ETIMEDOUT,
                 run_for("echo $$; (trap '' TERM; sleep 1000) & sleep 1000", 200, &out, &took));
    for (const char *p = buf_cstr(&out); *p >= '0' && *p <= '9'; p++)
        group = group * 10 + (*p - '0');
    assert_true(group > 1);
    /* As root in a bare container nobody reaps orphans: a zombie of the group counts as there. */
    if (!group_is_gone(group) && getppid() == 0)
        skip();
    assert_true(group_is_gone(group));
}

static void what_it_left_in_the_background_does_not_hold_us(void **state)
{
    auto_buf struct buf out = {0};
    uint64_t took;

    (void)state;
    assert_ok(run_for("echo done; sleep 3 &", 30000, &out, &took));
    assert_string_equal("done\n", buf_cstr(&out));
    assert_true(took < 2500);
}

static void a_child_that_closes_its_output_is_still_awaited(void **state)
{
    uint64_t took;

    (void)state;
    assert_ok(run_for("exec >&- 2>&-; sleep 0.3; exit 0", 5000, NULL, &took));
    assert_true(took >= 290);
}

/* What whoever started the tests left open for every child. */
static int count_inheritable(void)
{
    int n = 0;

    for (int fd = 0; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);

        n += flags >= 0 && !(flags & FD_CLOEXEC);
    }
    return n;
}

static void our_descriptors_and_signal_mask_are_not_inherited(void **state)
{
    auto_buf struct buf out = {0};
    int inheritable = count_inheritable();
    char want[64];
    int status;
    sigset_t all;
    sigset_t old;

    (void)state;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    assert_ok(
        shell("grep SigBlk /proc/self/status; ls /proc/self/fd | wc -l", &out, &status, NULL));
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    /* One more: the directory that ls reads. */
    snprintf(want, sizeof(want), "SigBlk:\t0000000000000000\n%d\n", inheritable + 1);
    assert_string_equal(want, buf_cstr(&out));
}

static void nothing_is_left_open_or_unreaped(void **state)
{
    int before = dup(0);
    int after;
    uint64_t took;
    int status;

    (void)state;
    close(before);
    for (int i = 0; i < 5; i++)
        assert_ok(shell("exit 0", NULL, &status, NULL));
    run_for("sleep 1000", 20, NULL, &took);
    after = dup(0);
    close(after);
    assert_int_equal(before, after);
    assert_int_equal(-1, waitpid(-1, NULL, WNOHANG));
    assert_int_equal(ECHILD, errno);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_of_both_streams_comes_in_order),
        cmocka_unit_test(output_is_appended_and_may_be_unwanted),
        cmocka_unit_test(exit_status_and_signal_are_told_apart),
        cmocka_unit_test(a_missing_program_is_noent),
        cmocka_unit_test(a_file_that_is_no_program_is_acces),
        cmocka_unit_test(a_missing_directory_is_named),
        cmocka_unit_test(it_runs_in_the_directory_asked_for),
        cmocka_unit_test(variables_are_added_and_replaced),
        cmocka_unit_test(input_reaches_its_stdin_whole),
        cmocka_unit_test(without_input_stdin_is_at_its_end),
        cmocka_unit_test(a_child_that_does_not_read_does_not_kill_us),
        cmocka_unit_test(output_beyond_the_bound_is_dropped),
        cmocka_unit_test(stderr_can_stay_ours),
        cmocka_unit_test(a_child_beyond_its_time_is_ended),
        cmocka_unit_test(a_child_that_ignores_sigterm_is_killed),
        cmocka_unit_test(a_child_that_never_stops_writing_is_ended),
        cmocka_unit_test(its_children_end_with_it),
        cmocka_unit_test(what_it_left_in_the_background_does_not_hold_us),
        cmocka_unit_test(a_child_that_is_not_wanted_any_more_is_ended),
        cmocka_unit_test(a_child_that_is_wanted_ends_by_itself),
        cmocka_unit_test(a_child_that_is_not_wanted_is_not_started),
        cmocka_unit_test(a_child_that_closes_its_output_is_still_awaited),
        cmocka_unit_test(our_descriptors_and_signal_mask_are_not_inherited),
        cmocka_unit_test(nothing_is_left_open_or_unreaped),
    };

    /* A directory of our PATH that we may not search would turn ENOENT into EACCES. */
    setenv("PATH", "/usr/bin:/bin", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The judgement of replication: states, reasons, pauses; and the stamps of quiet volumes. */
#include "tests/loop_device.h"
#include "tests/unit.h"

#include "agent/idle.h"
#include "agent/repl.h"
#include "agent/repl_priv.h"
#include "base/gw.h"

#include <fcntl.h>

#include "base/banned.h"

static struct repl_facts good(enum ownership_role role)
{
    return (struct repl_facts){
        .role = role, .started = true, .seeded = true, .interval_ms = 5000, .pass_ms = 100};
}

static enum repl_state judged(const struct repl_facts *f)
{
    const char *reason = NULL;

    return repl_judge(f, &reason);
}

static const char *reason_of(const struct repl_facts *f)
{
    const char *reason = NULL;

    repl_judge(f, &reason);
    return reason;
}

static void a_volume_goes_from_initiating_over_initial_sync_to_continuous(void **state)
{
    struct repl_facts f = good(OWNERSHIP_PUSH);

    (void)state;
    f.started = f.seeded = false;
    assert_int_equal(REPL_INITIATING, judged(&f));
    f.started = true;
    assert_int_equal(REPL_INITIAL_SYNC, judged(&f));
    f.seeded = true;
    f.behind_ms = 3600000; /* the seed took an hour */
    assert_int_equal(REPL_BACKLOG, judged(&f));
    f.behind_ms = 5000;
    assert_int_equal(REPL_CONTINUOUS, judged(&f));
    assert_null(reason_of(&f));
}

static void what_could_not_be_read_is_told_while_replication_goes_on(void **state)
{
    struct repl_facts f = good(OWNERSHIP_PUSH);

    (void)state;
    f.incomplete = true;
    assert_int_equal(REPL_CONTINUOUS, judged(&f));
    assert_string_equal("incomplete", reason_of(&f));
    f.failure = -ECONNREFUSED;
    assert_string_not_equal("incomplete", reason_of(&f));
}

static void a_side_without_a_role_is_stopped(void **state)
{
    struct repl_facts f = good(OWNERSHIP_IDLE);

    (void)state;
    assert_int_equal(REPL_STOPPED, judged(&f));
    assert_null(reason_of(&f));
    f.fenced = true;
    assert_string_equal("fenced", reason_of(&f));
}

static void a_pause_counts_more_than_a_failure(void **state)
{
    struct repl_facts f = good(OWNERSHIP_PUSH);

    (void)state;
    f.paused = true;
    f.failure = -EIO;
    assert_int_equal(REPL_PAUSED, judged(&f));
}

static void a_store_that_is_away_is_first_disconnected_then_stalled(void **state)
{
    struct repl_facts f = good(OWNERSHIP_PUSH);

    (void)state;
    f.failure = -EAGAIN;
    f.gw = GW_STORE_UNREACHABLE;
    f.failures = 1;
    assert_int_equal(REPL_DISCONNECTED, judged(&f));
    f.failures = 3;
    assert_int_equal(REPL_STALLED, judged(&f));
    assert_string_equal("store_unreachable", reason_of(&f));
}

static void a_volume_that_cannot_be_read_stalls_at_once(void **state)
{
    struct repl_facts f = good(OWNERSHIP_PUSH);

    (void)state;
    f.failures = 1;
    f.failure = -EIO;
    assert_int_equal(REPL_STALLED, judged(&f));
    assert_string_equal("read_error", reason_of(&f));
    f.gw = GW_VAULT_KEY;
    assert_string_equal("vault_key", reason_of(&f));
    f.gw = 0;
    f.failure = -EPROTO;
    assert_string_equal("error", reason_of(&f));
}

static void passes_that_cannot_keep_up_do_not_converge(void **state)
{
    struct repl_facts f = good(OWNERSHIP_PUSH);

    (void)state;
    f.diverges = true;
    f.behind_ms = 60000;
    assert_int_equal(REPL_STALLED, judged(&f));
    assert_string_equal("not_converging", reason_of(&f));
    f.diverges = false;
    assert_int_equal(REPL_BACKLOG, judged(&f));
}

static void passes_take_at_most_half_of_the_time(void **state)
{
    struct repl_facts f = good(OWNERSHIP_PUSH);

    (void)state;
    assert_int_equal(5000, repl_pause_ms(&f));
    f.pass_ms = 20000;
    f.behind_ms = 10000;
    assert_int_equal(40000, repl_pause_ms(&f));
}

static void a_backlog_is_worked_off_without_a_pause(void **state)
{
    struct repl_facts f = good(OWNERSHIP_PUSH);

    (void)state;
    f.pass_ms = 20000;
    f.behind_ms = 60000;
    assert_int_equal(20000, repl_pause_ms(&f));
}

static void a_target_is_met_with_as_few_passes_as_will_do(void **state)
{
    struct repl_facts f = good(OWNERSHIP_PUSH);
    uint64_t pause;

    (void)state;
    f.target_ms = 60000;
    f.pass_ms = f.round_ms = 4000;
    pause = repl_pause_ms(&f);
    /* Right before the next point stands its predecessor is so old. */
    assert_in_range(pause + f.pass_ms, 50000, 59000);
    /* Others come first: it begins earlier. */
    f.round_ms = 20000;
    assert_true(repl_pause_ms(&f) < pause);
    assert_true(repl_pause_ms(&f) + f.round_ms <= 60000);
    /* It cannot be met: as often as can be. */
    f.pass_ms = f.round_ms = 70000;
    assert_int_equal(70000, repl_pause_ms(&f));
    f.pass_ms = f.round_ms = 0;
    f.target_ms = 1;
    assert_int_equal(500, repl_pause_ms(&f));
    /* A store that is away is not asked more often for it. */
    f.failures = 3;
    assert_int_equal(20000, repl_pause_ms(&f));
}

static void a_target_that_was_asked_for_is_what_counts(void **state)
{
    struct repl_facts f = good(OWNERSHIP_PUSH);

    (void)state;
    assert_false(repl_target(&f).fixed);
    assert_int_equal(15000, repl_target(&f).lag_ms);
    f.behind_ms = 30000;
    assert_int_equal(REPL_BACKLOG, judged(&f));
    f.target_ms = 40000;
    assert_true(repl_target(&f).fixed);
    assert_int_equal(REPL_CONTINUOUS, judged(&f));
}

static void a_follower_looks_each_second(void **state)
{
    struct repl_facts f = good(OWNERSHIP_FOLLOW);

    (void)state;
    f.interval_ms = 60000;
    assert_int_equal(1000, repl_pause_ms(&f));
}

static void failures_wait_longer_up_to_a_minute(void **state)
{
    struct repl_facts f = good(OWNERSHIP_PUSH);
    uint64_t before = 0;

    (void)state;
    for (f.failures = 1; f.failures < 20; f.failures++) {
        uint64_t pause = repl_pause_ms(&f);

        assert_true(pause >= before && pause >= 5000 && pause <= 60000);
        before = pause;
    }
    assert_int_equal(60000, before);
}

static void every_state_has_a_name(void **state)
{
    (void)state;
    assert_string_equal("stopped", repl_state_name(REPL_STOPPED));
    assert_string_equal("initial_sync", repl_state_name(REPL_INITIAL_SYNC));
    assert_string_equal("disconnected", repl_state_name(REPL_DISCONNECTED));
}

/* -- quiet volumes -------------------------------------------------------------- */

/* What was written while a point was sent is not in it. */
static void a_point_is_as_old_as_its_moment_not_as_its_upload(void **state)
{
    const struct repl_attempt a = {
        .begun_mono_ms = 5000, .end_mono_ms = 65000, .end_wall_ms = 1000000};

    (void)state;
    assert_int_equal(15000, repl_moment_taken_mono(&a, 950000));
    assert_int_equal(65000, repl_moment_taken_mono(&a, 1000000));
    assert_int_equal(5000, repl_moment_taken_mono(&a, 0));
    assert_int_equal(5000, repl_moment_taken_mono(&a, 100)); /* long before: it did not change */
    assert_int_equal(5000, repl_moment_taken_mono(&a, 1000001)); /* the clock was set */
}

static void a_write_ends_the_quiet_of_an_image(void **state)
{
    char *dir = unit_mkdir();
    char path[PATH_MAX];
    struct idle idle = {0};
    int fd = open(unit_path(dir, "v.img", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    assert_int_equal(0, ftruncate(fd, 8192));
    assert_false(idle_is_quiet(&idle, path, 1));
    idle_begin(&idle, path, 1);
    assert_true(idle_is_quiet(&idle, path, 1000));
    assert_int_equal(1, pwrite(fd, "x", 1, 100));
    /* The kernel's clock of files ticks coarsely: until it moved the stamps may be equal. */
    for (int i = 0; i < 100 && idle_is_quiet(&idle, path, 1000); i++) {
        usleep(1000);
        assert_int_equal(1, pwrite(fd, "x", 1, 100));
    }
    assert_false(idle_is_quiet(&idle, path, 1000));
    close(fd);
    unit_rmdir(dir);
}

static void quiet_is_not_believed_for_ever_nor_of_what_is_gone(void **state)
{
    char *dir = unit_mkdir();
    char path[PATH_MAX];
    struct idle idle = {0};
    int fd = open(unit_path(dir, "v.img", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    close(fd);
    idle_begin(&idle, path, 5);
    assert_true(idle_is_quiet(&idle, path, 5 + IDLE_TRUST_MS));
    assert_false(idle_is_quiet(&idle, path, 6 + IDLE_TRUST_MS));
    idle_begin(&idle, path, 5);
    idle_forget(&idle);
    assert_false(idle_is_quiet(&idle, path, 5));
    idle_begin(&idle, path, 5);
    assert_int_equal(0, unlink(path));
    assert_false(idle_is_quiet(&idle, path, 5));
    unit_rmdir(dir);
}

/* Nothing was written, and yet a device is not what it was. */
static void what_is_behind_a_device_is_part_of_its_quiet(void **state)
{
    char *dir = unit_mkdir();
    char path[PATH_MAX], device[LOOP_DEVICE_PATH];
    struct idle idle = {0};
    int image = open(unit_path(dir, "v.img", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct loop_config again = {.fd = (unsigned)image, .info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
    int fd;

    (void)state;
    assert_int_equal(0, ftruncate(image, 1 << 20));
    fd = loop_device_open(path, device);
    if (fd >= 0) {
        idle_begin(&idle, device, 1);
        assert_true(idle_is_quiet(&idle, device, 1000));
        assert_int_equal(0, ftruncate(image, 1 << 19));
        assert_int_equal(0, ioctl(fd, LOOP_SET_CAPACITY, 0));
        assert_false(idle_is_quiet(&idle, device, 1000));
        idle_begin(&idle, device, 1);
        close(fd); /* nothing is behind it now */
        assert_false(idle_is_quiet(&idle, device, 1000));
        /* As long as the one before; or somebody was faster, and it is theirs. */
        fd = open(device, O_RDWR | O_CLOEXEC);
        (void)ioctl(fd, LOOP_CONFIGURE, &again);
        assert_false(idle_is_quiet(&idle, device, 1000));
        close(fd);
    }
    close(image);
    unit_rmdir(dir);
    if (fd < 0)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_volume_goes_from_initiating_over_initial_sync_to_continuous),
        cmocka_unit_test(what_could_not_be_read_is_told_while_replication_goes_on),
        cmocka_unit_test(a_side_without_a_role_is_stopped),
        cmocka_unit_test(a_pause_counts_more_than_a_failure),
        cmocka_unit_test(a_store_that_is_away_is_first_disconnected_then_stalled),
        cmocka_unit_test(a_volume_that_cannot_be_read_stalls_at_once),
        cmocka_unit_test(passes_that_cannot_keep_up_do_not_converge),
        cmocka_unit_test(passes_take_at_most_half_of_the_time),
        cmocka_unit_test(a_backlog_is_worked_off_without_a_pause),
        cmocka_unit_test(a_target_is_met_with_as_few_passes_as_will_do),
        cmocka_unit_test(a_target_that_was_asked_for_is_what_counts),
        cmocka_unit_test(a_follower_looks_each_second),
        cmocka_unit_test(failures_wait_longer_up_to_a_minute),
        cmocka_unit_test(every_state_has_a_name),
        cmocka_unit_test(a_point_is_as_old_as_its_moment_not_as_its_upload),
        cmocka_unit_test(a_write_ends_the_quiet_of_an_image),
        cmocka_unit_test(quiet_is_not_believed_for_ever_nor_of_what_is_gone),
        cmocka_unit_test(what_is_behind_a_device_is_part_of_its_quiet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

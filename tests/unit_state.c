/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory: what it remembers, whom it refuses, what makes it doubt. */
#include "tests/unit.h"

#include "base/gw.h"
#include "base/text.h"
#include "transport/state.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

static const uint8_t vault_a[VAULT_ID_LEN] = {1};
static const uint8_t vault_b[VAULT_ID_LEN] = {2};

static void remembers_points_and_marks(void **unused)
{
    char *dir = unit_mkdir();
    char path[PATH_MAX];
    struct replica_point p = {.seq = 7, .epoch = 3, .size_bytes = 12345, .hash = {9}};
    struct state *s = NULL;

    (void)unused;
    unit_path(dir, "deep/state", path);
    assert_ok(state_open(path, vault_a, "shop/db", &s, NULL));
    assert_int_equal(s->equal.seq, 0);
    state_point_of(&p, &s->equal);
    p.seq = 8;
    state_point_of(&p, &s->applying);
    s->known_seq = 8;
    s->volume_bytes = 99999;
    assert_ok(state_save(s, NULL));
    state_close(s);
    assert_ok(state_open(path, vault_a, "shop/db", &s, NULL));
    assert_int_equal(s->equal.seq, 7);
    assert_int_equal(s->equal.epoch, 3);
    assert_int_equal(s->equal.size_bytes, 12345);
    assert_true(state_point_same(&s->applying, &p));
    assert_false(state_point_same(&s->equal, &p));
    assert_int_equal(s->known_seq, 8);
    assert_int_equal(s->volume_bytes, 99999);
    state_close(s);
    unit_rmdir(dir);
}

static void second_user_is_refused(void **unused)
{
    char *dir = unit_mkdir();
    struct state *a = NULL;
    struct state *b = NULL;
    struct err err = {0};
    char who[32];

    (void)unused;
    assert_ok(text_print(who, sizeof(who), "process %ld on ", (long)getpid()));
    assert_ok(state_open(dir, vault_a, "x", &a, NULL));
    assert_fails(-EWOULDBLOCK, state_open(dir, vault_a, "x", &b, &err));
    assert_int_equal(err.gw, GW_REPLICA_LOCKED);
    assert_non_null(strstr(err.text, who));
    assert_non_null(strstr(err.text, " since 20"));
    assert_null(b);
    state_close(a);
    assert_ok(state_open(dir, vault_a, "x", &b, NULL));
    state_close(b);
    unit_rmdir(dir);
}

static void another_replica_or_vault_is_refused(void **unused)
{
    char *dir = unit_mkdir();
    struct state *s = NULL;
    struct err err = {0};

    (void)unused;
    assert_ok(state_open(dir, vault_a, "x", &s, NULL));
    assert_ok(state_save(s, NULL));
    state_close(s);
    assert_fails(-EINVAL, state_open(dir, vault_a, "y", &s, &err));
    assert_int_equal(err.gw, GW_STATE_FOREIGN);
    err = (struct err){0};
    assert_fails(-EINVAL, state_open(dir, vault_b, "x", &s, &err));
    assert_int_equal(err.gw, GW_STATE_FOREIGN);
    assert_non_null(strstr(err.text, dir));
    unit_rmdir(dir);
}

static void damaged_state_is_an_error_not_a_fresh_start(void **unused)
{
    static const char *const bodies[] = {"", "{", "[]", "{\"schema\":\"godwit.replica-state/2\"}",
                                         "{\"schema\":\"godwit.replica-state/1\"}"};
    char *dir = unit_mkdir();
    char path[PATH_MAX];
    struct state *s = NULL;
    struct err err = {0};

    (void)unused;
    unit_path(dir, "state.json", path);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        fputs(bodies[i], f);
        assert_int_equal(fclose(f), 0);
        assert_fails(-EBADMSG, state_open(dir, vault_a, "x", &s, &err));
        assert_int_equal(err.gw, GW_STATE_DAMAGED);
    }
    unit_rmdir(dir);
}

static void doubts_an_image_that_was_written_since(void **unused)
{
    struct timespec later[2] = {{.tv_nsec = UTIME_NOW}, {.tv_sec = 4000000000}};
    auto_volume struct volume *v = NULL;
    char *dir = unit_mkdir();
    char image[PATH_MAX];
    char path[PATH_MAX];
    struct state *s = NULL;

    (void)unused;
    unit_path(dir, "image", image);
    unit_path(dir, "state", path);
    assert_ok(volume_prepare(image, 8192, NULL));
    assert_ok(volume_open(image, VOLUME_READ, &v, NULL));
    assert_ok(state_open(path, vault_a, "x", &s, NULL));
    assert_true(state_touched(s, v)); /* nothing noted yet */
    assert_ok(state_set_volume(s, v, NULL));
    assert_false(state_touched(s, v));
    assert_ok(state_save(s, NULL));
    state_close(s);
    assert_ok(state_open(path, vault_a, "x", &s, NULL));
    assert_false(state_touched(s, v));
    assert_int_equal(utimensat(AT_FDCWD, image, later, 0), 0);
    assert_true(state_touched(s, v));
    state_close(s);
    unit_rmdir(dir);
}

/* Written, and the modification time set back to what it was. Clocks of file systems tick slowly:
 * again until the change time has moved. */
static void write_in_secret(const char *image)
{
    auto_close int fd = open(image, O_WRONLY | O_CLOEXEC);
    struct stat before;
    struct stat now;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &before), 0);
    do {
        const struct timespec times[2] = {before.st_atim, before.st_mtim};

        assert_int_equal(pwrite(fd, "x", 1, 4096), 1);
        assert_int_equal(futimens(fd, times), 0);
        assert_int_equal(fstat(fd, &now), 0);
    } while (now.st_ctim.tv_sec == before.st_ctim.tv_sec &&
             now.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
    assert_int_equal(now.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}

static void doubts_an_image_whose_time_was_set_back(void **unused)
{
    auto_volume struct volume *v = NULL;
    char *dir = unit_mkdir();
    char image[PATH_MAX];
    char path[PATH_MAX];
    struct state *s = NULL;

    (void)unused;
    unit_path(dir, "image", image);
    assert_ok(volume_prepare(image, 8192, NULL));
    assert_ok(volume_open(image, VOLUME_READ, &v, NULL));
    assert_ok(state_open(unit_path(dir, "state", path), vault_a, "x", &s, NULL));
    assert_ok(state_set_volume(s, v, NULL));
    assert_false(state_touched(s, v));
    write_in_secret(image);
    assert_true(state_touched(s, v));
    state_close(s);
    unit_rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remembers_points_and_marks),
        cmocka_unit_test(second_user_is_refused),
        cmocka_unit_test(another_replica_or_vault_is_refused),
        cmocka_unit_test(damaged_state_is_an_error_not_a_fresh_start),
        cmocka_unit_test(doubts_an_image_that_was_written_since),
        cmocka_unit_test(doubts_an_image_whose_time_was_set_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

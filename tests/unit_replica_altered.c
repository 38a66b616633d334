/* SPDX-License-Identifier: Apache-2.0 */
/* A volume that follows belongs to the replica: what somebody else did to it is found before the
 * next point is written, is told from a mere touch, and stays until a pull is told to mend it. */
#include "tests/replica_place.h"

#include "base/gw.h"

#include <sys/stat.h>
#include <utime.h>

#include "base/banned.h"

#define MIB ((uint64_t)1 << 20)
#define SIZE (9 * MIB)

static struct place_run source(void)
{
    return (struct place_run){.image = "a", .state = "sa"};
}

static struct place_run follower(void)
{
    return (struct place_run){.image = "b", .state = "sb", .untouched = true};
}

static void begin(struct place *p, const char *url)
{
    struct place_run push = source();
    struct place_run follow = follower();

    place_init(p, url);
    place_random(p, "a", 0, 2 * MIB, 1);
    place_random(p, "a", 8 * MIB, MIB, 2);
    place_ok(place_push(p, &push), &push);
    place_ok(place_pull(p, &follow), &follow);
    assert_true(place_same(p, "a", "b", SIZE));
}

static void next_point(struct place *p, uint64_t seed)
{
    struct place_run push = source();

    place_random(p, "a", 4 * MIB, 5000, seed);
    place_ok(place_push(p, &push), &push);
}

static void assert_altered(struct place *p, const char *words)
{
    struct place_run follow = follower();

    assert_int_equal(place_pull(p, &follow), -ESTALE);
    assert_int_equal(follow.err.gw, GW_VOLUME_ALTERED);
    if (!strstr(follow.err.text, words))
        fail_msg("'%s' does not say '%s'", follow.err.text, words);
}

static void mend(struct place *p)
{
    struct place_run again = follower();

    again.untouched = false;
    place_ok(place_pull(p, &again), &again);
    assert_true(place_same(p, "a", "b", SIZE));
    again.untouched = true;
    next_point(p, 99);
    place_ok(place_pull(p, &again), &again);
    assert_true(place_same(p, "a", "b", SIZE));
}

static void what_was_written_is_found_without_a_new_point(void **state)
{
    struct place p;

    (void)state;
    begin(&p, "mem:written");
    place_random(&p, "b", 3 * MIB, 10, 3);
    assert_altered(&p, "somebody else");
    mend(&p);
    place_done(&p);
}

static void it_stays_as_it_is_when_the_next_point_comes(void **state)
{
    static const char theirs[] = "theirs";
    char found[sizeof(theirs)] = "";
    struct place p;
    int fd;

    (void)state;
    begin(&p, "mem:stays");
    place_write(&p, "b", 4 * MIB, theirs, sizeof(theirs));
    next_point(&p, 4);
    assert_altered(&p, "somebody else");
    fd = place_open_image(&p, "b");
    assert_int_equal(pread(fd, found, sizeof(found), 4 * MIB), sizeof(found));
    close(fd);
    assert_string_equal(found, theirs);
    mend(&p);
    place_done(&p);
}

static void what_was_found_is_remembered(void **state)
{
    struct place_run follow = follower();
    struct place p;

    (void)state;
    begin(&p, "mem:remembered");
    place_random(&p, "b", 3 * MIB, 10, 3);
    assert_altered(&p, "somebody else");
    assert_int_equal(place_pull(&p, &follow), -ESTALE);
    assert_int_equal(follow.progress.done_bytes, 0); /* it is not read a second time */
    mend(&p);
    place_done(&p);
}

static void a_touch_is_no_alteration(void **state)
{
    struct place_run follow = follower();
    struct place p;
    char path[PATH_MAX];

    (void)state;
    begin(&p, "mem:touch");
    assert_int_equal(utime(unit_path(p.dir, "b", path), NULL), 0);
    place_ok(place_pull(&p, &follow), &follow);
    assert_int_equal(follow.progress.done_bytes, SIZE); /* it was compared */
    place_ok(place_pull(&p, &follow), &follow);
    assert_int_equal(follow.progress.done_bytes, 0); /* and is known again */
    assert_int_equal(chmod(path, 0640), 0);
    next_point(&p, 5);
    place_ok(place_pull(&p, &follow), &follow);
    assert_true(place_same(&p, "a", "b", SIZE));
    assert_true(follow.progress.received_bytes < MIB); /* what was known of it still counts */
    place_done(&p);
}

static void a_volume_that_is_gone_is_not_made_anew(void **state)
{
    struct place p;
    char path[PATH_MAX];

    (void)state;
    begin(&p, "mem:gone");
    assert_int_equal(unlink(unit_path(p.dir, "b", path)), 0);
    assert_altered(&p, "is gone");
    next_point(&p, 6);
    assert_altered(&p, "is gone");
    assert_int_equal(access(path, F_OK), -1);
    mend(&p);
    place_done(&p);
}

static void another_volume_in_its_place_is_found(void **state)
{
    struct place p;
    char path[PATH_MAX];
    char other[PATH_MAX];

    (void)state;
    begin(&p, "mem:replaced");
    place_random(&p, "c", 0, SIZE, 7);
    assert_int_equal(rename(unit_path(p.dir, "c", other), unit_path(p.dir, "b", path)), 0);
    assert_altered(&p, "somebody else");
    place_resize(&p, "b", MIB);
    mend(&p);
    place_resize(&p, "b", MIB);
    assert_altered(&p, "smaller");
    mend(&p);
    place_done(&p);
}

/* As when a disk was moved to another machine, or the machine was booted. */
static void the_same_data_in_another_file_goes_on(void **state)
{
    struct place_run follow = follower();
    struct place p;
    char path[PATH_MAX];
    char other[PATH_MAX];
    auto_free uint8_t *data = malloc(SIZE);
    int fd;

    (void)state;
    assert_non_null(data);
    begin(&p, "mem:moved");
    fd = place_open_image(&p, "b");
    assert_int_equal(pread(fd, data, SIZE, 0), SIZE);
    close(fd);
    place_write(&p, "c", 0, data, SIZE);
    assert_int_equal(rename(unit_path(p.dir, "c", other), unit_path(p.dir, "b", path)), 0);
    next_point(&p, 8);
    place_ok(place_pull(&p, &follow), &follow);
    assert_true(place_same(&p, "a", "b", SIZE));
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_found_without_a_new_point),
        cmocka_unit_test(it_stays_as_it_is_when_the_next_point_comes),
        cmocka_unit_test(what_was_found_is_remembered),
        cmocka_unit_test(a_touch_is_no_alteration),
        cmocka_unit_test(a_volume_that_is_gone_is_not_made_anew),
        cmocka_unit_test(another_volume_in_its_place_is_found),
        cmocka_unit_test(the_same_data_in_another_file_goes_on),
    };

    place_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

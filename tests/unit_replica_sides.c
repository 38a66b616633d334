/* SPDX-License-Identifier: Apache-2.0 */
/* Who may write a replica, and onto what: epochs, other pushers, races, larger landing devices. */
#include "tests/loop_device.h"
#include "tests/replica_place.h"

#include "base/gw.h"
#include "base/proc.h"
#include "base/worker.h"

#include <sched.h>

#include "base/banned.h"

enum { MIB = 1 << 20 };

static void final_point_is_made_without_a_change(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place_run pull = {.image = "b", .state = "sb"};
    struct place p;

    (void)state;
    place_init(&p, "mem:final");
    place_random(&p, "a", 0, MIB, 1);
    place_ok(place_push(&p, &push), &push);
    place_ok(place_pull(&p, &pull), &pull);
    push.kind = REPLICA_FINAL;
    place_ok(place_push(&p, &push), &push);
    assert_int_equal(push.point.seq, 2);
    assert_int_equal(push.point.kind, REPLICA_FINAL);
    assert_int_equal(push.point.changed_bytes, 0);
    place_ok(place_pull(&p, &pull), &pull);
    assert_int_equal(pull.point.seq, 2);
    assert_true(place_same(&p, "a", "b", MIB));
    place_done(&p);
}

static void expected_digest_is_checked_before_writing(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    uint8_t wrong[32] = {1};
    struct replica_point point;
    char image[PATH_MAX];
    char dir[PATH_MAX];
    struct err err = {0};
    struct place p;

    (void)state;
    place_init(&p, "mem:expect");
    place_random(&p, "a", 0, MIB, 1);
    place_ok(place_push(&p, &push), &push);
    struct replica_run run = {.vault = p.vault,
                              .name = "shop/db",
                              .volume_path = unit_path(p.dir, "b", image),
                              .state_dir = unit_path(p.dir, "sb", dir),
                              .expect_digest = wrong};
    assert_fails(-EBADMSG, replica_pull(&run, &point, &err));
    assert_int_equal(err.gw, GW_DATA_DIFFERS);
    assert_int_equal(access(image, F_OK), -1);
    run.expect_digest = push.point.digest;
    assert_ok(replica_pull(&run, &point, &err));
    place_done(&p);
}

/* Who loses hears of whom: host, process, since when. */
static void expect_named(const struct err *err)
{
    char who[32];

    assert_ok(text_print(who, sizeof(who), ", process %ld on ", (long)getpid()));
    assert_int_equal(err->gw, GW_REPLICA_LOCKED);
    assert_non_null(strstr(err->text, who));
    assert_non_null(strstr(err->text, "since 20"));
}

static void other_pushers_point_is_not_passed_over(void **state)
{
    struct place_run one = {.image = "a", .state = "sa"};
    struct place_run two = {.image = "b", .state = "sb"};
    struct place p;

    (void)state;
    place_init(&p, "mem:two");
    place_random(&p, "a", 0, MIB, 1);
    place_random(&p, "b", 0, MIB, 2);
    place_ok(place_push(&p, &one), &one);
    place_ok(place_push(&p, &two), &two);
    assert_int_equal(two.point.seq, 2);
    place_random(&p, "a", 0, 5000, 3);
    assert_fails(-EEXIST, place_push(&p, &one));
    expect_named(&one.err);
    place_ok(place_pull(&p, &one), &one); /* the way on */
    assert_true(place_same(&p, "a", "b", MIB));
    place_random(&p, "a", 0, 5000, 3);
    place_ok(place_push(&p, &one), &one);
    assert_int_equal(one.point.seq, 3);
    place_done(&p);
}

static void an_old_side_goes_on_when_it_is_told_to(void **state)
{
    struct place_run one = {.image = "a", .state = "sa"};
    struct place_run two = {.image = "b", .state = "sb"};
    struct place_run out = {.image = "out", .state = "so"};
    struct place p;

    (void)state;
    place_init(&p, "mem:over");
    place_random(&p, "a", 0, MIB, 1);
    place_random(&p, "b", 0, MIB, 2);
    place_ok(place_push(&p, &one), &one);
    place_ok(place_push(&p, &two), &two);
    place_random(&p, "a", 0, 5000, 3);
    assert_fails(-EEXIST, place_push(&p, &one));
    one.take_over = true;
    place_ok(place_push(&p, &one), &one);
    assert_int_equal(one.point.seq, 3);
    place_ok(place_pull(&p, &out), &out);
    assert_true(place_same(&p, "a", "out", MIB));
    out.seq = 2; /* theirs is as it was */
    place_ok(place_pull(&p, &out), &out);
    assert_true(place_same(&p, "b", "out", MIB));
    /* From then on it is the other that is old, and nobody need say it twice. */
    one.take_over = false;
    place_random(&p, "a", 0, 5000, 4);
    place_ok(place_push(&p, &one), &one);
    assert_true(one.progress.changed_bytes <= 64 << 10);
    place_random(&p, "b", 0, 5000, 5);
    assert_fails(-EEXIST, place_push(&p, &two));
    expect_named(&two.err);
    place_done(&p);
}

static void lower_epoch_is_refused(void **state)
{
    struct place_run one = {.image = "a", .state = "sa", .epoch = 5};
    struct place p;

    (void)state;
    place_init(&p, "mem:epoch");
    place_random(&p, "a", 0, MIB, 1);
    place_ok(place_push(&p, &one), &one);
    place_random(&p, "a", 0, 5000, 2);
    one.epoch = 4;
    assert_fails(-ESTALE, place_push(&p, &one));
    assert_int_equal(one.err.gw, GW_REPLICA_LOCKED);
    one.epoch = 0;
    place_ok(place_push(&p, &one), &one);
    assert_int_equal(one.point.epoch, 5);
    place_done(&p);
}

struct racer {
    struct place *p;
    struct place_run runs[4];
    int rc[4];
};

static int race(void *arg, size_t index, struct err *err)
{
    struct racer *r = arg;
    struct place mine = *r->p; /* a vault handle belongs to one thread */
    int rc = place_open_vault(&mine, err);

    if (rc < 0)
        return rc;
    r->rc[index] = place_push(&mine, &r->runs[index]);
    vault_close(mine.vault);
    return 0;
}

static void racing_pushers_never_mix(void **state)
{
    static const char *const images[] = {"a", "b", "c", "d"};
    static const char *const states[] = {"sa", "sb", "sc", "sd"};
    struct place_run pull = {.image = "out", .state = "so"};
    struct workers *group = NULL;
    struct place p;
    struct racer r = {.p = &p};
    unsigned won = 0;

    (void)state;
    place_init(&p, NULL);
    for (size_t i = 0; i < 4; i++) {
        place_random(&p, images[i], 0, 2 * MIB, i);
        r.runs[i] = (struct place_run){.image = images[i], .state = states[i]};
    }
    assert_ok(workers_start(4, "race", race, &r, &group, NULL));
    assert_ok(workers_join(group, NULL));
    for (size_t i = 0; i < 4; i++) {
        if (r.rc[i] == 0) {
            won++;
            pull.seq = r.runs[i].point.seq;
            place_ok(place_pull(&p, &pull), &pull);
            assert_true(place_same(&p, images[i], "out", 2 * MIB));
        } else {
            assert_int_equal(r.rc[i], -EEXIST);
            expect_named(&r.runs[i].err);
        }
    }
    assert_true(won >= 1);
    place_done(&p);
}

static void stopped_push_and_pull_go_on_later(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place_run pull = {.image = "b", .state = "sb"};
    atomic_bool stop = true;
    struct place p;

    (void)state;
    place_init(&p, "mem:stop");
    place_random(&p, "a", 0, 5 * MIB, 1);
    push.stop = &stop;
    assert_fails(-ECANCELED, place_push(&p, &push));
    assert_fails(-ENOENT, place_pull(&p, &pull)); /* no point was made */
    push.stop = NULL;
    place_ok(place_push(&p, &push), &push);
    pull.stop = &stop;
    assert_fails(-ECANCELED, place_pull(&p, &pull));
    pull.stop = NULL;
    place_ok(place_pull(&p, &pull), &pull);
    assert_true(place_same(&p, "a", "b", 5 * MIB));
    place_done(&p);
}

struct writing {
    const struct place *p;
    atomic_bool over;
};

static int keep_writing(void *arg, size_t index, struct err *err)
{
    struct writing *w = arg;
    uint64_t seed = index;

    (void)err;
    while (!w->over)
        place_random(w->p, "a", place_rand(&seed) % (29 * MIB), 20000, seed);
    return 0;
}

/* Fuzzy, but whole: what the point says it holds is what it holds; and the next pass, with the
 * writer gone, has it all. */
static void volume_written_while_it_is_read_gives_whole_points(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place_run pull = {.image = "b", .state = "sb"};
    struct workers *group = NULL;
    struct writing w = {.over = false};
    uint8_t digest[32];
    struct place p;

    (void)state;
    place_init(&p, "mem:live");
    w.p = &p;
    place_random(&p, "a", 0, 30 * MIB, 1);
    assert_ok(workers_start(2, "write", keep_writing, &w, &group, NULL));
    for (unsigned i = 0; i < 4; i++) {
        place_ok(place_push(&p, &push), &push);
        place_ok(place_pull(&p, &pull), &pull);
        assert_int_equal(pull.point.seq, push.point.seq);
        place_digest(&p, "b", 0, digest);
        assert_memory_equal(digest, push.point.digest, 32);
    }
    w.over = true;
    assert_ok(workers_join(group, NULL));
    place_ok(place_push(&p, &push), &push);
    place_ok(place_pull(&p, &pull), &pull);
    assert_true(place_same(&p, "a", "b", 30 * MIB));
    place_done(&p);
}

struct cutting {
    const struct place *p;
    struct place_run *run;
    atomic_bool over;
};

/* Cut the volume once its first bytes were read. */
static int cut(void *arg, size_t index, struct err *err)
{
    struct cutting *c = arg;

    (void)index;
    (void)err;
    while (!c->over && c->run->progress.done_bytes == 0)
        sched_yield();
    place_resize(c->p, c->run->image, 12345);
    return 0;
}

static void volume_that_shrinks_makes_no_point(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct workers *group = NULL;
    struct cutting c = {.run = &push};
    struct place p;
    int rc;

    (void)state;
    place_init(&p, "mem:shrink");
    c.p = &p;
    place_random(&p, "a", 0, 60 * MIB, 1);
    assert_ok(workers_start(1, "cut", cut, &c, &group, NULL));
    rc = place_push(&p, &push);
    c.over = true;
    assert_ok(workers_join(group, NULL));
    if (rc < 0) { /* the pass may have won the race */
        struct place_run again = {.image = "a", .state = "sa"};

        assert_int_equal(rc, -ESTALE);
        assert_int_equal(push.err.gw, GW_VOLUME_CHANGED);
        place_ok(place_push(&p, &again), &again);
        assert_int_equal(again.point.seq, 1);
        assert_int_equal(again.point.size_bytes, 12345);
    }
    place_done(&p);
}

static void volume_that_became_smaller_is_pushed_only_on_purpose(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place_run other = {.image = "b", .state = "sb"};
    struct place_run shrink = {.image = "a", .state = "sa", .may_shrink = true};
    struct place_run back = {.image = "c", .state = "sc"};
    struct place p;

    (void)state;
    place_init(&p, "mem:smaller");
    place_random(&p, "a", 0, 3 * MIB, 1);
    place_ok(place_push(&p, &push), &push);
    place_random(&p, "a", 3 * MIB, MIB, 2); /* to grow is nothing special */
    place_ok(place_push(&p, &push), &push);
    assert_int_equal(push.point.size_bytes, 4 * MIB);
    place_resize(&p, "a", 4 * MIB - 1);
    assert_int_equal(place_push(&p, &push), -EFBIG);
    assert_int_equal(push.err.gw, GW_VOLUME_SHRANK);
    /* Nor another volume, from a directory that never pushed. */
    place_random(&p, "b", 0, MIB, 3);
    assert_int_equal(place_push(&p, &other), -EFBIG);
    place_ok(place_pull(&p, &back), &back);
    assert_int_equal(back.point.seq, 2);
    place_ok(place_push(&p, &shrink), &shrink);
    assert_int_equal(shrink.point.size_bytes, 4 * MIB - 1);
    place_ok(place_pull(&p, &back), &back);
    assert_true(place_same(&p, "a", "c", 4 * MIB - 1));
    place_done(&p);
}

static void digest_of_the_start_of_a_larger_volume(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    uint8_t digest[32];
    struct place p;

    (void)state;
    place_init(&p, "mem:start");
    place_random(&p, "a", 0, 3 * MIB + 100, 1);
    place_ok(place_push(&p, &push), &push);
    place_random(&p, "big", 0, 3 * MIB + 100, 1);
    place_random(&p, "big", 3 * MIB + 100, MIB, 2);
    place_digest(&p, "big", 3 * MIB + 100, digest);
    assert_memory_equal(digest, push.point.digest, 32);
    place_digest(&p, "big", 0, digest);
    assert_memory_not_equal(digest, push.point.digest, 32);
    place_done(&p);
}

static bool losetup(const char *const *argv, struct buf *out)
{
    struct proc_run r = {.argv = argv};
    int status = 1;

    return proc_run(&r, out, &status, NULL) == 0 && status == 0 && buf_cstr(out);
}

/* A symbolic link "big" to a loop device over an image; false where that cannot be had. */
static bool attach_big(const struct place *p, char *device, size_t size)
{
    char image[PATH_MAX];
    char link[PATH_MAX];
    const char *argv[] = {"losetup", "--find", "--show", unit_path(p->dir, "disk", image), NULL};
    auto_buf struct buf text = {0};
    auto_close int fd = -1;

    if (geteuid() != 0 || !losetup(argv, &text))
        return false;
    assert_ok(
        text_print(device, size, "%.*s", (int)strcspn(buf_cstr(&text), "\n"), buf_cstr(&text)));
    fd = open(device, O_RDWR | O_CLOEXEC);
    assert_int_equal(loop_device_unfence(fd), 0);
    assert_int_equal(symlink(device, unit_path(p->dir, "big", link)), 0);
    return true;
}

static void larger_landing_device_keeps_the_size_of_the_replica(void **state)
{
    enum { SIZE = 3 * MIB + 100 };
    struct place_run idc = {.image = "a", .state = "sa"};
    struct place_run cloud = {.image = "big", .state = "sb", .epoch = 2};
    char device[64];
    const char *detach[] = {"losetup", "--detach", device, NULL};
    auto_buf struct buf text = {0};
    struct place p;

    (void)state;
    place_init(&p, "mem:larger");
    place_random(&p, "a", 0, SIZE, 1);
    place_random(&p, "disk", 0, 8 * MIB, 2);
    if (!attach_big(&p, device, sizeof(device))) {
        place_done(&p);
        print_message("loop devices cannot be made here\n");
        skip();
    }
    place_ok(place_push(&p, &idc), &idc);
    place_ok(place_pull(&p, &cloud), &cloud);
    assert_true(place_same(&p, "a", "big", SIZE));
    place_ok(place_pull(&p, &cloud), &cloud);
    assert_int_equal(cloud.progress.done_bytes, 0); /* nobody wrote it: nothing is looked at */
    place_random(&p, "big", MIB, 5000, 3);
    place_ok(place_push(&p, &cloud), &cloud);
    assert_int_equal(cloud.point.size_bytes, SIZE);
    assert_int_equal(cloud.point.changed_bytes, 2 * 4096);
    place_ok(place_pull(&p, &idc), &idc);
    assert_int_equal(place_size(&p, "a"), SIZE);
    assert_true(place_same(&p, "a", "big", SIZE));
    place_random(&p, "big", MIB, 5000, 4); /* never pushed: a pull must put it right */
    cloud.seq = 1;
    place_ok(place_pull(&p, &cloud), &cloud);
    cloud.seq = 0;
    place_ok(place_pull(&p, &cloud), &cloud);
    assert_true(place_same(&p, "a", "big", SIZE));
    assert_true(losetup(detach, &text));
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(final_point_is_made_without_a_change),
        cmocka_unit_test(expected_digest_is_checked_before_writing),
        cmocka_unit_test(other_pushers_point_is_not_passed_over),
        cmocka_unit_test(an_old_side_goes_on_when_it_is_told_to),
        cmocka_unit_test(lower_epoch_is_refused),
        cmocka_unit_test(racing_pushers_never_mix),
        cmocka_unit_test(stopped_push_and_pull_go_on_later),
        cmocka_unit_test(volume_written_while_it_is_read_gives_whole_points),
        cmocka_unit_test(volume_that_shrinks_makes_no_point),
        cmocka_unit_test(volume_that_became_smaller_is_pushed_only_on_purpose),
        cmocka_unit_test(digest_of_the_start_of_a_larger_volume),
        cmocka_unit_test(larger_landing_device_keeps_the_size_of_the_replica),
    };

    place_prefer_memory();
    (void)loop_device_private_pins(); /* what is tracked here is nobody else's */
    return cmocka_run_group_tests(tests, NULL, NULL);
}

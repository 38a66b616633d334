/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vault of which older points were damaged: a check tells which, and that the newest is whole
 * again; the named ones are given up, and then the check is clean. What is named wrongly changes
 * nothing.
 */
#include "tests/replica_place.h"

#include "base/gw.h"
#include "transport/gc.h"

#include <dirent.h>

#include "base/banned.h"

enum { MIB = 1 << 20, SIZE = 65 * MIB, TOLD_MAX = 16 };

struct told {
    size_t n;
    struct gc_damaged spans[TOLD_MAX];
};

static void take_damaged(void *arg, const struct gc_damaged *d)
{
    struct told *t = arg;

    assert_true(t->n < TOLD_MAX);
    assert_string_equal(d->replica, "shop/db");
    t->spans[t->n++] = *d;
}

static int check(const struct place *p, bool full, struct told *t, struct err *err)
{
    struct gc_check_report report = {0};
    struct gc_check_run run = {.vault = p->vault, .full = full, .damaged = take_damaged, .arg = t};

    *t = (struct told){0};
    *err = (struct err){0};
    return gc_check(&run, &report, err);
}

static int give_up(const struct place *p, uint64_t from, uint64_t to, bool apply,
                   struct gc_report *ret, struct err *err)
{
    struct care_span span = {.replica = "shop/db", .from = from, .to = to};
    struct gc_run run = {
        .vault = p->vault, .give_up = &span, .give_up_n = 1, .idle = true, .apply = apply};

    *err = (struct err){0};
    return gc_collect(&run, ret, err);
}

/* The path of a pack, to be freed, or NULL when there are not so many. */
static char *find_pack(const struct place *p, size_t number)
{
    char packs[PATH_MAX];
    char path[PATH_MAX];
    char sub[PATH_MAX];
    DIR *d = opendir(unit_path(p->dir, "vault/packs", packs));
    const struct dirent *e;
    char *found = NULL;

    assert_non_null(d);
    while (!found && (e = readdir(d))) {
        const struct dirent *f;
        DIR *in;

        if (e->d_name[0] == '.')
            continue;
        in = opendir(unit_path(packs, e->d_name, sub));
        assert_non_null(in);
        while (!found && (f = readdir(in)))
            if (f->d_name[0] != '.' && number-- == 0)
                found = strdup(unit_path(sub, f->d_name, path));
        closedir(in);
    }
    closedir(d);
    return found;
}

static void push(const struct place *p, bool repair, uint64_t seq)
{
    struct place_run run = {.image = "a", .state = "sa", .repair = repair};

    place_ok(place_push(p, &run), &run);
    assert_int_equal(run.point.seq, seq);
}

static void begin(struct place *p)
{
    place_init(p, NULL);
    place_resize(p, "a", SIZE);
    place_random(p, "a", MIB, MIB, 1);
    place_random(p, "a", 64 * MIB, 300000, 2);
    push(p, false, 1);
}

static void flip(const char *path)
{
    auto_close int fd = open(path, O_RDWR | O_CLOEXEC);
    uint8_t byte = 0;

    assert_int_equal(pread(fd, &byte, 1, 40), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 40), 1);
}

static void assert_clean(const struct place *p)
{
    struct told t;
    struct err err;

    if (check(p, true, &t, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(t.n, 0);
}

/* Two points need what is hurt; after a repair they are told, and the newest is not. */
static bool hurt_one(size_t number, bool lose)
{
    struct gc_report report;
    struct place p;
    struct told t;
    struct err err;
    char *path;
    bool all;

    begin(&p);
    path = find_pack(&p, number);
    if (!path) {
        place_done(&p);
        return false;
    }
    place_random(&p, "a", 64 * MIB, 4096, 3); /* of one region; all else stays shared */
    push(&p, false, 2);
    if (lose)
        assert_int_equal(unlink(path), 0);
    else
        flip(path);
    free(path);
    assert_fails(-EBADMSG, check(&p, true, &t, &err));
    assert_int_equal(t.n, 1);
    assert_int_equal(t.spans[0].from, 1);
    all = t.spans[0].to == 2; /* else what is hurt was the second region's, or the directory */
    assert_int_equal(t.spans[0].newest, all);
    assert_int_equal(err.gw, all ? GW_VAULT_DAMAGED : GW_VAULT_OLD_DAMAGED);
    if (all)
        push(&p, true, 3);
    assert_fails(-EBADMSG, check(&p, true, &t, &err));
    assert_int_equal(err.gw, GW_VAULT_OLD_DAMAGED);
    assert_int_equal(t.n, 1);
    assert_int_equal(t.spans[0].from, 1);
    assert_int_equal(t.spans[0].to, all ? 2 : 1);
    assert_false(t.spans[0].newest);
    assert_ok(give_up(&p, 1, all ? 2 : 1, true, &report, &err));
    assert_int_equal(report.points_given_up, all ? 2 : 1);
    assert_clean(&p);
    place_done(&p);
    return true;
}

static void damaged_points_are_told_and_can_be_given_up(void **state)
{
    size_t n = 0;

    (void)state;
    for (; hurt_one(n, n % 2); n++)
        ;
    assert_true(n > 2);
}

/* The object of a point itself: a repair goes past it, and who gives it up needs not read it. */
static void a_point_that_cannot_be_read_can_be_given_up(void **state)
{
    struct gc_report report;
    char path[PATH_MAX];
    struct place p;
    struct told t;
    struct err err;

    (void)state;
    begin(&p);
    place_random(&p, "a", MIB, 4096, 3);
    push(&p, false, 2);
    flip(unit_path(p.dir, "vault/replicas/shop/db/points/0000000000000002", path));
    assert_fails(-EBADMSG, check(&p, false, &t, &err));
    assert_true(t.n == 1 && t.spans[0].from == 2 && t.spans[0].to == 2 && t.spans[0].newest);
    push(&p, true, 3);
    assert_int_equal(
        0, unlink(unit_path(p.dir, "vault/replicas/shop/db/points/0000000000000001", path)));
    assert_fails(-EBADMSG, check(&p, false, &t, &err));
    assert_true(t.n == 1 && t.spans[0].from == 1 && t.spans[0].to == 2 && !t.spans[0].newest);
    assert_true(give_up(&p, 2, 2, true, &report, &err) < 0); /* the first is in the way */
    assert_ok(give_up(&p, 1, 2, true, &report, &err));
    assert_clean(&p);
    assert_ok(give_up(&p, 1, 2, true, &report, &err)); /* said twice is said once */
    assert_int_equal(report.points_given_up, 0);
    place_done(&p);
}

static void what_is_named_wrongly_changes_nothing(void **state)
{
    struct care_span other = {.replica = "shop/dc", .from = 1, .to = 1};
    struct gc_report report = {0};
    struct gc_run run = {.give_up = &other, .give_up_n = 1, .idle = true, .apply = true};
    struct place p;
    struct err err;

    (void)state;
    begin(&p);
    place_random(&p, "a", MIB, 4096, 3);
    push(&p, false, 2);
    run.vault = p.vault;
    assert_fails(-EINVAL, give_up(&p, 1, 2, true, &report, &err)); /* the newest */
    assert_fails(-ENOENT, give_up(&p, 3, 3, true, &report, &err));
    assert_fails(-EINVAL, give_up(&p, 2, 1, true, &report, &err));
    assert_fails(-ENOENT, gc_collect(&run, &report, &err));
    assert_ok(give_up(&p, 1, 1, false, &report, &err));
    assert_int_equal(report.points_given_up, 1);
    assert_int_equal(report.points_kept, 1);
    assert_ok(give_up(&p, 1, 1, false, &report, &err)); /* a look writes nothing down */
    assert_int_equal(report.points_given_up, 1);
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_points_are_told_and_can_be_given_up),
        cmocka_unit_test(a_point_that_cannot_be_read_can_be_given_up),
        cmocka_unit_test(what_is_named_wrongly_changes_nothing),
    };

    place_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

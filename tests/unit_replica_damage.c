/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every object of a vault altered, cut short and lost in turn: a pull either gives the right bytes
 * or a named error with nothing wrong written, and verify tells which object it is.
 */
#include "tests/replica_place.h"

#include "base/gw.h"

#include <dirent.h>

#include "base/banned.h"

enum { MIB = 1 << 20, SIZE = 65 * MIB + 7, OBJECTS_MAX = 64 };

struct objects {
    size_t n;
    char *paths[OBJECTS_MAX];
};

static void list_objects(const char *dir, struct objects *o)
{
    DIR *d = opendir(dir);
    const struct dirent *e;

    assert_non_null(d);
    while ((e = readdir(d))) {
        char path[PATH_MAX];
        struct stat st;

        if (e->d_name[0] == '.' || e->d_name[0] == '~')
            continue;
        assert_int_equal(lstat(unit_path(dir, e->d_name, path), &st), 0);
        if (S_ISDIR(st.st_mode)) {
            list_objects(path, o);
            continue;
        }
        assert_true(o->n < OBJECTS_MAX);
        o->paths[o->n++] = strdup(path);
    }
    closedir(d);
}

struct saved {
    uint8_t *data;
    size_t len;
};

static struct saved load(const char *path)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct saved s = {0};
    struct stat st;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    s.len = (size_t)st.st_size;
    s.data = malloc(s.len + 1);
    assert_non_null(s.data);
    assert_int_equal(read(fd, s.data, s.len), (ssize_t)s.len);
    return s;
}

static void store(const char *path, const uint8_t *data, size_t len)
{
    auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
}

struct told {
    unsigned n;
    unsigned named;
    const char *path; /* of the damaged object */
};

static void tell(void *arg, const struct replica_fault *f)
{
    struct told *t = arg;

    t->n++;
    assert_true(f->len > 0 && f->offset + f->len <= SIZE);
    if (f->object && text_ends(t->path, f->object))
        t->named++;
}

/* No sector of the landing image holds anything but zeroes or what the source has there. */
static void assert_nothing_wrong(const struct place *p)
{
    auto_close int a = place_open_image(p, "a");
    auto_close int b = place_open_image(p, "b");
    uint8_t zeroes[4096] = {0};
    uint8_t x[4096];
    uint8_t y[4096];
    ssize_t n = 0;

    for (off_t at = 0; (at = lseek(b, at, SEEK_DATA)) >= 0; at += n) {
        n = pread(b, y, sizeof(y), at);
        assert_true(n > 0);
        assert_int_equal(pread(a, x, (size_t)n, at), n);
        if (memcmp(y, zeroes, (size_t)n) != 0)
            assert_memory_equal(x, y, (size_t)n);
    }
}

static bool is_named(unsigned gw)
{
    return gw == GW_VAULT_DAMAGED || gw == GW_VAULT_OBJECT || gw == GW_VAULT_MISSING ||
           gw == GW_VAULT_KEY || gw == GW_VAULT_NEWER || gw == GW_REPLICA_NOT_FOUND ||
           gw == GW_VAULT_OLDER_HEAD;
}

/* The vault as it is on disk now, seen by somebody who comes fresh. */
static void judge(const struct place *p, const char *damaged)
{
    struct place fresh = *p;
    struct place_run pull = {.image = "b", .state = "sb"};
    struct told told = {.path = damaged};
    struct err err = {0};
    char path[PATH_MAX];
    int pulled;

    unit_rmdir(strdup(unit_path(p->dir, "sb", path)));
    unlink(unit_path(p->dir, "b", path));
    if (place_open_vault(&fresh, &err) < 0) {
        assert_true(is_named(err.gw));
        return;
    }
    pulled = place_pull(&fresh, &pull);
    if (pulled < 0) {
        assert_true(is_named(pull.err.gw));
        if (access(path, F_OK) == 0)
            assert_nothing_wrong(p);
        assert_true(place_verify(&fresh, NULL, tell, &told, &err) < 0);
        assert_true(is_named(err.gw));
        if (strstr(damaged, "/packs/"))
            assert_true(told.named > 0);
    } else {
        assert_true(pull.point.seq < 2 || place_same(p, "a", "b", SIZE));
        assert_true(pull.point.seq == 2 || strstr(damaged, "/points/"));
    }
    vault_close(fresh.vault);
}

static void begin(struct place *p, struct objects *o)
{
    struct place_run push = {.image = "a", .state = "sa"};
    char path[PATH_MAX];

    place_init(p, NULL);
    place_resize(p, "a", SIZE);
    place_random(p, "a", MIB, MIB, 1);
    place_random(p, "a", 64 * MIB + 70000, 300000, 2);
    place_ok(place_push(p, &push), &push);
    place_random(p, "a", MIB + 100000, 1000, 3);
    place_ok(place_push(p, &push), &push);
    *o = (struct objects){0};
    list_objects(unit_path(p->dir, "vault", path), o);
    assert_in_range(o->n, 6, OBJECTS_MAX); /* the vault, two points, packs of data and maps */
}

static void end(struct place *p, struct objects *o)
{
    for (size_t i = 0; i < o->n; i++)
        free(o->paths[i]);
    place_done(p);
}

static void altered_bytes_are_told(void **state)
{
    struct objects o;
    struct place p;

    (void)state;
    begin(&p, &o);
    for (size_t i = 0; i < o.n; i++) {
        struct saved s = load(o.paths[i]);

        for (size_t k = 0; k < 9; k++) {
            size_t at = s.len * k / 8;

            at = at == s.len ? at - 1 : at;
            s.data[at] ^= 1;
            store(o.paths[i], s.data, s.len);
            judge(&p, o.paths[i]);
            s.data[at] ^= 1;
        }
        store(o.paths[i], s.data, s.len);
        free(s.data);
    }
    judge(&p, "");
    end(&p, &o);
}

static void cut_and_lost_objects_are_told(void **state)
{
    struct objects o;
    struct place p;

    (void)state;
    begin(&p, &o);
    for (size_t i = 0; i < o.n; i++) {
        struct saved s = load(o.paths[i]);

        for (size_t k = 0; k < 4; k++) {
            store(o.paths[i], s.data, k < 3 ? s.len * k / 3 : s.len - 1);
            judge(&p, o.paths[i]);
        }
        assert_int_equal(unlink(o.paths[i]), 0);
        judge(&p, o.paths[i]);
        store(o.paths[i], s.data, s.len);
        free(s.data);
    }
    end(&p, &o);
}

static void assert_named(const struct place *p, const char *path)
{
    struct told told = {.path = path};
    struct err err = {0};

    assert_fails(-EBADMSG, place_verify(p, NULL, tell, &told, &err));
    assert_int_equal(err.gw, GW_VAULT_DAMAGED);
    assert_int_equal(told.named, 1);
}

static void bytes_that_no_unit_covers_are_told(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct objects o = {0};
    char path[PATH_MAX];
    struct place p;

    (void)state;
    place_init(&p, NULL);
    place_resize(&p, "a", SIZE);
    place_random(&p, "a", MIB, MIB, 1);
    place_ok(place_push(&p, &push), &push);
    list_objects(unit_path(p.dir, "vault/packs", path), &o);
    assert_in_range(o.n, 2, OBJECTS_MAX);
    for (size_t i = 0; i < o.n; i++) {
        struct saved s = load(o.paths[i]);
        const size_t at[] = {0, 20, s.len - 1, s.len - 33}; /* magic, salt, trailer, index */

        for (size_t k = 0; k < ARRAY_LEN(at); k++) {
            s.data[at[k]] ^= 1;
            store(o.paths[i], s.data, s.len);
            assert_named(&p, o.paths[i]);
            s.data[at[k]] ^= 1;
        }
        store(o.paths[i], s.data, s.len - 1);
        assert_named(&p, o.paths[i]);
        s.data[s.len] = 0;
        store(o.paths[i], s.data, s.len + 1);
        assert_named(&p, o.paths[i]);
        store(o.paths[i], s.data, s.len);
        free(s.data);
    }
    assert_ok(place_verify(&p, NULL, NULL, NULL, NULL));
    end(&p, &o);
}

/* The volume is at hand: after a repair the head is whole again for somebody who comes fresh. */
static void assert_repaired(const struct place *p, struct place_run *push)
{
    struct place_run pull = {.image = "b", .state = "sb"};
    uint64_t seq = push->point.seq;
    struct err err = {0};
    char path[PATH_MAX];

    push->repair = true;
    place_ok(place_push(p, push), push);
    assert_true(push->point.seq == seq + 1);
    if (place_verify(p, NULL, NULL, NULL, &err) < 0)
        fail_msg("%s", err.text);
    unit_rmdir(strdup(unit_path(p->dir, "sb", path)));
    unlink(unit_path(p->dir, "b", path));
    place_ok(place_pull(p, &pull), &pull);
    assert_true(place_same(p, "a", "b", SIZE));
    place_ok(place_push(p, push), push);
    assert_int_equal(push->point.seq, seq + 1); /* nothing is left to repair */
    assert_int_equal(push->progress.changed_bytes, 0);
    push->repair = false;
}

static void hurt(const char *path, size_t how)
{
    struct saved s = load(path);

    if (how == 0)
        assert_int_equal(unlink(path), 0);
    s.data[how == 1 ? 20 : s.len / 2] ^= 1; /* the header, or a unit */
    if (how > 0)
        store(path, s.data, s.len);
    free(s.data);
}

/* One pack of the only point hurt and repaired; false when there is none of this number. */
static bool repair_one(size_t number, size_t how, bool forget)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct objects o = {0};
    char path[PATH_MAX];
    struct place p;
    bool some;

    place_init(&p, NULL);
    place_resize(&p, "a", SIZE);
    place_random(&p, "a", MIB, MIB, 1);
    place_random(&p, "a", 64 * MIB + 70000, 300000, 2);
    place_ok(place_push(&p, &push), &push);
    list_objects(unit_path(p.dir, "vault/packs", path), &o);
    some = number < o.n;
    if (some) {
        hurt(o.paths[number], how);
        if (forget)
            unit_rmdir(strdup(unit_path(p.dir, "sa", path)));
        assert_repaired(&p, &push);
    }
    assert_true(o.n > 1);
    end(&p, &o);
    return some;
}

/* Pages that are differences rest on packs that no newer point wrote. */
static void a_push_repairs_what_a_difference_rests_on(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct objects first = {0};
    unsigned needless = 0;
    char path[PATH_MAX];
    struct place p;

    (void)state;
    place_init(&p, NULL);
    place_resize(&p, "a", SIZE);
    place_random(&p, "a", 0, 64 * MIB, 1);
    place_ok(place_push(&p, &push), &push);
    list_objects(unit_path(p.dir, "vault/packs", path), &first);
    place_random(&p, "a", 5 * MIB, 4096, 2);
    place_ok(place_push(&p, &push), &push);
    assert_in_range(push.point.stored_bytes, 4096, 7000); /* the page went as a difference */
    for (size_t i = 0; i < first.n; i++) {
        struct saved s = load(first.paths[i]);
        struct told told = {.path = first.paths[i]};
        struct err err = {0};

        s.data[20] ^= 1; /* in the header: no unit is damaged */
        store(first.paths[i], s.data, s.len);
        (void)place_verify(&p, NULL, tell, &told, &err); /* those hurt before are told, too */
        if (told.named == 0)
            needless++;
        else
            assert_int_equal(told.named, 1);
        free(s.data);
    }
    assert_int_equal(needless, 1); /* the directory of the first point */
    assert_repaired(&p, &push);
    end(&p, &first);
}

static void a_push_repairs_any_pack(void **state)
{
    (void)state;
    for (size_t how = 0; how < 3; how++)
        for (size_t i = 0; repair_one(i, how, false); i++)
            ;
}

static void a_push_repairs_without_its_state(void **state)
{
    (void)state;
    for (size_t i = 0; repair_one(i, i % 3, true); i++)
        ;
}

static int count_point(void *arg, const struct replica_point *p)
{
    unsigned *n = arg;

    (void)p;
    ++*n;
    return 0;
}

/* The newest point is emptied: it blocks the replica until a repair, which goes past it. */
static void a_repair_goes_past_a_head_that_cannot_be_read(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place_run fresh = {.image = "a", .state = "sc"};
    struct place_run pull = {.image = "b", .state = "sb"};
    struct replica_point head;
    struct objects o;
    struct place p;
    struct err err = {0};
    char path[PATH_MAX];
    unsigned points = 0;

    (void)state;
    begin(&p, &o);
    store(unit_path(p.dir, "vault/replicas/shop/db/points/0000000000000002", path),
          (const uint8_t *)"", 0);
    assert_fails(-EBADMSG, place_push(&p, &push));
    assert_non_null(strstr(push.err.text, "restore point 2, object replicas/shop/db/points/"));
    assert_fails(-EBADMSG, replica_points(p.vault, "shop/db", count_point, &points, &err));
    assert_int_equal(points, 1);
    push.repair = fresh.repair = true;
    place_ok(place_push(&p, &push), &push);
    assert_int_equal(push.point.seq, 3);
    place_ok(place_pull(&p, &pull), &pull);
    assert_true(place_same(&p, "a", "b", SIZE));
    assert_ok(replica_point(p.vault, "shop/db", 0, 0, &head, &err));
    assert_int_equal(head.seq, 3);
    points = 0;
    assert_fails(-EBADMSG, replica_points(p.vault, "shop/db", count_point, &points, &err));
    assert_int_equal(points, 2);
    store(unit_path(p.dir, "vault/replicas/shop/db/points/0000000000000003", path),
          (const uint8_t *)"x", 1);
    place_ok(place_push(&p, &fresh), &fresh);
    assert_int_equal(fresh.point.seq, 4);
    place_ok(place_verify(&p, "a", NULL, NULL, &err), &fresh);
    end(&p, &o);
}

static void the_point_of_a_failed_verification_is_known(void **state)
{
    struct replica_point point = {0};
    struct objects o;
    struct place p;

    (void)state;
    begin(&p, &o);
    place_random(&p, "a", MIB, 100, 9);
    char image[PATH_MAX];
    struct replica_verify_run run = {.vault = p.vault,
                                     .name = "shop/db",
                                     .sample = 1,
                                     .against = unit_path(p.dir, "a", image),
                                     .workers = 2};
    assert_fails(-EBADMSG, replica_verify(&run, &point, NULL));
    assert_int_equal(point.seq, 2);
    end(&p, &o);
}

static void wrong_key_is_told(void **state)
{
    struct err err = {0};
    struct objects o;
    struct place p;
    uint8_t other[32] = {9};
    struct vault *v = NULL;

    (void)state;
    begin(&p, &o);
    struct vault_conf conf = {.store = {.url = p.url}, .key = other};
    assert_fails(-EKEYREJECTED, vault_open(&conf, &v, &err));
    assert_int_equal(err.gw, GW_VAULT_KEY);
    end(&p, &o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(altered_bytes_are_told),
        cmocka_unit_test(cut_and_lost_objects_are_told),
        cmocka_unit_test(bytes_that_no_unit_covers_are_told),
        cmocka_unit_test(a_push_repairs_any_pack),
        cmocka_unit_test(a_push_repairs_what_a_difference_rests_on),
        cmocka_unit_test(a_push_repairs_without_its_state),
        cmocka_unit_test(a_repair_goes_past_a_head_that_cannot_be_read),
        cmocka_unit_test(the_point_of_a_failed_verification_is_known),
        cmocka_unit_test(wrong_key_is_told),
    };

    place_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

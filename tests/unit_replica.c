/* SPDX-License-Identifier: Apache-2.0 */
/* Replicas there and back: every size and content, deltas against a model, both directions, and
 * verification. Over files and over memory. */
#include "tests/replica_place.h"

#include "base/gw.h"

#include "base/banned.h"

enum { MIB = 1 << 20 };

/* Push, pull elsewhere, compare, digest, verify; both repeated do nothing. */
static void there_and_back(const struct place *p)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place_run pull = {.image = "b", .state = "sb"};
    uint64_t size = place_size(p, "a");
    uint8_t digest[32];
    struct err err = {0};

    place_ok(place_push(p, &push), &push);
    assert_int_equal(push.point.size_bytes, size);
    place_ok(place_pull(p, &pull), &pull);
    assert_int_equal(place_size(p, "b"), size);
    assert_true(place_same(p, "a", "b", size));
    place_digest(p, "b", 0, digest);
    assert_memory_equal(digest, push.point.digest, 32);
    if (place_verify(p, "a", NULL, NULL, &err) < 0)
        fail_msg("%s", err.text);
    place_ok(place_pull(p, &pull), &pull);
    assert_int_equal(pull.progress.received_bytes, 0);
    place_ok(place_push(p, &push), &push);
    assert_int_equal(push.progress.sent_bytes, 0);
    pull.point = (struct replica_point){0};
    place_ok(place_push(p, &pull), &pull); /* from the other side */
    assert_int_equal(pull.progress.sent_bytes, 0);
    assert_int_equal(pull.point.seq, push.point.seq);
}

enum content { RANDOM, ZEROES, TEXT, SPARSE };

static void make(const struct place *p, uint64_t size, enum content c)
{
    char text[] = "All work and no play makes the wader a dull bird. ";

    place_resize(p, "a", size);
    if (size == 0)
        return;
    if (c == RANDOM)
        place_random(p, "a", 0, (size_t)size, size + 1);
    for (uint64_t at = 0; c == TEXT && at + sizeof(text) < size; at += sizeof(text) - 1)
        place_write(p, "a", at, text, sizeof(text) - 1);
    if (c == SPARSE) {
        place_random(p, "a", size / 2, (size_t)(size / 2 < 5000 ? size / 2 : 5000), 1);
        place_random(p, "a", size - 1, 1, 2);
    }
    if (c == ZEROES) { /* written, so not holes */
        auto_free uint8_t *zeroes = calloc(1, (size_t)size);

        place_write(p, "a", 0, zeroes, (size_t)size);
    }
}

static void every_size_and_content(const char *url)
{
    static const struct {
        uint64_t size;
        enum content content;
    } cases[] = {
        {0, RANDOM},
        {1, RANDOM},
        {1, ZEROES},
        {511, RANDOM},
        {4095, RANDOM},
        {4096, RANDOM},
        {4097, RANDOM},
        {4097, ZEROES},
        {65536, RANDOM},
        {65537, RANDOM},
        {65537, ZEROES},
        {262144 + 5, RANDOM},
        {3 * MIB + 7, TEXT},
        {5 * MIB, RANDOM},
        {5 * MIB, ZEROES},
        {64 * MIB, SPARSE},
        {64 * MIB + 1, SPARSE},
        {200 * MIB + 4097, SPARSE},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct place p;

        place_init(&p, url);
        make(&p, cases[i].size, cases[i].content);
        there_and_back(&p);
        place_done(&p);
    }
}

static void every_size_and_content_over_files(void **state)
{
    (void)state;
    every_size_and_content(NULL);
}

static void every_size_and_content_over_memory(void **state)
{
    (void)state;
    every_size_and_content("mem:sizes");
}

static void holes_stay_holes(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place_run pull = {.image = "b", .state = "sb"};
    char path[PATH_MAX];
    struct stat st;
    struct place p;

    (void)state;
    place_init(&p, "mem:holes");
    make(&p, 300 * MIB, SPARSE);
    place_ok(place_push(&p, &push), &push);
    place_ok(place_pull(&p, &pull), &pull);
    assert_int_equal(stat(unit_path(p.dir, "b", path), &st), 0);
    assert_true((uint64_t)st.st_blocks * 512 < MIB);
    place_done(&p);
}

static void change(const struct place *p, const char *image, uint64_t size, uint64_t *seed)
{
    uint64_t at = place_rand(seed) % size;
    size_t len = (size_t)(place_rand(seed) % (300 * 1024));
    auto_free uint8_t *data = calloc(1, 300 * 1024);

    assert_non_null(data);
    if (at + len > size)
        len = (size_t)(size - at);
    switch (place_rand(seed) % 4) {
    case 0: /* a few bytes */
        len = len < 100 ? len : 100;
        place_fill(seed, data, len);
        break;
    case 1: /* zeroes */
        break;
    default:
        place_fill(seed, data, len);
        break;
    }
    place_write(p, image, at, data, len);
}

/* The image on one side is the model; the other side must follow it, whatever changes. Now and
 * then a state directory is lost, or a side falls behind. */
static void follows_a_model(const char *url, uint64_t size, unsigned rounds, uint64_t seed)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place_run pull = {.image = "b", .state = "sb"};
    char path[PATH_MAX];
    uint8_t digest[32];
    struct place p;

    place_init(&p, url);
    place_resize(&p, "a", size);
    for (unsigned i = 0; i < rounds; i++) {
        for (uint64_t n = place_rand(&seed) % 6; n > 0; n--)
            change(&p, "a", size, &seed);
        if (place_rand(&seed) % 8 == 0)
            unit_rmdir(strdup(unit_path(p.dir, "sa", path)));
        place_ok(place_push(&p, &push), &push);
        place_digest(&p, "a", 0, digest);
        assert_memory_equal(digest, push.point.digest, 32);
        if (place_rand(&seed) % 3 == 0)
            continue;
        if (place_rand(&seed) % 8 == 0)
            change(&p, "b", size, &seed); /* somebody else's writes are put right */
        place_ok(place_pull(&p, &pull), &pull);
        if (!place_same(&p, "a", "b", size))
            fail_msg("round %u: the sides differ", i);
    }
    place_done(&p);
}

static void follows_a_model_over_files(void **state)
{
    (void)state;
    follows_a_model(NULL, 3 * MIB + 777, 15, 1);
}

static void follows_a_model_over_memory(void **state)
{
    (void)state;
    follows_a_model("mem:model", 3 * MIB + 777, 30, 2);
    follows_a_model("mem:model", 130 * MIB + 5, 15, 3);
}

static void size_of_the_volume_may_change_between_passes(void **state)
{
    static const uint64_t sizes[] = {
        3 * MIB, 3 * MIB + 100, 64 * MIB + 1, 130 * MIB, 64 * MIB + 77, 5 * MIB + 1, 0, MIB};
    struct place_run push = {.image = "a", .state = "sa", .may_shrink = true};
    struct place_run pull = {.image = "b", .state = "sb"};
    struct place p;

    (void)state;
    place_init(&p, "mem:resize");
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        place_resize(&p, "a", sizes[i]);
        if (sizes[i] > 0)
            place_random(&p, "a", sizes[i] / 2, (size_t)(sizes[i] - sizes[i] / 2) % 300000, i);
        place_ok(place_push(&p, &push), &push);
        assert_int_equal(push.point.size_bytes, sizes[i]);
        place_ok(place_pull(&p, &pull), &pull);
        assert_int_equal(place_size(&p, "b"), sizes[i]);
        assert_true(place_same(&p, "a", "b", sizes[i]));
    }
    place_done(&p);
}

static void only_the_change_travels_either_way(void **state)
{
    enum { SIZE = 20 * MIB, CHANGE = 64 * 1024, SLACK = 24 * 1024 };
    struct place_run idc = {.image = "a", .state = "sa"};
    struct place_run cloud = {.image = "b", .state = "sb"};
    struct place p;

    (void)state;
    place_init(&p, NULL);
    place_random(&p, "a", 0, SIZE, 1);
    place_ok(place_push(&p, &idc), &idc);
    assert_true(idc.progress.sent_bytes > SIZE);
    place_ok(place_pull(&p, &cloud), &cloud);
    assert_true(cloud.progress.received_bytes > SIZE);

    place_random(&p, "b", 5 * CHANGE, CHANGE, 2);
    cloud.epoch = 2;
    place_ok(place_push(&p, &cloud), &cloud);
    assert_int_equal(cloud.point.changed_bytes, CHANGE);
    assert_int_equal(cloud.point.epoch, 2);
    assert_in_range(cloud.progress.sent_bytes, CHANGE, CHANGE + SLACK);
    place_ok(place_pull(&p, &idc), &idc);
    assert_in_range(idc.progress.received_bytes, CHANGE, CHANGE + SLACK);
    assert_true(place_same(&p, "a", "b", SIZE));

    place_random(&p, "a", 9 * CHANGE, CHANGE, 3);
    idc.epoch = 3;
    place_ok(place_push(&p, &idc), &idc);
    assert_in_range(idc.progress.sent_bytes, CHANGE, CHANGE + SLACK);
    place_ok(place_pull(&p, &cloud), &cloud);
    assert_in_range(cloud.progress.received_bytes, CHANGE, CHANGE + SLACK);
    assert_true(place_same(&p, "a", "b", SIZE));
    place_done(&p);
}

static uint64_t scatter(const struct place *p, const char *image, uint64_t size, unsigned n,
                        uint64_t seed)
{
    for (unsigned i = 0; i < n; i++) /* one in each stretch, so that none meets another */
        place_random(p, image, (size / n * i + place_rand(&seed) % (size / n / 2)) / 4096 * 4096,
                     4096, seed + i);
    return (uint64_t)n * 4096;
}

/* The number of docs/architecture.md: scattered writes of 4 KiB cost at most 1.15 times
 * themselves, maps included. Either way, and the blocks of many units are verified too. */
static void scattered_sectors_travel_as_sectors(void **state)
{
    enum { SIZE = 100 * MIB, WRITES = 400 };
    struct place_run idc = {.image = "a", .state = "sa"};
    struct place_run cloud = {.image = "b", .state = "sb"};
    struct err err = {0};
    struct place p;

    (void)state;
    place_init(&p, "mem:scatter");
    place_random(&p, "a", 0, SIZE, 1);
    place_ok(place_push(&p, &idc), &idc);
    place_ok(place_pull(&p, &cloud), &cloud);
    for (unsigned round = 2; round < 6; round += 2) {
        uint64_t changed = scatter(&p, "a", SIZE, WRITES, round);

        place_ok(place_push(&p, &idc), &idc);
        assert_int_equal(idc.point.changed_bytes, changed);
        assert_true(idc.progress.sent_bytes * 100 <= changed * 115);
        place_ok(place_pull(&p, &cloud), &cloud);
        assert_true(place_same(&p, "a", "b", SIZE));
        changed = scatter(&p, "b", SIZE, WRITES, round + 1);
        place_ok(place_push(&p, &cloud), &cloud);
        assert_int_equal(cloud.point.changed_bytes, changed);
        assert_true(cloud.progress.sent_bytes * 100 <= changed * 115);
        place_ok(place_pull(&p, &idc), &idc);
        assert_true(place_same(&p, "a", "b", SIZE));
    }
    if (place_verify(&p, "a", NULL, NULL, &err) < 0)
        fail_msg("%s", err.text);
    place_done(&p);
}

static void older_points_can_be_had(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place_run pull = {.image = "b", .state = "sb"};
    uint8_t digests[5][32];
    uint8_t digest[32];
    struct place p;

    (void)state;
    place_init(&p, "mem:older");
    for (unsigned i = 0; i < 5; i++) {
        place_random(&p, "a", i * 100000, 2 * MIB, i);
        place_ok(place_push(&p, &push), &push);
        memcpy(digests[i], push.point.digest, 32);
    }
    for (unsigned i = 5; i > 0; i--) {
        pull.seq = i;
        place_ok(place_pull(&p, &pull), &pull);
        place_digest(&p, "b", 0, digest);
        assert_memory_equal(digest, digests[i - 1], 32);
    }
    place_done(&p);
}

static void lost_state_costs_a_read_not_a_send(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct place_run again = {.image = "a", .state = "sa2"};
    struct place_run pull = {.image = "b", .state = "sb"};
    struct place p;

    (void)state;
    place_init(&p, NULL);
    place_random(&p, "a", 0, 9 * MIB, 1);
    place_ok(place_push(&p, &push), &push);
    place_ok(place_push(&p, &again), &again);
    assert_int_equal(again.progress.sent_bytes, 0);
    assert_int_equal(again.point.seq, push.point.seq);
    place_ok(place_pull(&p, &pull), &pull);
    pull.state = "sb2";
    place_ok(place_pull(&p, &pull), &pull);
    assert_true(pull.progress.received_bytes < 64 * 1024); /* pages only */
    place_done(&p);
}

struct told {
    unsigned n;
    uint64_t offset;
    uint64_t len;
    bool object;
};

static void tell(void *arg, const struct replica_fault *f)
{
    struct told *t = arg;

    t->n++;
    t->offset = f->offset;
    t->len = f->len;
    t->object = f->object != NULL;
}

static void verify_names_where_a_volume_differs(void **state)
{
    struct place_run push = {.image = "a", .state = "sa"};
    struct told told = {0};
    struct err err = {0};
    struct place p;

    (void)state;
    place_init(&p, "mem:against");
    place_random(&p, "a", 0, 70 * MIB, 1);
    place_ok(place_push(&p, &push), &push);
    assert_ok(place_verify(&p, "a", tell, &told, &err));
    assert_int_equal(told.n, 0);
    place_random(&p, "a", 66 * MIB + 4096 + 17, 3, 9);
    assert_fails(-EBADMSG, place_verify(&p, "a", tell, &told, &err));
    assert_int_equal(err.gw, GW_DATA_DIFFERS);
    assert_int_equal(told.n, 1);
    assert_int_equal(told.offset, 66 * MIB + 4096);
    assert_int_equal(told.len, 4096);
    assert_false(told.object);
    place_done(&p);
}

static void unknown_names_are_told(void **state)
{
    struct place_run pull = {.image = "b", .state = "sb"};
    struct place_run push = {.image = "nowhere", .state = "sa"};
    struct place p;

    (void)state;
    place_init(&p, "mem:none");
    assert_fails(-ENOENT, place_pull(&p, &pull));
    assert_int_equal(pull.err.gw, GW_REPLICA_NOT_FOUND);
    assert_fails(-ENOENT, place_push(&p, &push));
    assert_int_equal(push.err.gw, GW_VOLUME_UNREADABLE);
    place_done(&p);
}

/* However many threads look for it. */
static void a_small_change_is_one_pack(void **state)
{
    struct place_run r = {.image = "a", .state = "sa", .workers = 8};
    struct place_run back = {.image = "b", .state = "sb"};
    struct place p;

    (void)state;
    place_init(&p, NULL);
    place_random(&p, "a", 0, 8 * MIB, 1);
    place_ok(place_push(&p, &r), &r);
    for (unsigned i = 0; i < 8; i++)
        place_random(&p, "a", (uint64_t)i * MIB + 8192, 4096, 100 + i);
    place_ok(place_push(&p, &r), &r);
    assert_int_equal(r.point.seq, 2);
    assert_int_equal(r.progress.changed_bytes, 8 * 4096);
    assert_int_equal(r.progress.packs, 1);
    place_ok(place_pull(&p, &back), &back);
    assert_true(place_same(&p, "a", "b", 8 * MIB));
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_and_content_over_files),
        cmocka_unit_test(every_size_and_content_over_memory),
        cmocka_unit_test(holes_stay_holes),
        cmocka_unit_test(follows_a_model_over_files),
        cmocka_unit_test(follows_a_model_over_memory),
        cmocka_unit_test(size_of_the_volume_may_change_between_passes),
        cmocka_unit_test(only_the_change_travels_either_way),
        cmocka_unit_test(scattered_sectors_travel_as_sectors),
        cmocka_unit_test(older_points_can_be_had),
        cmocka_unit_test(lost_state_costs_a_read_not_a_send),
        cmocka_unit_test(verify_names_where_a_volume_differs),
        cmocka_unit_test(unknown_names_are_told),
        cmocka_unit_test(a_small_change_is_one_pack),
    };

    place_prefer_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

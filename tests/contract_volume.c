/* SPDX-License-Identifier: Apache-2.0 */
/* What every volume must do. Runs over images, and over loop devices where this user may make
 * them. */
#include "tests/unit.h"

#include "base/clock.h"
#include "base/gw.h"
#include "base/text.h"
#include "transport/volume.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/banned.h"

enum { SIZE = 1 << 20 };

struct place {
    char *dir;
    char path[PATH_MAX];
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    p->dir = unit_mkdir();
    unit_path(p->dir, "volume", p->path);
    assert_ok(volume_prepare(p->path, SIZE, NULL));
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    unit_rmdir(p->dir);
    free(p);
    return 0;
}

static struct volume *open_for(const struct place *p, enum volume_mode mode)
{
    struct volume *v = NULL;
    struct err err = {0};

    if (volume_open(p->path, mode, &v, &err) < 0)
        fail_msg("%s", err.text);
    return v;
}

static uint8_t *make_bytes(size_t len)
{
    uint8_t *data =
        aligned_alloc(VOLUME_SECTOR, (len + VOLUME_SECTOR - 1) / VOLUME_SECTOR * VOLUME_SECTOR);

    assert_non_null(data);
    rng_fill(&rng_system, data, len);
    return data;
}

static void what_was_written_is_read_back(void **state)
{
    static const struct {
        uint64_t offset;
        size_t len;
    } runs[] = {{0, SIZE}, {4096, 8192}, {SIZE - 4096, 4096}, {1, 1}, {511, 4098}, {SIZE - 1, 1}};
    struct place *p = *state;
    auto_volume struct volume *w = open_for(p, VOLUME_WRITE);
    auto_volume struct volume *r = open_for(p, VOLUME_READ);

    assert_int_equal(SIZE, volume_size(w));
    for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
        auto_free uint8_t *data = make_bytes(runs[i].len);
        auto_free uint8_t *back = make_bytes(runs[i].len + 1);

        assert_ok(volume_write(w, runs[i].offset, data, runs[i].len, NULL));
        assert_ok(volume_flush(w, NULL));
        assert_ok(volume_drop_cache(r, NULL));
        /* Also into memory that is not aligned. */
        assert_ok(volume_read(r, runs[i].offset, back + 1, runs[i].len, NULL));
        assert_memory_equal(data, back + 1, runs[i].len);
    }
}

static void zeroed_ranges_read_as_zeroes_and_neighbours_stay(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *w = open_for(p, VOLUME_WRITE);
    auto_free uint8_t *data = make_bytes(SIZE);
    auto_free uint8_t *back = make_bytes(SIZE);

    assert_ok(volume_write(w, 0, data, SIZE, NULL));
    assert_ok(volume_zero(w, 65536, 131072, NULL));
    assert_ok(volume_zero(w, 4096 * 100 + 100, 5000, NULL));
    assert_ok(volume_flush(w, NULL));
    assert_ok(volume_read(w, 0, back, SIZE, NULL));
    memset(data + 65536, 0, 131072);
    memset(data + 4096 * 100 + 100, 0, 5000);
    assert_memory_equal(data, back, SIZE);
}

static void ranges_outside_are_refused(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *w = open_for(p, VOLUME_WRITE);
    uint8_t byte = 0;
    uint64_t len;
    bool hole;

    assert_fails(-EINVAL, volume_read(w, SIZE, &byte, 1, NULL));
    assert_fails(-EINVAL, volume_write(w, SIZE, &byte, 1, NULL));
    assert_fails(-EINVAL, volume_zero(w, SIZE - 1, 2, NULL));
    assert_fails(-EINVAL, volume_read(w, UINT64_MAX, &byte, 1, NULL));
    assert_fails(-EINVAL, volume_extent(w, SIZE, &len, &hole, NULL));
    assert_ok(volume_read(w, SIZE, &byte, 0, NULL));
}

static void a_reader_cannot_write(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *r = open_for(p, VOLUME_READ);

    assert_fails(-EBADF, volume_write(r, 0, "x", 1, NULL));
    assert_fails(-EBADF, volume_zero(r, 0, 1, NULL));
}

static void only_one_may_write(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *w = open_for(p, VOLUME_WRITE);
    struct volume *second = NULL;
    struct err err = {0};

    assert_fails(-EBUSY, volume_open(p->path, VOLUME_WRITE, &second, &err));
    assert_int_equal(GW_VOLUME_BUSY, err.gw);
    assert_true(err.retryable);
    second = open_for(p, VOLUME_READ);
    volume_close(second);
}

static void extents_cover_the_volume(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *w = open_for(p, VOLUME_WRITE);
    auto_free uint8_t *data = make_bytes(65536);
    auto_free uint8_t *zeroes = calloc(1, SIZE);
    auto_free uint8_t *back = make_bytes(SIZE);
    uint64_t at = 0;

    assert_ok(volume_zero(w, 0, SIZE, NULL));
    assert_ok(volume_write(w, 5 * 65536, data, 65536, NULL));
    assert_ok(volume_flush(w, NULL));
    while (at < SIZE) {
        uint64_t len = 0;
        bool hole = false;

        assert_ok(volume_extent(w, at, &len, &hole, NULL));
        assert_true(len > 0 && len <= SIZE - at);
        if (hole) {
            assert_ok(volume_read(w, at, back, len, NULL));
            assert_memory_equal(zeroes, back, len);
        }
        at += len;
    }
}

static void identity_is_of_the_thing_not_of_the_handle(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *a = open_for(p, VOLUME_READ);
    auto_volume struct volume *b = open_for(p, VOLUME_READ);

    assert_string_equal(volume_identity(a), volume_identity(b));
    assert_true(text_starts(volume_identity(a), volume_kind(a)));
    assert_string_equal(p->path, volume_path(a));
    assert_ok(volume_check(a, NULL));
}

static void a_shrinking_image_is_estale(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *r = open_for(p, VOLUME_READ);
    uint8_t data[4096];
    struct err err = {0};

    assert_int_equal(0, truncate(p->path, SIZE / 2));
    assert_fails(-ESTALE, volume_read(r, SIZE - 4096, data, sizeof(data), &err));
    assert_int_equal(GW_VOLUME_CHANGED, err.gw);
    err_clear(&err);
    assert_fails(-ESTALE, volume_check(r, &err));
    assert_int_equal(GW_VOLUME_CHANGED, err.gw);
}

static void a_growing_image_is_estale(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *r = open_for(p, VOLUME_READ);

    assert_int_equal(0, truncate(p->path, SIZE + 1));
    assert_fails(-ESTALE, volume_check(r, NULL));
}

static void a_vanished_or_replaced_image_is_estale(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *r = open_for(p, VOLUME_READ);

    assert_int_equal(0, unlink(p->path));
    assert_fails(-ESTALE, volume_check(r, NULL));
    assert_ok(volume_prepare(p->path, SIZE, NULL));
    assert_fails(-ESTALE, volume_check(r, NULL));
}

static void what_cannot_be_a_volume_is_refused_without_hanging(void **state)
{
    struct place *p = *state;
    char fifo[PATH_MAX];
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    const char *bad[] = {fifo, p->dir, sun.sun_path, "/dev/null"};
    auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct volume *v = NULL;

    unit_path(p->dir, "fifo", fifo);
    assert_int_equal(0, mkfifo(fifo, 0600));
    assert_ok(text_print(sun.sun_path, sizeof(sun.sun_path), "%s/socket", p->dir));
    assert_int_equal(0, bind(fd, (struct sockaddr *)&sun, sizeof(sun)));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_fails(-EINVAL, volume_open(bad[i], VOLUME_READ, &v, NULL));
        assert_fails(-EINVAL, volume_open(bad[i], VOLUME_WRITE, &v, NULL));
        assert_fails(-EINVAL, volume_prepare(bad[i], SIZE, NULL));
        assert_fails(-EINVAL, volume_set_readonly(bad[i], true, NULL));
    }
    assert_fails(-ENOENT, volume_open("/nowhere/at/all", VOLUME_READ, &v, NULL));
    assert_null(v);
}

static void prepare_makes_and_resizes_images(void **state)
{
    static const uint64_t sizes[] = {0, 1, 512, 4097, 3 << 20, 5};
    struct place *p = *state;
    char path[PATH_MAX];

    unit_path(p->dir, "new", path);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        auto_volume struct volume *v = NULL;

        assert_ok(volume_prepare(path, sizes[i], NULL));
        assert_ok(volume_open(path, VOLUME_READ, &v, NULL));
        assert_int_equal(sizes[i], volume_size(v));
    }
    assert_fails(-ENOENT, volume_prepare("/nowhere/at/all", 1, NULL));
    assert_fails(-EFBIG, volume_prepare(path, UINT64_MAX, NULL));
}

static void readonly_takes_the_write_bits_and_gives_them_back(void **state)
{
    struct place *p = *state;
    struct stat st;

    assert_ok(volume_set_readonly(p->path, true, NULL));
    assert_int_equal(0, stat(p->path, &st));
    assert_int_equal(0, st.st_mode & 0222);
    assert_ok(volume_set_readonly(p->path, false, NULL));
    assert_int_equal(0, stat(p->path, &st));
    assert_int_equal(0200, st.st_mode & 0200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_written_is_read_back, setup, teardown),
        cmocka_unit_test_setup_teardown(zeroed_ranges_read_as_zeroes_and_neighbours_stay, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(ranges_outside_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_cannot_write, setup, teardown),
        cmocka_unit_test_setup_teardown(only_one_may_write, setup, teardown),
        cmocka_unit_test_setup_teardown(extents_cover_the_volume, setup, teardown),
        cmocka_unit_test_setup_teardown(identity_is_of_the_thing_not_of_the_handle, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_shrinking_image_is_estale, setup, teardown),
        cmocka_unit_test_setup_teardown(a_growing_image_is_estale, setup, teardown),
        cmocka_unit_test_setup_teardown(a_vanished_or_replaced_image_is_estale, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_a_volume_is_refused_without_hanging, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(prepare_makes_and_resizes_images, setup, teardown),
        cmocka_unit_test_setup_teardown(readonly_takes_the_write_bits_and_gives_them_back, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read at the moment when file systems are frozen: whole blocks of what changed, within its
 * room and its time, and without a single allocation.
 */
#include "tests/alloc.h"
#include "tests/loop_device.h"

#include "base/fd.h"
#include "transport/capture.h"
#include "transport/freeze.h"
#include "transport/track.h"

#include "base/banned.h"

enum { MIB = 1 << 20, SIZE = 16 * MIB + 512, ROOM = 32 * MIB };

struct place {
    char *dir;
    char image[PATH_MAX];
    struct volume *volume;
    struct track *track;
    struct capture *capture;
    struct capture_arena arena;
};

static void open_place(struct place *p, const char *path, size_t room)
{
    assert_ok(volume_open(path, VOLUME_READ, &p->volume, NULL));
    assert_ok(track_open("auto", p->volume, p->dir, &p->track, NULL));
    assert_ok(capture_new(p->volume, volume_size(p->volume), room, &p->capture, NULL));
    assert_ok(capture_arena_init(&p->arena, ROOM, NULL));
}

static void make_image(struct place *p)
{
    auto_close int fd = -1;
    uint32_t word = 1;

    p->dir = unit_mkdir();
    unit_path(p->dir, "image", p->image);
    fd = open(p->image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    for (uint64_t at = 0; at < SIZE; at += 4096, word = word * 1664525 + 1013904223)
        assert_ok(fd_pwrite_full(fd, &word, sizeof(word), at, NULL));
    assert_int_equal(ftruncate(fd, SIZE), 0);
}

static void close_place(struct place *p)
{
    capture_free(p->capture);
    capture_arena_done(&p->arena);
    track_close(p->track);
    volume_close(p->volume);
    unit_rmdir(p->dir);
}

/* Locked memory is for root, or for who was granted some. */
static void skip_without_locks(void)
{
    struct capture_arena a = {0};

    if (capture_arena_init(&a, ROOM, NULL) < 0)
        skip();
    capture_arena_done(&a);
}

static void assert_is_volume(const struct place *p, uint64_t want)
{
    auto_free uint8_t *data = malloc(SIZE);
    uint64_t sum = 0;

    assert_non_null(data);
    for (size_t i = 0; i < capture_count(p->capture); i++) {
        const struct capture_piece *piece = capture_piece(p->capture, i);

        assert_ok(volume_read(p->volume, piece->offset, data, piece->len, NULL));
        assert_memory_equal(piece->data, data, piece->len);
        assert_ptr_equal(capture_at(p->capture, piece->offset + piece->len - 1, 1),
                         piece->data + piece->len - 1);
        sum += piece->len;
    }
    assert_int_equal(sum, want);
}

static void takes_without_allocating(struct place *p)
{
    int rc;

    atomic_store(&alloc_did_fail, false);
    atomic_store(&alloc_until_fail, 1);
    rc = capture_take(p->capture, p->track, &p->arena, NULL);
    atomic_store(&alloc_until_fail, 0);
    assert_false(atomic_load(&alloc_did_fail));
    assert_ok(rc);
    assert_ok(track_trust(p->track, NULL));
}

static void an_image_is_read_without_allocating(void **state)
{
    struct place p = {0};
    uint64_t bytes = 0;

    (void)state;
    skip_without_locks();
    make_image(&p);
    open_place(&p, p.image, ROOM);
    assert_ok(capture_measure(p.capture, p.track, &bytes, NULL));
    assert_int_equal(bytes, SIZE);
    takes_without_allocating(&p);
    assert_is_volume(&p, SIZE);
    close_place(&p);
}

static void a_device_is_read_without_allocating(void **state)
{
    char device[LOOP_DEVICE_PATH];
    struct place p = {0};
    auto_close int fd = -1;
    uint8_t block[VOLUME_SECTOR] = {1};

    (void)state;
    skip_without_locks();
    make_image(&p);
    fd = loop_device_private_pins() ? loop_device_open(p.image, device) : -1;
    if (fd < 0) {
        unit_rmdir(p.dir);
        skip();
    }
    open_place(&p, device, ROOM);
    takes_without_allocating(&p);
    assert_is_volume(&p, volume_size(p.volume));
    assert_ok(track_commit(p.track, NULL));
    if (strcmp(track_kind(p.track), "ebpf") == 0) { /* then only what changes from here on */
        assert_ok(fd_pwrite_full(fd, block, sizeof(block), 5 * MIB + VOLUME_SECTOR, NULL));
        assert_int_equal(fsync(fd), 0);
        p.arena.used = 0;
        takes_without_allocating(&p);
        assert_is_volume(&p, VOLUME_BLOCK);
    }
    close_place(&p);
}

static void more_than_there_is_room_for_is_said(void **state)
{
    struct place p = {0};
    uint64_t bytes = 0;

    (void)state;
    skip_without_locks();
    make_image(&p);
    open_place(&p, p.image, MIB);
    assert_ok(capture_measure(p.capture, p.track, &bytes, NULL));
    assert_int_equal(bytes, MIB);
    assert_fails(-ENOSPC, capture_take(p.capture, p.track, &p.arena, NULL));
    track_abort(p.track);
    capture_free(p.capture);
    assert_ok(capture_new(p.volume, SIZE, ROOM, &p.capture, NULL));
    p.arena.used = ROOM - MIB;
    assert_fails(-ENOSPC, capture_take(p.capture, p.track, &p.arena, NULL));
    close_place(&p);
}

static void a_moment_that_is_over_ends_the_reading(void **state)
{
    struct place p = {0};
    struct freeze *moment = NULL;
    const char *path = p.image;

    (void)state;
    skip_without_locks();
    if (geteuid() != 0)
        skip();
    make_image(&p);
    open_place(&p, p.image, ROOM);
    assert_ok(freeze_new(&path, 1, &moment, NULL));
    assert_ok(freeze_arm(moment, 0, NULL));
    assert_ok(freeze_begin(moment));
    assert_fails(-ETIME, capture_take(p.capture, p.track, &p.arena, moment));
    assert_ok(freeze_end(moment));
    freeze_free(moment);
    close_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_is_read_without_allocating),
        cmocka_unit_test(a_device_is_read_without_allocating),
        cmocka_unit_test(more_than_there_is_room_for_is_said),
        cmocka_unit_test(a_moment_that_is_over_ends_the_reading),
    };

    if (!ALLOC_WORKS)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

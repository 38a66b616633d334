/* SPDX-License-Identifier: Apache-2.0 */
/* What every change tracker must do: ranges that cover what changed, and two phases. */
#include "tests/loop_device.h"
#include "tests/nbd_server.h"
#include "tests/unit.h"

#include "base/text.h"
#include "transport/trace_owner.h"
#include "transport/track.h"
#include "transport/volume.h"

#include "base/banned.h"

/* The last three are of block devices, on kernels that have them, and of exports of QEMU. */
static const char *const kinds[] = {"scan", "auto", "ebpf", "tracefs", "nbd"};

struct place {
    char *dir;
    char image[PATH_MAX];
    int loop;
    pid_t server;
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    p->dir = unit_mkdir();
    p->loop = -1;
    unit_path(p->dir, "image", p->image);
    *state = p;
    return 0;
}

static void close_loop(struct place *p)
{
    if (p->loop >= 0)
        close(p->loop);
    p->loop = -1;
}

static void end_server(struct place *p)
{
    if (p->server > 0)
        nbd_server_end(p->server);
    p->server = 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    char named[PATH_MAX];

    close_loop(p);
    end_server(p);
    unit_path(p->dir, "tracker-tracefs", named);
    trace_owner_end(named);
    unit_rmdir(p->dir);
    free(p);
    return 0;
}

/* NULL: there is no qemu-storage-daemon here, or no libnbd in this build. */
static struct volume *open_export(struct place *p)
{
    char file[PATH_MAX + 64], server[PATH_MAX + 64], monitor[PATH_MAX + 64], uri[2 * PATH_MAX];
    char socket_path[PATH_MAX];
    const char *argv[] = {"qemu-storage-daemon",
                          "--blockdev",
                          file,
                          "--nbd-server",
                          server,
                          "--export",
                          "nbd,id=e,node-name=d,name=d",
                          "--chardev",
                          monitor,
                          "--monitor",
                          "chardev=c",
                          NULL};
    struct volume *v = NULL;

    unit_path(p->dir, "nbd", socket_path);
    assert_ok(text_print(file, sizeof(file), "driver=file,filename=%s,node-name=d", p->image));
    assert_ok(text_print(server, sizeof(server), "addr.type=unix,addr.path=%s", socket_path));
    assert_ok(
        text_print(monitor, sizeof(monitor), "socket,path=%s/qmp,server=on,wait=off,id=c", p->dir));
    assert_ok(
        text_print(uri, sizeof(uri), "nbd+unix:///d?socket=%s&qmp=%s/qmp", socket_path, p->dir));
    p->server = nbd_server_start(argv, socket_path);
    if (p->server < 0 || volume_open(uri, VOLUME_READ, &v, NULL) < 0)
        return NULL;
    return v;
}

/* NULL: this kind is not to be had here. */
static struct volume *open_volume(struct place *p, const char *kind, uint64_t size)
{
    struct volume *v = NULL;
    struct track *t = NULL;
    char device[LOOP_DEVICE_PATH];

    close_loop(p);
    end_server(p); /* while it has the image nobody else may write to it */
    assert_ok(volume_prepare(p->image, size, NULL));
    if (text_equal(kind, "nbd"))
        return open_export(p);
    if (!text_equal(kind, "ebpf") && !text_equal(kind, "tracefs")) {
        assert_ok(volume_open(p->image, VOLUME_READ, &v, NULL));
        return v;
    }
    p->loop = size < 512 ? -1 : loop_device_open(p->image, device); /* no device is empty */
    if (p->loop < 0)
        return NULL;
    assert_ok(volume_open(device, VOLUME_READ, &v, NULL));
    if (track_open(kind, v, p->dir, &t, NULL) == -EOPNOTSUPP) {
        volume_close(v);
        return NULL;
    }
    track_close(t);
    return v;
}

/* Every byte that is told, checking order and bounds. */
static uint64_t told_bytes(struct track *t, uint64_t size)
{
    struct track_range r;
    uint64_t sum = 0;
    uint64_t end = 0;
    int rc;

    while ((rc = track_next(t, &r, NULL)) == 1) {
        assert_true(r.len > 0);
        assert_true(r.offset >= end);
        end = r.offset + r.len;
        assert_true(end <= size);
        assert_true(end == size || end % VOLUME_SECTOR == 0);
        sum += r.len;
    }
    assert_int_equal(0, rc);
    assert_int_equal(0, track_next(t, &r, NULL));
    return sum;
}

static void the_first_pass_is_the_whole_volume(void **state)
{
    static const uint64_t sizes[] = {0, 1, 4096, 4097, 65536 * 3 + 512, 1 << 20};
    struct place *p = *state;

    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            auto_volume struct volume *v = open_volume(p, kinds[k], sizes[i]);
            auto_track struct track *t = NULL;

            if (!v)
                continue;
            assert_ok(track_open(kinds[k], v, p->dir, &t, NULL));
            assert_ok(track_freeze(t, NULL));
            assert_int_equal(volume_size(v), told_bytes(t, volume_size(v)));
            assert_ok(track_commit(t, NULL));
        }
    }
}

static void an_aborted_pass_forgets_nothing(void **state)
{
    struct place *p = *state;

    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        auto_volume struct volume *v = open_volume(p, kinds[k], 10 * VOLUME_SECTOR);
        auto_track struct track *t = NULL;
        struct track_range r;

        if (!v)
            continue;
        assert_ok(track_open(kinds[k], v, p->dir, &t, NULL));
        assert_ok(track_freeze(t, NULL));
        assert_int_equal(1, track_next(t, &r, NULL));
        track_abort(t);
        track_abort(t);
        assert_ok(track_freeze(t, NULL));
        assert_int_equal(10 * VOLUME_SECTOR, told_bytes(t, 10 * VOLUME_SECTOR));
        /* And the close below is an abort. */
    }
}

static void the_phases_keep_their_order(void **state)
{
    struct place *p = *state;

    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        auto_volume struct volume *v = open_volume(p, kinds[k], VOLUME_SECTOR);
        auto_track struct track *t = NULL;
        struct track_range r;

        if (!v)
            continue;
        assert_ok(track_open(kinds[k], v, p->dir, &t, NULL));
        assert_fails(-EINVAL, track_next(t, &r, NULL));
        assert_fails(-EINVAL, track_commit(t, NULL));
        assert_ok(track_freeze(t, NULL));
        assert_fails(-EALREADY, track_freeze(t, NULL));
        assert_ok(track_commit(t, NULL));
        assert_fails(-EINVAL, track_commit(t, NULL));
    }
}

static bool resize(const struct place *p, uint64_t size)
{
    return truncate(p->image, (off_t)size) == 0 && ioctl(p->loop, LOOP_SET_CAPACITY, 0) == 0;
}

/* Behind the end of what is tracked, while a pass is open. */
static void change_what_has_no_mark(const struct place *p, uint64_t size)
{
    uint8_t block[VOLUME_SECTOR] = {1};

    assert_true(resize(p, 2 * size));
    assert_int_equal(sizeof(block), pwrite(p->loop, block, sizeof(block), (off_t)size));
    assert_int_equal(0, fsync(p->loop));
    assert_true(resize(p, size));
}

static void what_could_not_be_marked_is_a_doubt_beyond_the_pass(void **state)
{
    struct place *p = *state;

    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        auto_volume struct volume *v = open_volume(p, kinds[k], 1 << 20);
        struct track *t = NULL;

        if (!v || p->loop < 0)
            continue;
        assert_ok(track_open(kinds[k], v, p->dir, &t, NULL));
        assert_ok(track_freeze(t, NULL));
        change_what_has_no_mark(p, volume_size(v));
        assert_true(track_marked(t, 0, VOLUME_SECTOR) >= 0);
        assert_ok(track_commit(t, NULL));
        track_close(t);
        assert_ok(track_open(kinds[k], v, p->dir, &t, NULL));
        assert_string_not_equal("", track_rescan(t));
        track_close(t);
        close_loop(p);
    }
}

static void a_scan_cannot_tell_the_backlog(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *v = open_volume(p, "scan", VOLUME_SECTOR);
    auto_track struct track *t = NULL;

    assert_ok(track_open("scan", v, p->dir, &t, NULL));
    assert_string_equal("scan", track_kind(t));
    assert_true(track_dirty_bytes(t) == UINT64_MAX);
}

static void unknown_kinds_are_named(void **state)
{
    struct place *p = *state;
    auto_volume struct volume *v = open_volume(p, "scan", VOLUME_SECTOR);
    struct track *t = NULL;
    struct err err = {0};

    assert_fails(-EINVAL, track_open("psychic", v, p->dir, &t, &err));
    assert_non_null(strstr(err.text, "psychic"));
    assert_null(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_pass_is_the_whole_volume, setup, teardown),
        cmocka_unit_test_setup_teardown(an_aborted_pass_forgets_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(the_phases_keep_their_order, setup, teardown),
        cmocka_unit_test_setup_teardown(what_could_not_be_marked_is_a_doubt_beyond_the_pass, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_scan_cannot_tell_the_backlog, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_kinds_are_named, setup, teardown),
    };

    if (!loop_device_private_pins())
        printf("without change tracking in the kernel: no privilege for it\n");
    return cmocka_run_group_tests(tests, NULL, NULL);
}

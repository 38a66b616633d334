/* SPDX-License-Identifier: Apache-2.0 */
/* When a volume is not called quiet. */
#include "tests/loop_device.h"
#include "tests/unit.h"

#include "agent/idle.h"
#include "base/proc.h"
#include "base/text.h"
#include "base/worker.h"

#include <sys/stat.h>

#include "base/banned.h"

enum { MIB = 1 << 20, BLOCK = 4096, TRIES = 2000 };

/* A device on an image of a file system that can be frozen: what is written to it then is under way
 * for as long as one likes. */
struct disk {
    char *dir;
    char at[PATH_MAX];
    char path[LOOP_DEVICE_PATH];
    int below;
    int fd;
    int mount_fd;
};

static int make_image(const char *path, off_t size)
{
    auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    return fd >= 0 && ftruncate(fd, size) == 0 ? 0 : -1;
}

static int setup(void **state)
{
    struct disk *d = calloc(1, sizeof(*d));
    const char *mkfs[] = {"mke2fs", "-q", "-F", "-t", "ext4", NULL, NULL};
    char below[LOOP_DEVICE_PATH];
    char image[PATH_MAX];

    assert_non_null(d);
    *state = d;
    d->below = d->fd = d->mount_fd = -1;
    d->dir = unit_mkdir();
    unit_path(d->dir, "below", image);
    if (make_image(image, 16 * MIB) < 0 || mkdir(unit_path(d->dir, "at", d->at), 0700) < 0)
        return -1;
    d->below = loop_device_open(image, below);
    mkfs[5] = below;
    if (d->below < 0 || proc_tool(mkfs, NULL, NULL) < 0 || mount(below, d->at, "ext4", 0, NULL) < 0)
        return -1;
    d->mount_fd = open(d->at, O_RDONLY | O_CLOEXEC);
    if (make_image(unit_path(d->at, "image", image), MIB) < 0)
        return -1;
    d->fd = loop_device_open(image, d->path);
    return d->fd >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
    struct disk *d = *state;

    if (d->fd >= 0)
        close(d->fd);
    if (d->mount_fd >= 0)
        close(d->mount_fd);
    (void)umount2(d->at, MNT_DETACH);
    if (d->below >= 0)
        close(d->below);
    unit_rmdir(d->dir);
    free(d);
    return 0;
}

static int write_a_block(void *arg, size_t index, struct err *err)
{
    const struct disk *d = arg;
    auto_close int fd = open(d->path, O_WRONLY | O_DIRECT | O_CLOEXEC);
    auto_free uint8_t *data = aligned_alloc(BLOCK, BLOCK);

    (void)index;
    (void)err;
    if (fd < 0 || !data)
        return -EIO;
    memset(data, 1, BLOCK);
    return pwrite(fd, data, BLOCK, 0) == BLOCK ? 0 : -EIO;
}

static bool is_under_way(const struct disk *d)
{
    char path[PATH_MAX];
    char text[64] = "";
    auto_close int fd = -1;

    assert_ok(text_print(path, sizeof(path), "/sys/block/%s/inflight", d->path + strlen("/dev/")));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && !strstr(text, " 0\n");
}

/* Some devices count a write when it begins: it may be counted in the stamp, and be read, as it was
 * before, by the pass that comes after it. */
static void what_is_written_while_a_pass_begins_is_not_quiet(void **state)
{
    struct disk *d = *state;
    struct workers *writer = NULL;
    char rest[IDLE_STAMP_MAX];
    char busy[IDLE_STAMP_MAX];
    bool seen = false;

    idle_stamp(d->path, rest);
    assert_int_equal(0, ioctl(d->mount_fd, FIFREEZE, 0));
    if (workers_start(1, "write", write_a_block, d, &writer, NULL) == 0)
        for (int i = 0; !seen && i < TRIES; i++) {
            seen = is_under_way(d);
            usleep(1000);
        }
    idle_stamp(d->path, busy);
    assert_int_equal(0, ioctl(d->mount_fd, FITHAW, 0));
    assert_ok(workers_join(writer, NULL));
    assert_true(seen);
    assert_string_not_equal("", rest);
    assert_string_not_equal(rest, busy);
}

static void what_was_written_is_not_quiet(void **state)
{
    struct disk *d = *state;
    struct idle idle = {{0}, 0};

    idle_begin(&idle, d->path, 1);
    assert_true(idle_is_quiet(&idle, d->path, 2));
    assert_false(idle_is_quiet(&idle, d->path, 2 + IDLE_TRUST_MS));
    assert_ok(write_a_block(d, 0, NULL));
    assert_false(idle_is_quiet(&idle, d->path, 2));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_was_written_is_not_quiet),
        CASE(what_is_written_while_a_pass_begins_is_not_quiet),
    };

    if (!loop_device_is_here(setup, teardown))
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What stands still for a consistent point: all that lies on the volumes, and nothing that only
 * says so; and what is thawed when whoever froze it is gone. */
#include "tests/loop_device.h"
#include "tests/replica_place.h"

#include "base/gw.h"
#include "base/proc.h"
#include "transport/freeze.h"
#include "transport/volume.h"
#include "transport/volume_above.h"

#include <linux/blkpg.h>
#include <sys/wait.h>

#include "base/banned.h"

enum { MIB = 1 << 20, SIZE = 8 * MIB, PARTITIONS = 200, SECTOR = 512 };

/* A volume of our own, in mounts of our own. */
struct disk {
    struct place p;
    char path[LOOP_DEVICE_PATH];
    char at[PATH_MAX]; /* where it may be mounted */
    int fd;
};

static int setup(void **state)
{
    struct disk *d = calloc(1, sizeof(*d));
    char image[PATH_MAX];

    assert_non_null(d);
    *state = d;
    place_init(&d->p, "mem:freeze");
    place_resize(&d->p, "image", SIZE);
    assert_int_equal(0, mkdir(unit_path(d->p.dir, "at", d->at), 0700));
    d->fd = loop_device_open(unit_path(d->p.dir, "image", image), d->path);
    return d->fd >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
    struct disk *d = *state;

    (void)umount2(d->at, MNT_DETACH);
    if (d->fd >= 0)
        close(d->fd);
    place_done(&d->p);
    free(d);
    return 0;
}

static void make_ext4_at(const char *path)
{
    const char *argv[] = {"mke2fs", "-q", "-F", "-t", "ext4", path, NULL};

    if (proc_tool(argv, NULL, NULL) < 0)
        skip();
}

static void make_ext4(const struct disk *d)
{
    make_ext4_at(d->path);
}

static int mount_it(void *arg, struct err *err)
{
    const struct disk *d = arg;

    (void)err;
    return mount(d->path, d->at, "ext4", 0, NULL) == 0 || errno == EBUSY ? 0 : -errno;
}

static size_t count_file_systems(const struct disk *d)
{
    const char *volumes[] = {d->path};
    auto_freeze struct freeze *f = NULL;

    assert_ok(freeze_new(volumes, 1, &f, NULL));
    return freeze_count(f);
}

static int part(const struct disk *d, int op, int number)
{
    struct blkpg_partition p = {
        .start = (long long)number * 2 * SECTOR, .length = 2LL * SECTOR, .pno = number};
    struct blkpg_ioctl_arg arg = {.op = op, .datalen = sizeof(p), .data = &p};

    return ioctl(d->fd, BLKPG, &arg);
}

/* The number of a loop device keeps them when it has no image any more. */
static void remove_parts(const struct disk *d)
{
    for (int i = 1; i <= PARTITIONS; i++)
        (void)part(d, BLKPG_DEL_PARTITION, i);
}

static void every_partition_is_above_its_disk(void **state)
{
    const struct disk *d = *state;
    auto_above struct volume_above above = {0};
    int made = 0;
    int rc;

    remove_parts(d);
    while (made < PARTITIONS && part(d, BLKPG_ADD_PARTITION, made + 1) == 0)
        made++;
    rc = volume_above_find(d->path, &above, NULL);
    remove_parts(d);
    if (made == 0)
        skip();
    assert_ok(rc);
    assert_int_equal(PARTITIONS, made);
    assert_int_equal(1 + PARTITIONS, above.n);
}

/* As where a container, or a service with mounts of its own, made the device. */
static void a_loop_device_is_found_whatever_the_name_of_its_image(void **state)
{
    const struct disk *d = *state;
    auto_above struct volume_above above = {0};
    char elsewhere[LOOP_DEVICE_PATH];
    char image[PATH_MAX];
    struct stat st;
    int fd;
    int rc;

    place_resize(&d->p, "other", SIZE);
    assert_int_equal(0, mount(d->p.dir, d->at, "none", MS_BIND, NULL));
    fd = loop_device_open(unit_path(d->at, "other", image), elsewhere);
    assert_int_equal(0, umount2(d->at, MNT_DETACH));
    assert_true(fd >= 0);
    rc = fstat(fd, &st);
    assert_ok(volume_above_find(unit_path(d->p.dir, "other", image), &above, NULL));
    close(fd);
    assert_int_equal(0, rc);
    assert_int_equal(1, above.n);
    assert_true(volume_above_has(&above, st.st_rdev));
}

/* A process in a name space of its own, with what is mounted now and d, until its input ends. */
struct elsewhere {
    pid_t pid;
    int end;
    bool there;
};

static void live_elsewhere(const struct disk *d, int told, int end)
{
    char c = unshare(CLONE_NEWNS) == 0 && mount_it((void *)(uintptr_t)d, NULL) == 0 ? 'y' : 'n';

    close(d->fd);
    (void)!write(told, &c, 1);
    while (read(end, &c, 1) > 0)
        ;
    _exit(0);
}

static struct elsewhere begin_elsewhere(const struct disk *d)
{
    int told[2], end[2];
    struct elsewhere e;
    char c = 'n';

    assert_int_equal(0, pipe2(told, O_CLOEXEC));
    assert_int_equal(0, pipe2(end, O_CLOEXEC));
    e.pid = fork();
    if (e.pid == 0) {
        close(end[1]);
        live_elsewhere(d, told[1], end[0]);
    }
    close(told[1]);
    close(end[0]);
    e.there = read(told[0], &c, 1) == 1 && c == 'y';
    e.end = end[1];
    close(told[0]);
    return e;
}

static void end_elsewhere(const struct elsewhere *e)
{
    close(e->end);
    assert_int_equal(e->pid, waitpid(e->pid, NULL, 0));
}

/* A container's, of which no file is open at this moment. */
static void what_another_name_space_has_mounted_is_a_writer(void **state)
{
    const struct disk *d = *state;
    struct elsewhere e;
    char name[PATH_MAX];
    unsigned n = 0;
    int rc;

    make_ext4(d);
    e = begin_elsewhere(d);
    rc = volume_writers(d->path, name, sizeof(name), &n, NULL);
    end_elsewhere(&e);
    if (!e.there)
        skip();
    assert_ok(rc);
    assert_int_equal(1, n);
    assert_non_null(strstr(name, d->at));
}

/* Its copy of the mount is called writable still. */
static void a_file_system_that_became_read_only_is_no_writer_elsewhere(void **state)
{
    struct disk *d = *state;
    struct elsewhere e;
    char name[PATH_MAX];
    unsigned before = 0, after = 0;
    int rc;

    make_ext4(d);
    assert_ok(mount_it(d, NULL));
    e = begin_elsewhere(d);
    rc = volume_writers(d->path, name, sizeof(name), &before, NULL);
    if (rc == 0 && mount(NULL, d->at, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0)
        rc = volume_writers(d->path, name, sizeof(name), &after, NULL);
    end_elsewhere(&e);
    if (!e.there)
        skip();
    assert_ok(rc);
    assert_int_equal(1, before); /* once, not once for each name space */
    assert_int_equal(0, after);
}

/* Any user may mount these in name spaces of his own, and say of them what he likes. */
static void a_file_system_without_a_device_is_on_none(void **state)
{
    const struct disk *d = *state;
    char name[128];
    unsigned n = 0;

    assert_int_equal(0, mount(d->path, d->at, "tmpfs", 0, NULL));
    assert_int_equal(0, count_file_systems(d));
    assert_ok(volume_writers(d->path, name, sizeof(name), &n, NULL));
    assert_int_equal(0, n);
}

/* No holder in sysfs: a loop device leaves the one below to anybody. */
static void a_loop_device_is_above_the_disk_below_it(void **state)
{
    const struct disk *d = *state;
    auto_above struct volume_above above = {0};
    char path[LOOP_DEVICE_PATH];
    auto_close int fd = loop_device_open(d->path, path);

    assert_true(fd >= 0);
    assert_ok(volume_above_find(d->path, &above, NULL));
    assert_int_equal(2, above.n);
    make_ext4_at(path);
    assert_int_equal(0, mount(path, d->at, "ext4", 0, NULL));
    assert_int_equal(1, count_file_systems(d));
}

static void a_disk_is_not_written_below_what_is_mounted(void **state)
{
    const struct disk *d = *state;
    char path[LOOP_DEVICE_PATH];
    auto_close int fd = loop_device_open(d->path, path);
    struct volume *v = NULL;
    struct err err = {0};

    assert_true(fd >= 0);
    make_ext4_at(path);
    assert_int_equal(0, mount(path, d->at, "ext4", 0, NULL));
    assert_int_equal(-EBUSY, volume_open(d->path, VOLUME_WRITE, &v, &err));
    assert_int_equal(GW_VOLUME_BUSY, err.gw);
    assert_non_null(strstr(err.text, path));
}

/* The kernel gives none of the two while somebody has the other. */
static void a_disk_that_is_mounted_has_its_partitions(void **state)
{
    const struct disk *d = *state;
    const char *volumes[] = {d->path};
    auto_freeze struct freeze *f = NULL;
    int rc;

    make_ext4(d);
    remove_parts(d);
    if (part(d, BLKPG_ADD_PARTITION, 1) < 0)
        skip();
    assert_int_equal(0, mount(d->path, d->at, "ext4", 0, NULL));
    assert_ok(freeze_new(volumes, 1, &f, NULL));
    rc = freeze_check(f, NULL);
    assert_int_equal(0, umount2(d->at, MNT_DETACH));
    remove_parts(d);
    assert_ok(rc);
}

static void an_image_that_is_mounted_is_not_written(void **state)
{
    const struct disk *d = *state;
    char image[PATH_MAX];
    struct volume *v = NULL;
    struct err err = {0};

    unit_path(d->p.dir, "image", image);
    assert_ok(volume_open(image, VOLUME_WRITE, &v, NULL)); /* a loop device that nobody uses */
    volume_close(v);
    make_ext4(d);
    assert_int_equal(0, mount(d->path, d->at, "ext4", MS_RDONLY, NULL));
    assert_int_equal(-EBUSY, volume_open(image, VOLUME_WRITE, &v, &err));
    assert_int_equal(GW_VOLUME_BUSY, err.gw);
}

/* A journal of its own, what was unmounted while it is in use, ZFS: no mount tells of them. */
static void what_nobody_can_freeze_does_not_stand_still(void **state)
{
    const struct disk *d = *state;
    const char *volumes[] = {d->path};
    auto_freeze struct freeze *f = NULL;
    auto_close int claim = open(d->path, O_RDONLY | O_EXCL | O_CLOEXEC);
    struct err err = {0};

    assert_true(claim >= 0);
    assert_ok(freeze_new(volumes, 1, &f, NULL));
    assert_int_equal(-EBUSY, freeze_check(f, &err));
    assert_int_equal(GW_NOT_CONSISTENT, err.gw);
    close(claim);
    claim = -1;
    assert_ok(freeze_check(f, NULL));
}

/* It is mounted by the name of one of them. */
static void a_file_system_over_two_devices_is_found_from_each(void **state)
{
    static const uint64_t size = 128 * MIB;
    struct disk *d = *state;
    struct disk each[2] = {*d, *d};
    char image[PATH_MAX];
    size_t found[2];
    int rc;

    for (size_t i = 0; i < 2; i++) {
        place_resize(&d->p, i ? "second" : "first", size);
        each[i].fd =
            loop_device_open(unit_path(d->p.dir, i ? "second" : "first", image), each[i].path);
        assert_true(each[i].fd >= 0);
    }
    rc = proc_tool((const char *[]){"mkfs.btrfs", "-q", "-f", each[0].path, each[1].path, NULL},
                   NULL, NULL);
    if (rc == 0 && mount(each[0].path, d->at, "btrfs", 0, NULL) < 0)
        rc = -errno;
    for (size_t i = 0; rc == 0 && i < 2; i++)
        found[i] = count_file_systems(&each[i]);
    (void)umount2(d->at, MNT_DETACH);
    close(each[0].fd);
    close(each[1].fd);
    if (rc < 0)
        skip();
    assert_int_equal(1, found[0]);
    assert_int_equal(1, found[1]);
}

static int do_nothing(void *arg, struct err *err)
{
    (void)arg;
    (void)err;
    return 0;
}

static void what_a_hook_mounts_stands_still_too(void **state)
{
    struct disk *d = *state;
    char dir[PATH_MAX];
    struct replica_hooks hooks = {.before = mount_it, .after = do_nothing, .arg = d};
    struct replica_run run = {.vault = d->p.vault,
                              .name = "shop/db",
                              .volume_path = d->path,
                              .state_dir = unit_path(d->p.dir, "state", dir),
                              .tracker = "scan"};
    struct replica_moment moment = {0};
    struct replica_together t = {
        .runs = &run, .n = 1, .freeze_ms = 5000, .hooks = &hooks, .moment = &moment};
    struct replica_point point = {0};
    struct err err = {0};

    make_ext4(d);
    if (replica_push_together(&t, &point, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(1, moment.file_systems);
    assert_true(moment.pause_us > 0);
    assert_int_equal(REPLICA_FILESYSTEM, point.kind);
}

static void a_volume_that_is_gone_leaves_no_other_frozen(void **state)
{
    struct disk *d = *state;
    const char *volumes[] = {"/dev/godwit-is-not-there", d->path};
    auto_close int fd = -1;
    int rc;

    make_ext4(d);
    assert_ok(mount_it(d, NULL));
    fd = open(d->at, O_RDONLY | O_CLOEXEC);
    assert_int_equal(0, ioctl(fd, FIFREEZE, 0));
    rc = replica_thaw(volumes, ARRAY_LEN(volumes), NULL);
    assert_int_equal(-1, ioctl(fd, FITHAW, 0)); /* else it still stood */
    assert_ok(rc);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_partition_is_above_its_disk),
        CASE(a_loop_device_is_found_whatever_the_name_of_its_image),
        CASE(what_another_name_space_has_mounted_is_a_writer),
        CASE(a_file_system_that_became_read_only_is_no_writer_elsewhere),
        CASE(a_file_system_without_a_device_is_on_none),
        CASE(a_loop_device_is_above_the_disk_below_it),
        CASE(a_disk_is_not_written_below_what_is_mounted),
        CASE(a_disk_that_is_mounted_has_its_partitions),
        CASE(an_image_that_is_mounted_is_not_written),
        CASE(what_nobody_can_freeze_does_not_stand_still),
        CASE(a_file_system_over_two_devices_is_found_from_each),
        CASE(what_a_hook_mounts_stands_still_too),
        CASE(a_volume_that_is_gone_leaves_no_other_frozen),
    };

    if (!loop_device_is_here(setup, teardown))
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

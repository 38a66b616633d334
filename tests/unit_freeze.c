/* SPDX-License-Identifier: Apache-2.0 */
/* What stands still for a consistent point: all that lies on the volumes, and nothing that only
 * says so. */
#include "tests/loop_device.h"
#include "tests/replica_place.h"

#include "transport/freeze.h"
#include "transport/volume_above.h"

#include <linux/blkpg.h>

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

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_partition_is_above_its_disk),
        CASE(a_file_system_without_a_device_is_on_none),
    };
    void *state = NULL;
    bool here = geteuid() == 0 && loop_device_private_pins() && setup(&state) == 0;

    if (state)
        teardown(&state);
    if (!here) {
        printf("skipped: needs root and loop devices\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions and logical volumes are followed down to the disk that completes their requests. */
#include "transport/track_aim.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/dm_device.h"
#include "transport/dm_table.h"
#include "transport/track_map.h"
#include "transport/volume.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/banned.h"

enum { SECTOR = 512, SYSFS_TEXT_MAX = 64, BELOW_MAX = 8 };

static int sysfs_text(dev_t dev, const char *file, char *out, size_t size, struct err *err)
{
    auto_buf struct buf text = {0};
    char path[PATH_MAX];
    int rc =
        text_print(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(dev), minor(dev), file);

    if (rc == 0)
        rc = fd_load_proc(path, SYSFS_TEXT_MAX, &text, err);
    if (rc < 0)
        return rc;
    if (!buf_cstr(&text))
        return err_set(err, -ENOMEM, "change tracker: %m");
    return text_print(out, size, "%.*s", (int)strcspn(buf_cstr(&text), "\n"), buf_cstr(&text));
}

/* Its disk, and where it begins there. */
static int below_partition(dev_t dev, dev_t *ret_disk, uint64_t *ret_start, struct err *err)
{
    auto_vec char **numbers = NULL;
    char text[SYSFS_TEXT_MAX];
    uint64_t major_n = 0;
    uint64_t minor_n = 0;
    int rc = sysfs_text(dev, "start", text, sizeof(text), err);

    if (rc == 0)
        rc = num_parse_u64(text, 0, UINT64_MAX / SECTOR, ret_start, err);
    if (rc == 0)
        rc = sysfs_text(dev, "../dev", text, sizeof(text), err);
    if (rc == 0)
        rc = text_split(text, ":", &numbers, err);
    if (rc == 0 && (!numbers || text_vec_len(numbers) != 2))
        rc = err_set(err, -EBADMSG, "'%s' is no number of a disk", text);
    if (rc == 0)
        rc = num_parse_u64(numbers[0], 0, UINT32_MAX, &major_n, err);
    if (rc == 0)
        rc = num_parse_u64(numbers[1], 0, UINT32_MAX, &minor_n, err);
    *ret_disk = makedev((unsigned)major_n, (unsigned)minor_n);
    return rc;
}

/* What a logical volume lies on, when that is one run. */
static int below_mapped(dev_t dev, dev_t *ret_disk, uint64_t *ret_start, struct err *err)
{
    auto_free struct dm_table *table = calloc(1, sizeof(*table));
    auto_buf struct buf text = {0};
    struct dm_piece run = {0};
    int rc = table ? dm_device_table(dev, &text, err) : err_set(err, -ENOMEM, "change tracker: %m");

    if (rc == 0 && !buf_cstr(&text))
        rc = err_set(err, -ENOMEM, "change tracker: %m");
    if (rc == 0)
        rc = dm_table_parse(buf_cstr(&text), table, err);
    if (rc == 0)
        rc = dm_table_run(table, &run, err);
    if (rc < 0)
        return rc;
    *ret_disk = makedev(run.major, run.minor);
    *ret_start = run.at;
    return 0;
}

/* Partitions and logical volumes complete no requests of their own: their disk does, and numbers
 * the sectors. */
static int find_disk(dev_t dev, struct track_aim *aim, struct err *err)
{
    char text[SYSFS_TEXT_MAX];

    aim->whole_disk = true;
    for (int depth = 0; depth < BELOW_MAX; depth++) {
        bool mapped = dm_device_is(dev);
        uint64_t start = 0;
        int rc;

        if (!mapped && sysfs_text(dev, "partition", text, sizeof(text), NULL) < 0) {
            aim->major = major(dev);
            aim->minor = minor(dev);
            return 0;
        }
        rc =
            mapped ? below_mapped(dev, &dev, &start, err) : below_partition(dev, &dev, &start, err);
        if (rc < 0)
            return rc;
        aim->whole_disk = false;
        if (!num_add(aim->first_sector, start, &aim->first_sector))
            return err_set(err, -EBADMSG, "sectors without end");
    }
    return err_set(err, -EOPNOTSUPP, "it lies on too many devices, one below the other");
}

/* md, zram, most of device-mapper and their like pass bios on and complete no requests of their
 * own. */
static int check_requests(const struct track_aim *aim, const char *volume, struct err *err)
{
    char path[PATH_MAX];
    struct stat st;
    int rc = text_print(path, sizeof(path), "/sys/dev/block/%u:%u/mq", aim->major, aim->minor);

    if (rc < 0 || stat(path, &st) < 0)
        return err_set(err, -EOPNOTSUPP,
                       "'%s' completes no requests itself (device-mapper, md, zram ...)", volume);
    return 0;
}

int track_aim_take(struct volume *v, struct track_aim *aim, struct err *err)
{
    struct stat st;
    int rc;

    if (!text_equal(volume_kind(v), "blockdev"))
        return err_set(err, -EOPNOTSUPP, "'%s' is no block device", volume_path(v));
    if (stat(volume_path(v), &st) < 0)
        return err_set(err, -errno, "stat '%s': %m", volume_path(v));
    rc = find_disk(st.st_rdev, aim, err);
    if (rc == 0)
        rc = check_requests(aim, volume_path(v), err);
    if (rc < 0)
        return rc;
    aim->sectors = volume_size(v) / SECTOR;
    aim->shift = track_map_shift(volume_size(v));
    /* A map has one element at least. */
    aim->granules = num_max(track_map_granules(volume_size(v), aim->shift), 1);
    aim->coarse = track_map_coarse(aim->granules);
    return 0;
}

bool track_aim_is(const struct track_aim *a, const struct track_aim *b)
{
    return a->major == b->major && a->minor == b->minor && a->first_sector == b->first_sector &&
           a->sectors == b->sectors;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One ioctl for each step; a table is a struct and its parameters for each line. */
#include "transport/dm_make.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/num.h"
#include "base/text.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "base/banned.h"

#define CONTROL "/dev/mapper/control"

enum {
    TABLE_BYTES = 64 * 1024,
    ALIGN = 8,
    FIRST_WORD = 3,
    REMOVE_TRIES = 100,
    REMOVE_WAIT_MS = 50,
    /* libdevmapper.h: no scan, no links, no other rules. */
    UDEV_LEAVE_ALONE = (0x2 | 0x4 | 0x8) << 16
};

int dm_make_open(int *ret_control, struct err *err)
{
    int fd = open(CONTROL, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return err_set(err, -errno, "open '" CONTROL "': %m");
    *ret_control = fd;
    return 0;
}

static struct dm_ioctl request(dev_t dev)
{
    return (struct dm_ioctl){.version = {DM_VERSION_MAJOR, 0, 0},
                             .data_size = sizeof(struct dm_ioctl),
                             .data_start = sizeof(struct dm_ioctl),
                             .dev = dev};
}

/* ---- tables -----------------------------------------------------------------------------------
 */

struct table {
    uint8_t *at; /* TABLE_BYTES, a struct dm_ioctl first */
    size_t len;
    unsigned targets;
};

/* "START SECTORS TARGET PARAMETERS" */
static int add_target(struct table *t, const char *line)
{
    auto_vec char **words = NULL;
    struct dm_target_spec spec = {0};
    const char *rest = line;
    uint64_t start = 0;
    uint64_t sectors = 0;
    size_t room;
    int rc = text_split(line, " ", &words, NULL);

    if (rc < 0 || !words || text_vec_len(words) <= FIRST_WORD)
        return rc < 0 ? rc : -EBADMSG;
    for (int i = 0; i < FIRST_WORD; i++)
        rest = strchr(rest, ' ') + 1;
    if (num_parse_u64(words[0], 0, INT64_MAX, &start, NULL) < 0 ||
        num_parse_u64(words[1], 1, INT64_MAX, &sectors, NULL) < 0 ||
        text_copy(spec.target_type, sizeof(spec.target_type), words[2]) < 0)
        return -EBADMSG;
    spec.sector_start = start;
    spec.length = sectors;
    room = num_div_up(sizeof(spec) + strlen(rest) + 1, ALIGN) * ALIGN;
    if (room > TABLE_BYTES - t->len)
        return -E2BIG;
    spec.next = (uint32_t)room; /* from this one */
    memcpy(t->at + t->len, &spec, sizeof(spec));
    memcpy(t->at + t->len + sizeof(spec), rest, strlen(rest) + 1);
    t->len += room;
    t->targets++;
    return 0;
}

static int add_targets(struct table *t, const char *text)
{
    auto_vec char **lines = NULL;
    int rc = text_split(text, "\n", &lines, NULL);

    for (size_t i = 0; rc == 0 && lines && i < text_vec_len(lines); i++)
        rc = add_target(t, lines[i]);
    return rc == 0 && t->targets == 0 ? -EBADMSG : rc;
}

int dm_make_load(int control, dev_t dev, const char *table, struct err *err)
{
    auto_free uint8_t *data = calloc(1, TABLE_BYTES);
    struct table t = {.at = data, .len = sizeof(struct dm_ioctl)};
    struct dm_ioctl d = request(dev);
    int rc = data ? add_targets(&t, table) : -ENOMEM;

    if (rc == 0) {
        d.data_size = (uint32_t)t.len;
        d.target_count = t.targets;
        memcpy(data, &d, sizeof(d));
        rc = ioctl(control, DM_TABLE_LOAD, data) < 0 ? -errno : 0;
    }
    return rc < 0 ? err_set(err, rc, "device-mapper: a table for %u:%u: %m", major(dev), minor(dev))
                  : 0;
}

/* ---- devices ----------------------------------------------------------------------------------
 */

static int resume(int control, dev_t dev, uint32_t event)
{
    struct dm_ioctl d = request(dev);

    d.flags = DM_SKIP_LOCKFS_FLAG;
    d.event_nr = event;
    return ioctl(control, DM_DEV_SUSPEND, &d) < 0 ? -errno : 0;
}

int dm_make_swap(int control, dev_t dev)
{
    return resume(control, dev, 0);
}

int dm_make_device(int control, const char *name, const char *table, dev_t *ret, struct err *err)
{
    struct dm_ioctl d = request(0);
    int rc = text_copy(d.name, sizeof(d.name), name);

    if (rc == 0)
        rc = ioctl(control, DM_DEV_CREATE, &d) < 0 ? -errno : 0;
    if (rc < 0)
        return err_set(err, rc, "device-mapper: make '%s': %m", name);
    rc = dm_make_load(control, d.dev, table, err);
    if (rc == 0) {
        rc = resume(control, d.dev, UDEV_LEAVE_ALONE);
        if (rc < 0)
            err_set(err, rc, "device-mapper: begin '%s': %m", name);
    }
    if (rc < 0) {
        (void)dm_make_remove(control, d.dev, NULL);
        return rc;
    }
    *ret = d.dev;
    return 0;
}

int dm_make_forget(int control, dev_t dev, struct err *err)
{
    struct dm_ioctl d = request(dev);

    if (ioctl(control, DM_TABLE_CLEAR, &d) < 0)
        return err_set(err, -errno, "device-mapper: forget the new table of %u:%u: %m", major(dev),
                       minor(dev));
    return 0;
}

int dm_make_remove(int control, dev_t dev, struct err *err)
{
    int rc = -EBUSY;

    for (int i = 0; rc == -EBUSY && i < REMOVE_TRIES; i++) {
        struct dm_ioctl d = request(dev);

        if (i > 0)
            clock_sleep_ms(&clock_system, REMOVE_WAIT_MS);
        d.event_nr = UDEV_LEAVE_ALONE;
        rc = ioctl(control, DM_DEV_REMOVE, &d) < 0 ? -errno : 0;
    }
    return rc < 0 ? err_set(err, rc, "device-mapper: remove %u:%u: %m", major(dev), minor(dev)) : 0;
}

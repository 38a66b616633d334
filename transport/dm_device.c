/* SPDX-License-Identifier: Apache-2.0 */
/* One ioctl, and what it gives as text. */
#include "transport/dm_device.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/dm-ioctl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/banned.h"

#define CONTROL "/dev/mapper/control"
enum { TABLE_BYTES = 64 * 1024 };

bool dm_device_is(dev_t dev)
{
    char path[PATH_MAX];
    struct stat st;

    return text_print(path, sizeof(path), "/sys/dev/block/%u:%u/dm", major(dev), minor(dev)) == 0 &&
           stat(path, &st) == 0;
}

static int ask(dev_t dev, uint32_t flags, struct dm_ioctl *d, struct err *err)
{
    auto_close int fd = open(CONTROL, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return err_set(err, -errno, "open '" CONTROL "': %m");
    *d = (struct dm_ioctl){.version = {DM_VERSION_MAJOR, 0, 0},
                           .data_size = TABLE_BYTES,
                           .data_start = sizeof(*d),
                           .flags = flags,
                           .dev = dev};
    if (ioctl(fd, DM_TABLE_STATUS, d) < 0)
        return err_set(err, -errno, "device-mapper table of %u:%u: %m", major(dev), minor(dev));
    if (d->flags & DM_BUFFER_FULL_FLAG)
        return err_set(err, -EOPNOTSUPP, "the device-mapper table of %u:%u is too long", major(dev),
                       minor(dev));
    return 0;
}

/* Each target: a struct, its parameters, and where the next struct begins, from the first one. */
static int print(const struct dm_ioctl *d, struct buf *out)
{
    const uint8_t *first = (const uint8_t *)d + d->data_start;
    size_t room = TABLE_BYTES - d->data_start;
    size_t at = 0;
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < d->target_count; i++) {
        struct dm_target_spec spec;

        if (at > room || room - at <= sizeof(spec))
            return -EBADMSG;
        memcpy(&spec, first + at, sizeof(spec));
        rc = buf_printf(out, "%llu %llu %.*s %.*s\n", (unsigned long long)spec.sector_start,
                        (unsigned long long)spec.length, DM_MAX_TYPE_NAME, spec.target_type,
                        (int)(room - at - sizeof(spec)), (const char *)first + at + sizeof(spec));
        at = spec.next;
    }
    return rc;
}

static int ask_as_text(dev_t dev, uint32_t flags, struct buf *out, struct err *err)
{
    auto_free struct dm_ioctl *d = calloc(1, TABLE_BYTES);
    int rc;

    if (!d)
        return err_set(err, -ENOMEM, "device-mapper table: %m");
    rc = ask(dev, flags, d, err);
    if (rc < 0)
        return rc;
    rc = d->data_start < TABLE_BYTES ? print(d, out) : -EBADMSG;
    return rc < 0 ? err_set(err, rc, "device-mapper table of %u:%u: %m", major(dev), minor(dev))
                  : 0;
}

int dm_device_table(dev_t dev, struct buf *out, struct err *err)
{
    return ask_as_text(dev, DM_STATUS_TABLE_FLAG, out, err);
}

int dm_device_status(dev_t dev, struct buf *out, struct err *err)
{
    return ask_as_text(dev, 0, out, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Low-level probing of libblkid: no cache file, no side effects on the system. */
#include "inventory/blk.h"

#include "inventory/line.h"
#include "inventory/probe.h"

#include "base/auto.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>

#include <blkid/blkid.h>

#include "base/banned.h"

static void probe_freep_(blkid_probe *pr)
{
    if (*pr)
        blkid_free_probe(*pr);
}

static void value_copy(blkid_probe pr, const char *name, char *out, size_t size)
{
    const char *value = NULL;
    size_t len = 0;

    out[0] = '\0';
    if (blkid_probe_lookup_value(pr, name, &value, &len) == 0 && len > 0)
        line_copy(out, size, slice_of(value, len - 1)); /* len counts the NUL */
}

int blk_content(const char *device, struct probe_content *ret, struct err *err)
{
    auto_close int fd = -1;
    AUTO(probe_freep_) blkid_probe pr = NULL;
    int rc;

    fd = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_set(err, -errno, "open '%s': %m", device);
    pr = blkid_new_probe();
    if (!pr || blkid_probe_set_device(pr, fd, 0, 0) != 0)
        return err_set(err, -EIO, "cannot probe '%s'", device);
    blkid_probe_enable_superblocks(pr, 1);
    blkid_probe_set_superblocks_flags(pr,
                                      BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID);
    rc = blkid_do_safeprobe(pr);
    if (rc == -2)
        return err_set(err, -EUCLEAN, "'%s' carries signatures of several kinds", device);
    if (rc < 0)
        return err_set(err, -EIO, "cannot read the signatures of '%s'", device);
    if (rc == 1)
        return err_set(err, -ENOENT, "nothing known on '%s'", device);
    value_copy(pr, "TYPE", ret->type, sizeof(ret->type));
    value_copy(pr, "LABEL", ret->label, sizeof(ret->label));
    value_copy(pr, "UUID", ret->uuid, sizeof(ret->uuid));
    return 0;
}

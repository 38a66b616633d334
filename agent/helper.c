/* SPDX-License-Identifier: Apache-2.0 */
/* Privileged acts from a fixed list: mount(8) and umount(8) with fixed flags, BLKROSET or file
 * modes through transport/volume.h, freezing and snapshots through transport/replica.h. */
#include "agent/helper.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/proc.h"
#include "base/text.h"
#include "transport/volume.h"
#include "transport/volume_above.h"

#include <fcntl.h>

#include "base/banned.h"

struct wanted {
    const char *at;
    bool found;
};

static int look_at_mount(void *arg, const struct volume_mount *m, struct err *err)
{
    struct wanted *w = arg;

    (void)err;
    w->found = w->found || text_equal(m->at, w->at);
    return 0;
}

static int is_mounted(const char *mount, bool *ret, struct err *err)
{
    struct wanted w = {.at = mount};
    int r = mount[0] == '\0' ? 0 : volume_above_mounts(look_at_mount, &w, err);

    *ret = w.found;
    return r;
}

static int remount(const char *mount, const char *flags, struct err *err)
{
    bool mounted = false;
    int r = is_mounted(mount, &mounted, err);

    if (r < 0 || !mounted)
        return r;
    return proc_tool((const char *const[]){"mount", "-o", flags, "--", mount, NULL}, NULL, err);
}

static int unmount(const char *mount, struct err *err)
{
    bool mounted = false;
    int r = is_mounted(mount, &mounted, err);

    if (r < 0 || !mounted)
        return r;
    return proc_tool((const char *const[]){"umount", "--", mount, NULL}, NULL, err);
}

static int mount_again(const struct assignment_volume *v, struct err *err)
{
    bool mounted = false;
    int r = 0;

    if (v->mount[0] == '\0')
        return 0;
    r = is_mounted(v->mount, &mounted, err);
    if (r < 0)
        return r;
    if (mounted)
        return remount(v->mount, "remount,rw", err);
    return proc_tool((const char *const[]){"mount", "--", v->device, v->mount, NULL}, NULL, err);
}

static int flush(const char *device, struct err *err)
{
    auto_close int fd = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return err_set_gw(err, GW_VOLUME_UNREADABLE, -errno, "open '%s': %m", device);
    if (fsync(fd) < 0)
        return err_set_gw(err, GW_IO, -errno, "flush '%s': %m", device);
    return 0;
}

int helper_close(const struct assignment_volume *v, struct err *err)
{
    int r = remount(v->mount, "remount,ro", err);

    if (r == 0)
        r = flush(v->device, err);
    if (r == 0)
        r = volume_set_readonly(v->device, true, err);
    return r < 0 ? err_add(err, r, "close volume '%s'", v->name) : 0;
}

int helper_open(const struct assignment_volume *v, struct err *err)
{
    int r = volume_set_readonly(v->device, false, err);

    if (r == 0)
        r = mount_again(v, err);
    return r < 0 ? err_add(err, r, "open volume '%s'", v->name) : 0;
}

int helper_take(const struct assignment_volume *v, struct err *err)
{
    int r = unmount(v->mount, err);

    if (r == 0 && access(v->device, F_OK) == 0)
        r = volume_set_readonly(v->device, false, err);
    return r < 0 ? err_add(err, r, "take volume '%s'", v->name) : 0;
}

int helper_push_together(const struct replica_together *t, struct replica_point *ret,
                         struct err *err)
{
    return replica_push_together(t, ret, err);
}

int helper_thaw(const char *const *devices, size_t n, struct err *err)
{
    return replica_thaw(devices, n, err);
}

void helper_sweep_snapshots(void)
{
    replica_snapshot_sweep();
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The table of kinds of snapshots, and the dispatcher. */
#include "transport/snapshot.h"

#include "transport/snapshot_impl.h"

#include "base/auto.h"
#include "base/err.h"

#include <stdlib.h>

#include "base/banned.h"

static const struct snapshot_ops *const snapshots[] = {&snapshot_reflink_ops, &snapshot_lvm_ops};

static const struct snapshot_ops *ops_of(const struct stat *st)
{
    for (size_t i = 0; i < ARRAY_LEN(snapshots); i++)
        if (snapshots[i]->claims(st))
            return snapshots[i];
    return NULL;
}

int snapshot_open(const char *volume, unsigned share, struct snapshot **ret, struct err *err)
{
    const struct snapshot_ops *ops;
    struct snapshot *s;
    struct stat st;
    int rc;

    if (stat(volume, &st) < 0)
        return err_set(err, -errno, "stat '%s': %m", volume);
    ops = ops_of(&st);
    if (!ops)
        return err_set(err, -EOPNOTSUPP, "there are no snapshots of '%s'", volume);
    s = calloc(1, sizeof(*s));
    if (!s)
        return err_set(err, -ENOMEM, "snapshot: %m");
    s->ops = ops;
    s->volume = volume;
    rc = ops->open(s, share, err);
    if (rc < 0) {
        (void)snapshot_close(s, NULL);
        return rc;
    }
    *ret = s;
    return 0;
}

int snapshot_take(struct snapshot *s)
{
    return s->ops->take(s);
}

int snapshot_check(struct snapshot *s, struct err *err)
{
    return s->ops->check ? s->ops->check(s, err) : 0;
}

const char *snapshot_path(const struct snapshot *s)
{
    return s->path;
}

const char *snapshot_kind(const struct snapshot *s)
{
    return s->ops->kind;
}

int snapshot_close(struct snapshot *s, struct err *err)
{
    int rc = s ? s->ops->close(s, err) : 0;

    free(s);
    return rc;
}

void snapshot_sweep(void)
{
    for (size_t i = 0; i < ARRAY_LEN(snapshots); i++)
        if (snapshots[i]->sweep)
            snapshots[i]->sweep();
}

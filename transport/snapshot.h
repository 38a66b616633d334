/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of volumes by what lies below them, to be read when everybody writes again:
 *   reflink  of an image by its file system (FICLONE: btrfs, XFS). It has no name, so nothing is
 *            left of it when its process ends, however that ends.
 *   lvm      of a logical volume by device-mapper, in free room of its volume group. What a process
 *            that was killed leaves of it is removed by snapshot_sweep, and by the next one.
 */
#ifndef GODWIT_TRANSPORT_SNAPSHOT_H
#define GODWIT_TRANSPORT_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct snapshot;

/*
 * Before anything is frozen: all that takes time, and shows that there can be a snapshot. The
 * volume is lent. share: so many more are going to be made beside it and with it, from the same
 * room. -EOPNOTSUPP: there are none of this volume. -ENOSPC (GW_NO_SPACE): there is no room for
 * what may be written while there is one.
 */
int snapshot_open(const char *volume, unsigned share, struct snapshot **ret, struct err *err);
/* One system call and no allocation. 0 or a negative errno. Once. */
int snapshot_take(struct snapshot *s);
/* Is what was read so far the volume as it was? -ENOSPC (GW_NO_SPACE): more was written to the
 * volume than there was room for. -EBUSY (GW_NOT_CONSISTENT): the volume was made another. */
int snapshot_check(struct snapshot *s, struct err *err);
const char *snapshot_path(const struct snapshot *s); /* what to read, for this process */
const char *snapshot_kind(const struct snapshot *s);
/* A failure says what could not be removed; the next sweep will try again. NULL is fine. */
int snapshot_close(struct snapshot *s, struct err *err);

/* Remove what processes that are gone have left. */
void snapshot_sweep(void);

#endif

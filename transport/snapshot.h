/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot of an image by the file system it lies on (FICLONE: btrfs, XFS): the blocks are
 * shared, so it takes no time and, at first, no space. It has no name, so nothing is left of it
 * when its process ends, however that ends.
 */
#ifndef GODWIT_TRANSPORT_SNAPSHOT_H
#define GODWIT_TRANSPORT_SNAPSHOT_H

#include <stdint.h>

struct err;

enum { SNAPSHOT_PATH_MAX = 32 };

struct snapshot {
    const char *volume; /* lent */
    int volume_fd;
    int fd;
    char path[SNAPSHOT_PATH_MAX]; /* of the snapshot, for this process */
};

/* Before anything is frozen; a snapshot is made and thrown away, so the volume's file system shows
 * that it can. -EOPNOTSUPP: it cannot, or the volume is no image. -ENOSPC (GW_NO_SPACE): while
 * there is a snapshot, what is written to the volume needs new room, and there is not enough for
 * all of it: its writers must never miss it. */
int snapshot_open(const char *volume, struct snapshot *ret, struct err *err);
/* One system call and no allocation. 0 or a negative errno. Once. */
int snapshot_take(struct snapshot *s);
void snapshot_close(struct snapshot *s); /* {.fd = -1, .volume_fd = -1} is fine */

#endif

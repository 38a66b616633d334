/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kind of snapshot implements; only snapshot*.c include this. To add one: snapshot_x.c with
 * a `const struct snapshot_ops snapshot_x_ops`, and a row in snapshots[] (snapshot.c).
 */
#ifndef GODWIT_TRANSPORT_SNAPSHOT_IMPL_H
#define GODWIT_TRANSPORT_SNAPSHOT_IMPL_H

#include "transport/snapshot.h"

#include <sys/stat.h>

enum { SNAPSHOT_PATH_MAX = 32 };

struct snapshot {
    const struct snapshot_ops *ops;
    const char *volume; /* lent */
    void *more;         /* of the kind; its close frees it */
    char path[SNAPSHOT_PATH_MAX];
};

struct snapshot_ops {
    const char *kind;
    bool (*claims)(const struct stat *st); /* of the volume */
    /* s->path and s->more are its own to set. On failure close is called. */
    int (*open)(struct snapshot *s, unsigned share, struct err *err);
    int (*take)(struct snapshot *s);
    int (*check)(struct snapshot *s, struct err *err); /* NULL: it always holds */
    int (*close)(struct snapshot *s, struct err *err);
    void (*sweep)(void); /* NULL: nothing can be left of it */
};

/* snapshot_lvm.c: of the free bytes of a volume group what one of `share` snapshots gets, as
 * lvcreate takes it: in whole sectors. 0: nothing. */
uint64_t snapshot_lvm_room(uint64_t volume_bytes, uint64_t free_bytes, unsigned share);

extern const struct snapshot_ops snapshot_reflink_ops;
extern const struct snapshot_ops snapshot_lvm_ops;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies above a volume: loop devices, partitions, device-mapper and MD holders, and the file
 * systems that are mounted from any of them.
 */
#ifndef GODWIT_TRANSPORT_VOLUME_ABOVE_H
#define GODWIT_TRANSPORT_VOLUME_ABOVE_H

#include "base/auto.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct err;

enum { VOLUME_ABOVE_SYSFS_MAX = 4096 };

struct volume_above {
    struct stat file; /* the volume itself */
    dev_t *devices;   /* block devices that lead to it, itself too if it is one */
    size_t n;
};

int volume_above_find(const char *path, struct volume_above *ret, struct err *err);
void volume_above_done(struct volume_above *a); /* {0} is fine */
#define auto_above AUTO(volume_above_done)
bool volume_above_has(const struct volume_above *a, dev_t dev);
/* Has it neither partitions nor holders? Then who claims it is no device. */
bool volume_above_is_leaf(dev_t dev);

/* One line of mountinfo. Names are as they are, no longer escaped. */
struct volume_mount {
    uint64_t id;
    dev_t super;      /* of the file system: two mounts of it have the same */
    dev_t source;     /* the device it lies on; of btrfs, one of them */
    const char *root; /* what of the file system is mounted here: "/" or a part of it */
    const char *at;
    const char *type; /* "ext4" */
    bool writable;    /* here, and the file system as such */
    const char *proc; /* "/proc/self", or of a process that sees it */
};
/* 1: it lies on one of them; of btrfs any of its devices counts. 0: it does not. -ENOMEM. */
int volume_above_holds(const struct volume_above *a, const struct volume_mount *m, struct err *err);

typedef int (*volume_mount_fn)(void *arg, const struct volume_mount *m, struct err *err);

/* Every mount that this process sees, oldest first, until fn returns something else than 0. */
int volume_above_mounts(volume_mount_fn fn, void *arg, struct err *err);
/* The same, then those of every other mount namespace that some process is in: containers, services
 * with mounts of their own. Those that this user may not see are left out. */
int volume_above_all_mounts(volume_mount_fn fn, void *arg, struct err *err);

/* "8:1": the text of a dev file of sysfs. */
bool volume_above_parse(const char *text, dev_t *ret);
/* The first line of a file of sysfs or procfs, "" when it cannot be read. */
void volume_above_line(const char *path, char *out, size_t size);

#endif

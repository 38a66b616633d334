/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of freeze share; for freeze*.c only. */
#ifndef GODWIT_TRANSPORT_FREEZE_IMPL_H
#define GODWIT_TRANSPORT_FREEZE_IMPL_H

#include "transport/freeze.h"
#include "transport/freeze_watch.h"

#include <sched.h>
#include <sys/types.h>

enum { FREEZE_NAME_MAX = 128 };

struct freeze_fs {
    dev_t super;
    int fd;                   /* of a place where it is mounted; -1: none could be opened */
    char at[FREEZE_NAME_MAX]; /* as much of it as fits: for people */
    char type[FREEZE_NAME_MAX];
    bool frozen;
};

struct freeze {
    const char *const *volumes; /* lent */
    size_t volumes_n;
    struct freeze_fs fs[FREEZE_WATCH_MAX]; /* oldest mount first */
    size_t n;
    struct freeze_watch watch;
    struct sched_param old_param; /* of the thread that freezes */
    int old_policy;               /* -1: it was not raised */
    uint64_t budget_us;
    uint64_t begun_us;
    uint64_t pause_us;
    const struct freeze_fs *failed; /* could not be frozen, or was thawed */
};

/* freeze_find.c: fill fs. */
int freeze_find(struct freeze *f, struct err *err);
/* NULL: it is none of them. */
struct freeze_fs *freeze_known(struct freeze *f, dev_t super);

#endif

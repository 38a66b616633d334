/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a change tracker implements; only track*.c include this.
 *
 * To add one: track_x.c with a `const struct track_ops track_x_ops`, a row in trackers[] (track.c),
 * and tests/contract_track.c must pass unchanged.
 */
#ifndef GODWIT_TRANSPORT_TRACK_IMPL_H
#define GODWIT_TRANSPORT_TRACK_IMPL_H

#include "transport/track.h"

#include <stdbool.h>

/* One thread uses a tracker. The dispatcher sees to the order: next, commit and abort only come
 * after a freeze that returned 0, and a close in between is an abort first. */
struct track_ops {
    const char *kind;
    const char *only; /* the kind of volumes it is for; NULL: any, as far as open knows */
    /* -EOPNOTSUPP: not for this volume or machine; -EOVERFLOW: more happened than the kernel told
     * of, even now. "auto" goes on to the next. */
    int (*open)(struct volume *v, const char *state_dir, void **ret_self, struct err *err);
    void (*close)(void *self);
    int (*freeze)(void *self, struct err *err);
    /* freeze in two, or both NULL: take allocates nothing and touches no file system, trust finds
     * the doubts of what was taken. */
    void (*take)(void *self);
    int (*trust)(void *self, struct err *err);
    int (*next)(void *self, struct track_range *ret, struct err *err);
    int (*marked)(void *self, uint64_t offset, uint64_t len); /* NULL: it cannot tell */
    int (*commit)(void *self, struct err *err);
    void (*abort)(void *self);
    uint64_t (*dirty_bytes)(const void *self);
    uint64_t (*written_bytes)(const void *self); /* NULL: it cannot tell while a pass is open */
    /* Why everything is dirty, "" when it is not; NULL when it always is. */
    const char *(*rescan)(const void *self);
    /* Is it because more happened than the kernel told of, be it since an earlier run or, when
     * freeze or trust said -ESTALE, since the open? NULL: such a thing is not known. */
    bool (*missed)(const void *self);
    /* What it has recording in the kernel for a state directory ends; was there any? NULL: none is
     * ever. */
    bool (*forget)(const char *state_dir);
};

extern const struct track_ops track_ebpf_ops;
extern const struct track_ops track_nbd_ops;
extern const struct track_ops track_scan_ops;
extern const struct track_ops track_tracefs_ops;

#endif

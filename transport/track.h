/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Change trackers: which ranges of a volume may have changed since the last committed pass.
 *
 * Two-phase: freeze the dirty set, next over it, then commit, or abort, which merges it back: a
 * failed pass never forgets a dirty block. A tracker that may have missed a write answers -ESTALE
 * from freeze, and the caller falls back to `scan`, whose dirty set is the whole volume (the pass
 * then compares every block with the positional digest table).
 * Not thread-safe: one pass owns the tracker.
 */
#ifndef GODWIT_TRANSPORT_TRACK_H
#define GODWIT_TRANSPORT_TRACK_H

#include "base/auto.h"

#include <stdint.h>

struct err;
struct track;
struct volume;

struct track_range {
    uint64_t offset;
    uint64_t len; /* whole sectors, but for the volume's end */
};

/*
 * kind "auto" (the best that there is here: the first of those that the kernel hid events from
 * least often), "ebpf", "tracefs", "nbd" or "scan". state_dir is where a tracker keeps what must
 * survive; what another one has recording in the kernel for it ends. Both lent for its life.
 * -EOPNOTSUPP (GW_BAD_VALUE): the kind that was asked for cannot track this volume here.
 * -ENOENT (GW_BAD_VALUE): what the volume's name says to track it by (bitmap=, qmp=, node= of an
 * NBD export) is not there, also for "auto".
 */
int track_open(const char *kind, struct volume *v, const char *state_dir, struct track **ret,
               struct err *err);
void track_close(struct track *t);
static inline void track_closep(struct track **t)
{
    track_close(*t);
}
#define auto_track AUTO(track_closep)

const char *track_kind(const struct track *t);
/* Why this pass has to look at the whole volume, for people; "" when it does not, or was asked to.
 */
const char *track_rescan(const struct track *t);
/* Take the dirty set. -ESTALE: writes may have been missed. */
int track_freeze(struct track *t, struct err *err);
/*
 * The same in two, for a moment in which nothing may allocate or touch a file system: take the
 * dirty set (0, or a negative errno when the kind cannot so), and later, before any of it is
 * believed, look whether writes may have been missed: -ESTALE, and the set is given back.
 */
int track_take(struct track *t);
int track_trust(struct track *t, struct err *err);
/* 1 and a range, ascending and disjoint; 0 at the end. */
int track_next(struct track *t, struct track_range *ret, struct err *err);
/*
 * Is any of the range marked: told in this pass, or changed since? 1 or 0; -EOPNOTSUPP when the
 * kind cannot tell while a pass is open. Only then.
 */
int track_marked(struct track *t, uint64_t offset, uint64_t len);
int track_commit(struct track *t, struct err *err);
void track_abort(struct track *t);
/* End the tracking of state directories that are gone. Harmless without a privilege. */
void track_sweep(void);
/* Bytes believed dirty now (for backlog); UINT64_MAX when only a scan can tell. */
uint64_t track_dirty_bytes(const struct track *t);
/* Bytes marked since the dirty set was frozen: what the next pass has so far. UINT64_MAX when the
 * kind cannot tell, or none is frozen. Looks through the whole map: not for every block. */
uint64_t track_written_bytes(const struct track *t);

#endif

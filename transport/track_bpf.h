/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wrapper of libbpf: the program that marks what changes on one disk (track_ebpf.bpf.c), its
 * maps, and their pins, which outlive this process.
 *
 * Tracking belongs to a directory of a BPF file system: it begins with track_bpf_new and ends with
 * track_bpf_unpin (or a reboot), not with track_bpf_close. In a build without it (no libbpf, clang
 * or bpftool) everything is -EOPNOTSUPP.
 */
#ifndef GODWIT_TRANSPORT_TRACK_BPF_H
#define GODWIT_TRANSPORT_TRACK_BPF_H

#include "base/auto.h"
#include "base/slice.h"
#include "transport/track_abi.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct track_aim;
struct track_bpf;

/*
 * Load, call all of it dirty, attach, pin in dir, which is made and must not be there. about: up to
 * TRACK_ABI_ABOUT bytes that are kept beside it. -EOPNOTSUPP: not in this build, on this kernel, or
 * not with these privileges. A failure leaves nothing.
 */
int track_bpf_new(const struct track_aim *aim, const char *dir, struct slice about,
                  struct track_bpf **ret, struct err *err);
/* What is pinned in dir. -ENOENT: nothing is; -ESTALE: not all, or not as it should be. */
int track_bpf_open(const char *dir, const struct track_aim *aim, struct track_bpf **ret,
                   struct err *err);
void track_bpf_close(struct track_bpf *b); /* tracking goes on */
static inline void track_bpf_closep(struct track_bpf **b)
{
    track_bpf_close(*b);
}
#define auto_track_bpf AUTO(track_bpf_closep)

/* Remove dir, whatever of it there is: tracking ends. */
void track_bpf_unpin(const char *dir);

/* The TRACK_ABI_ABOUT bytes kept in dir; -ENOENT. */
int track_bpf_about(const char *dir, void *out, struct err *err);

uint8_t *track_bpf_fine(struct track_bpf *b);
uint8_t *track_bpf_coarse(struct track_bpf *b);

/* Is every copy of the program still attached by a pin in dir, and was no event skipped by all of
 * them (-EOVERFLOW)? 0, or any error: tracking cannot be trusted. */
int track_bpf_check(struct track_bpf *b, struct err *err);
/* One of TRACK_COUNT_..., over all processors. */
int track_bpf_count(struct track_bpf *b, unsigned which, uint64_t *ret, struct err *err);
/* Only of those that no program counts. */
int track_bpf_set_count(struct track_bpf *b, unsigned which, uint64_t value, struct err *err);
/* How often the kernel did not run a copy, for events of any disk. */
int track_bpf_skipped(struct track_bpf *b, unsigned copy, uint64_t *ret, struct err *err);

#endif

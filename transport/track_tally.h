/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Did the program see every request complete? Asked of somebody else: the disk counts the sectors
 * of its requests (/sys/block/DISK/stat) in the same kernel function that tells the program of
 * them.
 *
 * Finds kernels that do not run programs for some events and say nothing of it: one was met that
 * hides what completes while a certain process runs, from every program alike, with
 * recursion_misses at 0.
 */
#ifndef GODWIT_TRANSPORT_TRACK_TALLY_H
#define GODWIT_TRANSPORT_TRACK_TALLY_H

#include "transport/track_bpf.h"

/* The sectors of requests that the disk counted. Where its administrator turned counting off, the
 * number stands still and no doubt comes from here. */
int track_tally_disk(const struct track_aim *aim, uint64_t *ret, struct err *err);
/* Right after the programs were attached. */
int track_tally_begin(struct track_bpf *b, const struct track_aim *aim, struct err *err);
/* -EOVERFLOW: the disk completed more than the program saw. */
int track_tally_check(struct track_bpf *b, const struct track_aim *aim, struct err *err);

#endif

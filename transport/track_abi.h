/* SPDX-License-Identifier: Apache-2.0 */
/* What the program in the kernel (track_ebpf.bpf.c) and its loader (track_bpf.c) agree on. No
 * types: the one has no libc. A change here is another TRACK_ABI_VERSION. */
#ifndef GODWIT_TRANSPORT_TRACK_ABI_H
#define GODWIT_TRANSPORT_TRACK_ABI_H

enum {
    TRACK_ABI_VERSION = 2,
    TRACK_ABI_PAGE = 4096,       /* bytes of one element of the byte maps */
    TRACK_ABI_COARSE_SHIFT = 10, /* a coarse byte stands for so many granules (a power of two) */
    TRACK_ABI_ABOUT = 1024,      /* bytes that the loader keeps beside the maps */
    TRACK_ABI_COPIES = 3
};

/* A byte of a map: only the kernel makes it dirty in passing, only the agent takes and cleans. */
enum { TRACK_CLEAN = 0, TRACK_DIRTY = 1, TRACK_TAKEN = 2 };

/* Counters, one a processor. */
enum {
    TRACK_COUNT_SEEN, /* completions of the disk, reads too: proves that the program runs */
    TRACK_COUNT_LOST, /* changes that could not be marked: anything above 0 means a rescan */
    /* of each copy: the sectors of all requests that it saw complete */
    TRACK_COUNT_SECTORS,
    /* of each copy, the loader's: what the disk itself had counted beyond that (track_tally.c) */
    TRACK_COUNT_BEYOND = TRACK_COUNT_SECTORS + TRACK_ABI_COPIES,
    TRACK_COUNT_MAX = TRACK_COUNT_BEYOND + TRACK_ABI_COPIES
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks what requests changed on one disk, when the kernel says that they are complete. The side
 * that reads the marks is track_map.c; why no write can be lost between them is docs/tracking.md.
 *
 * Completion, not submission: a write marked when it is queued could be read, as it was before,
 * and its mark cleaned, while it is still under way.
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "transport/track_abi.h"

/* The kernel shows its structures only to programs that may be used under the GPL: this one file
 * may be used under the GPL 2.0, too, at your choice. */
char licence_word[] SEC("license") = "GPL";

enum { RANGES_MAX = 256, CELLS_MAX = 1 << TRACK_ABI_COARSE_SHIFT };

/* The first byte of cmd_flags; what changes data has odd numbers. */
enum {
    OP_MASK = 0xff,
    OP_DRIVER = 32,
    OP_WRITE = 1,
    OP_DISCARD = 3,
    OP_SECURE_ERASE = 5,
    OP_WRITE_ZEROES = 9
};

/* As much of the kernel's structures as is used; where their members lie is found when the program
 * is loaded. */
#define KERNEL __attribute__((preserve_access_index))
struct gendisk {
    int major;
    int first_minor;
} KERNEL;

struct request_queue {
    struct gendisk *disk; /* since Linux 5.15 */
} KERNEL;

struct bvec_iter {
    __u64 bi_sector;
    unsigned int bi_size;
} KERNEL;

struct bio {
    struct bio *bi_next;
    struct bvec_iter bi_iter;
} KERNEL;

struct request {
    struct request_queue *q;
    unsigned int cmd_flags;
    __u64 __sector;
    struct bio *bio;
} KERNEL;

struct request___before_5_17 {
    struct gendisk *rq_disk;
} KERNEL;

/* The volume: a whole disk, or some sectors of it. */
const volatile int disk_major = 0;
const volatile int disk_minor = 0;
const volatile __u64 first_sector = 0;
const volatile __u64 sectors = 0;
const volatile __u32 whole_disk = 0;
const volatile __u32 granule_shift = 0; /* of sectors of 512 bytes */

struct page {
    __u8 bytes[TRACK_ABI_PAGE];
};

#define BYTE_MAP(name)                                                                             \
    struct {                                                                                       \
        __uint(type, BPF_MAP_TYPE_ARRAY);                                                          \
        __uint(map_flags, BPF_F_MMAPABLE);                                                         \
        __uint(max_entries, 1);                                                                    \
        __type(key, __u32);                                                                        \
        __type(value, struct page);                                                                \
    } name SEC(".maps")

BYTE_MAP(fine);
BYTE_MAP(coarse);

struct about {
    __u8 bytes[TRACK_ABI_ABOUT];
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct about);
} about SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, TRACK_COUNT_MAX);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

static __always_inline void count(__u32 which)
{
    __u64 *n = bpf_map_lookup_elem(&counts, &which);

    if (n)
        (*n)++;
}

/* A plain store: whatever the byte was, clean, taken or cleaned in this moment, dirty is right. Not
 * storing what is there already spares the cache line. */
static __always_inline void set(void *map, __u64 cell)
{
    __u32 key = (__u32)(cell / TRACK_ABI_PAGE);
    struct page *p = bpf_map_lookup_elem(map, &key);
    volatile __u8 *byte;

    if (!p) {
        count(TRACK_COUNT_LOST);
        return;
    }
    byte = &p->bytes[cell % TRACK_ABI_PAGE];
    if (*byte != TRACK_DIRTY)
        *byte = TRACK_DIRTY;
}

static __always_inline void set_run(void *map, __u64 first, __u64 last)
{
    int i;

#pragma clang loop unroll(disable)
    for (i = 0; i <= CELLS_MAX; i++) {
        if (first + (__u64)i > last)
            return;
        set(map, first + (__u64)i);
    }
    count(TRACK_COUNT_LOST);
}

/* Global, so that the verifier looks at it once and not in each copy of each caller. */
__attribute__((noinline)) int mark(__u64 sector, __u64 n)
{
    __u64 end = sector + n;
    __u64 volume_end = first_sector + sectors;
    __u64 first;
    __u64 last;

    if (n == 0)
        return 0;
    if (whole_disk && (end > volume_end || end < sector))
        count(TRACK_COUNT_LOST);
    if (sector < first_sector)
        sector = first_sector;
    if (end > volume_end)
        end = volume_end;
    if (sector >= end)
        return 0;
    first = (sector - first_sector) >> granule_shift;
    last = (end - 1 - first_sector) >> granule_shift;
    if (last - first < CELLS_MAX)
        set_run(&fine, first, last);
    else
        set_run(&coarse, first >> TRACK_ABI_COARSE_SHIFT, last >> TRACK_ABI_COARSE_SHIFT);
    return 0;
}

/* The ranges of a merged discard need not be neighbours: sector and length tell of the first only.
 */
static __always_inline void mark_bios(struct request *rq)
{
    struct bio *bio = rq->bio;
    int i;

#pragma clang loop unroll(disable)
    for (i = 0; i < RANGES_MAX && bio; i++) {
        mark(bio->bi_iter.bi_sector, bio->bi_iter.bi_size >> 9);
        bio = bio->bi_next;
    }
    if (bio)
        count(TRACK_COUNT_LOST);
}

static __always_inline int is_ours(struct request *rq)
{
    struct gendisk *disk;

    if (bpf_core_field_exists(((struct request___before_5_17 *)0)->rq_disk))
        disk = ((struct request___before_5_17 *)rq)->rq_disk;
    else
        disk = rq->q->disk;
    return disk && disk->major == disk_major && disk->first_minor == disk_minor;
}

/* As the disk counts them, right after this event (blk_account_io_completion): of data, not of
 * commands of the driver. */
static __always_inline void count_sectors(__u32 copy, __u32 op, __u64 bytes)
{
    __u32 which = TRACK_COUNT_SECTORS + copy;
    __u64 *n = bpf_map_lookup_elem(&counts, &which);

    if (n && op < OP_DRIVER)
        *n += bytes >> 9;
}

static __always_inline int complete(__u64 *ctx, __u32 copy)
{
    struct request *rq = (struct request *)ctx[0];
    __u64 bytes = (__u32)ctx[2];
    __u32 op = rq->cmd_flags & OP_MASK;

    if (!is_ours(rq))
        return 0;
    count(TRACK_COUNT_SEEN);
    count_sectors(copy, op, bytes);
    if (!(op & 1))
        return 0;
    if (op != OP_WRITE && op != OP_DISCARD && op != OP_SECURE_ERASE && op != OP_WRITE_ZEROES)
        count(TRACK_COUNT_LOST); /* a command of the driver, a zone: who knows what it changed */
    if (op == OP_DISCARD)
        mark_bios(rq);
    mark(rq->__sector, (bytes + 511) >> 9);
    return 0;
}

/* The kernel does not run a program that an interrupt finds running on its processor; then the next
 * copy runs. */
#define COPY(name, copy)                                                                           \
    SEC("tp_btf/block_rq_complete")                                                                \
    int name(__u64 *ctx)                                                                           \
    {                                                                                              \
        return complete(ctx, copy);                                                                \
    }

COPY(complete0, 0)
COPY(complete1, 1)
COPY(complete2, 2)

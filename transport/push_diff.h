/* SPDX-License-Identifier: Apache-2.0 */
/* What of a job differs from the head. For push_work.c only. */
#ifndef GODWIT_TRANSPORT_PUSH_DIFF_H
#define GODWIT_TRANSPORT_PUSH_DIFF_H

#include "transport/push.h"

enum { PUSH_DIFF_WORDS = PAGE_SECTORS_MAX / 64 };

struct push_diff {
    uint64_t blocks[TABLE_WORDS];      /* of the region */
    uint64_t sectors[PUSH_DIFF_WORDS]; /* of the job, to be written anew */
    uint64_t zero[PUSH_DIFF_WORDS];    /* of these, as zeroes */
    uint64_t again[PUSH_DIFF_WORDS];   /* of these, though they did not change */
};

/* A thread's own tools. */
struct push_tools {
    struct push *push;
    struct vault *vault;
    struct tags *tags;
};

/* Digest the job's blocks into its region's leaves and tags, and compare. */
int push_diff(const struct push_tools *t, const struct push_job *j, struct push_diff *ret,
              struct err *err);

uint32_t push_diff_sectors(const struct push_job *j);
/* Sectors of the job's data. */
struct slice push_diff_data(const struct push_job *j, uint32_t first, uint32_t count);
/* The unit id of sectors of the job. */
void push_diff_id(const struct push_tools *t, const struct push_job *j, uint32_t first,
                  uint32_t count, uint8_t *out);

static inline bool push_diff_has(const uint64_t *bits, uint32_t i)
{
    return bits[i / 64] >> i % 64 & 1;
}

#endif

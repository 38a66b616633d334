/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The level of compression follows the bottleneck, one step a pack: up while every pack that is not
 * being filled waits for the store, so that fewer bytes are worth more work; down when next to none
 * does. Where the ends are, and why they are not further apart: docs/decisions.md.
 */
#include "transport/push.h"

#include "base/banned.h"

enum { LEVEL_LEAST = CODEC_LEVEL_QUICK, LEVEL_MOST = 3 };

void push_level_init(struct push *p)
{
    atomic_init(&p->level, LEVEL_LEAST);
}

int push_level(struct push *p)
{
    return p->run->level != 0 ? p->run->level : atomic_load(&p->level);
}

/* Two threads that do it at once make one step of two: either is right. */
void push_level_follow(struct push *p)
{
    size_t idle = queue_len(p->idle_parcels);
    int level = atomic_load(&p->level);

    if (idle == 0 && level < LEVEL_MOST)
        atomic_store(&p->level, level + 1);
    else if (idle + 1 >= p->streams_n && level > LEVEL_LEAST)
        atomic_store(&p->level, level - 1);
}

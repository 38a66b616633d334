/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads of a volume, several under way at a time: what a disk needs to be read at its own speed.
 *
 * Devices are read through io_uring, or by threads where there is none; for images the page cache
 * is told what comes next, which is as good and costs no thread. A queue is one thread's own.
 */
#ifndef GODWIT_TRANSPORT_VOLUME_QUEUE_H
#define GODWIT_TRANSPORT_VOLUME_QUEUE_H

#include "transport/volume.h"

struct volume_queue;

/* v is lent for the life of the queue; at most depth (1 .. 64) reads are under way. */
int volume_queue_new(struct volume *v, unsigned depth, struct volume_queue **ret, struct err *err);
/* Waits for what is under way: until then memory that was lent is written to. */
void volume_queue_free(struct volume_queue *q);

/* Begin to read. data is lent, and item kept, until volume_queue_pop gives item back. */
int volume_queue_push(struct volume_queue *q, uint64_t offset, void *data, size_t len, void *item,
                      struct err *err);
/* Wait for one, in any order. Failures are those of volume_read; the item is given then, too,
 * unless waiting itself failed (NULL). */
int volume_queue_pop(struct volume_queue *q, void **ret_item, struct err *err);
unsigned volume_queue_len(const struct volume_queue *q); /* pushed and not yet popped */
unsigned volume_queue_depth(const struct volume_queue *q);

/* For tests: a way of choice. -ENOSYS, -EPERM: not here. */
enum volume_queue_way { VOLUME_QUEUE_HINTS, VOLUME_QUEUE_THREADS, VOLUME_QUEUE_RING };
int volume_queue_new_by(enum volume_queue_way way, struct volume *v, unsigned depth,
                        struct volume_queue **ret, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded queue of pointers between threads; pushing an item gives it away. */
#ifndef GODWIT_BASE_QUEUE_H
#define GODWIT_BASE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct queue;

int queue_new(size_t capacity, struct queue **ret, struct err *err);
void queue_free(struct queue *q); /* the items left are the caller's business: drain first */

/* Blocks while full. 0, or -ECANCELED once closed or stopped (the item stays the caller's). */
int queue_push(struct queue *q, void *taken_item);
/* Blocks while empty. 0, -ENODATA when closed and empty, -ECANCELED when stopped, -ETIMEDOUT.
 * timeout_ms 0 = for ever. */
int queue_pop(struct queue *q, uint64_t timeout_ms, void **ret_item);
void queue_close(struct queue *q); /* no more pushes; pops drain what is there */
void queue_stop(struct queue *q);  /* wakes everyone with -ECANCELED */
size_t queue_len(struct queue *q);

#endif

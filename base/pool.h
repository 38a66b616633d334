/* SPDX-License-Identifier: Apache-2.0 */
/* A fixed number of equal, page-aligned buffers: the only source of large data, so memory is
 * bounded. */
#ifndef GODWIT_BASE_POOL_H
#define GODWIT_BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct pool;

int pool_new(size_t count, size_t size_bytes, struct pool **ret, struct err *err);
void pool_free(struct pool *p);
/* Blocks until one is free; -ECANCELED once stopped. */
int pool_get(struct pool *p, uint8_t **ret);
void pool_put(struct pool *p, uint8_t *taken);
void pool_stop(struct pool *p);
size_t pool_size_bytes(const struct pool *p);

/*
 * What is small comes from malloc, which would set up an arena for each thread: 64 MiB of address
 * space, and what was freed in it stays there. From now on there are few; called before the first
 * thread.
 */
void pool_bound_arenas(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that run one function each, with all signals blocked; the first failure is kept. */
#ifndef GODWIT_BASE_WORKER_H
#define GODWIT_BASE_WORKER_H

#include "base/err.h"

#include <stddef.h>

struct workers;
/* index is 0..n-1. A non-zero return is a failure of the group. */
typedef int (*worker_fn)(void *arg, size_t index, struct err *err);

int workers_start(size_t n, const char *name, worker_fn fn, void *arg, struct workers **ret,
                  struct err *err);
/* Waits for all. Returns 0 or the first failure (in time). Frees the group. */
int workers_join(struct workers *taken_group, struct err *err);

/* How many cores this process may use, at least 1. */
size_t workers_cores(void);

#endif

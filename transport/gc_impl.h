/* SPDX-License-Identifier: Apache-2.0 */
/* What the gc_*.c files share. */
#ifndef GODWIT_TRANSPORT_GC_IMPL_H
#define GODWIT_TRANSPORT_GC_IMPL_H

#include "transport/gc.h"

/* Rows of gc_usage.kinds. */
enum gc_kind {
    GC_KIND_DATA,
    GC_KIND_MAP,
    GC_KIND_UNNEEDED,
    GC_KIND_POINT,
    GC_KIND_REGISTER,
    GC_KIND_CARE,
    GC_KIND_KEY,
    GC_KIND_FOREIGN,
};

/* By its key alone: a pack is GC_KIND_UNNEEDED until it is known who needs it. */
enum gc_kind gc_usage_kind(const char *key);

/* gc_named.c: the points that a run gives up by name. Each that was not given up before is told and
 * counted, and the log supposes all of them. Errors as of gc_collect. */
int gc_named(const struct gc_run *run, struct care_log *log, uint64_t *ret_points, struct err *err);

#endif

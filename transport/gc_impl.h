/* SPDX-License-Identifier: Apache-2.0 */
/* What gc_usage.c and gc_check.c share. */
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

#endif

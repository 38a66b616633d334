/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/meminfo, for the collector and the sampler. */
#ifndef GODWIT_INVENTORY_MEMINFO_H
#define GODWIT_INVENTORY_MEMINFO_H

#include "base/slice.h"

#include <stdbool.h>

struct err;

struct meminfo {
    uint64_t total_bytes;
    uint64_t available_bytes; /* for new programs without swapping; never above total */
    bool is_estimated;        /* before Linux 3.14: free + buffers + cached - shared */
    uint64_t swap_total_bytes, swap_free_bytes;
    uint64_t huge_pages, huge_page_bytes;
};

/* -EINVAL without a MemTotal above zero. */
int meminfo_parse(struct slice text, struct meminfo *ret, struct err *err);

#endif

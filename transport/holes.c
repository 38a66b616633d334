/* SPDX-License-Identifier: Apache-2.0 */
/* The run of a volume that was asked for last. */
#include "transport/holes.h"

#include "base/banned.h"

int holes_at(struct holes *h, uint64_t offset, uint64_t *ret_len, bool *ret_hole, struct err *err)
{
    uint64_t len = 0;
    int rc;

    if (offset < h->from || offset >= h->to) {
        rc = volume_extent(h->volume, offset, &len, &h->hole, err);
        if (rc < 0)
            return rc;
        h->from = offset;
        h->to = offset + len;
    }
    *ret_len = h->to - offset;
    *ret_hole = h->hole;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the holes of a volume are, asked seldom: a file system may walk to the end of a run for
 * each answer, so the run that was told last is remembered. A stale answer is no worse than a
 * slightly older read. One thread's own.
 */
#ifndef GODWIT_TRANSPORT_HOLES_H
#define GODWIT_TRANSPORT_HOLES_H

#include "transport/volume.h"

struct holes {
    struct volume *volume; /* lent; the rest begins as zero */
    uint64_t from;
    uint64_t to;
    bool hole;
};

/* As volume_extent. */
int holes_at(struct holes *h, uint64_t offset, uint64_t *ret_len, bool *ret_hole, struct err *err);

#endif

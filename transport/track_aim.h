/* SPDX-License-Identifier: Apache-2.0 */
/* Where a volume lies on the disk whose requests the kernel tells of. */
#ifndef GODWIT_TRANSPORT_TRACK_AIM_H
#define GODWIT_TRANSPORT_TRACK_AIM_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct volume;

/* What is tracked: sectors of 512 bytes of a disk that completes requests. */
struct track_aim {
    unsigned major;
    unsigned minor;
    bool whole_disk;
    uint64_t first_sector;
    uint64_t sectors;
    unsigned shift; /* a granule has 1 << shift bytes */
    uint64_t granules;
    uint64_t coarse;
};

/* -EOPNOTSUPP: no block device, or none that completes requests below it in one run. */
int track_aim_take(struct volume *v, struct track_aim *aim, struct err *err);
/* The same sectors of the same disk? */
bool track_aim_is(const struct track_aim *a, const struct track_aim *b);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Which points of a replica are kept, and why. Pure arithmetic. */
#ifndef GODWIT_TRANSPORT_RETAIN_H
#define GODWIT_TRANSPORT_RETAIN_H

#include "transport/care_log.h"
#include "transport/replica.h"

enum retain_why {
    RETAIN_NO = 0,
    RETAIN_NEWEST, /* always */
    RETAIN_SWITCH, /* a cutover or its rollback may need it: see retain_points */
    RETAIN_ALL,    /* there is no policy */
    RETAIN_LAST,
    RETAIN_WITHIN,
    RETAIN_HOURLY,
    RETAIN_DAILY,
    RETAIN_WEEKLY,
};
const char *retain_why_name(enum retain_why why);

/*
 * points ascend by sequence; ret_why gets n reasons. Hours, days and weeks (from Monday) are those
 * of UTC; of each that has points the newest is kept, for as many as the policy says.
 *
 * Whatever the policy: the newest point; and of the head's epoch and the two before it every final
 * point and the last point of each. A decision names final points of the epoch before its own, and
 * the way back starts from there; older epochs nobody can be asked about any more.
 */
void retain_points(const struct replica_point *points, size_t n, const struct care_policy *policy,
                   uint64_t now_ms, enum retain_why *ret_why);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Consistent points from snapshots, for replica_together.c only. */
#ifndef GODWIT_TRANSPORT_REPLICA_SNAPSHOT_H
#define GODWIT_TRANSPORT_REPLICA_SNAPSHOT_H

#include "transport/replica.h"

struct freeze;

/* One point a volume, of one moment; f freezes what is mounted from them. -EOPNOTSUPP: not all of
 * them have snapshots. -ENOSPC (GW_NO_SPACE): there is no room for one. Else as
 * replica_push_together. */
int replica_snapshot_together(const struct replica_together *t, struct freeze *f,
                              uint64_t budget_ms, struct replica_moment *moment,
                              struct replica_point *ret, struct err *err);

#endif

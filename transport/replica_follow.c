/* SPDX-License-Identifier: Apache-2.0 */
/* Following a replica: agent and command line share this look at it. */
#include "base/err.h"
#include "transport/replica.h"

#include "base/banned.h"

int replica_follow(const struct replica_follow *f, struct replica_point *ret, struct err *err)
{
    struct replica_point head = {0};
    struct replica_run run = {0};
    int rc = replica_point(f->vault, f->name, 0, f->known_seq, &head, err);

    if (rc < 0)
        return rc;
    if (f->equal && head.seq == f->known_seq) {
        *ret = head;
        return 0;
    }
    rc = f->news(f->arg, &head, &run, err);
    if (rc < 0)
        return rc;
    run.seq = head.seq;
    return replica_pull(&run, ret, err);
}

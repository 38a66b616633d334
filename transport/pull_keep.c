/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The place of a pull from nothing: what is written is made durable, then what the table's pass
 * says of it. Both are bounded by what lies between, which is compared again after a crash.
 */
#include "transport/pull.h"

#include "base/err.h"
#include "base/fail.h"
#include "base/num.h"

#include "base/banned.h"

/* So much is read and compared in seconds, and flushing once for it costs nothing that counts. */
static const uint64_t keep_every = UINT64_C(4) << 30;

static int keep(struct pull *p, struct err *err)
{
    uint64_t mark = table_mark(p->table); /* before the flush: these regions are written */
    int rc = failpoint("pull_keep");

    if (rc < 0)
        return err_set(err, rc, "keep the place: %m");
    rc = volume_flush(p->volume, err);
    return rc < 0 ? rc : table_keep(p->table, mark, p->towards, err);
}

int pull_keep(struct pull *p, uint64_t bytes, struct err *err)
{
    int rc;

    if (!p->towards || atomic_fetch_add(&p->unkept_bytes, bytes) + bytes < keep_every)
        return 0;
    if (atomic_flag_test_and_set(&p->keeping))
        return 0; /* another thread is about it */
    atomic_store(&p->unkept_bytes, 0);
    rc = keep(p, err);
    atomic_flag_clear(&p->keeping);
    return rc;
}

bool pull_skip(void *arg, uint32_t region)
{
    struct pull *p = arg;

    if (!p->done || !(p->done[region / 64] >> region % 64 & 1))
        return false;
    if (p->run->progress)
        p->run->progress->done_bytes +=
            num_min(VOLUME_REGION, p->size_bytes - (uint64_t)region * VOLUME_REGION);
    return true;
}

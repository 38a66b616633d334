/* SPDX-License-Identifier: Apache-2.0 */
/* What a volume holds, held against what the vault says. */
#include "transport/verify.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"

#include <inttypes.h>

#include "base/banned.h"

enum { SECTORS_MAX = 4096 }; /* that cannot be read: more is no disk with a few bad sectors */

static void tell(struct verify *v, const char *what, uint64_t offset, uint64_t len)
{
    verify_tell(v, &(struct replica_fault){.offset = offset, .len = len, .what = what});
}

/* Runs of sectors that differ, each told once. */
static void compare(struct verify *v, uint64_t at, struct slice data, const uint8_t *local)
{
    uint64_t bad = UINT64_MAX; /* start of the present run */

    for (uint64_t i = 0; i < data.len; i += VOLUME_SECTOR) {
        bool same = memcmp(data.data + i, local + i, num_min(VOLUME_SECTOR, data.len - i)) == 0;

        if (!same && bad == UINT64_MAX)
            bad = i;
        if (same && bad != UINT64_MAX) {
            tell(v, "differs", at + bad, i - bad);
            bad = UINT64_MAX;
        }
    }
    if (bad != UINT64_MAX)
        tell(v, "differs", at + bad, data.len - bad);
}

static int count_unread(struct verify *v, uint64_t at, struct err *err)
{
    uint64_t n;

    pthread_mutex_lock(&v->lock);
    n = ++v->unread_sectors;
    pthread_mutex_unlock(&v->lock);
    if (n <= SECTORS_MAX)
        return 0;
    return err_set_gw(err, GW_VOLUME_UNREADABLE, -EIO,
                      "'%s' cannot be read at %" PRIu64 " places up to byte %" PRIu64
                      ": that is more than a few bad sectors",
                      volume_path(v->against), n, at);
}

/* One by one; those that cannot be read are told, and count as equal from here on. */
static int read_sectors(struct verify *v, uint64_t at, struct slice data, uint8_t *local,
                        struct err *err)
{
    uint64_t bad = UINT64_MAX; /* start of the present run */
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < data.len; i += VOLUME_SECTOR) {
        size_t len = (size_t)num_min(VOLUME_SECTOR, data.len - i);

        rc = volume_read(v->against, at + i, local + i, len, err);
        if (rc == -EIO) {
            err_clear(err);
            memcpy(local + i, data.data + i, len);
            bad = num_min(bad, i);
            rc = count_unread(v, at + i, err);
        } else if (bad != UINT64_MAX) {
            tell(v, "unreadable", at + bad, i - bad);
            bad = UINT64_MAX;
        }
    }
    if (bad != UINT64_MAX && rc == 0)
        tell(v, "unreadable", at + bad, data.len - bad);
    return rc;
}

int verify_against(struct verify *v, uint64_t at, struct slice data, uint8_t *local,
                   struct err *err)
{
    int rc = volume_read(v->against, at, local, data.len, err);

    if (rc == -EIO) {
        err_clear(err);
        rc = volume_check(v->against, err); /* one that is gone has no bad sectors */
        if (rc == 0)
            rc = read_sectors(v, at, data, local, err);
    }
    if (rc == 0)
        compare(v, at, data, local);
    return rc;
}

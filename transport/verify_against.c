/* SPDX-License-Identifier: Apache-2.0 */
/* What a volume holds, held against what the vault says. */
#include "transport/verify.h"

#include "base/err.h"
#include "base/num.h"

#include "base/banned.h"

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

int verify_against(struct verify *v, uint64_t at, struct slice data, uint8_t *local,
                   struct err *err)
{
    int rc = volume_read(v->against, at, local, data.len, err);

    if (rc == 0)
        compare(v, at, data, local);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows: units that lie side by side in the volume are opened side by side in memory, and written
 * and hashed two MiB at a time. Large writes may pass the page cache by, and sixteen blocks at once
 * hash faster than four.
 */
#include "transport/pull.h"

#include "base/err.h"
#include "base/gw.h"

#include <inttypes.h>

#include "base/banned.h"

enum { ROW_SECTORS = PULL_MEM_BYTES / VOLUME_SECTOR };

_Static_assert((int)UNIT_DATA_MAX <= (int)PULL_MEM_BYTES, "a unit fits into an empty row");

static uint8_t *row_end(const struct pull_self *s)
{
    return s->mem + (size_t)s->row.count * VOLUME_SECTOR;
}

static bool continues(const struct pull_row *row, const struct pull_need *n)
{
    return row->region == n->region && row->first + row->count == n->first &&
           row->count + n->count <= ROW_SECTORS;
}

/* The row ends where n begins: by being written and begun anew, if need be. */
static int make_way(struct pull_self *s, const struct pull_need *n, struct err *err)
{
    int rc;

    if (s->row.count > 0 && continues(&s->row, n))
        return 0;
    rc = pull_row_write(s, err);
    s->row = (struct pull_row){.region = n->region, .first = n->first};
    return rc;
}

int pull_row_room(void *self, const struct fetch_item *item, uint8_t **ret, struct err *err)
{
    struct pull_self *s = self;
    const struct pull_need *n;
    int rc;

    if (item->unit.kind != UNIT_DATA)
        return 0;
    n = &s->needs[item->cookie];
    if (n->unit_first != 0 || item->unit.raw_len != n->count * VOLUME_SECTOR)
        return 0;
    rc = make_way(s, n, err);
    if (rc == 0)
        *ret = row_end(s);
    return rc;
}

int pull_row_add(struct pull_self *s, const struct pull_need *n, struct slice raw, struct err *err)
{
    size_t from = (size_t)n->unit_first * VOLUME_SECTOR;
    size_t len = (size_t)n->count * VOLUME_SECTOR;
    int rc;

    if (n->count > ROW_SECTORS || raw.len < from || raw.len - from < len)
        return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG,
                          "the map of region %" PRIu32 " asks for more than its unit holds",
                          n->region->index);
    rc = make_way(s, n, err);
    if (rc < 0)
        return rc;
    if (raw.data != row_end(s))
        memcpy(row_end(s), raw.data + from, len);
    s->row.count += n->count;
    return 0;
}

int pull_row_write(struct pull_self *s, struct err *err)
{
    struct pull_row row = s->row;

    s->row.count = 0;
    if (row.count == 0)
        return 0;
    return pull_write(s, row.region, row.first, slice_of(s->mem, (size_t)row.count * VOLUME_SECTOR),
                      err);
}

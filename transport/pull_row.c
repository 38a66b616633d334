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

/* What is at hand and goes on where the row ends, up to sector end. */
static void extend(struct pull_self *s, uint32_t end)
{
    struct pull_row *row = &s->row;

    for (;;) {
        uint32_t at = row->first + row->count;
        const struct pull_patch *next =
            at < end ? pull_patch_take(&s->patches, row->region, at, ROW_SECTORS - row->count)
                     : NULL;

        if (!next)
            return;
        memcpy(row_end(s), next->data, (size_t)next->need.count * VOLUME_SECTOR);
        row->count += next->need.count;
    }
}

/* The row ends where n begins: by being written and begun anew, if need be. */
static int make_way(struct pull_self *s, const struct pull_need *n, struct err *err)
{
    int rc;

    if (s->row.count > 0 && s->row.region == n->region)
        extend(s, n->first);
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

int pull_row_part(const struct pull_need *n, struct slice raw, int rc, struct slice *ret,
                  struct err *err)
{
    size_t from = (size_t)n->unit_first * VOLUME_SECTOR;
    size_t len = (size_t)n->count * VOLUME_SECTOR;

    if (rc < 0)
        return err_add(err, rc, "bytes of the volume from %" PRIu64,
                       n->region->offset + (uint64_t)n->first * VOLUME_SECTOR);
    if (n->count > ROW_SECTORS || raw.len < from || raw.len - from < len)
        return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG,
                          "the map of region %" PRIu32 " asks for more than its unit holds",
                          n->region->index);
    *ret = slice_of(raw.data + from, len);
    return 0;
}

int pull_row_add(struct pull_self *s, const struct pull_need *n, struct slice raw, struct err *err)
{
    struct slice part = {0};
    int rc = pull_row_part(n, raw, 0, &part, err);

    if (rc == 0)
        rc = make_way(s, n, err);
    if (rc < 0)
        return rc;
    if (part.data != row_end(s))
        memcpy(row_end(s), part.data, part.len);
    s->row.count += n->count;
    return 0;
}

int pull_row_write(struct pull_self *s, struct err *err)
{
    struct pull_row row;

    if (s->row.count == 0)
        return 0;
    extend(s, s->row.region->sectors);
    row = s->row;
    s->row.count = 0;
    return pull_write(s, row.region, row.first, slice_of(s->mem, (size_t)row.count * VOLUME_SECTOR),
                      err);
}

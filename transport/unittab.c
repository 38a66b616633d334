/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding of unit tables. A hash table finds packs that were met before. */
#include "transport/unittab.h"

#include "base/err.h"
#include "base/gw.h"
#include "transport/pack.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum { UNITS_MAX = 16384, SLOTS = 4 * UNITS_MAX, NONE = 0xffff, PACK_ROW_LEN = 64 };

/* Packs in order of first use: pack i is that of units[first[i]]. */
struct packs {
    uint16_t *slots; /* open addressing; NONE = free, else an index into first */
    uint16_t *first;
    uint16_t *of_unit;
    size_t n;
};

static void packs_done(struct packs *p)
{
    free(p->slots);
    free(p->first);
    free(p->of_unit);
}

static int packs_init(struct packs *p, size_t units_n, struct err *err)
{
    p->slots = malloc(SLOTS * sizeof(*p->slots));
    p->first = calloc(units_n + 1, sizeof(*p->first));
    p->of_unit = calloc(units_n + 1, sizeof(*p->of_unit));
    if (!p->slots || !p->first || !p->of_unit)
        return err_set(err, -ENOMEM, "list packs: %m");
    memset(p->slots, 0xff, SLOTS * sizeof(*p->slots));
    return 0;
}

/* The index of units[i]'s pack, added when new. */
static uint16_t packs_find(struct packs *p, const struct unit *units, size_t i)
{
    uint32_t at;

    memcpy(&at, units[i].pack, sizeof(at)); /* names are hashes already */
    for (at %= SLOTS; p->slots[at] != NONE; at = (at + 1) % SLOTS)
        if (memcmp(units[p->first[p->slots[at]]].pack, units[i].pack, PACK_NAME_LEN) == 0)
            return p->slots[at];
    p->slots[at] = (uint16_t)p->n;
    p->first[p->n] = (uint16_t)i;
    return (uint16_t)p->n++;
}

static void columns_encode(const struct packs *p, const struct unit *units, size_t n,
                           struct buf *out)
{
    for (size_t i = 0; i < n; i++)
        buf_append(out, units[i].id, UNIT_ID_LEN);
    for (size_t i = 0; i < n; i++)
        buf_u16le(out, p->of_unit[i]);
    for (size_t i = 0; i < n; i++)
        buf_u32le(out, units[i].offset);
    for (size_t i = 0; i < n; i++)
        buf_u32le(out, units[i].stored_len);
    for (size_t i = 0; i < n; i++)
        buf_u32le(out, units[i].raw_len);
    for (size_t i = 0; i < n; i++)
        buf_u16le(out, (uint16_t)units[i].segment);
    for (size_t i = 0; i < n; i++)
        buf_u8(out, units[i].codec);
}

int unittab_encode(const struct unit *units, size_t n, struct buf *out, struct err *err)
{
    AUTO(packs_done) struct packs packs = {0};
    int rc;

    assert(n <= UNITS_MAX);
    rc = packs_init(&packs, n, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++)
        packs.of_unit[i] = packs_find(&packs, units, i);
    buf_u32le(out, (uint32_t)packs.n);
    for (size_t i = 0; i < packs.n; i++) {
        buf_append(out, units[packs.first[i]].pack, PACK_NAME_LEN);
        buf_append(out, units[packs.first[i]].salt, PACK_ROW_LEN - PACK_NAME_LEN);
    }
    columns_encode(&packs, units, n, out);
    return buf_failed(out, err);
}

static int damaged(const char *what, struct err *err)
{
    return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG, "a table of units: %s", what);
}

/* Column by column, as they stand. Packs are said in the order of their first use. */
static int columns_decode(struct buf_reader *r, struct slice rows, size_t n, struct unit *out,
                          struct err *err)
{
    size_t packs_n = rows.len / PACK_ROW_LEN;
    size_t met = 0;

    for (size_t i = 0; i < n; i++)
        memcpy(out[i].id, buf_get(r, UNIT_ID_LEN).data, UNIT_ID_LEN);
    for (size_t i = 0; i < n; i++) {
        size_t pack = buf_get_u16le(r);

        if (pack >= packs_n || pack > met)
            return damaged("packs out of order", err);
        met += pack == met;
        memcpy(out[i].pack, rows.data + pack * PACK_ROW_LEN, sizeof(out[i].pack));
        memcpy(out[i].salt, rows.data + pack * PACK_ROW_LEN + sizeof(out[i].pack),
               sizeof(out[i].salt));
    }
    if (met != packs_n)
        return damaged("a pack that no unit is in", err);
    for (size_t i = 0; i < n; i++)
        out[i].offset = buf_get_u32le(r);
    for (size_t i = 0; i < n; i++)
        out[i].stored_len = buf_get_u32le(r);
    for (size_t i = 0; i < n; i++)
        out[i].raw_len = buf_get_u32le(r);
    for (size_t i = 0; i < n; i++)
        out[i].segment = buf_get_u16le(r);
    for (size_t i = 0; i < n; i++)
        out[i].codec = buf_get_u8(r);
    return 0;
}

static int rows_compare(const void *a, const void *b)
{
    return memcmp(a, b, PACK_NAME_LEN);
}

static int rows_check_distinct(struct slice rows, struct err *err)
{
    size_t n = rows.len / PACK_ROW_LEN;
    auto_free uint8_t *sorted = malloc(rows.len + 1);

    if (!sorted)
        return err_set(err, -ENOMEM, "sort packs: %m");
    if (n < 2)
        return 0;
    memcpy(sorted, rows.data, rows.len);
    qsort(sorted, n, PACK_ROW_LEN, rows_compare);
    for (size_t i = 1; i < n; i++)
        if (rows_compare(sorted + (i - 1) * PACK_ROW_LEN, sorted + i * PACK_ROW_LEN) == 0)
            return damaged("a pack twice", err);
    return 0;
}

int unittab_decode(struct buf_reader *r, size_t n, enum unit_kind kind, struct unit *out,
                   struct err *err)
{
    enum { UNIT_LEN = UNIT_ID_LEN + 2 + 4 + 4 + 4 + 2 + 1 };
    uint32_t packs_n = buf_get_u32le(r);
    struct slice rows;
    int rc;

    if (r->short_ || n > UNITS_MAX || packs_n > n)
        return damaged("more packs than units", err);
    rows = buf_get(r, (size_t)packs_n * PACK_ROW_LEN);
    if (r->short_ || r->left < n * UNIT_LEN)
        return damaged("cut short", err);
    rc = columns_decode(r, rows, n, out, err);
    if (!rc)
        rc = rows_check_distinct(rows, err);
    for (size_t i = 0; !rc && i < n; i++) {
        out[i].kind = (uint8_t)kind;
        rc = unit_check(&out[i], err);
    }
    return rc;
}

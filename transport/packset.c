/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in the order of arrival, and an open-addressed index over them. */
#include "transport/packset.h"

#include "base/err.h"

#include <stdlib.h>

#include "base/banned.h"

enum { SLOTS_MIN = 256 };

/* Names are hashes already. Behind all the rows that collide: the free slot. */
static size_t slot_of(const struct packset *s, const uint8_t *name)
{
    uint32_t at;

    memcpy(&at, name, sizeof(at));
    for (at &= (uint32_t)s->slots_n - 1; s->slots[at]; at = (at + 1) & ((uint32_t)s->slots_n - 1))
        if (memcmp(s->rows[s->slots[at] - 1].name, name, PACK_NAME_LEN) == 0)
            break;
    return at;
}

static int grow(struct packset *s, struct err *err)
{
    size_t n = s->slots_n ? s->slots_n * 2 : SLOTS_MIN;
    struct packset_row *rows = reallocarray(s->rows, n / 2, sizeof(*rows));
    uint32_t *slots;

    if (!rows)
        return err_set(err, -ENOMEM, "list packs: %m");
    s->rows = rows;
    s->cap = n / 2;
    slots = calloc(n, sizeof(*slots));
    if (!slots)
        return err_set(err, -ENOMEM, "list packs: %m");
    free(s->slots);
    s->slots = slots;
    s->slots_n = n;
    for (size_t i = 0; i < s->n; i++)
        s->slots[slot_of(s, s->rows[i].name)] = (uint32_t)i + 1;
    return 0;
}

int packset_row(struct packset *s, const uint8_t *name, struct packset_row **ret, struct err *err)
{
    size_t at;
    int rc;

    if (s->n >= s->slots_n / 2) {
        rc = grow(s, err);
        if (rc < 0)
            return rc;
    }
    at = slot_of(s, name);
    if (!s->slots[at]) {
        s->rows[s->n] = (struct packset_row){.state = PACKSET_UNSEEN};
        memcpy(s->rows[s->n].name, name, PACK_NAME_LEN);
        s->slots[at] = (uint32_t)++s->n;
    }
    *ret = &s->rows[s->slots[at] - 1];
    return 0;
}

bool packset_has(const struct packset *s, const uint8_t *name)
{
    return s->n > 0 && s->slots[slot_of(s, name)] != 0;
}

void packset_done(struct packset *s)
{
    free(s->rows);
    free(s->slots);
    *s = (struct packset){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patches: sectors that lie scattered in the volume and together in a pack, as a pass sends what it
 * found changed. They are fetched first and kept, and fill the gaps between the units that come
 * later, which are so written and hashed two MiB at a time all the same.
 */
#include "transport/pull.h"

#include "base/err.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum {
    PATCH_BYTES = 2 << 20,      /* of a thread; what does not fit comes as all else does */
    PATCH_MEAN_BYTES = 32 << 10 /* larger pieces are worth a write of their own */
};

void pull_patch_done(struct pull_patches *p)
{
    free(p->mem);
    free(p->list);
}

static uint64_t place_of(const struct pull_region *r, uint32_t sector)
{
    return r->offset / VOLUME_SECTOR + sector;
}

static int by_place(const void *a, const void *b)
{
    const struct pull_patch *x = a;
    const struct pull_patch *y = b;

    return x->place < y->place ? -1 : x->place > y->place;
}

static size_t bytes_of(const struct pull_self *s, const struct fetch_item *items, size_t n)
{
    size_t bytes = 0;

    for (size_t i = 0; i < n; i++)
        bytes += (size_t)s->needs[items[i].cookie].count * VOLUME_SECTOR;
    return bytes;
}

/* To the front of the items those of every GET that brings small pieces only: how many. */
static size_t choose(struct pull_self *s)
{
    size_t room = PATCH_BYTES;
    size_t chosen = 0;

    fetch_sort(s->items, s->needs_n);
    for (size_t i = 0, some; i < s->needs_n; i += some) {
        size_t bytes;

        some = fetch_together(s->items + i, s->needs_n - i);
        bytes = bytes_of(s, s->items + i, some);
        if (bytes > room || bytes > some * PATCH_MEAN_BYTES)
            continue;
        room -= bytes;
        for (size_t k = i; k < i + some; k++) {
            struct fetch_item it = s->items[k];

            s->items[k] = s->items[chosen];
            s->items[chosen++] = it;
        }
    }
    return chosen;
}

static int make_room(struct pull_patches *p, size_t n, struct err *err)
{
    struct pull_patch *list = reallocarray(p->list, n, sizeof(*list));

    if (list)
        p->list = list;
    if (list && !p->mem)
        p->mem = malloc(PATCH_BYTES);
    return list && p->mem ? 0 : err_set(err, -ENOMEM, "pull: %m");
}

static int keep(void *arg, const struct fetch_item *item, struct slice raw, int rc, struct err *err)
{
    struct pull_self *s = arg;
    struct pull_patches *p = &s->patches;
    const struct pull_need *n = &s->needs[item->cookie];
    struct slice part = {0};

    rc = pull_row_part(n, raw, rc, &part, err);
    if (rc < 0)
        return rc;
    assert(part.len <= PATCH_BYTES - p->used);
    memcpy(p->mem + p->used, part.data, part.len);
    p->list[p->n++] = (struct pull_patch){
        .place = place_of(n->region, n->first), .need = *n, .data = p->mem + p->used};
    p->used += part.len;
    return 0;
}

int pull_patch_fetch(struct pull_self *s, size_t *ret_n, struct err *err)
{
    struct pull_patches *p = &s->patches;
    size_t n = choose(s);
    int rc = 0;

    p->n = p->used = 0;
    *ret_n = 0;
    if (n == 0 || n == s->needs_n) /* nothing lies between them */
        return 0;
    rc = make_room(p, n, err);
    if (rc < 0)
        return rc;
    fetch_use_room(s->fetch, NULL, NULL);
    rc = fetch_units(s->fetch, s->items, n, keep, s, err);
    fetch_use_room(s->fetch, pull_row_room, s);
    qsort(p->list, p->n, sizeof(*p->list), by_place);
    *ret_n = n;
    return rc;
}

const struct pull_patch *pull_patch_take(struct pull_patches *p, const struct pull_region *r,
                                         uint32_t first, uint32_t count_max)
{
    const struct pull_patch key = {.place = place_of(r, first)};
    struct pull_patch *found =
        p->n > 0 ? bsearch(&key, p->list, p->n, sizeof(key), by_place) : NULL;

    if (!found || found->taken || found->need.count > count_max)
        return NULL;
    found->taken = true;
    return found;
}

int pull_patch_write(struct pull_self *s, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < s->patches.n; i++) {
        struct pull_patch *it = &s->patches.list[i];
        size_t len = (size_t)it->need.count * VOLUME_SECTOR;

        if (it->taken)
            continue;
        it->taken = true;
        it->need.unit_first = 0; /* data is the part alone */
        rc = pull_row_add(s, &it->need, slice_of(it->data, len), err);
    }
    return rc;
}

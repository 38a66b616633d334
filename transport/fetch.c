/* SPDX-License-Identifier: Apache-2.0 */
/* Ranged GETs over neighbouring units, and each unit told apart. */
#include "transport/fetch.h"

#include "base/err.h"
#include "base/num.h"
#include "transport/pack.h"
#include "transport/replica.h"
#include "transport/unit_cache.h"
#include "transport/vault_impl.h"

#include "base/banned.h"

struct fetch {
    struct vault *vault;
    struct replica_progress *progress;
    struct unit_cache *cache;        /* or NULL */
    const struct fetch_packs *packs; /* or NULL */
    fetch_room_fn room;              /* or NULL */
    void *room_arg;
    struct buf body;
    struct slice sealed; /* the units of a group: in body, or in a pack */
    uint8_t *raw;        /* UNIT_RAW_MAX */
    uint8_t *opened;     /* what was opened last: raw, or where room said */
};

int fetch_new(struct vault *v, struct replica_progress *progress, struct fetch **ret,
              struct err *err)
{
    struct fetch *f = calloc(1, sizeof(*f));

    if (f)
        f->raw = malloc(UNIT_RAW_MAX);
    if (!f || !f->raw) {
        free(f);
        return err_set(err, -ENOMEM, "fetch: %m");
    }
    f->vault = v;
    f->progress = progress;
    f->opened = f->raw;
    *ret = f;
    return 0;
}

void fetch_free(struct fetch *f)
{
    if (!f)
        return;
    buf_done(&f->body);
    free(f->raw);
    free(f);
}

void fetch_use_cache(struct fetch *f, struct unit_cache *cache)
{
    f->cache = cache;
}

void fetch_use_packs(struct fetch *f, const struct fetch_packs *packs)
{
    f->packs = packs;
}

void fetch_use_room(struct fetch *f, fetch_room_fn room, void *arg)
{
    f->room = room;
    f->room_arg = arg;
}

static int by_place(const void *a, const void *b)
{
    const struct fetch_item *x = a;
    const struct fetch_item *y = b;
    int packs = memcmp(x->unit.pack, y->unit.pack, sizeof(x->unit.pack));

    if (packs != 0)
        return packs;
    if (x->unit.offset != y->unit.offset)
        return x->unit.offset < y->unit.offset ? -1 : 1;
    return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

void fetch_sort(struct fetch_item *items, size_t n)
{
    if (n > 0)
        qsort(items, n, sizeof(*items), by_place);
}

size_t fetch_together(const struct fetch_item *items, size_t n)
{
    uint64_t start = items[0].unit.offset;
    uint64_t end = start + items[0].unit.stored_len;
    size_t i = 1;

    for (; i < n; i++) {
        const struct unit *u = &items[i].unit;
        uint64_t stop = (uint64_t)u->offset + u->stored_len;

        if (memcmp(u->pack, items[0].unit.pack, sizeof(u->pack)) != 0)
            break;
        if (u->offset > end + FETCH_GAP_MAX || num_max(stop, end) - start > FETCH_RANGE_MAX)
            break;
        end = num_max(end, stop);
    }
    return i;
}

/* Where the items lie in their pack. */
static int range_of(const struct fetch_item *items, size_t n, struct store_range *ret,
                    struct err *err)
{
    uint64_t end = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = unit_check(&items[i].unit, err);
        end = num_max(end, (uint64_t)items[i].unit.offset + items[i].unit.stored_len);
    }
    *ret = (struct store_range){.offset = items[0].unit.offset};
    ret->len = ret->max_bytes = end - ret->offset;
    return rc;
}

static int get(struct fetch *f, const struct fetch_item *items, size_t n, struct err *err)
{
    struct store_range range;
    char key[PACK_KEY_MAX];
    int rc = range_of(items, n, &range, err);

    if (rc < 0)
        return rc;
    buf_clear(&f->body);
    rc = vault_get(f->vault, pack_key(items[0].unit.pack, key), range, &f->body, err);
    f->sealed = buf_slice(&f->body);
    if (rc == 0 && f->progress)
        f->progress->received_bytes += f->body.len;
    return rc;
}

/* Damage to one object is for the caller to judge; a store that does not answer is not. */
static bool is_damage(int rc)
{
    return rc == -EBADMSG || rc == -ENOENT;
}

/* Where items[i] goes. What the next one wants too stays here, or its keeper could change it. */
static int choose_room(struct fetch *f, const struct fetch_item *items, size_t n, size_t i,
                       struct err *err)
{
    uint8_t *room = NULL;
    int rc = 0;

    if (f->room && (i + 1 == n || !unit_same(&items[i].unit, &items[i + 1].unit)))
        rc = f->room(f->room_arg, &items[i], &room, err);
    f->opened = room ? room : f->raw;
    return rc;
}

static int open_one(struct fetch *f, const struct fetch_item *items, size_t n, size_t i,
                    struct err *err)
{
    const struct unit *u = &items[i].unit;
    struct slice sealed;
    int rc;

    if (i > 0 && unit_same(u, &items[i - 1].unit))
        return 0; /* still in f->opened */
    rc = choose_room(f, items, n, i, err);
    if (rc < 0)
        return rc;
    sealed = slice_of(f->sealed.data + (u->offset - items[0].unit.offset), u->stored_len);
    rc = unit_open(f->vault, u, sealed, f->opened, err);
    if (rc == 0 && f->cache)
        unit_cache_put(f->cache, u, sealed);
    if (rc != -EBADMSG)
        return rc;
    err_clear(err);
    return unit_fetch(f->vault, u, f->opened, err);
}

static int tell(struct fetch *f, const struct fetch_item *item, int rc, fetch_fn fn, void *arg,
                struct err *err)
{
    struct slice raw = rc < 0 ? slice_of(NULL, 0) : slice_of(f->opened, item->unit.raw_len);

    if (rc < 0 && !is_damage(rc))
        return rc;
    return fn(arg, item, raw, rc, err);
}

/* One by one, so that what is whole in a damaged pack still comes. */
static int fetch_singly(struct fetch *f, const struct fetch_item *items, size_t n, fetch_fn fn,
                        void *arg, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = get(f, items + i, 1, err);
        if (rc == 0)
            rc = open_one(f, items + i, 1, 0, err);
        rc = tell(f, &items[i], rc, fn, arg, err);
    }
    return rc;
}

static int open_group(struct fetch *f, const struct fetch_item *items, size_t n, fetch_fn fn,
                      void *arg, struct err *err)
{
    int last = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (last < 0 || i == 0 || !unit_same(&items[i].unit, &items[i - 1].unit))
            last = open_one(f, items, n, i, err);
        rc = tell(f, &items[i], last, fn, arg, err);
    }
    return rc;
}

/* False: the pack is not at hand, or shorter than it should be: who fetches it will be told. */
static bool fetch_at_hand(struct fetch *f, const struct fetch_item *items, size_t n, fetch_fn fn,
                          void *arg, int *ret_rc, struct err *err)
{
    struct slice body = {0};
    struct store_range range;
    size_t slot = 0;
    bool fits;

    if (!f->packs || range_of(items, n, &range, NULL) < 0 ||
        !f->packs->take(f->packs->arg, f->vault, &items[0].unit, &body, &slot))
        return false;
    fits = range.offset <= body.len && range.len <= body.len - range.offset;
    if (fits) {
        f->sealed = slice_of(body.data + range.offset, range.len);
        *ret_rc = open_group(f, items, n, fn, arg, err);
    }
    f->packs->give(f->packs->arg, slot);
    return fits;
}

static int fetch_group(struct fetch *f, const struct fetch_item *items, size_t n, fetch_fn fn,
                       void *arg, struct err *err)
{
    int rc = 0;

    if (fetch_at_hand(f, items, n, fn, arg, &rc, err))
        return rc;
    rc = get(f, items, n, err);
    if (is_damage(rc) && n > 1) {
        err_clear(err);
        return fetch_singly(f, items, n, fn, arg, err);
    }
    return rc < 0 ? tell(f, &items[0], rc, fn, arg, err) : open_group(f, items, n, fn, arg, err);
}

/* Into f->raw, when the cache has it and it opens. */
static bool from_cache(struct fetch *f, const struct unit *u)
{
    bool old = false;

    f->opened = f->raw;
    buf_clear(&f->body);
    if (!unit_cache_get(f->cache, u, &f->body, &old))
        return false;
    if (unit_open(f->vault, u, buf_slice(&f->body), f->raw, NULL) < 0) {
        unit_cache_drop(f->cache, u);
        return false;
    }
    if (old)
        unit_cache_put(f->cache, u, buf_slice(&f->body));
    return true;
}

/* *ret_left items are put to the front: those that the cache has not. */
static int fetch_cached(struct fetch *f, struct fetch_item *items, size_t n, size_t *ret_left,
                        fetch_fn fn, void *arg, struct err *err)
{
    int rc = 0;

    *ret_left = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (from_cache(f, &items[i].unit))
            rc = tell(f, &items[i], 0, fn, arg, err);
        else
            items[(*ret_left)++] = items[i];
    }
    return rc;
}

int fetch_units(struct fetch *f, struct fetch_item *items, size_t n, fetch_fn fn, void *arg,
                struct err *err)
{
    int rc = 0;

    if (f->cache)
        rc = fetch_cached(f, items, n, &n, fn, arg, err);
    if (rc < 0 || n == 0)
        return rc;
    fetch_sort(items, n);
    for (size_t i = 0, some; rc == 0 && i < n; i += some) {
        some = fetch_together(items + i, n - i);
        rc = fetch_group(f, items + i, some, fn, arg, err);
    }
    return rc;
}

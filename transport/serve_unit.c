/* SPDX-License-Identifier: Apache-2.0 */
/* Units in memory: neighbours are claimed together and come in one fetch. */
#include "transport/serve_impl.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "transport/pack.h"
#include "transport/unit_cache.h"

#include "base/banned.h"

enum { GROUP_BYTES_MAX = 2 << 20 };

struct group {
    struct serve *s;
    uint64_t offset; /* of the region, in the volume */
    size_t n;
    uint64_t bytes; /* stored */
    bool first_matters;
    bool memory; /* slots are claimed; else only the cache is filled */
    struct fetch_item items[SERVE_GROUP_MAX];
    uint32_t sectors[SERVE_GROUP_MAX];
    size_t slots[SERVE_GROUP_MAX];
    bool whole[SERVE_GROUP_MAX];
};

static struct lru_key key_of(const struct unit *u)
{
    struct lru_key key = {0};

    _Static_assert(sizeof(u->pack) + sizeof(u->segment) <= LRU_KEY_LEN, "a key holds both");
    memcpy(key.bytes, u->pack, sizeof(u->pack));
    memcpy(key.bytes + sizeof(u->pack), &u->segment, sizeof(u->segment));
    return key;
}

static void add(struct group *g, const struct page_extent *x, size_t slot)
{
    g->items[g->n] = (struct fetch_item){.unit = x->unit, .cookie = g->n};
    g->sectors[g->n] = x->first;
    g->slots[g->n++] = slot;
    g->bytes += x->unit.stored_len;
}

static bool is_full(const struct group *g)
{
    return g->n == SERVE_GROUP_MAX || g->bytes >= GROUP_BYTES_MAX;
}

static int failed(const struct group *g, size_t i, int rc, struct err *err)
{
    const struct unit *u = &g->items[i].unit;
    uint64_t at = g->offset + (uint64_t)g->sectors[i] * VOLUME_SECTOR;
    char key[PACK_KEY_MAX];

    return err_add(err, rc, "LBA %llu of '%s@%llu', %s", (unsigned long long)at / 512, g->s->name,
                   (unsigned long long)g->s->point.info.seq, pack_key(u->pack, key));
}

/* Items were put in another order: the cookie tells which one it is. */
static int take(void *arg, const struct fetch_item *item, struct slice raw, int rc, struct err *err)
{
    struct group *g = arg;
    size_t i = (size_t)item->cookie;

    if (rc < 0 && i == 0 && g->first_matters)
        return rc;
    if (rc < 0) {
        err_clear(err); /* nobody asked for it yet; who does will hear of it */
        return 0;
    }
    if (g->memory)
        memcpy(g->s->units + g->slots[i] * UNIT_DATA_MAX, raw.data, raw.len);
    g->whole[i] = true;
    return 0;
}

static int fetch(struct group *g, struct err *err)
{
    struct fetch_item items[SERVE_GROUP_MAX];
    struct serve_hand *hand;
    int rc;

    if (g->n == 0)
        return 0;
    memcpy(items, g->items, g->n * sizeof(items[0]));
    hand = serve_take_hand(g->s);
    rc = fetch_units(hand->fetch, items, g->n, take, g, err);
    serve_put_hand(g->s, hand);
    return rc < 0 ? failed(g, 0, rc, err) : 0;
}

/* keep_first: its caller goes on holding it. */
static void release(const struct group *g, bool keep_first)
{
    for (size_t i = 0; i < g->n; i++) {
        lru_loaded(g->s->unit_slots, g->slots[i], g->whole[i]);
        if (g->whole[i] && !(i == 0 && keep_first))
            lru_put(g->s->unit_slots, g->slots[i]);
    }
}

/* Claim what is not in memory of [*at, end), until the group is full. */
static void claim(struct group *g, const struct serve_page *p, uint32_t *at, uint32_t end)
{
    struct page_extent x;
    size_t slot = 0;

    while (*at < end && !is_full(g) && page_extent(p->page, *at, &x)) {
        *at += x.count;
        if (!x.zero) {
            struct lru_key key = key_of(&x.unit);

            if (lru_claim(g->s->unit_slots, &key, &slot))
                add(g, &x, slot);
        }
    }
}

static struct group group_of(struct serve *s, const struct serve_page *p, bool memory)
{
    return (struct group){.s = s, .offset = (uint64_t)p->region * VOLUME_REGION, .memory = memory};
}

/* Pages come from a vault, so what they say of a unit is held against it. */
static int check(const struct page_extent *x, struct err *err)
{
    if (unit_check(&x->unit, err) == 0 && x->unit.kind == UNIT_DATA &&
        (x->unit_first + (uint64_t)x->count) * VOLUME_SECTOR <= x->unit.raw_len)
        return 0;
    return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG, "the map asks for more than a unit holds");
}

int serve_unit_get(struct serve *s, const struct serve_page *p, uint32_t sector, uint32_t end,
                   size_t *ret_slot, struct err *err)
{
    struct group g = group_of(s, p, true);
    struct page_extent x = {0};
    struct lru_key key;
    uint32_t at;
    int rc;

    page_extent(p->page, sector, &x);
    rc = check(&x, err);
    if (rc < 0)
        return rc;
    key = key_of(&x.unit);
    if (lru_get(s->unit_slots, &key, ret_slot))
        return 0;
    g.first_matters = true;
    add(&g, &x, *ret_slot);
    at = sector + x.count;
    claim(&g, p, &at, end);
    rc = fetch(&g, err);
    release(&g, true);
    return rc;
}

int serve_unit_ahead(struct serve *s, const struct serve_page *p, uint32_t *at, uint32_t end,
                     struct err *err)
{
    struct group g = group_of(s, p, true);
    int rc;

    claim(&g, p, at, end);
    rc = fetch(&g, err);
    release(&g, false);
    return rc;
}

int serve_unit_prefetch(struct serve *s, const struct serve_page *p, uint32_t *at, uint32_t end,
                        struct err *err)
{
    struct group g = group_of(s, p, false);
    struct page_extent x;

    for (; *at < end && !is_full(&g) && page_extent(p->page, *at, &x); *at += x.count)
        if (!x.zero && !unit_cache_has(s->cache, &x.unit))
            add(&g, &x, 0);
    return fetch(&g, err);
}

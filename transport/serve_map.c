/* SPDX-License-Identifier: Apache-2.0 */
/* Directories and map pages, as many as fit, the others fetched when they are needed. */
#include "transport/serve_impl.h"

#include "base/err.h"
#include "base/num.h"

#include "base/banned.h"

struct loading {
    struct serve *s;
    struct serve_hand *hand;
    uint32_t index; /* of the directory or region */
    struct pagedir *dir;
    struct page *page;
};

static struct lru_key key_of(uint32_t index)
{
    struct lru_key key = {0};

    memcpy(key.bytes, &index, sizeof(index));
    return key;
}

static int take_dir(void *arg, const struct fetch_item *item, struct slice raw, int rc,
                    struct err *err)
{
    struct loading *l = arg;

    (void)item;
    if (rc < 0)
        return rc;
    return pagedir_decode(raw, l->index, point_regions_of(l->s->point.info.size_bytes, l->index),
                          &l->dir, err);
}

static int take_page(void *arg, const struct fetch_item *item, struct slice raw, int rc,
                     struct err *err)
{
    struct loading *l = arg;
    struct unit blame = item->unit;

    if (rc < 0)
        return rc;
    return page_open(l->hand->vault, raw, l->index,
                     point_sectors_of(l->s->point.info.size_bytes, l->index), &l->page, &blame,
                     err);
}

static int fetch_one(struct loading *l, const struct unit *u, fetch_fn fn, struct err *err)
{
    struct fetch_item item = {.unit = *u};
    int rc;

    l->hand = serve_take_hand(l->s);
    rc = fetch_units(l->hand->fetch, &item, 1, fn, l, err);
    serve_put_hand(l->s, l->hand);
    return rc;
}

static int load_dir(struct serve *s, uint32_t index, size_t slot, struct err *err)
{
    struct loading l = {.s = s, .index = index};
    int rc = fetch_one(&l, &s->point.dirs[index].unit, take_dir, err);

    if (rc == 0) {
        pagedir_free(s->dirs[slot]);
        s->dirs[slot] = l.dir;
    }
    lru_loaded(s->dir_slots, slot, rc == 0);
    return rc < 0 ? err_add(err, rc, "directory %u of the map", index) : 0;
}

/* Where the page of region is; *ret_some false: the region is all zero. */
static int find_page(struct serve *s, uint32_t region, struct unit *ret, bool *ret_some,
                     struct err *err)
{
    uint32_t index = region / PAGEDIR_REGIONS_MAX;
    struct lru_key key = key_of(index);
    const struct unit *u;
    size_t slot = 0;
    int rc;

    *ret_some = false;
    if (s->point.dirs[index].zero)
        return 0;
    if (!lru_get(s->dir_slots, &key, &slot)) {
        rc = load_dir(s, index, slot, err);
        if (rc < 0)
            return rc;
    }
    u = pagedir_get(s->dirs[slot], region % PAGEDIR_REGIONS_MAX);
    *ret_some = u != NULL;
    if (u)
        *ret = *u;
    lru_put(s->dir_slots, slot);
    return 0;
}

static int load_page(struct serve *s, uint32_t region, const struct unit *u, size_t slot,
                     struct err *err)
{
    struct loading l = {.s = s, .index = region};
    int rc = fetch_one(&l, u, take_page, err);

    if (rc == 0) {
        page_free(s->pages[slot]);
        s->pages[slot] = l.page;
    }
    lru_loaded(s->page_slots, slot, rc == 0);
    return rc < 0 ? err_add(err, rc, "map page of region %u", region) : 0;
}

static int open_page(struct serve *s, uint32_t region, struct serve_page *ret, struct err *err)
{
    struct lru_key key = key_of(region);
    struct unit unit;
    bool some = false;
    int rc = find_page(s, region, &unit, &some, err);

    if (rc < 0 || !some)
        return rc;
    if (!lru_get(s->page_slots, &key, &ret->slot))
        rc = load_page(s, region, &unit, ret->slot, err);
    if (rc == 0)
        ret->page = s->pages[ret->slot];
    return rc;
}

int serve_map_get(struct serve *s, uint32_t region, struct serve_page *ret, struct err *err)
{
    int rc;

    *ret = (struct serve_page){.region = region};
    rc = open_page(s, region, ret, err);
    if (rc == 0)
        return 0;
    return err_add(err, rc, "LBA %llu of '%s@%llu'",
                   (unsigned long long)region * (VOLUME_REGION / 512), s->name,
                   (unsigned long long)s->point.info.seq);
}

void serve_map_put(struct serve *s, const struct serve_page *p)
{
    if (p->page)
        lru_put(s->page_slots, p->slot);
}

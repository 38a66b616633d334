/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a restore point at random: from the map to units to bytes. */
#include "transport/serve_impl.h"

#include "base/err.h"
#include "base/num.h"
#include "base/queue.h"
#include "base/text.h"
#include "transport/unit_cache.h"
#include "transport/vault_impl.h"

#include <assert.h>

#include "base/banned.h"

enum { EXTENT_PAGES_MAX = 8 /* fetched for one question about extents */ };

struct serve_hand *serve_take_hand(struct serve *s)
{
    void *hand = NULL;
    int rc = queue_pop(s->hands, 0, &hand);

    assert(rc == 0); /* the queue is never closed while somebody reads */
    (void)rc;
    return hand;
}

void serve_put_hand(struct serve *s, struct serve_hand *taken)
{
    int rc = queue_push(s->hands, taken);

    assert(rc == 0);
    (void)rc;
}

static int open_hands(struct serve *s, const struct serve_conf *conf, struct err *err)
{
    int rc = queue_new(SERVE_HANDS, &s->hands, err);

    for (size_t i = 0; rc == 0 && i < SERVE_HANDS; i++) {
        struct serve_hand *h = &s->hand[i];

        rc = vault_dup(conf->vault, &h->vault, err);
        if (rc == 0)
            rc = fetch_new(h->vault, conf->progress, &h->fetch, err);
        if (rc < 0)
            return rc;
        fetch_use_cache(h->fetch, conf->cache);
        serve_put_hand(s, h);
    }
    return rc;
}

static int open_memory(struct serve *s, struct err *err)
{
    int rc = lru_new(SERVE_DIRS, &s->dir_slots, err);

    if (rc == 0)
        rc = lru_new(SERVE_PAGES, &s->page_slots, err);
    if (rc == 0)
        rc = lru_new(SERVE_UNITS, &s->unit_slots, err);
    if (rc < 0)
        return rc;
    s->units = malloc((size_t)SERVE_UNITS * UNIT_DATA_MAX);
    return s->units ? 0 : err_set(err, -ENOMEM, "memory to serve from: %m");
}

static int open_all(struct serve *s, const struct serve_conf *conf, struct err *err)
{
    int rc = conf->seq ? point_load(conf->vault, conf->name, conf->seq, &s->point, err)
                       : point_head(conf->vault, conf->name, 0, &s->point, err);

    if (rc == 0)
        rc = text_copy(s->name, sizeof(s->name), conf->name);
    if (rc == 0)
        rc = open_hands(s, conf, err);
    if (rc == 0)
        rc = open_memory(s, err);
    return rc < 0 ? rc : serve_ahead_start(s, conf->prefetch && conf->cache, err);
}

int serve_open(const struct serve_conf *conf, struct serve **ret, struct err *err)
{
    struct serve *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return err_set(err, -ENOMEM, "serve '%s': %m", conf->name);
    s->cache = conf->cache;
    s->progress = conf->progress;
    rc = open_all(s, conf, err);
    if (rc < 0) {
        serve_close(s);
        return err_add(err, rc, "serve '%s'", conf->name);
    }
    *ret = s;
    return 0;
}

void serve_close(struct serve *s)
{
    if (!s)
        return;
    serve_ahead_stop(s);
    for (size_t i = 0; i < SERVE_DIRS; i++)
        pagedir_free(s->dirs[i]);
    for (size_t i = 0; i < SERVE_PAGES; i++)
        page_free(s->pages[i]);
    lru_free(s->dir_slots);
    lru_free(s->page_slots);
    lru_free(s->unit_slots);
    free(s->units);
    for (size_t i = 0; i < SERVE_HANDS; i++) {
        fetch_free(s->hand[i].fetch);
        vault_close(s->hand[i].vault);
    }
    queue_free(s->hands);
    point_done(&s->point);
    free(s);
}

const struct replica_point *serve_point(const struct serve *s)
{
    return &s->point.info;
}

bool serve_trouble(struct serve *s, struct err *ret)
{
    return s->cache && unit_cache_trouble(s->cache, ret);
}

/* Bytes of the region, which lie in the run x that begins at their first sector; up to sector end
 * more will be asked for, and comes in the same fetch. */
static int read_run(struct serve *s, const struct serve_page *p, const struct page_extent *x,
                    struct serve_span in, uint32_t end, uint8_t *out, struct err *err)
{
    uint64_t skip = in.offset - (uint64_t)x->first * VOLUME_SECTOR;
    uint64_t from = (uint64_t)x->unit_first * VOLUME_SECTOR + skip;
    size_t slot = 0;
    int rc;

    if (x->zero) {
        memset(out, 0, (size_t)in.len);
        return 0;
    }
    rc = serve_unit_get(s, p, x->first, end, &slot, err);
    if (rc < 0)
        return rc;
    memcpy(out, s->units + slot * UNIT_DATA_MAX + from, (size_t)in.len);
    lru_put(s->unit_slots, slot);
    return 0;
}

static int read_page(struct serve *s, const struct serve_page *p, struct serve_span in,
                     uint8_t *out, struct err *err)
{
    uint64_t end = in.offset + in.len;
    uint64_t len;
    int rc = 0;

    for (uint64_t at = in.offset; rc == 0 && at < end; at += len, out += len) {
        struct page_extent x = {0};
        bool any = page_extent(p->page, (uint32_t)(at / VOLUME_SECTOR), &x);

        assert(any);
        (void)any;
        len = num_min(((uint64_t)x.first + x.count) * VOLUME_SECTOR, end) - at;
        rc = read_run(s, p, &x, (struct serve_span){at, len},
                      (uint32_t)num_div_up(end, VOLUME_SECTOR), out, err);
    }
    return rc;
}

static int read_region(struct serve *s, uint64_t offset, uint64_t len, uint8_t *out,
                       struct err *err)
{
    struct serve_page p = {0};
    int rc = serve_map_get(s, (uint32_t)(offset / VOLUME_REGION), &p, err);

    if (rc < 0)
        return rc;
    if (p.page)
        rc = read_page(s, &p, (struct serve_span){offset % VOLUME_REGION, len}, out, err);
    else
        memset(out, 0, (size_t)len);
    serve_map_put(s, &p);
    return rc;
}

int serve_read(struct serve *s, uint64_t offset, size_t len, uint8_t *out, struct err *err)
{
    uint64_t end = offset + len;
    uint64_t some;
    int rc = 0;

    assert(offset <= s->point.info.size_bytes && len <= s->point.info.size_bytes - offset);
    serve_ahead_note(s, offset, len);
    for (uint64_t at = offset; rc == 0 && at < end; at += some, out += some) {
        some = num_min(VOLUME_REGION - at % VOLUME_REGION, end - at);
        rc = read_region(s, at, some, out, err);
    }
    if (rc < 0 && err)
        err->code = -EIO;
    return rc < 0 ? -EIO : 0;
}

/* The extents of one region that lie in the range. */
static int region_extents(const struct serve_page *p, uint64_t at, uint64_t end, serve_extent_fn fn,
                          void *arg)
{
    uint64_t start = (uint64_t)p->region * VOLUME_REGION;
    struct page_extent x;
    uint64_t stop;
    int rc = 0;

    if (!p->page)
        return fn(arg, at, end - at, true);
    for (; rc == 0 && at < end; at = stop) {
        if (!page_extent(p->page, (uint32_t)((at - start) / VOLUME_SECTOR), &x))
            break;
        stop = num_min(start + ((uint64_t)x.first + x.count) * VOLUME_SECTOR, end);
        rc = fn(arg, at, stop - at, x.zero);
    }
    return rc;
}

int serve_extents(struct serve *s, uint64_t offset, uint64_t len, serve_extent_fn fn, void *arg,
                  struct err *err)
{
    uint64_t end = offset + len;
    unsigned pages = 0;
    uint64_t stop;
    int rc = 0;

    assert(offset <= s->point.info.size_bytes && len <= s->point.info.size_bytes - offset);
    for (uint64_t at = offset; rc == 0 && at < end && pages < EXTENT_PAGES_MAX; at = stop) {
        struct serve_page p = {0};

        stop = num_min(at - at % VOLUME_REGION + VOLUME_REGION, end);
        rc = serve_map_get(s, (uint32_t)(at / VOLUME_REGION), &p, err);
        if (rc < 0)
            return rc;
        pages += p.page != NULL;
        rc = region_extents(&p, at, stop, fn, arg);
        serve_map_put(s, &p);
    }
    return rc;
}

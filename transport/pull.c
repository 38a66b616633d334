/* SPDX-License-Identifier: Apache-2.0 */
/* One batch of regions, from their pages to the volume and the table. */
#include "transport/pull.h"

#include "base/err.h"
#include "base/num.h"
#include "transport/pack.h"
#include "transport/page_many.h"
#include "transport/vault_impl.h"

#include <inttypes.h>
#include <sys/mman.h>

#include "base/banned.h"

enum { LEAVES_BYTES = DIGEST_REGION_LEAVES * DIGEST_LEN, TAGS_N = PAGE_SECTORS_MAX };
enum { PAGE_OF_POINT = 0, PAGE_OF_BASE = 1 };

/* Not held against its name: each page is, by its seal. */
static int load_maps(void *arg, struct vault *v, const uint8_t *name, struct buf *body)
{
    struct pull *p = arg;
    struct store_range whole = {.max_bytes = PACK_BYTES_MAX};
    char key[PACK_KEY_MAX];
    int rc = vault_get(v, pack_key(name, key), whole, body, NULL);

    if (rc == 0 && p->run->progress)
        p->run->progress->received_bytes += body->len;
    return rc;
}

static bool take_maps(void *arg, struct vault *v, const struct unit *u, struct slice *ret,
                      size_t *ret_slot)
{
    struct pull *p = arg;

    return u->kind == UNIT_MAP && packs_get(p->maps, v, u->pack, ret, ret_slot);
}

static void give_maps(void *arg, size_t slot)
{
    struct pull *p = arg;

    packs_put(p->maps, slot);
}

int pull_share_maps(struct pull *p, struct err *err)
{
    p->take = (struct fetch_packs){.arg = p, .take = take_maps, .give = give_maps};
    return packs_new(PACK_BYTES_MAX, load_maps, p, &p->maps, err);
}

int pull_open(void *arg, struct vault *v, void **ret_self, struct err *err)
{
    struct pull_self *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return err_set(err, -ENOMEM, "pull: %m");
    *ret_self = s;
    s->pull = arg;
    s->vault = v;
    rc = fetch_new(v, s->pull->run->progress, &s->fetch, err);
    if (rc < 0)
        return rc;
    fetch_use_room(s->fetch, pull_row_room, s);
    if (s->pull->maps)
        fetch_use_packs(s->fetch, &s->pull->take);
    s->zeroes = calloc(1, VOLUME_BLOCK);
    s->leaves = malloc((size_t)WALK_BATCH_MAX * LEAVES_BYTES);
    s->tags = malloc((size_t)WALK_BATCH_MAX * TAGS_N * sizeof(*s->tags));
    if (!s->zeroes || !s->leaves || !s->tags ||
        posix_memalign((void **)&s->mem, PULL_MEM_BYTES, PULL_MEM_BYTES) != 0)
        return err_set(err, -ENOMEM, "pull: %m");
    /* One page: what is written past the page cache is one segment, where 512 would be split into
     * several requests. */
    (void)madvise(s->mem, PULL_MEM_BYTES, MADV_HUGEPAGE);
    return s->pull->table ? tags_new(table_tag_key(s->pull->table), &s->tagger, err) : 0;
}

static void forget_batch(struct pull_self *s)
{
    for (size_t i = 0; i < s->regions_n; i++) {
        page_free(s->regions[i].page);
        page_free(s->regions[i].base);
    }
    s->regions_n = 0;
    s->needs_n = 0;
    s->patches.n = 0;
    s->row.count = 0;
}

void pull_close(void *self)
{
    struct pull_self *s = self;

    forget_batch(s);
    fetch_free(s->fetch);
    free(s->mem);
    free(s->zeroes);
    free(s->leaves);
    free(s->tags);
    tags_free(s->tagger);
    pull_patch_done(&s->patches);
    free(s->items);
    free(s->needs);
    free(s);
}

static int begin_region(struct pull_self *s, const struct walk_region *w, struct err *err)
{
    const struct pull *p = s->pull;
    struct pull_region *r = &s->regions[s->regions_n];
    uint64_t offset = (uint64_t)w->region * VOLUME_REGION;
    int rc = 0;

    *r = (struct pull_region){.index = w->region,
                              .sectors = point_sectors_of(p->size_bytes, w->region),
                              .offset = offset,
                              .bytes = num_min(VOLUME_REGION, p->size_bytes - offset),
                              .holes = {.volume = p->volume},
                              .leaves = s->leaves + s->regions_n * LEAVES_BYTES,
                              .tags = s->tags + s->regions_n * TAGS_N};
    s->regions_n++;
    if (!p->table)
        return 0;
    rc = table_read(p->table, r->index, r->leaves, &r->known, err);
    r->tags_known = !r->known || p->compare; /* then all blocks are noted */
    if (rc == 0 && !r->tags_known)
        rc = table_read_tags(p->table, r->index, r->tags, &r->tags_known, err);
    return rc;
}

/* To each region its pages, or the first failure. */
static int take_pages(struct pull_self *s, struct page_want *wants, const size_t *of, size_t n,
                      struct err *err)
{
    int rc = 0;

    for (size_t i = 0; i < n; i++) {
        struct pull_region *r = &s->regions[of[i] / 2];

        if (wants[i].rc < 0 && rc == 0)
            rc = page_want_failed(&wants[i], err);
        *(of[i] % 2 == PAGE_OF_BASE ? &r->base : &r->page) = TAKE(wants[i].page);
    }
    return rc;
}

static int fetch_pages(struct pull_self *s, const struct walk_batch *b, struct err *err)
{
    auto_free struct page_want *wants = calloc((size_t)2 * WALK_BATCH_MAX, sizeof(*wants));
    size_t of[2 * WALK_BATCH_MAX];
    size_t n = 0;
    int rc;

    if (!wants)
        return err_set(err, -ENOMEM, "fetch map pages: %m");
    for (size_t i = 0; i < b->n; i++) {
        const struct walk_region *w = &b->regions[i];
        const struct walk_page *pages[] = {&w->page, s->pull->compare ? NULL : &w->bases[0]};

        for (size_t k = 0; k < ARRAY_LEN(pages); k++) {
            if (!pages[k] || !pages[k]->some)
                continue;
            wants[n] = (struct page_want){.unit = pages[k]->unit,
                                          .region = s->regions[i].index,
                                          .sectors = s->regions[i].sectors};
            of[n++] = i * 2 + (k == 0 ? PAGE_OF_POINT : PAGE_OF_BASE);
        }
    }
    rc = page_many_fetch(s->vault, s->fetch, wants, n, err);
    if (rc < 0)
        page_many_free(wants, n);
    return rc < 0 ? rc : take_pages(s, wants, of, n, err);
}

static int take_data(void *arg, const struct fetch_item *item, struct slice raw, int rc,
                     struct err *err)
{
    struct pull_self *s = arg;
    const struct pull_need *n = &s->needs[item->cookie];
    struct slice part = {0};

    rc = pull_row_part(n, raw, rc, &part, err);
    return rc < 0 ? rc : pull_row_add(s, n, raw, err);
}

static uint64_t batch_bytes(const struct pull_self *s)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < s->regions_n; i++)
        bytes += s->regions[i].bytes;
    return bytes;
}

static void tell_progress(const struct pull_self *s)
{
    struct replica_progress *progress = s->pull->run->progress;

    if (!progress)
        return;
    progress->done_bytes += batch_bytes(s);
    for (size_t i = 0; i < s->needs_n; i++)
        progress->changed_bytes += (uint64_t)s->needs[i].count * VOLUME_SECTOR;
}

static int do_batch(struct pull_self *s, const struct walk_batch *b, struct err *err)
{
    size_t patched = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < b->n; i++)
        rc = begin_region(s, &b->regions[i], err);
    if (rc == 0)
        rc = fetch_pages(s, b, err);
    for (size_t i = 0; rc == 0 && i < s->regions_n; i++)
        rc = pull_plan(s, &s->regions[i], err);
    if (rc == 0)
        rc = pull_patch_fetch(s, &patched, err);
    if (rc == 0)
        rc = fetch_units(s->fetch, s->items + patched, s->needs_n - patched, take_data, s, err);
    if (rc == 0)
        rc = pull_patch_write(s, err);
    if (rc == 0)
        rc = pull_row_write(s, err);
    for (size_t i = 0; rc == 0 && i < s->regions_n; i++)
        rc = pull_finish(s, &s->regions[i], err);
    if (rc < 0)
        return rc;
    tell_progress(s);
    return pull_keep(s->pull, batch_bytes(s), err);
}

int pull_batch(void *self, const struct walk_batch *b, struct err *err)
{
    int rc = do_batch(self, b, err);

    forget_batch(self);
    return rc;
}

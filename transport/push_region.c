/* SPDX-License-Identifier: Apache-2.0 */
/* Regions of a push: who still works on one, and what of it has changed. */
#include "transport/push.h"

#include "base/err.h"
#include "base/num.h"

#include <assert.h>

#include "base/banned.h"

enum { LEAVES_BYTES = DIGEST_REGION_LEAVES * DIGEST_LEN, TAGS_BYTES = PAGE_SECTORS_MAX * 8 };

static void link_in(struct push *p, struct push_region *r)
{
    pthread_mutex_lock(&p->lock);
    r->next = p->regions;
    if (r->next)
        r->next->prev = r;
    p->regions = r;
    pthread_mutex_unlock(&p->lock);
}

static void unlink_out(struct push *p, struct push_region *r)
{
    pthread_mutex_lock(&p->lock);
    if (r->prev)
        r->prev->next = r->next;
    else
        p->regions = r->next;
    if (r->next)
        r->next->prev = r->prev;
    pthread_mutex_unlock(&p->lock);
}

static void drop_leaves(struct push_region *r)
{
    free(TAKE(r->old));
    free(TAKE(r->leaves));
    free(TAKE(r->tags));
    page_free(TAKE(r->page));
    page_free(TAKE(r->made));
}

void push_region_free(struct push *p, struct push_region *r)
{
    if (!r)
        return;
    unlink_out(p, r);
    drop_leaves(r);
    pthread_mutex_destroy(&r->page_lock);
    free(r->extents);
    free(r);
}

static void describe(struct push *p, struct push_region *r, uint32_t index)
{
    r->index = index;
    r->sectors = point_sectors_of(p->size_bytes, index);
    r->open = 1;
    r->pending = 1;
    if (!p->have_head)
        return;
    r->head_sectors = point_sectors_of(p->head.info.size_bytes, index);
    r->has_page = r->head_sectors > 0 && push_map_page(p, index, &r->page_unit);
}

int push_region_new(struct push *p, uint32_t index, struct push_region **ret, struct err *err)
{
    struct push_region *r = calloc(1, sizeof(*r));
    int rc;

    if (!r)
        return err_set(err, -ENOMEM, "region %u: %m", index);
    pthread_mutex_init(&r->page_lock, NULL);
    r->mark = ledger_mark(p->ledger);
    link_in(p, r);
    describe(p, r, index);
    r->old = malloc(LEAVES_BYTES);
    r->leaves = malloc(LEAVES_BYTES);
    r->tags = malloc(TAGS_BYTES);
    if (!r->old || !r->leaves || !r->tags) {
        push_region_free(p, r);
        return err_set(err, -ENOMEM, "region %u: %m", index);
    }
    rc = table_read(p->table, index, r->old, &r->known, err);
    if (rc == 0 && p->run->repair)
        rc = push_repair_region(p, r, err);
    if (rc < 0) {
        push_region_free(p, r);
        return rc;
    }
    r->tags_loaded = r->tags_whole = !r->known; /* then every block is made anew */
    if (r->known)
        memcpy(r->leaves, r->old, digest_region_leaves(p->size_bytes, index) * DIGEST_LEN);
    *ret = r;
    return 0;
}

/* Asked before the list is looked at: regions that come to it later have no units before. */
uint64_t push_region_oldest(struct push *p)
{
    uint64_t mark = ledger_mark(p->ledger);

    pthread_mutex_lock(&p->lock);
    for (const struct push_region *r = p->regions; r; r = r->next)
        mark = num_min(mark, r->mark);
    pthread_mutex_unlock(&p->lock);
    return mark;
}

/* Its page is believed as the head's are: it was put after all that it names, so a store that was
 * set back has lost it, too; and what a collector took is known (push_care.c). */
static int fetch_made(struct push *p, struct vault *v, struct push_region *r, struct err *err)
{
    struct made_page at;
    int rc;

    if (r->made_looked)
        return 0;
    r->made_looked = true;
    if (p->run->repair)
        return 0;
    rc = made_page(p->made, r->index, &at, err);
    if (rc <= 0 || at.sectors != r->sectors)
        return rc < 0 ? rc : 0;
    rc = page_fetch(v, &at.unit, r->index, r->sectors, &r->made, err);
    if (rc != -ENOENT && rc != -EBADMSG)
        return rc;
    err_clear(err);
    return 0;
}

int push_region_made(struct push *p, struct vault *v, struct push_region *r,
                     const struct push_extent *e, const uint8_t *id, struct unit *ret,
                     struct err *err)
{
    struct page_extent x;
    int rc;

    pthread_mutex_lock(&r->page_lock);
    rc = fetch_made(p, v, r, err);
    pthread_mutex_unlock(&r->page_lock);
    if (rc < 0 || !r->made || !page_extent(r->made, e->first, &x))
        return rc;
    if (x.zero || x.count != e->count || x.unit_first != 0 ||
        x.unit.raw_len != e->count * VOLUME_SECTOR || memcmp(x.unit.id, id, UNIT_ID_LEN) != 0 ||
        made_is_lost(p->made, x.unit.pack))
        return 0;
    *ret = x.unit;
    return 1;
}

static int extents_grow(struct push_region *r)
{
    size_t cap = r->extents_cap ? r->extents_cap * 2 : 8;
    struct push_extent *more = reallocarray(r->extents, cap, sizeof(*more));

    if (!more)
        return -ENOMEM;
    r->extents = more;
    r->extents_cap = cap;
    return 0;
}

int push_region_add(struct push *p, struct push_region *r, const struct push_extent *e,
                    bool pending, uint32_t *ret_index, struct err *err)
{
    int rc = 0;

    pthread_mutex_lock(&p->lock);
    if (r->extents_n == r->extents_cap)
        rc = extents_grow(r);
    if (rc == 0) {
        if (ret_index)
            *ret_index = (uint32_t)r->extents_n;
        r->extents[r->extents_n++] = *e;
        r->pending += pending;
    }
    pthread_mutex_unlock(&p->lock);
    return rc < 0 ? err_set(err, rc, "region %u: %m", r->index) : 0;
}

/* Nothing is pending any more: its page can be made, if there is anything to write in it. */
static int settled(struct push *p, struct push_region *r, struct err *err)
{
    bool resized = r->has_page && r->head_sectors != r->sectors;
    int rc;

    if (r->extents_n == 0 && !resized) {
        push_region_free(p, r);
        return 0;
    }
    rc = queue_push(p->maps, r);
    return rc < 0 ? err_set(err, rc, "stopped") : 0;
}

static int pending_done(struct push *p, struct push_region *r, struct err *err)
{
    bool last;

    pthread_mutex_lock(&p->lock);
    last = --r->pending == 0;
    pthread_mutex_unlock(&p->lock);
    return last ? settled(p, r, err) : 0;
}

static bool any_changed(const struct push_region *r)
{
    uint64_t any = 0;

    for (size_t i = 0; i < TABLE_WORDS; i++)
        any |= r->changed[i];
    return any != 0;
}

int push_region_tags(struct push *p, struct push_region *r, struct err *err)
{
    int rc = 0;

    pthread_mutex_lock(&r->page_lock);
    if (!r->tags_loaded)
        rc = table_read_tags(p->table, r->index, r->tags, &r->tags_whole, err);
    r->tags_loaded = rc == 0;
    pthread_mutex_unlock(&r->page_lock);
    return rc;
}

/* No job is left: leaves and tags are this thread's alone. */
static int update_table(struct push *p, const struct push_region *r, struct err *err)
{
    struct table_region now = {.leaves = r->leaves,
                               .tags = r->tags_whole ? r->tags : NULL,
                               .changed = r->known ? r->changed : NULL};

    return !r->known || any_changed(r) ? table_update(p->table, r->index, &now, err) : 0;
}

int push_region_close(struct push *p, struct push_region *r, struct err *err)
{
    bool last;
    int rc;

    pthread_mutex_lock(&p->lock);
    last = --r->open == 0;
    pthread_mutex_unlock(&p->lock);
    if (!last)
        return 0;
    rc = update_table(p, r, err);
    drop_leaves(r);
    return rc < 0 ? rc : pending_done(p, r, err);
}

int push_region_durable(struct push *p, struct push_region *r, uint32_t index, const struct unit *u,
                        struct err *err)
{
    pthread_mutex_lock(&p->lock);
    assert(index < r->extents_n);
    r->extents[index].unit = *u;
    pthread_mutex_unlock(&p->lock);
    return pending_done(p, r, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last stage: map pages of the regions whose data is durable, copied from the head's and
 * changed, then the directories over them. One thread with one open pack of its own.
 */
#include "transport/fetch.h"
#include "transport/page_many.h"
#include "transport/push.h"

#include "base/err.h"
#include "base/fail.h"

#include <assert.h>

#include "base/banned.h"

/* Map units are small and many: a pack of them is sent long before it is full. */
enum { REFS_MAX = 2048, BATCH_MAX = 16 };

struct mapper {
    struct push *p;
    struct vault *vault;
    struct pack *pack;
    uint8_t *mem;
    bool begun;
    size_t n;
    struct push_ref refs[REFS_MAX];
    struct made_page noted[REFS_MAX];
    uint8_t seen[PACK_NAME_LEN]; /* the last pack of an earlier run that was found in the store */
    bool seen_any;
    struct buf raw; /* the unit being encoded */
    struct fetch *fetch;
    size_t regions_n;
    struct push_region *regions[BATCH_MAX];
    struct page *pages[BATCH_MAX];
};

/* 1 when it is that of the head, 0 when it is new. */
static int head_dir(struct push *p, uint32_t dir, uint32_t had, struct pagedir **ret,
                    struct err *err)
{
    int rc;

    if (had == 0 || p->head.dirs[dir].zero)
        return pagedir_new(dir, point_regions_of(p->size_bytes, dir), ret, err);
    if (p->run->repair)
        return push_repair_dir(p, dir, had, ret, err);
    rc = pagedir_fetch(p->run->vault, &p->head.dirs[dir].unit, dir, had, ret, err);
    return rc < 0 ? rc : 1;
}

int push_map_open_dir(struct push *p, uint32_t dir, struct err *err)
{
    uint32_t regions = point_regions_of(p->size_bytes, dir);
    uint32_t had = p->have_head ? point_regions_of(p->head.info.size_bytes, dir) : 0;
    auto_pagedir struct pagedir *d = NULL;
    bool lost;
    bool open;
    int rc;

    pthread_mutex_lock(&p->dirs_lock);
    open = p->dirs[dir] != NULL;
    pthread_mutex_unlock(&p->dirs_lock);
    if (open)
        return 0;
    rc = head_dir(p, dir, had, &d, err);
    lost = rc == 0 && had > 0 && !p->head.dirs[dir].zero;
    if (rc >= 0 && pagedir_regions(d) != regions)
        rc = pagedir_resize(d, regions, err);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&p->dirs_lock);
    p->dirs[dir] = TAKE(d);
    p->dirs_changed[dir] = lost || had != regions;
    pthread_mutex_unlock(&p->dirs_lock);
    return 0;
}

bool push_map_page(struct push *p, uint32_t region, struct unit *ret)
{
    const struct unit *u;

    pthread_mutex_lock(&p->dirs_lock);
    u = pagedir_get(p->dirs[region / PAGEDIR_REGIONS_MAX], region % PAGEDIR_REGIONS_MAX);
    if (u)
        *ret = *u;
    pthread_mutex_unlock(&p->dirs_lock);
    return u != NULL;
}

static void set_page(struct push *p, uint32_t region, const struct unit *u)
{
    uint32_t dir = region / PAGEDIR_REGIONS_MAX;

    pthread_mutex_lock(&p->dirs_lock);
    pagedir_set(p->dirs[dir], region % PAGEDIR_REGIONS_MAX, u);
    p->dirs_changed[dir] = true;
    pthread_mutex_unlock(&p->dirs_lock);
}

void push_map_forget(struct push *p, uint32_t region)
{
    set_page(p, region, NULL);
}

/* A map unit is durable: whoever pointed to the old one points to it now. */
static void resolve(struct push *p, const struct push_ref *ref, const struct unit *u)
{
    if (!ref->region) {
        p->next.dirs[ref->index] = (struct point_dir){.unit = *u};
        return;
    }
    set_page(p, ref->region->index, u);
    push_region_free(p, ref->region);
}

/* A pass that is killed from here on takes these regions over, and the ledger may forget them. */
static int note_pages(struct mapper *m, struct err *err)
{
    struct push *p = m->p;
    size_t n = 0;
    int rc;

    for (size_t i = 0; i < m->n; i++) {
        const struct push_region *r = m->refs[i].region;

        if (!r)
            continue;
        m->noted[n] = (struct made_page){.region = r->index, .sectors = r->sectors};
        pack_unit(m->pack, i, &m->noted[n++].unit);
    }
    rc = made_note(p->made, m->noted, n, err);
    if (rc < 0)
        return rc;
    rc = failpoint("push_pages_noted");
    return rc < 0 ? err_set(err, rc, "push_pages_noted: %m") : 0;
}

/* more: the pass goes on for a while. */
static int flush(struct mapper *m, bool more, struct err *err)
{
    struct slice body;
    uint8_t name[PACK_NAME_LEN];
    struct unit u;
    int rc;

    if (m->n == 0)
        return 0;
    rc = pack_finish(m->pack, &body, name, err);
    if (rc == 0)
        rc = pack_put(vault_store(m->vault), UNIT_MAP, name, body, err);
    if (rc < 0)
        return rc;
    push_care_note(m->p, name);
    pthread_mutex_lock(&m->p->lock);
    m->p->stored_bytes += body.len;
    m->p->map_bytes += body.len;
    pthread_mutex_unlock(&m->p->lock);
    if (m->p->run->progress)
        m->p->run->progress->sent_bytes += body.len;
    if (more)
        rc = note_pages(m, err);
    for (size_t i = 0; rc == 0 && i < m->n; i++) {
        pack_unit(m->pack, i, &u);
        resolve(m->p, &m->refs[i], &u);
    }
    m->n = 0;
    m->begun = false;
    if (rc == 0 && more)
        rc = ledger_release(m->p->ledger, push_region_oldest(m->p), LEDGER_MUCH, m->p->made, err);
    return rc;
}

static int begin(struct mapper *m, struct err *err)
{
    int rc;

    if (m->begun)
        return 0;
    rc = pack_begin(m->pack, m->mem, err);
    m->begun = rc == 0;
    return rc;
}

/* m->raw goes into the open pack, for ref. */
static int add(struct mapper *m, struct push_ref ref, struct err *err)
{
    uint8_t id[UNIT_ID_LEN];
    int rc = begin(m, err);

    unit_id_of(m->vault, buf_slice(&m->raw), id);
    if (rc == 0)
        rc = pack_add(m->pack, id, buf_slice(&m->raw), CODEC_LEVEL_DEFAULT, err);
    if (rc == -ENOSPC) {
        err_clear(err);
        rc = flush(m, true, err);
        if (rc == 0)
            rc = begin(m, err);
        if (rc == 0)
            rc = pack_add(m->pack, id, buf_slice(&m->raw), CODEC_LEVEL_DEFAULT, err);
    }
    if (rc < 0)
        return rc;
    m->refs[m->n++] = ref;
    return m->n == REFS_MAX || pack_len(m->pack) >= m->p->pack_target ? flush(m, true, err) : 0;
}

/* The head's pages of the batch, new ones where it has none. */
static int old_pages(struct mapper *m, struct err *err)
{
    auto_free struct page_want *wants = calloc(BATCH_MAX, sizeof(*wants));
    size_t of[BATCH_MAX];
    size_t n = 0;
    int rc = wants ? 0 : err_set(err, -ENOMEM, "fetch map pages: %m");

    for (size_t i = 0; rc == 0 && i < m->regions_n; i++) {
        const struct push_region *r = m->regions[i];

        of[n] = i;
        if (r->has_page)
            wants[n++] = (struct page_want){
                .unit = r->page_unit, .region = r->index, .sectors = r->head_sectors};
        else
            rc = page_new(r->index, r->sectors, &m->pages[i], err);
    }
    if (rc == 0)
        rc = page_many_fetch(m->vault, m->fetch, wants, n, err);
    for (size_t k = 0; k < n; k++)
        m->pages[of[k]] = wants[k].page;
    for (size_t k = 0; rc == 0 && k < n; k++) {
        const struct push_region *r = m->regions[of[k]];

        rc = wants[k].rc < 0 ? page_want_failed(&wants[k], err)
                             : page_resize(m->pages[of[k]], r->sectors, err);
    }
    return rc;
}

static int apply(struct page *page, const struct push_region *r, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->extents_n; i++) {
        const struct push_extent *e = &r->extents[i];

        if (e->zero)
            page_set_zero(page, e->first, e->count);
        else
            rc = page_set_unit(page, e->first, e->count, &e->unit, 0, err);
    }
    return rc;
}

/* 1: an earlier run of this pass made the very same page, and it is there. */
static int made_before(struct mapper *m, const struct push_region *r, struct made_page *ret,
                       struct err *err)
{
    uint8_t id[UNIT_ID_LEN];
    bool there = true;
    int rc = m->p->run->repair ? 0 : made_page(m->p->made, r->index, ret, err);

    if (rc <= 0 || ret->sectors != r->sectors || ret->unit.raw_len != m->raw.len)
        return rc < 0 ? rc : 0;
    unit_id_of(m->vault, buf_slice(&m->raw), id);
    if (memcmp(id, ret->unit.id, sizeof(id)) != 0)
        return 0;
    if (!m->seen_any || memcmp(m->seen, ret->unit.pack, sizeof(m->seen)) != 0)
        rc = push_check_pack(m->vault, ret->unit.pack, &there, err);
    if (rc < 0 || !there)
        return rc < 0 ? rc : 0;
    memcpy(m->seen, ret->unit.pack, sizeof(m->seen));
    m->seen_any = true;
    return 1;
}

static int put_page(struct mapper *m, struct push_region *r, struct page *page, struct err *err)
{
    struct push_ref ref = {.region = r};
    struct made_page before;
    int rc;

    buf_clear(&m->raw);
    rc = page_encode(page, &m->raw, err);
    if (rc == 0)
        rc = made_before(m, r, &before, err);
    if (rc == 1)
        resolve(m->p, &ref, &before.unit);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    return add(m, ref, err);
}

static int map_region(struct mapper *m, struct push_region *r, struct page *page, struct err *err)
{
    int rc = apply(page, r, err);

    if (rc == 0)
        rc = push_gather_page(m->p, r->index, page_is_zero(page) ? NULL : page, err);
    if (rc < 0)
        return rc;
    if (page_is_zero(page)) {
        set_page(m->p, r->index, NULL);
        push_region_free(m->p, r);
        return 0;
    }
    return put_page(m, r, page, err);
}

static void drop_pages(struct mapper *m)
{
    for (size_t i = 0; i < m->regions_n; i++)
        page_free(TAKE(m->pages[i]));
    m->regions_n = 0;
}

static int map_batch(struct mapper *m, struct err *err)
{
    int rc = old_pages(m, err);

    for (size_t i = 0; rc == 0 && i < m->regions_n; i++)
        rc = map_region(m, m->regions[i], m->pages[i], err);
    drop_pages(m);
    return rc;
}

static int mapper_new(struct push *p, struct mapper **ret, struct err *err)
{
    struct mapper *m = calloc(1, sizeof(*m));
    int rc;

    if (!m)
        return err_set(err, -ENOMEM, "map pages: %m");
    *ret = m;
    m->p = p;
    buf_init(&m->raw, UNIT_RAW_MAX);
    rc = vault_dup(p->run->vault, &m->vault, err);
    if (rc == 0)
        rc = pack_new(m->vault, UNIT_MAP, &m->pack, err);
    if (rc == 0) {
        pack_prove(m->pack, 1); /* few, and much hangs on each */
        rc = fetch_new(m->vault, NULL, &m->fetch, err);
    }
    if (rc == 0)
        rc = pool_get(p->map_pool, &m->mem);
    return rc;
}

static void mapper_free(struct mapper *m)
{
    if (!m)
        return;
    drop_pages(m);
    pool_put(m->p->map_pool, m->mem);
    fetch_free(m->fetch);
    pack_free(m->pack);
    vault_close(m->vault);
    buf_done(&m->raw);
    free(m);
}

/* One region, and those that wait behind it: pages of neighbours come in one GET. */
static int take_batch(struct mapper *m)
{
    void *item = NULL;
    int rc;

    do {
        rc = queue_pop(m->p->maps, 0, &item);
        if (rc < 0)
            return rc;
        m->regions[m->regions_n++] = item;
    } while (m->regions_n < BATCH_MAX && queue_len(m->p->maps) > 0);
    return 0;
}

static int map_all(struct mapper *m, struct err *err)
{
    int rc;

    while ((rc = take_batch(m)) == 0) {
        rc = map_batch(m, err);
        if (rc < 0)
            return rc;
    }
    return rc == -ENODATA ? flush(m, false, err) : rc;
}

int push_map(void *arg, size_t index, struct err *err)
{
    struct mapper *m = NULL;
    int rc = mapper_new(arg, &m, err);

    (void)index;
    if (rc == 0)
        rc = map_all(m, err);
    mapper_free(m);
    return rc < 0 ? push_fail(arg, rc, err) : 0;
}

/* Directories that nobody looked at are the head's. */
static int finish_dir(struct mapper *m, uint32_t dir, struct err *err)
{
    struct push *p = m->p;
    int rc;

    if (p->have_head && dir < p->head.dirs_n)
        p->next.dirs[dir] = p->head.dirs[dir];
    if (!p->dirs[dir] || !p->dirs_changed[dir])
        return 0;
    p->next.dirs[dir] = (struct point_dir){.zero = pagedir_is_zero(p->dirs[dir])};
    if (p->next.dirs[dir].zero)
        return 0;
    buf_clear(&m->raw);
    rc = pagedir_encode(p->dirs[dir], &m->raw, err);
    return rc < 0 ? rc : add(m, (struct push_ref){.index = dir}, err);
}

int push_map_finish(struct push *p, struct err *err)
{
    struct mapper *m = NULL;
    int rc = mapper_new(p, &m, err);

    for (uint32_t dir = 0; rc == 0 && dir < p->next.dirs_n; dir++)
        rc = finish_dir(m, dir, err);
    if (rc == 0)
        rc = flush(m, false, err);
    mapper_free(m);
    return rc;
}

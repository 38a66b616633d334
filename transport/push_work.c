/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second stage, one thread a core: digest the blocks of a job, find those that differ from the
 * head, and put them in units into a pack of this thread's own (compressed and sealed there).
 */
#include "transport/push.h"

#include "base/err.h"
#include "base/num.h"

#include "base/banned.h"

enum {
    JOB_BLOCKS = PUSH_JOB_BYTES / VOLUME_BLOCK,
    BLOCK_SECTORS = VOLUME_BLOCK / VOLUME_SECTOR,
    UNIT_BLOCKS = UNIT_DATA_MAX / VOLUME_BLOCK,
    LEVEL_SLOW_STORE = 3
};

struct work {
    struct push *p;
    struct vault *vault;
    struct pack *pack;
    struct push_parcel *parcel; /* the open one */
};

static int send_parcel(struct work *w, struct err *err)
{
    struct push_parcel *parcel = TAKE(w->parcel);
    int rc;

    if (!parcel)
        return 0;
    rc = pack_finish(w->pack, &parcel->body, parcel->name, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < parcel->n; i++)
        pack_unit(w->pack, i, &parcel->units[i]);
    rc = queue_push(w->p->full_parcels, parcel);
    return rc < 0 ? err_set(err, rc, "stopped") : 0;
}

static int open_parcel(struct work *w, struct err *err)
{
    void *item = NULL;
    int rc;

    if (w->parcel)
        return 0;
    rc = queue_pop(w->p->idle_parcels, 0, &item);
    if (rc < 0)
        return err_set(err, rc, "stopped");
    w->parcel = item;
    w->parcel->n = 0;
    return pack_begin(w->pack, w->parcel->mem, err);
}

/* Level 0 follows the bottleneck: packs that wait for the store leave time to compress more. */
static int level_now(const struct push *p)
{
    if (p->run->level != 0)
        return p->run->level;
    return queue_len(p->full_parcels) >= PUSH_STREAMS ? LEVEL_SLOW_STORE : CODEC_LEVEL_DEFAULT;
}

static int add_to_pack(struct work *w, const uint8_t *id, struct slice raw, struct err *err)
{
    int rc = open_parcel(w, err);

    if (rc == 0)
        rc = pack_add(w->pack, id, raw, level_now(w->p), err);
    if (rc != -ENOSPC)
        return rc;
    err_clear(err);
    rc = send_parcel(w, err);
    if (rc == 0)
        rc = open_parcel(w, err);
    return rc < 0 ? rc : pack_add(w->pack, id, raw, level_now(w->p), err);
}

/* A unit that the vault does not have yet. */
static int add_unit(struct work *w, struct push_region *r, const struct push_extent *e,
                    const uint8_t *id, struct slice raw, struct err *err)
{
    struct push_parcel *parcel;
    uint32_t index = 0;
    int rc = add_to_pack(w, id, raw, err);

    if (rc == 0)
        rc = push_region_add(w->p, r, e, true, &index, err);
    if (rc < 0)
        return rc;
    parcel = w->parcel;
    parcel->refs[parcel->n++] = (struct push_ref){.region = r, .index = index};
    if (parcel->n < PUSH_REFS_MAX && pack_len(w->pack) < w->p->pack_target)
        return 0;
    return send_parcel(w, err);
}

/* The id over whole sectors; leaves serve where the pieces are the blocks of the volume digest. */
static void id_of(const struct work *w, const struct push_job *j, uint32_t first, struct slice raw,
                  uint8_t *out)
{
    uint32_t block = j->first_block + first / BLOCK_SECTORS;
    size_t at = (size_t)first * VOLUME_SECTOR;

    if (first % BLOCK_SECTORS == 0 && raw.len % VOLUME_BLOCK == 0 && at + raw.len <= j->len)
        unit_id(w->vault, (uint32_t)raw.len, j->region->leaves + (size_t)block * DIGEST_LEN, out);
    else
        unit_id_of(w->vault, raw, out);
}

static struct slice sectors_of(const struct push_job *j, uint32_t first, uint32_t count)
{
    return slice_of(j->data + (size_t)first * VOLUME_SECTOR, (size_t)count * VOLUME_SECTOR);
}

static uint32_t job_sectors(const struct push_job *j)
{
    return (uint32_t)num_div_up(j->len, VOLUME_SECTOR);
}

/* Sectors [first, first + count) of the job differ: zero, known, or to be sent. */
static int emit(struct work *w, const struct push_job *j, uint32_t first, uint32_t count, bool zero,
                struct err *err)
{
    struct push_extent e = {
        .first = j->first_block * BLOCK_SECTORS + first, .count = count, .zero = zero};
    uint8_t id[UNIT_ID_LEN];
    int rc;

    if (zero)
        return push_region_add(w->p, j->region, &e, false, NULL, err);
    id_of(w, j, first, sectors_of(j, first, count), id);
    rc = ledger_find(w->p->ledger, id, count * VOLUME_SECTOR, push_check_pack, w->vault, &e.unit,
                     err);
    if (rc < 0)
        return rc;
    if (rc == 1)
        return push_region_add(w->p, j->region, &e, false, NULL, err);
    return add_unit(w, j->region, &e, id, sectors_of(j, first, count), err);
}

static const uint8_t *leaf_at(const uint8_t *leaves, const struct push_job *j, uint32_t block)
{
    return leaves + ((size_t)j->first_block + block) * DIGEST_LEN;
}

static bool block_is_zero(const struct push_job *j, uint32_t block)
{
    size_t at = (size_t)block * VOLUME_BLOCK;
    size_t len = num_min(VOLUME_BLOCK, j->len - at);

    if (j->hole || len < VOLUME_BLOCK)
        return j->hole || digest_is_zero(slice_of(j->data + at, len));
    return memcmp(leaf_at(j->region->leaves, j, block), digest_zero_leaf(), DIGEST_LEN) == 0;
}

static void digest_blocks(const struct push_job *j)
{
    uint8_t *leaves = j->region->leaves + (size_t)j->first_block * DIGEST_LEN;

    for (uint32_t b = 0; b < j->blocks; b++) {
        size_t at = (size_t)b * VOLUME_BLOCK;

        if (j->hole)
            memcpy(leaves + (size_t)b * DIGEST_LEN, digest_zero_leaf(), DIGEST_LEN);
        else
            digest_leaf(slice_of(j->data + at, num_min(VOLUME_BLOCK, j->len - at)),
                        leaves + (size_t)b * DIGEST_LEN);
    }
}

static int head_page(struct work *w, struct push_region *r, struct err *err)
{
    int rc = 0;

    pthread_mutex_lock(&r->page_lock);
    if (!r->page && r->has_page) {
        rc = page_fetch(w->vault, &r->page_unit, r->index, r->head_sectors, &r->page, err);
        if (rc == 0)
            rc = page_resize(r->page, r->sectors, err);
    }
    pthread_mutex_unlock(&r->page_lock);
    return rc;
}

/* Does the head hold just these bytes? x is an extent of it, first its place in the job. */
static bool extent_holds(struct work *w, const struct push_job *j, uint32_t first,
                         const struct page_extent *x)
{
    uint8_t id[UNIT_ID_LEN];

    if (x->zero)
        return j->hole || digest_is_zero(sectors_of(j, first, x->count));
    /* A part of a unit cannot be told without fetching it: then the block is sent again. */
    if (j->hole || x->unit_first != 0 || x->unit.raw_len != x->count * VOLUME_SECTOR)
        return false;
    id_of(w, j, first, sectors_of(j, first, x->count), id);
    return memcmp(id, x->unit.id, UNIT_ID_LEN) == 0;
}

static void mark(uint64_t *bits, uint32_t first, uint32_t last)
{
    for (uint32_t i = first; i <= last; i++)
        bits[i / 64] |= UINT64_C(1) << i % 64;
}

/* Without a table: which blocks differ from what the head's page says, unit by unit. */
static void compare_with_page(struct work *w, const struct push_job *j, uint64_t *changed)
{
    const uint32_t start = j->first_block * BLOCK_SECTORS;
    const uint32_t end = start + job_sectors(j);
    struct page_extent x;

    for (uint32_t s = start; s < end && page_extent(j->region->page, s, &x); s += x.count) {
        if (x.zero)
            x.count = (uint32_t)num_min(x.count, end - s);
        if (x.first + x.count > end || !extent_holds(w, j, s - start, &x))
            mark(changed, s / BLOCK_SECTORS,
                 (uint32_t)num_min(s + x.count - 1, end - 1) / BLOCK_SECTORS);
    }
}

static int find_changed(struct work *w, const struct push_job *j, uint64_t *changed,
                        struct err *err)
{
    struct push_region *r = j->region;
    int rc;

    if (!r->known && r->has_page) {
        rc = head_page(w, r, err);
        if (rc == 0)
            compare_with_page(w, j, changed);
        return rc;
    }
    for (uint32_t b = 0; b < j->blocks; b++) {
        bool same = r->known
                        ? memcmp(leaf_at(r->old, j, b), leaf_at(r->leaves, j, b), DIGEST_LEN) == 0
                        : block_is_zero(j, b);
        if (!same)
            mark(changed, j->first_block + b, j->first_block + b);
    }
    return 0;
}

static bool has_bit(const uint64_t *bits, uint32_t i)
{
    return bits[i / 64] >> i % 64 & 1;
}

/* Adjacent changed blocks of one sort; units do not cross borders of their greatest length, so
 * that the same data at the same place gives the same unit. */
static uint32_t run_from(const struct push_job *j, const uint64_t *changed, uint32_t first)
{
    bool zero = block_is_zero(j, first);
    uint32_t b = first + 1;

    while (b < j->blocks && has_bit(changed, j->first_block + b) && block_is_zero(j, b) == zero &&
           (zero || (j->first_block + b) % UNIT_BLOCKS != 0))
        b++;
    return b - first;
}

static int emit_changed(struct work *w, const struct push_job *j, const uint64_t *changed,
                        uint64_t *ret_bytes, struct err *err)
{
    uint32_t sectors = job_sectors(j);
    uint32_t run;
    int rc = 0;

    for (uint32_t b = 0; rc == 0 && b < j->blocks; b += run) {
        uint32_t first = b * BLOCK_SECTORS;
        uint32_t count;

        run = 1;
        if (!has_bit(changed, j->first_block + b))
            continue;
        run = run_from(j, changed, b);
        count = (uint32_t)num_min(run * BLOCK_SECTORS, sectors - first);
        rc = emit(w, j, first, count, block_is_zero(j, b), err);
        *ret_bytes += num_min((uint64_t)run * VOLUME_BLOCK, j->len - (uint64_t)b * VOLUME_BLOCK);
    }
    return rc;
}

static void account(struct push *p, const struct push_job *j, const uint64_t *changed,
                    uint64_t bytes)
{
    struct replica_progress *progress = p->run->progress;

    pthread_mutex_lock(&p->lock);
    p->changed_bytes += bytes;
    for (size_t i = 0; i < TABLE_WORDS; i++)
        j->region->changed[i] |= changed[i];
    pthread_mutex_unlock(&p->lock);
    if (!progress)
        return;
    progress->done_bytes += j->len;
    progress->changed_bytes += bytes;
}

static int do_job(struct work *w, struct push_job *j, struct err *err)
{
    struct push_region *r = j->region;
    uint64_t changed[TABLE_WORDS] = {0};
    uint64_t bytes = 0;
    int rc;

    digest_blocks(j);
    rc = find_changed(w, j, changed, err);
    if (rc == 0)
        rc = emit_changed(w, j, changed, &bytes, err);
    if (rc < 0)
        return rc;
    account(w->p, j, changed, bytes);
    rc = queue_push(w->p->idle_jobs, j);
    if (rc < 0)
        return err_set(err, rc, "stopped");
    return push_region_close(w->p, r, err);
}

static int do_jobs(struct work *w, struct err *err)
{
    void *item = NULL;
    int rc = vault_dup(w->p->run->vault, &w->vault, err);

    if (rc == 0)
        rc = pack_new(w->vault, UNIT_DATA, &w->pack, err);
    while (rc == 0) {
        rc = queue_pop(w->p->full_jobs, 0, &item);
        if (rc == 0)
            rc = do_job(w, item, err);
        else if (rc == -ENODATA)
            return send_parcel(w, err);
    }
    return rc;
}

int push_work(void *arg, size_t index, struct err *err)
{
    struct work w = {.p = arg};
    int rc = do_jobs(&w, err);

    (void)index;
    pack_free(w.pack);
    vault_close(w.vault);
    return rc < 0 ? push_fail(w.p, rc, err) : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second stage, one thread a core: what differs from the head goes in units into a pack of this
 * thread's own, compressed and sealed there. A thread that finds next to nothing in the whole pass
 * leaves it to the one that ends last, so that a small change is one pack and not one a core.
 */
#include "transport/push_diff.h"

#include "base/num.h"

#include "base/banned.h"

enum { PROVE_ONE_IN = 32 }; /* units; costs half a percent, see docs/decisions.md */

struct work {
    struct push_tools tools;
    struct pack *pack;
    struct push_parcel *parcel; /* the open one */
    struct store_spent seen;    /* by vault */
    uint64_t held_ms;           /* until a parcel was free, in all */
    struct push_few *few;       /* what was found so far, while it is next to nothing; or NULL */
    bool many;                  /* it was more */
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
    push_level_follow(w->tools.push);
    rc = queue_push(w->tools.push->full_parcels, parcel);
    return rc < 0 ? err_set(err, rc, "stopped") : 0;
}

static int open_parcel(struct work *w, struct err *err)
{
    void *item = NULL;
    uint64_t begun_ms;
    int rc;

    if (w->parcel)
        return 0;
    begun_ms = push_mono_ms(w->tools.push);
    rc = queue_pop(w->tools.push->idle_parcels, 0, &item);
    w->held_ms += push_mono_ms(w->tools.push) - begun_ms;
    if (rc < 0)
        return err_set(err, rc, "stopped");
    w->parcel = item;
    w->parcel->n = 0;
    return pack_begin(w->pack, w->parcel->mem, err);
}

static int add_to_pack(struct work *w, const uint8_t *id, struct slice raw, struct err *err)
{
    int rc = open_parcel(w, err);

    if (rc == 0)
        rc = pack_add(w->pack, id, raw, push_level(w->tools.push), err);
    if (rc != -ENOSPC)
        return rc;
    err_clear(err);
    rc = send_parcel(w, err);
    if (rc == 0)
        rc = open_parcel(w, err);
    return rc < 0 ? rc : pack_add(w->pack, id, raw, push_level(w->tools.push), err);
}

static int pack_unit_of(struct work *w, const struct push_unit *u, struct slice raw,
                        struct err *err)
{
    struct push_parcel *parcel;
    int rc = add_to_pack(w, u->id, raw, err);

    if (rc < 0)
        return rc;
    parcel = w->parcel;
    parcel->refs[parcel->n++] = u->ref;
    if (parcel->n < PUSH_REFS_MAX && pack_len(w->pack) < w->tools.push->pack_target)
        return 0;
    return send_parcel(w, err);
}

static int pack_few(struct work *w, const struct push_few *few, struct err *err)
{
    const uint8_t *at = few->raw;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < few->n; at += few->units[i++].len)
        rc = pack_unit_of(w, &few->units[i], slice_of(at, few->units[i].len), err);
    return rc;
}

/* 1: kept for later; 0: there is too much. */
static int keep_few(struct work *w, const struct push_unit *u, struct slice raw, struct err *err)
{
    struct push_few *few = w->few;

    if (w->many)
        return 0;
    if (!few)
        few = w->few = calloc(1, sizeof(*few));
    if (!few)
        return err_set(err, -ENOMEM, "push: %m");
    if (few->n == ARRAY_LEN(few->units) || raw.len > sizeof(few->raw) - few->len)
        return 0;
    memcpy(few->raw + few->len, raw.data, raw.len);
    few->len += raw.len;
    few->units[few->n++] = *u;
    return 1;
}

/* A unit that the vault does not have yet. */
static int add_unit(struct work *w, struct push_region *r, const struct push_extent *e,
                    const uint8_t *id, struct slice raw, struct err *err)
{
    struct push_unit u = {.ref = {.region = r}, .len = (uint32_t)raw.len};
    auto_free struct push_few *few = NULL;
    int rc = push_region_add(w->tools.push, r, e, true, &u.ref.index, err);

    memcpy(u.id, id, sizeof(u.id));
    if (rc == 0)
        rc = keep_few(w, &u, raw, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    w->many = true;
    few = TAKE(w->few);
    rc = few ? pack_few(w, few, err) : 0;
    return rc < 0 ? rc : pack_unit_of(w, &u, raw, err);
}

/* Sectors [first, first + count) of the job: zero, known, or to be sent. */
static int emit(struct work *w, const struct push_job *j, uint32_t first, uint32_t count, bool zero,
                struct err *err)
{
    struct push_extent e = {
        .first = j->first_block * TAGS_A_BLOCK + first, .count = count, .zero = zero};
    uint8_t id[UNIT_ID_LEN];
    int rc;

    if (zero)
        return push_region_add(w->tools.push, j->region, &e, false, NULL, err);
    push_diff_id(&w->tools, j, first, count, id);
    rc = push_region_made(w->tools.push, w->tools.vault, j->region, &e, id, &e.unit, err);
    if (rc == 0)
        rc = ledger_find(w->tools.push->ledger, id, count * VOLUME_SECTOR,
                         w->tools.push->run->repair ? push_repair_check : push_check_pack,
                         w->tools.vault, &e.unit, err);
    if (rc < 0)
        return rc;
    if (rc == 1)
        return push_region_add(w->tools.push, j->region, &e, false, NULL, err);
    return add_unit(w, j->region, &e, id, push_diff_data(j, first, count), err);
}

/* Adjacent sectors of one sort; units do not cross borders of their greatest length, so that the
 * same data at the same place gives the same unit. */
static uint32_t run_from(const struct push_job *j, const struct push_diff *d, uint32_t first)
{
    const uint32_t start = j->first_block * TAGS_A_BLOCK;
    const uint32_t end = push_diff_sectors(j);
    bool zero = push_diff_has(d->zero, first);
    uint32_t s = first + 1;

    while (s < end && push_diff_has(d->sectors, s) && push_diff_has(d->zero, s) == zero &&
           (zero || (start + s) % UNIT_SECTORS_MAX != 0))
        s++;
    return s - first;
}

/* Raw bytes of the volume that a job sends. */
struct sent {
    uint64_t changed;
    uint64_t again;
};

static void count_run(const struct push_job *j, const struct push_diff *d, uint32_t first,
                      uint32_t count, struct sent *sent)
{
    for (uint32_t s = first; s < first + count; s++) {
        uint64_t bytes = num_min(VOLUME_SECTOR, j->len - (uint64_t)s * VOLUME_SECTOR);

        *(push_diff_has(d->again, s) ? &sent->again : &sent->changed) += bytes;
    }
}

static int emit_all(struct work *w, const struct push_job *j, const struct push_diff *d,
                    struct sent *sent, struct err *err)
{
    uint32_t run;
    int rc = 0;

    for (uint32_t s = 0; rc == 0 && s < push_diff_sectors(j); s += run) {
        run = 1;
        if (!push_diff_has(d->sectors, s))
            continue;
        run = run_from(j, d, s);
        rc = emit(w, j, s, run, push_diff_has(d->zero, s), err);
        count_run(j, d, s, run, sent);
    }
    return rc;
}

static void account(struct push *p, const struct push_job *j, const struct push_diff *d,
                    const struct sent *sent)
{
    struct replica_progress *progress = p->run->progress;

    pthread_mutex_lock(&p->lock);
    p->changed_bytes += sent->changed;
    p->gather.again_bytes += sent->again;
    for (size_t i = 0; i < TABLE_WORDS; i++)
        j->region->changed[i] |= d->blocks[i];
    pthread_mutex_unlock(&p->lock);
    if (!progress)
        return;
    progress->done_bytes += j->len;
    progress->changed_bytes += sent->changed;
    progress->compacted_bytes += sent->again;
}

static int do_job(struct work *w, struct push_job *j, struct err *err)
{
    struct push *p = w->tools.push;
    struct push_region *r = j->region;
    struct push_diff d;
    struct sent sent = {0};
    int rc = push_diff(&w->tools, j, &d, err);

    if (rc == 0)
        rc = emit_all(w, j, &d, &sent, err);
    if (rc < 0)
        return rc;
    account(p, j, &d, &sent);
    rc = queue_push(p->idle_jobs, j);
    if (rc < 0)
        return err_set(err, rc, "stopped");
    return push_region_close(p, r, err);
}

static int open_tools(struct work *w, struct err *err)
{
    struct push_tools *t = &w->tools;
    int rc = vault_dup(t->push->run->vault, &t->vault, err);

    if (rc == 0)
        rc = tags_new(table_tag_key(t->push->table), &t->tags, err);
    if (rc == 0)
        rc = pack_new(t->vault, UNIT_DATA, &w->pack, err);
    if (rc == 0)
        pack_prove(w->pack, t->push->run->paranoid ? 1 : PROVE_ONE_IN);
    return rc;
}

/* What all threads left, for the last one to end; NULL for the others. */
static struct push_few *end_few(struct work *w)
{
    struct push *p = w->tools.push;
    struct push_few *mine = TAKE(w->few);
    struct push_few *all = NULL;

    pthread_mutex_lock(&p->lock);
    if (mine) {
        mine->next = p->few;
        p->few = mine;
    }
    if (--p->working == 0)
        all = TAKE(p->few);
    pthread_mutex_unlock(&p->lock);
    return all;
}

void push_few_free(struct push_few *few)
{
    while (few) {
        struct push_few *next = few->next;

        free(few);
        few = next;
    }
}

static int end_jobs(struct work *w, struct err *err)
{
    struct push_few *all = end_few(w);
    int rc = 0;

    for (struct push_few *few = all; rc == 0 && few; few = few->next)
        rc = pack_few(w, few, err);
    push_few_free(all);
    return rc < 0 ? rc : send_parcel(w, err);
}

/* A job, or NULL: the end of them. What it takes is work but for waiting for parcels. */
static int timed(struct work *w, struct push_job *j, struct err *err)
{
    struct push *p = w->tools.push;
    uint64_t begun_ms = push_mono_ms(p), held_ms = w->held_ms;
    int rc = j ? do_job(w, j, err) : end_jobs(w, err);

    held_ms = w->held_ms - held_ms;
    p->spent->work_held_ms += held_ms;
    p->spent->work_ms += push_mono_ms(p) - begun_ms - held_ms;
    spent_note(&p->spent->work, vault_store(w->tools.vault), &w->seen);
    return rc;
}

static int do_jobs(struct work *w, struct err *err)
{
    void *item = NULL;
    int rc = open_tools(w, err);

    while (rc == 0) {
        rc = queue_pop(w->tools.push->full_jobs, 0, &item);
        if (rc == 0)
            rc = timed(w, item, err);
        else if (rc == -ENODATA)
            return timed(w, NULL, err);
    }
    return rc;
}

int push_work(void *arg, size_t index, struct err *err)
{
    struct work w = {.tools = {.push = arg}};
    int rc = do_jobs(&w, err);

    (void)index;
    if (w.pack && w.tools.push->run->progress)
        w.tools.push->run->progress->repacked += pack_repacked(w.pack);
    free(w.few);
    pack_free(w.pack);
    tags_free(w.tools.tags);
    vault_close(w.tools.vault);
    return rc < 0 ? push_fail(arg, rc, err) : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping the newest point sequential to read: sectors that lie scattered over many packs are sent
 * again, from the volume as it is now, beside what changed.
 *
 * The page of every region that a pass writes is measured (gather.h), and what of it is cheap to
 * bring together is remembered in the state directory, with a credit: a share of what the pass
 * sent for changes. The next pass that finds a change spends it. Nothing depends on the plan being
 * right: current bytes are right for any sector. docs/vault-care.md has the numbers.
 */
#include "transport/push.h"

#include "base/num.h"
#include "transport/fetch.h"
#include "transport/page_many.h"
#include "transport/walk.h"

#include "base/banned.h"

enum {
    PERCENT_DEFAULT = 10,
    MAP_PERCENT = 3, /* of what changes sent, which is 1.01 of 4 KiB sectors: 1.15 in all */
    SLACK_LEAST = 8, /* packs end somewhere */
    CREDIT_MAX_BYTES = 1 << 30, /* after a great change, that much at most is spent on small ones */
    WALKERS = 4,
    BATCH = 8 /* pages that each of them has in memory */
};

/* A region that one push has written may lie in two packs of each worker. */
static uint32_t slack(const struct push *p)
{
    return (uint32_t)(SLACK_LEAST + 2 * p->workers_n);
}

/* ---- all at once ------------------------------------------------------------------- */

struct self {
    struct push *push;
    struct vault *vault;
    struct fetch *fetch;
    struct page_want wants[BATCH];
};

static int open_self(void *arg, struct vault *v, void **ret_self, struct err *err)
{
    struct self *s = calloc(1, sizeof(*s));

    if (!s)
        return err_set(err, -ENOMEM, "look at map pages: %m");
    s->push = arg;
    s->vault = v;
    *ret_self = s;
    return fetch_new(v, s->push->run->progress, &s->fetch, err);
}

static void close_self(void *arg)
{
    struct self *s = arg;

    fetch_free(s->fetch);
    free(s);
}

static int add_whole(struct push *p, uint32_t region, uint32_t sectors, struct err *err)
{
    struct gather_run run = {.region = region, .count = (uint16_t)sectors};
    struct gather one = {.runs = &run, .runs_n = 1};
    struct gather_group group = {.region = region, .runs_n = 1};
    bool added;
    int rc;

    pthread_mutex_lock(&p->lock);
    rc = gather_add(&p->gather.old, &one, &group, &added, err);
    pthread_mutex_unlock(&p->lock);
    return rc;
}

/* Many small GETs, or much in them that nobody asked for. */
static int look_at(struct push *p, const struct page_want *w, struct err *err)
{
    struct gather_cost c = {0};
    int rc =
        w->rc < 0 ? page_want_failed(w, err) : gather_page(NULL, w->page, w->region, 0, &c, err);

    if (rc < 0 || (!gather_is_scattered(&c, slack(p)) && c.bytes <= c.useful + c.useful / 4))
        return rc;
    return add_whole(p, w->region, w->sectors, err);
}

static int look(void *arg, const struct walk_batch *b, struct err *err)
{
    struct self *s = arg;
    const struct push *p = s->push;
    size_t n = 0;
    int rc;

    for (size_t i = 0; i < b->n; i++) {
        const struct walk_region *r = &b->regions[i];
        uint32_t sectors = point_sectors_of(p->head.info.size_bytes, r->region);

        if (r->page.some && point_sectors_of(p->size_bytes, r->region) >= sectors)
            s->wants[n++] =
                (struct page_want){.unit = r->page.unit, .region = r->region, .sectors = sectors};
    }
    rc = page_many_fetch(s->vault, s->fetch, s->wants, n, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = look_at(s->push, &s->wants[i], err);
    page_many_free(s->wants, n);
    return rc;
}

static int plan_all(struct push *p, struct err *err)
{
    struct walk w = {.vault = p->run->vault,
                     .point = &p->head,
                     .batch = BATCH,
                     .threads = WALKERS,
                     .stop = p->run->stop,
                     .arg = p,
                     .open = open_self,
                     .batch_fn = look,
                     .close = close_self};
    int rc = p->have_head ? walk_run(&w, err) : 0;

    if (rc == 0)
        rc = gather_choose(&p->gather.old, UINT64_MAX, &p->gather.runs, &p->gather.runs_n, err);
    gather_done(&p->gather.old);
    return rc;
}

/* ---- the steps of a pass -------------------------------------------------------------- */

int push_gather_begin(struct push *p, struct err *err)
{
    struct push_gather *g = &p->gather;
    size_t regions = (size_t)num_div_up(p->size_bytes, VOLUME_REGION);
    int rc;

    if (p->run->compact == REPLICA_COMPACT_NONE || p->run->repair)
        return 0;
    g->all = p->run->compact == REPLICA_COMPACT_ALL;
    g->percent = p->run->compact > 0 ? (unsigned)p->run->compact : PERCENT_DEFAULT;
    g->measured = calloc(regions / 8 + 1, 1);
    if (!g->measured)
        return err_set(err, -ENOMEM, "push: %m");
    g->on = true;
    if (g->all)
        return plan_all(p, err);
    rc = gather_load(p->run->state_dir, p->size_bytes, &g->old, &g->credit, err);
    return rc < 0 ? rc
                  : gather_choose(&g->old, g->credit < 0 ? 0 : (uint64_t)g->credit, &g->runs,
                                  &g->runs_n, err);
}

void push_gather_done(struct push *p)
{
    gather_done(&p->gather.old);
    gather_done(&p->gather.fresh);
    free(p->gather.measured);
    free(p->gather.runs);
}

bool push_gather_next(const struct push *p, uint64_t from, uint64_t *ret_offset, uint64_t *ret_len)
{
    const struct push_gather *g = &p->gather;
    size_t i = gather_find(g->runs, g->runs_n, (uint32_t)(from / VOLUME_REGION),
                           (uint32_t)(from % VOLUME_REGION / VOLUME_SECTOR));

    if (i == g->runs_n || from >= p->size_bytes)
        return false;
    *ret_offset =
        (uint64_t)g->runs[i].region * VOLUME_REGION + (uint64_t)g->runs[i].first * VOLUME_SECTOR;
    *ret_len = (uint64_t)g->runs[i].count * VOLUME_SECTOR;
    return true;
}

void push_gather_moved(struct push *p)
{
    atomic_store(&p->gather.moved, true);
}

/* What is spent is a share of changes, so a pass that meets none makes no point of it. */
void push_gather_job(const struct push *p, const struct push_job *j, uint64_t *bits)
{
    const struct push_gather *g = &p->gather;
    const uint32_t start = j->first_block * TAGS_A_BLOCK;
    const uint32_t end = start + (uint32_t)num_div_up(j->len, VOLUME_SECTOR);

    if (g->runs_n == 0 || (!g->all && !atomic_load(&g->moved)))
        return;
    for (size_t i = gather_find(g->runs, g->runs_n, j->region->index, start);
         i < g->runs_n && g->runs[i].region == j->region->index && g->runs[i].first < end; i++) {
        uint32_t to = (uint32_t)num_min((uint64_t)g->runs[i].first + g->runs[i].count, end);

        for (uint32_t s = (uint32_t)num_max(g->runs[i].first, start); s < to; s++)
            bits[(s - start) / 64] |= UINT64_C(1) << (s - start) % 64;
    }
}

int push_gather_page(struct push *p, uint32_t region, const struct page *page, struct err *err)
{
    struct push_gather *g = &p->gather;
    struct gather_cost cost;

    if (!g->on)
        return 0;
    g->measured[region / 8] |= (uint8_t)(1U << region % 8);
    if (g->fresh.groups_n == GATHER_GROUPS_MAX || g->fresh.runs_n == GATHER_RUNS_MAX)
        return 0;
    return page ? gather_page(&g->fresh, page, region, slack(p), &cost, err) : 0;
}

/* Of the cheapest groups as many as there is room for; of what was planned before, those of regions
 * that this pass did not write. */
static int merge(struct push_gather *g, struct gather *ret, struct err *err)
{
    struct gather *sources[] = {&g->fresh, &g->old};
    bool added = false;
    int rc = 0;

    for (size_t k = 0; k < ARRAY_LEN(sources); k++) {
        const struct gather *from = sources[k];

        gather_by_cost(sources[k]);
        for (size_t i = 0; rc == 0 && i < from->groups_n; i++) {
            uint32_t region = from->groups[i].region;

            if (from == &g->old && (g->measured[region / 8] >> region % 8 & 1))
                continue;
            rc = gather_add(ret, from, &from->groups[i], &added, err);
        }
    }
    return rc;
}

/*
 * What changes sent earns its share, as long as compaction and map together stay within that and
 * MAP_PERCENT more: with thousands of extents in a region the map alone takes a tenth, most of it
 * in each ninth pass, which therefore leaves a debt. Data is split as its raw bytes are, into what
 * changed and what was sent again.
 */
static int64_t credit_after(const struct push *p)
{
    const struct push_gather *g = &p->gather;
    double raw = (double)p->changed_bytes + (double)g->again_bytes;
    double map = (double)p->map_bytes;
    double data = (double)p->stored_bytes - map;
    double again = raw > 0 ? data * (double)g->again_bytes / raw : 0;
    double changed = raw > 0 ? data - again : 0;
    double share = changed * g->percent / 100;
    double left = changed * (g->percent + MAP_PERCENT) / 100 - map;
    double credit = (double)g->credit;

    if (!g->all)
        credit -= again;
    if (p->have_head && !g->all) /* a seed is no change: else it would pay for years */
        credit += left < share ? left : share;
    if (credit > CREDIT_MAX_BYTES)
        return CREDIT_MAX_BYTES;
    return credit < -CREDIT_MAX_BYTES ? -CREDIT_MAX_BYTES : (int64_t)credit;
}

/* A failure costs the plan, not a pass whose point stands: what was there before is as good a hint.
 */
void push_gather_end(struct push *p)
{
    struct gather next = {0};

    if (!p->gather.on || p->changed_bytes + p->gather.again_bytes == 0)
        return;
    if (merge(&p->gather, &next, NULL) == 0)
        (void)gather_save(p->run->state_dir, p->size_bytes, &next, credit_after(p), NULL);
    gather_done(&next);
}

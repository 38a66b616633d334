/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading around what cannot be read: tried again after a wait, then cut in halves down to the
 * device's sectors, so that only what is really unreadable is lost. There the point keeps what the
 * head has, or zeroes, and says so.
 *
 * All of it in the reader's thread. A disk that fails as a whole must not be tried sector by
 * sector for days, so the time for all that is bounded.
 */
#include "transport/push.h"

#include "base/gw.h"
#include "base/num.h"
#include "transport/vault_impl.h"

#include <assert.h>
#include <inttypes.h>

#include "base/banned.h"

enum {
    TRIES = 3,
    WAIT_MS = 50,          /* before the second try, doubled before the next */
    SPLIT_MS = 300 * 1000, /* of a pass: later, blocks are not cut any more */
    KNOWN_MS = 10 * 1000,  /* of a pass, for what could not be read in the last one either */
    BYTES_MAX = 1 << 30,   /* of a pass: more is a volume that is not there */
    PARTS_MAX = 64         /* halves of halves of a job, down to a sector, and borders */
};

/* A part of a job. */
struct part {
    uint64_t offset;
    uint8_t *data;
    size_t len;
};

void push_gaps_done(struct push *p)
{
    gaps_done(&p->gaps.again);
    page_free(TAKE(p->gaps.page));
    free(TAKE(p->gaps.raw));
}

int push_gaps_begin(struct push *p, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->head.gaps.n; i++)
        rc = push_gaps_want(p, p->head.gaps.list[i].offset, p->head.gaps.list[i].len, err);
    return rc;
}

int push_gaps_want(struct push *p, uint64_t offset, uint64_t len, struct err *err)
{
    uint64_t end = num_min(offset + len, p->size_bytes);

    return offset < end ? gaps_add(&p->gaps.again, offset, end - offset, err) : 0;
}

static uint64_t now_ms(const struct push *p)
{
    return clock_mono_ms(vault_clock(p->run->vault));
}

static bool stopped(const struct push *p)
{
    return p->run->stop && atomic_load(p->run->stop);
}

/* ---- what the head has there ------------------------------------------------------------------
 */

static int page_of(struct push *p, const struct push_region *r, struct err *err)
{
    struct push_gaps *g = &p->gaps;
    int rc;

    if (g->page && g->region == r->index)
        return 0;
    page_free(TAKE(g->page));
    rc = page_fetch(p->run->vault, &r->page_unit, r->index, r->head_sectors, &g->page, err);
    g->region = r->index;
    return rc;
}

static int unit_of(struct push *p, const struct unit *u, struct err *err)
{
    struct push_gaps *g = &p->gaps;
    int rc;

    if (!g->raw)
        g->raw = malloc(UNIT_DATA_MAX);
    if (!g->raw)
        return err_set(err, -ENOMEM, "read a unit of the head: %m");
    if (g->raw_known && unit_same(&g->unit, u))
        return 0;
    rc = unit_fetch(p->run->vault, u, g->raw, err);
    g->unit = *u;
    g->raw_known = rc == 0;
    return rc;
}

/* From one sector of a region of the head into all of part, which lies in that sector. */
static int old_sector(struct push *p, const struct push_region *r, const struct part *part,
                      struct err *err)
{
    uint32_t sector = (uint32_t)(part->offset % VOLUME_REGION / VOLUME_SECTOR);
    size_t skip = part->offset % VOLUME_SECTOR;
    struct page_extent x;
    int rc;

    memset(part->data, 0, part->len);
    if (!r->has_page || sector >= r->head_sectors)
        return 0;
    rc = page_of(p, r, err);
    if (rc < 0 || !page_extent(p->gaps.page, sector, &x) || x.zero)
        return rc;
    rc = unit_of(p, &x.unit, err);
    if (rc == 0)
        memcpy(part->data, p->gaps.raw + (size_t)x.unit_first * VOLUME_SECTOR + skip, part->len);
    return rc;
}

static int old_data(struct push *p, const struct push_region *r, const struct part *part,
                    struct err *err)
{
    int rc = 0;

    for (size_t at = 0, len; rc == 0 && at < part->len; at += len) {
        size_t left = VOLUME_SECTOR - (part->offset + at) % VOLUME_SECTOR;

        len = num_min(left, part->len - at);
        rc = old_sector(p, r, &(struct part){part->offset + at, part->data + at, len}, err);
        /* A repair is for just that: the head may have lost it, too. */
        if (p->run->repair && (rc == -ENOENT || rc == -EBADMSG)) {
            err_clear(err);
            rc = 0;
        }
    }
    return rc;
}

/* ---- the volume -------------------------------------------------------------------------------
 */

static int give_up(struct push *p, const struct push_region *r, const struct part *part,
                   struct err *err)
{
    int rc = volume_check(p->volume, err);

    if (rc == 0)
        rc = gaps_add(&p->next.gaps, part->offset, part->len, err);
    if (rc == -E2BIG || gaps_bytes(&p->next.gaps) > BYTES_MAX)
        return err_set_gw(err, GW_VOLUME_UNREADABLE, -EIO,
                          "'%s' cannot be read at %zu places up to byte %" PRIu64
                          ": that is more than a few bad sectors",
                          volume_path(p->volume), p->next.gaps.n, part->offset + part->len);
    return rc < 0 ? rc : old_data(p, r, part, err);
}

/* The gap of the head that part touches. */
static bool is_known(const struct push *p, const struct part *part, struct replica_range *ret)
{
    return gaps_next(&p->head.gaps, part->offset, ret) && ret->offset < part->offset + part->len;
}

/* At a border of what could not be read in the last pass either: 0 there is none in it. */
static size_t known_border(const struct push *p, const struct part *part)
{
    struct replica_range known;

    if (!is_known(p, part, &known))
        return 0;
    if (known.offset > part->offset)
        return (size_t)(known.offset - part->offset);
    if (known.offset + known.len < part->offset + part->len)
        return (size_t)(known.offset + known.len - part->offset);
    return 0;
}

static int read_part(struct push *p, const struct part *part, struct err *err)
{
    uint64_t begun = now_ms(p);
    int rc;

    err_clear(err);
    rc = volume_read(p->volume, part->offset, part->data, part->len, err);
    if (rc == -EIO)
        p->gaps.spent_ms += now_ms(p) - begun;
    return rc;
}

static int attempt(struct push *p, const struct part *part, unsigned tries, struct err *err)
{
    struct replica_range known;
    int rc = -EIO;

    if (is_known(p, part, &known))
        return p->gaps.spent_ms > KNOWN_MS ? -EIO : read_part(p, part, err);
    for (unsigned i = 0; rc == -EIO && i < tries && !stopped(p); i++) {
        if (i > 0)
            clock_sleep_ms(vault_clock(p->run->vault), (uint64_t)WAIT_MS << (i - 1));
        rc = read_part(p, part, err);
    }
    return rc;
}

static bool may_split(const struct push *p, const struct part *part)
{
    size_t least = p->gaps.spent_ms < SPLIT_MS ? volume_sector(p->volume) : VOLUME_BLOCK;

    return part->len > least;
}

static size_t half(const struct push *p, const struct part *part)
{
    uint32_t sector = volume_sector(p->volume);

    return (size_t)num_div_up(num_div_up(part->len, sector), 2) * sector;
}

/* Parts of parts, the foremost on top. */
struct parts {
    struct part at[PARTS_MAX];
    size_t n;
};

static void cut(struct parts *parts, const struct part *part, size_t len)
{
    assert(parts->n + 2 <= PARTS_MAX && len > 0 && len < part->len);
    parts->at[parts->n++] = (struct part){part->offset + len, part->data + len, part->len - len};
    parts->at[parts->n++] = (struct part){part->offset, part->data, len};
}

static int salvage(struct push *p, const struct push_region *r, const struct part *all,
                   struct err *err)
{
    struct parts parts = {.at = {*all}, .n = 1};
    int rc = 0;

    while (rc == 0 && parts.n > 0) {
        struct part part = parts.at[--parts.n];
        size_t border = known_border(p, &part);

        if (stopped(p))
            return err_set(err, -ECANCELED, "stopped");
        if (border > 0) {
            cut(&parts, &part, border);
            continue;
        }
        rc = attempt(p, &part, part.len == all->len ? TRIES : 1, err);
        if (rc != -EIO)
            continue;
        err_clear(err);
        rc = 0;
        if (may_split(p, &part))
            cut(&parts, &part, half(p, &part));
        else
            rc = give_up(p, r, &part, err);
    }
    return rc;
}

bool push_gaps_known(const struct push *p, uint64_t offset, uint64_t len)
{
    struct replica_range known;

    return gaps_next(&p->head.gaps, offset, &known) && known.offset < offset + len;
}

int push_gaps_read(struct push *p, struct push_job *j, struct err *err)
{
    const struct push_region *r = j->region;
    uint64_t offset = (uint64_t)r->index * VOLUME_REGION + (uint64_t)j->first_block * VOLUME_BLOCK;
    int rc;

    err_clear(err);
    rc = push_check_source(p, err);
    return rc < 0 ? rc : salvage(p, r, &(struct part){offset, j->data, j->len}, err);
}

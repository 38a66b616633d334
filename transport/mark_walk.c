/* SPDX-License-Identifier: Apache-2.0 */
/* From points over directories and pages, and what these rest on, to packs. */
#include "transport/mark.h"

#include "base/err.h"
#include "base/num.h"
#include "base/worker.h"
#include "transport/fetch.h"
#include "transport/page_many.h"
#include "transport/pagedir.h"
#include "transport/walk.h"

#include <stdlib.h>

#include "base/banned.h"

enum { THREADS_MIN = 4, THREADS_MAX = 8, BATCH = 8 };

/* One point, with the one before it: what both share was marked already. */
struct step {
    struct mark *m;
    const struct mark_replica *replica;
    int owner;
    const struct point *point;
    bool *lacks; /* of the point; the lock is its guard, too */
    bool newest;
};

struct self {
    struct step *step;
    struct vault *vault;
    struct fetch *fetch;
    struct page_want wants[BATCH];
};

static void own(struct mark_info *info, int owner)
{
    if (!info->needed)
        info->owner = owner;
    else if (info->owner != owner)
        info->owner = MARK_SHARED;
    info->needed = true;
}

static int note_locked(const struct step *s, const struct unit *u, uint64_t newest, struct err *err)
{
    struct mark_info *info = NULL;
    int rc = mark_pack(s->m, u->pack, &info, err);

    if (rc < 0)
        return rc;
    own(info, s->owner);
    *s->lacks = *s->lacks || info->lost;
    info->map = u->kind == UNIT_MAP;
    info->reach = (uint32_t)num_max(info->reach, (uint64_t)u->offset + u->stored_len);
    info->newest += newest;
    return 0;
}

static int note(const struct step *s, const struct unit *u, struct err *err)
{
    int rc;

    pthread_mutex_lock(&s->m->lock);
    rc = note_locked(s, u, s->newest ? u->stored_len : 0, err);
    pthread_mutex_unlock(&s->m->lock);
    return rc;
}

static int note_page(const struct step *s, const struct page *page, struct err *err)
{
    const struct unit *u;
    struct page_extent x;
    int rc = 0;

    pthread_mutex_lock(&s->m->lock);
    for (size_t i = 0; rc == 0 && (u = page_rests_on(page, i)); i++)
        rc = note_locked(s, u, s->newest ? u->stored_len : 0, err);
    for (uint32_t at = 0; rc == 0 && page_extent(page, at, &x); at += x.count)
        if (!x.zero)
            rc = note_locked(s, &x.unit,
                             s->newest ? (uint64_t)x.unit.stored_len * x.count * PAGE_SECTOR /
                                             x.unit.raw_len
                                       : 0,
                             err);
    pthread_mutex_unlock(&s->m->lock);
    return rc;
}

/* A page or directory that cannot be read: 0 to go on without what it names. */
static int bad_unit(const struct step *s, const struct unit *u, int rc, struct err *err)
{
    struct mark_info *info = NULL;
    char key[PACK_KEY_MAX];

    if (!s->m->bad || (rc != -ENOENT && rc != -EBADMSG))
        return err_add(err, rc, "point %llu of '%s'", (unsigned long long)s->point->info.seq,
                       s->replica->name);
    err_clear(err);
    pthread_mutex_lock(&s->m->lock);
    *s->lacks = true;
    rc = mark_pack(s->m, u->pack, &info, err) < 0 || info->told ? 0 : rc;
    if (rc < 0) {
        info->told = true;
        mark_tell(s->m, &(struct mark_bad){.replica = s->replica->name,
                                           .seq = s->point->info.seq,
                                           .object = pack_key(u->pack, key),
                                           .what = rc == -ENOENT ? "missing" : "altered"});
    }
    pthread_mutex_unlock(&s->m->lock);
    return 0;
}

static int bad_dir(void *arg, uint32_t dir, const struct unit *u, int rc, struct err *err)
{
    (void)dir;
    return bad_unit(arg, u, rc, err);
}

static int open_self(void *arg, struct vault *v, void **ret_self, struct err *err)
{
    struct self *s = calloc(1, sizeof(*s));

    if (!s)
        return err_set(err, -ENOMEM, "mark: %m");
    s->step = arg;
    s->vault = v;
    *ret_self = s;
    return fetch_new(v, NULL, &s->fetch, err);
}

static void close_self(void *arg)
{
    struct self *s = arg;

    fetch_free(s->fetch);
    free(s);
}

static int note_wanted(const struct step *s, const struct page_want *w, struct err *err)
{
    int rc = note(s, &w->unit, err);

    if (rc < 0)
        return rc;
    if (w->rc == 0)
        return note_page(s, w->page, err);
    if (err)
        *err = w->err;
    return bad_unit(s, &w->unit, w->rc, err);
}

static int batch(void *arg, const struct walk_batch *b, struct err *err)
{
    struct self *s = arg;
    uint64_t bytes = s->step->point->info.size_bytes;
    size_t n = 0;
    int rc;

    for (size_t i = 0; i < b->n; i++) {
        const struct walk_region *r = &b->regions[i];

        if (r->page.some)
            s->wants[n++] = (struct page_want){.unit = r->page.unit,
                                               .region = r->region,
                                               .sectors = point_sectors_of(bytes, r->region)};
    }
    rc = page_many_fetch(s->vault, s->fetch, s->wants, n, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = note_wanted(s->step, &s->wants[i], err);
    page_many_free(s->wants, n);
    return rc;
}

static int note_dirs(const struct step *s, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < s->point->dirs_n; i++)
        if (!s->point->dirs[i].zero)
            rc = note(s, &s->point->dirs[i].unit, err);
    return rc;
}

/* The newest point is walked whole, so that what it needs is counted, too; and where something
 * cannot be read, every point is, so that each tells what it lacks. */
static int walk_point(struct step *s, const struct point *before, struct err *err)
{
    bool differs = before && before->dirs && !s->newest && s->m->bad_n == 0 &&
                   before->info.size_bytes == s->point->info.size_bytes;
    struct walk w = {.vault = s->m->vault,
                     .point = s->point,
                     .bases = {differs ? before : NULL},
                     .bases_n = differs,
                     .batch = BATCH,
                     .threads = num_min(num_max(workers_cores(), THREADS_MIN), THREADS_MAX),
                     .stop = s->m->stop,
                     .arg = s,
                     .open = open_self,
                     .batch_fn = batch,
                     .close = close_self,
                     .bad_dir = bad_dir};
    int rc = note_dirs(s, err);

    return rc < 0 ? rc : walk_run(&w, err);
}

static int walk_replica(struct mark *m, int owner, struct err *err)
{
    const struct mark_replica *r = &m->replicas[owner];
    auto_point struct point before = {0};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->n; i++) {
        auto_point struct point p = {0};
        struct step s = {.m = m,
                         .replica = r,
                         .owner = owner,
                         .point = &p,
                         .lacks = &r->lacks[i],
                         .newest = i + 1 == r->n};

        if (r->why[i] == RETAIN_NO)
            continue;
        rc = point_load(m->vault, r->name, r->points[i].seq, &p, err);
        if (rc == 0)
            rc = walk_point(&s, &before, err);
        if (rc < 0)
            break;
        point_done(&before);
        before = p;
        p = (struct point){0};
    }
    return rc;
}

int mark_walk(struct mark *m, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < m->replicas_n; i++)
        rc = walk_replica(m, (int)i, err);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Dealing out regions: one feeder, several threads, batches that go round. */
#include "transport/walk.h"

#include "base/err.h"
#include "base/queue.h"
#include "base/worker.h"
#include "transport/pagedir.h"

#include <pthread.h>

#include "base/banned.h"

struct walking {
    const struct walk *w;
    struct walk_batch *batches; /* slots */
    size_t batches_n;
    struct queue *idle;
    struct queue *full;
    struct walk_batch *open; /* the feeder's */
    pthread_mutex_t lock;    /* of the first failure */
    int code;
    struct err err;
};

static int fail(struct walking *k, int code, const struct err *err)
{
    pthread_mutex_lock(&k->lock);
    if (k->code == 0) {
        k->code = code;
        k->err = *err;
    }
    pthread_mutex_unlock(&k->lock);
    queue_stop(k->idle);
    queue_stop(k->full);
    return code;
}

static bool stopped(const struct walk *w)
{
    return w->stop && atomic_load(w->stop);
}

static int do_batches(struct walking *k, void *self, struct err *err)
{
    void *item = NULL;
    int rc;

    while ((rc = queue_pop(k->full, 0, &item)) == 0) {
        rc = stopped(k->w) ? err_set(err, -ECANCELED, "stopped") : k->w->batch_fn(self, item, err);
        if (rc < 0)
            return rc;
        rc = queue_push(k->idle, item);
        if (rc < 0)
            return rc;
    }
    return rc == -ENODATA ? 0 : rc;
}

static int work(void *arg, size_t index, struct err *err)
{
    struct walking *k = arg;
    auto_vault struct vault *v = NULL;
    void *self = NULL;
    int rc = vault_dup(k->w->vault, &v, err);

    (void)index;
    if (rc == 0)
        rc = k->w->open(k->w->arg, v, &self, err);
    if (rc == 0)
        rc = do_batches(k, self, err);
    if (self)
        k->w->close(self);
    return rc < 0 ? fail(k, rc, err) : 0;
}

static int send_open(struct walking *k, struct err *err)
{
    struct walk_batch *b = TAKE(k->open);

    if (b && queue_push(k->full, b) < 0)
        return err_set(err, -ECANCELED, "stopped");
    return 0;
}

static int add(struct walking *k, const struct walk_region *r, struct err *err)
{
    void *item = NULL;

    if (!k->open) {
        if (queue_pop(k->idle, 0, &item) < 0)
            return err_set(err, -ECANCELED, "stopped");
        k->open = item;
        k->open->n = 0;
    }
    k->open->regions[k->open->n++] = *r;
    return k->open->n == k->w->batch ? send_open(k, err) : 0;
}

static bool same_page(const struct walk_page *a, const struct walk_page *b)
{
    return a->some == b->some && (!a->some || unit_same(&a->unit, &b->unit));
}

static bool same_everywhere(const struct walk *w, const struct walk_region *r)
{
    for (size_t i = 0; i < w->bases_n; i++)
        if (!same_page(&r->page, &r->bases[i]))
            return false;
    return w->bases_n > 0;
}

static bool same_dir(const struct point_dir *a, const struct point_dir *b)
{
    return a->zero == b->zero && (a->zero || unit_same(&a->unit, &b->unit));
}

/* NULL for a directory of zeroes. */
static int open_dir(const struct walk *w, const struct point *p, uint32_t dir, struct pagedir **ret,
                    struct err *err)
{
    if (p->dirs[dir].zero)
        return 0;
    return pagedir_fetch(w->vault, &p->dirs[dir].unit, dir,
                         point_regions_of(p->info.size_bytes, dir), ret, err);
}

static void page_of(const struct pagedir *d, uint32_t slot, struct walk_page *ret)
{
    const struct unit *u = d ? pagedir_get(d, slot) : NULL;

    *ret = (struct walk_page){.some = u != NULL};
    if (u)
        ret->unit = *u;
}

struct open_dirs {
    struct pagedir *point;
    struct pagedir *bases[WALK_BASES_MAX];
};

static int feed_regions(struct walking *k, uint32_t dir, const struct open_dirs *d, struct err *err)
{
    uint32_t regions = point_regions_of(k->w->point->info.size_bytes, dir);
    int rc = 0;

    for (uint32_t slot = 0; rc == 0 && slot < regions; slot++) {
        struct walk_region r = {.region = dir * PAGEDIR_REGIONS_MAX + slot};

        if (stopped(k->w))
            return err_set(err, -ECANCELED, "stopped");
        if (k->w->skip && k->w->skip(k->w->arg, r.region))
            continue;
        page_of(d->point, slot, &r.page);
        for (size_t i = 0; i < k->w->bases_n; i++)
            page_of(d->bases[i], slot, &r.bases[i]);
        if (!same_everywhere(k->w, &r))
            rc = add(k, &r, err);
    }
    return rc;
}

static int feed_dir(struct walking *k, uint32_t dir, struct err *err)
{
    const struct walk *w = k->w;
    struct open_dirs d = {0};
    bool differs = w->bases_n == 0;
    int rc;

    for (size_t i = 0; i < w->bases_n; i++)
        differs = differs || !same_dir(&w->point->dirs[dir], &w->bases[i]->dirs[dir]);
    if (!differs)
        return 0;
    rc = open_dir(w, w->point, dir, &d.point, err);
    if (rc < 0 && w->bad_dir)
        return w->bad_dir(w->arg, dir, &w->point->dirs[dir].unit, rc, err);
    for (size_t i = 0; rc == 0 && i < w->bases_n; i++)
        rc = open_dir(w, w->bases[i], dir, &d.bases[i], err);
    if (rc == 0)
        rc = feed_regions(k, dir, &d, err);
    pagedir_free(d.point);
    for (size_t i = 0; i < w->bases_n; i++)
        pagedir_free(d.bases[i]);
    return rc;
}

static int feed(struct walking *k, struct err *err)
{
    int rc = 0;

    for (uint32_t dir = 0; rc == 0 && dir < k->w->point->dirs_n; dir++)
        rc = feed_dir(k, dir, err);
    return rc < 0 ? rc : send_open(k, err);
}

static int init(struct walking *k, struct err *err)
{
    int rc;

    k->batches_n = k->w->threads * 2;
    k->batches = calloc(k->batches_n, sizeof(*k->batches));
    if (!k->batches)
        return err_set(err, -ENOMEM, "walk: %m");
    rc = queue_new(k->batches_n, &k->idle, err);
    if (rc == 0)
        rc = queue_new(k->batches_n, &k->full, err);
    for (size_t i = 0; rc == 0 && i < k->batches_n; i++)
        rc = queue_push(k->idle, &k->batches[i]);
    return rc;
}

static int run(struct walking *k, struct err *err)
{
    struct workers *group = NULL;
    struct err mine = {0};
    int rc = workers_start(k->w->threads, "walk", work, k, &group, err);

    if (rc < 0)
        return rc;
    rc = feed(k, &mine);
    if (rc < 0)
        fail(k, rc, &mine);
    queue_close(k->full);
    workers_join(group, NULL);
    if (k->code < 0 && err)
        *err = k->err;
    return k->code;
}

int walk_run(const struct walk *w, struct err *err)
{
    struct walking k = {.w = w};
    int rc;

    pthread_mutex_init(&k.lock, NULL);
    rc = init(&k, err);
    if (rc == 0)
        rc = run(&k, err);
    queue_free(k.idle);
    queue_free(k.full);
    free(k.batches);
    pthread_mutex_destroy(&k.lock);
    return rc;
}

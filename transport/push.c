/* SPDX-License-Identifier: Apache-2.0 */
/* The machinery of a push: slots, queues, the threads of its stages, and the first failure. */
#include "transport/push.h"

#include "base/num.h"
#include "base/worker.h"
#include "transport/vault_impl.h"

#include "base/banned.h"

enum { JOBS_MAX = 12, MAPS_QUEUED = 64, PACK_TARGET_MIN = 1 << 20 };

uint64_t push_mono_ms(const struct push *p)
{
    return clock_mono_ms(vault_clock(p->run->vault));
}

int push_fail(struct push *p, int code, const struct err *err)
{
    pthread_mutex_lock(&p->lock);
    if (p->code == 0) {
        p->code = code;
        p->err = *err;
    }
    pthread_mutex_unlock(&p->lock);
    queue_stop(p->idle_jobs);
    queue_stop(p->full_jobs);
    queue_stop(p->idle_parcels);
    queue_stop(p->full_parcels);
    queue_stop(p->maps);
    return code;
}

int push_check_pack(void *arg, const uint8_t *pack, bool *ret_there, struct err *err)
{
    struct vault *v = arg;
    char key[PACK_KEY_MAX];
    uint64_t bytes = 0;
    int rc = store_head(vault_store(v), pack_key(pack, key), &bytes, err);

    if (rc < 0 && rc != -ENOENT)
        return rc;
    err_clear(err);
    *ret_there = rc == 0;
    return 0;
}

static int init_queues(struct push *p, struct err *err)
{
    int rc = queue_new(p->jobs_n, &p->idle_jobs, err);

    if (rc == 0)
        rc = queue_new(p->jobs_n, &p->full_jobs, err);
    if (rc == 0)
        rc = queue_new(p->parcels_n, &p->idle_parcels, err);
    if (rc == 0)
        rc = queue_new(p->parcels_n, &p->full_parcels, err);
    if (rc == 0)
        rc = queue_new(MAPS_QUEUED, &p->maps, err);
    return rc;
}

static int init_jobs(struct push *p, struct err *err)
{
    int rc = pool_new(p->jobs_n, PUSH_JOB_BYTES, &p->job_pool, err);

    if (rc < 0)
        return rc;
    p->jobs = calloc(p->jobs_n, sizeof(*p->jobs));
    if (!p->jobs)
        return err_set(err, -ENOMEM, "push: %m");
    for (size_t i = 0; rc == 0 && i < p->jobs_n; i++) {
        rc = pool_get(p->job_pool, &p->jobs[i].data);
        if (rc == 0)
            rc = queue_push(p->idle_jobs, &p->jobs[i]);
    }
    return rc;
}

static int init_parcels(struct push *p, struct err *err)
{
    int rc = pool_new(p->parcels_n, PACK_BYTES_MAX, &p->pack_pool, err);

    if (rc == 0)
        rc = pool_new(1, PACK_BYTES_MAX, &p->map_pool, err);
    if (rc < 0)
        return rc;
    p->parcels = calloc(p->parcels_n, sizeof(struct push_parcel *));
    if (!p->parcels)
        return err_set(err, -ENOMEM, "push: %m");
    for (size_t i = 0; rc == 0 && i < p->parcels_n; i++) {
        p->parcels[i] = calloc(1, sizeof(struct push_parcel));
        if (!p->parcels[i])
            return err_set(err, -ENOMEM, "push: %m");
        rc = pool_get(p->pack_pool, &p->parcels[i]->mem);
        if (rc == 0)
            rc = queue_push(p->idle_parcels, p->parcels[i]);
    }
    return rc;
}

int push_init(struct push *p, struct err *err)
{
    int rc;

    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->dirs_lock, NULL);
    pthread_mutex_init(&p->packs_lock, NULL);
    pthread_mutex_init(&p->care.lock, NULL);
    p->workers_n = p->run->workers ? p->run->workers : workers_cores();
    p->working = p->workers_n;
    p->jobs_n = num_max(p->workers_n + 2, num_min(p->workers_n * PUSH_JOBS_A_WORKER, JOBS_MAX));
    p->streams_n = store_streams(vault_store(p->run->vault));
    if (p->streams_n == 0)
        p->streams_n = PUSH_STREAMS_AUTO;
    p->parcels_n = p->workers_n + p->streams_n;
    p->pack_target = num_max(PUSH_PACKS_BYTES / p->parcels_n, PACK_TARGET_MIN);
    if (p->run->pack_bytes > 0)
        p->pack_target = p->run->pack_bytes;
    push_level_init(p);
    rc = init_queues(p, err);
    if (rc == 0)
        rc = init_jobs(p, err);
    if (rc == 0)
        rc = init_parcels(p, err);
    return rc;
}

static void done_slots(struct push *p)
{
    for (size_t i = 0; p->jobs && i < p->jobs_n; i++)
        pool_put(p->job_pool, p->jobs[i].data);
    for (size_t i = 0; p->parcels && i < p->parcels_n; i++) {
        if (p->parcels[i])
            pool_put(p->pack_pool, p->parcels[i]->mem);
        free(p->parcels[i]);
    }
    free(p->jobs);
    free(p->parcels);
    pool_free(p->job_pool);
    pool_free(p->pack_pool);
    pool_free(p->map_pool);
}

void push_done(struct push *p)
{
    while (p->regions)
        push_region_free(p, p->regions);
    done_slots(p);
    push_few_free(p->few);
    queue_free(p->idle_jobs);
    queue_free(p->full_jobs);
    queue_free(p->idle_parcels);
    queue_free(p->full_parcels);
    queue_free(p->maps);
    for (size_t i = 0; p->dirs && i < p->next.dirs_n; i++)
        pagedir_free(p->dirs[i]);
    free(p->dirs);
    free(p->dirs_changed);
    point_done(&p->head);
    point_done(&p->next);
    packset_done(&p->packs);
    push_care_done(p);
    push_gather_done(p);
    push_gaps_done(p);
    pthread_mutex_destroy(&p->care.lock);
    pthread_mutex_destroy(&p->packs_lock);
    pthread_mutex_destroy(&p->dirs_lock);
    pthread_mutex_destroy(&p->lock);
}

struct stages {
    struct workers *work;
    struct workers *put;
    struct workers *map;
};

static int start(struct push *p, struct stages *s, struct err *err)
{
    int rc = workers_start(1, "map", push_map, p, &s->map, err);

    if (rc == 0)
        rc = workers_start(p->streams_n, "put", push_put, p, &s->put, err);
    if (rc == 0)
        rc = workers_start(p->workers_n, "work", push_work, p, &s->work, err);
    return rc;
}

/* In the order of the stages: each ends when the one before it has, or when all were stopped. */
static void finish(struct push *p, struct stages *s)
{
    uint64_t begun_ms = push_mono_ms(p), worked_ms;

    queue_close(p->full_jobs);
    if (s->work)
        workers_join(s->work, NULL);
    worked_ms = push_mono_ms(p);
    p->spent->held_ms += worked_ms - begun_ms;
    queue_close(p->full_parcels);
    if (s->put)
        workers_join(s->put, NULL);
    queue_close(p->maps);
    if (s->map)
        workers_join(s->map, NULL);
    p->spent->tail_ms += push_mono_ms(p) - worked_ms;
}

int push_run(struct push *p, struct err *err)
{
    struct stages s = {0};
    struct err mine = {0};
    int rc = start(p, &s, &mine);

    if (rc == 0)
        rc = push_read(p, &mine);
    if (rc < 0)
        push_fail(p, rc, &mine);
    finish(p, &s);
    if (p->code < 0 && err)
        *err = p->err; /* what a stage met first, not the "stopped" of the others */
    return p->code;
}

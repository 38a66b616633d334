/* SPDX-License-Identifier: Apache-2.0 */
/* The digest of a local volume: regions are read and digested by any thread, combined in order. */
#include "base/err.h"
#include "base/num.h"
#include "base/pool.h"
#include "base/worker.h"
#include "transport/digest.h"
#include "transport/holes.h"
#include "transport/replica.h"

#include <inttypes.h>
#include <pthread.h>

#include "base/banned.h"

enum { READ_BYTES = 1 << 20 };

struct digesting {
    const struct replica_digest_run *run;
    struct volume *volume;
    struct pool *pool; /* a buffer a worker */
    uint64_t size_bytes;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t moved;
    uint64_t taken; /* regions that a worker has begun */
    bool failed;
    struct digest digest; /* digest.n regions are in it: whose turn it is */
};

static bool stopped(const struct digesting *d)
{
    return d->run->stop && atomic_load(d->run->stop);
}

static bool take_region(struct digesting *d, uint64_t *ret)
{
    bool more;

    pthread_mutex_lock(&d->lock);
    more = !d->failed && d->taken < digest_regions(d->size_bytes);
    if (more)
        *ret = d->taken++;
    pthread_mutex_unlock(&d->lock);
    return more;
}

/* Wait for the regions before it. Whoever holds the lowest one never waits, so this ends. */
static void add_in_turn(struct digesting *d, uint64_t region, const uint8_t *root)
{
    pthread_mutex_lock(&d->lock);
    while (!d->failed && d->digest.n != region)
        pthread_cond_wait(&d->moved, &d->lock);
    if (!d->failed)
        digest_add(&d->digest, root);
    pthread_cond_broadcast(&d->moved);
    pthread_mutex_unlock(&d->lock);
}

static void add_piece(struct digest *d, struct slice piece)
{
    uint8_t leaves[READ_BYTES / VOLUME_BLOCK][DIGEST_LEN];

    digest_row(piece, leaves[0]);
    for (size_t i = 0; i < num_div_up(piece.len, VOLUME_BLOCK); i++)
        digest_add(d, leaves[i]);
}

/* A region being read, by one thread. */
struct reading {
    struct digesting *d;
    struct holes holes;
    uint8_t *mem;
    uint64_t at;
    uint64_t end;
    struct digest tree;
};

/* Holes of whole blocks are not read. */
static int read_piece(struct reading *r, uint64_t *ret_len, struct err *err)
{
    uint64_t len = 0;
    bool hole = false;
    int rc;

    if (stopped(r->d))
        return err_set(err, -ECANCELED, "stopped");
    rc = holes_at(&r->holes, r->at, &len, &hole, err);
    if (rc < 0)
        return rc;
    len = num_min(len, r->end - r->at);
    if (hole && len >= VOLUME_BLOCK) {
        *ret_len = len / VOLUME_BLOCK * VOLUME_BLOCK;
        for (uint64_t i = 0; i < *ret_len; i += VOLUME_BLOCK)
            digest_add(&r->tree, digest_zero_leaf());
        return 0;
    }
    *ret_len = num_min(READ_BYTES, r->end - r->at);
    rc = volume_read(r->d->volume, r->at, r->mem, (size_t)*ret_len, err);
    if (rc == 0)
        add_piece(&r->tree, slice_of(r->mem, (size_t)*ret_len));
    return rc;
}

static int digest_region(struct digesting *d, uint8_t *mem, uint64_t region, struct err *err)
{
    struct reading r = {.d = d,
                        .holes = {.volume = d->volume},
                        .mem = mem,
                        .at = region * VOLUME_REGION,
                        .end = num_min((region + 1) * VOLUME_REGION, d->size_bytes)};
    uint8_t root[DIGEST_LEN];
    uint64_t len = 0;

    for (; r.at < r.end; r.at += len) {
        int rc = read_piece(&r, &len, err);

        if (rc < 0)
            return rc;
        if (d->run->progress)
            d->run->progress->done_bytes += len;
    }
    digest_root(&r.tree, root);
    add_in_turn(d, region, root);
    return 0;
}

static int work(void *arg, size_t index, struct err *err)
{
    struct digesting *d = arg;
    uint8_t *mem = NULL;
    uint64_t region = 0;
    int rc = pool_get(d->pool, &mem);

    (void)index;
    while (rc == 0 && take_region(d, &region))
        rc = digest_region(d, mem, region, err);
    pool_put(d->pool, mem);
    if (rc == 0)
        return 0;
    pthread_mutex_lock(&d->lock);
    d->failed = true;
    pthread_cond_broadcast(&d->moved);
    pthread_mutex_unlock(&d->lock);
    return rc;
}

static int run_workers(struct digesting *d, struct err *err)
{
    size_t n = d->run->workers ? d->run->workers : workers_cores();
    struct workers *group = NULL;
    int rc = pool_new(n, READ_BYTES, &d->pool, err);

    if (rc == 0)
        rc = workers_start(n, "digest", work, d, &group, err);
    if (rc == 0)
        rc = workers_join(group, err);
    pool_free(d->pool);
    return rc;
}

static int open_volume(struct digesting *d, struct err *err)
{
    uint64_t size;
    int rc = volume_open(d->run->volume_path, VOLUME_READ, &d->volume, err);

    if (rc < 0)
        return rc;
    size = volume_size(d->volume);
    d->size_bytes = d->run->size_bytes ? d->run->size_bytes : size;
    if (d->size_bytes > size)
        return err_set(err, -ERANGE, "it has %" PRIu64 " bytes, not %" PRIu64, size, d->size_bytes);
    if (d->run->progress)
        d->run->progress->total_bytes = d->size_bytes;
    return volume_drop_cache(d->volume, err);
}

int replica_digest(const struct replica_digest_run *run, uint8_t *ret_digest, struct err *err)
{
    struct digesting d = {.run = run};
    uint8_t root[DIGEST_LEN];
    int rc;

    pthread_mutex_init(&d.lock, NULL);
    pthread_cond_init(&d.moved, NULL);
    rc = open_volume(&d, err);
    if (rc == 0)
        rc = run_workers(&d, err);
    if (rc == 0)
        rc = volume_check(d.volume, err);
    volume_close(d.volume);
    pthread_cond_destroy(&d.moved);
    pthread_mutex_destroy(&d.lock);
    if (rc < 0)
        return err_add(err, rc, "digest of '%s'", run->volume_path);
    digest_root(&d.digest, root);
    digest_volume(d.size_bytes, root, ret_digest);
    return 0;
}

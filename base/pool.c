/* SPDX-License-Identifier: Apache-2.0 */
/* A fixed number of equal buffers, handed out and taken back under one lock. */
#include "base/pool.h"

#include "base/auto.h"
#include "base/err.h"

#include <assert.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/banned.h"

enum { ARENAS_MAX = 2 };

struct pool {
    size_t size_bytes;
    size_t count;
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t returned;
    bool stopped;
    size_t free_n;
    uint8_t **free_list; /* the first free_n are at home */
};

/* Each buffer is an allocation of its own, so that AddressSanitizer sees a write past its end. */
static int allocate_buffers(struct pool *p, struct err *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *buffer;

    p->free_list = calloc(p->count, sizeof(*p->free_list));
    if (!p->free_list)
        return err_set(err, -ENOMEM, "pool of %zu buffers: %m", p->count);
    for (; p->free_n < p->count; p->free_n++) {
        if (posix_memalign(&buffer, page, p->size_bytes) != 0)
            return err_set(err, -ENOMEM, "pool of %zu buffers of %zu bytes: %m", p->count,
                           p->size_bytes);
        p->free_list[p->free_n] = buffer;
    }
    return 0;
}

int pool_new(size_t count, size_t size_bytes, struct pool **ret, struct err *err)
{
    struct pool *p;
    int rc;

    if (count == 0 || size_bytes == 0)
        return err_set(err, -EINVAL, "a pool of %zu buffers of %zu bytes", count, size_bytes);
    p = calloc(1, sizeof(*p));
    if (!p)
        return err_set(err, -ENOMEM, "pool: %m");
    p->count = count;
    p->size_bytes = size_bytes;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->returned, NULL);
    rc = allocate_buffers(p, err);
    if (rc < 0) {
        pool_free(p);
        return rc;
    }
    *ret = p;
    return 0;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->free_n; i++)
        free(p->free_list[i]);
    free(p->free_list);
    pthread_cond_destroy(&p->returned);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

int pool_get(struct pool *p, uint8_t **ret)
{
    int rc = 0;

    pthread_mutex_lock(&p->lock);
    while (p->free_n == 0 && !p->stopped)
        pthread_cond_wait(&p->returned, &p->lock);
    if (p->stopped)
        rc = -ECANCELED;
    else
        *ret = p->free_list[--p->free_n];
    pthread_mutex_unlock(&p->lock);
    return rc;
}

void pool_put(struct pool *p, uint8_t *taken)
{
    if (!taken)
        return;
    pthread_mutex_lock(&p->lock);
    assert(p->free_n < p->count);
    p->free_list[p->free_n++] = taken;
    pthread_cond_signal(&p->returned);
    pthread_mutex_unlock(&p->lock);
}

void pool_stop(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->stopped = true;
    pthread_cond_broadcast(&p->returned);
    pthread_mutex_unlock(&p->lock);
}

size_t pool_size_bytes(const struct pool *p)
{
    return p->size_bytes;
}

void pool_bound_arenas(void)
{
    mallopt(M_ARENA_MAX, ARENAS_MAX);
}

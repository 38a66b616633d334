/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded ring of pointers under one lock. */
#include "base/queue.h"

#include "base/auto.h"
#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "base/banned.h"

struct queue {
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t not_empty;
    pthread_cond_t not_full;
    bool closed;
    bool stopped;
    size_t capacity;
    size_t head; /* the oldest item */
    size_t len;
    void *items[];
};

int queue_new(size_t capacity, struct queue **ret, struct err *err)
{
    struct queue *q;
    pthread_condattr_t attr;
    size_t size;

    if (capacity == 0 || __builtin_mul_overflow(capacity, sizeof(void *), &size) ||
        __builtin_add_overflow(size, sizeof(*q), &size))
        return err_set(err, -EINVAL, "a queue of %zu items", capacity);
    q = calloc(1, size);
    if (!q)
        return err_set(err, -ENOMEM, "queue of %zu items: %m", capacity);
    q->capacity = capacity;
    /* None of these can fail on Linux with these arguments. Deadlines must not jump with the date.
     */
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->not_empty, &attr);
    pthread_cond_init(&q->not_full, &attr);
    pthread_condattr_destroy(&attr);
    *ret = q;
    return 0;
}

void queue_free(struct queue *q)
{
    if (!q)
        return;
    pthread_cond_destroy(&q->not_full);
    pthread_cond_destroy(&q->not_empty);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

int queue_push(struct queue *q, void *taken_item)
{
    int rc = 0;

    pthread_mutex_lock(&q->lock);
    while (q->len == q->capacity && !q->closed && !q->stopped)
        pthread_cond_wait(&q->not_full, &q->lock);
    if (q->closed || q->stopped) {
        rc = -ECANCELED;
    } else {
        q->items[(q->head + q->len++) % q->capacity] = taken_item;
        pthread_cond_signal(&q->not_empty);
    }
    pthread_mutex_unlock(&q->lock);
    return rc;
}

static struct timespec deadline_after(uint64_t timeout_ms)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += (time_t)(timeout_ms / 1000);
    ts.tv_nsec += (long)(timeout_ms % 1000 * 1000000);
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_sec++;
        ts.tv_nsec -= 1000000000;
    }
    return ts;
}

/* With the lock held: until an item is there, nothing can come any more, or the deadline. */
static int wait_for_item(struct queue *q, const struct timespec *deadline)
{
    int rc = 0;

    while (q->len == 0 && !q->closed && !q->stopped && rc == 0)
        rc = deadline ? pthread_cond_timedwait(&q->not_empty, &q->lock, deadline)
                      : pthread_cond_wait(&q->not_empty, &q->lock);
    if (q->stopped)
        return -ECANCELED;
    if (q->len)
        return 0;
    return q->closed ? -ENODATA : -ETIMEDOUT;
}

int queue_pop(struct queue *q, uint64_t timeout_ms, void **ret_item)
{
    struct timespec deadline = deadline_after(timeout_ms);
    int rc;

    pthread_mutex_lock(&q->lock);
    rc = wait_for_item(q, timeout_ms ? &deadline : NULL);
    if (rc == 0) {
        *ret_item = q->items[q->head];
        q->head = (q->head + 1) % q->capacity;
        q->len--;
        pthread_cond_signal(&q->not_full);
    }
    pthread_mutex_unlock(&q->lock);
    return rc;
}

static void wake_all(struct queue *q)
{
    pthread_cond_broadcast(&q->not_empty);
    pthread_cond_broadcast(&q->not_full);
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    wake_all(q);
    pthread_mutex_unlock(&q->lock);
}

void queue_stop(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->stopped = true;
    wake_all(q);
    pthread_mutex_unlock(&q->lock);
}

size_t queue_len(struct queue *q)
{
    size_t len;

    pthread_mutex_lock(&q->lock);
    len = q->len;
    pthread_mutex_unlock(&q->lock);
    return len;
}

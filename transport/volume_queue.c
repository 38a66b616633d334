/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three ways to keep a volume busy. None of them reports failures: what did not come back whole is
 * read once more, plainly, and that call says what is wrong.
 */
#include "transport/volume_queue.h"

#include "base/err.h"
#include "base/queue.h"
#include "base/worker.h"
#include "transport/volume_impl.h"
#include "transport/volume_ring.h"

#include <assert.h>
#include <fcntl.h>
#include <sys/uio.h>

#include "base/banned.h"

enum { DEPTH_MAX = 64, THREADS = 4 };

struct slot {
    uint64_t offset;
    void *data;
    size_t len;
    void *item;
    bool whole; /* all of data was read */
};

struct way {
    int (*open)(struct volume_queue *q, struct err *err);
    int (*start)(struct volume_queue *q, struct slot *s, struct err *err);
    int (*wait)(struct volume_queue *q, struct slot **ret, struct err *err);
};

struct volume_queue {
    struct volume *volume;
    const struct way *way;
    unsigned depth;
    unsigned len;
    struct slot *slots;
    struct queue *idle;
    struct queue *todo; /* threads */
    struct queue *done; /* hints, threads */
    struct workers *threads;
    struct volume_ring *ring;
};

static int pop(struct queue *from, struct slot **ret, struct err *err)
{
    void *slot = NULL;
    int rc = queue_pop(from, 0, &slot);

    if (rc < 0)
        return err_set(err, rc, "a queue of reads ended");
    *ret = slot;
    return 0;
}

static int push(struct queue *to, struct slot *s, struct err *err)
{
    int rc = queue_push(to, s);

    return rc < 0 ? err_set(err, rc, "a queue of reads ended") : 0;
}

/* ---- images: the page cache reads ahead ----------------------------------- */

static int hints_open(struct volume_queue *q, struct err *err)
{
    return queue_new(q->depth, &q->done, err);
}

static bool is_cached(int fd, uint64_t offset)
{
    uint8_t byte;
    struct iovec one = {.iov_base = &byte, .iov_len = sizeof(byte)};

    return preadv2(fd, &one, 1, (off_t)offset, RWF_NOWAIT) == 1;
}

/* A hint looks at each page, also when all of them are there: 5% of a seed, 10% of a pass without
 * changes. So both ends are asked first; what lacks between them is read when it is wanted. */
static int hints_start(struct volume_queue *q, struct slot *s, struct err *err)
{
    int fd = q->volume->fd;

    if (s->len > 0 && (!is_cached(fd, s->offset) || !is_cached(fd, s->offset + s->len - 1)))
        (void)posix_fadvise(fd, (off_t)s->offset, (off_t)s->len, POSIX_FADV_WILLNEED);
    return push(q->done, s, err);
}

static int done_wait(struct volume_queue *q, struct slot **ret, struct err *err)
{
    return pop(q->done, ret, err);
}

/* ---- threads ------------------------------------------------------------- */

static int read_slots(void *arg, size_t index, struct err *err)
{
    struct volume_queue *q = arg;
    struct slot *s = NULL;

    (void)index;
    (void)err;
    while (pop(q->todo, &s, NULL) == 0) {
        s->whole = q->volume->ops->read(q->volume, s->offset, s->data, s->len, NULL) == 0;
        push(q->done, s, NULL); /* it has room for all */
    }
    return 0;
}

static int threads_open(struct volume_queue *q, struct err *err)
{
    int rc = queue_new(q->depth, &q->todo, err);

    if (rc == 0)
        rc = queue_new(q->depth, &q->done, err);
    return rc < 0 ? rc : workers_start(THREADS, "read", read_slots, q, &q->threads, err);
}

static int threads_start(struct volume_queue *q, struct slot *s, struct err *err)
{
    return push(q->todo, s, err);
}

/* ---- io_uring ------------------------------------------------------------ */

static int ring_open(struct volume_queue *q, struct err *err)
{
    int rc = volume_ring_new(q->depth, &q->ring);

    return rc < 0 ? err_set(err, rc, "io_uring: %m") : 0;
}

static int ring_start(struct volume_queue *q, struct slot *s, struct err *err)
{
    int rc = volume_ring_read(q->ring, q->volume->fd, s->offset, s->data, s->len, s);

    return rc < 0 ? volume_io_failed(q->volume, rc, "read", s->offset, err) : 0;
}

static int ring_wait(struct volume_queue *q, struct slot **ret, struct err *err)
{
    void *slot = NULL;
    int bytes = 0;
    int rc = volume_ring_wait(q->ring, &slot, &bytes);

    if (rc < 0)
        return err_set(err, rc, "io_uring: %m");
    *ret = slot;
    (*ret)->whole = bytes > 0 && (size_t)bytes == (*ret)->len;
    return 0;
}

/* -------------------------------------------------------------------------- */

static const struct way ways[] = {
    [VOLUME_QUEUE_HINTS] = {.open = hints_open, .start = hints_start, .wait = done_wait},
    [VOLUME_QUEUE_THREADS] = {.open = threads_open, .start = threads_start, .wait = done_wait},
    [VOLUME_QUEUE_RING] = {.open = ring_open, .start = ring_start, .wait = ring_wait},
};

static int slots_new(struct volume_queue *q, struct err *err)
{
    int rc = queue_new(q->depth, &q->idle, err);

    q->slots = calloc(q->depth, sizeof(*q->slots));
    if (rc == 0 && !q->slots)
        rc = err_set(err, -ENOMEM, "a queue of reads: %m");
    for (unsigned i = 0; rc == 0 && i < q->depth; i++)
        rc = push(q->idle, &q->slots[i], err);
    return rc;
}

int volume_queue_new_by(enum volume_queue_way way, struct volume *v, unsigned depth,
                        struct volume_queue **ret, struct err *err)
{
    struct volume_queue *q = calloc(1, sizeof(*q));
    int rc;

    assert(depth > 0 && depth <= DEPTH_MAX);
    if (!q)
        return err_set(err, -ENOMEM, "a queue of reads: %m");
    q->volume = v;
    q->depth = depth;
    q->way = &ways[way];
    rc = slots_new(q, err);
    if (rc == 0)
        rc = q->way->open(q, err);
    if (rc < 0) {
        volume_queue_free(q);
        return rc;
    }
    *ret = q;
    return 0;
}

int volume_queue_new(struct volume *v, unsigned depth, struct volume_queue **ret, struct err *err)
{
    int rc;

    if (!v->ops->direct)
        return volume_queue_new_by(VOLUME_QUEUE_HINTS, v, depth, ret, err);
    rc = v->fd < 0 ? -ENOSYS : volume_queue_new_by(VOLUME_QUEUE_RING, v, depth, ret, err);
    if (rc == 0)
        return 0;
    err_clear(err); /* old kernels, containers and cautious administrators have none */
    return volume_queue_new_by(VOLUME_QUEUE_THREADS, v, depth, ret, err);
}

void volume_queue_free(struct volume_queue *q)
{
    struct slot *s;

    if (!q)
        return;
    for (; q->len > 0 && q->way->wait(q, &s, NULL) == 0; q->len--)
        ;
    if (q->todo)
        queue_close(q->todo);
    if (q->threads)
        workers_join(q->threads, NULL);
    volume_ring_free(q->ring);
    queue_free(q->idle);
    queue_free(q->todo);
    queue_free(q->done);
    free(q->slots);
    free(q);
}

int volume_queue_push(struct volume_queue *q, uint64_t offset, void *data, size_t len, void *item,
                      struct err *err)
{
    struct slot *s = NULL;
    int rc = volume_check_read(q->volume, offset, len, err);

    assert(q->len < q->depth && len > 0);
    if (rc == 0)
        rc = pop(q->idle, &s, err);
    if (rc < 0)
        return rc;
    assert(s);
    *s = (struct slot){.offset = offset, .data = data, .len = len, .item = item};
    rc = q->way->start(q, s, err);
    if (rc < 0)
        push(q->idle, s, NULL);
    else
        q->len++;
    return rc;
}

int volume_queue_pop(struct volume_queue *q, void **ret_item, struct err *err)
{
    struct slot *s = NULL;
    int rc;

    assert(q->len > 0);
    *ret_item = NULL;
    rc = q->way->wait(q, &s, err);
    if (rc < 0)
        return rc;
    q->len--;
    if (!s->whole)
        rc = q->volume->ops->read(q->volume, s->offset, s->data, s->len, err);
    *ret_item = s->item;
    push(q->idle, s, NULL);
    return rc;
}

unsigned volume_queue_len(const struct volume_queue *q)
{
    return q->len;
}

unsigned volume_queue_depth(const struct volume_queue *q)
{
    return q->depth;
}

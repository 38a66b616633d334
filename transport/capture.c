/* SPDX-License-Identifier: Apache-2.0 */
/* Dirty ranges become pieces of whole blocks, for digests are of whole blocks; pieces are read by a
 * queue, in chunks. */
#include "transport/capture.h"

#include "base/err.h"
#include "base/num.h"
#include "transport/freeze.h"
#include "transport/track.h"
#include "transport/volume_queue.h"

#include <assert.h>
#include <sys/mman.h>

#include "base/banned.h"

enum { DEPTH = 32, CHUNK = 1 << 20 };

struct capture {
    struct volume *volume;
    uint64_t size_bytes;
    uint64_t room;
    struct volume_queue *reads;
    struct capture_piece *pieces;
    size_t n;
    size_t max;
    uint64_t bytes; /* of all pieces */
};

int capture_arena_init(struct capture_arena *a, size_t size_bytes, struct err *err)
{
    void *p = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int rc;

    if (p == MAP_FAILED)
        return err_set(err, -ENOMEM, "%zu bytes for a consistent point: %m", size_bytes);
    /* A watchdog is forked while this is filled: its copy would be paid for page by page. */
    if (madvise(p, size_bytes, MADV_DONTFORK) < 0 || mlock(p, size_bytes) < 0) {
        rc = -errno;
        munmap(p, size_bytes);
        return err_set(err, rc, "lock %zu bytes for a consistent point: %m", size_bytes);
    }
    *a = (struct capture_arena){.data = p, .size = size_bytes};
    return 0;
}

void capture_arena_done(struct capture_arena *a)
{
    if (a->data)
        munmap(a->data, a->size);
    *a = (struct capture_arena){0};
}

int capture_new(struct volume *v, uint64_t size_bytes, size_t room, struct capture **ret,
                struct err *err)
{
    struct capture *c = calloc(1, sizeof(*c));
    int rc;

    if (!c)
        return err_set(err, -ENOMEM, "consistent point: %m");
    c->volume = v;
    c->size_bytes = size_bytes;
    c->room = room;
    c->max = room / VOLUME_BLOCK + 1;
    c->pieces = calloc(c->max, sizeof(*c->pieces));
    rc = c->pieces ? volume_queue_new(v, DEPTH, &c->reads, err)
                   : err_set(err, -ENOMEM, "consistent point: %m");
    if (rc < 0) {
        capture_free(c);
        return rc;
    }
    *ret = c;
    return 0;
}

void capture_free(struct capture *c)
{
    if (!c)
        return;
    volume_queue_free(c->reads);
    free(c->pieces);
    free(c);
}

/* In whole blocks, without what the last piece has already. */
static struct capture_piece widen(const struct capture *c, const struct track_range *r)
{
    const struct capture_piece *last = c->n > 0 ? &c->pieces[c->n - 1] : NULL;
    uint64_t done = last ? last->offset + last->len : 0;
    uint64_t from = num_max(r->offset / VOLUME_BLOCK * VOLUME_BLOCK, done);
    uint64_t to = num_div_up(r->offset + r->len, VOLUME_BLOCK) * VOLUME_BLOCK;

    to = num_min(to, c->size_bytes);
    return (struct capture_piece){.offset = from, .len = to > from ? to - from : 0};
}

static int add(struct capture *c, const struct track_range *r)
{
    struct capture_piece piece = widen(c, r);
    struct capture_piece *last = c->n > 0 ? &c->pieces[c->n - 1] : NULL;

    if (piece.len == 0)
        return 0;
    if (c->bytes + piece.len > c->room)
        return -ENOSPC;
    c->bytes += piece.len;
    if (last && last->offset + last->len == piece.offset) {
        last->len += piece.len;
        return 0;
    }
    assert(c->n < c->max); /* each has a block of the room at least, but for the volume's end */
    c->pieces[c->n++] = piece;
    return 0;
}

static int list(struct capture *c, struct track *t)
{
    struct track_range r;
    int rc;

    c->n = 0;
    c->bytes = 0;
    while ((rc = track_next(t, &r, NULL)) == 1) {
        rc = add(c, &r);
        if (rc < 0)
            return rc;
    }
    return rc;
}

int capture_measure(struct capture *c, struct track *t, uint64_t *ret_bytes, struct err *err)
{
    int rc = track_freeze(t, err);

    if (rc < 0)
        return rc;
    rc = list(c, t);
    track_abort(t);
    if (rc < 0 && rc != -ENOSPC)
        return err_set(err, rc, "dirty ranges of '%s': %m", volume_path(c->volume));
    *ret_bytes = rc == -ENOSPC ? c->room : c->bytes;
    return 0;
}

static int place(struct capture *c, struct capture_arena *a)
{
    for (size_t i = 0; i < c->n; i++) {
        size_t len = (size_t)num_div_up(c->pieces[i].len, VOLUME_SECTOR) * VOLUME_SECTOR;

        if (a->size - a->used < len)
            return -ENOSPC;
        c->pieces[i].data = a->data + a->used;
        a->used += len;
    }
    return 0;
}

static int land(struct capture *c)
{
    void *item;

    return volume_queue_pop(c->reads, &item, NULL);
}

static int read_piece(struct capture *c, const struct capture_piece *p, uint8_t *data,
                      const struct freeze *moment)
{
    int rc = 0;

    for (uint64_t at = 0; rc == 0 && at < p->len; at += CHUNK) {
        size_t len = (size_t)num_min(CHUNK, p->len - at);

        if (volume_queue_len(c->reads) == volume_queue_depth(c->reads))
            rc = land(c);
        if (rc == 0 && moment && freeze_over(moment))
            rc = -ETIME;
        if (rc == 0)
            rc = volume_queue_push(c->reads, p->offset + at, data + at, len, c, NULL);
    }
    return rc;
}

static int read_all(struct capture *c, const struct capture_arena *a, const struct freeze *moment)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < c->n; i++) {
        const struct capture_piece *p = &c->pieces[i];

        rc = read_piece(c, p, a->data + (p->data - a->data), moment);
    }
    for (unsigned left = volume_queue_len(c->reads); left > 0; left--) {
        int last = land(c);

        rc = rc < 0 ? rc : last;
    }
    return rc;
}

int capture_take(struct capture *c, struct track *t, struct capture_arena *a,
                 const struct freeze *moment)
{
    int rc = track_take(t);

    if (rc == 0)
        rc = list(c, t);
    if (rc == 0)
        rc = place(c, a);
    if (rc == 0)
        rc = read_all(c, a, moment);
    if (rc == 0 && moment && freeze_over(moment))
        rc = -ETIME;
    return rc;
}

size_t capture_count(const struct capture *c)
{
    return c->n;
}

const struct capture_piece *capture_piece(const struct capture *c, size_t i)
{
    return &c->pieces[i];
}

const uint8_t *capture_at(const struct capture *c, uint64_t offset, uint64_t len)
{
    size_t low = 0;
    size_t high = c->n;

    while (low + 1 < high) {
        size_t middle = low + (high - low) / 2;

        if (c->pieces[middle].offset <= offset)
            low = middle;
        else
            high = middle;
    }
    assert(c->n > 0 && offset >= c->pieces[low].offset &&
           offset + len <= c->pieces[low].offset + c->pieces[low].len);
    return c->pieces[low].data + (offset - c->pieces[low].offset);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first stage: the tracker's dirty ranges, widened to whole blocks and cut into jobs; holes
 * become jobs without data. One thread, ascending offsets.
 */
#include "transport/push.h"

#include "base/err.h"
#include "base/fail.h"
#include "base/num.h"
#include "transport/holes.h"
#include "transport/volume_queue.h"

#include <inttypes.h>

#include "base/banned.h"

enum {
    READS_MAX = 16,       /* under way at one time; a job is 1 MiB */
    WRITTEN_MS = 5 * 1000 /* the tracker's map is looked through so often, in some 50 ms at most */
};

struct reader {
    struct push *p;
    struct holes holes;
    uint64_t done;              /* everything below was looked at */
    struct push_region *region; /* the open one */
    struct volume_queue *reads; /* jobs on their way from the volume */
    uint64_t written_ms;        /* when to ask the tracker next what others write */
    bool dirty_some;            /* the tracker's next range is in dirty */
    struct track_range dirty;
};

static int close_region(struct reader *r, struct err *err)
{
    struct push_region *old = TAKE(r->region);

    return old ? push_region_close(r->p, old, err) : 0;
}

static int open_region(struct reader *r, uint32_t index, struct err *err)
{
    int rc;

    if (r->region && r->region->index == index)
        return 0;
    rc = close_region(r, err);
    if (rc == 0)
        rc = push_map_open_dir(r->p, index / PAGEDIR_REGIONS_MAX, err);
    if (rc == 0)
        rc = push_region_new(r->p, index, &r->region, err);
    return rc;
}

static int hand_on(struct push *p, struct push_job *j, struct err *err)
{
    int rc = queue_push(p->full_jobs, j);

    return rc < 0 ? err_set(err, rc, "stopped") : 0;
}

static int hand_on_data(struct push *p, struct push_job *j, struct err *err)
{
    size_t padded = (size_t)num_div_up(j->len, VOLUME_SECTOR) * VOLUME_SECTOR;

    memset(j->data + j->len, 0, padded - j->len);
    return hand_on(p, j, err);
}

/* Wait for one of the jobs that are being read. */
static int land(struct reader *r, struct err *err)
{
    void *item = NULL;
    uint64_t begun_ms = push_mono_ms(r->p);
    int rc = volume_queue_pop(r->reads, &item, err);

    r->p->spent->read_ms += push_mono_ms(r->p) - begun_ms;
    if (rc == -EIO && item)
        rc = push_gaps_read(r->p, item, err);
    return rc < 0 ? rc : hand_on_data(r->p, item, err);
}

/* It was read before. */
static int copy(struct push *p, struct push_job *j, uint64_t offset, struct err *err)
{
    memcpy(j->data, capture_at(p->captured, offset, j->len), j->len);
    return hand_on_data(p, j, err);
}

static int land_all(struct reader *r, struct err *err)
{
    int rc = 0;

    while (rc == 0 && volume_queue_len(r->reads) > 0)
        rc = land(r, err);
    return rc;
}

/* A job that nobody has. Only this thread takes them, so none may be waited for while those that
 * could become free are still being read. */
static int take_job(struct reader *r, struct push_job **ret, struct err *err)
{
    void *item = NULL;
    uint64_t begun_ms;
    int rc = 0;

    while (rc == 0 && volume_queue_len(r->reads) > 0 &&
           (volume_queue_len(r->reads) == volume_queue_depth(r->reads) ||
            queue_len(r->p->idle_jobs) == 0))
        rc = land(r, err);
    if (rc < 0)
        return rc;
    begun_ms = push_mono_ms(r->p);
    rc = queue_pop(r->p->idle_jobs, 0, &item);
    r->p->spent->held_ms += push_mono_ms(r->p) - begun_ms;
    if (rc < 0)
        return err_set(err, rc, "stopped");
    *ret = item;
    return 0;
}

static int start(struct reader *r, struct push_job *j, uint64_t offset, struct err *err)
{
    int rc = failpoint("push_read");

    if (rc < 0)
        return err_set(err, rc, "read '%s' at %" PRIu64 ": %m", volume_path(r->p->volume), offset);
    rc = push_gaps_known(r->p, offset, j->len)
             ? -EIO
             : volume_queue_push(r->reads, offset, j->data, j->len, j, err);
    if (rc != -EIO)
        return rc;
    rc = push_gaps_read(r->p, j, err);
    return rc < 0 ? rc : hand_on_data(r->p, j, err);
}

/* A pass may take hours: whether it gets there is to be seen before. */
static void tell_written(struct reader *r)
{
    const uint64_t now = push_mono_ms(r->p);
    uint64_t bytes;

    if (!r->p->run->progress || r->p->captured || now < r->written_ms)
        return;
    r->written_ms = now + WRITTEN_MS;
    bytes = track_written_bytes(r->p->track);
    if (bytes != UINT64_MAX)
        r->p->run->progress->written_bytes = bytes;
}

static int send(struct reader *r, uint64_t offset, uint64_t len, bool hole, struct err *err)
{
    struct push *p = r->p;
    struct push_job *j = NULL;
    int rc = take_job(r, &j, err);

    if (rc < 0)
        return rc;
    tell_written(r);
    j->region = r->region;
    j->first_block = (uint32_t)(offset % VOLUME_REGION / VOLUME_BLOCK);
    j->blocks = (uint32_t)num_div_up(len, VOLUME_BLOCK);
    j->len = (size_t)len;
    j->hole = hole;
    pthread_mutex_lock(&p->lock);
    r->region->open++;
    pthread_mutex_unlock(&p->lock);
    if (p->captured)
        return copy(p, j, offset, err);
    return hole ? hand_on(p, j, err) : start(r, j, offset, err);
}

/* The next piece of [at, end), which lies in one region: whole blocks of a hole, or data. */
static int next_piece(struct reader *r, uint64_t at, uint64_t end, uint64_t *ret_len,
                      bool *ret_hole, struct err *err)
{
    uint64_t len = end - at;
    int rc = r->p->captured ? 0 : holes_at(&r->holes, at, &len, ret_hole, err);

    if (rc < 0)
        return rc;
    len = num_min(len, end - at);
    if (*ret_hole && len >= VOLUME_BLOCK) {
        *ret_len = len / VOLUME_BLOCK * VOLUME_BLOCK;
        return 0;
    }
    *ret_hole = false;
    len = num_max(num_div_up(len, VOLUME_BLOCK), 1) * VOLUME_BLOCK;
    len = num_min(len, PUSH_JOB_BYTES - at % PUSH_JOB_BYTES);
    *ret_len = num_min(len, end - at);
    return 0;
}

static bool stopped(const struct push *p)
{
    return p->run->stop && atomic_load(p->run->stop);
}

static int read_piece(struct reader *r, uint64_t at, uint64_t end, uint64_t *ret_len,
                      struct err *err)
{
    bool hole = false;
    uint64_t len = 0;
    int rc;

    if (stopped(r->p))
        return err_set(err, -ECANCELED, "stopped");
    rc = next_piece(r, at, end, &len, &hole, err);
    if (rc == 0)
        rc = send(r, at, len, hole, err);
    if (rc == 0)
        *ret_len = len;
    return rc;
}

/* [from, to), in whole blocks but for the volume's end. */
static int read_blocks(struct reader *r, uint64_t from, uint64_t to, struct err *err)
{
    uint64_t len = 0;
    int rc = 0;

    for (uint64_t at = from; rc == 0 && at < to; at += len) {
        uint64_t border = (at / VOLUME_REGION + 1) * VOLUME_REGION;

        rc = open_region(r, (uint32_t)(at / VOLUME_REGION), err);
        if (rc == 0)
            rc = read_piece(r, at, num_min(border, to), &len, err);
    }
    return rc;
}

/* A region that the table does not know must be looked at as a whole. */
static int widen(struct reader *r, uint64_t *from, uint64_t *to, struct err *err)
{
    uint64_t size = r->p->size_bytes;
    uint64_t first = *from / VOLUME_REGION;
    uint64_t last = (*to - 1) / VOLUME_REGION;
    int rc = open_region(r, (uint32_t)first, err);

    if (rc == 0 && r->p->captured && !r->region->known)
        rc = err_set(err, -ESTALE, "region %u is not known from a pass before", (unsigned)first);
    if (rc != 0)
        return rc;
    *from = *from / VOLUME_BLOCK * VOLUME_BLOCK;
    *to = num_min(num_div_up(*to, VOLUME_BLOCK) * VOLUME_BLOCK, size);
    if (!r->region->known)
        *from = first * VOLUME_REGION;
    if (!r->region->known || last > first) /* later ones are not asked: a range rarely gets there */
        *to = num_min((last + 1) * VOLUME_REGION, size);
    return 0;
}

static int read_range(struct reader *r, uint64_t offset, uint64_t len, struct err *err)
{
    uint64_t from = num_max(offset, r->done);
    uint64_t to = num_min(offset + len, r->p->size_bytes);
    int rc;

    if (from >= to)
        return 0;
    rc = widen(r, &from, &to, err);
    from = num_max(from, r->done);
    if (rc == 0)
        rc = read_blocks(r, from, to, err);
    r->done = num_max(r->done, to);
    return rc;
}

static int next_dirty(struct reader *r, struct err *err)
{
    int rc = track_next(r->p->track, &r->dirty, err);

    r->dirty_some = rc == 1;
    return rc < 0 ? rc : 0;
}

/* What is sent or read again, whatever the tracker says. */
static bool next_again(const struct reader *r, struct track_range *ret)
{
    struct replica_range gap;
    bool some = push_gather_next(r->p, r->done, &ret->offset, &ret->len);

    if (!gaps_next(&r->p->gaps.again, r->done, &gap) || (some && ret->offset <= gap.offset))
        return some;
    *ret = (struct track_range){.offset = gap.offset, .len = gap.len};
    return true;
}

/* The tracker's ranges, and between them those: both ascend. */
static int read_dirty(struct reader *r, struct err *err)
{
    struct track_range again;
    int rc = next_dirty(r, err);

    if (rc == 0 && !r->dirty_some && !r->p->gather.all && r->p->gaps.again.n == 0)
        return 0;
    for (;;) {
        bool some = next_again(r, &again);

        if (rc < 0 || (!some && !r->dirty_some))
            return rc;
        if (some && (!r->dirty_some || again.offset < r->dirty.offset)) {
            rc = read_range(r, again.offset, again.len, err);
            continue;
        }
        rc = read_range(r, r->dirty.offset, r->dirty.len, err);
        if (rc == 0)
            rc = next_dirty(r, err);
    }
}

static int read_captured(struct reader *r, struct err *err)
{
    const struct capture *c = r->p->captured;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < capture_count(c); i++) {
        const struct capture_piece *piece = capture_piece(c, i);
        uint64_t end = piece->offset + piece->len;
        uint64_t to = 0;

        for (uint64_t at = piece->offset; rc == 0 && at < end; at = to) {
            to = num_min((at / VOLUME_REGION + 1) * VOLUME_REGION, end);
            rc = read_range(r, at, to - at, err);
        }
    }
    return rc;
}

static int read_what_counts(struct reader *r, struct err *err)
{
    if (r->p->captured)
        return read_captured(r, err);
    return r->p->full ? read_range(r, 0, r->p->size_bytes, err) : read_dirty(r, err);
}

static int read_all(struct reader *r, struct err *err)
{
    int rc = read_what_counts(r, err);

    if (rc == 0)
        rc = close_region(r, err);
    return rc < 0 ? rc : land_all(r, err);
}

int push_check_source(struct push *p, struct err *err)
{
    int rc = volume_check(p->volume, err);

    return rc == 0 && p->run->source_check ? p->run->source_check(p->run->source_arg, err) : rc;
}

int push_read(struct push *p, struct err *err)
{
    struct reader r = {
        .p = p, .holes = {.volume = p->volume}, .written_ms = push_mono_ms(p) + WRITTEN_MS};
    int rc =
        volume_queue_new(p->volume, (unsigned)num_min(p->jobs_n / 2, READS_MAX), &r.reads, err);

    if (rc == 0)
        rc = read_all(&r, err);
    volume_queue_free(r.reads);
    return rc < 0 || p->captured ? rc : push_check_source(p, err);
}

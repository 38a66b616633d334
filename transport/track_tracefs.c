/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracker where BPF is not to be had: a tracing buffer of our own (trace_buffer.c) records the
 * requests of the disk when they complete, and each pass takes out what it holds.
 *
 * Why no change is lost. Let W be a change and M its record; W is complete before M, and M before
 * anybody is told that W is. A pass takes out what was recorded, then reads.
 *
 * - M is taken out before the read: the read is after M, so after W, and sees it.
 * - M is not: it stays in the buffer, and the next pass takes it out.
 * - What was taken out and not committed is in the file, or the file does not say that it was taken
 *   out: the kernel counts what ever was (`read`), and the file has that number. A pass that dies
 *   in between, somebody else who reads the buffer, and a copy of the state directory are one
 * doubt.
 * - What did not fit into the buffer the kernel counts, too (`lost`): a doubt. So is what could not
 *   be marked, and the file keeps it beyond the pass in which it came.
 * - The first pass: everything is dirty, and recording begins before the first read.
 */
#include "transport/track_impl.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/trace_buffer.h"
#include "transport/trace_owner.h"
#include "transport/track_aim.h"
#include "transport/track_bits.h"
#include "transport/track_pin.h"
#include "transport/track_tally.h"
#include "transport/volume.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

#define TITLE "godwit tracefs 2"
#define FILE_NAME "tracker-tracefs"

enum { SECTOR = 512, PIECE = 64 << 20, NUMBER_MAX = 64 };

/* In the file, beside the bits. */
struct kept {
    char name[TRACE_OWNER_NAME];
    char boot[TRACK_PIN_BOOT + 1];
    uint64_t read;    /* as the kernel counts, when the bits were written */
    uint64_t sectors; /* of all events that were taken out */
    uint64_t beyond;  /* at most as many more were counted by the disk itself */
    uint64_t lost;    /* changes that could not be marked: a doubt until all is read again */
    struct track_aim aim;
};

struct tracefs {
    struct volume *volume;
    struct trace_buffer *buffer;
    struct kept kept;
    char file[PATH_MAX];
    char title[PATH_MAX];
    struct track_bits dirty; /* since the pass took its own */
    struct track_bits taken; /* by the pass */
    struct track_range rest; /* of the range that is told piece by piece */
    uint64_t told;           /* bytes, since the buffer was looked at */
    uint64_t events;
    int failed; /* of what could not be taken out */
    uint8_t *probe;
    struct err why; /* why everything is dirty; empty: it is not */
    bool missed;    /* the last doubt: the kernel did not tell of all that happened */
    bool one_range; /* a discard of this disk is one range */
    bool frozen;
};

/* ---- events ------------------------------------------------------------------- */

static void mark(struct tracefs *t, const struct trace_event *e)
{
    uint64_t first = t->kept.aim.first_sector;
    uint64_t end = 0;
    uint64_t from = num_max(e->sector, first);

    if (!num_add(e->sector, e->sectors, &end) ||
        (t->kept.aim.whole_disk && end > first + t->kept.aim.sectors)) {
        t->kept.lost++;
        return;
    }
    end = num_min(end, first + t->kept.aim.sectors);
    if (from < end)
        track_bits_set(&t->dirty, (from - first) * SECTOR, (end - from) * SECTOR);
}

static void note(void *arg, const struct trace_event *e)
{
    struct tracefs *t = arg;

    t->events++;
    if (e->sector != UINT64_MAX)
        t->kept.sectors += e->sectors;
    if (e->op == TRACE_NOTHING || e->op == TRACE_READ)
        return;
    if (e->op == TRACE_UNKNOWN || (e->op == TRACE_DISCARD && !t->one_range))
        t->kept.lost++;
    else
        mark(t, e);
}

/* Into dirty: all that was recorded before this call. */
static void collect(struct tracefs *t)
{
    int rc = t->buffer ? trace_buffer_drain(t->buffer, note, t) : -ENOENT;

    if (rc == 0)
        return;
    t->failed = rc;
    t->kept.lost++; /* whoever opens it next does not know why */
}

/* ---- what survives this process ------------------------------------------------- */

static int save(struct tracefs *t, const struct track_bits *also, struct err *err)
{
    struct trace_counts counts = {0};
    int rc = trace_buffer_counts(t->buffer, &counts, err);

    if (rc < 0)
        return rc;
    t->kept.read = counts.read;
    return track_bits_save(&t->dirty, also, t->file, t->title, slice_of(&t->kept, sizeof(t->kept)),
                           err);
}

static int load(struct tracefs *t, struct err *err)
{
    struct kept kept;
    struct trace_counts counts = {0};
    int rc = track_bits_load(&t->dirty, t->file, t->title, &kept, sizeof(kept), err);

    if (rc == -ENOENT)
        return err_set(err, rc, "it was not tracked before");
    if (rc == -ESTALE)
        return err_set(err, rc, "the device is another one, or of another size");
    if (rc < 0)
        return rc;
    if (memcmp(kept.boot, t->kept.boot, sizeof(kept.boot)) != 0)
        return err_set(err, -ESTALE, "the machine was started anew since");
    kept.name[sizeof(kept.name) - 1] = '\0';
    if (!track_aim_is(&kept.aim, &t->kept.aim))
        return err_set(err, -ESTALE, "the partition is not what it was");
    t->kept = kept;
    rc = trace_buffer_open(kept.name, &t->buffer, err);
    if (rc == 0)
        rc = trace_buffer_counts(t->buffer, &counts, err);
    if (rc == 0 && counts.read != kept.read)
        rc = err_set(err, -ESTALE,
                     "the tracing buffer was read by somebody else, or by a pass that did not end");
    return rc;
}

/* ---- doubts ---------------------------------------------------------------------- */

static int check_counts(struct tracefs *t, struct err *err)
{
    struct trace_counts counts = {0};
    int rc = trace_buffer_counts(t->buffer, &counts, err);

    if (rc == 0 && (counts.lost > 0 || t->failed == -ESTALE))
        rc = err_set(err, -EOVERFLOW,
                     "the tracing buffer was too small for what came between two looks");
    if (rc == 0 && t->failed < 0)
        rc = err_set(err, t->failed, "read the tracing buffer: %m");
    if (rc == 0 && t->kept.lost > 0)
        rc = err_set(err, -EOVERFLOW, "%llu changes could not be marked",
                     (unsigned long long)t->kept.lost);
    return rc;
}

/* The disk counts its sectors after it told of them: what it had counted before they were taken out
 * can be no more beyond them than it was; what it has now says what the most is (track_tally.c). */
static int check_tally(struct tracefs *t, uint64_t counted, struct err *err)
{
    int64_t more = (int64_t)(counted - t->kept.sectors - t->kept.beyond);
    uint64_t now = 0;
    int rc = track_tally_disk(&t->kept.aim, &now, err);

    /* As if an event of 4 KiB had not been recorded. */
    if (failpoint("track_tally") < 0)
        more += 8;
    if (rc == 0 && more > 0)
        return err_set(err, -EOVERFLOW, "the disk completed %lld sectors more than were seen",
                       (long long)more);
    if (rc == 0 && (int64_t)(now - t->kept.sectors - t->kept.beyond) < 0)
        t->kept.beyond = now - t->kept.sectors;
    return rc;
}

/* The end of the way is tried, too. ret_counted is what the disk had counted before the events were
 * taken out. */
static int check_seen(struct tracefs *t, uint64_t *ret_counted, struct err *err)
{
    uint64_t before = t->events;
    size_t len = (size_t)num_min(volume_size(t->volume), VOLUME_SECTOR);
    int rc = len == 0 ? 0 : volume_read(t->volume, 0, t->probe, len, err);

    if (rc == 0)
        rc = track_tally_disk(&t->kept.aim, ret_counted, err);
    collect(t);
    if (rc == 0 && len > 0 && t->events == before)
        rc = err_set(err, -EOVERFLOW, "a read of '%s' went by unseen", volume_path(t->volume));
    return rc;
}

static int check_aim(struct tracefs *t, struct err *err)
{
    struct track_aim now = {0};
    int rc = track_aim_take(t->volume, &now, err);

    if (rc == 0 && !track_aim_is(&now, &t->kept.aim))
        rc = err_set(err, -ESTALE, "'%s' lies elsewhere on its disks now", volume_path(t->volume));
    return rc;
}

/* Any doubt at all: not 0; -EOVERFLOW is one of the kernel. Takes out what was recorded. */
static int examine(struct tracefs *t, struct err *err)
{
    uint64_t counted = 0;
    int rc = t->buffer ? 0 : err_set(err, -ESTALE, "recording has ended");

    if (rc == 0)
        rc = volume_check(t->volume, err);
    if (rc == 0)
        rc = check_aim(t, err);
    if (rc == 0)
        rc = check_seen(t, &counted, err);
    if (rc == 0)
        rc = check_counts(t, err);
    return rc < 0 ? rc : check_tally(t, counted, err);
}

/* ---- opening ---------------------------------------------------------------------- */

static void drop(struct tracefs *t)
{
    trace_buffer_close(TAKE(t->buffer));
    if (t->kept.name[0])
        trace_owner_drop(t->kept.name);
    t->kept.name[0] = '\0';
}

static int go_on(struct tracefs *t, struct err *err)
{
    int rc = load(t, err);

    if (rc == 0)
        rc = examine(t, err);
    t->missed = rc == -EOVERFLOW;
    return rc;
}

static int start_anew(struct tracefs *t, struct err *err)
{
    const struct track_aim *aim = &t->kept.aim;
    int rc;

    drop(t);
    t->kept.lost = 0;
    t->failed = 0;
    t->kept.sectors = 0;
    track_bits_fill(&t->dirty);
    rc = trace_owner_new(t->file, t->kept.name, err);
    if (rc == 0)
        rc = trace_buffer_new(t->kept.name, aim->major, aim->minor, &t->buffer, err);
    if (rc == 0)
        rc = track_tally_disk(aim, &t->kept.beyond, err);
    if (rc == 0)
        rc = examine(t, err);
    if (rc == 0)
        rc = save(t, NULL, err);
    if (rc < 0)
        drop(t);
    return rc;
}

static void tracefs_close(void *self)
{
    struct tracefs *t = self;
    struct trace_counts counts = {0};

    /* What was taken out since is not in the file yet. */
    if (t->buffer && !t->failed && trace_buffer_counts(t->buffer, &counts, NULL) == 0 &&
        counts.read != t->kept.read)
        (void)save(t, NULL, NULL);
    trace_buffer_close(t->buffer);
    track_bits_done(&t->dirty);
    track_bits_done(&t->taken);
    free(t->probe);
    free(t);
}

static bool has_one_range(const struct track_aim *aim)
{
    auto_buf struct buf text = {0};
    char path[PATH_MAX];

    return text_print(path, sizeof(path), "/sys/dev/block/%u:%u/queue/max_discard_segments",
                      aim->major, aim->minor) == 0 &&
           fd_load_proc(path, NUMBER_MAX, &text, NULL) == 0 && buf_cstr(&text) &&
           strcmp(buf_cstr(&text), "1\n") == 0;
}

static int prepare(struct tracefs *t, const char *state_dir, struct err *err)
{
    auto_free char *real = NULL;
    int rc = track_aim_take(t->volume, &t->kept.aim, err);

    if (rc == 0)
        rc = track_pin_boot(t->kept.boot, err);
    if (rc < 0)
        return rc;
    t->one_range = has_one_range(&t->kept.aim);
    real = realpath(state_dir, NULL);
    if (!real)
        return err_set(err, -errno, "state directory '%s': %m", state_dir);
    if (text_print(t->file, sizeof(t->file), "%s/" FILE_NAME, real) < 0 ||
        text_print(t->title, sizeof(t->title), TITLE " %s\n", volume_identity(t->volume)) < 0)
        return err_set(err, -ENAMETOOLONG, "'%s': %m", state_dir);
    rc = track_bits_init(&t->dirty, volume_size(t->volume), err);
    if (rc == 0)
        rc = track_bits_init(&t->taken, volume_size(t->volume), err);
    t->probe = aligned_alloc(VOLUME_SECTOR, VOLUME_SECTOR);
    return rc == 0 && !t->probe ? err_set(err, -ENOMEM, "change tracker: %m") : rc;
}

static int tracefs_open(struct volume *v, const char *state_dir, void **ret_self, struct err *err)
{
    struct tracefs *t = calloc(1, sizeof(*t));
    int rc;

    if (!t)
        return err_set(err, -ENOMEM, "change tracker: %m");
    t->volume = v;
    rc = prepare(t, state_dir, err);
    if (rc == 0 && go_on(t, &t->why) < 0)
        rc = start_anew(t, err);
    else if (rc == 0)
        err_clear(&t->why);
    if (rc < 0) {
        tracefs_close(t);
        if (rc == -ENOMEM)
            return rc;
        /* Whatever it was, a scan can do without. */
        rc = rc == -EOVERFLOW ? rc : -EOPNOTSUPP;
        err_add(err, rc, "no tracing in the kernel");
        if (err)
            err->code = rc;
        return rc;
    }
    *ret_self = t;
    return 0;
}

/* ---- a pass ------------------------------------------------------------------------ */

static void move(struct tracefs *t)
{
    track_bits_copy(&t->taken, &t->dirty);
    track_bits_clear(&t->dirty);
    t->rest = (struct track_range){0};
    t->told = 0;
    t->frozen = true;
}

static void tracefs_take(void *self)
{
    struct tracefs *t = self;

    collect(t);
    move(t);
}

/* Whoever opens it next begins anew. */
static int doubt(struct tracefs *t, struct err *err)
{
    drop(t);
    err_add(err, -ESTALE, "changes may have been missed");
    if (err)
        err->code = -ESTALE;
    return -ESTALE;
}

static int tracefs_trust(void *self, struct err *err)
{
    struct tracefs *t = self;
    int rc = examine(t, err);

    t->missed = rc == -EOVERFLOW;
    if (rc < 0)
        return doubt(t, err);
    rc = save(t, &t->taken, err);
    return rc < 0 ? doubt(t, err) : 0;
}

/* Into the file before anything is taken: a pass that dies gives it back. */
static int tracefs_freeze(void *self, struct err *err)
{
    struct tracefs *t = self;
    int rc = tracefs_trust(t, err);

    if (rc == 0)
        move(t);
    return rc;
}

/* The buffer has room for a while, not for a seed of hours. Not without need: a pass that dies
 * after it is a doubt. */
static void make_room(struct tracefs *t)
{
    t->told = 0;
    if (trace_buffer_is_filling(t->buffer))
        collect(t);
}

/* Long ranges piece by piece. */
static int tracefs_next(void *self, struct track_range *ret, struct err *err)
{
    struct tracefs *t = self;

    (void)err;
    if (t->rest.len == 0 && track_bits_next(&t->taken, &t->rest) == 0)
        return 0;
    if (t->told >= PIECE)
        make_room(t);
    *ret = t->rest;
    ret->len = num_min(ret->len, PIECE);
    t->told += ret->len;
    t->rest.offset += ret->len;
    t->rest.len -= ret->len;
    return 1;
}

static int tracefs_marked(void *self, uint64_t offset, uint64_t len)
{
    struct tracefs *t = self;

    collect(t);
    return track_bits_any(&t->taken, offset, len) || track_bits_any(&t->dirty, offset, len);
}

static int tracefs_commit(void *self, struct err *err)
{
    struct tracefs *t = self;
    int rc = save(t, NULL, err);

    if (rc < 0)
        return rc;
    track_bits_clear(&t->taken);
    t->frozen = false;
    err_clear(&t->why);
    return 0;
}

static void tracefs_abort(void *self)
{
    struct tracefs *t = self;

    track_bits_add(&t->dirty, &t->taken);
    track_bits_clear(&t->taken);
    t->frozen = false;
}

static uint64_t tracefs_dirty_bytes(const void *self)
{
    const struct tracefs *t = self;

    return t->frozen ? track_bits_bytes(&t->taken) : UINT64_MAX;
}

static const char *tracefs_rescan(const void *self)
{
    const struct tracefs *t = self;

    return t->why.text;
}

static bool tracefs_missed(const void *self)
{
    const struct tracefs *t = self;

    return t->missed;
}

static bool tracefs_forget(const char *state_dir)
{
    auto_free char *real = realpath(state_dir, NULL);
    char file[PATH_MAX];

    if (!real || text_print(file, sizeof(file), "%s/" FILE_NAME, real) < 0 || unlink(file) < 0)
        return false;
    trace_owner_end(file);
    return true;
}

const struct track_ops track_tracefs_ops = {
    .kind = "tracefs",
    .open = tracefs_open,
    .close = tracefs_close,
    .freeze = tracefs_freeze,
    .take = tracefs_take,
    .trust = tracefs_trust,
    .next = tracefs_next,
    .marked = tracefs_marked,
    .commit = tracefs_commit,
    .abort = tracefs_abort,
    .dirty_bytes = tracefs_dirty_bytes,
    .rescan = tracefs_rescan,
    .missed = tracefs_missed,
    .forget = tracefs_forget,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracker that lets the kernel mark what changes (track_bpf.c) and reads the marks
 * (track_map.c): a pass costs what changed. Here: where its pins are, and every doubt that ends in
 * a rescan.
 */
#include "transport/track_impl.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/num.h"
#include "transport/track_aim.h"
#include "transport/track_bpf.h"
#include "transport/track_map.h"
#include "transport/track_pin.h"
#include "transport/track_tally.h"
#include "transport/volume.h"

#include <stdlib.h>

#include "base/banned.h"

struct ebpf {
    struct volume *volume;
    struct track_aim aim;
    struct track_pin pin;
    struct track_bpf *bpf;
    struct track_map map;
    uint8_t *probe; /* a sector, to see whether reading it is seen */
    struct err why; /* why everything is dirty; empty: it is not */
    bool missed;    /* the last doubt: the kernel did not tell of all that happened */
};

/* What failed stays in the text; callers decide by this code. */
static int call_it(int code, struct err *err, const char *what)
{
    err_add(err, code, "%s", what);
    if (err)
        err->code = code;
    return code;
}

/* The end of the way is tried, too: a read of the volume must be seen by the program. Finds what
 * nothing else tells, such as another device below this one. */
static int check_seen(struct ebpf *e, struct err *err)
{
    uint64_t before = 0;
    uint64_t after = 0;
    size_t len = (size_t)num_min(volume_size(e->volume), VOLUME_SECTOR);
    int rc;

    if (len == 0)
        return 0;
    rc = track_bpf_count(e->bpf, TRACK_COUNT_SEEN, &before, err);
    if (rc == 0)
        rc = volume_read(e->volume, 0, e->probe, len, err);
    if (rc == 0)
        rc = track_bpf_count(e->bpf, TRACK_COUNT_SEEN, &after, err);
    if (rc == 0 && after == before)
        return err_set(err, -EOVERFLOW, "a read of '%s' went by unseen", volume_path(e->volume));
    return rc;
}

static int check_lost(struct ebpf *e, struct err *err)
{
    uint64_t lost = 0;
    int rc = track_bpf_count(e->bpf, TRACK_COUNT_LOST, &lost, err);

    if (rc == 0 && lost > 0)
        return err_set(err, -EOVERFLOW, "%llu changes could not be marked",
                       (unsigned long long)lost);
    return rc;
}

/* A table of device-mapper can be loaded anew under a volume. */
static int check_aim(const struct ebpf *e, struct err *err)
{
    struct track_aim now = {0};
    int rc = track_aim_take(e->volume, &now, err);

    if (rc == 0 && !track_aim_is(&now, &e->aim))
        return err_set(err, -ESTALE, "'%s' lies elsewhere on its disks now",
                       volume_path(e->volume));
    return rc;
}

/* Any doubt at all: not 0; -EOVERFLOW is one of the kernel. */
static int examine(struct ebpf *e, struct err *err)
{
    int rc = volume_check(e->volume, err);

    if (rc == 0)
        rc = check_aim(e, err);
    if (rc == 0)
        rc = track_bpf_check(e->bpf, err);
    if (rc == 0)
        rc = check_lost(e, err);
    if (rc == 0)
        rc = track_tally_check(e->bpf, &e->aim, err);
    if (rc == 0)
        rc = check_seen(e, err);
    return rc;
}

/* What an earlier run left, if there is no doubt of it. */
static int go_on(struct ebpf *e, struct err *err)
{
    int rc = track_pin_find(&e->pin, err);

    if (rc == 0)
        rc = track_bpf_open(e->pin.dir, &e->aim, &e->bpf, err);
    if (rc == 0)
        rc = examine(e, err);
    e->missed = rc == -EOVERFLOW;
    return rc;
}

static int start_anew(struct ebpf *e, struct err *err)
{
    int rc;

    track_bpf_close(TAKE(e->bpf));
    track_pin_drop(&e->pin);
    rc = track_pin_new(&e->pin, err);
    if (rc == 0)
        rc = track_bpf_new(&e->aim, e->pin.dir, track_pin_about(&e->pin), &e->bpf, err);
    if (rc == 0)
        rc = track_tally_begin(e->bpf, &e->aim, err);
    if (rc == 0)
        rc = examine(e, err);
    if (rc < 0)
        track_pin_drop(&e->pin);
    return rc;
}

static int init_map(struct ebpf *e, struct err *err)
{
    e->map.fine = track_bpf_fine(e->bpf);
    e->map.coarse = track_bpf_coarse(e->bpf);
    e->map.size_bytes = volume_size(e->volume);
    e->map.shift = e->aim.shift;
    return track_map_init(&e->map, err);
}

static void ebpf_close(void *self)
{
    struct ebpf *e = self;

    track_map_done(&e->map);
    track_bpf_close(e->bpf);
    free(e->probe);
    free(e);
}

static int begin(struct ebpf *e, struct volume *v, const char *state_dir, struct err *err)
{
    int rc = track_aim_take(v, &e->aim, err);

    if (rc < 0)
        return rc;
    e->volume = v;
    e->probe = aligned_alloc(VOLUME_SECTOR, VOLUME_SECTOR);
    if (!e->probe)
        return err_set(err, -ENOMEM, "change tracker: %m");
    rc = track_pin_init(&e->pin, state_dir, volume_identity(v), &e->aim, err);
    if (rc == 0 && go_on(e, &e->why) < 0)
        rc = start_anew(e, err);
    else if (rc == 0)
        err_clear(&e->why);
    return rc;
}

static int ebpf_open(struct volume *v, const char *state_dir, void **ret_self, struct err *err)
{
    struct ebpf *e = calloc(1, sizeof(*e));
    int rc;

    if (!e)
        return err_set(err, -ENOMEM, "change tracker: %m");
    rc = begin(e, v, state_dir, err);
    if (rc == 0)
        rc = init_map(e, err);
    if (rc < 0) {
        ebpf_close(e);
        if (rc == -ENOMEM)
            return rc;
        /* Whatever it was, a scan can do without. */
        return call_it(rc == -EOVERFLOW ? rc : -EOPNOTSUPP, err, "no tracking in the kernel");
    }
    *ret_self = e;
    return 0;
}

static void ebpf_take(void *self)
{
    struct ebpf *e = self;

    track_map_take(&e->map);
    /* A tracker that misses: for the test of who watches it. */
    if (failpoint("track_miss") < 0)
        track_map_commit(&e->map);
}

static int ebpf_trust(void *self, struct err *err)
{
    struct ebpf *e = self;
    int rc = examine(e, err);

    e->missed = rc == -EOVERFLOW;
    if (rc == 0)
        return 0;
    /* Whoever opens it next begins anew. */
    track_pin_drop(&e->pin);
    return call_it(-ESTALE, err, "changes may have been missed");
}

static int ebpf_freeze(void *self, struct err *err)
{
    int rc = ebpf_trust(self, err);

    if (rc == 0)
        ebpf_take(self);
    return rc;
}

static int ebpf_next(void *self, struct track_range *ret, struct err *err)
{
    struct ebpf *e = self;

    (void)err;
    return track_map_next(&e->map, ret);
}

static int ebpf_marked(void *self, uint64_t offset, uint64_t len)
{
    const struct ebpf *e = self;

    return track_map_marked(&e->map, offset, len);
}

static int ebpf_commit(void *self, struct err *err)
{
    struct ebpf *e = self;

    (void)err;
    track_map_commit(&e->map);
    err_clear(&e->why);
    return 0;
}

static void ebpf_abort(void *self)
{
    struct ebpf *e = self;

    track_map_abort(&e->map);
}

static uint64_t ebpf_dirty_bytes(const void *self)
{
    const struct ebpf *e = self;

    return track_map_dirty_bytes(&e->map);
}

static uint64_t ebpf_written_bytes(const void *self)
{
    const struct ebpf *e = self;

    return track_map_written_bytes(&e->map);
}

static const char *ebpf_rescan(const void *self)
{
    const struct ebpf *e = self;

    return e->why.text;
}

static bool ebpf_missed(const void *self)
{
    const struct ebpf *e = self;

    return e->missed;
}

const struct track_ops track_ebpf_ops = {
    .kind = "ebpf",
    .open = ebpf_open,
    .close = ebpf_close,
    .freeze = ebpf_freeze,
    .take = ebpf_take,
    .trust = ebpf_trust,
    .next = ebpf_next,
    .marked = ebpf_marked,
    .commit = ebpf_commit,
    .abort = ebpf_abort,
    .dirty_bytes = ebpf_dirty_bytes,
    .written_bytes = ebpf_written_bytes,
    .rescan = ebpf_rescan,
    .missed = ebpf_missed,
    .forget = track_pin_forget,
};

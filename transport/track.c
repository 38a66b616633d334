/* SPDX-License-Identifier: Apache-2.0 */
/* The table of change trackers and the dispatchers around them, which keep the order of the two
 * phases. */
#include "transport/track_impl.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/gw.h"
#include "base/text.h"
#include "transport/trace_owner.h"
#include "transport/track_doubts.h"
#include "transport/track_pin.h"
#include "transport/volume.h"

#include <string.h>

#include "base/banned.h"

/* In the order in which "auto" tries them; the last one always works. */
static const struct track_ops *const trackers[] = {
    &track_ebpf_ops,
    &track_tracefs_ops,
    &track_nbd_ops,
    &track_scan_ops,
};

struct track {
    const struct track_ops *ops;
    void *self;
    const char *state_dir;
    bool frozen;
    struct err passed_over; /* why "auto" did not take a better one */
    struct err why;         /* why everything is dirty, when it is more than the tracker knows */
};

static bool has_missed(const struct track *t)
{
    return t->ops->missed && t->ops->missed(t->self);
}

/* Best effort: who is not noted has the next turn once more. */
static void note_missed(const struct track *t, const struct track_ops *ops)
{
    (void)track_doubts_add(t->state_dir, ops->kind, NULL);
}

static int open_one(const struct track_ops *ops, struct volume *v, struct track *t, struct err *err)
{
    int rc = ops->open(v, t->state_dir, &t->self, err);

    if (rc == 0)
        t->ops = ops;
    if (rc == -EOVERFLOW || (rc == 0 && has_missed(t)))
        note_missed(t, ops);
    return rc;
}

/* Of those that are not tried yet the one that missed least, and of these the first: what never
 * knows that it missed something comes last. */
static int next_best(const struct volume *v, const char *state_dir, unsigned *tried, size_t *ret,
                     struct err *err)
{
    uint64_t least = UINT64_MAX;
    size_t best = ARRAY_LEN(trackers) - 1;

    for (size_t i = ARRAY_LEN(trackers); i-- > 0;) {
        const struct track_ops *ops = trackers[i];
        uint64_t n = UINT64_MAX;
        int rc = 0;

        if ((*tried & 1U << i) || (ops->only && !text_equal(ops->only, volume_kind(v))))
            continue; /* nobody wonders why one for other volumes was passed over */
        if (ops->missed)
            rc = track_doubts_get(state_dir, ops->kind, &n, err);
        if (rc < 0)
            return rc;
        if (n <= least) {
            least = n;
            best = i;
        }
    }
    *tried |= 1U << best;
    *ret = best;
    return 0;
}

static int open_best(struct volume *v, struct track *t, struct err *err)
{
    unsigned tried = 0;
    size_t best = 0;
    int rc;

    do {
        rc = next_best(v, t->state_dir, &tried, &best, err);
        if (rc < 0)
            return rc;
        rc = open_one(trackers[best], v, t, err);
        /* What the best one lacks helps most. */
        if (rc < 0 && err && !t->passed_over.text[0])
            t->passed_over = *err;
        if (rc == -EOVERFLOW && err)
            t->why = *err;
    } while (rc == -EOPNOTSUPP || rc == -EOVERFLOW);
    return rc;
}

static int open_auto(struct volume *v, struct track *t, struct err *err)
{
    int rc = open_best(v, t, err);

    if (rc == 0 && has_missed(t)) {
        /* Everything has to be read as it is: now it costs nothing to take another. */
        err_set(&t->why, -ESTALE, "%s", t->ops->rescan(t->self));
        t->ops->close(t->self);
        rc = open_best(v, t, err);
    }
    if (rc == 0)
        err_clear(err);
    return rc;
}

/* What others record in the kernel for this state directory costs each request of the disk. A scan
 * may be of one pass only. */
static void forget_others(struct track *t)
{
    const char *left = NULL;

    for (size_t i = 0; t->ops->forget && i < ARRAY_LEN(trackers); i++)
        if (trackers[i] != t->ops && trackers[i]->forget && trackers[i]->forget(t->state_dir))
            left = trackers[i]->kind;
    if (!left || !track_rescan(t)[0])
        return;
    if (!t->why.text[0])
        err_set(&t->why, -ESTALE, "%s", t->ops->rescan(t->self));
    err_add(&t->why, -ESTALE, "'%s' tracks from here on, and no longer '%s'", t->ops->kind, left);
}

/* The tracker that was asked for cannot be had: the user's choice to change. */
static int refuse(const char *kind, const struct volume *v, struct err *err)
{
    if (err) {
        err->gw = GW_BAD_VALUE;
        err->code = -EOPNOTSUPP;
    }
    return err_add(err, -EOPNOTSUPP, "change tracker '%s' cannot track '%s'", kind, volume_path(v));
}

static int open_kind(const char *kind, struct volume *v, struct track *t, struct err *err)
{
    int rc;

    for (size_t i = 0; i < ARRAY_LEN(trackers); i++) {
        if (strcmp(trackers[i]->kind, kind) != 0)
            continue;
        rc = open_one(trackers[i], v, t, err);
        return rc == -EOPNOTSUPP || rc == -EOVERFLOW ? refuse(kind, v, err) : rc;
    }
    return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "unknown change tracker '%s'", kind);
}

int track_open(const char *kind, struct volume *v, const char *state_dir, struct track **ret,
               struct err *err)
{
    auto_free struct track *t = calloc(1, sizeof(*t));
    int rc;

    if (!t)
        return err_set(err, -ENOMEM, "change tracker: %m");
    t->state_dir = state_dir;
    if (strcmp(kind, "auto") == 0)
        rc = open_auto(v, t, err);
    else
        rc = open_kind(kind, v, t, err);
    if (rc < 0)
        return rc;
    forget_others(t);
    *ret = TAKE(t);
    return 0;
}

void track_close(struct track *t)
{
    if (!t)
        return;
    track_abort(t);
    t->ops->close(t->self);
    free(t);
}

const char *track_kind(const struct track *t)
{
    return t->ops->kind;
}

const char *track_rescan(const struct track *t)
{
    if (t->why.text[0])
        return t->why.text;
    return t->ops->rescan ? t->ops->rescan(t->self) : t->passed_over.text;
}

int track_freeze(struct track *t, struct err *err)
{
    int rc;

    if (t->frozen)
        return err_set(err, -EALREADY, "the dirty set is frozen already");
    rc = failpoint("track_freeze");
    if (rc < 0)
        return err_set(err, rc, "freeze the dirty set: %m");
    rc = t->ops->freeze(t->self, err);
    if (rc == -ESTALE && has_missed(t))
        note_missed(t, t->ops);
    t->frozen = rc == 0;
    return rc;
}

int track_take(struct track *t)
{
    if (t->frozen)
        return -EALREADY;
    if (!t->ops->take)
        return -EOPNOTSUPP;
    t->ops->take(t->self);
    t->frozen = true;
    return 0;
}

int track_trust(struct track *t, struct err *err)
{
    int rc = t->frozen ? 0 : -EINVAL;

    if (rc < 0)
        return err_set(err, rc, "the dirty set is not frozen");
    if (t->ops->trust)
        rc = t->ops->trust(t->self, err);
    if (rc == -ESTALE && has_missed(t))
        note_missed(t, t->ops);
    if (rc < 0)
        track_abort(t);
    return rc;
}

int track_next(struct track *t, struct track_range *ret, struct err *err)
{
    if (!t->frozen)
        return err_set(err, -EINVAL, "the dirty set is not frozen");
    return t->ops->next(t->self, ret, err);
}

int track_marked(struct track *t, uint64_t offset, uint64_t len)
{
    return t->ops->marked ? t->ops->marked(t->self, offset, len) : -EOPNOTSUPP;
}

int track_commit(struct track *t, struct err *err)
{
    int rc;

    if (!t->frozen)
        return err_set(err, -EINVAL, "the dirty set is not frozen");
    rc = failpoint("track_commit");
    if (rc == 0)
        rc = t->ops->commit(t->self, err);
    if (rc < 0)
        return rc;
    t->frozen = false;
    err_clear(&t->why);
    return 0;
}

void track_abort(struct track *t)
{
    if (!t->frozen)
        return;
    t->ops->abort(t->self);
    t->frozen = false;
}

void track_sweep(void)
{
    track_pin_sweep();
    trace_owner_sweep();
}

uint64_t track_dirty_bytes(const struct track *t)
{
    return t->ops->dirty_bytes(t->self);
}

uint64_t track_written_bytes(const struct track *t)
{
    return t->frozen && t->ops->written_bytes ? t->ops->written_bytes(t->self) : UINT64_MAX;
}

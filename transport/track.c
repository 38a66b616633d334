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
    bool frozen;
    struct err passed_over; /* why "auto" did not take a better one */
};

static int open_auto(struct volume *v, const char *state_dir, struct track *t, struct err *err)
{
    int rc = -EOPNOTSUPP;

    for (size_t i = 0; i < ARRAY_LEN(trackers); i++) {
        if (trackers[i]->only && !text_equal(trackers[i]->only, volume_kind(v)))
            continue; /* nobody wonders why it was passed over */
        rc = trackers[i]->open(v, state_dir, &t->self, err);
        if (rc == 0)
            t->ops = trackers[i];
        if (rc != -EOPNOTSUPP)
            break;
        if (err)
            t->passed_over = *err;
    }
    if (rc == 0)
        err_clear(err);
    return rc;
}

/* The tracker that was asked for cannot be had: the user's choice to change. */
static int refuse(const char *kind, const struct volume *v, struct err *err)
{
    if (err)
        err->gw = GW_BAD_VALUE;
    return err_add(err, -EOPNOTSUPP, "change tracker '%s' cannot track '%s'", kind, volume_path(v));
}

static int open_kind(const char *kind, struct volume *v, const char *state_dir, struct track *t,
                     struct err *err)
{
    int rc;

    for (size_t i = 0; i < ARRAY_LEN(trackers); i++) {
        if (strcmp(trackers[i]->kind, kind) != 0)
            continue;
        t->ops = trackers[i];
        rc = trackers[i]->open(v, state_dir, &t->self, err);
        return rc == -EOPNOTSUPP ? refuse(kind, v, err) : rc;
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
    if (strcmp(kind, "auto") == 0)
        rc = open_auto(v, state_dir, t, err);
    else
        rc = open_kind(kind, v, state_dir, t, err);
    if (rc < 0)
        return rc;
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
    if (rc == 0)
        t->frozen = false;
    return rc;
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

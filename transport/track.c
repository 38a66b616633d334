/* SPDX-License-Identifier: Apache-2.0 */
/* The table of change trackers and the dispatchers around them, which keep the order of the two
 * phases. */
#include "transport/track_impl.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/gw.h"

#include <string.h>

#include "base/banned.h"

/* In the order in which "auto" tries them; the last one always works. */
static const struct track_ops *const trackers[] = {
    &track_scan_ops,
};

struct track {
    const struct track_ops *ops;
    void *self;
    bool frozen;
};

static int open_auto(struct volume *v, const char *state_dir, struct track *t, struct err *err)
{
    int rc = -EOPNOTSUPP;

    for (size_t i = 0; i < ARRAY_LEN(trackers); i++) {
        rc = trackers[i]->open(v, state_dir, &t->self, err);
        if (rc == 0)
            t->ops = trackers[i];
        if (rc != -EOPNOTSUPP)
            break;
    }
    if (rc == 0)
        err_clear(err);
    return rc;
}

static int open_kind(const char *kind, struct volume *v, const char *state_dir, struct track *t,
                     struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(trackers); i++) {
        if (strcmp(trackers[i]->kind, kind) != 0)
            continue;
        t->ops = trackers[i];
        return trackers[i]->open(v, state_dir, &t->self, err);
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

int track_next(struct track *t, struct track_range *ret, struct err *err)
{
    if (!t->frozen)
        return err_set(err, -EINVAL, "the dirty set is not frozen");
    return t->ops->next(t->self, ret, err);
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

uint64_t track_dirty_bytes(const struct track *t)
{
    return t->ops->dirty_bytes(t->self);
}

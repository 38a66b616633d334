/* SPDX-License-Identifier: Apache-2.0 */
/* The tracker that knows nothing and is always right: every pass, the whole volume may have
 * changed. Comparing it with the digest table is the pass's business. */
#include "transport/track_impl.h"

#include "base/err.h"
#include "transport/volume.h"

#include <stdlib.h>

#include "base/banned.h"

struct scan {
    struct volume *volume;
    bool told; /* the one range of this pass */
};

static int scan_open(struct volume *v, const char *state_dir, void **ret_self, struct err *err)
{
    struct scan *s = calloc(1, sizeof(*s));

    (void)state_dir; /* nothing survives, because nothing is known */
    if (!s)
        return err_set(err, -ENOMEM, "change tracker: %m");
    s->volume = v;
    *ret_self = s;
    return 0;
}

static void scan_close(void *self)
{
    free(self);
}

static void scan_take(void *self)
{
    struct scan *s = self;

    s->told = volume_size(s->volume) == 0;
}

static int scan_freeze(void *self, struct err *err)
{
    (void)err;
    scan_take(self);
    return 0;
}

static int scan_next(void *self, struct track_range *ret, struct err *err)
{
    struct scan *s = self;

    (void)err;
    if (s->told)
        return 0;
    *ret = (struct track_range){.offset = 0, .len = volume_size(s->volume)};
    s->told = true;
    return 1;
}

static int scan_commit(void *self, struct err *err)
{
    (void)self;
    (void)err;
    return 0;
}

static void scan_abort(void *self)
{
    (void)self;
}

static uint64_t scan_dirty_bytes(const void *self)
{
    (void)self;
    return UINT64_MAX;
}

const struct track_ops track_scan_ops = {
    .kind = "scan",
    .open = scan_open,
    .close = scan_close,
    .freeze = scan_freeze,
    .take = scan_take,
    .next = scan_next,
    .commit = scan_commit,
    .abort = scan_abort,
    .dirty_bytes = scan_dirty_bytes,
};

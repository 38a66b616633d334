/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracker that asks the server of an NBD export. Two ways:
 *
 * qmp=PATH: bitmaps of our own, which a pass takes and removes (track_nbd_own.c).
 * bitmap=NAME: one that somebody made and that only grows. NBD can read a bitmap and not clear it,
 * so each pass looks at everything that changed since it was made. Whoever names it says that it
 * records every write and is not cleared; that it still holds what it held at the last pass is
 * checked, and when not, everything is read.
 */
#include "transport/track_impl.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/text.h"
#include "transport/track_nbd.h"
#include "transport/volume.h"
#include "transport/volume_nbd.h"

#include <limits.h>
#include <string.h>

#include "base/banned.h"

#define SEEN_WORD "godwit nbd seen 1"

struct nbd {
    struct volume *volume;
    struct nbd_uri uri;
    struct track_nbd_own *own; /* NULL: a bitmap that only grows */
    char seen_file[PATH_MAX];
    struct track_bits seen;  /* at the last commit; likewise */
    struct track_bits dirty; /* of this pass */
    struct err why;          /* why everything is dirty; empty: it is not */
    bool frozen;
};

/* ---- a bitmap that only grows --------------------------------------------- */

/* What the file begins with: of which bitmap of which volume it is. */
static int seen_title(const struct nbd *n, char *out, size_t size)
{
    return text_print(out, size, SEEN_WORD " %s %s\n", volume_identity(n->volume), n->uri.bitmap);
}

static int seen_save(const struct nbd *n, struct err *err)
{
    char title[NBD_URI_MAX];
    int rc = seen_title(n, title, sizeof(title));

    return rc < 0 ? err_set(err, rc, "'%s': %m", n->seen_file)
                  : track_bits_save(&n->dirty, NULL, n->seen_file, title, slice_of(NULL, 0), err);
}

static int seen_load(struct nbd *n, struct err *err)
{
    char title[NBD_URI_MAX];
    int rc = seen_title(n, title, sizeof(title));

    if (rc < 0)
        return err_set(err, rc, "'%s': %m", n->seen_file);
    rc = track_bits_load(&n->seen, n->seen_file, title, NULL, 0, err);
    if (rc == -ENOENT)
        return err_set(err, rc, "it was not tracked before");
    return rc == -ESTALE ? err_set(err, rc, "the last pass was of another volume or bitmap") : rc;
}

static int open_growing(struct nbd *n, const char *state_dir, struct err *err)
{
    int rc;

    if (!n->uri.bitmap[0])
        return err_set(err, -EOPNOTSUPP,
                       "'%s' names neither a bitmap (bitmap=NAME) nor a monitor (qmp=PATH)",
                       volume_path(n->volume));
    if (!nbd_link_has_bitmap(volume_nbd_link(n->volume)))
        return err_set(err, -ENOENT, "the server of '%s' has no bitmap '%s'",
                       volume_path(n->volume), n->uri.bitmap);
    rc = text_print(n->seen_file, sizeof(n->seen_file), "%s/tracker-nbd-seen", state_dir);
    if (rc < 0)
        return err_set(err, rc, "'%s': %m", state_dir);
    rc = track_bits_init(&n->seen, volume_size(n->volume), err);
    if (rc == 0 && seen_load(n, &n->why) == 0)
        err_clear(&n->why);
    return rc;
}

/* Bits that went out were of a bitmap that somebody cleared or made anew: what was in it since the
 * last pass, nobody knows. */
static int freeze_growing(struct nbd *n, struct err *err)
{
    int rc = track_nbd_read(volume_nbd_link(n->volume), &n->dirty, err);

    if (rc < 0 || n->why.text[0] || track_bits_covers(&n->dirty, &n->seen))
        return rc;
    (void)fd_unlink(n->seen_file, NULL);
    return err_set(err, -ESTALE, "bitmap '%s' lost what it had: somebody cleared it",
                   n->uri.bitmap);
}

/* -------------------------------------------------------------------------- */

static void nbd_close_(void *self)
{
    struct nbd *n = self;

    track_nbd_own_close(n->own);
    track_bits_done(&n->seen);
    track_bits_done(&n->dirty);
    free(n);
}

static int begin(struct nbd *n, const char *state_dir, struct err *err)
{
    int rc = track_bits_init(&n->dirty, volume_size(n->volume), err);

    if (rc < 0)
        return rc;
    n->uri = *volume_nbd_uri(n->volume);
    if (!n->uri.node[0])
        (void)text_copy(n->uri.node, sizeof(n->uri.node),
                        nbd_link_export(volume_nbd_link(n->volume)));
    if (n->uri.qmp[0])
        return track_nbd_own_open(&n->uri, state_dir, &n->own, &n->why, err);
    return open_growing(n, state_dir, err);
}

/* What the user named: read whole in each pass, a wrong name would cost for ever what nobody sees.
 */
static int not_there(const struct volume *v, struct err *err)
{
    if (err)
        err->gw = GW_BAD_VALUE;
    return err_add(err, -ENOENT, "'%s' (tracker 'scan' can do without)", volume_path(v));
}

static int nbd_open_(struct volume *v, const char *state_dir, void **ret_self, struct err *err)
{
    struct nbd *n;
    int rc;

    if (!volume_nbd_uri(v))
        return err_set(err, -EOPNOTSUPP, "'%s' is no NBD export", volume_path(v));
    n = calloc(1, sizeof(*n));
    if (!n)
        return err_set(err, -ENOMEM, "change tracker: %m");
    n->volume = v;
    rc = begin(n, state_dir, err);
    if (rc < 0) {
        nbd_close_(n);
        if (rc == -ENOMEM)
            return rc;
        if (rc == -ENOENT)
            return not_there(v, err);
        /* Whatever it was, a scan can do without. */
        err_add(err, rc, "no tracking by the server");
        if (err)
            err->code = -EOPNOTSUPP;
        return -EOPNOTSUPP;
    }
    *ret_self = n;
    return 0;
}

static int nbd_freeze(void *self, struct err *err)
{
    struct nbd *n = self;
    int rc = volume_check(n->volume, err);

    track_bits_clear(&n->dirty);
    if (rc == 0)
        rc = n->own ? track_nbd_own_freeze(n->own, &n->dirty, err) : freeze_growing(n, err);
    if (rc < 0) {
        err_add(err, rc, "changes may have been missed");
        if (err)
            err->code = -ESTALE;
        return -ESTALE;
    }
    n->frozen = true;
    return 0;
}

static int nbd_next(void *self, struct track_range *ret, struct err *err)
{
    struct nbd *n = self;

    (void)err;
    if (!n->why.text[0])
        return track_bits_next(&n->dirty, ret);
    if (n->dirty.told > 0 || n->dirty.size_bytes == 0)
        return 0;
    *ret = (struct track_range){.len = n->dirty.size_bytes};
    n->dirty.told = n->dirty.blocks;
    return 1;
}

static int add_dirty(void *arg, uint64_t offset, uint64_t len, uint32_t flags)
{
    bool *dirty = arg;

    (void)offset;
    (void)len;
    *dirty |= (flags & NBD_LINK_DIRTY) != 0;
    return 0;
}

/* A bitmap of our own that records is not shown by any export. */
static int nbd_marked(void *self, uint64_t offset, uint64_t len)
{
    struct nbd *n = self;
    bool dirty = false;
    uint64_t reached = 0;

    if (n->own)
        return -EOPNOTSUPP;
    for (uint64_t at = offset; !dirty && at < offset + len; at += reached) {
        int rc = nbd_link_bitmap(volume_nbd_link(n->volume), at, offset + len - at, add_dirty,
                                 &dirty, &reached);

        if (rc < 0)
            return rc;
    }
    return dirty;
}

static int nbd_commit(void *self, struct err *err)
{
    struct nbd *n = self;
    int rc = n->own ? track_nbd_own_commit(n->own, err) : seen_save(n, err);

    if (rc < 0)
        return rc;
    err_clear(&n->why);
    n->frozen = false;
    if (!n->own)
        track_bits_copy(&n->seen, &n->dirty);
    return 0;
}

static void nbd_abort(void *self)
{
    struct nbd *n = self;

    if (n->own)
        track_nbd_own_abort(n->own);
    n->frozen = false;
}

static uint64_t nbd_dirty_bytes(const void *self)
{
    const struct nbd *n = self;

    return n->frozen && !n->why.text[0] ? track_bits_bytes(&n->dirty) : UINT64_MAX;
}

static const char *nbd_rescan(const void *self)
{
    const struct nbd *n = self;

    return n->why.text;
}

const struct track_ops track_nbd_ops = {
    .kind = "nbd",
    .only = "nbd",
    .open = nbd_open_,
    .close = nbd_close_,
    .freeze = nbd_freeze,
    .next = nbd_next,
    .marked = nbd_marked,
    .commit = nbd_commit,
    .abort = nbd_abort,
    .dirty_bytes = nbd_dirty_bytes,
    .rescan = nbd_rescan,
};

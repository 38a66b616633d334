/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes that are NBD exports: the disk of a virtual machine, or an image behind qemu-nbd or
 * nbdkit.
 *
 * The protocol has no claim and no read-only switch: who else writes to an export is its server's
 * business, and a pull to one must be its only writer by other means.
 */
#include "transport/volume_nbd.h"

#include "base/auto.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/volume_impl.h"

#include <string.h>

#include "base/banned.h"

struct nbd_volume {
    struct nbd_uri uri;
    struct nbd_link *link;
};

static bool nbd_claims(const char *path, const struct stat *st)
{
    return !st && nbd_uri_is(path);
}

static void nbd_volume_close(struct volume *v)
{
    struct nbd_volume *n = v->more;

    if (!n)
        return;
    nbd_link_close(n->link);
    free(n);
}

static struct nbd_link *link_of(const struct volume *v)
{
    const struct nbd_volume *n = v->more;

    return n->link;
}

struct nbd_link *volume_nbd_link(struct volume *v)
{
    return v->ops == &volume_nbd_ops ? link_of(v) : NULL;
}

const struct nbd_uri *volume_nbd_uri(const struct volume *v)
{
    const struct nbd_volume *n = v->more;

    return v->ops == &volume_nbd_ops ? &n->uri : NULL;
}

/* The URI can be long; a hash of it is as good a name. */
static int identify(struct volume *v, const struct nbd_uri *uri)
{
    uint8_t hash[CRYPTO_SHA256_LEN];
    char hex[2 * sizeof(hash) + 1];

    crypto_sha256(slice_str(uri->plain), hash);
    return text_print(v->identity, sizeof(v->identity), "nbd:%.32s:%llu",
                      text_hex(hash, sizeof(hash), hex), (unsigned long long)v->size_bytes);
}

static int nbd_open(struct volume *v, struct err *err)
{
    struct nbd_volume *n = calloc(1, sizeof(*n));
    int rc;

    if (!n)
        return err_set(err, -ENOMEM, "open volume '%s': %m", v->path);
    v->more = n;
    rc = nbd_uri_parse(v->path, &n->uri, err);
    if (rc == 0)
        rc = nbd_link_open(n->uri.plain, NULL, n->uri.bitmap[0] ? n->uri.bitmap : NULL, &n->link,
                           err);
    if (rc < 0)
        return rc;
    if (nbd_link_grain(n->link) > VOLUME_BOUNCE_GRAIN_MAX)
        return err_set_gw(err, GW_VOLUME_UNREADABLE, -EINVAL, "volume '%s' has blocks of %u bytes",
                          v->path, nbd_link_grain(n->link));
    if (v->mode == VOLUME_WRITE && nbd_link_readonly(n->link))
        return volume_open_failed(v->path, -EROFS, err);
    v->size_bytes = nbd_link_size(n->link);
    return identify(v, &n->uri);
}

static int nbd_failed(const struct volume *v, int code, const char *what, uint64_t offset,
                      struct err *err)
{
    if (code == -ENOTCONN)
        return volume_changed(v, "lost its server", err);
    return volume_io_failed(v, code, what, offset, err);
}

static bool is_whole(const struct volume *v, uint64_t offset, uint64_t len)
{
    return (offset | len) % nbd_link_grain(link_of(v)) == 0;
}

static int read_whole(struct volume *v, uint64_t offset, void *data, size_t len, struct err *err)
{
    int rc = nbd_link_read(link_of(v), offset, data, len);

    return rc < 0 ? nbd_failed(v, rc, "read", offset, err) : 0;
}

static int write_whole(struct volume *v, uint64_t offset, const void *data, size_t len,
                       struct err *err)
{
    int rc = nbd_link_write(link_of(v), offset, data, len);

    return rc < 0 ? nbd_failed(v, rc, "write", offset, err) : 0;
}

static struct volume_bounce bounce_of(const struct volume *v)
{
    return (struct volume_bounce){
        .grain = nbd_link_grain(link_of(v)), .read = read_whole, .write = write_whole};
}

static int nbd_read(struct volume *v, uint64_t offset, void *data, size_t len, struct err *err)
{
    const struct volume_bounce bounce = bounce_of(v);

    if (is_whole(v, offset, len))
        return read_whole(v, offset, data, len, err);
    return volume_bounce_read(v, &bounce, offset, data, len, err);
}

static int nbd_write(struct volume *v, uint64_t offset, const void *data, size_t len,
                     struct err *err)
{
    const struct volume_bounce bounce = bounce_of(v);

    if (is_whole(v, offset, len))
        return write_whole(v, offset, data, len, err);
    return volume_bounce_write(v, &bounce, offset, data, len, err);
}

static int nbd_zero(struct volume *v, uint64_t offset, uint64_t len, struct err *err)
{
    int rc = is_whole(v, offset, len) ? nbd_link_zero(link_of(v), offset, len) : -EOPNOTSUPP;

    if (rc == -EOPNOTSUPP)
        return volume_write_zeroes(v, offset, len, err);
    return rc < 0 ? nbd_failed(v, rc, "zero", offset, err) : 0;
}

static int nbd_flush(struct volume *v, struct err *err)
{
    int rc = nbd_link_flush(link_of(v));

    return rc < 0 ? nbd_failed(v, rc, "flush", 0, err) : 0;
}

static int nbd_drop_cache(struct volume *v, struct err *err)
{
    (void)v;
    (void)err;
    return 0; /* there is none on this side */
}

struct run {
    uint64_t len;
    bool hole;
    bool ended;
};

/* Neighbours of one sort are one run. */
static int add_run(void *arg, uint64_t offset, uint64_t len, uint32_t flags)
{
    struct run *r = arg;
    bool hole = (flags & NBD_LINK_ZERO) != 0;

    (void)offset;
    if (r->len > 0 && hole != r->hole)
        r->ended = true;
    if (r->ended)
        return 0;
    r->hole = hole;
    r->len += len;
    return 0;
}

/* Only what the server says reads as zeroes is a hole; what it calls unallocated need not. */
static int nbd_extent(struct volume *v, uint64_t offset, uint64_t *ret_len, bool *ret_hole,
                      struct err *err)
{
    struct run r = {0};
    uint64_t reached = 0;
    int rc = nbd_link_allocation(link_of(v), offset, v->size_bytes - offset, add_run, &r, &reached);

    if (rc == -ENOTCONN)
        return nbd_failed(v, rc, "look at", offset, err);
    *ret_len = rc == 0 ? r.len : v->size_bytes - offset;
    *ret_hole = rc == 0 && r.hole;
    return 0;
}

/* The size of an export stands for as long as the connection does. */
static int nbd_check(struct volume *v, struct err *err)
{
    return nbd_link_alive(link_of(v)) ? 0 : volume_changed(v, "lost its server", err);
}

static int nbd_set_readonly(const char *path, bool readonly, struct err *err)
{
    return err_set(err, -EOPNOTSUPP, "make '%s' %s: that is its server's to do", path,
                   readonly ? "read-only" : "writable");
}

const struct volume_ops volume_nbd_ops = {
    .kind = "nbd",
    .direct = true,
    .claims = nbd_claims,
    .open = nbd_open,
    .close = nbd_volume_close,
    .read = nbd_read,
    .write = nbd_write,
    .zero = nbd_zero,
    .flush = nbd_flush,
    .drop_cache = nbd_drop_cache,
    .extent = nbd_extent,
    .check = nbd_check,
    .prepare = volume_prepare_fixed,
    .set_readonly = nbd_set_readonly,
};

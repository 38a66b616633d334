/* SPDX-License-Identifier: Apache-2.0 */
/* Requests over a connection that another thread moves (nbd_link.c): each is asked, and waited for.
 */
#include "transport/nbd_link_priv.h"

#include "transport/nbd_link.h"

#include <errno.h>

#ifdef HAVE_LIBNBD
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

enum { STATUS_MAX = 1 << 30 };

/* One request, on the stack of who waits for it. */
struct call {
    struct nbd_link *link;
    bool done;
    int error;
    const char *context; /* block status */
    nbd_extent_fn fn;
    void *arg;
    uint64_t offset;
    uint64_t end;
    uint64_t reached;
    int fn_rc;
};

static int on_done(void *arg, int *error)
{
    struct call *c = arg;

    pthread_mutex_lock(&c->link->lock);
    c->error = *error;
    c->done = true;
    pthread_cond_broadcast(&c->link->done);
    pthread_mutex_unlock(&c->link->lock);
    return 1; /* nobody asks libnbd for it again */
}

/* cookie: what libnbd said to the request. */
static int finish(struct call *c, int64_t cookie)
{
    struct nbd_link *l = c->link;

    if (cookie < 0) {
        int code = l->lib.get_errno();

        return atomic_load(&l->dead) || code == 0 ? -ENOTCONN : -code;
    }
    atomic_fetch_add(&l->under_way, 1);
    nbd_link_wake(l); /* it may have more to write than the socket took */
    pthread_mutex_lock(&l->lock);
    while (!c->done)
        pthread_cond_wait(&l->done, &l->lock);
    pthread_mutex_unlock(&l->lock);
    atomic_fetch_sub(&l->under_way, 1);
    /* Who was told so knows it before the thread that moves the connection says it. */
    if (c->error == ENOTCONN)
        atomic_store(&l->dead, true);
    return c->error ? -c->error : 0;
}

static nbd_completion_callback then(struct call *c)
{
    return (nbd_completion_callback){on_done, c, NULL};
}

/* What is read, written or zeroed, by requests of at most `most` bytes. */
struct span {
    uint64_t offset;
    uint64_t len;
    uint64_t most;
    uint8_t *out;
    const uint8_t *in;
};

/* len bytes of s, from `at` of it. */
typedef int64_t (*ask_fn)(struct call *c, const struct span *s, uint64_t at, uint64_t len);

static int in_pieces(struct nbd_link *l, const struct span *s, ask_fn ask)
{
    uint64_t len;
    int rc = 0;

    for (uint64_t at = 0; rc == 0 && at < s->len; at += len) {
        struct call c = {.link = l};

        len = num_min(s->len - at, s->most);
        rc = finish(&c, ask(&c, s, at, len));
    }
    return rc;
}

static int64_t ask_read(struct call *c, const struct span *s, uint64_t at, uint64_t len)
{
    return c->link->lib.aio_pread(c->link->nbd, s->out + at, (size_t)len, s->offset + at, then(c),
                                  0);
}

static int64_t ask_write(struct call *c, const struct span *s, uint64_t at, uint64_t len)
{
    return c->link->lib.aio_pwrite(c->link->nbd, s->in + at, (size_t)len, s->offset + at, then(c),
                                   0);
}

static int64_t ask_zero(struct call *c, const struct span *s, uint64_t at, uint64_t len)
{
    return c->link->lib.aio_zero(c->link->nbd, len, s->offset + at, then(c), 0);
}

int nbd_link_read(struct nbd_link *l, uint64_t offset, void *data, size_t len)
{
    const struct span s = {.offset = offset, .len = len, .most = l->request_max, .out = data};

    return in_pieces(l, &s, ask_read);
}

int nbd_link_write(struct nbd_link *l, uint64_t offset, const void *data, size_t len)
{
    const struct span s = {.offset = offset, .len = len, .most = l->request_max, .in = data};

    return in_pieces(l, &s, ask_write);
}

int nbd_link_zero(struct nbd_link *l, uint64_t offset, uint64_t len)
{
    const struct span s = {.offset = offset, .len = len, .most = STATUS_MAX};

    return l->zero ? in_pieces(l, &s, ask_zero) : -EOPNOTSUPP;
}

int nbd_link_flush(struct nbd_link *l)
{
    struct call c = {.link = l};

    if (!l->flush)
        return 0; /* it says that it has nothing to flush */
    return finish(&c, l->lib.aio_flush(l->nbd, then(&c), 0));
}

/* Entries are pairs: length, flags. A server may tell more than it was asked for. */
static int on_extents(void *arg, const char *context, uint64_t offset, uint32_t *entries, size_t n,
                      int *error)
{
    struct call *c = arg;

    (void)error;
    if (!text_equal(context, c->context))
        return 0;
    for (size_t i = 0; i + 1 < n && offset < c->end && c->fn_rc == 0; i += 2) {
        uint64_t len = num_min(entries[i], c->end - offset);

        if (len > 0)
            c->fn_rc = c->fn(c->arg, offset, len, entries[i + 1]);
        offset += len;
        c->reached = offset;
    }
    return 0;
}

static int ask_status(struct nbd_link *l, struct call *c, uint64_t *ret_len)
{
    uint64_t len = num_min(c->end - c->offset, STATUS_MAX);
    int rc =
        finish(c, l->lib.aio_block_status(l->nbd, len, c->offset,
                                          (nbd_extent_callback){on_extents, c, NULL}, then(c), 0));

    if (rc == 0)
        rc = c->fn_rc;
    if (rc == 0 && c->reached <= c->offset)
        rc = -EBADMSG;
    if (rc == 0)
        *ret_len = c->reached - c->offset;
    return rc;
}

int nbd_link_allocation(struct nbd_link *l, uint64_t offset, uint64_t len, nbd_extent_fn fn,
                        void *arg, uint64_t *ret_len)
{
    struct call c = {.link = l,
                     .context = NBD_LINK_ALLOCATION,
                     .fn = fn,
                     .arg = arg,
                     .offset = offset,
                     .end = offset + len};

    return l->allocation ? ask_status(l, &c, ret_len) : -EOPNOTSUPP;
}

int nbd_link_bitmap(struct nbd_link *l, uint64_t offset, uint64_t len, nbd_extent_fn fn, void *arg,
                    uint64_t *ret_len)
{
    struct call c = {.link = l,
                     .context = l->bitmap,
                     .fn = fn,
                     .arg = arg,
                     .offset = offset,
                     .end = offset + len};

    return l->bitmap[0] ? ask_status(l, &c, ret_len) : -EOPNOTSUPP;
}

#else

#include "base/banned.h"

int nbd_link_read(struct nbd_link *l, uint64_t offset, void *data, size_t len)
{
    (void)l;
    (void)offset;
    (void)data;
    (void)len;
    return -EOPNOTSUPP;
}

int nbd_link_write(struct nbd_link *l, uint64_t offset, const void *data, size_t len)
{
    (void)l;
    (void)offset;
    (void)data;
    (void)len;
    return -EOPNOTSUPP;
}

int nbd_link_zero(struct nbd_link *l, uint64_t offset, uint64_t len)
{
    (void)l;
    (void)offset;
    (void)len;
    return -EOPNOTSUPP;
}

int nbd_link_flush(struct nbd_link *l)
{
    (void)l;
    return -EOPNOTSUPP;
}

int nbd_link_allocation(struct nbd_link *l, uint64_t offset, uint64_t len, nbd_extent_fn fn,
                        void *arg, uint64_t *ret_len)
{
    (void)l;
    (void)offset;
    (void)len;
    (void)fn;
    (void)arg;
    (void)ret_len;
    return -EOPNOTSUPP;
}

int nbd_link_bitmap(struct nbd_link *l, uint64_t offset, uint64_t len, nbd_extent_fn fn, void *arg,
                    uint64_t *ret_len)
{
    (void)l;
    (void)offset;
    (void)len;
    (void)fn;
    (void)arg;
    (void)ret_len;
    return -EOPNOTSUPP;
}

#endif

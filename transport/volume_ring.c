/* SPDX-License-Identifier: Apache-2.0 */
/* io_uring through liburing, where there is one. */
#include "transport/volume_ring.h"

#include <errno.h>
#include <stdlib.h>

#ifdef HAVE_LIBURING
#include <liburing.h>

#include "base/banned.h"

struct volume_ring {
    struct io_uring uring;
};

int volume_ring_new(unsigned depth, struct volume_ring **ret)
{
    struct volume_ring *r = calloc(1, sizeof(*r));
    int rc;

    if (!r)
        return -ENOMEM;
    rc = io_uring_queue_init(depth, &r->uring, 0);
    if (rc < 0) {
        free(r);
        return rc;
    }
    *ret = r;
    return 0;
}

void volume_ring_free(struct volume_ring *r)
{
    if (!r)
        return;
    io_uring_queue_exit(&r->uring);
    free(r);
}

int volume_ring_read(struct volume_ring *r, int fd, uint64_t offset, void *data, size_t len,
                     void *token)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring);
    int rc;

    if (!sqe)
        return -EBUSY;
    io_uring_prep_read(sqe, fd, data, (unsigned)len, offset);
    io_uring_sqe_set_data(sqe, token);
    do
        rc = io_uring_submit(&r->uring);
    while (rc == -EINTR);
    return rc < 0 ? rc : 0;
}

int volume_ring_wait(struct volume_ring *r, void **ret_token, int *ret_bytes)
{
    struct io_uring_cqe *cqe = NULL;
    int rc;

    do
        rc = io_uring_wait_cqe(&r->uring, &cqe);
    while (rc == -EINTR);
    if (rc < 0)
        return rc;
    *ret_token = io_uring_cqe_get_data(cqe);
    *ret_bytes = cqe->res;
    io_uring_cqe_seen(&r->uring, cqe);
    return 0;
}

#else

#include "base/banned.h"

int volume_ring_new(unsigned depth, struct volume_ring **ret)
{
    (void)depth;
    (void)ret;
    return -ENOSYS;
}

void volume_ring_free(struct volume_ring *r)
{
    (void)r;
}

int volume_ring_read(struct volume_ring *r, int fd, uint64_t offset, void *data, size_t len,
                     void *token)
{
    (void)r;
    (void)fd;
    (void)offset;
    (void)data;
    (void)len;
    (void)token;
    return -ENOSYS;
}

int volume_ring_wait(struct volume_ring *r, void **ret_token, int *ret_bytes)
{
    (void)r;
    (void)ret_token;
    (void)ret_bytes;
    return -ENOSYS;
}

#endif

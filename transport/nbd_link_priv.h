/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a connection share; for nbd_link*.c only. */
#ifndef GODWIT_TRANSPORT_NBD_LINK_PRIV_H
#define GODWIT_TRANSPORT_NBD_LINK_PRIV_H

#ifdef HAVE_LIBNBD
#include "transport/nbd_lib.h"
#include "transport/nbd_link.h"

#include <pthread.h>
#include <stdatomic.h>

enum { NBD_LINK_CONTEXT_MAX = 320 };

struct nbd_link {
    struct nbd_lib lib;
    struct nbd_handle *nbd;
    uint64_t size_bytes;
    uint32_t grain;
    uint32_t request_max;
    bool readonly;
    bool zero;
    bool flush;
    bool allocation;
    char bitmap[NBD_LINK_CONTEXT_MAX]; /* "" when there is none */
    char *export;
    int wake_fd;
    pthread_t mover;
    bool moving;
    atomic_bool stop;
    atomic_bool dead;
    atomic_uint under_way;
    pthread_mutex_t lock; /* of done in struct call */
    pthread_cond_t done;
};

/* The thread that moves the connection looks again: there is something to send, or to end. */
void nbd_link_wake(const struct nbd_link *l);

#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Reads of a descriptor by io_uring; the one file that knows liburing. For volume_queue.c only. */
#ifndef GODWIT_TRANSPORT_VOLUME_RING_H
#define GODWIT_TRANSPORT_VOLUME_RING_H

#include <stddef.h>
#include <stdint.h>

struct volume_ring;

/* -ENOSYS built without liburing or a kernel without io_uring; -EPERM the system forbids it. */
int volume_ring_new(unsigned depth, struct volume_ring **ret);
void volume_ring_free(struct volume_ring *r); /* nothing may be under way */
/* At most depth may be under way. data is lent until its token comes back. */
int volume_ring_read(struct volume_ring *r, int fd, uint64_t offset, void *data, size_t len,
                     void *token);
/* Wait for one. *ret_bytes is what read(2) would have returned, or a negative errno. */
int volume_ring_wait(struct volume_ring *r, void **ret_token, int *ret_bytes);

#endif

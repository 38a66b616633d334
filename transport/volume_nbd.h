/* SPDX-License-Identifier: Apache-2.0 */
/* What a change tracker needs of a volume behind an NBD export. For track_nbd*.c only. */
#ifndef GODWIT_TRANSPORT_VOLUME_NBD_H
#define GODWIT_TRANSPORT_VOLUME_NBD_H

#include "transport/nbd_link.h"
#include "transport/nbd_uri.h"

struct volume;

/* Both NULL for volumes of other kinds. */
struct nbd_link *volume_nbd_link(struct volume *v);
const struct nbd_uri *volume_nbd_uri(const struct volume *v);

#endif

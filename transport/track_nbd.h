/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bitmaps that we keep in a QEMU ourselves, through its monitor. For track_nbd.c only.
 *
 * One bitmap records. A pass has another one begin and the first one end in one transaction, reads
 * the one that ended, and removes it when the pass is durable; a pass that fails merges it into the
 * one that records. Their names carry an id of the state directory and a number that only grows:
 * an image that was set back to an older state has no bitmap of the number that is looked for.
 */
#ifndef GODWIT_TRANSPORT_TRACK_NBD_H
#define GODWIT_TRANSPORT_TRACK_NBD_H

#include "transport/nbd_uri.h"
#include "transport/track_bits.h"

struct err;
struct track_nbd_own;

/* uri is lent for its life, its node is given. why: empty when what the bitmaps tell is all; else
 * everything may have changed, and tracking began anew. -ENOENT: no such monitor, or no such node.
 */
int track_nbd_own_open(const struct nbd_uri *uri, const char *state_dir, struct track_nbd_own **ret,
                       struct err *why, struct err *err);
void track_nbd_own_close(struct track_nbd_own *o);
/* Adds what changed since the last commit to bits. -ESTALE: a bitmap is not there any more. */
int track_nbd_own_freeze(struct track_nbd_own *o, struct track_bits *bits, struct err *err);
int track_nbd_own_commit(struct track_nbd_own *o, struct err *err);
void track_nbd_own_abort(struct track_nbd_own *o);

/* Every dirty range of the bitmap that the link was opened with, into bits. */
struct nbd_link;
int track_nbd_read(struct nbd_link *l, struct track_bits *bits, struct err *err);

#endif

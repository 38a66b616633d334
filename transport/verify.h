/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a verification: a region's units are fetched, opened, named again, digested, and
 * (if wanted) held against a volume. For verify.c and replica_verify.c only.
 */
#ifndef GODWIT_TRANSPORT_VERIFY_H
#define GODWIT_TRANSPORT_VERIFY_H

#include "transport/digest.h"
#include "transport/fetch.h"
#include "transport/packset.h"
#include "transport/page.h"
#include "transport/walk.h"

#include <pthread.h>

/* What all threads share. */
struct verify {
    const struct replica_verify_run *run;
    struct volume *against; /* or NULL */
    uint64_t size_bytes;
    bool sampled;         /* then there is no digest */
    pthread_mutex_t lock; /* of all below; also held while a fault is told */
    pthread_cond_t moved;
    bool failed;
    uint64_t damaged;     /* faults of objects */
    uint64_t differs;     /* faults against the volume */
    struct packset packs; /* of everything read so far; none when sampled */
    struct digest digest; /* digest.n regions are in it: whose turn it is */
};

/* The threads' side of struct walk. */
int verify_open(void *arg, struct vault *v, void **ret_self, struct err *err);
int verify_batch(void *self, const struct walk_batch *b, struct err *err);
void verify_close(void *self);
int verify_bad_dir(void *arg, uint32_t dir, const struct unit *u, int rc, struct err *err);

void verify_tell(struct verify *v, const struct replica_fault *f);

/* verify_pack.c: u is needed for these bytes of the volume; then, after the walk, every pack noted
 * is read whole and held against its name, but for those that a fault was told of. */
int verify_note_pack(struct verify *v, const struct unit *u, uint64_t offset, uint64_t len,
                     struct err *err);
int verify_packs(struct verify *v, size_t threads, struct err *err);

#endif

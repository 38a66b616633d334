/* SPDX-License-Identifier: Apache-2.0 */
/* A set of packs by name, each with what was found of it. In memory; of all packs of a vault there
 * is packrows.h. Not thread-safe. */
#ifndef GODWIT_TRANSPORT_PACKSET_H
#define GODWIT_TRANSPORT_PACKSET_H

#include "transport/pack.h"

struct err;

enum packset_state {
    PACKSET_UNSEEN = 0,
    PACKSET_WHOLE,
    PACKSET_DOUBTFUL, /* it is not what its name says; no unit of it was told of yet */
    PACKSET_MISSING,  /* likewise, it is not there */
    PACKSET_BAD
};

struct packset_row {
    uint8_t name[PACK_NAME_LEN];
    enum packset_state state;
};

/* {0} is an empty set. */
struct packset {
    struct packset_row *rows;
    size_t n;
    size_t cap;
    uint32_t *slots; /* open addressing: index of the row + 1; 0 = free */
    size_t slots_n;  /* a power of two */
};

/* The row of name, made unseen when it is new; valid until the next packset_row. -ENOMEM. */
int packset_row(struct packset *s, const uint8_t *name, struct packset_row **ret, struct err *err);
bool packset_has(const struct packset *s, const uint8_t *name);
void packset_done(struct packset *s);

#endif

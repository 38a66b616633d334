/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of device-mapper: which sectors of which device below hold those of a mapped one. Pure;
 * the text is what `dmsetup table` prints. Knows linear and striped (LVM's plain volumes); of all
 * others (crypt, thin, raid, snapshot, cache ...) no one can tell from the table what a write below
 * changes. Sectors have 512 bytes.
 */
#ifndef GODWIT_TRANSPORT_DM_TABLE_H
#define GODWIT_TRANSPORT_DM_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum { DM_TABLE_PIECES_MAX = 256 };

/* A run of a device below. Of `stripes` that take turns it is number `stripe`, chunk by chunk; a
 * linear one is the only one, with one chunk. */
struct dm_piece {
    uint64_t start;   /* in the mapped device: of the whole target */
    uint64_t sectors; /* on the device below */
    unsigned major;
    unsigned minor;
    uint64_t at; /* on the device below */
    uint64_t chunk;
    unsigned stripe;
    unsigned stripes;
};

struct dm_table {
    uint64_t sectors; /* of the mapped device */
    size_t n;
    struct dm_piece pieces[DM_TABLE_PIECES_MAX];
};

/* -EOPNOTSUPP: a target that cannot be followed, or too many; -EBADMSG: no table. */
int dm_table_parse(const char *text, struct dm_table *ret, struct err *err);

/* When all of it is one run of one device below: where. -EOPNOTSUPP: it is not. */
int dm_table_run(const struct dm_table *t, struct dm_piece *ret, struct err *err);

typedef void (*dm_table_fn)(void *arg, uint64_t start, uint64_t sectors);
/* Sectors of the device below that changed: fn is told of those of the mapped device that lie
 * there, none when they are not of this piece. */
void dm_table_above(const struct dm_piece *piece, uint64_t at, uint64_t sectors, dm_table_fn fn,
                    void *arg);

#endif

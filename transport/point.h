/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restore points: the sealed roots of a replica, one create-only object each, chained by hash.
 *
 * Key: replicas/<name>/points/<16 hex digits of seq>. A point that is there but damaged is an
 * error, never skipped. Finding the head never trusts a listing: it is at most a hint where to
 * begin to probe.
 */
#ifndef GODWIT_TRANSPORT_POINT_H
#define GODWIT_TRANSPORT_POINT_H

#include "transport/gaps.h"
#include "transport/store.h"
#include "transport/unit.h"

enum {
    POINT_WRITER_MAX = 128,
    POINT_DIRS_MAX = 16384, /* volumes up to 1 PiB */
    POINT_KEY_MAX = 192
};

/* A directory page of the volume; zero: 64 GiB of zeroes, no unit. */
struct point_dir {
    bool zero;
    struct unit unit;
};

struct point {
    struct replica_point info;     /* info.hash is filled by commit and load */
    char writer[POINT_WRITER_MAX]; /* who wrote it, for people: "godwit 0.1.0 on db-01" */
    size_t dirs_n;                 /* always point_dirs_of(info.size_bytes) */
    struct point_dir *dirs;        /* owned */
    struct gaps gaps;              /* what its pass could not read; info tells how much */
};

/* {0} is a valid empty point. */
void point_done(struct point *p);
#define auto_point AUTO(point_done)

/* How a volume is cut: sectors of region r (the last may be short), regions of directory d. All 0
 * past the end. A partial last sector counts as one. */
uint32_t point_dirs_of(uint64_t size_bytes);
uint32_t point_regions_of(uint64_t size_bytes, uint32_t dir);
uint32_t point_sectors_of(uint64_t size_bytes, uint32_t region);

/* Allocate dirs for info.size_bytes, all zero. -EFBIG above 1 PiB. */
int point_set_size(struct point *p, uint64_t size_bytes, struct err *err);

/*
 * Write p as the next point: info.seq and info.parent must be set by the caller (seq = head + 1,
 * parent = the head's hash; 1 and zeroes for the first). Fills info.hash.
 * 0, also when our own bytes stand there after a lost reply;
 * -EEXIST (GW_REPLICA_LOCKED) another point of that number stands.
 * *ret_weak (may be NULL) is true when the store has no create-only: then the point was looked for,
 * written and read back, which a second writer at the same moment can defeat. The caller says so.
 * Failpoints: point_put, point_put_done.
 */
int point_commit(struct vault *v, const char *name, struct point *p, bool *ret_weak,
                 struct err *err);

/* Point seq is somebody else's: -EEXIST (GW_REPLICA_LOCKED), naming its writer where it can be
 * read. */
int point_taken(struct vault *v, const char *name, uint64_t seq, struct err *err);

/* Point seq. -ENOENT (GW_REPLICA_NOT_FOUND); -EBADMSG (GW_VAULT_DAMAGED); -EPROTO (GW_VAULT_NEWER).
 * ret is done-able and must be done or empty before. */
int point_load(struct vault *v, const char *name, uint64_t seq, struct point *ret, struct err *err);

/*
 * The head. known_seq is a point that was once seen (0 = none): a head below it is -ESTALE
 * (GW_VAULT_OLDER_HEAD). -ENOENT (GW_REPLICA_NOT_FOUND) when the replica has no point.
 */
int point_head(struct vault *v, const char *name, uint64_t known_seq, struct point *ret,
               struct err *err);

/* SHA-256 of the bytes of point seq as they stand, be they a point or not: what its successor names
 * as its parent. -ENOENT. */
int point_bytes_hash(struct vault *v, const char *name, uint64_t seq, uint8_t *ret_hash,
                     struct err *err);

/* The number of the head, 0 when the replica has no point. */
int point_head_number(struct vault *v, const char *name, uint64_t known_seq, uint64_t *ret,
                      struct err *err);

/* child must be the successor of parent: -EBADMSG (GW_VAULT_DAMAGED). */
int point_check_chain(const struct replica_point *parent, const struct replica_point *child,
                      struct err *err);

/* The key of a point; out has POINT_KEY_MAX bytes. Returns out. name must be valid. */
char *point_key(const char *name, uint64_t seq, char *out);

/* For tests and fuzzing: the object's bytes, and back. */
int point_encode(struct vault *v, const char *name, struct point *p, struct buf *out,
                 struct err *err);
int point_decode(struct vault *v, const char *name, uint64_t seq, struct slice object,
                 struct point *ret, struct err *err);

#endif

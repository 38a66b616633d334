/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second file of a table: what one pass changes. For table.c only.
 *
 * One header page, the root of every region as of this pass, then runs of leaves in the order they
 * came. It counts only when its header says sealed, which is written after everything else is
 * durable. A long pass that covers everything is kept from time to time: then whoever makes the
 * same pass again goes on with it.
 */
#ifndef GODWIT_TRANSPORT_TABLE_NEXT_H
#define GODWIT_TRANSPORT_TABLE_NEXT_H

#include "transport/tags.h"

struct err;
struct table_next;

/* What is kept of a region as a whole, in both files. */
struct table_root {
    uint8_t root[DIGEST_LEN];
    uint8_t check[DIGEST_LEN]; /* of its tags and root; zeroes: there are no tags */
};

/* A new, empty one in place of any other. */
int table_next_new(const char *dir, uint64_t size_bytes, struct table_next **ret, struct err *err);
/* The sealed one of dir, with the volume digest it leads to; *ret NULL when there is none. */
int table_next_open(const char *dir, struct table_next **ret, uint8_t *ret_digest, struct err *err);
/*
 * The one of dir that was kept on the way to digest, to go on with; *ret NULL when there is none.
 * ret_done gets a bit for each region whose leaves it has all of; it comes as zeroes.
 */
int table_next_resume(const char *dir, uint64_t size_bytes, const uint8_t *digest,
                      struct table_next **ret, uint64_t *ret_done, struct err *err);
void table_next_close(struct table_next *n); /* the file stays */
int table_next_remove(const char *dir, struct err *err);

uint64_t table_next_size(const struct table_next *n); /* of the volume */
int table_next_fd(const struct table_next *n);        /* roots begin behind the header page */

/* count leaves from block first of region on, with the tags of their sectors or without; zero:
 * they are all of zeroes and take no room. Leaves are as in the table: 0 is that of zeroes. */
struct table_run {
    uint64_t region;
    uint32_t first;
    uint32_t count;
    bool zero;
    bool tagged;
    const uint8_t *leaves; /* of a run that is not zero */
    const uint64_t *tags;  /* likewise, when tagged */
};
int table_next_append(struct table_next *n, const struct table_run *run, struct err *err);
int table_next_set_root(struct table_next *n, uint64_t region, const struct table_root *root,
                        struct err *err);
int table_next_seal(struct table_next *n, const uint8_t *digest, struct err *err);
/* Not sealed, but durable so far: the first runs_bytes of the runs, and the roots of their regions.
 * Others may append meanwhile. */
uint64_t table_next_runs_bytes(const struct table_next *n);
int table_next_keep(struct table_next *n, uint64_t runs_bytes, const uint8_t *digest,
                    struct err *err);

typedef int (*table_run_fn)(void *arg, const struct table_run *run, struct err *err);
/* Every run, in order. -EBADMSG when the file is not what it was sealed as. */
int table_next_each(struct table_next *n, table_run_fn fn, void *arg, struct err *err);

/* Both files: one header page, then roots, padded to a page. */
enum { TABLE_PAGE = 4096 };
uint64_t table_roots_bytes(uint64_t size_bytes); /* padded */

#endif

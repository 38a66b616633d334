/* SPDX-License-Identifier: Apache-2.0 */
/* Where each unit of a cache lies: in memory, and as records of 32 bytes in a segment's index. For
 * unit_cache.c only. Not thread-safe. */
#ifndef GODWIT_TRANSPORT_UNIT_ROWS_H
#define GODWIT_TRANSPORT_UNIT_ROWS_H

#include "transport/unit.h"

struct err;

enum { UNIT_ROWS_PACK_LEN = 16, UNIT_ROWS_RECORD_LEN = 32, UNIT_ROWS_NAME_MAX = 16 };

struct unit_row {
    uint8_t pack[UNIT_ROWS_PACK_LEN]; /* half the name: what opens is the right one in any case */
    uint32_t segment;                 /* of the pack */
    uint32_t number;                  /* of the cache's segment */
    uint32_t offset;
    uint32_t len;
};

/* {0} is empty. */
struct unit_rows {
    struct unit_row *rows;
    size_t n;
    size_t cap;
    uint32_t *slots; /* open addressing: index of the row + 1; 0 = free */
    size_t slots_n;  /* a power of two */
};

void unit_rows_done(struct unit_rows *r);
struct unit_row unit_rows_row(const struct unit *u, uint32_t number, uint64_t offset);
int unit_rows_add(struct unit_rows *r, const struct unit_row *row, struct err *err);
/* Lent until the next change, or NULL. */
const struct unit_row *unit_rows_find(const struct unit_rows *r, const struct unit *u);
void unit_rows_drop(struct unit_rows *r, const struct unit *u);
void unit_rows_forget(struct unit_rows *r, uint32_t number); /* all of a segment */

/* out has UNIT_ROWS_RECORD_LEN bytes. */
void unit_rows_record(const struct unit_row *row, uint8_t *out);
/* The records of segment `number`, which has units_bytes; what is torn or lies outside is left
 * out. */
int unit_rows_load(struct unit_rows *r, uint32_t number, int index_fd, uint64_t units_bytes,
                   struct err *err);

/* "0000001f.units"; what is "units" or "index". Returns out. */
char *unit_rows_name(uint32_t number, const char *what, char *out);
/* Every segment of a directory, in no order; of other files nothing is said. */
typedef int (*unit_rows_fn)(void *arg, uint32_t number, uint64_t units_bytes, struct err *err);
int unit_rows_list(int dir_fd, unit_rows_fn fn, void *arg, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows by the name of a pack, for as many packs as a vault has: 2 MiB of memory, the rest in an
 * unnamed temporary file, which is made when it is first needed (some 17,000 rows). Not
 * thread-safe.
 */
#ifndef GODWIT_TRANSPORT_PACKROWS_H
#define GODWIT_TRANSPORT_PACKROWS_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct packrows;

enum { PACKROWS_VALUE_MAX = 64 };

/* Each row has a value of value_len bytes: a multiple of 8, up to PACKROWS_VALUE_MAX. */
int packrows_new(size_t value_len, struct packrows **ret, struct err *err);
void packrows_free(struct packrows *p);

/* The value of name, all zero when the row is new. It may be changed, and is valid until the next
 * call. -ENOMEM, or what writing and reading the file ended with (-ENOSPC). */
int packrows_get(struct packrows *p, const uint8_t *name, void **ret_value, struct err *err);
uint64_t packrows_count(const struct packrows *p);

/* {0} is before the first row. */
struct packrows_cursor {
    uint64_t page;
    uint32_t row;
};
/* 1: a copy of the next row, 0: there is none. No row may be added meanwhile. */
int packrows_next(struct packrows *p, struct packrows_cursor *at, uint8_t *ret_name,
                  void *ret_value, struct err *err);

#endif

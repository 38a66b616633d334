/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable run of bytes with a ceiling.
 *
 * A failed append leaves the bytes as they were and makes every later append fail too
 * (buf_failed), so that a row of appends needs one check at its end.
 */
#ifndef GODWIT_BASE_BUF_H
#define GODWIT_BASE_BUF_H

#include "base/auto.h"
#include "base/slice.h"

#include <stdarg.h>
#include <stdbool.h>

struct err;

struct buf {
    uint8_t *data; /* NULL while nothing was ever appended */
    size_t len;
    size_t cap;
    size_t max; /* ceiling in bytes, 0 = BUF_MAX_DEFAULT */
    int failed; /* 0, -ENOMEM or -EFBIG */
};

#define BUF_MAX_DEFAULT ((size_t)256 << 20)

/* {0} is a valid empty buf too. */
void buf_init(struct buf *b, size_t max_bytes);
void buf_done(struct buf *b);
void buf_clear(struct buf *b); /* len 0 and not failed; keeps the memory */

/* 0, -ENOMEM, or -EFBIG when the ceiling would be passed. */
int buf_append(struct buf *b, const void *data, size_t len);
int buf_str(struct buf *b, const char *text);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_u8(struct buf *b, uint8_t v);
int buf_u16le(struct buf *b, uint16_t v);
int buf_u32le(struct buf *b, uint32_t v);
int buf_u64le(struct buf *b, uint64_t v);
int buf_hex(struct buf *b, const void *data, size_t len); /* lower case */

/* Room for len more bytes; *ret_at points at them until the next append. buf_grow commits them. */
int buf_reserve(struct buf *b, size_t len, uint8_t **ret_at);
void buf_grow(struct buf *b, size_t len);

/* The bytes as a NUL-terminated string (the NUL is not counted), "" when empty, NULL on -ENOMEM. */
const char *buf_cstr(struct buf *b);

static inline struct slice buf_slice(const struct buf *b)
{
    return slice_of(b->data, b->len);
}

/* 0 or the first failure, reported into err. */
int buf_failed(const struct buf *b, struct err *err);

#define auto_buf AUTO(buf_done)

/*
 * A reader over bytes from outside. Every get checks the length; the first short get makes all
 * later ones return 0 and sets short_, so a parser may read a whole struct and check once.
 */
struct buf_reader {
    const uint8_t *at;
    size_t left;
    bool short_;
};

struct buf_reader buf_reader(struct slice s);
uint8_t buf_get_u8(struct buf_reader *r);
uint16_t buf_get_u16le(struct buf_reader *r);
uint32_t buf_get_u32le(struct buf_reader *r);
uint64_t buf_get_u64le(struct buf_reader *r);
/* len bytes lent from the source, or {NULL, 0} when short. */
struct slice buf_get(struct buf_reader *r, size_t len);

#endif

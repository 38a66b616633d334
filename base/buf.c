/* SPDX-License-Identifier: Apache-2.0 */
/* A growable run of bytes with a ceiling, and a bounded reader over bytes from outside. */
#include "base/buf.h"

#include "base/err.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

enum { CAP_MIN = 64 };

static size_t ceiling(const struct buf *b)
{
    return b->max ? b->max : BUF_MAX_DEFAULT;
}

static int fail(struct buf *b, int code)
{
    b->failed = code;
    return code;
}

/* Memory for total bytes, which may be one above the ceiling for the NUL of buf_cstr. */
static int ensure(struct buf *b, size_t total)
{
    size_t limit = ceiling(b) + 1;
    size_t cap = b->cap < CAP_MIN ? CAP_MIN : b->cap;
    uint8_t *data;

    if (total <= b->cap)
        return 0;
    while (cap < total)
        cap = cap > limit / 2 ? limit : cap * 2;
    data = realloc(b->data, cap);
    if (!data)
        return -ENOMEM;
    b->data = data;
    b->cap = cap;
    return 0;
}

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max = max_bytes};
}

void buf_done(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = 0;
}

int buf_reserve(struct buf *b, size_t len, uint8_t **ret_at)
{
    int rc;

    if (b->failed < 0)
        return b->failed;
    if (b->len > ceiling(b) || len > ceiling(b) - b->len)
        return fail(b, -EFBIG);
    rc = ensure(b, b->len + len);
    if (rc < 0)
        return fail(b, rc);
    assert(b->data || len == 0);
    *ret_at = b->data ? b->data + b->len : NULL;
    return 0;
}

void buf_grow(struct buf *b, size_t len)
{
    b->len += len;
}

int buf_append(struct buf *b, const void *data, size_t len)
{
    uint8_t *at = NULL;
    int rc = buf_reserve(b, len, &at);

    if (rc < 0)
        return rc;
    if (len)
        memcpy(at, data, len);
    buf_grow(b, len);
    return 0;
}

int buf_str(struct buf *b, const char *text)
{
    return buf_append(b, text, strlen(text));
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    uint8_t *at;
    int len;
    int rc;

    va_start(ap, fmt);
    len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (len < 0)
        return fail(b, -EFBIG);
    rc = buf_reserve(b, (size_t)len, &at);
    if (rc < 0)
        return rc;
    /* vsnprintf wants to write a NUL as well: memory for it, but no length. */
    rc = ensure(b, b->len + (size_t)len + 1);
    if (rc < 0)
        return fail(b, rc);
    va_start(ap, fmt);
    vsnprintf((char *)b->data + b->len, (size_t)len + 1, fmt, ap);
    va_end(ap);
    buf_grow(b, (size_t)len);
    return 0;
}

static int append_le(struct buf *b, uint64_t v, size_t len)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(v >> (8 * i));
    return buf_append(b, bytes, len);
}

int buf_u8(struct buf *b, uint8_t v)
{
    return append_le(b, v, 1);
}

int buf_u16le(struct buf *b, uint16_t v)
{
    return append_le(b, v, 2);
}

int buf_u32le(struct buf *b, uint32_t v)
{
    return append_le(b, v, 4);
}

int buf_u64le(struct buf *b, uint64_t v)
{
    return append_le(b, v, 8);
}

int buf_hex(struct buf *b, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    uint8_t *at = NULL;
    int rc;

    if (len > SIZE_MAX / 2)
        return fail(b, -EFBIG);
    rc = buf_reserve(b, 2 * len, &at);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < len; i++) {
        at[2 * i] = (uint8_t)digits[bytes[i] >> 4];
        at[2 * i + 1] = (uint8_t)digits[bytes[i] & 15];
    }
    buf_grow(b, 2 * len);
    return 0;
}

const char *buf_cstr(struct buf *b)
{
    if (b->len == 0)
        return "";
    if (ensure(b, b->len + 1) < 0)
        return NULL;
    b->data[b->len] = '\0';
    return (const char *)b->data;
}

int buf_failed(const struct buf *b, struct err *err)
{
    if (!b->failed)
        return 0;
    if (b->failed == -EFBIG)
        return err_set(err, b->failed, "more than %zu bytes", ceiling(b));
    return err_set(err, b->failed, "%m");
}

struct buf_reader buf_reader(struct slice s)
{
    return (struct buf_reader){.at = s.data, .left = s.len};
}

struct slice buf_get(struct buf_reader *r, size_t len)
{
    struct slice got;

    if (r->short_ || len > r->left) {
        r->short_ = true;
        return slice_of(NULL, 0);
    }
    got = slice_of(r->at, len);
    if (len)
        r->at += len;
    r->left -= len;
    return got;
}

static uint64_t get_le(struct buf_reader *r, size_t len)
{
    struct slice s = buf_get(r, len);
    uint64_t v = 0;

    for (size_t i = 0; i < s.len; i++)
        v |= (uint64_t)s.data[i] << (8 * i);
    return v;
}

uint8_t buf_get_u8(struct buf_reader *r)
{
    return (uint8_t)get_le(r, 1);
}

uint16_t buf_get_u16le(struct buf_reader *r)
{
    return (uint16_t)get_le(r, 2);
}

uint32_t buf_get_u32le(struct buf_reader *r)
{
    return (uint32_t)get_le(r, 4);
}

uint64_t buf_get_u64le(struct buf_reader *r)
{
    return get_le(r, 8);
}

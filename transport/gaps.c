/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted list. Errors of a disk come in order, so nearly all are added at its end. */
#include "transport/gaps.h"

#include "base/err.h"
#include "base/num.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { FIRST_CAP = 16, RANGE_LEN = 16 };

void gaps_done(struct gaps *g)
{
    free(g->list);
    *g = (struct gaps){0};
}

static uint64_t end_of(const struct replica_range *r)
{
    return r->offset + r->len;
}

/* Index of the first range that ends at or behind offset. */
static size_t find(const struct gaps *g, uint64_t offset)
{
    size_t low = 0;
    size_t high = g->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (end_of(&g->list[middle]) < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int make_room(struct gaps *g, struct err *err)
{
    size_t cap = g->cap ? g->cap * 2 : FIRST_CAP;
    struct replica_range *more;

    if (g->n == GAPS_MAX)
        return err_set(err, -E2BIG, "more than %d ranges cannot be read", GAPS_MAX);
    if (g->n < g->cap)
        return 0;
    more = reallocarray(g->list, cap, sizeof(*more));
    if (!more)
        return err_set(err, -ENOMEM, "list what cannot be read: %m");
    g->list = more;
    g->cap = cap;
    return 0;
}

int gaps_add(struct gaps *g, uint64_t offset, uint64_t len, struct err *err)
{
    struct replica_range now = {.offset = offset, .len = len};
    size_t at = find(g, offset);
    size_t behind = at;
    int rc;

    if (len == 0)
        return 0;
    for (; behind < g->n && g->list[behind].offset <= end_of(&now); behind++) {
        uint64_t end = num_max(end_of(&now), end_of(&g->list[behind]));

        now.offset = num_min(now.offset, g->list[behind].offset);
        now.len = end - now.offset;
    }
    if (behind == at) {
        rc = make_room(g, err);
        if (rc < 0)
            return rc;
    }
    memmove(g->list + at + 1, g->list + behind, (g->n - behind) * sizeof(*g->list));
    g->n = g->n - (behind - at) + 1;
    g->list[at] = now;
    return 0;
}

uint64_t gaps_bytes(const struct gaps *g)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < g->n; i++)
        sum += g->list[i].len;
    return sum;
}

bool gaps_equal(const struct gaps *a, const struct gaps *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (a->list[i].offset != b->list[i].offset || a->list[i].len != b->list[i].len)
            return false;
    return true;
}

bool gaps_next(const struct gaps *g, uint64_t from, struct replica_range *ret)
{
    size_t at = find(g, from);

    if (at < g->n && end_of(&g->list[at]) == from)
        at++;
    if (at == g->n)
        return false;
    *ret = g->list[at];
    return true;
}

int gaps_encode(const struct gaps *g, struct buf *out, struct err *err)
{
    buf_u32le(out, (uint32_t)g->n);
    for (size_t i = 0; i < g->n; i++) {
        buf_u64le(out, g->list[i].offset);
        buf_u64le(out, g->list[i].len);
    }
    return buf_failed(out, err);
}

/* Ascending, with something readable between them, inside the volume. */
static bool fits(const struct gaps *g, const struct replica_range *r, uint64_t size_bytes)
{
    return r->len > 0 && r->offset < size_bytes && r->len <= size_bytes - r->offset &&
           (g->n == 0 || r->offset > end_of(&g->list[g->n - 1]));
}

int gaps_decode(struct buf_reader *r, uint64_t size_bytes, struct gaps *ret, struct err *err)
{
    uint32_t n = buf_get_u32le(r);

    if (r->short_ || n > GAPS_MAX || r->left < (uint64_t)n * RANGE_LEN)
        return -EBADMSG;
    for (uint32_t i = 0; i < n; i++) {
        struct replica_range range = {.offset = buf_get_u64le(r)};
        int rc;

        range.len = buf_get_u64le(r);
        if (!fits(ret, &range, size_bytes))
            return -EBADMSG;
        rc = gaps_add(ret, range.offset, range.len, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

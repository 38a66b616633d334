/* SPDX-License-Identifier: Apache-2.0 */
/* A run of bytes that belongs to somebody else, lent until the callee returns. */
#ifndef GODWIT_BASE_SLICE_H
#define GODWIT_BASE_SLICE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data;
    size_t len;
};

static inline struct slice slice_of(const void *data, size_t len)
{
    return (struct slice){.data = (const uint8_t *)data, .len = len};
}

static inline struct slice slice_str(const char *text)
{
    return slice_of(text, strlen(text));
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compression of units (zstd). A context belongs to one thread and is reused.
 *
 * Lengths are the caller's: the raw length of a unit comes from authenticated metadata, and nothing
 * is ever written past it.
 */
#ifndef GODWIT_TRANSPORT_CODEC_H
#define GODWIT_TRANSPORT_CODEC_H

#include "base/auto.h"
#include "base/slice.h"

struct codec;
struct err;

enum codec_kind { CODEC_RAW = 0, CODEC_ZSTD = 1 };
enum {
    CODEC_LEVEL_RAW = -100,
    CODEC_LEVEL_MIN = -7, /* below, it shrinks less and is hardly faster */
    CODEC_LEVEL_MAX = 19,
    CODEC_LEVEL_QUICK = 0, /* zstd's first with a smaller table: see codec.c */
    CODEC_LEVEL_DEFAULT = 1
};

int codec_new(struct codec **ret, struct err *err);
void codec_free(struct codec *c);
static inline void codec_freep(struct codec **c)
{
    codec_free(*c);
}
#define auto_codec AUTO(codec_freep)

/*
 * Compress raw into out, which has raw.len bytes. *ret_len is the compressed length, always below
 * raw.len, or 0 when it does not pay: a sample was incompressible, the result did not shrink by
 * 1/64, or level is CODEC_LEVEL_RAW. Then out is garbage and raw is to be stored.
 */
int codec_compress(struct codec *c, int level, struct slice raw, uint8_t *out, size_t *ret_len,
                   struct err *err);

/* The inverse: exactly raw_len bytes into out, else -EBADMSG (GW_VAULT_DAMAGED). packed must not
 * overlap out. */
int codec_decompress(struct codec *c, struct slice packed, uint8_t *out, size_t raw_len,
                     struct err *err);

/* zstd's, as linked at run time. */
const char *codec_version(void);

#endif

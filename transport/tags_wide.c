/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags of sectors by carry-less products in AVX-512 registers: one multiplication for each 16 bytes
 * with a factor made before, and one reduction for the whole sector, where a GMAC that does not
 * know the length in advance reduces on its way. Source: NIST SP 800-38D, 6.3 and 6.4.
 */
#include "transport/tags_impl.h"

#ifdef __x86_64__
#include <immintrin.h>

#include "base/banned.h"

/* Not under AddressSanitizer: see base/sha256_avx512.c. */
#define WIDE __attribute__((target("avx512f,avx512bw,vpclmulqdq"), no_sanitize("address")))
#define INLINE static inline __attribute__((always_inline)) WIDE

enum { WIDTH = 64 };

bool tags_wide_has(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("vpclmulqdq");
}

/* The XOR of the four quarters, 16 bytes as two words, the lower one first. */
INLINE void fold(__m512i v, uint64_t out[2])
{
    __m128i a = _mm_xor_si128(_mm512_extracti32x4_epi32(v, 0), _mm512_extracti32x4_epi32(v, 1));
    __m128i b = _mm_xor_si128(_mm512_extracti32x4_epi32(v, 2), _mm512_extracti32x4_epi32(v, 3));

    _mm_storeu_si128((__m128i *)(void *)out, _mm_xor_si128(a, b));
}

/*
 * The first half of a product of 256 bits modulo x^128 + x^7 + x^2 + x + 1. GCM's first bit is the
 * coefficient of x^0, so after the bytes were turned around the highest bit of the highest word is,
 * and the product of two such numbers lies one bit too low. The lower two words are the multiples
 * of x^128: they come back at x^0, x^1, x^2 and x^7, and what these push past x^127 does so again.
 */
static uint64_t reduce(const uint64_t p[4])
{
    uint64_t first = p[3] << 1 | p[2] >> 63;
    uint64_t over = p[1] << 1 | p[0] >> 63;
    uint64_t rest = p[0] << 1;

    over ^= rest << 63 ^ rest << 62 ^ rest << 57;
    return first ^ over ^ over >> 1 ^ over >> 2 ^ over >> 7;
}

WIDE uint64_t tags_wide(const uint8_t *factors, const uint8_t *sector)
{
    const __m512i turn =
        _mm512_broadcast_i32x4(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    __m512i low = _mm512_setzero_si512();
    __m512i high = low;
    __m512i mid = low;
    uint64_t l[2], m[2], h[2];

    for (size_t at = 0; at < VOLUME_SECTOR; at += WIDTH) {
        __m512i x = _mm512_shuffle_epi8(_mm512_loadu_si512(sector + at), turn);
        __m512i f = _mm512_loadu_si512(factors + at);

        low = _mm512_xor_si512(low, _mm512_clmulepi64_epi128(x, f, 0x00));
        high = _mm512_xor_si512(high, _mm512_clmulepi64_epi128(x, f, 0x11));
        mid = _mm512_xor_si512(mid, _mm512_xor_si512(_mm512_clmulepi64_epi128(x, f, 0x01),
                                                     _mm512_clmulepi64_epi128(x, f, 0x10)));
    }
    fold(low, l);
    fold(mid, m);
    fold(high, h);
    return __builtin_bswap64(reduce((const uint64_t[4]){l[0], l[1] ^ m[0], h[0] ^ m[1], h[1]}));
}

#else

#include "base/banned.h"

bool tags_wide_has(void)
{
    return false;
}

uint64_t tags_wide(const uint8_t *factors, const uint8_t *sector)
{
    (void)factors;
    (void)sector;
    return 0;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Checked arithmetic on outside numbers; parsing and formatting of numbers with units. */
#ifndef GODWIT_BASE_NUM_H
#define GODWIT_BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* True when the result fits; *ret is untouched otherwise. */
static inline bool num_add(uint64_t a, uint64_t b, uint64_t *ret)
{
    uint64_t r;

    if (__builtin_add_overflow(a, b, &r))
        return false;
    *ret = r;
    return true;
}

static inline bool num_mul(uint64_t a, uint64_t b, uint64_t *ret)
{
    uint64_t r;

    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *ret = r;
    return true;
}

static inline uint64_t num_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t num_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline uint64_t num_div_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

/* All of text must be used. -EINVAL malformed, -ERANGE out of [min, max]. */
int num_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret, struct err *err);
int num_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret, struct err *err);
int num_parse_f64(const char *text, double *ret, struct err *err);
/* "64MiB", "10G" (binary), "10GB" (decimal), "4096", "1.5TiB" -> bytes. */
int num_parse_bytes(const char *text, uint64_t *ret_bytes, struct err *err);
/* As bytes, with an optional "/s"; also "100Mbit", "1Gbit/s" -> bytes per second. */
int num_parse_rate(const char *text, uint64_t *ret_bytes_per_s, struct err *err);
/* "90s", "5m", "2h30m", "7d", "250ms" -> milliseconds. A bare number is seconds. */
int num_parse_duration(const char *text, uint64_t *ret_ms, struct err *err);

enum { NUM_TEXT_MAX = 32 };
/* "1.9 GiB", "512 B"; si = powers of ten ("2.0 GB"). Returns out, which has NUM_TEXT_MAX bytes. */
char *num_format_bytes(uint64_t bytes, bool si, char *out);
/* "3s", "4m 10s", "2h 30m", "7d 4h", "0.4s" below ten seconds. Returns out. */
char *num_format_duration(uint64_t ms, char *out);

#endif

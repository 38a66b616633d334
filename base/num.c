/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units, from text and to text. Exact: no floating point on the way to an integer. */
#include "base/num.h"

#include "base/auto.h"
#include "base/err.h"

#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

typedef unsigned __int128 wide;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int malformed(struct err *err, const char *text, const char *want)
{
    return err_set(err, -EINVAL, "'%.80s' is not %s", text, want);
}

static int too_large(struct err *err, const char *text)
{
    return err_set(err, -ERANGE, "'%.80s' is too large", text);
}

/* Decimal digits at *at, moved past them. -EINVAL without one, -ERANGE on overflow. */
static int take_digits(const char **at, uint64_t *ret)
{
    const char *p = *at;
    uint64_t v = 0;

    if (!is_digit(*p))
        return -EINVAL;
    for (; is_digit(*p); p++)
        if (!num_mul(v, 10, &v) || !num_add(v, (uint64_t)(*p - '0'), &v))
            return -ERANGE;
    *at = p;
    *ret = v;
    return 0;
}

int num_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret, struct err *err)
{
    const char *at = text;
    uint64_t v = 0;
    int rc = take_digits(&at, &v);

    if (rc == -EINVAL || (rc == 0 && *at))
        return malformed(err, text, "a whole number");
    if (rc < 0 || v < min || v > max)
        return err_set(err, -ERANGE, "'%.80s' is not between %" PRIu64 " and %" PRIu64, text, min,
                       max);
    *ret = v;
    return 0;
}

int num_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
    bool negative = text[0] == '-';
    const char *at = text + negative;
    uint64_t magnitude = 0;
    bool overflow;
    int64_t v;
    int rc = take_digits(&at, &magnitude);

    if (rc == -EINVAL || (rc == 0 && *at))
        return malformed(err, text, "a whole number");
    overflow = negative ? __builtin_sub_overflow(0, magnitude, &v)
                        : __builtin_add_overflow(0, magnitude, &v);
    if (rc < 0 || overflow || v < min || v > max)
        return err_set(err, -ERANGE, "'%.80s' is not between %" PRId64 " and %" PRId64, text, min,
                       max);
    *ret = v;
    return 0;
}

int num_parse_f64(const char *text, double *ret, struct err *err)
{
    locale_t c_locale;
    char *end;
    double v;

    /* strtod also takes spaces, hexadecimal, infinities and NaN. */
    if (text[0] == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0')
        return malformed(err, text, "a number");
    /* The programs follow the user's locale, where the point may be a comma. */
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c_locale)
        return err_set(err, -ENOMEM, "%m");
    v = strtod_l(text, &end, c_locale);
    freelocale(c_locale);
    if (end == text || *end)
        return malformed(err, text, "a number");
    if (__builtin_isinf(v))
        return err_set(err, -ERANGE, "'%.80s' is out of range", text);
    *ret = v;
    return 0;
}

/* A decimal fraction: whole + part / scale. Digits beyond the ninth are not looked at. */
struct fraction {
    uint64_t whole;
    uint64_t part;
    uint64_t scale;
};

static int take_fraction(const char **at, struct fraction *ret)
{
    struct fraction f = {.scale = 1};
    const char *p = *at;
    int rc = take_digits(&p, &f.whole);

    if (rc < 0)
        return rc;
    if (*p == '.') {
        p++;
        if (!is_digit(*p))
            return -EINVAL;
        for (; is_digit(*p); p++) {
            if (f.scale >= 1000000000)
                continue;
            f.part = f.part * 10 + (uint64_t)(*p - '0');
            f.scale *= 10;
        }
    }
    *at = p;
    *ret = f;
    return 0;
}

/* f * unit / divisor, rounded down. */
static int scale_fraction(const struct fraction *f, uint64_t unit, uint64_t divisor, uint64_t *ret)
{
    wide total = (wide)f->whole * unit + (wide)f->part * unit / f->scale;

    total /= divisor;
    if (total > UINT64_MAX)
        return -ERANGE;
    *ret = (uint64_t)total;
    return 0;
}

static uint64_t power(uint64_t base, size_t exponent)
{
    uint64_t v = 1;

    for (size_t i = 0; i < exponent; i++)
        v *= base;
    return v;
}

/* The rank of a prefix letter: k 1, M 2, ... E 6; 0 when it is none. */
static size_t prefix_rank(char c)
{
    static const char letters[] = "kmgtpe";
    const char *at = c ? strchr(letters, c | 0x20) : NULL;

    return at ? (size_t)(at - letters) + 1 : 0;
}

/* "", "B", "k", "Ki", "KiB" are binary, "kB" is decimal. False when unit is none of them. */
static bool byte_unit(const char *unit, size_t len, uint64_t *ret)
{
    size_t rank = len ? prefix_rank(unit[0]) : 0;
    const char *rest = unit + (rank ? 1 : 0);
    size_t rest_len = len - (rank ? 1 : 0);

    if (rank == 0 && (rest_len == 0 || (rest_len == 1 && rest[0] == 'B')))
        *ret = 1;
    else if (rank && rest_len == 1 && rest[0] == 'B')
        *ret = power(1000, rank);
    else if (rank && (rest_len == 0 || (rest_len == 1 && rest[0] == 'i') ||
                      (rest_len == 2 && memcmp(rest, "iB", 2) == 0)))
        *ret = power(1024, rank);
    else
        return false;
    return true;
}

/* "bit", "kbit", "Mbit" (decimal), "Mibit" (binary). */
static bool bit_unit(const char *unit, size_t len, uint64_t *ret)
{
    size_t rank;

    if (len < 3 || memcmp(unit + len - 3, "bit", 3) != 0)
        return false;
    len -= 3;
    rank = len ? prefix_rank(unit[0]) : 0;
    if (len == 0)
        *ret = 1;
    else if (rank && len == 1)
        *ret = power(1000, rank);
    else if (rank && len == 2 && unit[1] == 'i')
        *ret = power(1024, rank);
    else
        return false;
    return true;
}

/* A fraction of the smallest unit means nothing: "1.5" bytes. */
static bool is_divisible(const struct fraction *f, uint64_t unit)
{
    return f->part == 0 || unit > 1;
}

int num_parse_bytes(const char *text, uint64_t *ret_bytes, struct err *err)
{
    const char *at = text;
    struct fraction f;
    uint64_t unit;
    int rc = take_fraction(&at, &f);

    if (rc == -ERANGE)
        return too_large(err, text);
    while (rc == 0 && *at == ' ')
        at++;
    if (rc < 0 || !byte_unit(at, strlen(at), &unit) || !is_divisible(&f, unit))
        return malformed(err, text, "a size such as 4096, 64MiB, 10G or 1.5TiB");
    rc = scale_fraction(&f, unit, 1, ret_bytes);
    return rc < 0 ? too_large(err, text) : 0;
}

int num_parse_rate(const char *text, uint64_t *ret_bytes_per_s, struct err *err)
{
    const char *at = text;
    struct fraction f;
    uint64_t divisor = 1;
    uint64_t unit = 0;
    size_t len;
    int rc = take_fraction(&at, &f);

    if (rc == -ERANGE)
        return too_large(err, text);
    while (rc == 0 && *at == ' ')
        at++;
    len = strlen(at);
    if (len >= 2 && memcmp(at + len - 2, "/s", 2) == 0)
        len -= 2;
    if (rc == 0 && bit_unit(at, len, &unit))
        divisor = 8;
    else if (rc < 0 || !byte_unit(at, len, &unit))
        return malformed(err, text, "a rate such as 80MiB/s or 100Mbit");
    if (!is_divisible(&f, unit))
        return malformed(err, text, "a rate such as 80MiB/s or 100Mbit");
    rc = scale_fraction(&f, unit, divisor, ret_bytes_per_s);
    return rc < 0 ? too_large(err, text) : 0;
}

struct duration_unit {
    const char *name;
    uint64_t ms;
};

/* Largest first: "2h30m" is a duration, "30m2h" a slip of the hand. */
static const struct duration_unit duration_units[] = {
    {"w", 604800000}, {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

/* The row of the unit at *at from row `from` on, moved past it; or the table's length. */
static size_t take_duration_unit(const char **at, size_t from)
{
    size_t len = 0;

    while ((*at)[len] >= 'a' && (*at)[len] <= 'z')
        len++;
    for (size_t i = from; i < ARRAY_LEN(duration_units); i++) {
        if (strlen(duration_units[i].name) != len || memcmp(*at, duration_units[i].name, len) != 0)
            continue;
        *at += len;
        return i;
    }
    return ARRAY_LEN(duration_units);
}

/* A number with its unit added to *total; *row is the first unit that may still come. */
static int take_duration(const char **at, size_t *row, uint64_t *total)
{
    struct fraction f;
    uint64_t ms;
    size_t i;
    int rc = take_fraction(at, &f);

    if (rc < 0)
        return rc;
    i = take_duration_unit(at, *row);
    if (i == ARRAY_LEN(duration_units) || !is_divisible(&f, duration_units[i].ms))
        return -EINVAL;
    rc = scale_fraction(&f, duration_units[i].ms, 1, &ms);
    if (rc < 0 || !num_add(*total, ms, total))
        return -ERANGE;
    *row = i + 1;
    return 0;
}

int num_parse_duration(const char *text, uint64_t *ret_ms, struct err *err)
{
    const char *at = text;
    struct fraction f;
    uint64_t total = 0;
    size_t row = 0;
    int rc = take_fraction(&at, &f);

    if (rc == 0 && *at == '\0') {
        rc = scale_fraction(&f, 1000, 1, &total);
    } else {
        at = text;
        do {
            rc = take_duration(&at, &row, &total);
        } while (rc == 0 && *at);
    }
    if (rc == -ERANGE)
        return too_large(err, text);
    if (rc < 0)
        return malformed(err, text, "a duration such as 90s, 5m, 2h30m or 7d");
    *ret_ms = total;
    return 0;
}

char *num_format_bytes(uint64_t bytes, bool si, char *out)
{
    static const char *const names[2][7] = {
        {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"},
        {"B", "kB", "MB", "GB", "TB", "PB", "EB"},
    };
    uint64_t base = si ? 1000 : 1024;
    uint64_t tenths;
    size_t rank = 0;

    if (bytes < base) {
        snprintf(out, NUM_TEXT_MAX, "%" PRIu64 " B", bytes);
        return out;
    }
    /* The first unit in which the rounded number stays below the next one: never "1024.0 KiB". */
    do {
        rank++;
        tenths = (uint64_t)(((wide)bytes * 10 + power(base, rank) / 2) / power(base, rank));
    } while (rank < 6 && (tenths + 5) / 10 >= base);
    if (tenths < 1000)
        snprintf(out, NUM_TEXT_MAX, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10,
                 names[si][rank]);
    else
        snprintf(out, NUM_TEXT_MAX, "%" PRIu64 " %s", (tenths + 5) / 10, names[si][rank]);
    return out;
}

/* "4m 10s", "4m" when there is no rest. */
static char *format_two(uint64_t big, char big_unit, uint64_t small, char small_unit, char *out)
{
    if (small)
        snprintf(out, NUM_TEXT_MAX, "%" PRIu64 "%c %" PRIu64 "%c", big, big_unit, small,
                 small_unit);
    else
        snprintf(out, NUM_TEXT_MAX, "%" PRIu64 "%c", big, big_unit);
    return out;
}

char *num_format_duration(uint64_t ms, char *out)
{
    uint64_t tenths = ms / 100 + (ms % 100 >= 50);
    uint64_t s = ms / 1000 + (ms % 1000 >= 500);

    if (tenths < 100 && tenths % 10)
        snprintf(out, NUM_TEXT_MAX, "%" PRIu64 ".%" PRIu64 "s", tenths / 10, tenths % 10);
    else if (s < 60)
        snprintf(out, NUM_TEXT_MAX, "%" PRIu64 "s", s);
    else if (s < 3600)
        format_two(s / 60, 'm', s % 60, 's', out);
    else if (s < 86400)
        format_two(s / 3600, 'h', s / 60 % 60, 'm', out);
    else
        format_two(s / 86400, 'd', s / 3600 % 24, 'h', out);
    return out;
}

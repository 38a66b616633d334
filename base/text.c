/* SPDX-License-Identifier: Apache-2.0 */
/* Strings: bounded printing, splitting, hex, names, what may reach a terminal, suggestions. */
#include "base/text.h"

#include "base/auto.h"
#include "base/err.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/banned.h"

int text_print(char *out, size_t size, const char *fmt, ...)
{
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(out, size, fmt, ap);
    va_end(ap);
    if (len >= 0 && (size_t)len < size)
        return 0;
    if (size)
        out[0] = '\0';
    return -ENAMETOOLONG;
}

int text_copy(char *out, size_t size, const char *text)
{
    return text_print(out, size, "%s", text);
}

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
    size_t len = strlen(text);
    size_t suffix_len = strlen(suffix);

    return len >= suffix_len && memcmp(text + len - suffix_len, suffix, suffix_len) == 0;
}

bool text_equal(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    return strcmp(a, b) == 0;
}

void text_vec_free(char **vec)
{
    if (!vec)
        return;
    for (size_t i = 0; vec[i]; i++)
        free(vec[i]);
    free(vec);
}

size_t text_vec_len(char *const *vec)
{
    size_t n = 0;

    while (vec && vec[n])
        n++;
    return n;
}

int text_split(const char *text, const char *separators, char ***ret_vec, struct err *err)
{
    auto_vec char **vec = NULL;
    size_t fields_max = 1;
    size_t n = 0;
    size_t len;

    for (const char *p = text; *p; p++)
        fields_max += strchr(separators, *p) != NULL;
    vec = calloc(fields_max + 1, sizeof(*vec));
    if (!vec)
        return err_set(err, -ENOMEM, "%m");
    for (const char *p = text; *p; p += len) {
        p += strspn(p, separators);
        len = strcspn(p, separators);
        if (len == 0)
            break;
        vec[n] = strndup(p, len);
        if (!vec[n++])
            return err_set(err, -ENOMEM, "%m");
    }
    *ret_vec = TAKE(vec);
    return 0;
}

char *text_hex(const void *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
    return out;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int text_unhex(const char *hex, void *out, size_t len)
{
    uint8_t *bytes = out;

    if (strlen(hex) != 2 * len)
        return -EINVAL;
    for (size_t i = 0; i < 2 * len; i++)
        if (hex_digit(hex[i]) < 0)
            return -EINVAL;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    return 0;
}

bool text_is_name(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(text);

    if (len < 1 || len > 63 || text[0] == '.' || text[0] == '-')
        return false;
    return strspn(text, allowed) == len;
}

/* Bytes of the well-formed UTF-8 character at p (Unicode table 3-7), or 0. */
static size_t utf8_len(const uint8_t *p)
{
    uint8_t low = 0x80;
    uint8_t high = 0xBF;
    size_t len;

    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF)
        len = 2;
    else if (p[0] >= 0xE0 && p[0] <= 0xEF)
        len = 3;
    else if (p[0] >= 0xF0 && p[0] <= 0xF4)
        len = 4;
    else
        return 0;
    if (p[0] == 0xE0)
        low = 0xA0; /* shorter forms exist */
    else if (p[0] == 0xED)
        high = 0x9F; /* surrogates */
    else if (p[0] == 0xF0)
        low = 0x90;
    else if (p[0] == 0xF4)
        high = 0x8F; /* past U+10FFFF */
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

bool text_is_utf8(const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t len;

    for (; *p; p += len) {
        len = utf8_len(p);
        if (len == 0)
            return false;
    }
    return true;
}

/* Controls, and what reorders or breaks the line a reader sees: C1, U+2028..202E, U+2066..2069. */
static bool is_deceptive(const uint8_t *p, size_t len)
{
    if (len == 1)
        return p[0] < 0x20 || p[0] == 0x7F;
    if (len == 2)
        return p[0] == 0xC2 && p[1] < 0xA0;
    if (len == 3 && p[0] == 0xE2 && p[1] == 0x80)
        return p[2] >= 0xA8 && p[2] <= 0xAE;
    if (len == 3 && p[0] == 0xE2 && p[1] == 0x81)
        return p[2] >= 0xA6 && p[2] <= 0xA9;
    return false;
}

void text_sanitize(char *text)
{
    uint8_t *p = (uint8_t *)text;
    size_t len;

    while (*p) {
        len = utf8_len(p);
        if (*p == '\n' || *p == '\t')
            *p = ' ';
        else if (len == 0)
            *p = '?';
        else if (is_deceptive(p, len))
            memset(p, '?', len);
        p += len ? len : 1;
    }
}

void text_last_line(const char *text, size_t len, char *out, size_t size)
{
    size_t end = len, at;

    while (end > 0 && isspace((unsigned char)text[end - 1]))
        end--;
    at = end;
    while (at > 0 && text[at - 1] != '\n' && end - at < size - 1)
        at--;
    if (end > at)
        memcpy(out, text + at, end - at);
    out[end - at] = '\0';
    text_sanitize(out);
}

enum { DISTANCE_MAX = 64 };

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

size_t text_distance(const char *a, const char *b)
{
    size_t rows[3][DISTANCE_MAX + 1];
    size_t *before = rows[0];
    size_t *above = rows[1];
    size_t *row = rows[2];
    size_t a_len = strnlen(a, DISTANCE_MAX);
    size_t b_len = strnlen(b, DISTANCE_MAX);
    size_t *spare;

    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        spare = before;
        before = above;
        above = row;
        row = spare;
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = min3(row[j], row[j], before[j - 2] + 1);
        }
    }
    return row[b_len];
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Taking apart text of the kernel, without copies. */
#include "inventory/line.h"

#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

static bool is_blank(uint8_t c)
{
    return c <= ' ';
}

static struct slice skip(struct slice s, size_t n)
{
    return slice_of(s.data + n, s.len - n);
}

bool line_next(struct slice *rest, struct slice *ret_line)
{
    if (rest->len == 0)
        return false;
    *ret_line = line_until(rest, '\n');
    return true;
}

bool line_word(struct slice *rest, struct slice *ret_word)
{
    size_t from = 0;
    size_t to = 0;

    while (from < rest->len && is_blank(rest->data[from]))
        from++;
    if (from == rest->len)
        return false;
    to = from;
    while (to < rest->len && !is_blank(rest->data[to]))
        to++;
    *ret_word = slice_of(rest->data + from, to - from);
    *rest = skip(*rest, to);
    return true;
}

bool line_nth(struct slice line, unsigned n, struct slice *ret_word)
{
    struct slice word;

    do {
        if (!line_word(&line, &word))
            return false;
    } while (n-- > 0);
    *ret_word = word;
    return true;
}

struct slice line_until(struct slice *rest, char sep)
{
    const uint8_t *at = rest->len ? memchr(rest->data, sep, rest->len) : NULL;
    struct slice head = *rest;

    if (!at) {
        *rest = slice_of(rest->data + rest->len, 0);
        return head;
    }
    head.len = (size_t)(at - rest->data);
    *rest = skip(*rest, head.len + 1);
    return head;
}

struct slice line_trim(struct slice s)
{
    while (s.len > 0 && is_blank(s.data[0]))
        s = skip(s, 1);
    while (s.len > 0 && is_blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

bool line_is(struct slice s, const char *text)
{
    size_t len = strlen(text);

    return s.len == len && (len == 0 || memcmp(s.data, text, len) == 0);
}

bool line_starts(struct slice s, const char *text)
{
    size_t len = strlen(text);

    return s.len >= len && (len == 0 || memcmp(s.data, text, len) == 0);
}

bool line_ends(struct slice s, const char *text)
{
    size_t len = strlen(text);

    return s.len >= len && (len == 0 || memcmp(s.data + s.len - len, text, len) == 0);
}

bool line_value(struct slice line, const char *key, char sep, struct slice *ret_value)
{
    struct slice rest = line;
    struct slice head = line_until(&rest, sep);

    if (head.len == line.len || !line_is(line_trim(head), key))
        return false;
    *ret_value = line_trim(rest);
    return true;
}

/* -1 when c is no digit of base. */
static int digit_of(uint8_t c, unsigned base)
{
    int v = -1;

    if (c >= '0' && c <= '9')
        v = c - '0';
    else if (c >= 'a' && c <= 'f')
        v = c - 'a' + 10;
    else if (c >= 'A' && c <= 'F')
        v = c - 'A' + 10;
    return v < (int)base ? v : -1;
}

bool line_u64(struct slice s, unsigned base, uint64_t *ret)
{
    uint64_t v = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        int d = digit_of(s.data[i], base);

        if (d < 0 || !num_mul(v, base, &v) || !num_add(v, (uint64_t)d, &v))
            return false;
    }
    *ret = v;
    return true;
}

uint64_t line_nth_u64(struct slice line, unsigned n, uint64_t dflt)
{
    struct slice word;
    uint64_t v = dflt;

    if (line_nth(line, n, &word))
        (void)line_u64(word, 10, &v);
    return v;
}

char *line_copy(char *out, size_t size, struct slice s)
{
    size_t len = s.len < size - 1 ? s.len : size - 1;

    /* A NUL in the middle would hide the rest from everybody who looks later. */
    for (size_t i = 0; i < len; i++)
        out[i] = s.data[i] ? (char)s.data[i] : '?';
    out[len] = '\0';
    text_sanitize(out);
    return out;
}

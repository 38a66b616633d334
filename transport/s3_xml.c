/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded extractor for the flat XML of S3 replies; a reply is a stranger's bytes. */
#include "transport/s3_xml.h"

#include <errno.h>

#include "base/banned.h"

/* The first needle in hay, or NULL. */
static const uint8_t *find(struct slice hay, const char *needle)
{
    return memmem(hay.data, hay.len, needle, strlen(needle));
}

static struct slice after(struct slice s, const uint8_t *at)
{
    return slice_of(at, s.len - (size_t)(at - s.data));
}

/* Behind "<tag" there must be the end of the name. */
static bool is_name_end(uint8_t c)
{
    return c == '>' || c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '/';
}

/* The bytes behind the '>' of the next <tag …>; *ret_empty for <tag/>. */
static bool open_tag(struct slice *rest, const char *tag, bool *ret_empty)
{
    size_t len = strlen(tag);

    for (;;) {
        const uint8_t *at = rest->len > 0 ? find(*rest, "<") : NULL;
        const uint8_t *end;

        if (!at)
            return false;
        *rest = after(*rest, at + 1);
        if (rest->len <= len || memcmp(rest->data, tag, len) != 0 || !is_name_end(rest->data[len]))
            continue;
        end = memchr(rest->data, '>', rest->len);
        if (!end)
            return false;
        *ret_empty = end[-1] == '/';
        *rest = after(*rest, end + 1);
        return true;
    }
}

bool s3_xml_next(struct slice *rest, const char *tag, struct slice *ret_inside)
{
    struct slice s = *rest;
    size_t len = strlen(tag);
    bool empty = false;

    if (!open_tag(&s, tag, &empty))
        return false;
    if (empty) {
        *ret_inside = slice_of(s.data, 0);
        *rest = s;
        return true;
    }
    for (struct slice in = s;;) {
        const uint8_t *at = in.len > 0 ? find(in, "</") : NULL;

        if (!at)
            return false;
        in = after(in, at + 2);
        if (in.len <= len || memcmp(in.data, tag, len) != 0 || in.data[len] != '>')
            continue;
        *ret_inside = slice_of(s.data, (size_t)(at - s.data));
        *rest = after(in, in.data + len + 1);
        return true;
    }
}

/* "&#39;" and "&#x27;": only ASCII, which is all that our keys hold. 0 for anything else. */
static char decode_number(const uint8_t *digits, size_t len)
{
    unsigned base = 10;
    unsigned value = 0;

    if (len > 0 && (digits[0] == 'x' || digits[0] == 'X')) {
        base = 16;
        digits++;
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned d = digits[i] >= '0' && digits[i] <= '9'   ? (unsigned)(digits[i] - '0')
                     : digits[i] >= 'a' && digits[i] <= 'f' ? (unsigned)(digits[i] - 'a' + 10)
                     : digits[i] >= 'A' && digits[i] <= 'F' ? (unsigned)(digits[i] - 'A' + 10)
                                                            : 99;

        if (d >= base)
            return 0;
        value = value * base + d;
        if (value > 126)
            return 0;
    }
    return (char)value;
}

/* The character of the entity that s begins with ("&amp;…"), and its length. 0 when unknown. */
static char decode_entity(struct slice s, size_t *ret_len)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    size_t window = s.len < 12 ? s.len : 12;
    const uint8_t *end = memchr(s.data, ';', window);

    if (!end)
        return 0;
    *ret_len = (size_t)(end - s.data) + 1;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (*ret_len == strlen(known[i].name) && memcmp(s.data, known[i].name, *ret_len) == 0)
            return known[i].c;
    return *ret_len > 3 && s.data[1] == '#' ? decode_number(s.data + 2, *ret_len - 3) : 0;
}

static int copy_text(struct slice in, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < in.len;) {
        size_t len = 1;
        char c = (char)in.data[i];

        if (c == '<') /* not the text of a leaf */
            return -EINVAL;
        if (c == '&')
            c = decode_entity(after(in, in.data + i), &len);
        if (c == '\0' || n + 1 >= size)
            return -EINVAL;
        out[n++] = c;
        i += len;
    }
    out[n] = '\0';
    return 0;
}

int s3_xml_text(struct slice doc, const char *tag, char *out, size_t size)
{
    struct slice inside;
    int rc;

    out[0] = '\0';
    if (doc.len == 0 || !s3_xml_next(&doc, tag, &inside))
        return -ENOENT;
    rc = copy_text(inside, out, size);
    if (rc < 0)
        out[0] = '\0';
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of ASCII: the version, "-> type arguments" with a body in base64 each, "--- MAC". */
#include "transport/age_header.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"

#include "base/banned.h"

#define FIRST_LINE "age-encryption.org/v1"
#define ARMOR_LINE "-----BEGIN AGE ENCRYPTED FILE-----"
#define X25519_LINE "-> X25519 "
#define MAC_LINE "---"

enum { LINE_MAX_LEN = 1024, BODY_COLUMNS = 64, B64_LEN = 43 /* of 32 bytes */ };

struct lines {
    struct slice file;
    size_t at;
    char line[LINE_MAX_LEN + 1];
};

/* The next line without its end. Only printable ASCII: so a line is a string. */
static int next(struct lines *l)
{
    const uint8_t *from = l->file.data + l->at;
    size_t left = l->file.len - l->at, len;
    const uint8_t *end =
        left ? memchr(from, '\n', left < LINE_MAX_LEN ? left : LINE_MAX_LEN) : NULL;

    if (!end || l->at > AGE_HEADER_MAX)
        return -EBADMSG;
    len = (size_t)(end - from);
    for (size_t i = 0; i < len; i++)
        if (from[i] < 0x20 || from[i] > 0x7e)
            return -EBADMSG;
    memcpy(l->line, from, len);
    l->line[len] = '\0';
    l->at += len + 1;
    return 0;
}

/* 32 bytes of canonical base64. */
static int bytes_of(const char *text, uint8_t *out)
{
    size_t len;

    if (strlen(text) != B64_LEN || crypto_unb64(text, out, 32, &len) != 0)
        return -EBADMSG;
    return 0;
}

/* Full lines, then a shorter one, which may be empty; *ret_lines of them, the last in l->line. */
static int skip_body(struct lines *l, size_t *ret_lines)
{
    uint8_t bytes[BODY_COLUMNS];
    size_t n = 0, len;

    do {
        if (next(l) != 0 || strlen(l->line) > BODY_COLUMNS ||
            crypto_unb64(l->line, bytes, sizeof(bytes), &len) != 0)
            return -EBADMSG;
        n++;
    } while (strlen(l->line) == BODY_COLUMNS);
    *ret_lines = n;
    return 0;
}

/* Arguments are of printable characters and set off by one space each. */
static bool has_arguments(const char *line)
{
    return line[3] != '\0' && line[3] != ' ' && !strstr(line + 3, "  ") && !text_ends(line, " ");
}

static int parse_stanza(struct lines *l, struct age_header *h)
{
    struct age_header_stanza s;
    bool ours = text_starts(l->line, X25519_LINE);
    size_t n;

    if (!text_starts(l->line, "-> ") || !has_arguments(l->line) ||
        h->stanzas_n++ == AGE_HEADER_STANZAS_MAX)
        return -EBADMSG;
    if (ours && bytes_of(l->line + strlen(X25519_LINE), s.share) != 0)
        return -EBADMSG;
    if (skip_body(l, &n) != 0)
        return -EBADMSG;
    if (!ours)
        return 0;
    if (n != 1 || bytes_of(l->line, s.body) != 0)
        return -EBADMSG;
    h->x25519[h->x25519_n++] = s;
    return 0;
}

static int parse(struct lines *l, struct age_header *h)
{
    size_t begin = l->at;
    int rc = next(l);

    while (rc == 0 && !text_starts(l->line, MAC_LINE)) {
        rc = parse_stanza(l, h);
        begin = l->at;
        if (rc == 0)
            rc = next(l);
    }
    if (rc == 0 && (h->stanzas_n == 0 || !text_starts(l->line, MAC_LINE " ")))
        rc = -EBADMSG;
    if (rc == 0)
        rc = bytes_of(l->line + strlen(MAC_LINE " "), h->mac);
    h->mac_of = begin + strlen(MAC_LINE);
    h->len = l->at;
    return rc;
}

int age_header_parse(struct slice file, struct age_header *ret, struct err *err)
{
    struct lines l = {.file = file};
    struct age_header h = {0};

    if (next(&l) != 0)
        return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG, "it is no file of age");
    if (text_equal(l.line, ARMOR_LINE))
        return err_set_gw(err, GW_BAD_VALUE, -EPROTO, "it is armored: take the binary form of age");
    if (text_starts(l.line, "age-encryption.org/") && !text_equal(l.line, FIRST_LINE))
        return err_set_gw(err, GW_VAULT_NEWER, -EPROTO, "'%.40s' is not the version 1 of age",
                          l.line);
    if (!text_equal(l.line, FIRST_LINE) || parse(&l, &h) != 0)
        return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG,
                          "its header is not that of a file of age, or cut");
    *ret = h;
    return 0;
}

void age_header_format(const struct age_header_stanza *x25519, size_t n, struct buf *out)
{
    char b64[B64_LEN + 4];

    buf_str(out, FIRST_LINE "\n");
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, X25519_LINE "%s\n", crypto_b64(x25519[i].share, CRYPTO_X25519_LEN, b64));
        buf_printf(out, "%s\n", crypto_b64(x25519[i].body, AGE_HEADER_BODY_LEN, b64));
    }
    buf_str(out, MAC_LINE);
}

void age_header_format_mac(const uint8_t *mac, struct buf *out)
{
    char b64[B64_LEN + 4];

    buf_printf(out, " %s\n", crypto_b64(mac, CRYPTO_SHA256_LEN, b64));
}

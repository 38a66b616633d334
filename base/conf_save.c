/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing keys into a file that people write too: comments, blank lines and what did not change
 * stay as they are, byte for byte.
 */
#include "base/conf_priv.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/text.h"

#include "base/banned.h"

/* The file as it was, one section at a time. */
struct rewrite {
    const struct conf *conf;
    bool *written; /* one for each entry: it has its line */
    const char *section;
    size_t section_len;
    struct buf part;      /* the section so far, its header included */
    size_t end;           /* of its header and keys in part */
    size_t kept, dropped; /* keys of it */
    struct buf *out;
};

static bool same(const char *name, const char *text, size_t len)
{
    return strlen(name) == len && memcmp(name, text, len) == 0;
}

static void put_entry(struct buf *out, const struct conf_entry *e)
{
    buf_printf(out, "%s = %s\n", e->key, e->value);
}

static void add_missing(struct rewrite *rw)
{
    auto_buf struct buf tail = {0};

    /* What follows the last key may be a comment of the next section. */
    buf_append(&tail, rw->part.data + rw->end, rw->part.len - rw->end);
    rw->part.len = rw->end;
    for (size_t i = 0; i < rw->conf->n; i++) {
        const struct conf_entry *e = &rw->conf->entries[i];

        if (rw->written[i] || !same(e->section, rw->section, rw->section_len))
            continue;
        put_entry(&rw->part, e);
        rw->written[i] = true;
        rw->kept++;
    }
    buf_append(&rw->part, tail.data, tail.len);
}

/* A section of which every key is gone goes with its comments. */
static void end_section(struct rewrite *rw)
{
    if (rw->section)
        add_missing(rw);
    if (rw->kept > 0 || rw->dropped == 0)
        buf_append(rw->out, rw->part.data, rw->part.len);
    rw->part.len = rw->end = 0;
    rw->kept = rw->dropped = 0;
}

static const struct conf_entry *entry_of(struct rewrite *rw, const char *key, size_t len)
{
    for (size_t i = 0; rw->section && i < rw->conf->n; i++) {
        const struct conf_entry *e = &rw->conf->entries[i];

        if (same(e->section, rw->section, rw->section_len) && same(e->key, key, len)) {
            rw->written[i] = true;
            return e;
        }
    }
    return NULL;
}

/* at is a line without its indentation. A key, or NULL for a comment, a header, an empty line. */
static const char *key_of(const char *at, size_t *ret_len)
{
    size_t len = strcspn(at, "=:\n");

    if (*at == '\n' || strchr("[#;\r", *at))
        return NULL;
    while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
        len--;
    *ret_len = len;
    return at;
}

static void enter_section(struct rewrite *rw, const char *at)
{
    rw->section = at + 1;
    rw->section_len = strcspn(at + 1, "]\n");
}

/* A section may come twice: what has a line later must not be added earlier. */
static void find_line(struct rewrite *rw, const char *line, size_t len)
{
    const char *at = line + strspn(line, " \t");
    size_t key_len;

    (void)len;
    if (*at == '[')
        enter_section(rw, at);
    else if (key_of(at, &key_len))
        (void)entry_of(rw, at, key_len);
}

static void take_key(struct rewrite *rw, const struct conf_entry *e, const char *line, size_t len)
{
    if (!e) {
        rw->dropped++;
        return;
    }
    rw->kept++;
    if (conf_is_set(e))
        put_entry(&rw->part, e);
    else
        buf_append(&rw->part, line, len);
}

static void take_line(struct rewrite *rw, const char *line, size_t len)
{
    const char *at = line + strspn(line, " \t");
    size_t key_len;

    if (*at == '[') {
        end_section(rw);
        enter_section(rw, at);
    }
    if (key_of(at, &key_len))
        take_key(rw, entry_of(rw, at, key_len), line, len);
    else
        buf_append(&rw->part, line, len);
    if (*at == '[' || key_of(at, &key_len))
        rw->end = rw->part.len;
}

/* Every line with its newline. */
static void each_line(struct rewrite *rw, const char *text,
                      void (*fn)(struct rewrite *rw, const char *line, size_t len))
{
    rw->section = NULL;
    while (*text) {
        const size_t len = strcspn(text, "\n") + 1;

        fn(rw, text, len);
        text += len;
    }
}

static void add_sections(struct rewrite *rw)
{
    for (size_t i = 0; i < rw->conf->n; i++) {
        if (rw->written[i])
            continue;
        rw->section = rw->conf->entries[i].section;
        rw->section_len = strlen(rw->section);
        buf_printf(&rw->part, "%s[%s]\n", rw->out->len ? "\n" : "", rw->section);
        rw->end = rw->part.len;
        end_section(rw);
    }
}

static int rewrite_text(const struct conf *c, struct buf *old, struct buf *out, struct err *err)
{
    auto_free bool *written = calloc(c->n ? c->n : 1, sizeof(*written));
    struct rewrite rw = {.conf = c, .written = written, .out = out};
    const char *text;
    int r;

    if (old->len > 0 && old->data[old->len - 1] != '\n')
        buf_str(old, "\n");
    text = buf_cstr(old);
    if (!written || !text)
        return err_set(err, -ENOMEM, "configuration: %m");
    each_line(&rw, text, find_line);
    each_line(&rw, text, take_line);
    end_section(&rw);
    add_sections(&rw);
    r = buf_failed(&rw.part, err);
    buf_done(&rw.part);
    return r < 0 ? r : buf_failed(out, err);
}

int conf_save(const struct conf *c, const char *path, struct err *err)
{
    auto_buf struct buf old = {0};
    auto_buf struct buf text = {0};
    int r = fd_load(path, CONF_FILE_MAX, &old, err);

    if (r == -ENOENT) {
        err_clear(err);
        r = 0;
    }
    if (r == 0)
        r = rewrite_text(c, &old, &text, err);
    return r < 0 ? r : fd_save(path, buf_slice(&text), 0600, err);
}

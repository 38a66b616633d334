/* SPDX-License-Identifier: Apache-2.0 */
/* A small pushdown over structure alone; what is inside a piece is jansson's to judge. */
#include "base/jspiece.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/js.h"

#include <stdlib.h>

#include "base/banned.h"

enum want {
    WANT_VALUE,
    WANT_KEY,     /* after '{' or ',' in an object */
    WANT_COLON,   /* after a name */
    WANT_COMMA,   /* after a value: ',' or the end of the container */
    WANT_NOTHING, /* after the root value */
};

struct frame {
    bool array, empty;
    bool on_path; /* some path leads on from here */
    char key[JSPIECE_KEY_MAX];
};

enum { NOT_TAKING = -1 };

struct jspiece {
    struct jspiece_spec spec;
    struct frame frames[JS_DEPTH_MAX];
    size_t depth; /* open containers */
    enum want want;
    bool in_string, in_bare, escaped;
    bool string_is_key;
    size_t key_len;
    long taking;         /* path of the piece that is gathered */
    size_t taking_depth; /* depth at which it ends */
    struct buf piece;
    size_t line;
};

int jspiece_new(const struct jspiece_spec *spec, struct jspiece **ret, struct err *err)
{
    struct jspiece *p = calloc(1, sizeof(*p));

    if (!p)
        return err_set(err, -ENOMEM, "read a document by pieces: %m");
    p->spec = *spec;
    p->taking = NOT_TAKING;
    p->line = 1;
    buf_init(&p->piece, JSPIECE_BYTES_MAX);
    *ret = p;
    return 0;
}

void jspiece_free(struct jspiece *p)
{
    if (!p)
        return;
    buf_done(&p->piece);
    free(p);
}

static int malformed(const struct jspiece *p, const char *what, struct err *err)
{
    return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "line %zu: %s", p->line, what);
}

/* -- where we are -------------------------------------------------------------------- */

static bool segment_fits(const char *path, size_t len, const char *key)
{
    return (len == 1 && path[0] == '*') || (strlen(key) == len && memcmp(path, key, len) == 0);
}

/* Does path lead to the value that begins here (*ret_more false), or beyond it (true)? */
static bool leads(const struct jspiece *p, const char *path, bool *ret_more)
{
    for (size_t i = 0; i < p->depth; i++) {
        size_t len = strcspn(path, "/");

        if (len == 0 || !segment_fits(path, len, p->frames[i].key))
            return false;
        path += len;
        path += *path == '/';
    }
    *ret_more = *path != '\0';
    return true;
}

static bool judge(struct jspiece *p)
{
    bool on_path = false;

    if (p->taking != NOT_TAKING || (p->depth > 0 && !p->frames[p->depth - 1].on_path))
        return false;
    for (size_t i = 0; i < p->spec.n; i++) {
        bool more = false;

        if (!leads(p, p->spec.paths[i], &more))
            continue;
        if (!more && p->depth > 0 && p->spec.want &&
            !p->spec.want(p->spec.ctx, i, p->frames[p->depth - 1].key))
            return false;
        if (!more && p->depth > 0) {
            p->taking = (long)i;
            p->taking_depth = p->depth;
            buf_clear(&p->piece);
            return false;
        }
        on_path = true;
    }
    return on_path;
}

static int value_done(struct jspiece *p, struct err *err)
{
    auto_js struct js *value = NULL;
    long path = p->taking;
    int r;

    p->want = p->depth > 0 ? WANT_COMMA : WANT_NOTHING;
    if (path == NOT_TAKING || p->depth > p->taking_depth)
        return 0;
    p->taking = NOT_TAKING;
    r = buf_failed(&p->piece, err);
    if (r == 0)
        r = js_parse(buf_slice(&p->piece), JSPIECE_BYTES_MAX, &value, err);
    if (r < 0)
        return err_add(err, r, "line %zu", p->line);
    return p->spec.fn(p->spec.ctx, (size_t)path, p->frames[p->depth - 1].key, value, err);
}

/* -- characters ---------------------------------------------------------------------- */

static int open_container(struct jspiece *p, bool array, struct err *err)
{
    bool on_path = judge(p);

    if (p->depth == JS_DEPTH_MAX)
        return malformed(p, "nested too deep", err);
    p->frames[p->depth].array = array;
    p->frames[p->depth].empty = true;
    p->frames[p->depth].on_path = on_path;
    p->frames[p->depth].key[0] = '\0';
    p->depth++;
    p->want = array ? WANT_VALUE : WANT_KEY;
    return 0;
}

static int close_container(struct jspiece *p, bool array, struct err *err)
{
    const struct frame *f = p->depth > 0 ? &p->frames[p->depth - 1] : NULL;

    if (!f || f->array != array || (p->want != WANT_COMMA && !f->empty))
        return malformed(p, "a bracket closes what is not open", err);
    p->depth--;
    return value_done(p, err);
}

static int begin_string(struct jspiece *p, struct err *err)
{
    p->string_is_key = p->want == WANT_KEY;
    if (p->string_is_key) {
        p->key_len = 0;
        p->frames[p->depth - 1].empty = false;
    } else if (p->want != WANT_VALUE) {
        return malformed(p, "a string where none can be", err);
    } else {
        (void)judge(p);
    }
    p->in_string = true;
    p->escaped = false;
    return 0;
}

static int end_string(struct jspiece *p, struct err *err)
{
    p->in_string = false;
    if (!p->string_is_key)
        return value_done(p, err);
    p->frames[p->depth - 1].key[p->key_len] = '\0';
    p->want = WANT_COLON;
    return 0;
}

static int string_byte(struct jspiece *p, char c, struct err *err)
{
    if (!p->escaped && c == '"')
        return end_string(p, err);
    p->escaped = !p->escaped && c == '\\';
    if (!p->string_is_key || !p->frames[p->depth - 1].on_path)
        return 0;
    if (p->key_len + 1 == JSPIECE_KEY_MAX)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EFBIG, "line %zu: a name of more than %d bytes",
                          p->line, JSPIECE_KEY_MAX - 1);
    p->frames[p->depth - 1].key[p->key_len++] = c;
    return 0;
}

static int comma(struct jspiece *p, struct err *err)
{
    if (p->want != WANT_COMMA || p->depth == 0)
        return malformed(p, "a comma where none can be", err);
    p->want = p->frames[p->depth - 1].array ? WANT_VALUE : WANT_KEY;
    p->frames[p->depth - 1].empty = false;
    return 0;
}

static int structure(struct jspiece *p, char c, struct err *err)
{
    switch (c) {
    case '"':
        return begin_string(p, err);
    case '{':
    case '[':
        return p->want == WANT_VALUE ? open_container(p, c == '[', err)
                                     : malformed(p, "a bracket where none can be", err);
    case '}':
    case ']':
        return close_container(p, c == ']', err);
    case ',':
        return comma(p, err);
    case ':':
        if (p->want != WANT_COLON)
            return malformed(p, "a colon where none can be", err);
        p->want = WANT_VALUE;
        return 0;
    default:
        break;
    }
    if (p->want != WANT_VALUE)
        return malformed(p, "a value where none can be", err);
    (void)judge(p);
    p->in_bare = true;
    return 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool ends_bare(char c)
{
    return is_space(c) || c == ',' || c == '}' || c == ']' || c == ':' || c == '"';
}

/* The byte that begins a piece is kept after it is known to be one; its last before it is handed
 * on. */
static int value_byte(struct jspiece *p, char c, struct err *err)
{
    bool taking = p->taking != NOT_TAKING;
    int r;

    if (taking)
        buf_u8(&p->piece, (uint8_t)c);
    if (p->in_string)
        return string_byte(p, c, err);
    if (p->in_bare)
        return 0;
    r = structure(p, c, err);
    if (r == 0 && !taking && p->taking != NOT_TAKING)
        buf_u8(&p->piece, (uint8_t)c);
    return r;
}

static int feed_byte(struct jspiece *p, char c, struct err *err)
{
    int r = 0;

    p->line += c == '\n';
    if (p->in_bare && ends_bare(c)) {
        p->in_bare = false;
        r = value_done(p, err);
    }
    if (r != 0 || (!p->in_string && is_space(c)))
        return r;
    return value_byte(p, c, err);
}

int jspiece_feed(struct jspiece *p, struct slice bytes, struct err *err)
{
    for (size_t i = 0; i < bytes.len; i++) {
        int r = feed_byte(p, (char)bytes.data[i], err);

        if (r != 0)
            return r;
    }
    return 0;
}

int jspiece_finish(struct jspiece *p, struct err *err)
{
    if (p->in_bare && p->depth == 0)
        p->want = WANT_NOTHING;
    return p->want == WANT_NOTHING && !p->in_string ? 0
                                                    : malformed(p, "the document ends early", err);
}

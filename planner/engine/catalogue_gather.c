/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes and rates from many rows and files, by name. */
#include "planner/engine/catalogue_gather.h"

#include "base/err.h"
#include "base/js.h"
#include "base/num.h"
#include "base/text.h"

#include <stdlib.h>

#include "base/banned.h"

/* -- names ----------------------------------------------------------------------------- */

static size_t hash(const char *name)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */

    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

/* The slot that holds name, or the free one where it would be. */
static struct catalogue_name *slot(const struct catalogue_names *m, const char *name)
{
    size_t at = hash(name) & (m->cap - 1);

    while (m->slots[at].value && !text_equal(m->slots[at].name, name))
        at = (at + 1) & (m->cap - 1);
    return &m->slots[at];
}

int catalogue_names_find(const struct catalogue_names *m, const char *name, uint32_t *ret)
{
    const struct catalogue_name *s = m->cap ? slot(m, name) : NULL;

    if (!s || !s->value)
        return -ENOENT;
    *ret = s->value - 1;
    return 0;
}

static int grow(struct catalogue_names *m, struct err *err)
{
    struct catalogue_names wide = {.n = m->n, .cap = m->cap ? m->cap * 2 : 1024};

    wide.slots = calloc(wide.cap, sizeof(*wide.slots));
    if (!wide.slots)
        return err_set(err, -ENOMEM, "%zu names of a price list: %m", wide.cap);
    for (size_t i = 0; i < m->cap; i++) {
        if (m->slots[i].value)
            *slot(&wide, m->slots[i].name) = m->slots[i];
    }
    free(m->slots);
    *m = wide;
    return 0;
}

int catalogue_names_put(struct catalogue_names *m, const char *name, uint32_t value,
                        struct err *err)
{
    struct catalogue_name *s;
    int r = m->n * 2 >= m->cap ? grow(m, err) : 0;

    if (r < 0)
        return r;
    s = slot(m, name);
    if (text_copy(s->name, sizeof(s->name), name) < 0)
        return err_set(err, -EINVAL, "'%.64s' is too long for a name of a price list", name);
    m->n += s->value == 0;
    s->value = value + 1;
    return 0;
}

/* -- what all have in common ----------------------------------------------------------- */

bool catalogue_gather_wanted(const struct catalogue_read *r, const char *provider,
                             const char *region)
{
    return (!r->spec->provider || text_equal(r->spec->provider, provider)) &&
           (!r->spec->region || text_equal(r->spec->region, region));
}

/* What is kept of a file is shown on terminals. -ENAMETOOLONG, or 0. */
static int clean(char out[static CATALOGUE_NAME_MAX], const char *text)
{
    int rc = text_copy(out, CATALOGUE_NAME_MAX, text ? text : "");

    text_sanitize(out);
    return rc;
}

static bool is_currency(const char *text)
{
    for (size_t i = 0; i < 3; i++) {
        if (text[i] < 'A' || text[i] > 'Z')
            return false;
    }
    return text[3] == '\0';
}

static int same(char *all, size_t size, const char *what, const char *text, struct err *err)
{
    char here[CATALOGUE_NAME_MAX];

    if (clean(here, text) < 0)
        return err_set(err, -EINVAL, "'%.64s' is too long for a %s", text, what);
    if (!*here || text_equal(all, here))
        return 0;
    if (*all)
        return err_set(err, -EINVAL, "%s '%.64s' beside '%s': a catalogue has one, so say which",
                       what, here, all);
    if (text_copy(all, size, here) < 0)
        return err_set(err, -EINVAL, "'%.64s' is no %s", here, what);
    return 0;
}

int catalogue_gather_same(struct catalogue_read *r, const char *provider, const char *region,
                          const char *currency, struct err *err)
{
    struct catalogue *c = &r->out;
    int rc = same(c->provider, sizeof(c->provider), "provider", provider, err);

    if (rc == 0)
        rc = same(c->region, sizeof(c->region), "region", region, err);
    if (rc == 0 && currency && *currency && !is_currency(currency))
        return err_set(err, -EINVAL, "a currency has three letters: USD");
    return rc == 0 ? same(c->currency, sizeof(c->currency), "currency", currency, err) : rc;
}

/* -- shapes and rates ------------------------------------------------------------------ */

static int room(void **array, size_t n, size_t *cap, size_t size, struct err *err)
{
    size_t wide = *cap ? *cap * 2 : 64;
    void *more;

    if (n < *cap)
        return 0;
    more = reallocarray(*array, wide, size);
    if (!more)
        return err_set(err, -ENOMEM, "a catalogue of %zu: %m", wide);
    *array = more;
    *cap = wide;
    return 0;
}

int catalogue_gather_shape(struct catalogue_read *r, const char *name, struct catalogue_shape **ret,
                           struct err *err)
{
    struct catalogue *c = &r->out;
    uint32_t at;
    int rc;

    if (catalogue_names_find(&r->by_name, name, &at) == 0) {
        *ret = &c->shapes[at];
        return 0;
    }
    if (c->n == CATALOGUE_SHAPES_MAX)
        return err_set(err, -EFBIG, "more than %d shapes", CATALOGUE_SHAPES_MAX);
    rc = room((void **)&c->shapes, c->n, &c->cap, sizeof(*c->shapes), err);
    if (rc == 0)
        rc = catalogue_names_put(&r->by_name, name, (uint32_t)c->n, err);
    if (rc < 0)
        return rc;
    *ret = &c->shapes[c->n++];
    **ret = (struct catalogue_shape){0};
    (void)text_copy((*ret)->name, sizeof((*ret)->name), name);
    return 0;
}

void catalogue_gather_price(struct catalogue_shape *s, enum catalogue_term term, uint64_t micros,
                            const char *date)
{
    int newer = strcmp(date, s->date);

    if (s->term_micros[term] && (newer < 0 || (newer == 0 && micros >= s->term_micros[term])))
        return;
    s->term_micros[term] = micros;
    if (newer > 0)
        (void)text_copy(s->date, sizeof(s->date), date);
}

int catalogue_gather_rate(struct catalogue_read *r, const struct catalogue_rate *rate,
                          size_t *ret_index, struct err *err)
{
    struct catalogue *c = &r->out;
    int rc;

    if (c->rates_n == CATALOGUE_RATES_MAX)
        return err_set(err, -EFBIG, "more than %d rates", CATALOGUE_RATES_MAX);
    rc = room((void **)&c->rates, c->rates_n, &c->rates_cap, sizeof(*c->rates), err);
    if (rc < 0)
        return rc;
    if (ret_index)
        *ret_index = c->rates_n;
    c->rates[c->rates_n] = *rate;
    text_sanitize(c->rates[c->rates_n++].name);
    return 0;
}

int catalogue_gather_refuse(struct catalogue_read *r, const char *column, const char *why)
{
    if (r->spec->refused)
        r->spec->refused(r->spec->ctx, r->piece, column, why);
    return 0;
}

/* -- numbers and dates ----------------------------------------------------------------- */

bool catalogue_decimal(const char *text, unsigned digits, uint64_t *ret)
{
    uint64_t value = 0;
    bool any = false, point = false;

    for (; *text; text++) {
        if (*text == '.' && !point) {
            point = true;
            continue;
        }
        if (*text < '0' || *text > '9')
            return false;
        any = true;
        if (point && digits == 0)
            continue;
        digits -= point;
        if (!num_mul(value, 10, &value) || !num_add(value, (uint64_t)(*text - '0'), &value))
            return false;
    }
    for (; digits > 0; digits--) {
        if (!num_mul(value, 10, &value))
            return false;
    }
    *ret = value;
    return any;
}

bool catalogue_micros(const struct js *v, uint64_t *ret)
{
    double value;

    if (js_kind(v) == JS_STR)
        return catalogue_decimal(js_as_str(v, ""), 6, ret);
    if (js_kind(v) != JS_INT && js_kind(v) != JS_REAL)
        return false;
    value = js_as_f64(v, -1) * 1e6 + 0.5;
    if (!(value >= 0 && value < 0x1p63))
        return false;
    *ret = (uint64_t)value;
    return true;
}

bool catalogue_set_date(char date[static CATALOGUE_DATE_MAX], const char *text)
{
    static const char shape[] = "dddd-dd-dd";
    size_t n = 0;

    for (; n + 1 < sizeof(shape) && text[n]; n++) {
        if (shape[n] == 'd' ? text[n] < '0' || text[n] > '9' : text[n] != '-')
            break;
    }
    if (n != 10 && !(n == 7 && !text[n]))
        return false;
    if (n == 10 && text[n] && text[n] != 'T')
        return false;
    if (memcmp(text + 5, "01", 2) < 0 || memcmp(text + 5, "12", 2) > 0)
        return false;
    if (n == 10 && (memcmp(text + 8, "01", 2) < 0 || memcmp(text + 8, "31", 2) > 0))
        return false;
    memcpy(date, text, n);
    date[n] = '\0';
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Price lists as CSV. Fields are plain: these lists quote nothing. */
#include "planner/engine/catalogue.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/num.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* What is asked of a field is asked by these names; alternatives stand side by side. */
enum column {
    COL_PROVIDER,
    COL_REGION,
    COL_CURRENCY,
    COL_NAME,
    COL_NAME_SKU,
    COL_PRICE,
    COL_DATE,
    COL_VCPU,
    COL_MEM_GIB,
    COL_MEM_MIB,
    COL_ARCH,
    COL_GPU,
    COL_GPU_COUNT,
    COL_DISK,
    COL_NET,
    COLUMNS,
};

static const char *const names[COLUMNS] = {
    [COL_PROVIDER] = "provider",   [COL_REGION] = "region", [COL_CURRENCY] = "currency",
    [COL_NAME] = "instance_type",  [COL_NAME_SKU] = "sku",  [COL_PRICE] = "price_per_hour",
    [COL_DATE] = "price_date",     [COL_VCPU] = "vcpu",     [COL_MEM_GIB] = "mem_gib",
    [COL_MEM_MIB] = "mem_mib",     [COL_ARCH] = "arch",     [COL_GPU] = "gpu",
    [COL_GPU_COUNT] = "gpu_count", [COL_DISK] = "ebs_mbps", [COL_NET] = "net_mbps",
};

enum { FIELDS_MAX = 64, MICROS_DIGITS = 6 };
static const uint64_t mbit_bytes = 125000;

struct row {
    size_t line;
    char text[CATALOGUE_LINE_MAX];
    const char *field[FIELDS_MAX];
    size_t fields;
};

struct reader {
    const struct catalogue_spec *spec;
    struct catalogue *out;
    size_t place[COLUMNS]; /* FIELDS_MAX: not there */
    struct row row;
    const char *column; /* of the refusal */
    const char *why;
};

/* -- rows ------------------------------------------------------------------------------ */

/* false: too long, or too many fields. */
static bool row_split(struct row *row, const uint8_t *from, size_t len)
{
    if (len > 0 && from[len - 1] == '\r')
        len--;
    if (len >= sizeof(row->text) || memchr(from, '\0', len))
        return false;
    memcpy(row->text, from, len);
    row->text[len] = '\0';
    row->fields = 0;
    for (char *at = row->text; at;) {
        char *comma = strchr(at, ',');

        if (row->fields == FIELDS_MAX)
            return false;
        row->field[row->fields++] = at;
        if (comma)
            *comma++ = '\0';
        at = comma;
    }
    return true;
}

static const char *field(const struct reader *r, enum column column)
{
    size_t at = r->place[column];

    return at < r->row.fields ? r->row.field[at] : "";
}

static bool refuse(struct reader *r, enum column column, const char *why)
{
    r->column = names[column];
    r->why = why;
    return false;
}

/* -- fields ---------------------------------------------------------------------------- */

/* A decimal number as whole units of 10^-digits: exact, what is finer is cut off. */
static bool decimal(const char *text, unsigned digits, uint64_t *ret)
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

/* Empty is 0. */
static bool count(struct reader *r, enum column column, uint32_t *ret)
{
    uint64_t value = 0;

    if (*field(r, column) && (!decimal(field(r, column), 0, &value) || value > UINT16_MAX))
        return refuse(r, column, "no count");
    *ret = (uint32_t)value;
    return true;
}

static bool mbits(struct reader *r, enum column column, uint64_t *ret)
{
    uint64_t value = 0;

    if (*field(r, column) &&
        (!decimal(field(r, column), 0, &value) || !num_mul(value, mbit_bytes, &value)))
        return refuse(r, column, "no rate in Mbit/s");
    *ret = value;
    return true;
}

static bool memory(struct reader *r, uint64_t *ret)
{
    enum column column = *field(r, COL_MEM_GIB) ? COL_MEM_GIB : COL_MEM_MIB;
    unsigned shift = column == COL_MEM_GIB ? 30 : 20;
    uint64_t value = 0;

    /* Thousandths of a GiB: 0.5 GiB is a size that is sold. */
    if (*field(r, column) && (!decimal(field(r, column), 3, &value) || value > UINT64_MAX >> shift))
        return refuse(r, column, "no size");
    *ret = (value << shift) / 1000;
    return true;
}

static bool is_date(const char *text)
{
    static const char shape[] = "dddd-dd-dd";
    size_t len = strlen(text);

    if (len != 7 && len != 10)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != '-')
            return false;
    }
    return true;
}

/* Alibaba's families that end in y (c8y, g6y) are Arm, whatever the list says of them. */
static bool is_arm(const struct reader *r, const char *name)
{
    const char *family = strchr(name, '.');
    size_t len = family ? strcspn(++family, ".") : 0;

    if (text_equal(field(r, COL_PROVIDER), "alibaba") && len > 0 && family[len - 1] == 'y')
        return true;
    return text_equal(field(r, COL_ARCH), "arm64");
}

static bool parse_shape(struct reader *r, struct catalogue_shape *s)
{
    enum column column = *field(r, COL_NAME) ? COL_NAME : COL_NAME_SKU;

    if (!*field(r, column) || text_copy(s->name, sizeof(s->name), field(r, column)) < 0)
        return refuse(r, column, "no name");
    if (!decimal(field(r, COL_PRICE), MICROS_DIGITS, &s->price_micros) || s->price_micros == 0)
        return refuse(r, COL_PRICE, "no price");
    if (!is_date(field(r, COL_DATE)))
        return refuse(r, COL_DATE, "no date");
    (void)text_copy(s->date, sizeof(s->date), field(r, COL_DATE));
    s->arm = is_arm(r, s->name);
    return memory(r, &s->memory_bytes) && count(r, COL_VCPU, &s->vcpus) &&
           count(r, *field(r, COL_GPU) ? COL_GPU : COL_GPU_COUNT, &s->gpus) &&
           mbits(r, COL_DISK, &s->disk_bytes_per_s) && mbits(r, COL_NET, &s->net_bytes_per_s);
}

/* -- the list -------------------------------------------------------------------------- */

static int append(struct catalogue *c, const struct catalogue_shape *s, struct err *err)
{
    if (c->n == CATALOGUE_SHAPES_MAX)
        return err_set(err, -EFBIG, "more than %d shapes", CATALOGUE_SHAPES_MAX);
    if (c->n == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 64;
        struct catalogue_shape *shapes = reallocarray(c->shapes, cap, sizeof(*shapes));

        if (!shapes)
            return err_set(err, -ENOMEM, "a catalogue of %zu shapes: %m", cap);
        c->shapes = shapes;
        c->cap = cap;
    }
    c->shapes[c->n++] = *s;
    return 0;
}

/* What all rows must have in common: taken from the first, and demanded of the others. */
static int same(char *all, size_t size, const struct reader *r, enum column column, struct err *err)
{
    const char *here = field(r, column);

    if (r->out->n == 0 && text_copy(all, size, here) == 0)
        return 0;
    if (r->out->n > 0 && text_equal(all, here))
        return 0;
    return err_set(err, -EINVAL, "line %zu: %s '%.64s' beside '%s': a catalogue has one",
                   r->row.line, names[column], here, all);
}

static bool wanted(const struct reader *r)
{
    return (!r->spec->provider || text_equal(r->spec->provider, field(r, COL_PROVIDER))) &&
           (!r->spec->region || text_equal(r->spec->region, field(r, COL_REGION)));
}

static int take_row(struct reader *r, struct err *err)
{
    struct catalogue *c = r->out;
    struct catalogue_shape shape = {0};
    int rc;

    if (!wanted(r))
        return 0;
    if (!parse_shape(r, &shape)) {
        if (r->spec->refused)
            r->spec->refused(r->spec->ctx, r->row.line, r->column, r->why);
        return 0;
    }
    rc = same(c->provider, sizeof(c->provider), r, COL_PROVIDER, err);
    if (rc == 0)
        rc = same(c->region, sizeof(c->region), r, COL_REGION, err);
    if (rc == 0)
        rc = same(c->currency, sizeof(c->currency), r, COL_CURRENCY, err);
    return rc < 0 ? rc : append(c, &shape, err);
}

static int take_header(struct reader *r, struct err *err)
{
    for (size_t c = 0; c < COLUMNS; c++) {
        r->place[c] = FIELDS_MAX;
        for (size_t f = 0; f < r->row.fields; f++) {
            if (strcmp(r->row.field[f], names[c]) == 0)
                r->place[c] = f;
        }
    }
    for (size_t c = 0; c <= COL_DATE; c++) {
        size_t or_else = c == COL_NAME || c == COL_NAME_SKU ? COL_NAME + COL_NAME_SKU - c : c;

        if (r->place[c] == FIELDS_MAX && r->place[or_else] == FIELDS_MAX)
            return err_set(err, -EINVAL, "a price list has no column '%s'", names[c]);
    }
    return 0;
}

static int read_rows(struct reader *r, struct slice csv, struct err *err)
{
    int rc = 0;

    for (size_t at = 0; at < csv.len && rc == 0;) {
        const uint8_t *end = memchr(csv.data + at, '\n', csv.len - at);
        size_t len = end ? (size_t)(end - csv.data) - at : csv.len - at;

        r->row.line++;
        if (!row_split(&r->row, csv.data + at, len))
            rc = err_set(err, -EINVAL, "line %zu is no row of a price list", r->row.line);
        else if (r->row.line == 1)
            rc = take_header(r, err);
        else if (len > 0)
            rc = take_row(r, err);
        at += len + 1;
    }
    return rc;
}

static int by_price(const void *a, const void *b)
{
    const struct catalogue_shape *x = a, *y = b;

    if (x->price_micros != y->price_micros)
        return x->price_micros < y->price_micros ? -1 : 1;
    return strcmp(x->name, y->name);
}

int catalogue_read(struct slice csv, const struct catalogue_spec *spec, struct catalogue *ret,
                   struct err *err)
{
    auto_catalogue struct catalogue c = {0};
    struct reader r = {.spec = spec, .out = &c};
    int rc = read_rows(&r, csv, err);

    if (rc < 0)
        return rc;
    if (c.n == 0)
        return err_set(err, -ENOENT, "the price list has no shape of %s %s",
                       spec->provider ? spec->provider : "any provider",
                       spec->region ? spec->region : "in any region");
    qsort(c.shapes, c.n, sizeof(*c.shapes), by_price);
    *ret = c;
    c = (struct catalogue){0};
    return 0;
}

void catalogue_done(struct catalogue *c)
{
    free(c->shapes);
    *c = (struct catalogue){0};
}

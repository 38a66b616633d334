/* SPDX-License-Identifier: Apache-2.0 */
/* Price lists as CSV. Fields are plain: these lists quote nothing. */
#include "planner/engine/catalogue_gather.h"

#include "base/err.h"
#include "base/num.h"
#include "base/text.h"

#include <stdlib.h>

#include "base/banned.h"

/* What is asked of a field is asked by these names; alternatives stand side by side. */
enum column {
    COL_PROVIDER,
    COL_REGION,
    COL_CURRENCY,
    COL_DATE,
    COL_NAME,
    COL_NAME_SKU,
    COL_NAME_RATE,
    COL_PRICE,
    COL_RESERVED_1Y,
    COL_RESERVED_3Y,
    COL_ELASTIC,
    COL_VCPU,
    COL_MEM_GIB,
    COL_MEM_MIB,
    COL_ARCH,
    COL_GPU,
    COL_GPU_COUNT,
    COL_DISK,
    COL_NET,
    COL_ITEM,
    COL_RATE,
    COL_FROM,
    COLUMNS,
};

static const char *const names[COLUMNS] = {
    [COL_PROVIDER] = "provider",
    [COL_REGION] = "region",
    [COL_CURRENCY] = "currency",
    [COL_DATE] = "price_date",
    [COL_NAME] = "instance_type",
    [COL_NAME_SKU] = "sku",
    [COL_NAME_RATE] = "name",
    [COL_PRICE] = "price_per_hour",
    [COL_RESERVED_1Y] = "reserved_1y",
    [COL_RESERVED_3Y] = "reserved_3y",
    [COL_ELASTIC] = "elastic",
    [COL_VCPU] = "vcpu",
    [COL_MEM_GIB] = "mem_gib",
    [COL_MEM_MIB] = "mem_mib",
    [COL_ARCH] = "arch",
    [COL_GPU] = "gpu",
    [COL_GPU_COUNT] = "gpu_count",
    [COL_DISK] = "ebs_mbps",
    [COL_NET] = "net_mbps",
    [COL_ITEM] = "item",
    [COL_RATE] = "price_per_gib",
    [COL_FROM] = "from_gib",
};

enum { FIELDS_MAX = 64, MICROS_DIGITS = 6 };
static const uint64_t mbit_bytes = 125000;

struct csv_reader {
    bool has_header;
    size_t place[COLUMNS]; /* FIELDS_MAX: not there */
    char text[CATALOGUE_LINE_MAX];
    const char *field[FIELDS_MAX];
    size_t fields;
    const char *column, *why; /* of the refusal */
};

void csv_reader_free(struct csv_reader *csv)
{
    free(csv);
}

/* false: too long, or too many fields. */
static bool split(struct csv_reader *csv, struct slice line)
{
    size_t len = line.len;

    if (len > 0 && line.data[len - 1] == '\r')
        len--;
    if (len >= sizeof(csv->text) || (len > 0 && memchr(line.data, '\0', len)))
        return false;
    if (len > 0)
        memcpy(csv->text, line.data, len);
    csv->text[len] = '\0';
    csv->fields = 0;
    for (char *at = csv->text; at;) {
        char *comma = strchr(at, ',');

        if (csv->fields == FIELDS_MAX)
            return false;
        csv->field[csv->fields++] = at;
        if (comma)
            *comma++ = '\0';
        at = comma;
    }
    return true;
}

static const char *field(const struct csv_reader *csv, enum column column)
{
    size_t at = csv->place[column];

    return at < csv->fields ? csv->field[at] : "";
}

static bool refuse(struct csv_reader *csv, enum column column, const char *why)
{
    csv->column = names[column];
    csv->why = why;
    return false;
}

/* -- fields ---------------------------------------------------------------------------- */

/* Empty is 0. */
static bool count(struct csv_reader *csv, enum column column, uint32_t *ret)
{
    uint64_t value = 0;

    if (*field(csv, column) &&
        (!catalogue_decimal(field(csv, column), 0, &value) || value > UINT16_MAX))
        return refuse(csv, column, "no count");
    *ret = value > 0 ? (uint32_t)value : *ret;
    return true;
}

static bool mbits(struct csv_reader *csv, enum column column, uint64_t *ret)
{
    uint64_t value = 0;

    if (*field(csv, column) &&
        (!catalogue_decimal(field(csv, column), 0, &value) || !num_mul(value, mbit_bytes, &value)))
        return refuse(csv, column, "no rate in Mbit/s");
    *ret = value > 0 ? value : *ret;
    return true;
}

static bool memory(struct csv_reader *csv, uint64_t *ret)
{
    enum column column = *field(csv, COL_MEM_GIB) ? COL_MEM_GIB : COL_MEM_MIB;
    unsigned shift = column == COL_MEM_GIB ? 30 : 20;
    uint64_t value = 0;

    /* Thousandths of a GiB: 0.5 GiB is a size that is sold. */
    if (*field(csv, column) &&
        (!catalogue_decimal(field(csv, column), 3, &value) || value > UINT64_MAX >> shift))
        return refuse(csv, column, "no size");
    *ret = value > 0 ? (value << shift) / 1000 : *ret;
    return true;
}

/* Alibaba's families that end in y (c8y, g6y) are Arm, whatever the list says of them. */
static bool is_arm(const struct csv_reader *csv, const char *name)
{
    const char *family = strchr(name, '.');
    size_t len = family ? strcspn(++family, ".") : 0;

    if (text_equal(field(csv, COL_PROVIDER), "alibaba") && len > 0 && family[len - 1] == 'y')
        return true;
    return text_equal(field(csv, COL_ARCH), "arm64");
}

static bool prices(struct csv_reader *csv, struct catalogue_shape *s)
{
    static const enum column columns[CATALOGUE_TERMS] = {
        [CATALOGUE_ON_DEMAND] = COL_PRICE,
        [CATALOGUE_RESERVED_1Y] = COL_RESERVED_1Y,
        [CATALOGUE_RESERVED_3Y] = COL_RESERVED_3Y,
        [CATALOGUE_ELASTIC] = COL_ELASTIC,
    };

    for (size_t t = 0; t < CATALOGUE_TERMS; t++) {
        const char *text = field(csv, columns[t]);

        if (t != CATALOGUE_ON_DEMAND && !*text)
            continue;
        if (!catalogue_decimal(text, MICROS_DIGITS, &s->term_micros[t]) || s->term_micros[t] == 0)
            return refuse(csv, columns[t], "no price");
    }
    return true;
}

static bool date(struct csv_reader *csv, char out[static CATALOGUE_DATE_MAX])
{
    return catalogue_set_date(out, field(csv, COL_DATE)) || refuse(csv, COL_DATE, "no date");
}

static bool name(struct csv_reader *csv, enum column column, char out[static CATALOGUE_NAME_MAX])
{
    const char *text = field(csv, column);

    /* Written down, each byte that is none would become three. */
    if (!text_is_utf8(text))
        return refuse(csv, column, "not UTF-8");
    return (*text && text_copy(out, CATALOGUE_NAME_MAX, text) == 0) ||
           refuse(csv, column, "no name");
}

static bool parse_shape(struct csv_reader *csv, struct catalogue_shape *s)
{
    if (!name(csv, *field(csv, COL_NAME) ? COL_NAME : COL_NAME_SKU, s->name) || !prices(csv, s) ||
        !date(csv, s->date))
        return false;
    s->arm = is_arm(csv, s->name);
    return memory(csv, &s->memory_bytes) && count(csv, COL_VCPU, &s->vcpus) &&
           count(csv, *field(csv, COL_GPU) ? COL_GPU : COL_GPU_COUNT, &s->gpus) &&
           mbits(csv, COL_DISK, &s->disk_bytes_per_s) && mbits(csv, COL_NET, &s->net_bytes_per_s);
}

static bool parse_rate(struct csv_reader *csv, struct catalogue_rate *rate)
{
    size_t i = 0;

    while (i < CATALOGUE_ITEMS && !text_equal(catalogue_item_names[i], field(csv, COL_ITEM)))
        i++;
    if (i == CATALOGUE_ITEMS)
        return refuse(csv, COL_ITEM, "no shape, block, object or egress");
    rate->item = (enum catalogue_item)i;
    if (*field(csv, COL_FROM) && !catalogue_decimal(field(csv, COL_FROM), 0, &rate->from_gib))
        return refuse(csv, COL_FROM, "no size in GiB");
    if (!catalogue_decimal(field(csv, COL_RATE), MICROS_DIGITS, &rate->price_micros))
        return refuse(csv, COL_RATE, "no price");
    return name(csv, COL_NAME_RATE, rate->name) && date(csv, rate->date);
}

/* -- rows ------------------------------------------------------------------------------ */

static int take_shape(struct catalogue_read *r, const struct catalogue_shape *row, struct err *err)
{
    struct catalogue_shape *s;
    int rc = catalogue_gather_shape(r, row->name, &s, err);

    if (rc < 0)
        return rc;
    for (size_t t = 0; t < CATALOGUE_TERMS; t++) {
        if (row->term_micros[t])
            catalogue_gather_price(s, (enum catalogue_term)t, row->term_micros[t], row->date);
    }
    s->memory_bytes = row->memory_bytes ? row->memory_bytes : s->memory_bytes;
    s->disk_bytes_per_s = row->disk_bytes_per_s ? row->disk_bytes_per_s : s->disk_bytes_per_s;
    s->net_bytes_per_s = row->net_bytes_per_s ? row->net_bytes_per_s : s->net_bytes_per_s;
    s->vcpus = row->vcpus ? row->vcpus : s->vcpus;
    s->gpus = row->gpus ? row->gpus : s->gpus;
    s->arm |= row->arm;
    return 0;
}

static int take_row(struct catalogue_read *r, struct err *err)
{
    struct csv_reader *csv = r->csv;
    const char *provider = field(csv, COL_PROVIDER), *region = field(csv, COL_REGION);
    const char *currency = field(csv, COL_CURRENCY), *item = field(csv, COL_ITEM);
    bool is_shape = !*item || text_equal(item, "shape");
    struct catalogue_shape shape = {0};
    struct catalogue_rate rate = {0};
    int rc;

    if (!catalogue_gather_wanted(r, provider, region) ||
        (r->spec->currency && !text_equal(r->spec->currency, currency)))
        return 0;
    if (is_shape ? !parse_shape(csv, &shape) : !parse_rate(csv, &rate))
        return catalogue_gather_refuse(r, csv->column, csv->why);
    rc = catalogue_gather_same(r, provider, region, currency, err);
    if (rc < 0)
        return err_add(err, rc, "line %zu", r->piece);
    return is_shape ? take_shape(r, &shape, err) : catalogue_gather_rate(r, &rate, NULL, err);
}

static int take_header(struct csv_reader *csv, struct err *err)
{
    for (size_t c = 0; c < COLUMNS; c++) {
        csv->place[c] = FIELDS_MAX;
        for (size_t f = 0; f < csv->fields; f++) {
            if (text_equal(csv->field[f], names[c]))
                csv->place[c] = f;
        }
    }
    for (size_t c = 0; c <= COL_DATE; c++) {
        if (csv->place[c] == FIELDS_MAX)
            return err_set(err, -EINVAL, "a price list has no column '%s'", names[c]);
    }
    if (csv->place[COL_NAME] == FIELDS_MAX && csv->place[COL_NAME_SKU] == FIELDS_MAX &&
        csv->place[COL_NAME_RATE] == FIELDS_MAX)
        return err_set(err, -EINVAL, "a price list has no column '%s'", names[COL_NAME]);
    csv->has_header = true;
    return 0;
}

int csv_reader_line(struct catalogue_read *r, struct slice line, struct err *err)
{
    if (!r->csv) {
        r->csv = calloc(1, sizeof(*r->csv));
        if (!r->csv)
            return err_set(err, -ENOMEM, "a line of a price list: %m");
    }
    r->piece++;
    if (!split(r->csv, line))
        return err_set(err, -EINVAL, "line %zu is no row of a price list", r->piece);
    if (!r->csv->has_header)
        return take_header(r->csv, err);
    return r->csv->text[0] ? take_row(r, err) : 0;
}

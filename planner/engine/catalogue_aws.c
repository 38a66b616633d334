/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The AWS price list, an offer file of one service: products first, then what they cost. Of EC2 the
 * shapes (shared, nothing installed), block storage and traffic to the outside; of S3 the storage.
 * Reserved: standard class, nothing in advance where that is sold, else the cheapest.
 */
#include "planner/engine/catalogue_gather.h"

#include "base/err.h"
#include "base/js.h"
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

enum path { PATH_DATE, PATH_PRODUCT, PATH_ON_DEMAND, PATH_RESERVED };

static const char *const paths[] = {
    [PATH_DATE] = "publicationDate",
    [PATH_PRODUCT] = "products/*",
    [PATH_ON_DEMAND] = "terms/OnDemand/*",
    [PATH_RESERVED] = "terms/Reserved/*",
};

static const uint64_t mbit_bytes = 125000;

/* An attribute that may be absent, or "NA", or what is asked. */
static bool is_or_absent(const struct js *attributes, const char *key, const char *want)
{
    const char *has = js_str(attributes, key, "NA");

    return text_equal(has, "NA") || text_equal(has, want);
}

/* "1,952 GiB", "25 Gigabit", "4750 Mbps": the number, thousandths; false for anything else. */
static bool measure(const char *text, const char *unit, uint64_t *ret_thousandths)
{
    char digits[32];
    size_t n = 0;

    for (; *text && *text != ' '; text++) {
        if (*text != ',' && n + 1 < sizeof(digits))
            digits[n++] = *text;
    }
    digits[n] = '\0';
    return text_equal(text, unit) && catalogue_decimal(digits, 3, ret_thousandths);
}

/* -- products -------------------------------------------------------------------------- */

static bool is_wanted_machine(const struct catalogue_read *r, const struct js *a)
{
    return text_starts(js_str(a, "operatingSystem", ""), r->spec->windows ? "Windows" : "Linux") &&
           text_equal(js_str(a, "tenancy", ""), "Shared") &&
           is_or_absent(a, "preInstalledSw", "NA") && is_or_absent(a, "capacitystatus", "Used") &&
           is_or_absent(a, "marketoption", "OnDemand") &&
           !text_equal(js_str(a, "licenseModel", ""), "Bring your own license");
}

static int machine(struct catalogue_read *r, const char *sku, const struct js *a, struct err *err)
{
    struct catalogue_shape *s;
    uint64_t value = 0;
    int rc;

    if (!is_wanted_machine(r, a))
        return 0;
    if (!*js_str(a, "instanceType", ""))
        return catalogue_gather_refuse(r, "instanceType", "no name");
    if (!measure(js_str(a, "memory", ""), " GiB", &value) || value > UINT64_MAX >> 30)
        return catalogue_gather_refuse(r, "memory", "no size in GiB");
    rc = catalogue_gather_shape(r, js_str(a, "instanceType", ""), &s, err);
    if (rc < 0)
        return rc;
    s->memory_bytes = (value << 30) / 1000;
    s->vcpus = catalogue_decimal(js_str(a, "vcpu", ""), 0, &value)
                   ? (uint32_t)num_min(value, UINT16_MAX)
                   : 0;
    s->gpus = catalogue_decimal(js_str(a, "gpu", ""), 0, &value)
                  ? (uint32_t)num_min(value, UINT16_MAX)
                  : 0;
    s->arm = strstr(js_str(a, "physicalProcessor", ""), "Graviton") != NULL;
    /* "Up to" is what nobody can count on. */
    if (measure(js_str(a, "networkPerformance", ""), " Gigabit", &value))
        s->net_bytes_per_s = num_min(value, UINT32_MAX) * mbit_bytes;
    if (measure(js_str(a, "dedicatedEbsThroughput", ""), " Mbps", &value))
        s->disk_bytes_per_s = num_min(value, UINT32_MAX) / 1000 * mbit_bytes;
    return catalogue_names_put(&r->skus, sku, (uint32_t)(s - r->out.shapes) * 2 + WARE_SHAPE, err);
}

/* Of a rate its kind and name are kept; its price comes with the terms, tier by tier. */
static int ware(struct catalogue_read *r, const char *sku, enum catalogue_item item,
                const char *name, struct err *err)
{
    struct catalogue_rate rate = {.item = item};
    size_t at;
    int rc;

    if (text_copy(rate.name, sizeof(rate.name), name) < 0)
        return catalogue_gather_refuse(r, "volumeApiName", "no name");
    rc = catalogue_gather_rate(r, &rate, &at, err);
    return rc < 0 ? rc : catalogue_names_put(&r->skus, sku, (uint32_t)at * 2 + WARE_RATE, err);
}

static int storage(struct catalogue_read *r, const char *sku, const struct js *a, struct err *err)
{
    const char *volume = js_str(a, "volumeApiName", NULL);
    const char *usage = js_str(a, "usagetype", "");

    if (volume && strstr(usage, "EBS:VolumeUsage"))
        return ware(r, sku, CATALOGUE_BLOCK, volume, err);
    if (text_ends(usage, "TimedStorage-ByteHrs") &&
        text_equal(js_str(a, "volumeType", ""), "Standard"))
        return ware(r, sku, CATALOGUE_OBJECT, "Standard", err);
    return 0;
}

static int product(struct catalogue_read *r, const char *sku, const struct js *v, struct err *err)
{
    const struct js *a = js_member(v, "attributes");
    const char *family = js_str(v, "productFamily", ""), *transfer = js_str(a, "transferType", "");
    const char *region = js_str(a, "regionCode", js_str(a, "fromRegionCode", NULL));
    bool is_machine = text_starts(family, "Compute Instance");
    bool is_egress = text_equal(family, "Data Transfer") && text_equal(transfer, "AWS Outbound");
    int rc;

    if (!is_machine && !is_egress && !text_equal(family, "Storage"))
        return 0;
    if (!region)
        region = js_str(a, is_egress ? "fromLocation" : "location", "");
    if (!catalogue_gather_wanted(r, "aws", region) || (is_machine && !is_wanted_machine(r, a)))
        return 0;
    rc = catalogue_gather_same(r, "aws", region, NULL, err);
    if (rc < 0)
        return rc;
    if (is_machine)
        return machine(r, sku, a, err);
    return is_egress ? ware(r, sku, CATALOGUE_EGRESS, "to the internet", err)
                     : storage(r, sku, a, err);
}

/* -- terms ----------------------------------------------------------------------------- */

struct terms {
    struct catalogue_read *r;
    uint32_t ware; /* of skus */
    bool reserved;
    struct err *err;
    /* of the offer at hand */
    char date[CATALOGUE_DATE_MAX];
    uint64_t hourly, upfront;
    /* the best reserved offers yet, by catalogue_term; no price: none */
    uint64_t best[CATALOGUE_TERMS];
    bool best_is_plain[CATALOGUE_TERMS]; /* nothing in advance */
};

/* The price in the one currency there is; NULL where it has another. */
static int price_of(struct terms *t, const struct js *dimension, uint64_t *ret)
{
    struct catalogue_read *r = t->r;
    const struct js *prices = js_member(dimension, "pricePerUnit");
    static const char *const currencies[] = {"USD", "CNY"};

    for (size_t i = 0; i < ARRAY_LEN(currencies); i++) {
        const struct js *price = js_member(prices, currencies[i]);

        if (!price || (r->spec->currency && !text_equal(r->spec->currency, currencies[i])))
            continue;
        if (!catalogue_micros(price, ret))
            return catalogue_gather_refuse(r, "pricePerUnit", "no price");
        return catalogue_gather_same(r, NULL, NULL, currencies[i], t->err) < 0 ? -EINVAL : 1;
    }
    return catalogue_gather_refuse(r, "pricePerUnit", "no price in the currency");
}

static int tier(struct terms *t, const struct js *dimension, uint64_t micros)
{
    struct catalogue_read *r = t->r;
    size_t at = t->ware >> 1;
    struct catalogue_rate rate = r->out.rates[at];
    uint64_t from = 0;

    if (!catalogue_decimal(js_str(dimension, "beginRange", "0"), 0, &from))
        return catalogue_gather_refuse(r, "beginRange", "no size");
    (void)text_copy(rate.date, sizeof(rate.date), t->date);
    rate.from_gib = from;
    rate.price_micros = micros;
    if (!*r->out.rates[at].date) { /* the first tier takes the place that was kept */
        r->out.rates[at] = rate;
        return 0;
    }
    return catalogue_gather_rate(r, &rate, NULL, t->err);
}

static int dimension(void *ctx, const char *key, const struct js *v)
{
    struct terms *t = ctx;
    const char *unit = js_str(v, "unit", "");
    uint64_t micros = 0;
    int rc = price_of(t, v, &micros);

    (void)key;
    if (rc <= 0)
        return rc;
    if ((t->ware & 1) == WARE_RATE)
        return tier(t, v, micros);
    if (strcasecmp(unit, "Hrs") == 0)
        t->hourly = micros;
    else if (text_equal(unit, "Quantity"))
        t->upfront = micros;
    return 0;
}

static void reserve(struct terms *t, const struct js *attributes)
{
    const char *length = js_str(attributes, "LeaseContractLength", "");
    bool plain = text_equal(js_str(attributes, "PurchaseOption", ""), "No Upfront");
    unsigned years = length[0] == '1' ? 1 : length[0] == '3' ? 3 : 0;
    enum catalogue_term term = years == 3 ? CATALOGUE_RESERVED_3Y : CATALOGUE_RESERVED_1Y;
    uint64_t hour;

    if (years == 0 || !text_equal(js_str(attributes, "OfferingClass", ""), "standard") ||
        !num_add(t->hourly, num_div_up(t->upfront, 8760 * years), &hour) || hour == 0)
        return;
    if (t->best[term] && (t->best_is_plain[term] > plain ||
                          (t->best_is_plain[term] == plain && t->best[term] <= hour)))
        return;
    t->best[term] = hour;
    t->best_is_plain[term] = plain;
}

static int offer(void *ctx, const char *key, const struct js *v)
{
    struct terms *t = ctx;
    int rc;

    (void)key;
    t->hourly = t->upfront = 0;
    if (!catalogue_set_date(t->date, js_str(v, "effectiveDate", "")))
        return catalogue_gather_refuse(t->r, "effectiveDate", "no date");
    rc = js_each(js_member(v, "priceDimensions"), dimension, t);
    if (rc < 0 || (t->ware & 1) == WARE_RATE)
        return rc;
    if (t->reserved)
        reserve(t, js_member(v, "termAttributes"));
    else if (t->hourly > 0)
        catalogue_gather_price(&t->r->out.shapes[t->ware >> 1], CATALOGUE_ON_DEMAND, t->hourly,
                               t->date);
    return 0;
}

static int terms_of(struct catalogue_read *r, const char *sku, const struct js *v, bool reserved,
                    struct err *err)
{
    struct terms t = {.r = r, .reserved = reserved, .err = err};
    struct catalogue_shape *s;
    int rc;

    if (catalogue_names_find(&r->skus, sku, &t.ware) < 0 || (reserved && (t.ware & 1) == WARE_RATE))
        return 0;
    rc = js_each(v, offer, &t);
    if (rc < 0 || !reserved)
        return rc;
    s = &r->out.shapes[t.ware >> 1];
    for (size_t term = 0; term < CATALOGUE_TERMS; term++) {
        /* One list has one date: that of what is paid on demand. */
        if (t.best[term])
            catalogue_gather_price(s, (enum catalogue_term)term, t.best[term],
                                   *s->date ? s->date : t.date);
    }
    return 0;
}

static int piece(struct catalogue_read *r, size_t path, const char *key, const struct js *value,
                 struct err *err)
{
    switch ((enum path)path) {
    case PATH_DATE:
        (void)catalogue_set_date(r->file_date, js_as_str(value, ""));
        return 0;
    case PATH_PRODUCT:
        return product(r, key, value, err);
    case PATH_ON_DEMAND:
    case PATH_RESERVED:
        break;
    }
    return terms_of(r, key, value, path == PATH_RESERVED, err);
}

/* Most products are others' systems and tenancies; their terms are most of the file. */
static bool want(void *read, size_t path, const char *key)
{
    const struct catalogue_read *r = read;
    uint32_t found;

    return path < PATH_ON_DEMAND || catalogue_names_find(&r->skus, key, &found) == 0;
}

const struct catalogue_reader catalogue_aws = {
    .name = "aws",
    .mark = "\"offerCode\"",
    .paths = paths,
    .paths_n = ARRAY_LEN(paths),
    .piece = piece,
    .want = want,
};

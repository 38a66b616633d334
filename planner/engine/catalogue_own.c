/* SPDX-License-Identifier: Apache-2.0 */
/* godwit.catalogue/1: our own document, what was read of the others, in fixed order. */
#include "planner/engine/catalogue_gather.h"

#include "base/err.h"
#include "base/js.h"
#include "base/jsw.h"
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

enum path { PATH_PROVIDER, PATH_REGION, PATH_CURRENCY, PATH_WINDOWS, PATH_SHAPE, PATH_RATE };

static const char *const paths[] = {
    [PATH_PROVIDER] = "provider", [PATH_REGION] = "region",  [PATH_CURRENCY] = "currency",
    [PATH_WINDOWS] = "windows",   [PATH_SHAPE] = "shapes/*", [PATH_RATE] = "rates/*",
};

/* Members by term. */
static const char *const price_keys[CATALOGUE_TERMS] = {
    [CATALOGUE_ON_DEMAND] = "price_micros",
    [CATALOGUE_RESERVED_1Y] = "reserved_1y_micros",
    [CATALOGUE_RESERVED_3Y] = "reserved_3y_micros",
    [CATALOGUE_ELASTIC] = "elastic_micros",
};

/* -- reading --------------------------------------------------------------------------- */

static int shape(struct catalogue_read *r, const struct js *v, struct err *err)
{
    const char *name = js_str(v, "shape", "");
    char date[CATALOGUE_DATE_MAX];
    struct catalogue_shape *s;
    int rc;

    if (!catalogue_gather_wanted(r, r->out.provider, r->out.region) ||
        (r->spec->currency && !text_equal(r->spec->currency, r->out.currency)))
        return 0;
    if (!*name)
        return catalogue_gather_refuse(r, "shape", "no name");
    if (!catalogue_set_date(date, js_str(v, "date", "")))
        return catalogue_gather_refuse(r, "date", "no date");
    if (js_u64(v, "vcpus", 0) > UINT16_MAX || js_u64(v, "gpus", 0) > UINT16_MAX)
        return catalogue_gather_refuse(r, "vcpus", "no count");
    rc = catalogue_gather_shape(r, name, &s, err);
    if (rc < 0)
        return rc;
    for (size_t t = 0; t < CATALOGUE_TERMS; t++) {
        if (js_u64(v, price_keys[t], 0) > 0)
            catalogue_gather_price(s, (enum catalogue_term)t, js_u64(v, price_keys[t], 0), date);
    }
    s->vcpus = (uint32_t)js_u64(v, "vcpus", 0);
    s->gpus = (uint32_t)js_u64(v, "gpus", 0);
    s->memory_bytes = js_u64(v, "memory_bytes", 0);
    s->disk_bytes_per_s = js_u64(v, "disk_bytes_per_s", 0);
    s->net_bytes_per_s = js_u64(v, "net_bytes_per_s", 0);
    s->arm = text_equal(js_str(v, "arch", ""), "arm64");
    return 0;
}

static int rate(struct catalogue_read *r, const struct js *v, struct err *err)
{
    struct catalogue_rate rate = {.from_gib = js_u64(v, "from_gib", 0)};
    size_t i = 0;

    while (i < CATALOGUE_ITEMS && !text_equal(catalogue_item_names[i], js_str(v, "item", "")))
        i++;
    if (i == CATALOGUE_ITEMS)
        return catalogue_gather_refuse(r, "item", "no block, object or egress");
    rate.item = (enum catalogue_item)i;
    if (!catalogue_set_date(rate.date, js_str(v, "date", "")))
        return catalogue_gather_refuse(r, "date", "no date");
    if (text_copy(rate.name, sizeof(rate.name), js_str(v, "name", "")) < 0)
        return catalogue_gather_refuse(r, "name", "no name");
    rate.price_micros = js_u64(v, "price_micros", 0);
    return catalogue_gather_rate(r, &rate, NULL, err);
}

static int piece(struct catalogue_read *r, size_t path, const char *key, const struct js *v,
                 struct err *err)
{
    const char *text = js_as_str(v, "");

    (void)key;
    switch ((enum path)path) {
    case PATH_PROVIDER:
        return catalogue_gather_same(r, text, NULL, NULL, err);
    case PATH_REGION:
        return catalogue_gather_same(r, NULL, text, NULL, err);
    case PATH_CURRENCY:
        return catalogue_gather_same(r, NULL, NULL, text, err);
    case PATH_WINDOWS:
        r->out.windows |= js_as_bool(v, false);
        return 0;
    case PATH_SHAPE:
        return shape(r, v, err);
    case PATH_RATE:
        break;
    }
    return rate(r, v, err);
}

const struct catalogue_reader catalogue_own = {
    .name = "godwit",
    .mark = "\"godwit.catalogue/1\"",
    .paths = paths,
    .paths_n = ARRAY_LEN(paths),
    .piece = piece,
};

/* -- writing --------------------------------------------------------------------------- */

static void known(struct jsw *w, const char *key, uint64_t value)
{
    if (value > 0)
        jsw_u64(w, key, num_min(value, INT64_MAX));
}

static void write_shape(struct jsw *w, const struct catalogue_shape *s)
{
    jsw_obj(w, NULL);
    jsw_str(w, "shape", s->name);
    known(w, "vcpus", s->vcpus);
    known(w, "memory_bytes", s->memory_bytes);
    jsw_str(w, "arch", s->arm ? "arm64" : "amd64");
    known(w, "gpus", s->gpus);
    known(w, "disk_bytes_per_s", s->disk_bytes_per_s);
    known(w, "net_bytes_per_s", s->net_bytes_per_s);
    for (size_t t = 0; t < CATALOGUE_TERMS; t++)
        known(w, price_keys[t], s->term_micros[t]);
    jsw_str(w, "date", s->date);
    jsw_end(w);
}

static void write_rate(struct jsw *w, const struct catalogue_rate *r)
{
    jsw_obj(w, NULL);
    jsw_str(w, "item", catalogue_item_names[r->item]);
    jsw_str(w, "name", r->name);
    jsw_u64(w, "from_gib", r->from_gib);
    jsw_u64(w, "price_micros", r->price_micros);
    jsw_str(w, "date", r->date);
    jsw_end(w);
}

int catalogue_write(const struct catalogue *c, struct js **ret, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_str(w, "schema", "godwit.catalogue/1");
    jsw_str(w, "provider", c->provider);
    jsw_str(w, "region", c->region);
    jsw_str(w, "currency", c->currency);
    jsw_str(w, "date", catalogue_date(c));
    if (c->windows)
        jsw_bool(w, "windows", true);
    jsw_arr(w, "shapes");
    for (size_t i = 0; i < c->n; i++)
        write_shape(w, &c->shapes[i]);
    jsw_end(w);
    jsw_arr(w, "rates");
    for (size_t i = 0; i < c->rates_n; i++)
        write_rate(w, &c->rates[i]);
    jsw_end(w);
    jsw_end(w);
    return jsw_take(w, ret, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alibaba: its table of instance prices (instancePrice.json of the price page), which says nothing
 * of sizes, and the answer of DescribeInstanceTypes, which says nothing of prices.
 */
#include "planner/engine/catalogue_gather.h"

#include "base/err.h"
#include "base/js.h"
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

static const uint64_t hours_of_year = 8760;

/* -- prices ---------------------------------------------------------------------------- */

enum path { PATH_CURRENCY, PATH_DATE, PATH_PRICE };

static const char *const price_paths[] = {
    [PATH_CURRENCY] = "currency",
    [PATH_DATE] = "publicationDate",
    [PATH_PRICE] = "pricingInfo/*",
};

static void periods(struct catalogue_shape *s, const struct js *list, bool hours)
{
    for (size_t i = 0; i < js_len(list); i++) {
        const struct js *v = js_at(list, i);
        uint64_t micros, period;

        if (!catalogue_micros(js_member(v, "price"), &micros) || micros == 0 ||
            !catalogue_decimal(js_str(v, "period", "1"), 0, &period))
            continue;
        if (hours && period == 1)
            catalogue_gather_price(s, CATALOGUE_ON_DEMAND, micros, "");
        else if (!hours && (period == 1 || period == 3))
            catalogue_gather_price(s, period == 1 ? CATALOGUE_RESERVED_1Y : CATALOGUE_RESERVED_3Y,
                                   num_div_up(micros, hours_of_year * period), "");
    }
}

/* "cn-hangzhou::ecs.g6.large::vpc::linux::optimized" */
static int machine(struct catalogue_read *r, const char *key, const struct js *v, struct err *err)
{
    auto_vec char **words = NULL;
    struct catalogue_shape *s;
    int rc = text_split(key, ":", &words, err);

    if (rc < 0)
        return rc;
    if (text_vec_len(words) < 4)
        return catalogue_gather_refuse(r, "pricingInfo", "no region::type::network::system");
    if (!text_equal(words[2], "vpc") ||
        !text_equal(words[3], r->spec->windows ? "windows" : "linux") ||
        !catalogue_gather_wanted(r, "alibaba", words[0]))
        return 0;
    rc = catalogue_gather_same(r, "alibaba", words[0], NULL, err);
    if (rc == 0)
        rc = catalogue_gather_shape(r, words[1], &s, err);
    if (rc < 0)
        return rc;
    periods(s, js_member(v, "hours"), true);
    periods(s, js_member(v, "years"), false);
    return s->term_micros[CATALOGUE_ON_DEMAND] ? 0
                                               : catalogue_gather_refuse(r, "hours", "no price");
}

static int price(struct catalogue_read *r, size_t path, const char *key, const struct js *v,
                 struct err *err)
{
    switch ((enum path)path) {
    case PATH_CURRENCY:
        return catalogue_gather_same(r, NULL, NULL, js_as_str(v, ""), err);
    case PATH_DATE:
        (void)catalogue_set_date(r->file_date, js_as_str(v, ""));
        return 0;
    case PATH_PRICE:
        break;
    }
    return machine(r, key, v, err);
}

const struct catalogue_reader catalogue_alibaba = {
    .name = "alibaba",
    .mark = "\"pricingInfo\"",
    .paths = price_paths,
    .paths_n = ARRAY_LEN(price_paths),
    .piece = price,
};

/* -- sizes ----------------------------------------------------------------------------- */

static const char *const type_paths[] = {"InstanceTypes/InstanceType/*"};

static int type(struct catalogue_read *r, size_t path, const char *key, const struct js *v,
                struct err *err)
{
    const char *name = js_str(v, "InstanceTypeId", "");
    double gib = js_f64(v, "MemorySize", -1);
    uint64_t vcpus = js_u64(v, "CpuCoreCount", 0);
    struct catalogue_shape *s;
    int rc;

    (void)path;
    (void)key;
    if (!*name)
        return catalogue_gather_refuse(r, "InstanceTypeId", "no name");
    if (vcpus == 0 || vcpus > UINT16_MAX)
        return catalogue_gather_refuse(r, "CpuCoreCount", "no count");
    if (!(gib > 0 && gib < 1e9))
        return catalogue_gather_refuse(r, "MemorySize", "no size");
    rc = catalogue_gather_shape(r, name, &s, err);
    if (rc < 0)
        return rc;
    s->vcpus = (uint32_t)vcpus;
    s->memory_bytes = (uint64_t)(gib * 1024) << 20;
    s->gpus = (uint32_t)num_min(js_u64(v, "GPUAmount", 0), UINT16_MAX);
    s->arm = text_equal(js_str(v, "CpuArchitecture", ""), "ARM");
    s->net_bytes_per_s = num_min(js_u64(v, "InstanceBandwidthRx", 0), UINT32_MAX) * 1024 / 8;
    return 0;
}

const struct catalogue_reader catalogue_alibaba_types = {
    .name = "alibaba-types",
    .mark = "\"InstanceTypeId\"",
    .paths = type_paths,
    .paths_n = ARRAY_LEN(type_paths),
    .piece = type,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Azure: pages of its retail prices (prices.azure.com), which say nothing of sizes, and its list of
 * sizes (az vm list-skus -o json), which says nothing of prices. A reservation is priced for its
 * whole term. Disks have a price each, not by GiB: they are left to CSV.
 */
#include "planner/engine/catalogue_gather.h"

#include "base/err.h"
#include "base/js.h"
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

static const uint64_t hours_of_year = 8760;

/* -- prices ---------------------------------------------------------------------------- */

static const char *const price_paths[] = {"Items/*"};

static const struct js *price_member(const struct js *v)
{
    const struct js *retail = js_member(v, "retailPrice");

    return retail ? retail : js_member(v, "unitPrice");
}

/* 0 for what is neither: dev/test prices, low priority. */
static int term_of(const struct js *v, enum catalogue_term *ret, uint64_t *ret_hours)
{
    const char *type = js_str(v, "type", ""), *lease = js_str(v, "reservationTerm", "");
    const char *sku = js_str(v, "skuName", "");

    *ret_hours = 1;
    if (text_equal(type, "Consumption")) {
        *ret = strstr(sku, "Spot") ? CATALOGUE_ELASTIC : CATALOGUE_ON_DEMAND;
        return !strstr(sku, "Low Priority") && text_equal(js_str(v, "unitOfMeasure", ""), "1 Hour");
    }
    if (!text_equal(type, "Reservation"))
        return 0;
    *ret = lease[0] == '3' ? CATALOGUE_RESERVED_3Y : CATALOGUE_RESERVED_1Y;
    *ret_hours = hours_of_year * (lease[0] == '3' ? 3 : 1);
    return lease[0] == '1' || lease[0] == '3';
}

static int machine(struct catalogue_read *r, const struct js *v, const char *date, struct err *err)
{
    const char *name = js_str(v, "armSkuName", "");
    struct catalogue_shape *s;
    enum catalogue_term term;
    uint64_t micros, hours;
    int rc;

    if ((strstr(js_str(v, "productName", ""), "Windows") != NULL) != r->spec->windows ||
        !term_of(v, &term, &hours))
        return 0;
    if (!*name)
        return catalogue_gather_refuse(r, "armSkuName", "no name");
    if (!catalogue_micros(price_member(v), &micros) || micros == 0)
        return catalogue_gather_refuse(r, "retailPrice", "no price");
    rc = catalogue_gather_shape(r, name, &s, err);
    if (rc == 0)
        catalogue_gather_price(s, term, num_div_up(micros, hours), date);
    return rc;
}

static int rate(struct catalogue_read *r, const struct js *v, enum catalogue_item item,
                const char *name, const char *date, struct err *err)
{
    struct catalogue_rate rate = {.item = item};
    double from = js_f64(v, "tierMinimumUnits", 0);

    if (!catalogue_micros(price_member(v), &rate.price_micros))
        return catalogue_gather_refuse(r, "retailPrice", "no price");
    if (!(from >= 0 && from < 0x1p53))
        return catalogue_gather_refuse(r, "tierMinimumUnits", "no size");
    rate.from_gib = (uint64_t)from;
    (void)text_copy(rate.name, sizeof(rate.name), name);
    (void)text_copy(rate.date, sizeof(rate.date), date);
    return catalogue_gather_rate(r, &rate, NULL, err);
}

static int price(struct catalogue_read *r, size_t path, const char *key, const struct js *v,
                 struct err *err)
{
    const char *service = js_str(v, "serviceName", ""), *meter = js_str(v, "meterName", "");
    const char *region = js_str(v, "armRegionName", ""), *currency = js_str(v, "currencyCode", "");
    bool is_machine = text_equal(service, "Virtual Machines");
    bool is_egress =
        text_equal(service, "Bandwidth") && text_equal(meter, "Standard Data Transfer Out");
    bool is_object = text_equal(service, "Storage") && text_equal(meter, "Hot LRS Data Stored") &&
                     text_equal(js_str(v, "productName", ""), "Blob Storage");
    char date[CATALOGUE_DATE_MAX];
    int rc;

    (void)path;
    (void)key;
    if ((!is_machine && !is_egress && !is_object) || !catalogue_gather_wanted(r, "azure", region) ||
        (r->spec->currency && !text_equal(r->spec->currency, currency)))
        return 0;
    if (!catalogue_set_date(date, js_str(v, "effectiveStartDate", "")))
        return catalogue_gather_refuse(r, "effectiveStartDate", "no date");
    rc = catalogue_gather_same(r, "azure", region, currency, err);
    if (rc < 0)
        return rc;
    if (is_machine)
        return machine(r, v, date, err);
    return rate(r, v, is_egress ? CATALOGUE_EGRESS : CATALOGUE_OBJECT,
                is_egress ? "to the internet" : "Hot LRS", date, err);
}

const struct catalogue_reader catalogue_azure = {
    .name = "azure",
    .mark = "\"BillingCurrency\"",
    .paths = price_paths,
    .paths_n = ARRAY_LEN(price_paths),
    .piece = price,
};

/* -- sizes ----------------------------------------------------------------------------- */

static const char *const size_paths[] = {"*"};

static const char *capability(const struct js *v, const char *name)
{
    const struct js *all = js_member(v, "capabilities");

    for (size_t i = 0; i < js_len(all); i++) {
        if (text_equal(js_str(js_at(all, i), "name", ""), name))
            return js_str(js_at(all, i), "value", "");
    }
    return "";
}

static int size(struct catalogue_read *r, size_t path, const char *key, const struct js *v,
                struct err *err)
{
    const char *name = js_str(v, "name", "");
    uint64_t vcpus, gib, value;
    struct catalogue_shape *s;
    int rc;

    (void)path;
    (void)key;
    if (!text_equal(js_str(v, "resourceType", ""), "virtualMachines"))
        return 0;
    if (!*name)
        return catalogue_gather_refuse(r, "name", "no name");
    if (!catalogue_decimal(capability(v, "vCPUs"), 0, &vcpus) || vcpus > UINT16_MAX)
        return catalogue_gather_refuse(r, "vCPUs", "no count");
    if (!catalogue_decimal(capability(v, "MemoryGB"), 3, &gib) || gib > UINT64_MAX >> 30)
        return catalogue_gather_refuse(r, "MemoryGB", "no size");
    rc = catalogue_gather_shape(r, name, &s, err);
    if (rc < 0)
        return rc;
    s->vcpus = (uint32_t)vcpus;
    s->memory_bytes = (gib << 30) / 1000;
    s->arm = text_equal(capability(v, "CpuArchitectureType"), "Arm64");
    if (catalogue_decimal(capability(v, "GPUs"), 0, &value))
        s->gpus = (uint32_t)num_min(value, UINT16_MAX);
    if (catalogue_decimal(capability(v, "UncachedDiskBytesPerSecond"), 0, &value))
        s->disk_bytes_per_s = value;
    return 0;
}

const struct catalogue_reader catalogue_azure_sizes = {
    .name = "azure-sizes",
    .mark = "\"capabilities\"",
    .paths = size_paths,
    .paths_n = ARRAY_LEN(size_paths),
    .piece = size,
};

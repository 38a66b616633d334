/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ansible-inventory --list: groups of hosts and the variables of each. Facts count where they are
 * kept as variables (fact caching); godwit_workload, godwit_owner and godwit_wave are read too.
 */
#include "planner/engine/import_priv.h"

#include "base/js.h"
#include "base/num.h"
#include "base/text.h"

#include <string.h>

#include "base/banned.h"

bool import_ansible_knows(const struct js *doc)
{
    return js_kind(js_member(js_member(doc, "_meta"), "hostvars")) == JS_OBJ ||
           js_kind(js_member(js_member(doc, "all"), "children")) == JS_ARR;
}

static void refuse(struct import *im, const char *host, const char *column, const char *why)
{
    struct import_refusal refusal = {.file = im->file,
                                     .column = column,
                                     .value = host,
                                     .why = why,
                                     .whole_row = text_equal(column, "")};

    import_refuse(im, &refusal);
}

/* -- variables -------------------------------------------------------------------------------- */

/* A fact stands among the variables with its prefix, or in ansible_facts without. */
static const struct js *fact(const struct js *vars, const char *name)
{
    const struct js *v = js_member(vars, name);

    if (!v && text_starts(name, "ansible_"))
        v = js_member(js_member(vars, "ansible_facts"), name + strlen("ansible_"));
    return v;
}

static const char *text_of(const struct js *vars, const char *name)
{
    return js_as_str(fact(vars, name), "");
}

static void set(struct import *im, struct estate_host *h, enum estate_field field,
                const struct js *vars, const char *name)
{
    const char *why = estate_set(im->estate, h, field, text_of(vars, name), import_source(im, 0));

    if (why)
        refuse(im, h->name, name, why);
}

static void take_system(struct import *im, struct estate_host *h, const struct js *vars)
{
    const struct estate_source source = import_source(im, 0);
    const char *family = text_of(vars, "ansible_system"), *role;

    import_os(im, h, text_of(vars, "ansible_distribution"), source);
    if (text_equal(family, "Linux"))
        (void)estate_set(im->estate, h, ESTATE_OS_FAMILY, "linux", source);
    else if (text_starts(family, "Win"))
        (void)estate_set(im->estate, h, ESTATE_OS_FAMILY, "windows", source);
    set(im, h, ESTATE_OS_VERSION, vars, "ansible_distribution_version");
    set(im, h, ESTATE_ARCH, vars, "ansible_architecture");
    set(im, h, ESTATE_VENDOR, vars, "ansible_system_vendor");
    set(im, h, ESTATE_MODEL, vars, "ansible_product_name");
    role = text_of(vars, "ansible_virtualization_role");
    if (text_equal(role, "guest"))
        (void)estate_set(im->estate, h, ESTATE_KIND, "virtual", source);
    else if (text_equal(role, "host"))
        (void)estate_set(im->estate, h, ESTATE_KIND, "hypervisor", source);
    estate_set_u64(h, ESTATE_CORES, js_as_u64(fact(vars, "ansible_processor_vcpus"), 0), source);
    estate_set_u64(h, ESTATE_MEMORY_BYTES,
                   js_as_u64(fact(vars, "ansible_memtotal_mb"), 0) % (1u << 30) << 20, source);
}

struct device {
    struct import *im;
    struct estate_host *host;
};

/* "sectors" of "sectorsize" bytes, both texts in some versions. */
static uint64_t number_of(const struct js *v)
{
    uint64_t value = 0;
    double real;

    if (js_kind(v) == JS_STR)
        (void)num_parse_u64(js_as_str(v, ""), 0, INT64_MAX, &value, NULL);
    else if (js_kind(v) == JS_INT || js_kind(v) == JS_REAL) {
        real = js_as_f64(v, 0);
        value = real > 0 && real < 9e18 ? (uint64_t)real : 0;
    }
    return value;
}

static int take_device(void *arg, const char *name, const struct js *device)
{
    struct device *d = arg;
    uint64_t bytes;
    struct estate_disk *disk;

    if (!num_mul(number_of(js_member(device, "sectors")),
                 number_of(js_member(device, "sectorsize")), &bytes) ||
        bytes == 0 || bytes > INT64_MAX || text_starts(name, "loop") || text_starts(name, "sr") ||
        text_starts(name, "dm-"))
        return 0;
    disk = estate_disk_add(d->im->estate, d->host, name, import_source(d->im, 0));
    if (disk) {
        disk->size_bytes = bytes;
        disk->type = estate_text(d->im->estate, js_str(device, "model", ""));
    }
    return 0;
}

static void take_addresses(struct import *im, struct estate_host *h, const struct js *vars)
{
    const struct js *all = fact(vars, "ansible_all_ipv4_addresses");
    const char *host = text_of(vars, "ansible_host");

    if (*host && host[strspn(host, "0123456789.:abcdefABCDEF")] == '\0')
        estate_address_add(im->estate, h, host, import_source(im, 0));
    for (size_t i = 0; i < js_len(all); i++)
        estate_address_add(im->estate, h, js_as_str(js_at(all, i), ""), import_source(im, 0));
}

static void take_own(struct import *im, struct estate_host *h, const struct js *vars)
{
    uint64_t wave = number_of(js_member(vars, "godwit_wave"));
    struct estate_workload *w;

    set(im, h, ESTATE_WORKLOAD, vars, "godwit_workload");
    set(im, h, ESTATE_OWNER, vars, "godwit_owner");
    w = estate_workload_add(im->estate, h->workload, import_source(im, 0));
    if (w && wave >= 1 && wave <= 1000)
        w->wave = (unsigned)wave;
}

static int take_host(void *arg, const char *name, const struct js *vars)
{
    struct import *im = arg;
    struct estate_host *h = estate_host_add(im->estate, name, "", import_source(im, 0));
    struct device device = {.im = im, .host = h};

    im->count->rows++;
    if (!h) {
        refuse(im, name, "", "a host without a name");
        return estate_failed(im->estate, im->err);
    }
    take_system(im, h, vars);
    take_addresses(im, h, vars);
    take_own(im, h, vars);
    (void)js_each(fact(vars, "ansible_devices"), take_device, &device);
    return estate_failed(im->estate, im->err);
}

/* -- groups ----------------------------------------------------------------------------------- */

/* Groups overlap and say little alone: each is a tag of its hosts. */
static int take_group(void *arg, const char *name, const struct js *group)
{
    const struct js *hosts = js_member(group, "hosts");
    struct import *im = arg;
    char key[ESTATE_TEXT_MAX];

    if (text_equal(name, "_meta") || text_equal(name, "all") || text_equal(name, "ungrouped"))
        return 0;
    if (text_print(key, sizeof(key), "group:%.200s", name) < 0)
        return 0;
    for (size_t i = 0; i < js_len(hosts); i++) {
        struct estate_host *h =
            estate_host_add(im->estate, js_as_str(js_at(hosts, i), ""), "", import_source(im, 0));

        if (h)
            estate_tag_set(im->estate, h, key, "yes", import_source(im, 0));
        else
            refuse(im, name, "hosts", "not the name of a host");
    }
    return estate_failed(im->estate, im->err);
}

/* Hosts without variables are in groups alone. */
int import_ansible_read(struct import *im, const struct js *doc)
{
    int r = js_each(js_member(js_member(doc, "_meta"), "hostvars"), take_host, im);

    return r < 0 ? r : js_each(doc, take_group, im);
}

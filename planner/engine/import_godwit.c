/* SPDX-License-Identifier: Apache-2.0 */
/* Our own documents: a fleet, the input of a plan, and what agents say of their hosts. */
#include "planner/engine/import_priv.h"

#include "base/err.h"
#include "base/js.h"
#include "base/num.h"
#include "base/text.h"
#include "inventory/inventory.h"
#include "planner/engine/estate_doc.h"

#include "base/banned.h"

static const char *schema_of(const struct js *doc)
{
    return js_str(doc, "schema", "");
}

bool import_godwit_knows(const struct js *doc)
{
    return text_starts(schema_of(doc), "godwit.") ||
           text_starts(schema_of(js_at(doc, 0)), "godwit.");
}

/* -- inventories ------------------------------------------------------------------------------ */

static void refuse(struct import *im, size_t line, const char *value, const char *why)
{
    struct import_refusal refusal = {.file = im->file,
                                     .line = line,
                                     .column = "",
                                     .value = value,
                                     .why = why,
                                     .whole_row = true};

    import_refuse(im, &refusal);
}

static void take_volumes(struct import *im, struct estate_host *h, const struct inventory *inv,
                         struct estate_source source)
{
    for (size_t i = 0; i < inv->n_volumes; i++) {
        const struct inventory_volume *v = &inv->volumes[i];
        bool disk = text_equal(v->kind, "disk");
        struct estate_disk *d;

        if (v->is_remote || (!disk && !v->has_used))
            continue;
        d = estate_disk_add(im->estate, h, v->path, source);
        if (!d)
            return;
        d->level = disk ? ESTATE_DEVICE : ESTATE_PARTITION;
        d->type = estate_text(im->estate, *v->fs ? v->fs : v->kind);
        d->size_bytes = v->size_bytes;
        d->has_used = v->has_used;
        d->used_bytes = v->used_bytes;
    }
}

static void take_peers(struct import *im, struct estate_host *h, const struct inventory *inv,
                       struct estate_source source)
{
    for (size_t i = 0; i < inv->n_peers; i++) {
        const struct inventory_peer *p = &inv->peers[i];
        struct estate_end here = {.host = h, .address = ""};
        struct estate_end there = {.address = estate_text(im->estate, p->peer)};
        const char *comm = estate_text(im->estate, p->comm);
        struct estate_talk t = {.from = p->is_inbound ? there : here,
                                .to = p->is_inbound ? here : there,
                                .from_process = p->is_inbound ? "" : comm,
                                .to_process = p->is_inbound ? comm : "",
                                .port = p->port,
                                .count = p->count,
                                .from_ms = inv->generated_at_ms,
                                .until_ms = inv->generated_at_ms,
                                .source = source};

        estate_talk_add(im->estate, &t);
        if (p->is_inbound)
            estate_software_add(im->estate, h, comm, "", source);
    }
}

static void take_facts(struct import *im, struct estate_host *h, const struct inventory *inv,
                       struct estate_source source)
{
    import_os(im, h, inv->os_name, source);
    (void)estate_set(im->estate, h, ESTATE_OS_FAMILY, "linux", source);
    (void)estate_set(im->estate, h, ESTATE_OS_VERSION, inv->os_version, source);
    (void)estate_set(im->estate, h, ESTATE_ARCH, inv->arch, source);
    (void)estate_set(im->estate, h, ESTATE_CPU_MODEL, inv->cpu_model, source);
    (void)estate_set(im->estate, h, ESTATE_BOOT, inv->boot_mode, source);
    (void)estate_set(im->estate, h, ESTATE_POWER, "on", source);
    if (*inv->virt_kind)
        (void)estate_set(im->estate, h, ESTATE_KIND,
                         text_equal(inv->virt_kind, "none") ? "physical" : "virtual", source);
    estate_set_u64(h, ESTATE_CORES, inv->cpu_threads, source);
    estate_set_u64(h, ESTATE_MEMORY_BYTES, inv->memory_bytes, source);
    for (size_t i = 0; i < inv->n_addresses; i++)
        estate_address_add(im->estate, h, inv->addresses[i].address, source);
}

static int take_inventory(struct import *im, const struct js *doc, size_t line, const char *name)
{
    const struct estate_source source = import_source(im, line);
    auto_inventory struct inventory *inv = NULL;
    struct estate_host *h;
    struct err why = {0};
    int r = inventory_read(doc, &inv, &why);

    im->count->rows++;
    if (r < 0) {
        refuse(im, line, name, why.text);
        return r == -ENOMEM ? err_set(im->err, r, "%s", why.text) : 0;
    }
    h = estate_host_add(im->estate, *name ? name : inv->host_name, inv->machine_id_hash, source);
    if (h) {
        take_facts(im, h, inv, source);
        take_volumes(im, h, inv, source);
        take_peers(im, h, inv, source);
    }
    return estate_failed(im->estate, im->err);
}

/* -- the input of a plan ---------------------------------------------------------------------- */

static void take_plan_volumes(struct import *im, struct estate_host *h, const struct js *load,
                              struct estate_source source)
{
    const struct js *volumes = js_member(load, "volumes");
    double writes = 0, peak = 0;
    struct estate_usage *u;

    for (size_t i = 0; i < js_len(volumes); i++) {
        const struct js *v = js_at(volumes, i);
        struct estate_disk *d = estate_disk_add(im->estate, h, js_str(v, "volume", "?"), source);

        if (!d)
            return;
        d->size_bytes = js_u64(v, "size_bytes", 0);
        writes += (double)js_u64(v, "write_bytes_per_s", 0);
        peak += (double)js_u64(v, "write_peak_bytes_per_s", 0);
    }
    u = writes + peak > 0 ? estate_usage_of(im->estate, h, ESTATE_DISK_WRITES) : NULL;
    if (u) {
        u->mean = writes;
        u->quantile[ESTATE_P99] = peak > writes ? peak : writes;
        u->source = source;
    }
}

/* Which of its hosts has a volume is not said there: the first one gets them. */
static int take_workload(struct import *im, const struct js *load, size_t line)
{
    const struct js *hosts = js_member(load, "hosts"), *depends = js_member(load, "depends");
    const struct estate_source source = import_source(im, line);
    const char *name = js_str(load, "workload", "");
    struct estate_workload *w = estate_workload_add(im->estate, name, source);

    im->count->rows++;
    if (!w) {
        refuse(im, line, "", "a workload without a name");
        return estate_failed(im->estate, im->err);
    }
    w->wave = (unsigned)num_min(js_u64(load, "wave", 0), 1000);
    for (size_t i = 0; i < js_len(depends); i++)
        estate_depends_add(im->estate, w, js_as_str(js_at(depends, i), ""), source);
    for (size_t i = 0; i < js_len(hosts); i++) {
        struct estate_host *h =
            estate_host_add(im->estate, js_as_str(js_at(hosts, i), ""), "", source);

        if (!h)
            continue;
        (void)estate_set(im->estate, h, ESTATE_WORKLOAD, name, source);
        if (i == 0)
            take_plan_volumes(im, h, load, source);
    }
    return estate_failed(im->estate, im->err);
}

/* -- documents -------------------------------------------------------------------------------- */

static int take_document(struct import *im, const struct js *doc, size_t line)
{
    const char *schema = schema_of(doc);
    const struct js *list = NULL;
    int r = 0;

    if (text_equal(schema, ESTATE_SCHEMA)) {
        im->count->rows += js_len(js_member(doc, "hosts"));
        return estate_read(doc, im->estate, im->err);
    }
    if (text_equal(schema, INVENTORY_SCHEMA))
        return take_inventory(im, doc, line, "");
    if (text_equal(schema, "godwit.host/1") && js_member(doc, "inventory"))
        return take_inventory(im, js_member(doc, "inventory"), line, js_str(doc, "host", ""));
    if (text_equal(schema, "godwit.plan-input/1"))
        list = js_member(doc, "workloads");
    else
        refuse(im, line, schema, "a document that no fleet is made of");
    for (size_t i = 0; r == 0 && i < js_len(list); i++)
        r = take_workload(im, js_at(list, i), i + 1);
    return r;
}

/* One document, or a list of them. */
int import_godwit_read(struct import *im, const struct js *doc)
{
    int r = 0;

    if (js_kind(doc) != JS_ARR)
        return take_document(im, doc, 0);
    for (size_t i = 0; r == 0 && i < js_len(doc); i++)
        r = take_document(im, js_at(doc, i), i + 1);
    return r;
}

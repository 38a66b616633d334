/* SPDX-License-Identifier: Apache-2.0 */
/*
 * godwit.estate/1 out. Each element is written by itself: a value of the whole document would take
 * ten times its text.
 */
#include "planner/engine/estate_doc.h"
#include "planner/engine/estate_priv.h"

#include "base/buf.h"
#include "base/jsw.h"

#include <math.h>

#include "base/banned.h"

/* -- members ---------------------------------------------------------------------------------- */

static void write_text(struct jsw *w, const char *key, const char *text)
{
    if (*text)
        jsw_str(w, key, text);
}

static void write_number(struct jsw *w, const char *key, uint64_t v)
{
    if (v)
        jsw_u64(w, key, v);
}

static void write_time(struct jsw *w, const char *key, uint64_t ms)
{
    if (ms)
        jsw_time(w, key, ms);
}

/* [file, row] */
static void write_source(struct jsw *w, const char *key, struct estate_source s)
{
    if (s.file == 0)
        return;
    jsw_arr(w, key);
    jsw_u64(w, NULL, s.file);
    jsw_u64(w, NULL, s.row);
    jsw_end(w);
}

static void write_tags(struct jsw *w, const struct estate_tag *tags, size_t n)
{
    if (n == 0)
        return;
    jsw_arr(w, "tags");
    for (size_t i = 0; i < n; i++) {
        jsw_obj(w, NULL);
        jsw_str(w, "key", tags[i].key);
        jsw_str(w, "value", tags[i].value);
        write_source(w, "source", tags[i].source);
        jsw_end(w);
    }
    jsw_end(w);
}

/* -- hosts ------------------------------------------------------------------------------------ */

static void write_addresses(struct jsw *w, const struct estate_host *h)
{
    if (h->addresses_n == 0)
        return;
    jsw_arr(w, "addresses");
    for (size_t i = 0; i < h->addresses_n; i++) {
        jsw_obj(w, NULL);
        jsw_str(w, "address", h->addresses[i].text);
        write_source(w, "source", h->addresses[i].source);
        jsw_end(w);
    }
    jsw_end(w);
}

static void write_disks(struct jsw *w, const struct estate_host *h)
{
    if (h->disks_n == 0)
        return;
    jsw_arr(w, "disks");
    for (size_t i = 0; i < h->disks_n; i++) {
        const struct estate_disk *d = &h->disks[i];

        jsw_obj(w, NULL);
        jsw_str(w, "disk", d->name);
        write_text(w, "type", d->type);
        write_text(w, "level", estate_level_key(d->level));
        jsw_u64(w, "size_bytes", d->size_bytes);
        if (d->has_used)
            jsw_u64(w, "used_bytes", d->used_bytes);
        write_source(w, "source", d->source);
        jsw_end(w);
    }
    jsw_end(w);
}

static void write_nics(struct jsw *w, const struct estate_host *h)
{
    if (h->nics_n == 0)
        return;
    jsw_arr(w, "nics");
    for (size_t i = 0; i < h->nics_n; i++) {
        jsw_obj(w, NULL);
        jsw_str(w, "nic", h->nics[i].name);
        write_text(w, "mac", h->nics[i].mac);
        write_text(w, "network", h->nics[i].network);
        write_source(w, "source", h->nics[i].source);
        jsw_end(w);
    }
    jsw_end(w);
}

static void write_software(struct jsw *w, const struct estate_host *h)
{
    if (h->software_n == 0)
        return;
    jsw_arr(w, "software");
    for (size_t i = 0; i < h->software_n; i++) {
        jsw_obj(w, NULL);
        jsw_str(w, "name", h->software[i].name);
        write_text(w, "version", h->software[i].version);
        write_source(w, "source", h->software[i].source);
        jsw_end(w);
    }
    jsw_end(w);
}

/* Thousandths are finer than anybody measures. */
static void write_real(struct jsw *w, const char *key, double v)
{
    if (v >= 0)
        jsw_f64(w, key, floor(v * 1000 + 0.5) / 1000);
    else if (!key)
        jsw_null(w, NULL);
}

static void write_one_usage(struct jsw *w, const char *key, const struct estate_usage *u)
{
    jsw_obj(w, key);
    write_number(w, "samples", u->samples);
    write_time(w, "from", u->from_ms);
    write_time(w, "until", u->until_ms);
    write_real(w, "mean", u->mean);
    for (size_t q = 0; q < ESTATE_QUANTILES; q++)
        write_real(w, estate_quantile_key((enum estate_quantile)q), u->quantile[q]);
    if (u->buckets_n > 0) {
        jsw_arr(w, "counts");
        for (size_t i = 0; i < u->buckets_n; i++) {
            jsw_arr(w, NULL);
            jsw_u64(w, NULL, u->buckets[i].bucket);
            jsw_u64(w, NULL, u->buckets[i].count);
            jsw_end(w);
        }
        jsw_end(w);
    }
    if (u->week) {
        jsw_arr(w, "week");
        for (size_t i = 0; i < ESTATE_WEEK; i++)
            write_real(w, NULL, u->week[i]);
        jsw_end(w);
    }
    write_source(w, "source", u->source);
    jsw_end(w);
}

static void write_usage(struct jsw *w, const struct estate_host *h)
{
    bool any = false;

    for (size_t m = 0; m < ESTATE_METRICS; m++) {
        if (!h->usage[m])
            continue;
        if (!any)
            jsw_obj(w, "usage");
        any = true;
        write_one_usage(w, estate_metric_key((enum estate_metric)m), h->usage[m]);
    }
    if (any)
        jsw_end(w);
}

static void write_fields(struct jsw *w, const struct estate_host *h)
{
    char text[ESTATE_TEXT_MAX];

    for (size_t f = 0; f < ESTATE_FIELDS; f++) {
        const enum estate_field field = (enum estate_field)f;
        const char *value = estate_field_get(h, field, text);

        if (*value && estate_field_is_number(field))
            jsw_u64(w, estate_field_key(field), estate_field_number(h, field));
        else
            write_text(w, estate_field_key(field), value);
    }
    jsw_obj(w, "sources");
    write_source(w, "host", h->named);
    for (size_t f = 0; f < ESTATE_FIELDS; f++)
        write_source(w, estate_field_key((enum estate_field)f), h->source[f]);
    jsw_end(w);
}

static void write_host(struct jsw *w, const void *item)
{
    const struct estate_host *h = item;

    jsw_str(w, "host", h->name);
    write_fields(w, h);
    write_addresses(w, h);
    write_disks(w, h);
    write_nics(w, h);
    write_tags(w, h->tags, h->tags_n);
    write_software(w, h);
    write_usage(w, h);
}

/* -- workloads and talks ---------------------------------------------------------------------- */

static void write_workload(struct jsw *w, const void *item)
{
    const struct estate_workload *load = item;

    jsw_str(w, "workload", load->name);
    write_text(w, "owner", load->owner);
    write_text(w, "description", load->description);
    write_number(w, "wave", load->wave);
    if (load->depends_n > 0) {
        jsw_arr(w, "depends");
        for (size_t i = 0; i < load->depends_n; i++)
            jsw_str(w, NULL, load->depends[i].on);
        jsw_end(w);
    }
    write_tags(w, load->tags, load->tags_n);
    write_source(w, "source", load->source);
}

static void write_end(struct jsw *w, const char *key, const char *address_key,
                      const struct estate_end *end)
{
    if (end->host)
        jsw_str(w, key, end->host->name);
    write_text(w, address_key, end->address);
}

static void write_talk(struct jsw *w, const void *item)
{
    const struct estate_talk *t = item;

    write_end(w, "from", "from_address", &t->from);
    write_text(w, "from_process", t->from_process);
    write_end(w, "to", "to_address", &t->to);
    write_text(w, "to_process", t->to_process);
    write_number(w, "port", t->port);
    write_number(w, "bytes", t->bytes);
    write_number(w, "count", t->count);
    write_time(w, "first", t->from_ms);
    write_time(w, "last", t->until_ms);
    write_source(w, "source", t->source);
}

/* -- the document ----------------------------------------------------------------------------- */

struct out {
    struct buf *buf;
    struct err *err;
    size_t n;
};

static int element(struct out *o, void (*write)(struct jsw *w, const void *item), const void *item)
{
    auto_jsw struct jsw *w = NULL;
    int r = buf_str(o->buf, o->n++ ? ",\n" : "\n");

    if (r == 0)
        r = jsw_new(&w, o->err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    write(w, item);
    jsw_end(w);
    return jsw_finish(w, false, o->buf, o->err);
}

static void list_begin(struct out *o, const char *key)
{
    o->n = 0;
    (void)buf_printf(o->buf, ",\n\"%s\":[", key);
}

static int list_end(struct out *o)
{
    return buf_str(o->buf, o->n ? "\n]" : "]");
}

static int write_files(const struct estate *e, struct out *o)
{
    auto_jsw struct jsw *w = NULL;
    int r = jsw_new(&w, o->err);

    if (r < 0)
        return r;
    jsw_arr(w, NULL);
    for (size_t i = 0; i < e->files_n; i++)
        jsw_str(w, NULL, e->files[i]);
    jsw_end(w);
    (void)buf_str(o->buf, "{\"schema\":\"" ESTATE_SCHEMA "\",\n\"sources\":");
    return jsw_finish(w, false, o->buf, o->err);
}

int estate_write(const struct estate *e, struct buf *out, struct err *err)
{
    struct out o = {.buf = out, .err = err};
    int r = write_files(e, &o);

    list_begin(&o, "hosts");
    for (size_t i = 0; r == 0 && i < e->hosts_n; i++)
        r = element(&o, write_host, e->hosts[i]);
    (void)list_end(&o);
    list_begin(&o, "workloads");
    for (size_t i = 0; r == 0 && i < e->workloads_n; i++)
        r = element(&o, write_workload, e->workloads[i]);
    (void)list_end(&o);
    list_begin(&o, "talks");
    for (size_t i = 0; r == 0 && i < e->talks_n; i++)
        r = element(&o, write_talk, &e->talks[i]);
    (void)list_end(&o);
    (void)buf_str(out, "}\n");
    return r < 0 ? r : buf_failed(out, err);
}

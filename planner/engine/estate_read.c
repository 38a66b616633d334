/* SPDX-License-Identifier: Apache-2.0 */
/* godwit.estate/1 in. Members that are not known are passed over; those that are must be right. */
#include "planner/engine/estate_doc.h"
#include "planner/engine/estate_priv.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/js.h"
#include "base/text.h"
#include "inventory/rollup.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

struct reader {
    struct estate *e;
    struct err *err;
    uint32_t *files; /* number in the document -> number here */
    size_t files_n;
    const char *what, *name; /* "host" 'web-01', for errors */
};

static int refuse(const struct reader *r, const char *key, const char *why)
{
    return err_set_gw(r->err, GW_BAD_DOCUMENT, -EINVAL, "%s '%.80s': '%s' is %s", r->what, r->name,
                      key, why);
}

/* -- members: absent and null are not known ------------------------------------------------- */

static int get_text(const struct reader *r, const struct js *o, const char *key, const char **ret)
{
    const struct js *v = js_member(o, key);

    if (js_kind(v) == JS_NULL)
        return 0;
    if (js_kind(v) != JS_STR)
        return refuse(r, key, "no text");
    *ret = estate_text(r->e, js_as_str(v, ""));
    return 0;
}

static int get_u64(const struct reader *r, const struct js *o, const char *key, uint64_t *ret)
{
    const struct js *v = js_member(o, key);
    uint64_t value;

    if (js_kind(v) == JS_NULL)
        return 0;
    if (js_get_u64(o, key, &value, NULL) < 0 || value > INT64_MAX)
        return refuse(r, key, "no whole number");
    *ret = value;
    return 0;
}

static int get_real(const struct reader *r, const struct js *v, const char *key, double *ret)
{
    double value;

    if (js_kind(v) == JS_NULL)
        return 0;
    value = js_as_f64(v, -1);
    if (!(value >= 0 && value <= 1e18))
        return refuse(r, key, "no number of 0 or more");
    *ret = value;
    return 0;
}

static int get_time(const struct reader *r, const struct js *o, const char *key, uint64_t *ret)
{
    const struct js *v = js_member(o, key);

    if (js_kind(v) == JS_NULL)
        return 0;
    if (text_parse_time(js_as_str(v, ""), ret, NULL) < 0)
        return refuse(r, key, "no time");
    return 0;
}

static int get_source(const struct reader *r, const struct js *v, const char *key,
                      struct estate_source *ret)
{
    uint64_t file = js_as_u64(js_at(v, 0), 0), row = js_as_u64(js_at(v, 1), 0);

    if (js_kind(v) == JS_NULL)
        return 0;
    if (js_len(v) != 2 || file == 0 || file > r->files_n || row > UINT32_MAX)
        return refuse(r, key, "no source");
    *ret = (struct estate_source){r->files[file - 1], (uint32_t)row};
    return 0;
}

/* Every element of a list is read by fn; the list may be absent. */
typedef int (*read_fn)(struct reader *r, const struct js *o, void *to);

static int each(struct reader *r, const struct js *o, const char *key, read_fn fn, void *to)
{
    const struct js *list = js_member(o, key);
    int rc = 0;

    if (js_kind(list) != JS_NULL && js_kind(list) != JS_ARR)
        return refuse(r, key, "no list");
    for (size_t i = 0; rc == 0 && i < js_len(list); i++) {
        if (js_kind(js_at(list, i)) != JS_OBJ)
            return refuse(r, key, "no list of objects");
        rc = fn(r, js_at(list, i), to);
    }
    return rc;
}

/* -- hosts ------------------------------------------------------------------------------------ */

struct named {
    const char *text;
    struct estate_source source;
};

static int get_named(const struct reader *r, const struct js *o, const char *key, struct named *ret)
{
    int rc;

    *ret = (struct named){.text = ""};
    rc = get_text(r, o, key, &ret->text);
    if (rc == 0)
        rc = get_source(r, js_member(o, "source"), "source", &ret->source);
    return rc;
}

static int read_address(struct reader *r, const struct js *o, void *to)
{
    struct named n;
    int rc = get_named(r, o, "address", &n);

    if (rc == 0)
        estate_address_add(r->e, to, n.text, n.source);
    return rc;
}

static int read_disk(struct reader *r, const struct js *o, void *to)
{
    const char *level = "";
    struct estate_disk *d;
    struct named n;
    int rc = get_named(r, o, "disk", &n);

    if (rc == 0)
        rc = get_text(r, o, "level", &level);
    if (rc < 0)
        return rc;
    d = estate_disk_add(r->e, to, n.text, n.source);
    if (!d)
        return estate_failed(r->e, r->err);
    if (!estate_level_find(level, &d->level))
        return refuse(r, "level", "no level");
    d->has_used = js_kind(js_member(o, "used_bytes")) != JS_NULL;
    rc = get_text(r, o, "type", &d->type);
    if (rc == 0)
        rc = get_u64(r, o, "size_bytes", &d->size_bytes);
    return rc < 0 ? rc : get_u64(r, o, "used_bytes", &d->used_bytes);
}

static int read_nic(struct reader *r, const struct js *o, void *to)
{
    struct estate_nic *nic;
    struct named n;
    int rc = get_named(r, o, "nic", &n);

    if (rc < 0)
        return rc;
    nic = estate_nic_add(r->e, to, n.text, n.source);
    if (!nic)
        return estate_failed(r->e, r->err);
    rc = get_text(r, o, "mac", &nic->mac);
    return rc < 0 ? rc : get_text(r, o, "network", &nic->network);
}

static int get_tag(struct reader *r, const struct js *o, struct named *ret, const char **ret_value)
{
    int rc = get_named(r, o, "key", ret);

    *ret_value = "";
    return rc < 0 ? rc : get_text(r, o, "value", ret_value);
}

static int read_tag(struct reader *r, const struct js *o, void *to)
{
    const char *value;
    struct named n;
    int rc = get_tag(r, o, &n, &value);

    if (rc == 0)
        estate_tag_set(r->e, to, n.text, value, n.source);
    return rc;
}

static int read_software(struct reader *r, const struct js *o, void *to)
{
    const char *version = "";
    struct named n;
    int rc = get_named(r, o, "name", &n);

    if (rc == 0)
        rc = get_text(r, o, "version", &version);
    if (rc == 0)
        estate_software_add(r->e, to, n.text, version, n.source);
    return rc;
}

/* -- use -------------------------------------------------------------------------------------- */

static int read_counts(struct reader *r, const struct js *list, struct estate_usage *u)
{
    uint64_t last = 0, n = 0;

    if (js_len(list) == 0)
        return 0;
    if (js_len(list) > ROLLUP_BUCKETS)
        return refuse(r, "counts", "too long");
    free(u->buckets);
    u->buckets_n = 0;
    u->buckets = calloc(js_len(list), sizeof(*u->buckets));
    if (!u->buckets)
        return err_set(r->err, -ENOMEM, "a histogram: %m");
    for (size_t i = 0; i < js_len(list); i++) {
        const struct js *pair = js_at(list, i);
        uint64_t bucket = js_as_u64(js_at(pair, 0), UINT64_MAX);
        uint64_t count = js_as_u64(js_at(pair, 1), 0);

        if (bucket >= ROLLUP_BUCKETS || (i > 0 && bucket <= last) || count == 0 ||
            count > UINT32_MAX)
            return refuse(r, "counts", "no histogram");
        u->buckets[u->buckets_n++] = (struct estate_bucket){(uint32_t)bucket, (uint32_t)count};
        last = bucket;
        n += count;
    }
    return n == u->samples && u->mean >= 0 && u->quantile[ESTATE_MAX] >= 0
               ? 0
               : refuse(r, "counts", "not what samples, mean and max say");
}

static int read_week(struct reader *r, const struct js *list, struct estate_usage *u)
{
    double week[ESTATE_WEEK];
    int rc = 0;

    if (js_kind(list) == JS_NULL)
        return 0;
    if (js_len(list) != ESTATE_WEEK)
        return refuse(r, "week", "not the 168 hours of a week");
    for (size_t i = 0; rc == 0 && i < ESTATE_WEEK; i++) {
        week[i] = -1;
        rc = get_real(r, js_at(list, i), "week", &week[i]);
    }
    if (rc == 0)
        estate_usage_week(r->e, u, week);
    return rc;
}

static int read_metric(struct reader *r, const struct js *o, struct estate_usage *u)
{
    int rc = get_u64(r, o, "samples", &u->samples);

    if (rc == 0)
        rc = get_time(r, o, "from", &u->from_ms);
    if (rc == 0)
        rc = get_time(r, o, "until", &u->until_ms);
    if (rc == 0)
        rc = get_real(r, js_member(o, "mean"), "mean", &u->mean);
    for (size_t q = 0; rc == 0 && q < ESTATE_QUANTILES; q++) {
        const char *key = estate_quantile_key((enum estate_quantile)q);

        rc = get_real(r, js_member(o, key), key, &u->quantile[q]);
    }
    if (rc == 0)
        rc = read_counts(r, js_member(o, "counts"), u);
    if (rc == 0)
        rc = read_week(r, js_member(o, "week"), u);
    return rc < 0 ? rc : get_source(r, js_member(o, "source"), "source", &u->source);
}

static int read_usage(struct reader *r, const struct js *o, struct estate_host *h)
{
    for (size_t m = 0; m < ESTATE_METRICS; m++) {
        const struct js *v = js_member(o, estate_metric_key((enum estate_metric)m));
        struct estate_usage *u;
        int rc;

        if (js_kind(v) == JS_NULL)
            continue;
        u = estate_usage_of(r->e, h, (enum estate_metric)m);
        if (!u)
            return estate_failed(r->e, r->err);
        rc = read_metric(r, v, u);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* -- a host ----------------------------------------------------------------------------------- */

static int read_field(struct reader *r, const struct js *o, struct estate_host *h,
                      enum estate_field field)
{
    const char *key = estate_field_key(field), *text = "", *why;
    struct estate_source source = {0};
    uint64_t value = 0;
    int rc = get_source(r, js_member(js_member(o, "sources"), key), key, &source);

    if (rc == 0)
        rc =
            estate_field_is_number(field) ? get_u64(r, o, key, &value) : get_text(r, o, key, &text);
    if (rc < 0)
        return rc;
    estate_set_u64(h, field, value, source);
    if (field == ESTATE_ID) /* given with the name: it is what the host is found by */
        h->source[field] = *h->id ? source : h->source[field];
    else {
        why = estate_set(r->e, h, field, text, source);
        if (why)
            return refuse(r, key, why);
    }
    return 0;
}

static int read_lists(struct reader *r, const struct js *o, struct estate_host *h)
{
    int rc = each(r, o, "addresses", read_address, h);

    if (rc == 0)
        rc = each(r, o, "disks", read_disk, h);
    if (rc == 0)
        rc = each(r, o, "nics", read_nic, h);
    if (rc == 0)
        rc = each(r, o, "tags", read_tag, h);
    if (rc == 0)
        rc = each(r, o, "software", read_software, h);
    return rc < 0 ? rc : read_usage(r, js_member(o, "usage"), h);
}

static int read_host(struct reader *r, const struct js *o, void *to)
{
    const char *name = "", *id = "";
    struct estate_source source = {0};
    struct estate_host *h;
    int rc;

    (void)to;
    r->what = "host";
    r->name = js_str(o, "host", "?");
    rc = get_text(r, o, "host", &name);
    if (rc == 0)
        rc = get_text(r, o, "id", &id);
    if (rc == 0)
        rc = get_source(r, js_member(js_member(o, "sources"), "host"), "sources", &source);
    if (rc < 0)
        return rc;
    if (!*name)
        return refuse(r, "host", "missing");
    h = estate_host_add(r->e, name, id, source);
    if (!h)
        return estate_failed(r->e, r->err);
    for (size_t f = 0; rc == 0 && f < ESTATE_FIELDS; f++)
        rc = read_field(r, o, h, (enum estate_field)f);
    return rc < 0 ? rc : read_lists(r, o, h);
}

/* -- workloads and talks ---------------------------------------------------------------------- */

static int read_workload_tag(struct reader *r, const struct js *o, void *to)
{
    const char *value;
    struct named n;
    int rc = get_tag(r, o, &n, &value);

    if (rc == 0)
        estate_workload_tag(r->e, to, n.text, value, n.source);
    return rc;
}

static int read_workload(struct reader *r, const struct js *o, void *to)
{
    const struct js *depends = js_member(o, "depends");
    struct estate_workload *w;
    uint64_t wave = 0;
    struct named n;
    int rc;

    (void)to;
    r->what = "workload";
    r->name = js_str(o, "workload", "?");
    rc = get_named(r, o, "workload", &n);
    if (rc < 0 || !*n.text)
        return rc < 0 ? rc : refuse(r, "workload", "missing");
    w = estate_workload_add(r->e, n.text, n.source);
    if (!w)
        return estate_failed(r->e, r->err);
    rc = get_text(r, o, "owner", &w->owner);
    if (rc == 0)
        rc = get_text(r, o, "description", &w->description);
    if (rc == 0)
        rc = get_u64(r, o, "wave", &wave);
    if (rc == 0 && wave > UINT16_MAX)
        rc = refuse(r, "wave", "out of range");
    if (rc < 0)
        return rc;
    w->wave = (unsigned)wave;
    for (size_t i = 0; i < js_len(depends); i++)
        estate_depends_add(r->e, w, js_as_str(js_at(depends, i), ""), n.source);
    return each(r, o, "tags", read_workload_tag, w);
}

/* A name that is none of the hosts is an address as good as any. */
static int get_end(const struct reader *r, const struct js *o, const char *key,
                   const char *address_key, struct estate_end *ret)
{
    const char *name = "";
    int rc;

    ret->address = "";
    rc = get_text(r, o, key, &name);
    if (rc == 0)
        rc = get_text(r, o, address_key, &ret->address);
    if (rc < 0)
        return rc;
    ret->host = *name ? estate_host_find(r->e, name) : NULL;
    if (*name && !ret->host && !*ret->address)
        ret->address = name;
    return 0;
}

static int read_talk(struct reader *r, const struct js *o, void *to)
{
    struct estate_talk t = {.from_process = "", .to_process = ""};
    uint64_t port = 0;
    int rc;

    (void)to;
    r->what = "talk from";
    r->name = js_str(o, "from", js_str(o, "from_address", "?"));
    rc = get_end(r, o, "from", "from_address", &t.from);
    if (rc == 0)
        rc = get_end(r, o, "to", "to_address", &t.to);
    if (rc == 0)
        rc = get_text(r, o, "from_process", &t.from_process);
    if (rc == 0)
        rc = get_text(r, o, "to_process", &t.to_process);
    if (rc == 0)
        rc = get_u64(r, o, "port", &port);
    if (rc == 0)
        rc = get_u64(r, o, "bytes", &t.bytes);
    if (rc == 0)
        rc = get_u64(r, o, "count", &t.count);
    if (rc == 0)
        rc = get_time(r, o, "first", &t.from_ms);
    if (rc == 0)
        rc = get_time(r, o, "last", &t.until_ms);
    if (rc == 0)
        rc = get_source(r, js_member(o, "source"), "source", &t.source);
    if (rc == 0 && port > UINT16_MAX)
        rc = refuse(r, "port", "out of range");
    if (rc < 0)
        return rc;
    t.port = (uint32_t)port;
    estate_talk_add(r->e, &t);
    return 0;
}

/* -- the document ----------------------------------------------------------------------------- */

static int read_files(struct reader *r, const struct js *doc)
{
    const struct js *files = js_member(doc, "sources");

    r->files_n = js_len(files);
    if (r->files_n > ESTATE_FILES_MAX)
        return err_set_gw(r->err, GW_BAD_DOCUMENT, -EFBIG, "more than %d sources",
                          ESTATE_FILES_MAX);
    r->files = calloc(r->files_n ? r->files_n : 1, sizeof(*r->files));
    if (!r->files)
        return err_set(r->err, -ENOMEM, "the sources of an estate: %m");
    for (size_t i = 0; i < r->files_n; i++)
        r->files[i] = estate_file_add(r->e, js_as_str(js_at(files, i), "?"));
    return 0;
}

int estate_read(const struct js *doc, struct estate *into, struct err *err)
{
    struct reader r = {.e = into, .err = err, .what = "document", .name = ESTATE_SCHEMA};
    int rc = js_check_schema(doc, ESTATE_SCHEMA, err);

    if (rc == 0)
        rc = read_files(&r, doc);
    if (rc == 0)
        rc = each(&r, doc, "hosts", read_host, NULL);
    r.what = "document";
    if (rc == 0)
        rc = each(&r, doc, "workloads", read_workload, NULL);
    r.what = "document";
    if (rc == 0)
        rc = each(&r, doc, "talks", read_talk, NULL);
    free(r.files);
    return rc < 0 ? rc : estate_failed(into, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One shape of a point, wherever it is shown. */
#include "cli/replica_view.h"

#include "base/num.h"
#include "base/text.h"
#include "cli/table.h"

#include "base/banned.h"

void replica_view_write_point(struct jsw *w, const struct replica_point *p)
{
    jsw_u64(w, "seq", p->seq);
    jsw_u64(w, "epoch", p->epoch);
    jsw_time(w, "taken_at", p->taken_ms);
    jsw_str(w, "kind", replica_kind_name(p->kind));
    jsw_u64(w, "size_bytes", p->size_bytes);
    jsw_u64(w, "changed_bytes", p->changed_bytes);
    jsw_u64(w, "stored_bytes", p->stored_bytes);
    jsw_hex(w, "digest", p->digest, sizeof(p->digest));
    jsw_hex(w, "hash", p->hash, sizeof(p->hash));
    if (p->seq > 1)
        jsw_hex(w, "parent", p->parent, sizeof(p->parent));
    else
        jsw_null(w, "parent");
}

void replica_view_write_spent(struct jsw *w, const struct spent *s)
{
    double shares[SPENT_KINDS];
    enum spent_on on;

    jsw_str(w, "bound", spent_bound(s, &on) ? spent_name(on) : NULL);
    spent_shares(s, shares);
    jsw_obj(w, "time_share");
    for (int i = 0; i < SPENT_KINDS; i++)
        jsw_f64(w, spent_name((enum spent_on)i), shares[i]);
    jsw_end(w);
}

void replica_view_write_freeze(struct jsw *w, const struct replica_moment *m)
{
    jsw_obj(w, "freeze");
    jsw_u64(w, "file_systems", m->file_systems);
    jsw_u64(w, "passes_before", m->passes);
    jsw_u64(w, "bytes", m->bytes);
    jsw_f64(w, "pause_ms", (double)m->pause_us / 1000.0);
    jsw_end(w);
}

static const struct table_column columns[] = {
    {"POINT", TABLE_RIGHT},  {"TAKEN", TABLE_LEFT},  {"KIND", TABLE_LEFT},
    {"EPOCH", TABLE_RIGHT},  {"SIZE", TABLE_RIGHT},  {"CHANGED", TABLE_RIGHT},
    {"STORED", TABLE_RIGHT}, {"DIGEST", TABLE_LEFT},
};

static int view_point(struct out *o, const struct js *p, struct table *t, struct err *err)
{
    char taken[TEXT_TIME_MAX], size[NUM_TEXT_MAX], changed[NUM_TEXT_MAX], stored[NUM_TEXT_MAX];
    int r = table_row(t, err);

    out_bytes(o, js_u64(p, "size_bytes", 0), size);
    out_bytes(o, js_u64(p, "changed_bytes", 0), changed);
    out_bytes(o, js_u64(p, "stored_bytes", 0), stored);
    if (r == 0)
        r = table_cellf(t, err, "%llu", (unsigned long long)js_u64(p, "seq", 0));
    if (r == 0)
        r = table_cell(t, out_time(o, js_str(p, "taken_at", NULL), taken), err);
    if (r == 0)
        r = table_cell(t, js_str(p, "kind", NULL), err);
    if (r == 0)
        r = table_cellf(t, err, "%llu", (unsigned long long)js_u64(p, "epoch", 0));
    if (r == 0)
        r = table_cell(t, size, err);
    if (r == 0)
        r = table_cell(t, changed, err);
    if (r == 0)
        r = table_cell(t, stored, err);
    /* People compare its beginning; what a program reads is never cut. */
    return r < 0 ? r
                 : table_cellf(t, err, "%.*s", out_is_for_people(o) ? 16 : 2 * REPLICA_DIGEST_LEN,
                               js_str(p, "digest", ""));
}

int replica_view_points(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *items = js_member(doc, "items");
    int r = table_columns(t, columns, ARRAY_LEN(columns), err);

    for (size_t i = 0; r == 0 && i < js_len(items); i++)
        r = view_point(o, js_at(items, i), t, err);
    return r;
}

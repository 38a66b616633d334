/* SPDX-License-Identifier: Apache-2.0 */
/* One shape of a point, wherever it is shown. */
#include "cli/replica_view.h"

#include "base/num.h"
#include "base/text.h"
#include "cli/table.h"

#include "base/banned.h"

enum { RANGES_WRITTEN_MAX = 1000, RANGES_SAID_MAX = 16, LBA_BYTES = 512 };

void replica_view_write_point(struct jsw *w, const struct replica_point *p)
{
    jsw_u64(w, "seq", p->seq);
    jsw_u64(w, "epoch", p->epoch);
    jsw_time(w, "taken_at", p->taken_ms);
    jsw_str(w, "kind", replica_kind_name(p->kind));
    if (p->tracker[0]) {
        jsw_str(w, "tracker", p->tracker);
        jsw_bool(w, "all_read", p->all_read);
    }
    jsw_u64(w, "size_bytes", p->size_bytes);
    jsw_u64(w, "changed_bytes", p->changed_bytes);
    jsw_u64(w, "stored_bytes", p->stored_bytes);
    jsw_bool(w, "complete", p->unreadable_bytes == 0);
    jsw_u64(w, "unreadable_bytes", p->unreadable_bytes);
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

struct ranges {
    struct jsw *w;
    size_t n;
};

static int write_range(void *arg, const struct replica_range *r)
{
    struct ranges *ranges = arg;

    if (ranges->n++ >= RANGES_WRITTEN_MAX)
        return 0;
    jsw_obj(ranges->w, NULL);
    jsw_u64(ranges->w, "offset", r->offset);
    jsw_u64(ranges->w, "bytes", r->len);
    jsw_u64(ranges->w, "lba", r->offset / LBA_BYTES);
    jsw_end(ranges->w);
    return 0;
}

int replica_view_write_unreadable(struct jsw *w, struct vault *v, const char *name,
                                  const struct replica_point *p, struct err *err)
{
    struct ranges ranges = {.w = w};
    int r;

    if (p->unreadable_bytes == 0)
        return 0;
    jsw_u64(w, "unreadable_ranges", p->unreadable_n);
    jsw_arr(w, "unreadable");
    r = replica_unreadable(v, name, p->seq, write_range, &ranges, err);
    jsw_end(w);
    return r;
}

void replica_view_say_unreadable(struct out *o, const struct js *point)
{
    const struct js *ranges = js_member(point, "unreadable");
    const uint64_t n = js_u64(point, "unreadable_ranges", 0);
    char bytes[NUM_TEXT_MAX];

    if (!ranges)
        return;
    out_after(o, "point %llu is INCOMPLETE: %s in %llu range%s could not be read",
              (unsigned long long)js_u64(point, "seq", js_u64(point, "point", 0)),
              out_bytes(o, js_u64(point, "unreadable_bytes", 0), bytes), (unsigned long long)n,
              n == 1 ? "" : "s");
    for (size_t i = 0; i < js_len(ranges) && i < RANGES_SAID_MAX; i++) {
        const struct js *r = js_at(ranges, i);

        out_after(o, "  byte %llu (LBA %llu): %s", (unsigned long long)js_u64(r, "offset", 0),
                  (unsigned long long)js_u64(r, "lba", 0),
                  out_bytes(o, js_u64(r, "bytes", 0), bytes));
    }
    if (n > RANGES_SAID_MAX)
        out_after(o, "  the others: -o json");
}

void replica_view_write_tracked(struct jsw *w, const struct replica_tracked *tracked)
{
    jsw_str(w, "tracker", tracked->kind);
    if (tracked->rescan[0])
        jsw_str(w, "rescan", tracked->rescan);
}

void replica_view_write_freeze(struct jsw *w, const struct replica_moment *m)
{
    jsw_obj(w, "freeze");
    jsw_u64(w, "file_systems", m->file_systems);
    jsw_u64(w, "passes_before", m->passes);
    jsw_u64(w, "bytes", m->bytes);
    jsw_f64(w, "pause_ms", (double)m->pause_us / 1000.0);
    jsw_str(w, "snapshot", m->snapshot);
    jsw_end(w);
}

void replica_view_say_freeze(struct out *o, const struct js *freeze)
{
    const uint64_t n = js_u64(freeze, "file_systems", 0);
    char bytes[NUM_TEXT_MAX];

    if (!freeze)
        return;
    if (n == 0)
        out_text(o, "nothing is mounted from it: nothing had to stand still");
    else if (js_str(freeze, "snapshot", NULL))
        out_text(o, "%llu file system%s stood still for %.0f ms; a snapshot was read",
                 (unsigned long long)n, n == 1 ? "" : "s", js_f64(freeze, "pause_ms", 0));
    else
        out_text(o, "%llu file system%s stood still for %.0f ms while %s were read",
                 (unsigned long long)n, n == 1 ? "" : "s", js_f64(freeze, "pause_ms", 0),
                 out_bytes(o, js_u64(freeze, "bytes", 0), bytes));
}

static const struct table_column columns[] = {
    {"POINT", TABLE_RIGHT},   {"TAKEN", TABLE_LEFT},   {"KIND", TABLE_LEFT},
    {"TRACKER", TABLE_LEFT},  {"EPOCH", TABLE_RIGHT},  {"SIZE", TABLE_RIGHT},
    {"CHANGED", TABLE_RIGHT}, {"STORED", TABLE_RIGHT}, {"DIGEST", TABLE_LEFT},
};

/* A scan reads everything, and need not say so. */
static int tracker_cell(const struct js *p, struct table *t, struct err *err)
{
    const char *tracker = js_str(p, "tracker", NULL);

    if (!tracker || !js_bool(p, "all_read", false) || text_equal(tracker, "scan"))
        return table_cell(t, tracker, err);
    return table_cellf(t, err, "%s, all read", tracker);
}

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
        r = table_cellf(t, err, "%s%s", js_str(p, "kind", ""),
                        js_bool(p, "complete", true) ? "" : ", incomplete");
    if (r == 0)
        r = tracker_cell(p, t, err);
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
    for (size_t i = 0; r == 0 && i < js_len(items); i++)
        replica_view_say_unreadable(o, js_at(items, i));
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Utilisation as rows; histograms are kept as the JSON that inventory/rollup.h writes. */
#include "planner/service/db_load.h"

#include "base/buf.h"
#include "base/jsw.h"
#include "planner/service/db_sql.h"

#include "base/banned.h"

enum { DOC_MAX = 1 << 20 };

#define SERIES_WHERE "WHERE host = ? AND (? IS NULL OR (metric = ? AND subject = ?))"

int db_load_newest(struct db *db, const char *host, uint64_t *ret_ms, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err, "SELECT MAX(at_ms) FROM load_raw WHERE host = ?", "t", host);
    if (r == 0)
        r = db_step(st, err);
    if (r < 0)
        return r;
    *ret_ms = db_u64(st, 0);
    return 0;
}

int db_load_raw_add(struct db *db, const char *host, uint64_t at_ms, const char *doc,
                    struct err *err)
{
    return db_sql_run(db, err,
                      "INSERT INTO load_raw (host, at_ms, doc) VALUES (?, ?, ?)"
                      " ON CONFLICT (host, at_ms) DO NOTHING",
                      "tut", host, at_ms, doc);
}

int db_load_raw_each(struct db *db, const char *host, db_load_raw_fn fn, void *arg, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err, "SELECT doc FROM load_raw WHERE host = ? ORDER BY at_ms", "t",
                    host);
    if (r < 0)
        return r;
    while ((r = db_step(st, err)) > 0) {
        auto_js struct js *doc = NULL;

        r = js_parse(slice_str(db_text(st, 0)), DOC_MAX, &doc, err);
        if (r == 0)
            r = fn(arg, doc);
        if (r < 0)
            return r;
    }
    return r;
}

/* -- histograms as text --------------------------------------------------- */

static int hist_text(const struct rollup_hist *hist, struct buf *out, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r;

    r = jsw_new(&w, err);
    if (r < 0)
        return r;
    rollup_hist_write(w, NULL, hist);
    return jsw_finish(w, false, out, err);
}

static int hist_of(const char *text, struct rollup_hist *ret, struct err *err)
{
    auto_js struct js *doc = NULL;
    int r;

    r = js_parse(slice_str(text), DOC_MAX, &doc, err);
    return r < 0 ? r : rollup_hist_read(doc, ret, err);
}

int db_load_open_get(struct db *db, const struct db_load_series *s, struct rollup *ret,
                     struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err,
                    "SELECT point_start_ms, point, hour_start_ms, hour FROM load_open"
                    " WHERE host = ? AND metric = ? AND subject = ?",
                    "ttt", s->host, s->metric, s->subject);
    if (r == 0)
        r = db_step(st, err);
    if (r <= 0)
        return r;
    ret->point_start_ms = db_u64(st, 0);
    ret->hour_start_ms = db_u64(st, 2);
    r = hist_of(db_text(st, 1), &ret->point, err);
    return r < 0 ? r : hist_of(db_text(st, 3), &ret->hour, err);
}

int db_load_open_set(struct db *db, const struct db_load_series *s, const struct rollup *open,
                     struct err *err)
{
    auto_buf struct buf point = {0};
    auto_buf struct buf hour = {0};
    int r;

    r = hist_text(&open->point, &point, err);
    if (r == 0)
        r = hist_text(&open->hour, &hour, err);
    if (r < 0)
        return r;
    return db_sql_run(db, err,
                      "INSERT INTO load_open (host, metric, subject, point_start_ms, point,"
                      " hour_start_ms, hour) VALUES (?, ?, ?, ?, ?, ?, ?)"
                      " ON CONFLICT (host, metric, subject) DO UPDATE SET"
                      " point_start_ms = excluded.point_start_ms, point = excluded.point,"
                      " hour_start_ms = excluded.hour_start_ms, hour = excluded.hour",
                      "tttutut", s->host, s->metric, s->subject, open->point_start_ms,
                      buf_cstr(&point), open->hour_start_ms, buf_cstr(&hour));
}

/* -- what is complete ------------------------------------------------------- */

int db_load_point_add(struct db *db, const struct db_load_series *s, const struct rollup_point *p,
                      struct err *err)
{
    return db_sql_run(db, err,
                      "INSERT INTO load_point (host, metric, subject, start_ms, n, low, mean,"
                      " high, p95) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                      " ON CONFLICT (host, metric, subject, start_ms) DO NOTHING",
                      "tttuuffff", s->host, s->metric, s->subject, p->start_ms, p->n, p->min,
                      p->avg, p->max, p->p95);
}

int db_load_point_each(struct db *db, const struct db_load_series *s, db_load_point_fn fn,
                       void *arg, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err,
                    "SELECT metric, subject, start_ms, n, low, mean, high, p95 FROM load_point"
                    " " SERIES_WHERE " ORDER BY metric, subject, start_ms",
                    "tttt", s->host, s->metric, s->metric, s->subject);
    if (r < 0)
        return r;
    while ((r = db_step(st, err)) > 0) {
        const struct db_load_series found = {
            .host = s->host, .metric = db_text(st, 0), .subject = db_text(st, 1)};
        const struct rollup_point point = {
            .start_ms = db_u64(st, 2),
            .n = db_u64(st, 3),
            .min = db_f64(st, 4),
            .avg = db_f64(st, 5),
            .max = db_f64(st, 6),
            .p95 = db_f64(st, 7),
        };

        r = fn(arg, &found, &point);
        if (r < 0)
            return r;
    }
    return r;
}

int db_load_hour_add(struct db *db, const struct db_load_series *s, uint64_t start_ms,
                     const struct rollup_hist *hist, struct err *err)
{
    auto_buf struct buf doc = {0};
    int r;

    r = hist_text(hist, &doc, err);
    if (r < 0)
        return r;
    return db_sql_run(db, err,
                      "INSERT INTO load_hour (host, metric, subject, start_ms, doc)"
                      " VALUES (?, ?, ?, ?, ?)"
                      " ON CONFLICT (host, metric, subject, start_ms) DO NOTHING",
                      "tttut", s->host, s->metric, s->subject, start_ms, buf_cstr(&doc));
}

int db_load_hour_each(struct db *db, const struct db_load_series *s, uint64_t since_ms,
                      db_load_hour_fn fn, void *arg, struct err *err)
{
    auto_free struct rollup_hist *hist = calloc(1, sizeof(*hist));
    auto_stmt struct db_stmt *st = NULL;
    int r;

    if (!hist)
        return err_set(err, -ENOMEM, "read histograms: %m");
    r = db_sql_open(db, &st, err,
                    "SELECT metric, subject, start_ms, doc FROM load_hour " SERIES_WHERE
                    " AND start_ms >= ? ORDER BY metric, subject, start_ms",
                    "ttttu", s->host, s->metric, s->metric, s->subject, since_ms);
    if (r < 0)
        return r;
    while ((r = db_step(st, err)) > 0) {
        const struct db_load_series found = {
            .host = s->host, .metric = db_text(st, 0), .subject = db_text(st, 1)};

        r = hist_of(db_text(st, 3), hist, err);
        if (r == 0)
            r = fn(arg, &found, db_u64(st, 2), hist);
        if (r < 0)
            return r;
    }
    return r;
}

int db_load_forget(struct db *db, uint64_t raw_before_ms, uint64_t points_before_ms,
                   struct err *err)
{
    int r;

    r = db_sql_run(db, err, "DELETE FROM load_raw WHERE at_ms < ?", "u", raw_before_ms);
    if (r < 0)
        return r;
    return db_sql_run(db, err, "DELETE FROM load_point WHERE start_ms < ?", "u", points_before_ms);
}

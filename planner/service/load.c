/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples go through inventory/rollup.h as they arrive. What is open of a series is a row too, so a
 * restart loses nothing and another planner could go on.
 */
#include "planner/service/load.h"

#include "base/buf.h"
#include "inventory/rollup.h"
#include "inventory/utilisation.h"
#include "planner/service/db_load.h"

#include <math.h>

#include "base/banned.h"

static int keep_done(struct service *svc, const struct db_load_series *series,
                     const struct rollup_done *done, struct err *err)
{
    int r = 0;

    if (done->has_point)
        r = db_load_point_add(svc->db, series, &done->point, err);
    if (r == 0 && done->has_hour)
        r = db_load_hour_add(svc->db, series, done->hour_start_ms, &done->hour, err);
    return r;
}

static int feed_series(struct service *svc, const struct db_load_series *series,
                       const uint64_t *times_ms, size_t n, const double *values, struct err *err)
{
    auto_free struct rollup *open = calloc(1, sizeof(*open));
    auto_free struct rollup_done *done = calloc(1, sizeof(*done));
    int r;

    if (!open || !done)
        return err_set(err, -ENOMEM, "roll up %s: %m", series->metric);
    r = db_load_open_get(svc->db, series, open, err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (isnan(values[i]))
            continue;
        *done = (struct rollup_done){0};
        /* A sample of a closed span (sent twice after a lost answer) is counted already. */
        if (rollup_feed(open, times_ms[i], values[i], done) == 0)
            r = keep_done(svc, series, done, err);
    }
    return r < 0 ? r : db_load_open_set(svc->db, series, open, err);
}

/* The first sample that was not taken before: a report whose answer was lost comes again. */
static size_t skip_known(const struct utilisation *u, uint64_t newest_ms)
{
    size_t i = 0;

    while (i < u->n_times && u->times_ms[i] <= newest_ms)
        i++;
    return i;
}

static int take_parsed(struct service *svc, const char *identity, const struct utilisation *u,
                       const char *text, struct err *err)
{
    uint64_t newest_ms = 0;
    size_t skip;
    int r;

    r = db_load_newest(svc->db, identity, &newest_ms, err);
    skip = r == 0 ? skip_known(u, newest_ms) : u->n_times;
    if (r < 0 || skip == u->n_times)
        return r;
    r = db_load_raw_add(svc->db, identity, u->times_ms[u->n_times - 1], text, err);
    for (size_t i = 0; r == 0 && i < u->n_series; i++) {
        const struct utilisation_series *s = &u->series[i];
        const struct db_load_series series = {
            .host = identity, .metric = s->metric, .subject = s->subject};

        r = feed_series(svc, &series, u->times_ms + skip, u->n_times - skip, s->values + skip, err);
    }
    return r;
}

int load_take(struct service *svc, const char *identity, const struct js *doc, struct err *err)
{
    auto_utilisation struct utilisation *u = NULL;
    auto_buf struct buf text = {0};
    int r;

    if (js_kind(doc) == JS_NULL)
        return 0;
    r = js_print(doc, false, false, &text, err);
    if (r == 0)
        r = utilisation_parse(buf_slice(&text), &u, err);
    return r != 0 ? r : take_parsed(svc, identity, u, buf_cstr(&text), err);
}

int load_forget(struct service *svc, struct err *err)
{
    const uint64_t now = clock_wall_ms(svc->clock);

    return db_load_forget(svc->db, now - ROLLUP_RAW_KEEP_MS, now - ROLLUP_POINT_KEEP_MS, err);
}

struct merge {
    struct rollup_hist *to;
};

static int merge_hour(void *arg, const struct db_load_series *series, uint64_t start_ms,
                      const struct rollup_hist *hist)
{
    struct merge *m = arg;

    (void)series;
    (void)start_ms;
    return rollup_hist_merge(m->to, hist);
}

int load_hist(struct service *svc, const char *identity, const char *metric, const char *subject,
              uint64_t since_ms, struct rollup_hist *ret, struct err *err)
{
    const struct db_load_series series = {.host = identity, .metric = metric, .subject = subject};
    auto_free struct rollup *open = calloc(1, sizeof(*open));
    struct merge m = {.to = ret};
    int r;

    if (!open)
        return err_set(err, -ENOMEM, "load of '%s': %m", identity);
    *ret = (struct rollup_hist){0};
    r = db_load_hour_each(svc->db, &series, since_ms, merge_hour, &m, err);
    if (r == 0)
        r = db_load_open_get(svc->db, &series, open, err);
    if (r == 0)
        r = rollup_hist_merge(ret, &open->hour);
    return r;
}

static int write_raw(void *arg, const struct js *doc)
{
    jsw_js(arg, NULL, doc);
    return 0;
}

static int write_point(void *arg, const struct db_load_series *series, const struct rollup_point *p)
{
    struct jsw *w = arg;

    jsw_obj(w, NULL);
    jsw_str(w, "metric", series->metric);
    jsw_str(w, "subject", series->subject);
    jsw_time(w, "at", p->start_ms);
    jsw_u64(w, "n", p->n);
    jsw_f64(w, "min", p->min);
    jsw_f64(w, "avg", p->avg);
    jsw_f64(w, "max", p->max);
    jsw_f64(w, "p95", p->p95);
    jsw_end(w);
    return 0;
}

static int write_hour(void *arg, const struct db_load_series *series, uint64_t start_ms,
                      const struct rollup_hist *hist)
{
    struct jsw *w = arg;

    jsw_obj(w, NULL);
    jsw_str(w, "metric", series->metric);
    jsw_str(w, "subject", series->subject);
    jsw_time(w, "at", start_ms);
    rollup_hist_write(w, "histogram", hist);
    jsw_end(w);
    return 0;
}

int load_write(struct service *svc, const char *identity, struct jsw *w, struct err *err)
{
    const struct db_load_series all = {.host = identity};
    int r;

    jsw_arr(w, "raw");
    r = db_load_raw_each(svc->db, identity, write_raw, w, err);
    jsw_end(w);
    jsw_arr(w, "five_minutes");
    if (r == 0)
        r = db_load_point_each(svc->db, &all, write_point, w, err);
    jsw_end(w);
    jsw_arr(w, "hours");
    if (r == 0)
        r = db_load_hour_each(svc->db, &all, 0, write_hour, w, err);
    jsw_end(w);
    return r;
}

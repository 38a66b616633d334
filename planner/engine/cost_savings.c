/* SPDX-License-Identifier: Apache-2.0 */
/* From a bill's months to a plan's days. */
#include "planner/engine/cost_savings.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/js.h"
#include "base/jsw.h"
#include "base/text.h"

#include <stdlib.h>

#include "base/banned.h"

struct saving {
    const char *workload;
    double per_day;
};

struct savings {
    struct saving *rows; /* by name */
    size_t n;
    struct jsw *w;
};

static int by_name(const void *a, const void *b)
{
    const struct saving *x = a, *y = b;

    return strcmp(x->workload, y->workload);
}

static int collect(const struct js *cost, struct savings *s, struct err *err)
{
    static const double days_a_month = 365.0 / 12;
    const struct js *list = js_member(cost, "workloads");

    s->rows = calloc(js_len(list) + 1, sizeof(*s->rows));
    if (!s->rows)
        return err_set(err, -ENOMEM, "savings of %zu workloads: %m", js_len(list));
    for (size_t i = 0; i < js_len(list); i++) {
        const struct js *v = js_at(list, i);
        double month =
            (double)js_i64(v, "stay_month_micros", 0) - (double)js_i64(v, "moved_month_micros", 0);

        if (js_str(v, "workload", NULL))
            s->rows[s->n++] =
                (struct saving){js_str(v, "workload", ""), month / 1e6 / days_a_month};
    }
    if (s->n > 1)
        qsort(s->rows, s->n, sizeof(*s->rows), by_name);
    return 0;
}

static int copy(void *arg, const char *key, const struct js *v)
{
    struct savings *s = arg;

    jsw_js(s->w, key, v);
    return 0;
}

static void write_workload(struct savings *s, const struct js *load)
{
    struct saving key = {.workload = js_str(load, "workload", "")};
    const struct saving *row =
        s->n > 0 ? bsearch(&key, s->rows, s->n, sizeof(*s->rows), by_name) : NULL;

    jsw_obj(s->w, NULL);
    (void)js_each(load, copy, s);
    if (row && !js_member(load, "saving_per_day"))
        jsw_f64(s->w, "saving_per_day", row->per_day);
    jsw_end(s->w);
}

static int copy_top(void *arg, const char *key, const struct js *v)
{
    struct savings *s = arg;

    if (!text_equal(key, "workloads")) {
        jsw_js(s->w, key, v);
        return 0;
    }
    jsw_arr(s->w, key);
    for (size_t i = 0; i < js_len(v); i++)
        write_workload(s, js_at(v, i));
    jsw_end(s->w);
    return 0;
}

int cost_savings(const struct js *input, const struct js *cost, struct js **ret, struct err *err)
{
    struct savings s = {.rows = NULL};
    auto_jsw struct jsw *w = NULL;
    int r = js_check_schema(cost, "godwit.cost/1", err);

    if (r == 0)
        r = jsw_new(&w, err);
    if (r == 0)
        r = collect(cost, &s, err);
    if (r == 0) {
        s.w = w;
        jsw_obj(w, NULL);
        (void)js_each(input, copy_top, &s);
        jsw_end(w);
        r = jsw_take(w, ret, err);
    }
    free(s.rows);
    return r;
}

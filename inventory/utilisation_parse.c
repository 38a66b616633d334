/* SPDX-License-Identifier: Apache-2.0 */
/* Reading godwit.utilisation/1 from an agent, which may be anybody. */
#include "inventory/utilisation.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/js.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>

#include "base/banned.h"

static const double value_max = 1e17; /* more than any counter of sample.c can give */
static const uint64_t time_max_ms = (uint64_t)253402300799 * 1000; /* the year 9999 */

static int refuse(struct err *err, int code, const char *what)
{
    return err_set_gw(err, GW_BAD_DOCUMENT, code, "utilisation: %s", what);
}

static const struct utilisation_metric *find_metric(const char *name)
{
    size_t n = 0;
    const struct utilisation_metric *all = utilisation_metrics(&n);

    for (size_t i = 0; i < n; i++) {
        if (text_equal(all[i].name, name))
            return &all[i];
    }
    return NULL;
}

static int read_times(struct utilisation *u, struct err *err)
{
    const struct js *list = NULL;
    int rc = js_get_arr(u->doc, "times_ms", &list, NULL);

    if (rc < 0 || js_len(list) == 0)
        return refuse(err, -EINVAL, "times_ms is missing");
    if (js_len(list) > UTILISATION_SAMPLES_MAX)
        return refuse(err, -EFBIG, "too many samples");
    u->times_ms = calloc(js_len(list), sizeof(*u->times_ms));
    if (!u->times_ms)
        return err_set(err, -ENOMEM, "no memory for utilisation");
    for (size_t i = 0; i < js_len(list); i++) {
        u->times_ms[i] = js_as_u64(js_at(list, i), 0);
        if (u->times_ms[i] == 0 || u->times_ms[i] > time_max_ms ||
            (i > 0 && u->times_ms[i] <= u->times_ms[i - 1]))
            return refuse(err, -EINVAL, "times_ms does not ascend");
    }
    u->n_times = js_len(list);
    return 0;
}

static int read_value(const struct js *v, double max, double *ret)
{
    double d = 0;

    if (js_kind(v) == JS_NULL) {
        *ret = NAN;
        return 0;
    }
    if (js_kind(v) != JS_INT && js_kind(v) != JS_REAL)
        return -EINVAL;
    d = js_as_f64(v, -1);
    if (!(d >= 0 && d <= max))
        return -EINVAL;
    *ret = d;
    return 0;
}

static int read_values(const struct utilisation *u, const struct js *list,
                       struct utilisation_series *s, struct err *err)
{
    double max = text_ends(s->metric, "_percent") ? 100.0 : value_max;

    if (js_kind(list) != JS_ARR || js_len(list) != u->n_times)
        return refuse(err, -EINVAL, "a series has not one value per time");
    s->values = calloc(u->n_times, sizeof(*s->values));
    if (!s->values)
        return err_set(err, -ENOMEM, "no memory for utilisation");
    for (size_t i = 0; i < u->n_times; i++) {
        if (read_value(js_at(list, i), max, &s->values[i]) < 0)
            return refuse(err, -EINVAL, "a value is out of range");
    }
    return 0;
}

static bool is_given(const struct utilisation *u, const struct utilisation_series *s)
{
    for (size_t i = 0; i < u->n_series; i++) {
        if (text_equal(u->series[i].metric, s->metric) &&
            text_equal(u->series[i].subject, s->subject))
            return true;
    }
    return false;
}

static int read_one(struct utilisation *u, const struct js *v, struct err *err)
{
    struct utilisation_series *s = &u->series[u->n_series];
    const struct utilisation_metric *metric = find_metric(js_str(v, "metric", ""));
    bool wants_subject = false;

    if (!metric)
        return refuse(err, -EINVAL, "unknown metric");
    s->metric = metric->name;
    s->subject = js_str(v, "subject", "");
    wants_subject = metric->subject[0] != '\0';
    if (wants_subject ? !sample_is_name(s->subject) : js_kind(js_member(v, "subject")) != JS_NULL)
        return refuse(err, -EINVAL, "a subject is no name of a device");
    if (is_given(u, s))
        return refuse(err, -EINVAL, "a series is given twice");
    u->n_series++; /* counted first, so that its values are freed whatever comes */
    return read_values(u, js_member(v, "values"), s, err);
}

static int read_series(struct utilisation *u, struct err *err)
{
    const struct js *list = NULL;

    if (js_get_arr(u->doc, "series", &list, NULL) < 0)
        return refuse(err, -EINVAL, "series is missing");
    if (js_len(list) > UTILISATION_SERIES_MAX)
        return refuse(err, -EFBIG, "too many series");
    u->series = calloc(js_len(list) + 1, sizeof(*u->series));
    if (!u->series)
        return err_set(err, -ENOMEM, "no memory for utilisation");
    for (size_t i = 0; i < js_len(list); i++) {
        int rc = read_one(u, js_at(list, i), err);

        if (rc < 0)
            return rc;
    }
    return 0;
}

int utilisation_read(const struct js *doc, struct utilisation **ret, struct err *err)
{
    auto_utilisation struct utilisation *u = calloc(1, sizeof(*u));
    int rc;

    if (!u)
        return err_set(err, -ENOMEM, "no memory for utilisation");
    u->doc = js_ref(doc);
    rc = js_check_schema(doc, UTILISATION_SCHEMA, err);
    if (rc == 0)
        rc = read_times(u, err);
    if (rc == 0)
        rc = read_series(u, err);
    if (rc < 0)
        return rc;
    *ret = TAKE(u);
    return 0;
}

int utilisation_parse(struct slice json, struct utilisation **ret, struct err *err)
{
    auto_js struct js *doc = NULL;
    int rc = js_parse(json, UTILISATION_MAX_BYTES, &doc, err);

    return rc < 0 ? rc : utilisation_read(doc, ret, err);
}

void utilisation_free(struct utilisation *u)
{
    if (!u)
        return;
    for (size_t i = 0; i < u->n_series; i++)
        free(u->series[i].values);
    free(u->series);
    free(u->times_ms);
    js_free(u->doc);
    free(u);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer of query_range for node_exporter's own series, such as
 *
 *   {__name__=~"node_cpu_seconds_total|node_memory_Mem(Total|Available)_bytes|..."}
 *
 * Counters become rates here: of the idle processors, of every disk and network card, added up for
 * each host and time. A counter that fell began anew. Hosts are found by the label instance.
 */
#include "planner/engine/import_priv.h"

#include "base/js.h"
#include "base/num.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

bool import_prometheus_knows(const struct js *doc)
{
    return text_equal(js_str(js_member(doc, "data"), "resultType", ""), "matrix");
}

/* What a series is part of, and how it counts. */
enum part { CPU_IDLE, MEMORY_TOTAL, MEMORY_FREE, DISK, DISK_WRITE, DISK_OPS, NET, PARTS };

static const struct {
    const char *name;
    enum part part;
    bool counter;
    const char *label, *value; /* only series that have it; NULL: all */
} series_rows[] = {
    {"node_cpu_seconds_total", CPU_IDLE, true, "mode", "idle"},
    {"node_memory_MemTotal_bytes", MEMORY_TOTAL, false, NULL, NULL},
    {"node_memory_MemAvailable_bytes", MEMORY_FREE, false, NULL, NULL},
    {"node_disk_read_bytes_total", DISK, true, NULL, NULL},
    {"node_disk_written_bytes_total", DISK_WRITE, true, NULL, NULL},
    {"node_disk_reads_completed_total", DISK_OPS, true, NULL, NULL},
    {"node_disk_writes_completed_total", DISK_OPS, true, NULL, NULL},
    {"node_network_receive_bytes_total", NET, true, NULL, NULL},
    {"node_network_transmit_bytes_total", NET, true, NULL, NULL},
};

/* A value of one series at one time, or its rate since the time before. */
struct point {
    struct estate_host *host;
    uint64_t time_ms;
    double value;
    enum part part;
};

struct points {
    struct import *im;
    struct point *points;
    size_t n, cap;
    size_t place; /* of the series in the document, from 1 */
};

static int refuse(struct points *p, const char *column, const char *value, const char *why)
{
    struct import_refusal refusal = {.file = p->im->file,
                                     .line = p->place,
                                     .column = column,
                                     .value = value,
                                     .why = why,
                                     .whole_row = true};

    import_refuse(p->im, &refusal);
    return 0;
}

/* -- series ----------------------------------------------------------------------------------- */

static bool add(struct points *p, const struct point *point)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 1024;
        struct point *points;

        if (cap > ESTATE_SAMPLES_MAX)
            return false;
        points = reallocarray(p->points, cap, sizeof(*points));
        if (!points)
            return false;
        p->points = points;
        p->cap = cap;
    }
    p->points[p->n++] = *point;
    return true;
}

/* [time, "value"]; false: not so. */
static bool read_pair(const struct js *pair, uint64_t *ret_ms, double *ret)
{
    double time = js_as_f64(js_at(pair, 0), -1);

    if (js_len(pair) != 2 || !(time > 0 && time < 1e11) ||
        num_parse_f64(js_as_str(js_at(pair, 1), ""), ret, NULL) < 0 || !isfinite(*ret) || *ret < 0)
        return false;
    *ret_ms = (uint64_t)(time * 1000 + 0.5);
    return true;
}

static int take_values(struct points *p, struct estate_host *h, size_t row, const struct js *values)
{
    uint64_t last_ms = 0, ms;
    double last = -1, value;

    for (size_t i = 0; i < js_len(values); i++) {
        struct point point = {.host = h, .part = series_rows[row].part};

        if (!read_pair(js_at(values, i), &ms, &value) || ms <= last_ms)
            return refuse(p, "values", "",
                          "a pair of time and value that is none, or out of order");
        point.time_ms = ms;
        point.value = value;
        if (series_rows[row].counter)
            point.value = (value - (value < last ? 0 : last)) * 1000 / (double)(ms - last_ms);
        if ((!series_rows[row].counter || last >= 0) && !add(p, &point))
            return refuse(p, "values", "", "more samples than can be kept");
        last_ms = ms;
        last = value;
    }
    return 0;
}

/* "web-01:9100" -> "web-01"; "[fe80::1]:9100" -> "fe80::1". */
static void instance_host(const char *instance, char out[static ESTATE_TEXT_MAX])
{
    const char *begin = *instance == '[' ? instance + 1 : instance;
    size_t len = *instance == '[' ? strcspn(begin, "]") : strcspn(begin, ":");

    (void)text_print(out, ESTATE_TEXT_MAX, "%.*s", (int)num_min(len, ESTATE_TEXT_MAX - 1), begin);
}

static struct estate_host *host_of(const struct points *p, const struct js *metric)
{
    char name[ESTATE_TEXT_MAX];
    struct estate_host *h;

    instance_host(js_str(metric, "instance", js_str(metric, "nodename", "")), name);
    if (!*name)
        return NULL;
    h = estate_host_find(p->im->estate, name);
    return h ? h : estate_host_add(p->im->estate, name, "", import_source(p->im, p->place));
}

/* Devices that stand on others would count twice. */
static bool is_counted(const struct js *metric, enum part part)
{
    static const char *const above[] = {"dm-", "md", "loop", "sr", "zram", "ram"};
    static const char *const virtual[] = {"lo",  "veth", "docker", "br",   "virbr",
                                          "cni", "tun",  "tap",    "bond", "cali"};
    const char *device = js_str(metric, "device", "");

    for (size_t i = 0; part != NET && i < ARRAY_LEN(above); i++) {
        if (text_starts(device, above[i]))
            return false;
    }
    for (size_t i = 0; part == NET && i < ARRAY_LEN(virtual); i++) {
        if (text_starts(device, virtual[i]))
            return false;
    }
    return true;
}

static int take_series(struct points *p, const struct js *series)
{
    const struct js *metric = js_member(series, "metric");
    const char *name = js_str(metric, "__name__", "");
    struct estate_host *h;

    if (!*name)
        return refuse(p, "__name__", "", "no name: ask for the counter itself, not for its rate");
    for (size_t i = 0; i < ARRAY_LEN(series_rows); i++) {
        if (!text_equal(name, series_rows[i].name))
            continue;
        if ((series_rows[i].label &&
             !text_equal(js_str(metric, series_rows[i].label, ""), series_rows[i].value)) ||
            !is_counted(metric, series_rows[i].part)) {
            p->im->count->passed_over++;
            return 0;
        }
        h = host_of(p, metric);
        if (!h)
            return refuse(p, "instance", "", "a series of no host");
        return take_values(p, h, i, js_member(series, "values"));
    }
    return refuse(p, "__name__", name, "not a series that is read here");
}

/* -- hosts ------------------------------------------------------------------------------------ */

static int by_time(const void *a, const void *b)
{
    const struct point *x = a, *y = b;

    if (x->host != y->host)
        return x->host->index < y->host->index ? -1 : 1;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    return x->value < y->value ? -1 : x->value > y->value;
}

/* The parts of one host at one time. */
struct moment {
    double sum[PARTS];
    size_t n[PARTS];
};

static void put(struct points *p, const struct point *at, enum estate_metric metric, double value)
{
    struct estate_sample sample = {
        .host = at->host, .time_ms = at->time_ms, .metric = metric, .value = fmax(value, 0)};

    if (!estate_series_add(&p->im->series, &sample))
        (void)refuse(p, "values", at->host->name, "more samples than can be kept");
}

static void put_moment(struct points *p, const struct point *at, const struct moment *m)
{
    if (m->n[CPU_IDLE])
        put(p, at, ESTATE_CPU_PERCENT,
            100 * (1 - fmin(m->sum[CPU_IDLE] / (double)m->n[CPU_IDLE], 1)));
    if (m->n[MEMORY_TOTAL] && m->n[MEMORY_FREE]) {
        put(p, at, ESTATE_MEMORY_USED, m->sum[MEMORY_TOTAL] - m->sum[MEMORY_FREE]);
        if (at->host->memory_bytes == 0)
            estate_set_u64(at->host, ESTATE_MEMORY_BYTES, (uint64_t)m->sum[MEMORY_TOTAL],
                           import_source(p->im, 0));
    }
    if (m->n[CPU_IDLE] && at->host->cores == 0)
        estate_set_u64(at->host, ESTATE_CORES, m->n[CPU_IDLE], import_source(p->im, 0));
    if (m->n[DISK] || m->n[DISK_WRITE])
        put(p, at, ESTATE_DISK_RATE, m->sum[DISK] + m->sum[DISK_WRITE]);
    if (m->n[DISK_WRITE])
        put(p, at, ESTATE_DISK_WRITES, m->sum[DISK_WRITE]);
    if (m->n[DISK_OPS])
        put(p, at, ESTATE_DISK_OPS, m->sum[DISK_OPS]);
    if (m->n[NET])
        put(p, at, ESTATE_NET_RATE, m->sum[NET]);
}

static void add_up(struct points *p)
{
    struct moment m = {0};

    if (p->n > 1)
        qsort(p->points, p->n, sizeof(*p->points), by_time);
    for (size_t i = 0; i < p->n; i++) {
        const struct point *at = &p->points[i];

        m.sum[at->part] += at->value;
        m.n[at->part]++;
        if (i + 1 < p->n && at[1].host == at->host && at[1].time_ms == at->time_ms)
            continue;
        put_moment(p, at, &m);
        m = (struct moment){0};
    }
}

int import_prometheus_read(struct import *im, const struct js *doc)
{
    const struct js *result = js_member(js_member(doc, "data"), "result");
    struct points p = {.im = im};
    int r = 0;

    for (size_t i = 0; r == 0 && i < js_len(result); i++) {
        p.place = i + 1;
        im->count->rows++;
        r = take_series(&p, js_at(result, i));
        if (r == 0)
            r = estate_failed(im->estate, im->err);
    }
    if (r == 0)
        add_up(&p);
    free(p.points);
    return r;
}

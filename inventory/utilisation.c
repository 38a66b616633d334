/* SPDX-License-Identifier: Apache-2.0 */
/* godwit.utilisation/1: the metrics, and samples written as series. */
#include "inventory/utilisation.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/jsw.h"
#include "base/text.h"

#include <math.h>

#include "base/banned.h"

enum metric {
    M_CPU_BUSY,
    M_CPU_IOWAIT,
    M_CPU_STEAL,
    M_MEMORY_USED,
    M_MEMORY_AVAILABLE,
    M_DISK_READ_BYTES,
    M_DISK_WRITE_BYTES,
    M_DISK_READS,
    M_DISK_WRITES,
    M_DISK_LATENCY,
    M_DISK_QUEUE,
    M_NET_RX,
    M_NET_TX,
    M_COUNT
};

static const struct utilisation_metric metrics[M_COUNT] = {
    [M_CPU_BUSY] = {.name = "cpu_busy_percent", .subject = ""},
    [M_CPU_IOWAIT] = {.name = "cpu_iowait_percent", .subject = ""},
    [M_CPU_STEAL] = {.name = "cpu_steal_percent", .subject = ""},
    [M_MEMORY_USED] = {.name = "memory_used_bytes", .subject = ""},
    [M_MEMORY_AVAILABLE] = {.name = "memory_available_bytes", .subject = ""},
    [M_DISK_READ_BYTES] = {.name = "disk_read_bytes_per_s", .subject = "disk"},
    [M_DISK_WRITE_BYTES] = {.name = "disk_write_bytes_per_s", .subject = "disk"},
    [M_DISK_READS] = {.name = "disk_reads_per_s", .subject = "disk"},
    [M_DISK_WRITES] = {.name = "disk_writes_per_s", .subject = "disk"},
    [M_DISK_LATENCY] = {.name = "disk_latency_ms", .subject = "disk"},
    [M_DISK_QUEUE] = {.name = "disk_queue", .subject = "disk"},
    [M_NET_RX] = {.name = "net_rx_bytes_per_s", .subject = "interface"},
    [M_NET_TX] = {.name = "net_tx_bytes_per_s", .subject = "interface"},
};

const struct utilisation_metric *utilisation_metrics(size_t *ret_n)
{
    *ret_n = M_COUNT;
    return metrics;
}

static const struct sample_disk *find_disk(const struct sample *s, const char *name)
{
    for (size_t i = 0; i < s->n_disks; i++) {
        if (text_equal(s->disks[i].name, name))
            return &s->disks[i];
    }
    return NULL;
}

static const struct sample_nic *find_nic(const struct sample *s, const char *name)
{
    for (size_t i = 0; i < s->n_nics; i++) {
        if (text_equal(s->nics[i].name, name))
            return &s->nics[i];
    }
    return NULL;
}

/* NAN where the sample does not tell. */
static double host_value(const struct sample *s, enum metric m)
{
    if (m == M_MEMORY_USED)
        return s->has_memory ? (double)s->memory_used_bytes : NAN;
    if (m == M_MEMORY_AVAILABLE)
        return s->has_memory ? (double)s->memory_available_bytes : NAN;
    if (!s->has_cpu)
        return NAN;
    if (m == M_CPU_BUSY)
        return s->cpu_busy_percent;
    return m == M_CPU_IOWAIT ? s->cpu_iowait_percent : s->cpu_steal_percent;
}

static double disk_value(const struct sample_disk *d, enum metric m)
{
    switch (m) {
    case M_DISK_READ_BYTES:
        return d->read_bytes_per_s;
    case M_DISK_WRITE_BYTES:
        return d->write_bytes_per_s;
    case M_DISK_READS:
        return d->reads_per_s;
    case M_DISK_WRITES:
        return d->writes_per_s;
    case M_DISK_LATENCY:
        return d->latency_ms;
    default:
        return d->queue;
    }
}

static double value_of(const struct sample *s, enum metric m, const char *subject)
{
    const struct sample_disk *d = NULL;
    const struct sample_nic *n = NULL;

    if (m < M_DISK_READ_BYTES)
        return host_value(s, m);
    if (m < M_NET_RX) {
        d = find_disk(s, subject);
        return d ? disk_value(d, m) : NAN;
    }
    n = find_nic(s, subject);
    if (!n)
        return NAN;
    return m == M_NET_RX ? n->rx_bytes_per_s : n->tx_bytes_per_s;
}

/* The distinct names in the samples, lent by them. */
struct subjects {
    const char *names[SAMPLE_DISKS_MAX];
    size_t n;
};

static void subjects_add(struct subjects *s, const char *name, size_t max)
{
    for (size_t i = 0; i < s->n; i++) {
        if (text_equal(s->names[i], name))
            return;
    }
    if (s->n < max)
        s->names[s->n++] = name;
}

/* The newest sample first: its devices are those that matter when there are too many. */
static void subjects_find(const struct sample *samples, size_t n, struct subjects *ret_disks,
                          struct subjects *ret_nics)
{
    for (size_t i = n; i-- > 0;) {
        for (size_t k = 0; k < samples[i].n_disks; k++)
            subjects_add(ret_disks, samples[i].disks[k].name, SAMPLE_DISKS_MAX);
        for (size_t k = 0; k < samples[i].n_nics; k++)
            subjects_add(ret_nics, samples[i].nics[k].name, SAMPLE_NICS_MAX);
    }
}

static void put_series(struct jsw *w, const struct sample *samples, size_t n, enum metric m,
                       const char *subject)
{
    jsw_obj(w, NULL);
    jsw_str(w, "metric", metrics[m].name);
    if (subject[0])
        jsw_str(w, "subject", subject);
    jsw_arr(w, "values");
    for (size_t i = 0; i < n; i++)
        jsw_f64(w, NULL, round(value_of(&samples[i], m, subject) * 1000) / 1000);
    jsw_end(w);
    jsw_end(w);
}

static void put_all(struct jsw *w, const struct sample *samples, size_t n)
{
    struct subjects disks = {.n = 0};
    struct subjects nics = {.n = 0};

    subjects_find(samples, n, &disks, &nics);
    for (enum metric m = 0; m < M_COUNT; m++) {
        const struct subjects *of = m < M_NET_RX ? &disks : &nics;

        if (m < M_DISK_READ_BYTES) {
            put_series(w, samples, n, m, "");
            continue;
        }
        for (size_t i = 0; i < of->n; i++)
            put_series(w, samples, n, m, of->names[i]);
    }
}

/* Times of a report ascend; a clock that was put right makes the stamps before it the wrong ones.
 */
static size_t first_ascending(const struct sample *samples, size_t n)
{
    size_t i = n - 1;

    while (i > 0 && samples[i - 1].wall_ms < samples[i].wall_ms)
        i--;
    return i;
}

static int make(const struct sample *samples, size_t n, uint64_t wall_ms, struct jsw **ret,
                struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    size_t from = 0;
    int rc;

    if (n == 0 || n > UTILISATION_SAMPLES_MAX)
        return err_set(err, -EINVAL, "%zu samples do not make a report", n);
    rc = jsw_new(&w, err);
    if (rc < 0)
        return rc;
    from = first_ascending(samples, n);
    jsw_document(w, UTILISATION_SCHEMA, wall_ms);
    jsw_arr(w, "times_ms");
    for (size_t i = from; i < n; i++)
        jsw_u64(w, NULL, samples[i].wall_ms);
    jsw_end(w);
    jsw_arr(w, "series");
    put_all(w, samples + from, n - from);
    jsw_end(w);
    jsw_end(w);
    *ret = TAKE(w);
    return 0;
}

int utilisation_write(const struct sample *samples, size_t n, uint64_t wall_ms, struct buf *out,
                      struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int rc = make(samples, n, wall_ms, &w, err);

    return rc < 0 ? rc : jsw_finish(w, false, out, err);
}

int utilisation_write_js(const struct sample *samples, size_t n, uint64_t wall_ms, struct js **ret,
                         struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int rc = make(samples, n, wall_ms, &w, err);

    return rc < 0 ? rc : jsw_take(w, ret, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of /proc to rates; what a counter that falls means is decided in counter_delta. */
#include "inventory/sample.h"

#include "inventory/collect.h"
#include "inventory/line.h"
#include "inventory/meminfo.h"
#include "inventory/probe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/num.h"
#include "base/text.h"

#include <stdlib.h>

#include "base/banned.h"

enum {
    SECTOR_BYTES = 512, /* the unit of /proc/diskstats, whatever the disk says */
    STAT_HEAD_BYTES = 1024,
    CPU_FIELDS = 8, /* user nice system idle iowait irq softirq steal */
    CPU_IDLE = 3,
    CPU_IOWAIT = 4,
    CPU_STEAL = 7,
    DISK_FIELDS = 11,
};

/* Words of /proc/diskstats after the name (Documentation/admin-guide/iostats.rst). */
enum disk_field {
    D_READS = 0,
    D_READ_SECTORS = 2,
    D_READ_MS = 3,
    D_WRITES = 4,
    D_WRITE_SECTORS = 6,
    D_WRITE_MS = 7,
    D_WEIGHTED_MS = 10,
};

struct disk_counters {
    char name[SAMPLE_NAME_MAX];
    uint64_t major, minor;
    uint64_t v[DISK_FIELDS];
};

struct nic_counters {
    char name[SAMPLE_NAME_MAX];
    uint64_t rx, tx;
};

/* Everything of one look. */
struct look {
    uint64_t mono_ms;
    bool has_cpu, has_memory;
    uint64_t cpu[CPU_FIELDS];
    struct meminfo memory;
    struct disk_counters disks[SAMPLE_DISKS_MAX];
    size_t n_disks;
    struct nic_counters nics[SAMPLE_NICS_MAX];
    size_t n_nics;
};

struct sample_set {
    bool has_before;
    struct look before, now;
    struct buf text;
};

bool sample_is_name(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len >= SAMPLE_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f || strchr("\"'\\`$<>&|;", text[i]))
            return false;
    }
    return true;
}

int sample_new(struct sample_set **ret, struct err *err)
{
    struct sample_set *s = calloc(1, sizeof(*s));

    if (!s)
        return err_set(err, -ENOMEM, "no memory for samples");
    buf_init(&s->text, COLLECT_FILE_MAX_BYTES + 1);
    *ret = s;
    return 0;
}

void sample_free(struct sample_set *s)
{
    if (!s)
        return;
    buf_done(&s->text);
    free(s);
}

/* -- looking ------------------------------------------------------------------ */

static int load(struct sample_set *s, struct probe *p, const char *path, size_t max_bytes,
                struct err *err)
{
    buf_clear(&s->text);
    return probe_read(p, path, max_bytes, &s->text, NULL, err);
}

static int look_cpu(struct sample_set *s, struct probe *p, struct err *err)
{
    struct slice rest;
    struct slice line;
    struct slice word;
    int rc = load(s, p, "/proc/stat", STAT_HEAD_BYTES, err);

    if (rc < 0)
        return rc;
    rest = buf_slice(&s->text);
    if (!line_next(&rest, &line) || !line_word(&line, &word) || !line_is(word, "cpu"))
        return err_set(err, -EINVAL, "/proc/stat does not begin with 'cpu'");
    /* Kernels before 2.6.11 stop at softirq: no time was stolen then. */
    for (size_t i = 0; i < CPU_FIELDS; i++)
        s->now.cpu[i] = line_nth_u64(line, (unsigned)i, 0);
    s->now.has_cpu = true;
    return 0;
}

static int look_memory(struct sample_set *s, struct probe *p, struct err *err)
{
    int rc = load(s, p, "/proc/meminfo", COLLECT_FILE_MAX_BYTES, err);

    if (rc == 0)
        rc = meminfo_parse(buf_slice(&s->text), &s->now.memory, err);
    s->now.has_memory = rc == 0;
    return rc;
}

static bool disk_parse(struct slice line, struct disk_counters *d)
{
    struct slice word;

    *d = (struct disk_counters){0};
    if (!line_word(&line, &word) || !line_u64(word, 10, &d->major) || !line_word(&line, &word) ||
        !line_u64(word, 10, &d->minor) || !line_word(&line, &word) || word.len >= sizeof(d->name))
        return false;
    line_copy(d->name, sizeof(d->name), word);
    if (!sample_is_name(d->name))
        return false;
    for (size_t i = 0; i < DISK_FIELDS; i++) {
        if (!line_word(&line, &word) || !line_u64(word, 10, &d->v[i]))
            return false;
    }
    return true;
}

static bool is_volume(struct probe *p, const struct disk_counters *d)
{
    static const char *const others[] = {"loop", "ram", "zram", "sr", "fd"};
    char path[PROBE_PATH_MAX];

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (text_starts(d->name, others[i]))
            return false;
    }
    if (d->v[D_READS] == 0 && d->v[D_WRITES] == 0)
        return false;
    /* Partitions have no directory of their own there. */
    if (text_print(path, sizeof(path), "/sys/block/%s", d->name) < 0)
        return false;
    for (char *at = path + strlen("/sys/block/"); *at; at++) {
        if (*at == '/')
            *at = '!';
    }
    return probe_exists(p, path);
}

static int look_disks(struct sample_set *s, struct probe *p, struct err *err)
{
    struct slice rest;
    struct slice line;
    int rc = load(s, p, "/proc/diskstats", COLLECT_FILE_MAX_BYTES, err);

    if (rc < 0)
        return rc;
    rest = buf_slice(&s->text);
    while (s->now.n_disks < SAMPLE_DISKS_MAX && line_next(&rest, &line)) {
        struct disk_counters *d = &s->now.disks[s->now.n_disks];

        if (disk_parse(line, d) && is_volume(p, d))
            s->now.n_disks++;
    }
    return 0;
}

/* "  eth0: 1 2 ..." and, before Linux 2.6.34, "eth0:1 2 ..." without a blank. */
static bool nic_parse(struct slice line, struct nic_counters *n)
{
    struct slice name = line_trim(line_until(&line, ':'));
    struct slice rx;
    struct slice tx;

    if (name.len == 0 || name.len >= sizeof(n->name) || !line_nth(line, 0, &rx) ||
        !line_nth(line, 8, &tx) || !line_u64(rx, 10, &n->rx) || !line_u64(tx, 10, &n->tx))
        return false;
    line_copy(n->name, sizeof(n->name), name);
    return sample_is_name(n->name);
}

static bool is_own_nic(const char *name)
{
    static const char *const others[] = {"veth", "cali", "tap", "vnet", "ifb", "lxc"};

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (text_starts(name, others[i]))
            return false;
    }
    return !text_equal(name, "lo");
}

static int look_nics(struct sample_set *s, struct probe *p, struct err *err)
{
    struct slice rest;
    struct slice line;
    int rc = load(s, p, "/proc/net/dev", COLLECT_FILE_MAX_BYTES, err);

    if (rc < 0)
        return rc;
    rest = buf_slice(&s->text);
    while (s->now.n_nics < SAMPLE_NICS_MAX && line_next(&rest, &line)) {
        struct nic_counters *n = &s->now.nics[s->now.n_nics];

        if (nic_parse(line, n) && is_own_nic(n->name))
            s->now.n_nics++;
    }
    return 0;
}

static int look(struct sample_set *s, struct probe *p, const struct clock *c, struct err *err)
{
    static int (*const parts[])(struct sample_set *, struct probe *,
                                struct err *) = {look_cpu, look_memory, look_disks, look_nics};
    size_t failed = 0;
    int rc = 0;

    s->now = (struct look){.mono_ms = clock_mono_ms(c)};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        int one = parts[i](s, p, err);

        failed += one < 0;
        rc = one < 0 ? one : rc;
    }
    if (failed == ARRAY_LEN(parts))
        return rc;
    err_clear(err);
    return 0;
}

/* -- comparing ---------------------------------------------------------------- */

static const uint64_t counter_step_max = (uint64_t)1 << 44; /* 8 PiB of sectors: garbage above */

/*
 * What was added to a counter between two looks. One that fell has wrapped at 32 bits (all counters
 * of 32-bit kernels, times in diskstats of all kernels) if that makes a small step of it; else it
 * began anew, and nobody knows how far it had come.
 */
static bool counter_delta(uint64_t before, uint64_t now, uint64_t *ret)
{
    uint64_t wrapped = 0;

    if (now >= before) {
        *ret = now - before;
        return *ret < counter_step_max;
    }
    if (before > UINT32_MAX)
        return false;
    wrapped = ((uint64_t)1 << 32) - before + now;
    if (wrapped >= (uint64_t)1 << 30)
        return false;
    *ret = wrapped;
    return true;
}

static double per_s(uint64_t delta, uint64_t interval_ms)
{
    return (double)delta * 1000.0 / (double)interval_ms;
}

/* Idle and iowait may fall by a tick or two when a processor comes back (proc(5)): that is zero. */
static void rate_cpu(const struct look *before, const struct look *now, struct sample *out)
{
    uint64_t d[CPU_FIELDS];
    double total = 0;
    double idle = 0;

    if (!before->has_cpu || !now->has_cpu)
        return;
    for (size_t i = 0; i < CPU_FIELDS; i++) {
        d[i] = now->cpu[i] > before->cpu[i] ? now->cpu[i] - before->cpu[i] : 0;
        total += (double)d[i];
    }
    if (total <= 0)
        return;
    idle = (double)d[CPU_IDLE] + (double)d[CPU_IOWAIT] + (double)d[CPU_STEAL];
    out->cpu_busy_percent = 100.0 * (total - idle) / total;
    out->cpu_iowait_percent = 100.0 * (double)d[CPU_IOWAIT] / total;
    out->cpu_steal_percent = 100.0 * (double)d[CPU_STEAL] / total;
    out->has_cpu = true;
}

static bool rate_disk(const struct disk_counters *before, const struct disk_counters *now,
                      uint64_t interval_ms, struct sample_disk *out)
{
    uint64_t d[DISK_FIELDS];
    uint64_t requests = 0;

    for (size_t i = 0; i < DISK_FIELDS; i++) {
        /* The eighth is a level, not a counter: requests in flight. */
        if (i != 8 && !counter_delta(before->v[i], now->v[i], &d[i]))
            return false;
    }
    if (!num_add(d[D_READS], d[D_WRITES], &requests))
        return false;
    memcpy(out->name, now->name, sizeof(out->name));
    out->read_bytes_per_s = per_s(d[D_READ_SECTORS], interval_ms) * SECTOR_BYTES;
    out->write_bytes_per_s = per_s(d[D_WRITE_SECTORS], interval_ms) * SECTOR_BYTES;
    out->reads_per_s = per_s(d[D_READS], interval_ms);
    out->writes_per_s = per_s(d[D_WRITES], interval_ms);
    out->latency_ms =
        requests ? ((double)d[D_READ_MS] + (double)d[D_WRITE_MS]) / (double)requests : 0;
    out->queue = (double)d[D_WEIGHTED_MS] / (double)interval_ms;
    return true;
}

static void rate_disks(const struct look *before, const struct look *now, struct sample *out)
{
    for (size_t i = 0; i < now->n_disks; i++) {
        const struct disk_counters *d = &now->disks[i];

        for (size_t k = 0; k < before->n_disks; k++) {
            const struct disk_counters *b = &before->disks[k];

            if (b->major != d->major || b->minor != d->minor || !text_equal(b->name, d->name))
                continue;
            if (rate_disk(b, d, out->interval_ms, &out->disks[out->n_disks]))
                out->n_disks++;
            break;
        }
    }
}

static void rate_nics(const struct look *before, const struct look *now, struct sample *out)
{
    for (size_t i = 0; i < now->n_nics; i++) {
        const struct nic_counters *n = &now->nics[i];
        struct sample_nic *to = &out->nics[out->n_nics];

        for (size_t k = 0; k < before->n_nics; k++) {
            const struct nic_counters *b = &before->nics[k];
            uint64_t rx = 0;
            uint64_t tx = 0;

            if (!text_equal(b->name, n->name))
                continue;
            if (counter_delta(b->rx, n->rx, &rx) && counter_delta(b->tx, n->tx, &tx)) {
                memcpy(to->name, n->name, sizeof(to->name));
                to->rx_bytes_per_s = per_s(rx, out->interval_ms);
                to->tx_bytes_per_s = per_s(tx, out->interval_ms);
                out->n_nics++;
            }
            break;
        }
    }
}

static void compare(const struct sample_set *s, struct sample *out)
{
    if (s->now.has_memory) {
        const struct meminfo *m = &s->now.memory;

        out->has_memory = true;
        out->memory_available_bytes = m->available_bytes;
        out->memory_used_bytes = m->total_bytes - m->available_bytes;
    }
    if (!s->has_before)
        return;
    out->interval_ms = s->now.mono_ms - s->before.mono_ms;
    rate_cpu(&s->before, &s->now, out);
    rate_disks(&s->before, &s->now, out);
    rate_nics(&s->before, &s->now, out);
}

int sample_take(struct sample_set *s, struct probe *p, const struct clock *c, struct sample *ret,
                struct err *err)
{
    uint64_t mono_ms = clock_mono_ms(c);
    int rc;

    if (s->has_before &&
        (mono_ms < s->before.mono_ms || mono_ms - s->before.mono_ms < SAMPLE_INTERVAL_MIN_MS))
        return err_set(err, -EAGAIN, "too soon after the last sample");
    rc = look(s, p, c, err);
    if (rc < 0)
        return rc;
    *ret = (struct sample){.wall_ms = clock_wall_ms(c)};
    compare(s, ret);
    s->before = s->now;
    s->has_before = true;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes, like ones as one row. Of the command line only the first word leaves the host: the
 * rest may hold passwords.
 */
#include "inventory/collect.h"

#include "inventory/line.h"
#include "inventory/pid.h"
#include "inventory/probe.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/jsw.h"
#include "base/num.h"
#include "base/text.h"

#include <stdlib.h>

#include "base/banned.h"

enum {
    ARGV0_MAX = 128,
    UNIT_MAX = 96,
    ARGV_READ_BYTES = 512,
    CONTAINER_ID_DIGITS = 64,
    CONTAINER_ID_SHOWN = 12,
};

/* One row: processes that are alike in everything but their numbers. */
struct group {
    char comm[PID_COMM_MAX], argv0[ARGV0_MAX], unit[UNIT_MAX];
    uint64_t uid;
    uint64_t pid; /* the first seen */
    uint64_t count, rss_bytes, cpu_ms;
};

struct process {
    struct probe *p;
    struct group *groups;
    size_t n_groups;
    uint64_t total, kernel_threads, left_out;
};

static int process_read(struct process *s, const char *pid, const char *file, size_t max_bytes,
                        struct buf *out)
{
    char path[PROBE_PATH_MAX];

    buf_clear(out);
    if (text_print(path, sizeof(path), "/proc/%s/%s", pid, file) < 0)
        return -ENAMETOOLONG;
    return probe_read(s->p, path, max_bytes, out, NULL, NULL);
}

static void status_parse(struct slice text, struct group *g)
{
    struct slice line;
    struct slice v;

    while (line_next(&text, &line)) {
        if (line_value(line, "Uid", ':', &v))
            g->uid = line_nth_u64(v, 0, 0);
        else if (line_value(line, "VmRSS", ':', &v))
            g->rss_bytes = num_min(line_nth_u64(v, 0, 0), (uint64_t)1 << 40) * 1024;
    }
    g->uid = num_min(g->uid, UINT32_MAX);
}

/*
 * The first word alone, even of a process that wrote a whole sentence there ("postgres: app db
 * idle", or all its arguments joined by blanks).
 */
static void argv_parse(struct slice text, struct group *g)
{
    struct slice rest = line_until(&text, '\0');
    struct slice word;

    if (!line_word(&rest, &word))
        return;
    if (word.len > 1 && word.data[word.len - 1] == ':')
        word.len--;
    line_copy(g->argv0, sizeof(g->argv0), word);
}

static bool is_hex(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!(s.data[i] >= '0' && s.data[i] <= '9') && !(s.data[i] >= 'a' && s.data[i] <= 'f'))
            return false;
    }
    return s.len > 0;
}

/* "docker-<64 digits>.scope" and plain "<64 digits>": twelve digits name a container well enough.
 */
static void unit_copy(struct group *g, struct slice part)
{
    char name[UNIT_MAX];
    const uint8_t *dash = part.len ? memrchr(part.data, '-', part.len) : NULL;
    size_t head = dash ? (size_t)(dash - part.data) + 1 : 0;
    struct slice id = slice_of(part.data + head, part.len - head);

    if (line_ends(id, ".scope"))
        id.len -= strlen(".scope");
    if (id.len == CONTAINER_ID_DIGITS && is_hex(id) && head + CONTAINER_ID_SHOWN < sizeof(name)) {
        memcpy(name, part.data, head + CONTAINER_ID_SHOWN);
        part = slice_of(name, head + CONTAINER_ID_SHOWN);
    }
    line_copy(g->unit, sizeof(g->unit), part);
}

/* The innermost part of a control group's path that is a unit or a container. */
static void cgroup_take(struct slice path, struct group *g)
{
    while (path.len > 0) {
        struct slice part = line_until(&path, '/');

        if (line_ends(part, ".service") || line_ends(part, ".scope") ||
            (part.len == CONTAINER_ID_DIGITS && is_hex(part)))
            unit_copy(g, part);
    }
}

/* "0::/system.slice/sshd.service" of version 2, "1:name=systemd:/..." of version 1. */
static void cgroup_parse(struct slice text, struct group *g)
{
    struct slice line;

    while (line_next(&text, &line)) {
        struct slice number = line_until(&line, ':');
        struct slice names = line_until(&line, ':');

        if (line_is(names, "name=systemd") || (line_is(number, "0") && names.len == 0) ||
            (!g->unit[0] && line_is(names, "pids")))
            cgroup_take(line, g);
    }
}

static bool group_equal(const struct group *a, const struct group *b)
{
    return a->uid == b->uid && text_equal(a->comm, b->comm) && text_equal(a->argv0, b->argv0) &&
           text_equal(a->unit, b->unit);
}

static void group_add(struct process *s, const struct group *g)
{
    for (size_t i = 0; i < s->n_groups; i++) {
        struct group *have = &s->groups[i];

        if (!group_equal(have, g))
            continue;
        have->count++;
        have->rss_bytes += g->rss_bytes;
        have->cpu_ms += g->cpu_ms;
        return;
    }
    s->groups[s->n_groups] = *g;
    s->groups[s->n_groups++].count = 1;
}

/* 0, or -ETIME when there is no time for more. A process that ended meanwhile is no failure. */
static int take_process(struct process *s, const char *pid, struct buf *b)
{
    struct pid_stat st;
    struct group g = {0};
    int rc = process_read(s, pid, "stat", COLLECT_FILE_MAX_BYTES, b);

    if (rc < 0)
        return rc == -ETIME ? rc : 0;
    if (!pid_stat_parse(buf_slice(b), &st) || !line_u64(slice_str(pid), 10, &g.pid))
        return 0;
    if (st.is_kernel_thread) {
        s->kernel_threads++;
        return 0;
    }
    s->total++;
    g.cpu_ms = st.cpu_ms;
    memcpy(g.comm, st.comm, sizeof(g.comm));
    if (process_read(s, pid, "status", COLLECT_FILE_MAX_BYTES, b) == 0)
        status_parse(buf_slice(b), &g);
    if (process_read(s, pid, "cgroup", COLLECT_FILE_MAX_BYTES, b) == 0)
        cgroup_parse(buf_slice(b), &g);
    /* Reading the arguments takes the process's memory lock: one that sits in D may hold it. */
    if (st.state != 'D' && st.state != 'Z' &&
        process_read(s, pid, "cmdline", ARGV_READ_BYTES, b) == 0)
        argv_parse(buf_slice(b), &g);
    group_add(s, &g);
    return 0;
}

static int compare_groups(const void *a, const void *b)
{
    const struct group *x = a;
    const struct group *y = b;

    if (x->rss_bytes != y->rss_bytes)
        return x->rss_bytes < y->rss_bytes ? 1 : -1;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

static void put_group(struct jsw *w, const struct group *g)
{
    jsw_obj(w, NULL);
    jsw_u64(w, "pid", g->pid);
    jsw_str(w, "comm", g->comm);
    if (!text_equal(g->argv0, g->comm))
        collect_put_str(w, "argv0", g->argv0);
    collect_put_str(w, "unit", g->unit);
    jsw_u64(w, "uid", g->uid);
    if (g->count > 1)
        jsw_u64(w, "count", g->count);
    jsw_u64(w, "rss_bytes", g->rss_bytes);
    jsw_u64(w, "cpu_ms", g->cpu_ms);
    jsw_end(w);
}

static void put_groups(struct jsw *w, struct process *s)
{
    size_t shown = num_min(s->n_groups, COLLECT_PROCESSES_MAX);

    if (s->n_groups > 0)
        qsort(s->groups, s->n_groups, sizeof(*s->groups), compare_groups);
    for (size_t i = shown; i < s->n_groups; i++)
        s->left_out += s->groups[i].count;
    jsw_u64(w, "total", s->total);
    jsw_u64(w, "kernel_threads", s->kernel_threads);
    jsw_arr(w, "list");
    for (size_t i = 0; i < shown; i++)
        put_group(w, &s->groups[i]);
    jsw_end(w);
    jsw_u64(w, "left_out", s->left_out);
}

int collect_process(struct probe *p, struct jsw *w, struct err *err)
{
    auto_vec char **names = NULL;
    auto_buf struct buf b = {0};
    auto_free struct group *groups = NULL;
    struct process s = {.p = p};
    size_t seen = 0;
    int rc = probe_list(p, "/proc", &names, NULL, err);

    if (rc < 0)
        return rc;
    groups = calloc(num_min(text_vec_len(names) + 1, COLLECT_PROCESSES_SEEN_MAX), sizeof(*groups));
    if (!groups)
        return err_set(err, -ENOMEM, "no memory for processes");
    s.groups = groups;
    for (size_t i = 0; names[i]; i++) {
        if (!pid_is_name(names[i]))
            continue;
        if (rc == 0 && seen < COLLECT_PROCESSES_SEEN_MAX)
            rc = take_process(&s, names[i], &b);
        if (rc < 0 || seen >= COLLECT_PROCESSES_SEEN_MAX)
            s.left_out++;
        seen++;
    }
    put_groups(w, &s);
    return 0;
}

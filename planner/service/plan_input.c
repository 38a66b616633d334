/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes and rates come from what replication has measured, else from the inventory and the load of
 * the source's disk: so a plan can be made before a byte was copied.
 */
#include "planner/service/plan_input.h"

#include "base/num.h"
#include "base/text.h"
#include "inventory/inventory.h"
#include "inventory/rollup.h"
#include "planner/engine/plan.h"
#include "planner/service/db_host.h"
#include "planner/service/db_plan.h"
#include "planner/service/db_workload.h"
#include "planner/service/load.h"
#include "planner/service/plan_history.h"
#include "planner/service/service_own.h"

#include <ctype.h>

#include "base/banned.h"

enum { LOAD_DAYS = 14 };
#define LIST_MAX ((uint64_t)100000)
#define LOAD_MS ((uint64_t)LOAD_DAYS * 86400 * 1000)

struct input {
    struct service *service;
    unsigned flags; /* enum plan_input_flags */
    struct jsw *w;
    struct err *err;
};

static int write_calendar(void *arg, const struct db_calendar *c)
{
    struct jsw *w = arg;

    jsw_obj(w, NULL);
    jsw_str(w, "name", c->name);
    jsw_str(w, "kind", c->kind);
    jsw_str(w, "calendar", c->ical);
    jsw_end(w);
    return 0;
}

/* -- volumes ---------------------------------------------------------------- */

struct measured {
    bool reported; /* the host has told what is on it */
    bool seeded;   /* a restore point exists: only the backlog is still to travel */
    uint64_t size_bytes, backlog_bytes, write_bytes_per_s, write_peak_bytes_per_s;
};

enum { UNSEEN_MAX = 256 };

static int size_from_inventory(struct input *in, const struct workload_place *place,
                               struct measured *m)
{
    auto_inventory struct inventory *inv = NULL;
    auto_buf struct buf text = {0};
    int r;

    r = db_host_inventory(in->service->db, place->identity, &text, in->err);
    /* One that does not parse any more is no reason to refuse a plan. */
    if (r < 0 || text.len == 0 || inventory_parse(buf_slice(&text), &inv, NULL) < 0)
        return r;
    m->reported = true;
    for (size_t i = 0; i < inv->n_volumes; i++)
        if (text_equal(inv->volumes[i].path, place->device))
            m->size_bytes = inv->volumes[i].size_bytes;
    return 0;
}

/* "sda2" -> "sda", "nvme0n1p2" -> "nvme0n1": the kernel counts by whole disks. */
static void cut_partition(char *name)
{
    size_t len = strlen(name);
    const size_t whole = len;

    while (len > 0 && isdigit((unsigned char)name[len - 1]))
        len--;
    if (len == whole || len == 0)
        return;
    if (name[len - 1] == 'p' && len > 1 && isdigit((unsigned char)name[len - 2]))
        len--;
    else if (isdigit((unsigned char)name[0]) || strncmp(name, "dm-", 3) == 0 ||
             strncmp(name, "md", 2) == 0 || strncmp(name, "nvme", 4) == 0)
        return;
    name[len] = '\0';
}

static int rates_from_load(struct input *in, const struct workload_place *place, struct measured *m)
{
    const uint64_t now = clock_wall_ms(in->service->clock);
    const char *base = strrchr(place->device, '/');
    auto_free struct rollup_hist *hist = calloc(1, sizeof(*hist));
    char disk[WORKLOAD_NAME_MAX];
    int r = 0;

    if (!hist)
        return err_set(in->err, -ENOMEM, "load of '%s': %m", place->host);
    if (text_copy(disk, sizeof(disk), base ? base + 1 : place->device) < 0)
        return 0;
    for (int attempt = 0; r == 0 && hist->n == 0 && attempt < 2; attempt++) {
        if (attempt == 1)
            cut_partition(disk);
        r = load_hist(in->service, place->identity, "disk_write_bytes_per_s", disk, now - LOAD_MS,
                      hist, in->err);
    }
    if (r < 0 || hist->n == 0)
        return r;
    m->write_bytes_per_s = (uint64_t)rollup_hist_mean(hist);
    m->write_peak_bytes_per_s = (uint64_t)rollup_hist_quantile(hist, 0.99);
    return 0;
}

static int measure(struct input *in, const struct workload *load, const struct workload_volume *v,
                   struct measured *m)
{
    const struct workload_place *place = &v->at[WORKLOAD_SOURCE];
    struct db_replication report;
    int r = 0;

    if (place->identity[0])
        r = size_from_inventory(in, place, m);
    if (r == 0 && place->identity[0])
        r = rates_from_load(in, place, m);
    if (r < 0)
        return r;
    r = db_workload_report_load(in->service->db, load->name, v->name, WORKLOAD_SOURCE, &report,
                                in->err);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (report.size_bytes)
        m->size_bytes = report.size_bytes;
    m->seeded = report.seq > 0;
    m->backlog_bytes = report.backlog_bytes;
    if (m->write_peak_bytes_per_s == 0)
        m->write_bytes_per_s = m->write_peak_bytes_per_s = report.write_bytes_per_s;
    return 0;
}

/* Why a plan cannot count with this volume; the first reason of a workload stays. */
static void judge_unseen(const struct workload_place *place, const struct measured *m,
                         char unseen[static UNSEEN_MAX])
{
    if (unseen[0] || m->size_bytes > 0)
        return;
    if (!place->identity[0])
        (void)text_print(unseen, UNSEEN_MAX, "host %s has no agent, so nothing is known of it",
                         place->host);
    else if (!m->reported)
        (void)text_print(unseen, UNSEEN_MAX, "host %s has not reported what is on it", place->host);
    else
        (void)text_print(unseen, UNSEEN_MAX, "host %s has not found %.120s", place->host,
                         place->device);
}

static int write_volumes(struct input *in, const struct workload *load,
                         char unseen[static UNSEEN_MAX])
{
    struct jsw *w = in->w;
    int r = 0;

    jsw_arr(w, "volumes");
    for (size_t i = 0; r == 0 && i < load->volumes_n; i++) {
        struct measured m = {0};

        r = measure(in, load, &load->volumes[i], &m);
        judge_unseen(&load->volumes[i].at[WORKLOAD_SOURCE], &m, unseen);
        jsw_obj(w, NULL);
        jsw_str(w, "volume", load->volumes[i].name);
        jsw_u64(w, "size_bytes", m.size_bytes);
        jsw_u64(w, "remaining_bytes",
                m.seeded ? num_min(m.backlog_bytes, m.size_bytes) : m.size_bytes);
        jsw_u64(w, "write_bytes_per_s", m.write_bytes_per_s);
        jsw_u64(w, "write_peak_bytes_per_s", m.write_peak_bytes_per_s);
        jsw_end(w);
    }
    jsw_end(w);
    return r;
}

/* -- workloads -------------------------------------------------------------- */

/* One that nobody described cannot be planned with; the workload's own page warns of it. */
static int write_others(struct input *in, const char *key, const struct js *names)
{
    struct workload *other;
    int r = 0;

    jsw_arr(in->w, key);
    for (size_t i = 0; i < js_len(names); i++) {
        const char *name = js_as_str(js_at(names, i), "");

        other = NULL;
        r = workload_load(in->service, name, &other, in->err);
        workload_free(other);
        if (r < 0 && r != -ENOENT)
            return r;
        if (r == 0)
            jsw_str(in->w, NULL, name);
    }
    jsw_end(in->w);
    return 0;
}

static void write_wave(struct jsw *w, const struct workload *load)
{
    const struct js *wave = js_member(load->doc, "wave");

    if (js_kind(wave) == JS_INT)
        jsw_u64(w, "wave", js_as_u64(wave, 0));
    else
        jsw_null(w, "wave");
}

static void write_planned_wave(struct input *in, const struct workload *load)
{
    uint64_t wave;

    if (!(in->flags & PLAN_INPUT_FRESH) && load->wave[0] &&
        num_parse_u64(load->wave, 1, PLAN_WAVES_MAX, &wave, NULL) == 0)
        jsw_u64(in->w, "planned_wave", wave);
    else
        jsw_null(in->w, "planned_wave");
}

static int write_workload(void *arg, const char *name)
{
    struct input *in = arg;
    auto_workload struct workload *load = NULL;
    char unseen[UNSEEN_MAX] = "";
    int r;

    r = workload_load(in->service, name, &load, in->err);
    if (r < 0)
        return r;
    jsw_obj(in->w, NULL);
    jsw_str(in->w, "workload", name);
    jsw_arr(in->w, "hosts");
    for (size_t i = 0; i < load->hosts_n[WORKLOAD_SOURCE]; i++)
        jsw_str(in->w, NULL, load->hosts[WORKLOAD_SOURCE][i].name);
    jsw_end(in->w);
    r = write_others(in, "depends", load->depends);
    if (r == 0)
        r = write_others(in, "apart", load->apart);
    write_wave(in->w, load);
    write_planned_wave(in, load);
    jsw_bool(in->w, "moved", load->released || load->authority == WORKLOAD_AT_TARGET);
    if (r == 0)
        r = write_volumes(in, load, unseen);
    jsw_str(in->w, "unseen", unseen[0] ? unseen : NULL);
    jsw_end(in->w);
    return r;
}

int plan_input_write(struct service *svc, uint64_t link_bytes_per_s, unsigned flags, struct jsw *w,
                     struct err *err)
{
    struct input in = {.service = svc, .flags = flags, .w = w, .err = err};
    int r;

    jsw_time(w, "now", clock_wall_ms(svc->clock));
    jsw_u64(w, "link_bytes_per_s",
            link_bytes_per_s ? link_bytes_per_s : svc->own->conf.link_bytes_per_s);
    jsw_arr(w, "calendars");
    r = db_plan_calendar_each(svc->db, "", DB_PLAN_CALENDARS_MAX, write_calendar, w, err);
    jsw_end(w);
    if (r == 0 && !(flags & PLAN_INPUT_NO_HISTORY))
        r = plan_history_write(svc, w, err);
    jsw_arr(w, "workloads");
    if (r == 0)
        r = db_workload_each(svc->db, NULL, "", LIST_MAX, write_workload, &in, err);
    jsw_end(w);
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A workload counts for the plan under which its replication began: the newest one that was made
 * before. Its seed ended when it was ready for the first time; the event of that is kept.
 */
#include "planner/service/plan_history.h"

#include "base/num.h"
#include "base/text.h"
#include "planner/service/db_event.h"
#include "planner/service/db_plan.h"
#include "planner/service/db_workload.h"
#include "planner/service/service_own.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* Plans are documents of megabytes: the last few say how it goes now. */
enum { PLANS = 64, PLAN_DOC_MAX = 64 << 20, EVENTS = 100 };

struct seed {
    char workload[WORKLOAD_NAME_MAX];
    uint64_t start_ms, ready_ms; /* ready 0: not yet */
    bool counted;
};

struct history {
    struct service *service;
    struct seed *seeds; /* by name, as the database lists them */
    size_t n, cap;
    struct jsw *w;
    struct err *err;
};

/* -- what began, and when it was ready -------------------------------------------------------- */

static int take_ready(void *arg, const struct db_event *event)
{
    struct seed *seed = arg;

    if (seed->ready_ms == 0 && event->at_ms >= seed->start_ms &&
        strncmp(event->text, "not_ready -> ready_", 19) == 0)
        seed->ready_ms = event->at_ms;
    return 0;
}

static int take_workload(void *arg, const char *name)
{
    struct history *h = arg;
    auto_workload struct workload *load = NULL;
    struct db_event_filter filter = {.object = name, .kind = "workload.lifecycle", .limit = EVENTS};
    struct seed *seed;
    int r = workload_load(h->service, name, &load, h->err);

    if (r < 0 || load->start_ms == 0 || load->start_ms > clock_wall_ms(h->service->clock))
        return r;
    if (h->n == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 64;
        struct seed *more = reallocarray(h->seeds, cap, sizeof(*more));

        if (!more)
            return err_set(h->err, -ENOMEM, "history of %zu workloads: %m", cap);
        h->seeds = more;
        h->cap = cap;
    }
    seed = &h->seeds[h->n++];
    *seed = (struct seed){.start_ms = load->start_ms};
    (void)text_copy(seed->workload, sizeof(seed->workload), name);
    return db_event_each(h->service->db, &filter, take_ready, seed, h->err);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct seed *)a)->workload, ((const struct seed *)b)->workload);
}

static struct seed *find_seed(const struct history *h, const char *name)
{
    struct seed key = {0};

    if (h->n == 0 || text_copy(key.workload, sizeof(key.workload), name) < 0)
        return NULL;
    return bsearch(&key, h->seeds, h->n, sizeof(*h->seeds), by_name);
}

/* -- beside the plans ---------------------------------------------------------------------------
 */

static void write_wave(struct history *h, const struct js *wave, uint64_t made_ms)
{
    const struct js *workloads = js_member(wave, "workloads");
    double planned_s = js_f64(wave, "seed_s", 0);
    uint64_t from = UINT64_MAX, until = 0;
    bool whole = true;

    for (size_t i = 0; i < js_len(workloads); i++) {
        struct seed *seed = find_seed(h, js_str(js_at(workloads, i), "workload", ""));

        if (seed && (seed->counted || seed->start_ms < made_ms))
            continue; /* it ran already: not in the time that was planned */
        whole &= seed && seed->ready_ms > 0;
        if (!seed)
            continue;
        seed->counted = true;
        from = num_min(from, seed->start_ms);
        until = num_max(until, seed->ready_ms);
    }
    if (!whole || until <= from || planned_s <= 0)
        return;
    jsw_obj(h->w, NULL);
    jsw_f64(h->w, "planned_s", planned_s);
    jsw_f64(h->w, "took_s", (double)(until - from) / 1000.0);
    jsw_end(h->w);
}

static int take_plan(void *arg, const struct db_plan *plan)
{
    struct history *h = arg;
    auto_js struct js *doc = NULL;
    const struct js *waves;
    int r;

    if (plan->applied_ms == 0)
        return 0;
    r = js_parse(slice_str(plan->doc), PLAN_DOC_MAX, &doc, h->err);
    waves = js_member(doc, "waves");
    for (size_t i = 0; r == 0 && i < js_len(waves); i++)
        write_wave(h, js_at(waves, i), plan->created_ms);
    return r;
}

int plan_history_write(struct service *svc, struct jsw *w, struct err *err)
{
    struct history h = {.service = svc, .w = w, .err = err};
    int r = db_workload_each(svc->db, NULL, "", UINT32_MAX, take_workload, &h, err);

    if (r == 0 && h.n > 0)
        qsort(h.seeds, h.n, sizeof(*h.seeds), by_name);
    jsw_arr(w, "history");
    if (r == 0 && h.n > 0)
        r = db_plan_each(svc->db, NULL, INT64_MAX, PLANS, take_plan, &h, err);
    jsw_end(w);
    free(h.seeds);
    return r;
}

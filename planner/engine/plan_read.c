/* SPDX-License-Identifier: Apache-2.0 */
/* The input, parsed whole and checked, then put in an order that dependencies allow. */
#include "planner/engine/plan_model.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/calendar.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

enum { PLAN_DEFAULT_LINK = 125000000 };

static int bad(struct err *err, const char *workload, const char *what)
{
    return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "workload '%s': %s", workload, what);
}

/* -- members that may be left out ------------------------------------------------- */

enum member_kind { MEMBER_LIST, MEMBER_COUNT, MEMBER_NUMBER, MEMBER_SWITCH, MEMBER_TEXT };

struct member {
    const char *key;
    enum member_kind kind;
};

static const struct member workload_members[] = {
    {"hosts", MEMBER_LIST},   {"depends", MEMBER_LIST},       {"apart", MEMBER_LIST},
    {"talks", MEMBER_LIST},   {"volumes", MEMBER_LIST},       {"wave", MEMBER_COUNT},
    {"moved", MEMBER_SWITCH}, {"planned_wave", MEMBER_COUNT}, {"saving_per_day", MEMBER_NUMBER},
    {"unseen", MEMBER_TEXT},
};

static const struct member volume_members[] = {
    {"remaining_bytes", MEMBER_COUNT},
    {"write_bytes_per_s", MEMBER_COUNT},
    {"write_peak_bytes_per_s", MEMBER_COUNT},
};

static const struct member input_members[] = {
    {"link_bytes_per_s", MEMBER_COUNT},
    {"calendars", MEMBER_LIST},
    {"workloads", MEMBER_LIST},
    {"history", MEMBER_LIST},
};

static bool is_of_kind(const struct js *v, enum member_kind kind)
{
    switch (kind) {
    case MEMBER_LIST:
        return js_kind(v) == JS_ARR;
    case MEMBER_COUNT:
        return js_kind(v) == JS_INT && js_as_u64(v, UINT64_MAX) != UINT64_MAX;
    case MEMBER_NUMBER:
        return js_kind(v) == JS_INT || js_kind(v) == JS_REAL;
    case MEMBER_SWITCH:
        return js_kind(v) == JS_BOOL;
    case MEMBER_TEXT:
        return js_kind(v) == JS_STR;
    }
    return false;
}

/* What is of another kind would count as left out: a pin, a dependency or a rate that is not kept.
 */
static int check_members(const struct js *doc, const struct member *members, size_t n,
                         struct err *err)
{
    static const char *const kinds[] = {"a list", "a whole number, 0 or more", "a number",
                                        "true or false", "a text"};

    for (size_t i = 0; i < n; i++) {
        const struct js *v = js_member(doc, members[i].key);

        if (js_kind(v) != JS_NULL && !is_of_kind(v, members[i].kind))
            return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "'%s' is not %s", members[i].key,
                              kinds[members[i].kind]);
    }
    return 0;
}

/* -- calendars ------------------------------------------------------------------- */

static int read_calendars(const struct js *input, struct plan_model *m, struct err *err)
{
    const struct js *calendars = js_member(input, "calendars");
    uint64_t until_ms = m->now_ms + m->policy.horizon_days * 86400000;

    for (size_t i = 0; i < js_len(calendars); i++) {
        const struct js *c = js_at(calendars, i);
        const char *text, *kind;
        bool window = false;
        int r = js_get_str(c, "calendar", &text, err);

        if (r == 0)
            r = js_get_str(c, "kind", &kind, err);
        if (r == 0 && !text_equal(kind, "window") && !text_equal(kind, "blackout"))
            r = err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL,
                           "it is '%s', neither a window nor a blackout", kind);
        if (r == 0) {
            window = text_equal(kind, "window");
            r = calendar_spans(slice_str(text), m->now_ms, until_ms, window ? &m->open : &m->closed,
                               err);
        }
        if (r < 0)
            return err_add(err, r, "calendar '%s'", js_str(c, "name", "?"));
        m->any_window |= window;
    }
    span_merge(&m->open);
    span_merge(&m->closed);
    return 0;
}

/* -- workloads -------------------------------------------------------------------- */

static int add_volume(const struct js *v, struct plan_workload *w, struct err *err)
{
    uint64_t size, rate = js_u64(v, "write_bytes_per_s", 0);
    uint64_t peak = num_max(js_u64(v, "write_peak_bytes_per_s", 0), rate);
    int r = js_get_u64(v, "size_bytes", &size, err);

    if (r == 0)
        r = check_members(v, volume_members, ARRAY_LEN(volume_members), err);
    if (r < 0)
        return err_add(err, r, "workload '%s'", w->name);
    /* What is replicated already need not be copied again; the rest cannot be more than all. */
    w->remaining_bytes += num_min(js_u64(v, "remaining_bytes", size), size);
    if (!num_add(w->bytes, size, &w->bytes) ||
        !num_add(w->write_bytes_per_s, rate, &w->write_bytes_per_s) ||
        !num_add(w->peak_bytes_per_s, peak, &w->peak_bytes_per_s))
        return bad(err, w->name, "its volumes add up to more than can be counted");
    return 0;
}

static int read_workload(const struct js *doc, struct plan_workload *w, struct err *err)
{
    const struct js *volumes = js_member(doc, "volumes");
    int r = js_get_str(doc, "workload", &w->name, err);

    if (r < 0)
        return r;
    r = check_members(doc, workload_members, ARRAY_LEN(workload_members), err);
    if (r < 0)
        return err_add(err, r, "workload '%s'", w->name);
    w->doc = doc;
    w->hosts_n = js_len(js_member(doc, "hosts"));
    w->pin = (unsigned)js_u64(doc, "wave", 0);
    w->planned_wave = (unsigned)js_u64(doc, "planned_wave", 0);
    w->moved = js_bool(doc, "moved", false);
    w->unseen = js_str(doc, "unseen", NULL);
    if (!text_is_name(w->name))
        return bad(err, w->name, "this is no name");
    if (w->pin > PLAN_WAVES_MAX || w->planned_wave > PLAN_WAVES_MAX)
        return bad(err, w->name, "its wave is out of range");
    if (js_len(volumes) > PLAN_VOLUMES_MAX)
        return bad(err, w->name, "too many volumes");
    for (size_t i = 0; i < js_len(volumes); i++) {
        r = add_volume(js_at(volumes, i), w, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct plan_workload *)a)->name, ((const struct plan_workload *)b)->name);
}

/* Sorted by name, so that the order of the input does not matter and names are found by bisection.
 */
static int read_workloads(const struct js *input, struct plan_model *m, struct err *err)
{
    const struct js *workloads = js_member(input, "workloads");
    int r;

    m->n = js_len(workloads);
    if (m->n > PLAN_WORKLOADS_MAX)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EFBIG, "%zu workloads are more than %d", m->n,
                          PLAN_WORKLOADS_MAX);
    m->workloads = calloc(m->n ? m->n : 1, sizeof(*m->workloads));
    m->order = calloc(m->n ? m->n : 1, sizeof(*m->order));
    if (!m->workloads || !m->order)
        return err_set(err, -ENOMEM, "%zu workloads: %m", m->n);
    for (size_t i = 0; i < m->n; i++) {
        r = read_workload(js_at(workloads, i), &m->workloads[i], err);
        if (r < 0)
            return r;
    }
    qsort(m->workloads, m->n, sizeof(*m->workloads), by_name);
    for (size_t i = 1; i < m->n; i++) {
        if (text_equal(m->workloads[i - 1].name, m->workloads[i].name))
            return bad(err, m->workloads[i].name, "it is there twice");
    }
    return 0;
}

struct plan_workload *plan_find(const struct plan_model *m, const char *name)
{
    struct plan_workload key = {.name = name};

    return bsearch(&key, m->workloads, m->n, sizeof(*m->workloads), by_name);
}

static int read_depends(struct plan_model *m, struct plan_workload *w, struct err *err)
{
    const struct js *depends = js_member(w->doc, "depends");

    w->depends = calloc(js_len(depends) ? js_len(depends) : 1, sizeof(*w->depends));
    if (!w->depends)
        return err_set(err, -ENOMEM, "workload '%s': %m", w->name);
    for (size_t i = 0; i < js_len(depends); i++) {
        const char *name = js_as_str(js_at(depends, i), "");
        const struct plan_workload *other = plan_find(m, name);

        if (!other)
            return err_set_gw(err, GW_PLAN_IMPOSSIBLE, -EINVAL,
                              "workload '%s' depends on '%s', which is not there", w->name, name);
        w->depends[w->depends_n++] = (size_t)(other - m->workloads);
    }
    return 0;
}

static int by_who(const void *a, const void *b)
{
    const struct plan_apart *x = a, *y = b;

    if (x->who != y->who)
        return x->who < y->who ? -1 : 1;
    return (x->other > y->other) - (x->other < y->other);
}

static int add_aparts(struct plan_model *m, const struct plan_workload *w, struct err *err)
{
    const struct js *aparts = js_member(w->doc, "apart");

    for (size_t i = 0; i < js_len(aparts); i++) {
        const char *name = js_as_str(js_at(aparts, i), "");
        const struct plan_workload *other = plan_find(m, name);
        size_t a = (size_t)(w - m->workloads);

        if (!other || other == w)
            return err_set_gw(err, GW_PLAN_IMPOSSIBLE, -EINVAL,
                              "workload '%s' is to be apart from '%s', which is %s", w->name, name,
                              other ? "itself" : "not there");
        m->aparts[m->aparts_n++] = (struct plan_apart){a, (size_t)(other - m->workloads)};
        m->aparts[m->aparts_n++] = (struct plan_apart){(size_t)(other - m->workloads), a};
    }
    return 0;
}

static int read_aparts(struct plan_model *m, struct err *err)
{
    size_t n = 0;
    int r = 0;

    for (size_t i = 0; i < m->n; i++)
        n += 2 * js_len(js_member(m->workloads[i].doc, "apart"));
    m->aparts = calloc(n + 1, sizeof(*m->aparts));
    if (!m->aparts)
        return err_set(err, -ENOMEM, "%zu workloads: %m", m->n);
    for (size_t i = 0; r == 0 && i < m->n; i++)
        r = add_aparts(m, &m->workloads[i], err);
    qsort(m->aparts, m->aparts_n, sizeof(*m->aparts), by_who);
    for (size_t i = 0; i < m->aparts_n; i++) {
        struct plan_workload *w = &m->workloads[m->aparts[i].who];

        if (w->aparts_n++ == 0)
            w->aparts = &m->aparts[i];
    }
    return r;
}

/* -- what was measured ------------------------------------------------------------------ */

static void read_history(const struct js *input, struct plan_model *m)
{
    const struct js *history = js_member(input, "history");

    for (size_t i = 0; i < js_len(history); i++) {
        double planned = js_f64(js_at(history, i), "planned_s", 0);
        double took = js_f64(js_at(history, i), "took_s", 0);

        if (planned > 0 && planned < 1e9 && took > 0 && took < 1e9)
            wave_slip_add(&m->slip, (uint64_t)(planned * 1000), (uint64_t)(took * 1000));
    }
}

/* -- order -------------------------------------------------------------------------- */

/* Walk back along dependencies that are still unplaced until a name comes twice: that is the cycle.
 */
static int say_cycle(const struct plan_model *m, const bool *placed, size_t at, struct err *err)
{
    char path[PLAN_REASON_MAX] = "";
    size_t used = 0, slow = at, steps = 0;

    /* After n steps we are surely inside the cycle, wherever we began. */
    for (; steps < m->n; steps++) {
        for (size_t d = 0; d < m->workloads[slow].depends_n; d++) {
            if (!placed[m->workloads[slow].depends[d]]) {
                slow = m->workloads[slow].depends[d];
                break;
            }
        }
    }
    at = slow;
    do {
        used += (size_t)snprintf(path + used, sizeof(path) - used, "%s -> ", m->workloads[at].name);
        for (size_t d = 0; d < m->workloads[at].depends_n; d++) {
            if (!placed[m->workloads[at].depends[d]]) {
                at = m->workloads[at].depends[d];
                break;
            }
        }
    } while (at != slow && used < sizeof(path));
    return err_set_gw(
        err, GW_PLAN_IMPOSSIBLE, -EINVAL,
        "dependencies go in a circle: %s%s; take one of them out, or make them one workload", path,
        m->workloads[slow].name);
}

static bool ready(const struct plan_model *m, const bool *placed, size_t i)
{
    const struct plan_workload *w = &m->workloads[i];

    for (size_t d = 0; d < w->depends_n; d++) {
        if (!placed[w->depends[d]])
            return false;
    }
    return true;
}

/* Small and quiet first: what goes wrong early should be small. Names break ties. */
static bool goes_before(const struct plan_workload *a, const struct plan_workload *b)
{
    if (a->level != b->level)
        return a->level < b->level;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes;
    return strcmp(a->name, b->name) < 0;
}

static void set_level(struct plan_model *m, size_t i)
{
    struct plan_workload *w = &m->workloads[i];

    w->level = 1;
    for (size_t d = 0; d < w->depends_n; d++) {
        if (m->workloads[w->depends[d]].level >= w->level)
            w->level = m->workloads[w->depends[d]].level + 1;
    }
}

static int compare_order(const void *a, const void *b, void *arg)
{
    const struct plan_model *m = arg;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;

    if (x == y)
        return 0;
    return goes_before(&m->workloads[x], &m->workloads[y]) ? -1 : 1;
}

/* Levels in rounds: everything whose dependencies have a level gets one; a round that places
 * nothing is a cycle. */
static int make_order(struct plan_model *m, struct err *err)
{
    auto_free bool *placed = calloc(m->n ? m->n : 1, sizeof(*placed));
    size_t done = 0, before;

    if (!placed)
        return err_set(err, -ENOMEM, "ordering %zu workloads: %m", m->n);
    do {
        before = done;
        for (size_t i = 0; i < m->n; i++) {
            if (placed[i] || !ready(m, placed, i))
                continue;
            set_level(m, i);
            placed[i] = true;
            m->order[done++] = i;
        }
    } while (done > before);
    for (size_t i = 0; i < m->n; i++) {
        if (!placed[i])
            return say_cycle(m, placed, i, err);
    }
    qsort_r(m->order, m->n, sizeof(*m->order), compare_order, m);
    return 0;
}

/* -- all of it ------------------------------------------------------------------------ */

int plan_read(const struct js *input, const struct js *policy, struct plan_model *ret,
              struct err *err)
{
    const char *now;
    int r = js_check_schema(input, "godwit.plan-input/1", err);

    if (r == 0)
        r = js_get_str(input, "now", &now, err);
    if (r == 0)
        r = text_parse_time(now, &ret->now_ms, err);
    if (r == 0)
        r = plan_policy_read(policy, &ret->policy, err);
    if (r < 0)
        return r;
    r = check_members(input, input_members, ARRAY_LEN(input_members), err);
    if (r < 0)
        return r;
    ret->link_bytes_per_s = js_u64(input, "link_bytes_per_s", 0);
    if (ret->link_bytes_per_s == 0)
        ret->link_bytes_per_s = PLAN_DEFAULT_LINK;
    r = read_calendars(input, ret, err);
    if (r == 0)
        r = read_workloads(input, ret, err);
    for (size_t i = 0; r == 0 && i < ret->n; i++)
        r = read_depends(ret, &ret->workloads[i], err);
    if (r == 0)
        r = read_aparts(ret, err);
    read_history(input, ret);
    return r < 0 ? r : make_order(ret, err);
}

void plan_model_done(struct plan_model *m)
{
    for (size_t i = 0; m->workloads && i < m->n; i++)
        free(m->workloads[i].depends);
    free(m->workloads);
    free(m->order);
    free(m->aparts);
    span_done(&m->open);
    span_done(&m->closed);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Judgements as a document: the way, what speaks for it and against it, and the other ways. */
#include "planner/engine/assess.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/jsw.h"
#include "planner/engine/estate.h"
#include "planner/engine/estate_group.h"
#include "planner/engine/software.h"

#include <stdlib.h>

#include "base/banned.h"

#define ASSESSMENT_SCHEMA "godwit.assessment/1"

static void write_reasons(struct jsw *w, const char *key, const struct assess *a,
                          enum assess_way way, bool speaks_for)
{
    jsw_arr(w, key);
    for (size_t i = 0; i < a->n; i++) {
        const struct assess_reason *r = &a->reasons[i];

        if (r->way != way || (r->points > 0) != speaks_for)
            continue;
        jsw_obj(w, NULL);
        jsw_str(w, "rule", r->rule);
        jsw_i64(w, "points", r->points);
        jsw_str(w, "text", r->text);
        jsw_end(w);
    }
    jsw_end(w);
}

static void write_others(struct jsw *w, const struct assess *a)
{
    jsw_arr(w, "alternatives");
    for (enum assess_way way = 0; way < ASSESS_WAYS; way++) {
        if (way == a->way || a->points[way] <= 0)
            continue;
        jsw_obj(w, NULL);
        jsw_str(w, "strategy", assess_way_name(way));
        jsw_i64(w, "points", a->points[way]);
        write_reasons(w, "why", a, way, true);
        write_reasons(w, "against", a, way, false);
        jsw_end(w);
    }
    jsw_end(w);
}

static void write_programs(struct jsw *w, const struct assess_facts *f)
{
    jsw_arr(w, "software");
    for (size_t i = 0; i < f->programs_n; i++)
        jsw_str(w, NULL, f->programs[i]->name);
    jsw_end(w);
    jsw_u64(w, "software_unknown", f->unknown_n);
}

static const char *first_text(const struct assess *a)
{
    const struct assess_reason *best = NULL;

    for (size_t i = 0; i < a->n; i++) {
        if (a->reasons[i].way == a->way && (!best || a->reasons[i].points > best->points))
            best = &a->reasons[i];
    }
    return best ? best->text : NULL;
}

static void write_one(struct jsw *w, const char *name, const struct estate_host *const *hosts,
                      size_t n)
{
    const struct assess_facts f = assess_facts_of(hosts, n);
    const struct assess a = assess_of(&f);

    jsw_obj(w, NULL);
    jsw_str(w, "workload", name);
    jsw_u64(w, "hosts", n);
    jsw_str(w, "strategy", assess_way_name(a.way));
    jsw_f64(w, "confidence", (double)(int)(a.confidence * 100 + 0.5) / 100);
    jsw_str(w, "because", first_text(&a));
    write_reasons(w, "why", &a, a.way, true);
    write_reasons(w, "against", &a, a.way, false);
    write_others(w, &a);
    write_programs(w, &f);
    jsw_u64(w, "arm_hosts", f.arm);
    jsw_u64(w, "gpus", f.gpus);
    jsw_u64(w, "data_bytes", f.data_bytes);
    jsw_end(w);
}

static void write_groups(struct jsw *w, const struct estate *e, const struct estate_groups *g,
                         const struct estate_host **hosts)
{
    size_t hub = 0;

    for (size_t k = 0; k < g->found.n; k++) {
        size_t n = 0;

        for (size_t i = g->first[k]; i < g->first[k + 1]; i++)
            hosts[n++] = estate_host(e, g->members[i]);
        if (*g->names[k])
            write_one(w, g->names[k], hosts, n);
    }
    for (size_t h = 0; h < estate_hosts(e); h++) {
        hosts[0] = estate_host(e, h);
        if (g->found.of[h] == GROUP_HUB)
            write_one(w, g->hub_names[hub++], hosts, 1);
    }
}

int assess_write(const struct estate *e, const struct estate_groups *g, struct js **ret,
                 struct err *err)
{
    auto_free const struct estate_host **hosts = calloc(estate_hosts(e) + 1, sizeof(void *));
    auto_jsw struct jsw *w = NULL;
    int r = hosts ? jsw_new(&w, err) : err_set(err, -ENOMEM, "an assessment: %m");

    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_str(w, "schema", ASSESSMENT_SCHEMA);
    jsw_arr(w, "workloads");
    write_groups(w, e, g, hosts);
    jsw_end(w);
    jsw_end(w);
    return jsw_take(w, ret, err);
}

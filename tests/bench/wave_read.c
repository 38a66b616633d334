/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an instance of the wave problem; see the header. */
#include "tests/bench/wave_read.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { FILE_MAX = 1 << 28, COUNT_MAX = 1 << 24 };

struct reader {
    char *at;
    bool broken;
};

static double next_number(struct reader *r)
{
    char *end;
    double value = strtod(r->at, &end);

    r->broken = r->broken || end == r->at || !isfinite(value);
    r->at = end;
    return value;
}

static size_t next_count(struct reader *r)
{
    double value = next_number(r);

    if (r->broken || value < 0 || value > COUNT_MAX) {
        r->broken = true;
        return 0;
    }
    return (size_t)value;
}

static int64_t unit(double value)
{
    return value >= 1e17 ? WAVE_NEVER : llround(value * WAVE_READ_UNIT);
}

static void read_groups(struct reader *r, struct wave_instance *w)
{
    for (size_t g = 0; g < w->p.groups && !r->broken; g++) {
        for (size_t i = 0; i < 3; i++)
            w->amounts[i * w->p.groups + g] = unit(next_number(r));
        for (size_t k = 0; k < w->p.waves; k++)
            w->cost[g * w->p.waves + k] = unit(next_number(r));
    }
}

static void read_pairs(struct reader *r, struct wave_pair *pairs, size_t n)
{
    for (size_t i = 0; i < n && !r->broken; i++) {
        pairs[i].first = (uint32_t)next_count(r);
        pairs[i].second = (uint32_t)next_count(r);
    }
}

static int take_room(struct wave_instance *w, struct err *err)
{
    const struct wave_problem *p = &w->p;

    w->cost = calloc(p->groups * p->waves + 1, sizeof(*w->cost));
    w->when = calloc(p->waves + 1, sizeof(*w->when));
    w->amounts = calloc(3 * p->groups + 1, sizeof(*w->amounts));
    w->limits = calloc(3 * p->waves + 1, sizeof(*w->limits));
    w->edges = calloc(p->edges_n + 1, sizeof(*w->edges));
    w->orders = calloc(p->orders_n + 1, sizeof(*w->orders));
    w->aparts = calloc(p->aparts_n + 1, sizeof(*w->aparts));
    if (!w->cost || !w->when || !w->amounts || !w->limits || !w->edges || !w->orders || !w->aparts)
        return err_set(err, -ENOMEM, "an instance: %m");
    return 0;
}

static void point(struct wave_instance *w)
{
    static const char *const names[] = {"effort", "data", "rate"};
    static const unsigned spans[] = {1, 0, 3};

    w->p.cost = w->cost;
    w->p.when = w->when;
    w->p.edges = w->edges;
    w->p.orders = w->orders;
    w->p.aparts = w->aparts;
    w->p.resources = w->resources;
    w->p.resources_n = 3;
    for (size_t i = 0; i < 3; i++)
        w->resources[i] = (struct wave_resource){names[i], spans[i], w->amounts + i * w->p.groups,
                                                 w->limits + i * w->p.waves};
}

static int read_body(struct reader *r, struct wave_instance *w, struct err *err)
{
    double day = next_number(r), bandwidth = next_number(r), rate = next_number(r);
    int code = take_room(w, err);

    if (code < 0)
        return code;
    for (size_t k = 0; k < w->p.waves; k++) {
        w->when[k] = (int64_t)k;
        w->limits[k] = unit(next_number(r));
        w->limits[w->p.waves + k] = unit(bandwidth * day * (double)(k + 1));
        w->limits[2 * w->p.waves + k] = unit(rate);
    }
    read_groups(r, w);
    for (size_t e = 0; e < w->p.edges_n && !r->broken; e++) {
        w->edges[e].a = (uint32_t)next_count(r);
        w->edges[e].b = (uint32_t)next_count(r);
        w->edges[e].cost = unit(next_number(r) * day);
    }
    read_pairs(r, w->orders, w->p.orders_n);
    read_pairs(r, w->aparts, w->p.aparts_n);
    point(w);
    return r->broken ? err_set(err, -EINVAL, "this is no instance of the waves")
                     : wave_validate(&w->p, err);
}

int wave_read(const char *path, struct wave_instance *ret, struct err *err)
{
    auto_buf struct buf text = {0};
    struct wave_instance w = {0};
    struct reader r;
    int code = fd_load(path, FILE_MAX, &text, err);

    if (code < 0)
        return code;
    r = (struct reader){.at = (char *)(uintptr_t)buf_cstr(&text)};
    w.p.groups = next_count(&r);
    w.p.waves = next_count(&r);
    w.p.edges_n = next_count(&r);
    w.p.orders_n = next_count(&r);
    w.p.aparts_n = next_count(&r);
    code = r.broken ? err_set(err, -EINVAL, "'%s' is no instance of the waves", path)
                    : read_body(&r, &w, err);
    if (code < 0) {
        wave_read_done(&w);
        return err_add(err, code, "%s", path);
    }
    *ret = w;
    ret->p.resources = ret->resources;
    return 0;
}

void wave_read_done(struct wave_instance *w)
{
    free(w->cost);
    free(w->when);
    free(w->amounts);
    free(w->limits);
    free(w->edges);
    free(w->orders);
    free(w->aparts);
}

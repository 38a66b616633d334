/* SPDX-License-Identifier: Apache-2.0 */
/* Writing godwit.inventory/1: all collectors, and what went wrong in them. */
#include "inventory/inventory.h"

#include "inventory/collect.h"
#include "inventory/probe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/js.h"
#include "base/jsw.h"
#include "base/text.h"

#include "base/banned.h"

enum { COLLECTORS_MAX = 32 };

/* One collector into a value of its own, so that a failure half-way leaves nothing behind. */
static int run_one(const struct collector *c, struct probe *p, struct js **ret, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int rc = jsw_new(&w, err);

    if (rc < 0)
        return rc;
    jsw_obj(w, NULL);
    rc = c->collect(p, w, err);
    if (rc < 0)
        return rc;
    jsw_end(w);
    return jsw_take(w, ret, err);
}

static void put_problem(struct jsw *w, const char *collector, struct err *problem)
{
    text_sanitize(problem->text);
    jsw_obj(w, NULL);
    jsw_str(w, "collector", collector);
    jsw_str(w, "error", problem->text);
    jsw_end(w);
}

static void put_all(struct probe *p, struct jsw *w)
{
    struct err problems[COLLECTORS_MAX] = {0};
    size_t n = 0;
    const struct collector *rows = collect_rows(&n);

    for (size_t i = 0; i < n && i < COLLECTORS_MAX; i++) {
        auto_js struct js *part = NULL;

        if (run_one(&rows[i], p, &part, &problems[i]) == 0)
            jsw_js(w, rows[i].name, part);
        else if (problems[i].code == 0)
            err_set(&problems[i], -EIO, "failed without a reason");
    }
    jsw_arr(w, "problems");
    for (size_t i = 0; i < n && i < COLLECTORS_MAX; i++) {
        if (problems[i].code != 0)
            put_problem(w, rows[i].name, &problems[i]);
    }
    jsw_end(w);
}

static int run_all(struct probe *p, const struct clock *c, struct jsw **ret, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    uint64_t started_ms = clock_mono_ms(c);
    int rc = jsw_new(&w, err);

    if (rc < 0)
        return rc;
    probe_set_deadline(p, c, started_ms + INVENTORY_TIME_MAX_MS);
    jsw_document(w, INVENTORY_SCHEMA, clock_wall_ms(c));
    jsw_str(w, "probe", p->ops->name);
    put_all(p, w);
    jsw_u64(w, "took_ms", clock_mono_ms(c) - started_ms);
    jsw_end(w);
    probe_set_deadline(p, NULL, 0);
    *ret = TAKE(w);
    return 0;
}

int inventory_collect(struct probe *p, const struct clock *c, struct buf *out, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    auto_buf struct buf text = {.max = INVENTORY_MAX_BYTES};
    int rc = run_all(p, c, &w, err);

    if (rc == 0)
        rc = jsw_finish(w, false, &text, err);
    if (rc < 0)
        return rc;
    if (buf_append(out, text.data, text.len) < 0)
        return buf_failed(out, err);
    return 0;
}

int inventory_collect_js(struct probe *p, const struct clock *c, struct js **ret, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int rc = run_all(p, c, &w, err);

    return rc < 0 ? rc : jsw_take(w, ret, err);
}

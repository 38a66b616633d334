/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of the gate is a small function of the facts; all of them are always told. */
#include "planner/service/gate.h"

#include "base/num.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/banned.h"

struct out {
    struct gate_result *result;
    const struct gate_facts *facts;
};

static void row(struct out *o, const char *name, bool ok, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void row(struct out *o, const char *name, bool ok, const char *fmt, ...)
{
    struct gate_row *at;
    va_list args;

    if (o->result->rows_n == GATE_ROWS_MAX)
        return;
    at = &o->result->rows[o->result->rows_n++];
    at->ok = ok;
    (void)text_copy(at->name, sizeof(at->name), name);
    va_start(args, fmt);
    vsnprintf(at->text, sizeof(at->text), fmt, args);
    va_end(args);
}

static char *seconds(double s, char *out)
{
    return num_format_duration(s < 0 ? 0 : (uint64_t)(s * 1000), out);
}

static void state_rows(struct out *o)
{
    const struct gate_facts *f = o->facts;

    if (!f->applied)
        row(o, "replication", false, "replication was never started");
    else if (f->released)
        row(o, "replication", false, "it was finalized: there is no way back");
    else if (f->paused)
        row(o, "replication", false, "replication is paused");
    else
        row(o, "replication", true, "replication runs");
    if (!f->settled)
        row(o, "authority", false, "neither side has the right to write: a switch is under way");
    if (f->open_op)
        row(o, "operation", false, "operation %s is open", f->open_op);
    if (f->quarantined)
        row(o, "identity", false, "an agent is in quarantine");
}

static void agents_row(struct out *o)
{
    for (size_t i = 0; i < o->facts->volumes_n; i++) {
        const struct gate_volume *v = &o->facts->volumes[i];

        if (!v->seen_holder || !v->seen_other) {
            row(o, "agents", false, "%s: the agent of the %s side did not report lately", v->name,
                v->seen_holder ? "other" : "active");
            return;
        }
    }
    row(o, "agents", true, "all agents report");
}

static void volumes_row(struct out *o)
{
    for (size_t i = 0; i < o->facts->volumes_n; i++)
        if (o->facts->volumes[i].bad) {
            row(o, "volumes", false, "%s: %s", o->facts->volumes[i].name, o->facts->volumes[i].bad);
            return;
        }
}

static void lag_row(struct out *o)
{
    const struct gate_facts *f = o->facts;
    char is[NUM_TEXT_MAX], may[NUM_TEXT_MAX];
    const struct gate_volume *worst = NULL;

    for (size_t i = 0; i < f->volumes_n; i++) {
        const struct gate_volume *v = &f->volumes[i];

        if (!v->has_point) {
            row(o, "lag", false, "%s: nothing has been applied on the other side yet", v->name);
            return;
        }
        if (!worst || v->lag_s > worst->lag_s)
            worst = v;
    }
    if (!worst)
        return;
    o->result->has_lag = true;
    o->result->lag_s = worst->lag_s;
    seconds(worst->lag_s, is);
    seconds((double)f->max_lag_s, may);
    if (worst->lag_s > (double)f->max_lag_s)
        row(o, "lag", false, "%s: lag %s > %s", worst->name, is, may);
    else
        row(o, "lag", true, "lag %s <= %s", is, may);
}

static void verified_row(struct out *o)
{
    const struct gate_facts *f = o->facts;
    char is[NUM_TEXT_MAX], may[NUM_TEXT_MAX];
    double oldest = 0;

    for (size_t i = 0; i < f->volumes_n; i++) {
        const double age = f->volumes[i].verified_age_s;

        if (age < 0) {
            row(o, "verified", false, "%s: never verified in this direction", f->volumes[i].name);
            return;
        }
        if (age > (double)f->verify_max_age_s) {
            row(o, "verified", false, "%s: verified %s ago, limit %s", f->volumes[i].name,
                seconds(age, is), seconds((double)f->verify_max_age_s, may));
            return;
        }
        oldest = age > oldest ? age : oldest;
    }
    row(o, "verified", true, "verified %s ago", seconds(oldest, is));
}

/* What there is to go back to. The last point of a switch is of volumes that nobody writes to, so
 * this closes nothing: it is told. */
static void points_row(struct out *o)
{
    const struct gate_facts *f = o->facts;
    char is[NUM_TEXT_MAX];
    double oldest = 0;

    if (!f->wants_points)
        return;
    for (size_t i = 0; i < f->volumes_n; i++) {
        const double age = f->volumes[i].consistent_age_s;

        if (age < 0) {
            row(o, "points", true, "%s: only fuzzy points", f->volumes[i].name);
            return;
        }
        oldest = age > oldest ? age : oldest;
    }
    row(o, "points", true, "consistent point %s ago", seconds(oldest, is));
}

static void downtime_row(struct out *o)
{
    const struct gate_facts *f = o->facts;
    char is[NUM_TEXT_MAX], may[NUM_TEXT_MAX];
    double worst = 0;

    for (size_t i = 0; i < f->volumes_n; i++)
        worst = f->volumes[i].apply_s > worst ? f->volumes[i].apply_s : worst;
    o->result->expected_downtime_s = worst;
    seconds(worst, is);
    seconds((double)f->max_downtime_s, may);
    row(o, "downtime", worst <= (double)f->max_downtime_s, "expected downtime %s, limit %s", is,
        may);
}

/* What matters on the way out only: the way back must not wait for a window, nor for a
 * verification, since the final digests are compared anyway. */
static void cutover_rows(struct out *o)
{
    const struct gate_facts *f = o->facts;
    char is[NUM_TEXT_MAX];

    verified_row(o);
    points_row(o);
    if (!f->require_test)
        row(o, "tested", true, "no test is required");
    else if (f->tested_age_s < 0)
        row(o, "tested", false, "never tested");
    else
        row(o, "tested", true, "tested %s ago", seconds(f->tested_age_s, is));
    row(o, "window", !f->blackout, "%s", f->blackout ? f->blackout : "window open");
    if (f->depends_open)
        row(o, "depends", false, "it needs '%s', which has not moved", f->depends_open);
}

void gate_evaluate(const struct gate_facts *facts, struct gate_result *ret)
{
    struct out o = {.result = ret, .facts = facts};

    *ret = (struct gate_result){0};
    state_rows(&o);
    agents_row(&o);
    volumes_row(&o);
    lag_row(&o);
    downtime_row(&o);
    if (!facts->rollback)
        cutover_rows(&o);
    ret->open = true;
    for (size_t i = 0; i < ret->rows_n; i++)
        ret->open &= ret->rows[i].ok;
}

void gate_refuse(struct gate_result *gate, const char *name, const char *text)
{
    gate->open = false;
    row(&(struct out){.result = gate}, name, false, "%s", text);
}

void gate_write(const struct gate_result *gate, struct jsw *w, const char *key)
{
    jsw_obj(w, key);
    jsw_bool(w, "open", gate->open);
    jsw_arr(w, "reasons");
    for (size_t i = 0; i < gate->rows_n; i++)
        if (!gate->rows[i].ok)
            jsw_str(w, NULL, gate->rows[i].text);
    jsw_end(w);
    jsw_arr(w, "rows");
    for (size_t i = 0; i < gate->rows_n; i++) {
        jsw_obj(w, NULL);
        jsw_str(w, "name", gate->rows[i].name);
        jsw_bool(w, "ok", gate->rows[i].ok);
        jsw_str(w, "text", gate->rows[i].text);
        jsw_end(w);
    }
    jsw_end(w);
    if (gate->has_lag)
        jsw_f64(w, "lag_s", gate->lag_s);
    else
        jsw_null(w, "lag_s");
    jsw_f64(w, "expected_downtime_s", gate->expected_downtime_s);
    jsw_end(w);
}

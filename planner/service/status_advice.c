/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings with the command that mends them, and the one next step. */
#include "planner/service/status_advice.h"

#include "base/num.h"
#include "base/text.h"
#include "planner/service/status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/banned.h"

enum { ADVICE_MAX = 400 };

static void warn(struct jsw *w, const char *command, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void warn(struct jsw *w, const char *command, const char *fmt, ...)
{
    char text[ADVICE_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    jsw_obj(w, NULL);
    jsw_str(w, "text", text);
    jsw_arr(w, "next");
    if (command)
        jsw_str(w, NULL, command);
    jsw_end(w);
    jsw_end(w);
}

/* The backlog grows: say by how much, and what bounds the sending. */
static void warn_lagging(const struct workload_view *v, const struct workload_view_volume *at,
                         struct jsw *w)
{
    const struct db_replication *h = &at->holder;
    const struct workload *load = v->workload;
    const uint64_t limit = load->control.rate_bytes_per_s >= 0
                               ? (uint64_t)load->control.rate_bytes_per_s
                               : load->limits.rate_bytes_per_s;
    char writes[NUM_TEXT_MAX], sends[NUM_TEXT_MAX], grows[NUM_TEXT_MAX], bound[NUM_TEXT_MAX];
    char command[ADVICE_MAX];

    num_format_bytes(h->write_bytes_per_s, false, writes);
    num_format_bytes(h->send_bytes_per_s, false, sends);
    num_format_bytes((h->write_bytes_per_s - h->send_bytes_per_s) * 3600, false, grows);
    (void)snprintf(command, sizeof(command), "godwit sync limit %s %" PRIu64 "B/s", load->name,
                   2 * h->write_bytes_per_s);
    warn(w, limit ? command : NULL,
         "%s writes %s/s and sends %s/s, so the backlog grows %s an hour. Bounded by: %s%s%s",
         at->volume->name, writes, sends, grows, limit ? "your limit of " : "the link or the store",
         limit ? num_format_bytes(limit, false, bound) : "", limit ? "/s" : "");
}

static void warn_offline(const struct workload_view *v, const struct workload_view_volume *at,
                         struct jsw *w)
{
    const enum workload_side holder = v->workload->holder;
    const bool other = workload_view_seen(v, &at->holder);
    const struct workload_place *place = &at->volume->at[other ? workload_other(holder) : holder];
    const struct db_replication *last = other ? &at->other : &at->holder;
    char ago[NUM_TEXT_MAX], command[ADVICE_MAX];

    (void)snprintf(command, sizeof(command), "godwit host show %s", place->host);
    warn(w, command, "%s: the agent of %s did not report for %s", at->volume->name, place->host,
         num_format_duration(v->now_ms - last->reported_ms, ago));
}

static bool is_altered(const struct workload_view_volume *at)
{
    return at->has_other && text_equal(at->other.reason, "volume_altered");
}

static void warn_error(const struct workload_view *v, const struct workload_view_volume *at,
                       struct jsw *w)
{
    char command[ADVICE_MAX];

    (void)snprintf(command, sizeof(command), "godwit sync resync %s", v->workload->name);
    warn(w, is_altered(at) ? command : NULL, "%s: %s", at->volume->name,
         at->holder.error[0] ? at->holder.error : at->other.error);
}

static void warn_volume(const struct workload_view *v, const struct workload_view_volume *at,
                        struct jsw *w)
{
    const char *state = status_volume_state(v, at);

    if (text_equal(state, "lagging"))
        warn_lagging(v, at, w);
    else if (text_equal(state, "offline") && at->has_holder)
        warn_offline(v, at, w);
    else if (text_equal(state, "stalled"))
        warn(w, NULL, "%s is stalled: %s", at->volume->name,
             at->holder.reason[0] ? at->holder.reason : "no reason was reported");
    else if (text_equal(state, "error"))
        warn_error(v, at, w);
}

void status_advice_warnings(const struct workload_view *v, struct jsw *w)
{
    char command[ADVICE_MAX];

    jsw_arr(w, "warnings");
    if (v->quarantined[0]) {
        (void)snprintf(command, sizeof(command), "godwit host rejoin %s", v->quarantined);
        warn(w, command, "the agent of %s is in quarantine", v->quarantined);
    }
    if (v->halfway.id[0]) {
        (void)snprintf(command, sizeof(command), "godwit op resolve %s", v->halfway.id);
        warn(w, command, "%s %s ended halfway: %s", switch_plan_kind_name(v->halfway.at.kind),
             v->halfway.id, v->halfway.cause.text);
    }
    /* A name that was used before: the agents remember who owned it, and the planner does not. */
    if (v->workload->epoch == 0 && v->adopt_failed[0])
        warn(w, "godwit events", "its source cannot own it: %s; give the workload a new name",
             v->adopt_failed);
    for (size_t i = 0; i < v->workload->volumes_n; i++)
        warn_volume(v, &v->volumes[i], w);
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < v->workload->hosts_n[side]; i++)
            if (!v->workload->hosts[side][i].identity[0]) {
                (void)snprintf(command, sizeof(command), "godwit token create --host %s",
                               v->workload->hosts[side][i].name);
                warn(w, command, "no agent of %s has enrolled", v->workload->hosts[side][i].name);
            }
    jsw_end(w);
}

/* -- the next step ------------------------------------------------------- */

static void next(struct jsw *w, const char *text, const char *command)
{
    jsw_obj(w, "next");
    jsw_str(w, "text", text);
    jsw_str(w, "command", command && command[0] ? command : NULL);
    jsw_end(w);
}

static bool closed(const struct gate_result *gate, const char *name)
{
    for (size_t i = 0; i < gate->rows_n; i++)
        if (text_equal(gate->rows[i].name, name))
            return !gate->rows[i].ok;
    return false;
}

/* Closed for that reason and no other. */
static bool only(const struct gate_result *gate, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < gate->rows_n; i++)
        n += !gate->rows[i].ok;
    return n == 1 && closed(gate, name);
}

static bool has_error(const struct workload_view *v)
{
    for (size_t i = 0; i < v->workload->volumes_n; i++)
        if (text_equal(status_volume_state(v, &v->volumes[i]), "error"))
            return true;
    return false;
}

static bool has_altered(const struct workload_view *v)
{
    for (size_t i = 0; i < v->workload->volumes_n; i++)
        if (is_altered(&v->volumes[i]))
            return true;
    return false;
}

static void next_dual_run(const struct workload_view *v, const struct gate_result *gate,
                          struct jsw *w)
{
    const char *name = v->workload->name;
    char command[ADVICE_MAX] = "";

    if (gate->open) {
        (void)snprintf(command, sizeof(command), "godwit cutover %s", name);
        next(w, "ready to cut over", command);
    } else if (only(gate, "tested")) {
        (void)snprintf(command, sizeof(command), "godwit test %s", name);
        next(w, "test it", command);
    } else if (v->workload->control.paused) {
        (void)snprintf(command, sizeof(command), "godwit sync resume %s", name);
        next(w, "let it go on", command);
    } else if (has_altered(v)) {
        (void)snprintf(command, sizeof(command), "godwit sync resync %s", name);
        next(w, "see who wrote to the other side, then make it equal again", command);
    } else if (has_error(v)) {
        (void)snprintf(command, sizeof(command), "godwit events --for %s", name);
        next(w, "mend what stops it; it goes on by itself then", command);
    } else if (only(gate, "window")) {
        next(w, "wait for the next window", "godwit window ls");
    } else if (closed(gate, "verified") && !closed(gate, "lag")) {
        (void)snprintf(command, sizeof(command), "godwit sync verify %s", name);
        next(w, "verify it", command);
    } else {
        (void)snprintf(command, sizeof(command), "godwit status %s -w", name);
        next(w, "wait until it has caught up", command);
    }
}

static void next_cloud(const struct workload_view *v, struct jsw *w)
{
    const struct workload *load = v->workload;
    const bool over = v->now_ms >= load->switched_ms + load->limits.observe_s * 1000;
    char command[ADVICE_MAX];

    (void)snprintf(command, sizeof(command), "godwit %s %s", over ? "finalize" : "rollback",
                   load->name);
    next(w, over ? "make it final" : "observe; undo it if it must be undone", command);
}

void status_advice_next(const struct workload_view *v, const struct gate_result *gate,
                        struct jsw *w)
{
    const char *state = status_workload_state(v);
    char command[ADVICE_MAX] = "";

    if (v->has_op) {
        (void)snprintf(command, sizeof(command), "godwit op %s %s",
                       v->op.attention ? "show" : "attach", v->op.id);
        next(w, v->op.attention ? "look at it: it needs an operator" : "watch it", command);
    } else if (v->halfway.id[0]) {
        (void)snprintf(command, sizeof(command), "godwit op show %s", v->halfway.id);
        next(w, "see what it left, and look after it", command);
    } else if (status_record_damaged(v)) {
        next(w, "put the record back on its host", "godwit explain GW-4109");
    } else if (text_equal(state, "needs operator")) {
        next(w, "look at its last operation", "godwit op ls");
    } else if (text_equal(state, "planned")) {
        next(w, "plan it and apply the plan", "godwit plan");
    } else if (text_equal(state, "finalized")) {
        next(w, "nothing is left to do", NULL);
    } else if (text_equal(state, "cloud")) {
        next_cloud(v, w);
    } else {
        next_dual_run(v, gate, w);
    }
}

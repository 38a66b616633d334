/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings with the command that mends them, and the one next step. */
#include "planner/service/status_advice.h"

#include "base/num.h"
#include "base/text.h"
#include "planner/service/report.h"
#include "planner/service/status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/banned.h"

enum { ADVICE_MAX = 480 };
#define MIB ((uint64_t)1 << 20)

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

/* What keeps a volume from catching up, and the command that would help. */
static void bound_of(const struct workload_view *v, const struct db_replication *h, char *text,
                     char *command)
{
    static const struct {
        const char *bound, *text;
    } others[] = {
        {"link", "the link or the store at its end"},
        {"store", "the store, which asks to slow down or fails"},
        {"disk", "reading the volume"},
        {"cpu", "the processors of its host"},
    };
    char limit[NUM_TEXT_MAX], need[NUM_TEXT_MAX];

    command[0] = '\0';
    (void)snprintf(text, ADVICE_MAX, "what is not known yet");
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (text_equal(others[i].bound, h->bound))
            (void)snprintf(text, ADVICE_MAX, "%s", others[i].text);
    if (!text_equal(h->bound, "limit"))
        return;
    num_format_bytes(h->limit_bytes_per_s, false, limit);
    num_format_bytes(h->need_bytes_per_s, false, need);
    (void)snprintf(text, ADVICE_MAX, "%s of %s/s; it takes at least %s/s",
                   text_equal(h->limit_of, "host") ? "the limit of its agent (--limit)"
                                                   : "your limit",
                   limit, need);
    if (!text_equal(h->limit_of, "host"))
        (void)snprintf(command, ADVICE_MAX, "godwit sync limit %s %" PRIu64 "MiB/s",
                       v->workload->name, num_div_up(h->need_bytes_per_s, MIB));
}

/* It does not get there: say how fast it falls behind, and what bounds the sending. */
static void warn_lagging(const struct workload_view *v, const struct workload_view_volume *at,
                         struct jsw *w)
{
    const struct db_replication *h = &at->holder;
    const bool grows = h->write_bytes_per_s > h->drain_bytes_per_s;
    char writes[NUM_TEXT_MAX], sends[NUM_TEXT_MAX], more[NUM_TEXT_MAX], bound[ADVICE_MAX];
    char command[ADVICE_MAX];

    num_format_bytes(h->write_bytes_per_s, false, writes);
    num_format_bytes(h->drain_bytes_per_s, false, sends);
    num_format_bytes(grows ? (h->write_bytes_per_s - h->drain_bytes_per_s) * 3600 : 0, false, more);
    bound_of(v, h, bound, command);
    warn(w, command[0] ? command : NULL,
         "%s writes %s/s and sends %s/s, so the backlog %s%s%s. Bounded by: %s", at->volume->name,
         writes, sends, grows ? "grows " : "gets no smaller", grows ? more : "",
         grows ? " an hour" : "", bound);
}

static void warn_late(const struct workload_view_volume *at, struct jsw *w)
{
    const struct db_replication *h = &at->holder;
    char lag[NUM_TEXT_MAX], target[NUM_TEXT_MAX], late[NUM_TEXT_MAX];

    if (h->target_lag_s < 0 || h->late_s < report_late_after_s(h->target_lag_s))
        return;
    warn(w, NULL, "%s misses its lag of %s since %s; now it is %s", at->volume->name,
         num_format_duration((uint64_t)(h->target_lag_s * 1000), target),
         num_format_duration((uint64_t)(h->late_s * 1000), late),
         num_format_duration(h->point_lag_s < 0 ? 0 : (uint64_t)(h->point_lag_s * 1000), lag));
}

static void warn_points(const struct workload_view *v, const struct workload_view_volume *at,
                        struct jsw *w)
{
    const struct db_replication *h = &at->holder;
    char every[NUM_TEXT_MAX], ago[NUM_TEXT_MAX] = "";

    if (!status_points_late(v, at))
        return;
    if (h->consistent_ms > 0)
        num_format_duration(v->now_ms > h->consistent_ms ? v->now_ms - h->consistent_ms : 0, ago);
    warn(w, "godwit explain GW-3024", "%s: a consistent point is wanted every %s, and %s%s%s%s%s",
         at->volume->name, num_format_duration(v->workload->limits.consistent_s * 1000, every),
         ago[0] ? "the last is of " : "there are only fuzzy ones", ago, ago[0] ? " ago" : "",
         h->consistent_error[0] ? ": " : "", h->consistent_error);
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
    warn_late(at, w);
    warn_points(v, at, w);
}

void status_advice_warnings(const struct workload_view *v, struct jsw *w)
{
    char command[ADVICE_MAX];

    jsw_arr(w, "warnings");
    if (v->quarantined[0]) {
        (void)snprintf(command, sizeof(command), "godwit host rejoin %s", v->quarantined);
        warn(w, command, "the agent of %s is in quarantine: %s", v->quarantined, v->quarantine);
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

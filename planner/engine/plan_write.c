/* SPDX-License-Identifier: Apache-2.0 */
/* The plan as a document. */
#include "planner/engine/plan_model.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/jsw.h"
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

static void write_reasons(struct jsw *w, const struct plan_workload *workload)
{
    jsw_arr(w, "why");
    for (size_t i = 0; i < workload->reasons_n; i++) {
        jsw_obj(w, NULL);
        jsw_str(w, "rule", plan_rule_name(workload->reasons[i].rule));
        jsw_str(w, "text", workload->reasons[i].text);
        jsw_end(w);
    }
    jsw_end(w);
}

static void write_workload(struct jsw *w, const struct plan_model *m,
                           const struct plan_workload *workload)
{
    jsw_obj(w, NULL);
    jsw_str(w, "workload", workload->name);
    jsw_u64(w, "hosts", workload->hosts_n);
    jsw_u64(w, "bytes", workload->bytes);
    jsw_u64(w, "write_bytes_per_s", workload->write_bytes_per_s);
    jsw_u64(w, "write_peak_bytes_per_s", workload->peak_bytes_per_s);
    jsw_arr(w, "depends");
    for (size_t i = 0; i < workload->depends_n; i++)
        jsw_str(w, NULL, m->workloads[workload->depends[i]].name);
    jsw_end(w);
    write_reasons(w, workload);
    jsw_end(w);
}

/* Where no cutover fits, and what would make one fit. */
static void warn_of_window(struct jsw *w, const struct plan_model *m, const struct plan_wave *wave)
{
    const struct span *opening = &wave->opening;
    char text[PLAN_REASON_MAX], needed[NUM_TEXT_MAX], longest[NUM_TEXT_MAX];
    char from[TEXT_TIME_MAX];
    unsigned long long days = m->policy.horizon_days;

    num_format_duration(m->policy.cutover_s * 1000, needed);
    if (wave->late && wave->seed_until_ms > m->now_ms + m->policy.horizon_days * PLAN_DAY_MS) {
        (void)text_print(text, sizeof(text),
                         "the link has not carried its data, and that of the waves before, within "
                         "the %llu days that are searched: a faster link, less data or a longer "
                         "horizon_days would give it a window",
                         days);
    } else if (wave->late) {
        (void)text_print(text, sizeof(text),
                         "its turn comes after the %llu days that are searched: a longer "
                         "horizon_days, more hosts in a wave (max_hosts_per_wave, now %llu), or a "
                         "shorter rest between cutovers (soak_s, now %llu) would give it a window",
                         days, (unsigned long long)m->policy.max_hosts,
                         (unsigned long long)m->policy.soak_s);
    } else if (opening->until_ms > opening->from_ms) {
        num_format_duration(opening->until_ms - opening->from_ms, longest);
        (void)text_print(text, sizeof(text),
                         "no cutover window of %s within %llu days; the longest is %s, from %s: "
                         "cutover_s %llu would fit, or a shorter blackout",
                         needed, days, longest, text_time(opening->from_ms, from),
                         (unsigned long long)((opening->until_ms - opening->from_ms) / 1000));
    } else {
        (void)text_print(text, sizeof(text),
                         "no cutover window within %llu days: %s; another window, a shorter "
                         "blackout or a longer horizon_days would give one",
                         days,
                         !m->any_window    ? "blackouts cover it all"
                         : m->closed.n > 0 ? "no window is open outside the blackouts"
                                           : "no window is open then");
    }
    jsw_str(w, NULL, text);
}

static void warn_of_peak(struct jsw *w, const struct plan_model *m,
                         const struct plan_workload *workload)
{
    char text[PLAN_REASON_MAX], peak[NUM_TEXT_MAX], share[NUM_TEXT_MAX];

    num_format_bytes(workload->peak_bytes_per_s, false, peak);
    num_format_bytes(plan_time_share(m), false, share);
    (void)text_print(text, sizeof(text),
                     "%s writes up to %s/s, above the %s/s of the link it may use: expect lag then",
                     workload->name, peak, share);
    jsw_str(w, NULL, text);
}

/* All waves that there may be are full: the last one has what is left. */
static void warn_of_last(struct jsw *w, const struct plan_model *m, const struct plan_wave *wave)
{
    const struct plan_policy *p = &m->policy;
    char text[PLAN_REASON_MAX];
    uint64_t hosts = 0;

    for (size_t i = 0; i < m->waves_n; i++)
        hosts += m->waves[i].hosts_n;
    (void)text_print(text, sizeof(text),
                     "there are at most %d waves and all are full: this one has %zu hosts, and the "
                     "policy says %llu; max_hosts_per_wave %llu would be enough",
                     PLAN_WAVES_MAX, wave->hosts_n, (unsigned long long)p->max_hosts,
                     (unsigned long long)num_div_up(hosts, PLAN_WAVES_MAX / 2));
    jsw_str(w, NULL, text);
}

static void write_wave_warnings(struct jsw *w, const struct plan_model *m,
                                const struct plan_wave *wave)
{
    jsw_arr(w, "warnings");
    if (wave->cutover_from_ms == 0)
        warn_of_window(w, m, wave);
    if (wave->number == PLAN_WAVES_MAX && wave->workloads_n > 1 &&
        wave->hosts_n > m->policy.max_hosts)
        warn_of_last(w, m, wave);
    for (size_t i = 0; i < m->n; i++) {
        const struct plan_workload *workload = &m->workloads[m->order[i]];

        if (workload->wave == wave->number && workload->peak_bytes_per_s > plan_time_share(m))
            warn_of_peak(w, m, workload);
    }
    jsw_end(w);
}

static void write_wave(struct jsw *w, const struct plan_model *m, const struct plan_wave *wave)
{
    char number[16];

    (void)text_print(number, sizeof(number), "%u", wave->number);
    jsw_obj(w, NULL);
    jsw_str(w, "wave", number);
    jsw_u64(w, "hosts", wave->hosts_n);
    jsw_u64(w, "bytes", wave->bytes);
    jsw_time(w, "seed_from", wave->seed_from_ms);
    jsw_time(w, "seed_until", wave->seed_until_ms);
    jsw_f64(w, "seed_s", (double)(wave->seed_until_ms - wave->seed_from_ms) / 1000.0);
    jsw_f64(w, "buffer_s", (double)wave->buffer_ms / 1000.0);
    jsw_time(w, "cutover_from", wave->cutover_from_ms);
    jsw_time(w, "cutover_until", wave->cutover_until_ms);
    jsw_str(w, "risk", wave->risk);
    jsw_arr(w, "workloads");
    for (size_t i = 0; i < m->n; i++) {
        if (m->workloads[m->order[i]].wave == wave->number)
            write_workload(w, m, &m->workloads[m->order[i]]);
    }
    jsw_end(w);
    write_wave_warnings(w, m, wave);
    jsw_end(w);
}

static void write_policy(struct jsw *w, const struct plan_policy *p)
{
    jsw_obj(w, "policy");
    jsw_f64(w, "link_share", p->link_share);
    jsw_u64(w, "max_hosts_per_wave", p->max_hosts);
    jsw_u64(w, "max_bytes_per_wave", p->max_bytes);
    jsw_u64(w, "max_workloads_per_wave", p->max_workloads);
    jsw_bool(w, "pilot", p->pilot);
    jsw_u64(w, "soak_s", p->soak_s);
    jsw_u64(w, "cutover_s", p->cutover_s);
    jsw_u64(w, "horizon_days", p->horizon_days);
    jsw_u64(w, "dual_run_days", p->dual_run_days);
    jsw_end(w);
}

static int hash_of(const struct js *v, char *out, size_t digits, struct err *err)
{
    auto_buf struct buf text = {0};
    uint8_t hash[CRYPTO_SHA256_LEN];
    int r = js_print(v, true, false, &text, err);

    if (r < 0)
        return r;
    crypto_sha256(buf_slice(&text), hash);
    text_hex(hash, digits / 2, out);
    return 0;
}

int plan_calendars_hash(const struct js *input, char out[static PLAN_HASH_MAX], struct err *err)
{
    const struct js *calendars = js_member(input, "calendars");

    out[0] = '\0';
    return calendars ? hash_of(calendars, out, PLAN_HASH_MAX - 1, err) : 0;
}

/* Only there when the input says what waves cost: the documents of before stay as they were. */
static void write_least_cost(struct jsw *w, const struct plan_model *m)
{
    if (!m->least_cost.used)
        return;
    jsw_obj(w, "least_cost");
    jsw_f64(w, "traffic_cost_per_gib", m->policy.traffic_cost_per_gib);
    jsw_f64(w, "cost", m->least_cost.cost);
    jsw_f64(w, "bound", m->least_cost.bound);
    jsw_f64(w, "gap", m->least_cost.gap);
    jsw_end(w);
}

static int write_body(const struct plan_model *m, const struct js *input, const char *id,
                      struct js **ret, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    char calendars[PLAN_HASH_MAX];
    int r = jsw_new(&w, err);

    if (r == 0)
        r = plan_calendars_hash(input, calendars, err);
    if (r < 0)
        return r;
    jsw_document(w, "godwit.plan/1", m->now_ms);
    if (id)
        jsw_str(w, "id", id);
    jsw_u64(w, "link_bytes_per_s", m->link_bytes_per_s);
    write_policy(w, &m->policy);
    jsw_str(w, "calendars_hash", calendars);
    write_least_cost(w, m);
    jsw_arr(w, "waves");
    for (size_t i = 0; i < m->waves_n; i++) {
        if (m->waves[i].workloads_n > 0)
            write_wave(w, m, &m->waves[i]);
    }
    jsw_end(w);
    jsw_arr(w, "unplaced");
    for (size_t i = 0; i < m->n; i++) {
        if (m->workloads[i].wave == 0 && !m->workloads[i].moved)
            write_workload(w, m, &m->workloads[i]);
    }
    jsw_end(w);
    jsw_end(w);
    return jsw_take(w, ret, err);
}

int plan_write(const struct plan_model *m, const struct js *input, struct js **ret, struct err *err)
{
    auto_js struct js *body = NULL;
    char id[PLAN_ID_LEN + 1];
    int r = write_body(m, input, NULL, &body, err);

    if (r == 0)
        r = hash_of(body, id, PLAN_ID_LEN, err);
    return r < 0 ? r : write_body(m, input, id, ret, err);
}

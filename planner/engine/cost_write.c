/* SPDX-License-Identifier: Apache-2.0 */
/* The bill as a document. Amounts are whole millionths; every sum of parts is there beside them. */
#include "planner/engine/cost_model.h"

#include "base/err.h"
#include "base/jsw.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/estate.h"

#include <stdio.h>

#include "base/banned.h"

enum { MONTH_TEXT = 16 };

static const char *month_text(const struct cost_model *m, size_t month, char out[MONTH_TEXT])
{
    unsigned all = m->spec->start_month + (unsigned)month;

    if (month >= m->months)
        return NULL;
    (void)text_print(out, MONTH_TEXT, "%04u-%02u", all / 12 % 10000, all % 12 + 1);
    return out;
}

static int64_t move_month(const struct cost_model *m, size_t month)
{
    int64_t sum = 0;

    for (size_t p = COST_IDC; p <= COST_CLOUD; p++)
        sum = money_add(sum, cost_ledger_month(&m->ledger, (enum cost_path)p, month));
    return sum;
}

static int64_t move_total(const struct cost_model *m)
{
    int64_t sum = 0;

    for (size_t p = COST_IDC; p <= COST_CLOUD; p++)
        sum = money_add(sum, cost_ledger_total(&m->ledger, (enum cost_path)p));
    return sum;
}

/* From when on going has cost no more than staying, for good; the months when never. */
static size_t break_even(const struct cost_model *m)
{
    int64_t ahead = 0; /* of staying */
    size_t since = m->months;

    for (size_t month = 0; month < m->months; month++) {
        ahead = money_add(ahead, cost_ledger_month(&m->ledger, COST_STAY, month));
        ahead = money_add(ahead, -move_month(m, month));
        if (ahead < 0 || month < m->first_move)
            since = m->months;
        else if (since == m->months)
            since = month;
    }
    return since;
}

/* -- sums ------------------------------------------------------------------------------------- */

static void write_result(struct cost_model *m, struct jsw *w)
{
    char text[MONTH_TEXT];
    int64_t stay = cost_ledger_total(&m->ledger, COST_STAY), move = move_total(m);

    jsw_i64(w, "stay_micros", stay);
    jsw_i64(w, "move_micros", move);
    jsw_i64(w, "saving_micros", money_add(stay, -move));
    jsw_i64(w, "stay_month_micros", cost_ledger_month(&m->ledger, COST_STAY, m->months - 1));
    jsw_i64(w, "moved_month_micros", cost_ledger_month(&m->ledger, COST_MOVED, m->months - 1));
    jsw_str(w, "break_even", month_text(m, break_even(m), text));
}

static void write_months(struct cost_model *m, struct jsw *w)
{
    char text[MONTH_TEXT];

    jsw_arr(w, "months");
    for (size_t i = 0; i < m->months; i++) {
        jsw_obj(w, NULL);
        jsw_str(w, "month", month_text(m, i, text));
        jsw_i64(w, "stay_micros", cost_ledger_month(&m->ledger, COST_STAY, i));
        jsw_i64(w, "move_micros", move_month(m, i));
        jsw_i64(w, "idc_micros", cost_ledger_month(&m->ledger, COST_IDC, i));
        jsw_i64(w, "dual_micros", cost_ledger_month(&m->ledger, COST_DUAL, i));
        jsw_i64(w, "cloud_micros", cost_ledger_month(&m->ledger, COST_CLOUD, i));
        jsw_i64(w, "moved_micros", cost_ledger_month(&m->ledger, COST_MOVED, i));
        jsw_end(w);
    }
    jsw_end(w);
}

static int64_t head_total(const struct cost_model *m, enum cost_path p, enum cost_head h)
{
    int64_t sum = 0;

    for (size_t i = 0; i < m->months; i++)
        sum = money_add(sum, cost_ledger_head(&m->ledger, p, h, i));
    return sum;
}

static void write_heads(struct cost_model *m, struct jsw *w)
{
    jsw_arr(w, "heads");
    for (size_t i = 0; i < COST_HEADS; i++) {
        enum cost_head h = (enum cost_head)i;
        int64_t idc = head_total(m, COST_IDC, h), dual = head_total(m, COST_DUAL, h);
        int64_t cloud = head_total(m, COST_CLOUD, h);

        jsw_obj(w, NULL);
        jsw_str(w, "head", cost_heads[i].key);
        jsw_str(w, "what", cost_heads[i].what);
        jsw_str(w, "how", cost_heads[i].how);
        jsw_bool(w, "on", !m->rates->off[i]);
        if (m->rates->off[i])
            jsw_str(w, "off_why", m->rates->off_why[i]);
        jsw_i64(w, "stay_micros", head_total(m, COST_STAY, h));
        jsw_i64(w, "move_micros", money_add(money_add(idc, dual), cloud));
        jsw_i64(w, "idc_micros", idc);
        jsw_i64(w, "dual_micros", dual);
        jsw_i64(w, "cloud_micros", cloud);
        jsw_i64(w, "moved_micros", head_total(m, COST_MOVED, h));
        jsw_end(w);
    }
    jsw_end(w);
}

/* -- workloads ----------------------------------------------------------------------------------
 */

static int64_t workload_total(const struct cost_model *m, enum cost_path p, size_t wl)
{
    int64_t sum = 0;

    for (size_t h = 0; h < COST_HEADS; h++)
        sum = money_add(sum, cost_ledger_both(&m->ledger, p, wl, (enum cost_head)h));
    return sum;
}

static void write_workload_heads(struct cost_model *m, size_t wl, struct jsw *w)
{
    const struct cost_ledger *l = &m->ledger;

    jsw_arr(w, "heads");
    for (size_t i = 0; i < COST_HEADS; i++) {
        enum cost_head h = (enum cost_head)i;
        int64_t stay = cost_ledger_both(l, COST_STAY, wl, h);
        int64_t idc = cost_ledger_both(l, COST_IDC, wl, h);
        int64_t dual = cost_ledger_both(l, COST_DUAL, wl, h);
        int64_t cloud = cost_ledger_both(l, COST_CLOUD, wl, h);

        if (!stay && !idc && !dual && !cloud)
            continue;
        jsw_obj(w, NULL);
        jsw_str(w, "head", cost_heads[i].key);
        jsw_str(w, "how", cost_heads[i].how);
        jsw_i64(w, "stay_micros", stay);
        jsw_i64(w, "move_micros", money_add(money_add(idc, dual), cloud));
        jsw_end(w);
    }
    jsw_end(w);
}

/* Of a workload's hosts. */
struct tally {
    size_t hosts, unpriced;
    unsigned moves;
};

static bool is_unpriced(const struct cost_host *h)
{
    return !h->shape && !h->carries && h->host->power != ESTATE_OFF;
}

static void write_workload(struct cost_model *m, size_t wl, const struct tally *t, struct jsw *w)
{
    const struct cost_ledger *l = &m->ledger;
    bool named = wl + 1 < m->workloads_n;
    int64_t move = 0;
    char text[MONTH_TEXT];

    for (size_t p = COST_IDC; p <= COST_CLOUD; p++)
        move = money_add(move, workload_total(m, (enum cost_path)p, wl));
    jsw_obj(w, NULL);
    jsw_str(w, "workload", named ? estate_workload(m->spec->estate, wl)->name : NULL);
    jsw_u64(w, "hosts", t->hosts);
    jsw_u64(w, "unpriced", t->unpriced);
    jsw_str(w, "moves", month_text(m, t->moves, text));
    jsw_i64(w, "stay_micros", workload_total(m, COST_STAY, wl));
    jsw_i64(w, "move_micros", move);
    jsw_i64(w, "dual_micros", workload_total(m, COST_DUAL, wl));
    jsw_i64(w, "stay_month_micros", cost_ledger_workload(l, COST_STAY, wl, m->months - 1));
    jsw_i64(w, "moved_month_micros", cost_ledger_workload(l, COST_MOVED, wl, m->months - 1));
    write_workload_heads(m, wl, w);
    jsw_end(w);
}

static int write_workloads(struct cost_model *m, struct jsw *w, struct err *err)
{
    auto_free struct tally *tallies = calloc(m->workloads_n, sizeof(*tallies));

    if (!tallies)
        return err_set(err, -ENOMEM, "a bill of %zu workloads: %m", m->workloads_n);
    for (size_t i = 0; i < m->hosts_n; i++) {
        struct tally *t = &tallies[m->hosts[i].workload];

        t->hosts++;
        t->unpriced += is_unpriced(&m->hosts[i]);
        t->moves = m->hosts[i].moves;
    }
    jsw_arr(w, "workloads");
    for (size_t i = 0; i < m->workloads_n; i++) {
        if (tallies[i].hosts > 0)
            write_workload(m, i, &tallies[i], w);
    }
    jsw_end(w);
    return 0;
}

/* -- machines -----------------------------------------------------------------------------------
 */

static void write_machine(const struct cost_model *m, const struct cost_host *h, struct jsw *w)
{
    jsw_obj(w, NULL);
    jsw_str(w, "host", h->host->name);
    jsw_str(w, "workload", *h->host->workload ? h->host->workload : NULL);
    jsw_str(w, "shape", h->shape ? h->shape->name : NULL);
    if (h->shape) {
        jsw_str(w, "term", catalogue_term_names[h->term]);
        jsw_u64(w, "hours_a_week", h->week_hours);
    } else {
        jsw_str(w, "why", h->why);
    }
    jsw_i64(w, "compute_month_micros", cost_compute_month(m, h, 0, 0));
    jsw_u64(w, "disk_gib", h->disk_gib);
    jsw_i64(w, "disk_month_micros", h->disk_month);
    jsw_u64(w, "egress_gib", h->egress_gib);
    jsw_i64(w, "egress_month_micros", h->egress_month);
    jsw_end(w);
}

/* What is needed all the time, and what at the peak. */
static void write_elastic(const struct cost_model *m, struct jsw *w)
{
    jsw_arr(w, "elastic");
    for (size_t i = 0; i < m->sets_n; i++) {
        const struct cost_set *s = &m->sets[i];
        const struct cost_host *h = &m->hosts[m->by_set[s->first]];

        if (s->n < 2 || !s->known)
            continue;
        jsw_obj(w, NULL);
        jsw_str(w, "workload", *h->host->workload ? h->host->workload : NULL);
        jsw_str(w, "first_host", h->host->name);
        jsw_u64(w, "machines", s->n);
        jsw_u64(w, "base", s->base);
        jsw_bool(w, "scales", s->scales);
        jsw_i64(w, "full_month_micros", s->full_month);
        jsw_i64(w, "shaped_month_micros", s->shaped_month);
        jsw_end(w);
    }
    jsw_end(w);
}

/* Machines that are due while the bill runs: those that go before need no successor. */
static void write_refreshes(const struct cost_model *m, struct jsw *w)
{
    char text[MONTH_TEXT];

    jsw_arr(w, "refreshes");
    for (size_t i = 0; i < m->boxes_n; i++) {
        const struct cost_box *b = &m->boxes[i];

        if (!b->host || b->n == 0 || b->refresh < 0 || b->refresh >= (long)m->months)
            continue;
        jsw_obj(w, NULL);
        jsw_str(w, "host", b->host->name);
        jsw_str(w, "due", month_text(m, (size_t)b->refresh, text));
        jsw_str(w, "empty", month_text(m, b->gone, text));
        jsw_i64(w, "price_micros", b->price);
        jsw_bool(w, "avoided", (long)b->gone <= b->refresh);
        jsw_bool(w, "assumed", !*b->host->refresh_on && !*b->host->bought_on);
        jsw_end(w);
    }
    jsw_end(w);
}

/* -- all of it ----------------------------------------------------------------------------------
 */

static void write_head(const struct cost_model *m, struct jsw *w)
{
    const struct catalogue *c = m->spec->catalogue;
    size_t unpriced = 0;
    char text[MONTH_TEXT];

    for (size_t i = 0; i < m->hosts_n; i++)
        unpriced += is_unpriced(&m->hosts[i]);
    jsw_str(w, "schema", "godwit.cost/1");
    jsw_str(w, "currency", m->rates->currency);
    jsw_str(w, "start", month_text(m, 0, text));
    jsw_obj(w, "catalogue");
    jsw_str(w, "provider", c->provider);
    jsw_str(w, "region", c->region);
    jsw_str(w, "currency", c->currency);
    jsw_str(w, "date", catalogue_date(c));
    jsw_end(w);
    jsw_u64(w, "hosts", m->hosts_n);
    jsw_u64(w, "unpriced", unpriced);
    jsw_i64(w, "way_back_micros", m->way_back);
}

static int write_scenarios(struct cost_model *m, struct jsw *w, struct err *err)
{
    int r = 0;

    jsw_arr(w, "scenarios");
    for (size_t i = 0; r == 0 && i < m->rates->scenarios_n; i++) {
        r = cost_post_all(m, m->rates->scenarios[i], err);
        jsw_obj(w, NULL);
        jsw_f64(w, "prices_fall_percent", (double)m->rates->scenarios[i] / 1e6);
        write_result(m, w);
        jsw_end(w);
    }
    jsw_end(w);
    return r;
}

static int write_all(struct cost_model *m, struct jsw *w, struct err *err)
{
    int r;

    jsw_obj(w, NULL);
    write_head(m, w);
    write_result(m, w);
    write_months(m, w);
    write_heads(m, w);
    r = write_workloads(m, w, err);
    jsw_arr(w, "machines");
    for (size_t i = 0; i < m->hosts_n; i++)
        write_machine(m, &m->hosts[i], w);
    jsw_end(w);
    write_elastic(m, w);
    write_refreshes(m, w);
    if (r == 0)
        r = write_scenarios(m, w, err); /* last: it posts everything anew */
    jsw_arr(w, "rates");
    cost_rates_list(m->rates, w);
    jsw_end(w);
    jsw_end(w);
    return r;
}

int cost_write(struct cost_model *m, struct js **ret, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r = jsw_new(&w, err);

    if (r == 0)
        r = write_all(m, w, err);
    return r < 0 ? r : jsw_take(w, ret, err);
}

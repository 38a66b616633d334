/* SPDX-License-Identifier: Apache-2.0 */
/* When each host moves: by a plan's cutovers, or one workload after the other; when its machine is
 * empty. */
#include "planner/engine/cost_model.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/js.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/estate.h"

#include <stdlib.h>

#include "base/banned.h"

/* The month of a time, counted from the start; what was before it is now. */
static unsigned month_of(const struct cost_model *m, const char *time)
{
    uint64_t ms = 0, year = 0, month = 0;
    char digits[5] = "";

    if (!time || text_parse_time(time, &ms, NULL) < 0)
        return COST_NEVER;
    memcpy(digits, time, 4);
    (void)num_parse_u64(digits, 0, 9999, &year, NULL);
    memcpy(digits, time + 5, 2);
    digits[2] = '\0';
    (void)num_parse_u64(digits[0] == '0' ? digits + 1 : digits, 1, 12, &month, NULL);
    month += year * 12 - 1;
    return month > m->spec->start_month ? (unsigned)month - m->spec->start_month : 0;
}

static int by_plan(const struct cost_model *m, unsigned *when, struct err *err)
{
    const struct js *waves = js_member(m->spec->plan, "waves");
    const struct estate *e = m->spec->estate;
    int r = js_check_schema(m->spec->plan, "godwit.plan/1", err);

    for (size_t i = 0; r == 0 && i < js_len(waves); i++) {
        const struct js *wave = js_at(waves, i), *list = js_member(wave, "workloads");
        unsigned month = month_of(m, js_str(wave, "cutover_from", NULL));

        for (size_t k = 0; k < js_len(list); k++) {
            const char *name = js_str(js_at(list, k), "workload", "");
            size_t w = 0;

            while (w < estate_workloads(e) && !text_equal(estate_workload(e, w)->name, name))
                w++;
            when[w] = w < estate_workloads(e) ? month : when[w];
        }
    }
    return r;
}

static void evenly(const struct cost_model *m, unsigned *when)
{
    uint64_t begin = cost_rate_count(m->rates, RATE_BEGIN_MONTH);
    uint64_t span = cost_rate_count(m->rates, RATE_MOVE_MONTHS);

    for (size_t w = 0; w < m->workloads_n; w++)
        when[w] = (unsigned)(begin + w * span / m->workloads_n);
}

/* A machine is gone when the last of those that pay for it is. */
static void empty_boxes(struct cost_model *m)
{
    for (size_t b = 0; b < m->boxes_n; b++) {
        struct cost_box *box = &m->boxes[b];

        box->gone = 0;
        for (size_t i = 0; i < box->n; i++) {
            const struct cost_host *h = &m->hosts[m->by_box[box->first + i]];

            box->gone = h->gone > box->gone ? h->gone : box->gone;
        }
    }
}

int cost_when(struct cost_model *m, struct err *err)
{
    unsigned keep = (unsigned)cost_rate_count(m->rates, RATE_KEEP_MONTHS);
    auto_free unsigned *when = calloc(m->workloads_n, sizeof(*when));
    int r = 0;

    if (!when)
        return err_set(err, -ENOMEM, "when %zu workloads move: %m", m->workloads_n);
    for (size_t w = 0; w < m->workloads_n; w++)
        when[w] = COST_NEVER;
    if (m->spec->plan)
        r = by_plan(m, when, err);
    else
        evenly(m, when);
    if (r < 0)
        return r;
    m->first_move = COST_NEVER;
    m->last_gone = 0;
    for (size_t i = 0; i < m->hosts_n; i++) {
        struct cost_host *h = &m->hosts[i];

        h->moves = when[h->workload];
        h->gone = h->moves == COST_NEVER ? COST_NEVER : h->moves + keep;
        if (h->carries && m->boxes[i].n == 0)
            continue;
        m->first_move = h->moves < m->first_move ? h->moves : m->first_move;
        m->last_gone = h->gone > m->last_gone ? h->gone : m->last_gone;
    }
    empty_boxes(m);
    return 0;
}

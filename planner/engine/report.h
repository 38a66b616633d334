/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that was found, as one HTML file for people who sign and people who do: charts in SVG, each
 * with its table; no scripts, nothing from elsewhere; light and dark, on screens and on paper. The
 * same input gives the same bytes.
 */
#ifndef GODWIT_PLANNER_ENGINE_REPORT_H
#define GODWIT_PLANNER_ENGINE_REPORT_H

#include <stddef.h>

struct buf;
struct err;
struct estate;
struct js;
struct span_list;

enum { REPORT_BYTES_MAX = 64 << 20, REPORT_ROWS_MAX = 200, REPORT_NODES_MAX = 36 };

struct report_spec {
    const char *title;
    const struct estate *estate;       /* settled */
    const struct js *cost;             /* godwit.cost/1 */
    const struct js *consolidate;      /* godwit.consolidate/1 */
    const struct js *runway;           /* godwit.runway/1 */
    const struct js *burst;            /* godwit.burst/1 */
    const struct js *plan;             /* godwit.plan/1, or NULL */
    const struct span_list *blackouts; /* merged; may be empty */
};

int report_html(const struct report_spec *spec, struct buf *out, struct err *err);

/* -- the charts, each a figure -- */

/* What staying and going have cost by each month, and each month's parts. */
void report_cost(const struct report_spec *spec, struct buf *b);
/* Waves on the calendar, blackouts behind them. */
void report_gantt(const struct report_spec *spec, struct buf *b);
/* Which workloads talk to which: those that say most. */
int report_map(const struct report_spec *spec, struct buf *b, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Waves of a plan on the calendar; without a plan, the months in which workloads move. */
#include "planner/engine/report.h"

#include "base/buf.h"
#include "base/js.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/html.h"
#include "planner/engine/span.h"

#include "base/banned.h"

enum { WIDTH = 760, LEFT = 110, TOP = 26, ROW_MAX = 20, ROW_MIN = 2, HEIGHT = 1200, LABEL = 14 };
enum { LABELS = 9, DAYS_SCALE = 120 };
static const uint64_t day_ms = 86400000;

struct gantt {
    struct buf *b;
    uint64_t from_ms, until_ms;
    size_t rows;
    int row; /* height of one */
};

static int x_of(const struct gantt *g, uint64_t ms)
{
    uint64_t at = ms < g->from_ms ? g->from_ms : num_min(ms, g->until_ms);

    return LEFT + (int)((at - g->from_ms) / 1000 * (WIDTH - LEFT - 10) /
                        num_max(1, (g->until_ms - g->from_ms) / 1000));
}

static uint64_t time_of(const struct js *v, const char *key)
{
    uint64_t ms = 0;

    return text_parse_time(js_str(v, key, ""), &ms, NULL) < 0 ? 0 : ms;
}

static void extent(struct gantt *g, const struct js *waves)
{
    for (size_t i = 0; i < g->rows; i++) {
        uint64_t seed = time_of(js_at(waves, i), "seed_from");
        uint64_t cutover = time_of(js_at(waves, i), "cutover_until");

        g->from_ms = seed && (!g->from_ms || seed < g->from_ms) ? seed : g->from_ms;
        g->until_ms = num_max(g->until_ms, num_max(seed, cutover));
    }
}

static void blackouts(const struct gantt *g, const struct span_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        int from = x_of(g, list->spans[i].from_ms), until = x_of(g, list->spans[i].until_ms);

        if (list->spans[i].until_ms <= g->from_ms || list->spans[i].from_ms >= g->until_ms)
            continue;
        buf_printf(
            g->b,
            "<rect class=black x=%d y=%d width=%d height=%zu><title>blackout</title></rect>\n",
            from, TOP, until > from ? until - from : 1, g->rows * (size_t)g->row);
    }
}

static void tick(const struct gantt *g, uint64_t at, const char *label)
{
    buf_printf(g->b, "<path class=grid d=\"M%d %dV%zu\"/><text x=%d y=16>%s</text>\n", x_of(g, at),
               TOP, TOP + g->rows * (size_t)g->row, x_of(g, at), label);
}

/* Every so many days, as "12-07" and in full where the year is new. */
static void days(const struct gantt *g, uint64_t days_n)
{
    uint64_t step = num_div_up(days_n, LABELS), at = g->from_ms - g->from_ms % day_ms + day_ms;
    char text[TEXT_TIME_MAX], year[5] = "";

    step = step > 2 ? num_div_up(step, 7) * 7 : num_max(step, 1);
    for (; at <= g->until_ms; at += step * day_ms) {
        text_time(at, text);
        text[10] = '\0';
        tick(g, at, strncmp(text, year, 4) == 0 ? text + 5 : text);
        (void)text_print(year, sizeof(year), "%.4s", text);
    }
}

static void months(const struct gantt *g, uint64_t days_n)
{
    char text[TEXT_TIME_MAX], last[8] = "";
    size_t shown = 0, step = (size_t)num_div_up(days_n, (uint64_t)30 * LABELS);

    for (uint64_t at = g->from_ms - g->from_ms % day_ms; at <= g->until_ms; at += day_ms) {
        text_time(at, text);
        text[7] = '\0';
        if (text_equal(text, last))
            continue;
        if (*last && shown++ % step == 0)
            tick(g, at, text);
        (void)text_copy(last, sizeof(last), text);
    }
}

static void axis(const struct gantt *g)
{
    uint64_t days_n = num_div_up(g->until_ms - g->from_ms, day_ms);

    if (days_n <= DAYS_SCALE)
        days(g, days_n);
    else
        months(g, days_n);
}

static void bar(const struct gantt *g, size_t row, const struct js *wave)
{
    uint64_t seed = time_of(wave, "seed_from"), cutover = time_of(wave, "cutover_from");
    uint64_t until = time_of(wave, "cutover_until");
    int y = TOP + (int)row * g->row, edge = g->row / 5;

    /* Narrow rows: a name where there is room for one. */
    if (row % num_div_up(LABEL, (uint64_t)g->row) == 0) {
        buf_printf(g->b, "<text class=y x=%d y=%d>wave ", LEFT - 8, y + g->row / 2 + 4);
        html_short(g->b, js_str(wave, "wave", "?"), 12);
        buf_str(g->b, "</text>");
    }
    if (seed && cutover)
        buf_printf(
            g->b, "<rect class=seed x=%d y=%d width=%d height=%d><title>replication</title></rect>",
            x_of(g, seed), y + edge, x_of(g, cutover) - x_of(g, seed) + 1, g->row - 2 * edge);
    if (cutover && until)
        buf_printf(
            g->b, "<rect class=cut x=%d y=%d width=%d height=%d><title>cutover</title></rect>",
            x_of(g, cutover), y + edge / 2, x_of(g, until) - x_of(g, cutover) + 3, g->row - edge);
    buf_str(g->b, "\n");
}

static void of_plan(const struct report_spec *spec, struct buf *b)
{
    static const struct html_column columns[] = {
        {"Wave", "wave", HTML_TEXT},
        {"Hosts", "hosts", HTML_COUNT},
        {"Data", "bytes", HTML_BYTES},
        {"Seed from", "seed_from", HTML_TIME},
        {"Cutover from", "cutover_from", HTML_TIME},
        {"until", "cutover_until", HTML_TIME},
        {"Risk", "risk", HTML_TEXT},
    };
    const struct js *waves = js_member(spec->plan, "waves");
    struct gantt g = {.b = b, .rows = js_len(waves)};

    g.row = (int)num_max(ROW_MIN, num_min(ROW_MAX, HEIGHT / num_max(g.rows, 1)));
    extent(&g, waves);
    if (g.rows > 0 && g.until_ms > g.from_ms) {
        buf_printf(
            b,
            "<figure><svg viewBox=\"0 0 %d %zu\" role=img aria-labelledby=\"gantt-t gantt-d\">"
            "<title id=gantt-t>Waves on the calendar</title><desc id=gantt-d>A row for each "
            "wave: replication, then its cutover; shaded times are closed. The table below "
            "has the times.</desc>\n",
            WIDTH, TOP + g.rows * (size_t)g.row + 6);
        blackouts(&g, spec->blackouts);
        axis(&g);
        for (size_t i = 0; i < g.rows; i++)
            bar(&g, i, js_at(waves, i));
        buf_str(b,
                "</svg><figcaption>Replication (light), cutover (dark), blackouts (shaded); times "
                "are UTC</figcaption></figure>\n");
    }
    html_table(b,
               &(struct html_table){.caption = "Waves (times are UTC)",
                                    .columns = columns,
                                    .n = sizeof(columns) / sizeof(columns[0]),
                                    .max = REPORT_ROWS_MAX},
               waves);
}

/* How many workloads move in each month. */
static void by_month(const struct report_spec *spec, struct buf *b)
{
    const struct js *list = js_member(spec->cost, "workloads");
    const struct js *all = js_member(spec->cost, "months");
    size_t most = 1, n = js_len(all);
    size_t count[240] = {0};

    for (size_t i = 0; i < js_len(list); i++) {
        const char *moves = js_str(js_at(list, i), "moves", NULL);

        for (size_t m = 0; moves && m < n && m < 240; m++)
            count[m] += text_equal(moves, js_str(js_at(all, m), "month", ""));
    }
    for (size_t m = 0; m < n && m < 240; m++)
        most = num_max(most, count[m]);
    buf_printf(
        b,
        "<figure><svg viewBox=\"0 0 %d 150\" role=img aria-labelledby=\"gantt-t gantt-d\">"
        "<title id=gantt-t>Workloads that move in each month</title><desc id=gantt-d>There is "
        "no plan yet: the rates say when workloads move. Workloads below have their "
        "month.</desc>\n",
        WIDTH);
    for (size_t m = 0; m < n && m < 240; m++) {
        size_t high = count[m] * 90 / most, x = LEFT + (WIDTH - LEFT - 10) * m / n;

        if (m % 12 == 0)
            buf_printf(b, "<text x=%zu y=140>%.7s</text>", x, js_str(js_at(all, m), "month", ""));
        if (count[m])
            buf_printf(b,
                       "<rect class=seed x=%zu y=%zu width=%zu height=%zu><title>%zu in "
                       "%.7s</title></rect>\n",
                       x, 120 - high, num_max(2, (WIDTH - LEFT - 10) / n - 1), high, count[m],
                       js_str(js_at(all, m), "month", ""));
    }
    buf_str(b, "</svg><figcaption>Workloads that move in each month, as the rates say: there is no "
               "plan yet</figcaption></figure>\n");
}

void report_gantt(const struct report_spec *spec, struct buf *b)
{
    if (spec->plan)
        of_plan(spec, b);
    else
        by_month(spec, b);
}

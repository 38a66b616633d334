/* SPDX-License-Identifier: Apache-2.0 */
/* Two charts of money: added up over time, and month by month. */
#include "planner/engine/report.h"

#include "base/buf.h"
#include "base/js.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/html.h"
#include "planner/engine/money.h"

#include "base/banned.h"

enum { WIDTH = 760, HEIGHT = 300, LEFT = 90, BOTTOM = 36, TOP = 14, LINES = 4 };

struct chart {
    struct buf *b;
    const struct js *months;
    size_t n;
    int64_t top; /* amount at the upper edge */
};

static int x_of(const struct chart *c, size_t month)
{
    return LEFT + (int)((WIDTH - LEFT - 10) * month / (c->n > 1 ? c->n - 1 : 1));
}

static int y_of(const struct chart *c, int64_t micros)
{
    return HEIGHT - BOTTOM -
           (int)((__int128)(HEIGHT - BOTTOM - TOP) * micros / (c->top > 0 ? c->top : 1));
}

/* 1, 2 or 5 and zeroes, at least most. */
static int64_t round_up(int64_t most)
{
    int64_t step = MONEY_UNIT;

    while (step < MONEY_MAX / 10) {
        static const int by[] = {1, 2, 5};

        for (size_t i = 0; i < 3; i++) {
            if (step * by[i] >= most)
                return step * by[i];
        }
        step *= 10;
    }
    return MONEY_MAX;
}

static void frame(const struct chart *c, const char *id, const char *title, const char *what)
{
    buf_printf(c->b,
               "<svg viewBox=\"0 0 %d %d\" role=img aria-labelledby=\"%s-t %s-d\">\n"
               "<title id=%s-t>",
               WIDTH, HEIGHT, id, id, id);
    html_text(c->b, title);
    buf_printf(c->b, "</title><desc id=%s-d>", id);
    html_text(c->b, what);
    buf_str(c->b, "</desc>\n");
    for (int i = 0; i <= LINES; i++) {
        int64_t amount = c->top / LINES * i;

        buf_printf(c->b, "<path class=grid d=\"M%d %dH%d\"/><text class=y x=%d y=%d>", LEFT,
                   y_of(c, amount), WIDTH - 10, LEFT - 6, y_of(c, amount) + 4);
        html_money(c->b, amount);
        buf_str(c->b, "</text>\n");
    }
    for (size_t m = 0; m < c->n; m += 12) {
        buf_printf(c->b, "<path class=grid d=\"M%d %dV%d\"/><text x=%d y=%d>", x_of(c, m), TOP,
                   HEIGHT - BOTTOM, x_of(c, m), HEIGHT - BOTTOM + 16);
        html_text(c->b, js_str(js_at(c->months, m), "month", ""));
        buf_str(c->b, "</text>\n");
    }
}

static void legend(const struct chart *c, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int x = LEFT + (int)i * 150;

        buf_printf(c->b, "<path class=\"l%zu\" d=\"M%d %dh24\"/><text class=k x=%d y=%d>", i, x,
                   HEIGHT - 6, x + 30, HEIGHT - 2);
        html_text(c->b, names[i]);
        buf_str(c->b, "</text>\n");
    }
}

/* A line of one member, added up or as it is. */
static void line(const struct chart *c, const char *key, size_t number, bool added)
{
    int64_t sum = 0;

    buf_printf(c->b, "<path class=\"l%zu\" d=\"", number);
    for (size_t m = 0; m < c->n; m++) {
        int64_t amount = js_i64(js_at(c->months, m), key, 0);

        sum = added ? money_add(sum, amount) : amount;
        buf_printf(c->b, "%c%d %d", m ? 'L' : 'M', x_of(c, m), y_of(c, sum));
    }
    buf_str(c->b, "\"/>\n");
}

static int64_t most_of(const struct js *months, const char *const *keys, size_t n, bool added)
{
    int64_t most = 0;

    for (size_t k = 0; k < n; k++) {
        int64_t sum = 0;

        for (size_t m = 0; m < js_len(months); m++) {
            int64_t amount = js_i64(js_at(months, m), keys[k], 0);

            sum = added ? money_add(sum, amount) : amount;
            most = sum > most ? sum : most;
        }
    }
    return most;
}

static void mark_even(const struct chart *c, const char *even)
{
    for (size_t m = 0; even && m < c->n; m++) {
        if (!text_equal(js_str(js_at(c->months, m), "month", ""), even))
            continue;
        buf_printf(c->b,
                   "<path class=even d=\"M%d %dV%d\"/><text class=k x=%d y=%d>even: ", x_of(c, m),
                   TOP, HEIGHT - BOTTOM, x_of(c, m) + 4, TOP + 10);
        html_text(c->b, even);
        buf_str(c->b, "</text>\n");
    }
}

static void one(const struct report_spec *spec, struct buf *b, bool added)
{
    static const char *const keys[] = {"stay_micros", "move_micros", "dual_micros", "moved_micros"};
    static const char *const names[] = {"stay", "move", "both sides", "moved"};
    size_t n = added ? 2 : 4;
    struct chart c = {.b = b, .months = js_member(spec->cost, "months")};

    c.n = js_len(c.months);
    c.top = round_up(most_of(c.months, keys, n, added));
    buf_str(b, "<figure>");
    frame(&c, added ? "sum" : "month",
          added ? "What staying and going have cost, added up" : "What each month costs",
          "The table below has the numbers.");
    for (size_t i = 0; i < n; i++)
        line(&c, keys[i], i, added);
    if (added)
        mark_even(&c, js_str(spec->cost, "break_even", NULL));
    legend(&c, names, n);
    buf_str(b, "</svg><figcaption>");
    html_text(b, added ? "Added up: what staying and going have cost until then"
                       : "Month by month: staying, going, the part of it that both sides cost, and "
                         "where it leads");
    buf_str(b, "</figcaption></figure>\n");
}

void report_cost(const struct report_spec *spec, struct buf *b)
{
    static const struct html_column columns[] = {
        {"Month", "month", HTML_WORD},
        {"Stay", "stay_micros", HTML_MONEY},
        {"Move", "move_micros", HTML_MONEY},
        {"In IDC", "idc_micros", HTML_MONEY},
        {"Both sides", "dual_micros", HTML_MONEY},
        {"In cloud", "cloud_micros", HTML_MONEY},
        {"Moved", "moved_micros", HTML_MONEY},
    };

    one(spec, b, true);
    one(spec, b, false);
    buf_str(b, "<details><summary>The months as a table</summary>\n");
    html_table(b,
               &(struct html_table){.caption = "Month by month",
                                    .columns = columns,
                                    .n = sizeof(columns) / sizeof(columns[0]),
                                    .max = 240},
               js_member(spec->cost, "months"));
    buf_str(b, "</details>\n");
}

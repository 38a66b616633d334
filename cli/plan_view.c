/* SPDX-License-Identifier: Apache-2.0 */
/* Waves, then what speaks against them, then what could not be placed. */
#include "cli/plan_view.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/table.h"

#include <stdio.h>

#include "base/banned.h"

static const struct table_column columns[] = {
    {"WAVE", TABLE_LEFT},           {"SEED FROM", TABLE_LEFT}, {"APPS", TABLE_TRUNCATE},
    {"HOSTS", TABLE_RIGHT},         {"DATA", TABLE_RIGHT},     {"SEED", TABLE_RIGHT},
    {"CUTOVER WINDOW", TABLE_LEFT}, {"RISK", TABLE_LEFT},
};

static void all_names(const struct js *workloads, struct buf *out)
{
    for (size_t i = 0; i < js_len(workloads); i++)
        buf_printf(out, "%s%s", i ? ", " : "", js_str(js_at(workloads, i), "workload", "?"));
}

/* "2026-12-07T22:00:00Z" as "07 Dec 22:00", which is enough for a plan. */
static void moment(const char *time, char *out, size_t size)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    uint64_t month = 0;
    char digits[3] = "";
    size_t len = time ? strlen(time) : 0;

    if (len < 16) {
        (void)text_copy(out, size, "-");
        return;
    }
    memcpy(digits, time + 5, 2);
    (void)num_parse_u64(digits[0] == '0' ? digits + 1 : digits, 1, 12, &month, NULL);
    (void)text_print(out, size, "%.2s %s %.5s", time + 8, month ? months[month - 1] : "?",
                     time + 11);
}

static int view_wave(struct out *o, const struct js *wave, struct table *t, struct err *err)
{
    auto_buf struct buf names = {0};
    char seed[32], from[32], until[32], window[80], hosts[32];
    char data[NUM_TEXT_MAX], took[NUM_TEXT_MAX];
    const char *cells[] = {js_str(wave, "wave", "?"),
                           seed,
                           NULL,
                           hosts,
                           data,
                           took,
                           window,
                           out_state(o, js_str(wave, "risk", "-"))};
    int r = table_row(t, err);

    moment(js_str(wave, "seed_from", NULL), seed, sizeof(seed));
    moment(js_str(wave, "cutover_from", NULL), from, sizeof(from));
    moment(js_str(wave, "cutover_until", NULL), until, sizeof(until));
    (void)text_print(window, sizeof(window), "%s-%s", from, strlen(until) > 7 ? until + 7 : until);
    all_names(js_member(wave, "workloads"), &names);
    cells[2] = names.len ? buf_cstr(&names) : NULL;
    (void)text_print(hosts, sizeof(hosts), "%llu", (unsigned long long)js_u64(wave, "hosts", 0));
    out_bytes(o, js_u64(wave, "bytes", 0), data);
    num_format_duration((uint64_t)(js_f64(wave, "seed_s", 0) * 1000), took);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(cells); i++)
        r = table_cell(t, cells[i], err);
    return r;
}

static const char *text_of(const struct js *v)
{
    return js_kind(v) == JS_STR ? js_as_str(v, "") : js_str(v, "text", "");
}

static size_t say_warnings(struct out *o, const struct js *waves)
{
    size_t n = 0;

    for (size_t i = 0; i < js_len(waves); i++) {
        const struct js *warnings = js_member(js_at(waves, i), "warnings");

        for (size_t j = 0; j < js_len(warnings); j++, n++)
            out_after(o, "! wave %s: %s", js_str(js_at(waves, i), "wave", "?"),
                      text_of(js_at(warnings, j)));
    }
    return n;
}

static void say_unplaced(struct out *o, const struct js *unplaced)
{
    for (size_t i = 0; i < js_len(unplaced); i++) {
        const struct js *why = js_member(js_at(unplaced, i), "why");
        const struct js *last = js_at(why, js_len(why) ? js_len(why) - 1 : 0);

        out_after(o, "! %s is not planned: %s", js_str(js_at(unplaced, i), "workload", "?"),
                  js_str(last, "text", "no reason given"));
    }
}

static void say_sum(struct out *o, const struct js *plan, size_t warnings)
{
    const struct js *waves = js_member(plan, "waves");
    uint64_t hosts = 0, bytes = 0;
    char data[NUM_TEXT_MAX];

    for (size_t i = 0; i < js_len(waves); i++) {
        hosts += js_u64(js_at(waves, i), "hosts", 0);
        bytes += js_u64(js_at(waves, i), "bytes", 0);
    }
    out_bytes(o, bytes, data);
    out_after(o, "%zu wave%s, %llu host%s, %s. %zu warning%s.", js_len(waves),
              js_len(waves) == 1 ? "" : "s", (unsigned long long)hosts, hosts == 1 ? "" : "s", data,
              warnings, warnings == 1 ? "" : "s");
}

static const struct columns_row id_rows[] = {{"PLAN", "id", COLUMNS_TEXT, TABLE_LEFT}};

/* For programs: whole times, plain numbers, every name. */
static int csv_wave(struct out *o, const struct js *wave, struct table *t, struct err *err)
{
    static const char *const times[] = {"seed_from", "seed_until", "cutover_from", "cutover_until"};
    auto_buf struct buf names = {0};
    char took[NUM_TEXT_MAX];
    int r = table_row(t, err);

    all_names(js_member(wave, "workloads"), &names);
    if (r == 0)
        r = table_cell(t, js_str(wave, "wave", NULL), err);
    if (r == 0)
        r = table_cell(t, names.len ? buf_cstr(&names) : NULL, err);
    if (r == 0)
        r = table_cellf(t, err, "%llu", (unsigned long long)js_u64(wave, "hosts", 0));
    if (r == 0)
        r = table_cellf(t, err, "%llu", (unsigned long long)js_u64(wave, "bytes", 0));
    if (r == 0)
        r = table_cell(t, out_duration(o, js_f64(wave, "seed_s", 0), took), err);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(times); i++)
        r = table_cell(t, js_str(wave, times[i], NULL), err);
    return r == 0 ? table_cell(t, js_str(wave, "risk", NULL), err) : r;
}

static int view_csv(struct out *o, const struct js *waves, struct table *t, struct err *err)
{
    static const struct table_column heads[] = {
        {"WAVE", TABLE_LEFT},       {"APPS", TABLE_LEFT},         {"HOSTS", TABLE_RIGHT},
        {"DATA", TABLE_RIGHT},      {"SEED", TABLE_RIGHT},        {"SEED FROM", TABLE_LEFT},
        {"SEED UNTIL", TABLE_LEFT}, {"CUTOVER FROM", TABLE_LEFT}, {"CUTOVER UNTIL", TABLE_LEFT},
        {"RISK", TABLE_LEFT},
    };
    int r = table_columns(t, heads, ARRAY_LEN(heads), err);

    for (size_t i = 0; r == 0 && i < js_len(waves); i++)
        r = csv_wave(o, js_at(waves, i), t, err);
    return r;
}

int plan_view_waves(struct out *o, const struct js *plan, struct table *t, struct err *err)
{
    const struct js *waves = js_member(plan, "waves");
    char link[NUM_TEXT_MAX];
    int r;

    if (out_form(o) == OUT_NAME)
        return columns_one(o, plan, t, id_rows, ARRAY_LEN(id_rows), err);
    if (out_form(o) == OUT_CSV)
        return view_csv(o, waves, t, err);
    r = table_columns(t, columns, ARRAY_LEN(columns), err);
    out_bytes(o, js_u64(plan, "link_bytes_per_s", 0), link);
    out_text(o, "Plan %s · link %s/s · times UTC", js_str(plan, "id", "?"), link);
    for (size_t i = 0; r == 0 && i < js_len(waves); i++)
        r = view_wave(o, js_at(waves, i), t, err);
    say_unplaced(o, js_member(plan, "unplaced"));
    say_sum(o, plan, say_warnings(o, waves));
    return r;
}

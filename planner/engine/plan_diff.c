/* SPDX-License-Identifier: Apache-2.0 */
/* Two plans side by side: names are found by bisection, and each difference gets the one cause that
 * people can act upon. */
#include "planner/engine/plan_diff.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/jsw.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/calendar.h"
#include "planner/engine/plan_names.h"

#include <inttypes.h>
#include <string.h>

#include "base/banned.h"

struct diff {
    const struct js *was, *is, *input;
    struct plan_names was_names, is_names, input_names;
    bool same;
    struct jsw *w;
};

/* -- workloads ------------------------------------------------------------------------------ */

static const char *wave_of(const struct plan_named *named)
{
    return named && named->wave ? js_str(named->wave, "wave", NULL) : NULL;
}

/* All that a plan says of it, as one text. */
static void say_reasons(const struct plan_named *is, struct buf *out)
{
    const struct js *why = is ? js_member(is->doc, "why") : NULL;

    for (size_t i = 0; i < js_len(why); i++)
        (void)buf_printf(out, "%s%s", i ? "; " : "", js_str(js_at(why, i), "text", ""));
}

struct change {
    const char *kind, *name, *change;
    const char *was, *now; /* a workload's wave, a wave's cutover; NULL: none */
};

static void write_change(struct diff *d, const struct change *c, const char *why)
{
    d->same = false;
    jsw_obj(d->w, NULL);
    jsw_str(d->w, "kind", c->kind);
    jsw_str(d->w, "name", c->name);
    jsw_str(d->w, "change", c->change);
    jsw_str(d->w, "was", c->was);
    jsw_str(d->w, "now", c->now);
    jsw_str(d->w, "why", why);
    jsw_end(d->w);
}

/* was and is: NULL where the plan does not name it. */
static void write_workload(struct diff *d, const char *name, const char *change,
                           const struct plan_named *was, const struct plan_named *is)
{
    auto_buf struct buf why = {0};

    say_reasons(is, &why);
    write_change(d, &(struct change){"workload", name, change, wave_of(was), wave_of(is)},
                 why.len ? buf_cstr(&why) : NULL);
}

/* What it has, when that is another size; false: the same. */
static bool say_bytes(const struct js *was, const struct js *is, const char *verb, struct buf *why)
{
    uint64_t old = js_u64(was, "bytes", 0), now = js_u64(is, "bytes", 0);
    char a[NUM_TEXT_MAX], b[NUM_TEXT_MAX];

    if (old == now)
        return false;
    num_format_bytes(now, false, a);
    num_format_bytes(old, false, b);
    if (text_equal(a, b))
        (void)buf_printf(why, "it %s %" PRIu64 " bytes in place of %" PRIu64, verb, now, old);
    else
        (void)buf_printf(why, "it %s %s in place of %s", verb, a, b);
    return true;
}

/* It stays in its wave, and is more or less than it was. */
static void compare_load(struct diff *d, const struct plan_named *was, const struct plan_named *is)
{
    uint64_t old = js_u64(was->doc, "hosts", 0), now = js_u64(is->doc, "hosts", 0);
    auto_buf struct buf why = {0};
    struct change c = {"workload", is->name, NULL, wave_of(was), wave_of(is)};

    if (old != now) {
        (void)buf_printf(&why, "%" PRIu64 " hosts in place of %" PRIu64, now, old);
        c.change = "hosts";
        write_change(d, &c, buf_cstr(&why));
        buf_clear(&why);
    }
    if (say_bytes(was->doc, is->doc, "has", &why)) {
        c.change = "data";
        write_change(d, &c, buf_cstr(&why));
    }
}

static void compare_workload(struct diff *d, const struct plan_named *is)
{
    const struct plan_named *was = plan_names_find(&d->was_names, is->name);
    const char *old = wave_of(was), *now = wave_of(is);

    if (!was)
        write_workload(d, is->name, "new", NULL, is);
    else if (old && !now)
        write_workload(d, is->name, "dropped", was, is);
    else if (!old && now)
        write_workload(d, is->name, "placed", was, is);
    else if (old && !text_equal(old, now))
        write_workload(d, is->name, "wave", was, is);
    else
        compare_load(d, was, is);
}

static void compare_workloads(struct diff *d)
{
    for (size_t i = 0; i < d->is_names.n; i++)
        compare_workload(d, &d->is_names.rows[i]);
    for (size_t i = 0; i < d->was_names.n; i++) {
        const struct plan_named *was = &d->was_names.rows[i];
        const struct plan_named *in = plan_names_find(&d->input_names, was->name);

        if (!plan_names_find(&d->is_names, was->name))
            write_workload(d, was->name, in && js_bool(in->doc, "moved", false) ? "moved" : "gone",
                           was, NULL);
    }
}

/* -- waves ------------------------------------------------------------------------------------ */

static const struct js *find_wave(const struct js *plan, const char *number)
{
    const struct js *waves = js_member(plan, "waves");

    for (size_t i = 0; i < js_len(waves); i++) {
        if (text_equal(js_str(js_at(waves, i), "wave", NULL), number))
            return js_at(waves, i);
    }
    return NULL;
}

static uint64_t time_of(const struct js *doc, const char *key)
{
    const char *text = js_str(doc, key, NULL);
    uint64_t ms = 0;

    return text && text_parse_time(text, &ms, NULL) == 0 ? ms : 0;
}

/* Of one calendar, what meets [from, until). Calendars of a plan were read before: none fails. */
static bool meets(const struct js *calendar, uint64_t from_ms, uint64_t until_ms, struct span *ret)
{
    struct span_list spans = {0};
    bool found = false;

    if (calendar_spans(slice_str(js_str(calendar, "calendar", "")), from_ms, until_ms, &spans,
                       NULL) == 0) {
        span_merge(&spans);
        found = spans.n > 0;
    }
    if (found)
        *ret = spans.spans[0];
    span_done(&spans);
    return found;
}

static bool say_calendar(const struct diff *d, const struct js *was, struct buf *why)
{
    const struct js *calendars = js_member(d->input, "calendars");
    uint64_t from = time_of(was, "cutover_from"), until = time_of(was, "cutover_until");
    char begins[TEXT_TIME_MAX], ends[TEXT_TIME_MAX];
    bool windows = false, open = false;
    struct span span = {0};

    for (size_t i = 0; from > 0 && i < js_len(calendars); i++) {
        const struct js *calendar = js_at(calendars, i);
        bool window = text_equal(js_str(calendar, "kind", ""), "window");
        bool hit = meets(calendar, from, until, &span);

        windows |= window;
        open |= window && hit && span.from_ms <= from && span.until_ms >= until;
        if (window || !hit)
            continue;
        (void)buf_printf(why, "blackout \"%s\" (%s to %s)", js_str(calendar, "name", "?"),
                         text_time(span.from_ms, begins), text_time(span.until_ms, ends));
        return true;
    }
    if (windows && !open)
        (void)buf_str(why, "no window is open then");
    return windows && !open;
}

static bool same_policy(const struct diff *d)
{
    auto_buf struct buf a = {0}, b = {0};

    return js_print(js_member(d->was, "policy"), true, false, &a, NULL) == 0 &&
           js_print(js_member(d->is, "policy"), true, false, &b, NULL) == 0 &&
           text_equal(buf_cstr(&a), buf_cstr(&b));
}

/* The first that holds: a wave's time has one cause that people can act upon. */
static void say_why(const struct diff *d, const struct js *was, const struct js *is,
                    struct buf *why)
{
    if (say_calendar(d, was, why) || say_bytes(was, is, "carries", why))
        return;
    if (!text_equal(js_str(d->was, "calendars_hash", ""), js_str(d->is, "calendars_hash", "")))
        (void)buf_str(why, "windows or blackouts have changed");
    else if (js_u64(d->was, "link_bytes_per_s", 0) != js_u64(d->is, "link_bytes_per_s", 0))
        (void)buf_str(why, "the link has another rate");
    else if (!same_policy(d))
        (void)buf_str(why, "the policy is another");
    else if (time_of(was, "seed_from") < time_of(d->is, "generated_at"))
        (void)buf_str(why, "its replication was to begin before this plan was made");
    else
        (void)buf_str(why, "the waves before it take another time");
}

static void write_wave(struct diff *d, const char *change, const struct js *was,
                       const struct js *is)
{
    auto_buf struct buf why = {0};

    if (was && is)
        say_why(d, was, is, &why);
    write_change(d,
                 &(struct change){"wave", js_str(is ? is : was, "wave", NULL), change,
                                  js_str(was, "cutover_from", NULL),
                                  js_str(is, "cutover_from", NULL)},
                 why.len ? buf_cstr(&why) : NULL);
}

static void compare_wave(struct diff *d, const struct js *is)
{
    const struct js *was = find_wave(d->was, js_str(is, "wave", ""));
    uint64_t old = time_of(was, "cutover_from"), now = time_of(is, "cutover_from");

    if (!was)
        write_wave(d, "new", NULL, is);
    else if (now == 0 && old > 0)
        write_wave(d, "no-window", was, is);
    else if (now > old)
        write_wave(d, "later", was, is);
    else if (now < old)
        write_wave(d, "earlier", was, is);
}

static void compare_waves(struct diff *d)
{
    const struct js *was = js_member(d->was, "waves"), *is = js_member(d->is, "waves");

    for (size_t i = 0; i < js_len(is); i++)
        compare_wave(d, js_at(is, i));
    for (size_t i = 0; i < js_len(was); i++) {
        if (!find_wave(d->is, js_str(js_at(was, i), "wave", "")))
            write_wave(d, "gone", js_at(was, i), NULL);
    }
}

/* -- both ---------------------------------------------------------------------------------------
 */

static int load(struct diff *d, struct err *err)
{
    int r = js_check_schema(d->was, "godwit.plan/1", err);

    if (r == 0)
        r = js_check_schema(d->is, "godwit.plan/1", err);
    if (r == 0)
        r = plan_names_load(d->was, &d->was_names, err);
    if (r == 0)
        r = plan_names_load(d->is, &d->is_names, err);
    if (r == 0)
        r = plan_names_load(d->input, &d->input_names, err);
    return r < 0 ? r : jsw_new(&d->w, err);
}

int plan_diff(const struct js *was, const struct js *is, const struct js *input, struct js **ret,
              struct err *err)
{
    struct diff d = {.was = was, .is = is, .input = input, .same = true};
    int r = load(&d, err);

    if (r == 0) {
        jsw_obj(d.w, NULL);
        jsw_str(d.w, "schema", "godwit.plan-diff/1");
        jsw_str(d.w, "generated_at", js_str(is, "generated_at", NULL));
        jsw_str(d.w, "from", js_str(was, "id", NULL));
        jsw_str(d.w, "to", js_str(is, "id", NULL));
        jsw_arr(d.w, "changes");
        compare_waves(&d);
        compare_workloads(&d);
        jsw_end(d.w);
        jsw_bool(d.w, "same", d.same);
        jsw_end(d.w);
        r = jsw_take(d.w, ret, err);
    }
    jsw_free(d.w);
    plan_names_done(&d.was_names);
    plan_names_done(&d.is_names);
    plan_names_done(&d.input_names);
    return r;
}

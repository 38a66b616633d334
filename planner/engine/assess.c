/* SPDX-License-Identifier: Apache-2.0 */
/* The rules. Points are judgement, not measurement: their order is what counts. */
#include "planner/engine/assess.h"

#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/software.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

static const char *const way_names[ASSESS_WAYS] = {
    [ASSESS_REHOST] = "rehost",     [ASSESS_REPLATFORM] = "replatform",
    [ASSESS_REFACTOR] = "refactor", [ASSESS_REPURCHASE] = "repurchase",
    [ASSESS_RELOCATE] = "relocate", [ASSESS_RETAIN] = "retain",
    [ASSESS_RETIRE] = "retire",
};

const char *assess_way_name(enum assess_way way)
{
    return way_names[way];
}

/* -- saying -------------------------------------------------------------------------------------
 */

static void say(struct assess *a, enum assess_way way, int points, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void say(struct assess *a, enum assess_way way, int points, const char *fmt, ...)
{
    struct assess_reason *r = &a->reasons[a->n];
    va_list args;

    if (a->n == ASSESS_REASONS_MAX)
        return;
    *r = (struct assess_reason){.way = way, .points = points, .rule = ""};
    va_start(args, fmt);
    (void)vsnprintf(r->text, sizeof(r->text), fmt, args);
    va_end(args);
    a->points[way] += points;
    a->n++;
}

static const struct software *first_of(const struct assess_facts *f, unsigned classes)
{
    for (size_t i = 0; i < f->programs_n; i++) {
        if (classes & 1u << f->programs[i]->class)
            return f->programs[i];
    }
    return NULL;
}

static size_t count_of(const struct assess_facts *f, unsigned classes)
{
    size_t n = 0;

    for (size_t i = 0; i < f->programs_n; i++)
        n += (classes & 1u << f->programs[i]->class) != 0;
    return n;
}

enum {
    DATA = 1 << SOFTWARE_DATABASE | 1 << SOFTWARE_CACHE | 1 << SOFTWARE_QUEUE |
           1 << SOFTWARE_SEARCH | 1 << SOFTWARE_FILES | 1 << SOFTWARE_BACKUP |
           1 << SOFTWARE_MONITOR | 1 << SOFTWARE_BATCH,
    CODE = 1 << SOFTWARE_WEB | 1 << SOFTWARE_RUNTIME,
};

/* -- rules --------------------------------------------------------------------------------------
 */

static void as_it_is(const struct assess_facts *f, struct assess *a)
{
    if (f->foreign == 0)
        say(a, ASSESS_REHOST, 10, "it can go as it is, and is the same there as here");
    if (f->programs_n == 0)
        say(a, ASSESS_REHOST, 0, "what runs on it is not known, so nothing better can be offered");
}

static void owner(const struct assess_facts *f, struct assess *a)
{
    for (enum assess_way way = 0; way < ASSESS_WAYS; way++) {
        if (text_equal(f->owners_way, way_names[way]))
            say(a, way, 1000, "its owner says so (tag 'strategy')");
    }
}

static void off(const struct assess_facts *f, struct assess *a)
{
    if (f->off != f->hosts)
        return;
    say(a, ASSESS_RETIRE, 60, "%s powered off", f->hosts == 1 ? "it is" : "all of its hosts are");
    say(a, ASSESS_RETIRE, 0, "who starts it once a year, for a closing or an audit?");
}

static void idle(const struct assess_facts *f, struct assess *a)
{
    if (f->idle != f->hosts || f->off == f->hosts)
        return;
    say(a, ASSESS_RETIRE, f->days >= 7 ? 40 : 8,
        "95%% of the time its CPU is at 5%% or below, and next to nothing goes over its network");
    if (f->days < 30)
        say(a, ASSESS_RETIRE, 0, "seen for %.0f days: what runs once a month was not", f->days);
}

static void architecture(const struct assess_facts *f, struct assess *a)
{
    if (f->foreign == 0)
        return;
    say(a, ASSESS_RETAIN, 50, "%s: clouds have no such machines", f->foreign_name);
    say(a, ASSESS_REFACTOR, 15, "ported to Linux on x86-64 or Arm it could go");
    say(a, ASSESS_RETAIN, 0, "the last server of the data centre then is this one");
}

static void old_system(const struct assess_facts *f, struct assess *a)
{
    if (!*f->old_name)
        return;
    say(a, ASSESS_REPLATFORM, 15, "%s gets no fixes any more: a newer system on the way",
        f->old_name);
    say(a, ASSESS_REPLATFORM, 0, "what runs on it may not run on a newer one: test first");
    say(a, ASSESS_REHOST, -2, "%s takes its holes along", f->old_name);
}

static void managed(const struct assess_facts *f, struct assess *a)
{
    const struct software *s = first_of(f, DATA);
    char data[NUM_TEXT_MAX];

    if (!s || !s->managed)
        return;
    say(a, ASSESS_REPLATFORM, 15 + (count_of(f, DATA) == f->programs_n ? 10 : 0),
        "%s: %s can take its place, and nobody has to patch it", s->name, s->managed);
    say(a, ASSESS_REPLATFORM, 0,
        "are its extensions and rights to be had there? Its data (%s) moves by its own means",
        num_format_bytes(f->data_bytes, false, data));
    if (s->licence)
        say(a, ASSESS_REPLATFORM, 0, "%s's licence: ask what of it may be taken along", s->licence);
}

static void service(const struct assess_facts *f, struct assess *a)
{
    const struct software *s = first_of(f, 1 << SOFTWARE_OFFICE | 1 << SOFTWARE_DESKTOP);

    if (!s || !s->managed)
        return;
    say(a, ASSESS_REPURCHASE, 35, "%s: %s", s->name, s->managed);
    say(a, ASSESS_REPURCHASE, 0,
        "its data and what hangs on it have to be moved by hand; what was changed in it is lost");
}

static void containers(const struct assess_facts *f, struct assess *a)
{
    const struct software *s = first_of(f, CODE);

    if (!s || f->keeps_state || !f->containers || f->foreign)
        return;
    say(a, ASSESS_REPLATFORM, 20,
        "%s and what is beside it keep nothing: containers run them as they are", s->name);
    if (f->unknown_n)
        say(a, ASSESS_REPLATFORM, -6, "%zu of its programs are not known: they may keep something",
            f->unknown_n);
}

static void bursty(const struct assess_facts *f, struct assess *a)
{
    const struct software *s = first_of(f, CODE);

    if (f->cpu_mean < 0 || f->peak_to_mean < 5 || f->cpu_mean > 20 || f->foreign)
        return;
    if (!s || f->keeps_state) {
        say(a, ASSESS_REFACTOR, 5, "CPU peaks at %.0f times its mean", f->peak_to_mean);
        say(a, ASSESS_REFACTOR, 0, "it keeps state, or what runs is not known: first part the two");
        return;
    }
    say(a, ASSESS_REFACTOR, 22,
        "CPU peaks at %.0f times its mean, and it keeps nothing: functions cost nothing between",
        f->peak_to_mean);
    if (f->quiet_hours >= 84)
        say(a, ASSESS_REFACTOR, 10, "%u hours of the week nearly nothing happens", f->quiet_hours);
    say(a, ASSESS_REFACTOR, 0, "cold starts, and code that has to be changed and paid for");
}

static void steady(const struct assess_facts *f, struct assess *a)
{
    if (f->cpu_mean >= 20 && f->peak_to_mean > 0 && f->peak_to_mean <= 2)
        say(a, ASSESS_REHOST, 10,
            "its load is even (peak %.1f times the mean): reserved capacity is cheapest",
            f->peak_to_mean);
}

static void hypervisor(const struct assess_facts *f, struct assess *a)
{
    if (f->carried != f->hosts)
        return;
    say(a, ASSESS_RELOCATE, f->systems_known ? 6 : 18,
        f->systems_known ? "its hypervisor can be had in clouds, and carries it unchanged"
                         : "its system is not known (an appliance?): its hypervisor can be had in "
                           "clouds, and carries it unchanged");
    say(a, ASSESS_RELOCATE, 0, "the hypervisor's licence is paid on");
}

static void gpu(const struct assess_facts *f, struct assess *a)
{
    if (f->gpus == 0)
        return;
    say(a, ASSESS_REHOST, 15, "%llu GPUs: shapes with GPUs carry it", (unsigned long long)f->gpus);
    say(a, ASSESS_REHOST, 0, "such shapes are scarce in some regions: have them before its wave");
}

static void core(const struct assess_facts *f, struct assess *a)
{
    const struct software *s = first_of(f, 1 << SOFTWARE_CORE);

    if (!s)
        return;
    say(a, ASSESS_RETAIN, 12, "%s: everybody asks it; one stays here until the last wave", s->name);
    say(a, ASSESS_RETAIN, 0, "a second one belongs on the other side before the first wave%s%s",
        s->managed ? ": " : "", s->managed ? s->managed : "");
}

static void renewal(const struct assess_facts *f, struct assess *a)
{
    if (*f->due)
        say(a, ASSESS_REHOST, 4, "its hardware is due on %s: gone by then, nobody has to buy it",
            f->due);
}

static const struct assess_rule rules[] = {
    {"as-it-is", as_it_is},
    {"owner", owner},
    {"off", off},
    {"idle", idle},
    {"architecture", architecture},
    {"old-system", old_system},
    {"managed", managed},
    {"service", service},
    {"containers", containers},
    {"bursty", bursty},
    {"steady", steady},
    {"hypervisor", hypervisor},
    {"gpu", gpu},
    {"core", core},
    {"renewal", renewal},
};

const struct assess_rule *assess_rules(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(rules);
    return rules;
}

/* -- the judgement ------------------------------------------------------------------------------
 */

struct assess assess_of(const struct assess_facts *f)
{
    struct assess a = {0};
    int next = 0;

    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        size_t from = a.n;

        rules[i].judge(f, &a);
        for (size_t k = from; k < a.n; k++)
            a.reasons[k].rule = rules[i].name;
    }
    for (enum assess_way way = 0; way < ASSESS_WAYS; way++) {
        if (a.points[way] > a.points[a.way])
            a.way = way;
    }
    for (enum assess_way way = 0; way < ASSESS_WAYS; way++) {
        if (way != a.way && a.points[way] > next)
            next = a.points[way];
    }
    if (a.points[a.way] > 0)
        a.confidence = (double)a.points[a.way] / (a.points[a.way] + next);
    /* A guess in the dark is none to build on. */
    if (f->programs_n == 0 && a.points[a.way] < 40 && a.confidence > 0.3)
        a.confidence = 0.3;
    return a;
}

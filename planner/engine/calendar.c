/* SPDX-License-Identifier: Apache-2.0 */
/* icalcomponent_foreach_recurrence honours EXDATE, which icalrecur_iterator does not. */
#include "planner/engine/calendar.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"

#include <libical/ical.h>

#include "base/banned.h"

enum {
    CALENDAR_CHECK_DAYS = 370,
    CALENDAR_DAY_MS = 86400000,
    CALENDAR_YEAR_MIN = 2000,
    CALENDAR_TIMES_A_DAY = 48, /* of one rule */
    CALENDAR_DATES_MAX = 1000, /* EXDATE or RDATE of one event */
    CALENDAR_RULES_MAX = 200
};

struct collect {
    struct span_list *out;
    uint64_t from_ms, until_ms;
    size_t n, rules;
    bool is_date; /* the event at hand has no times */
    int result;
    struct err *err;
};

static int bad(struct err *err, const char *what, icalcomponent *event)
{
    const char *name = event ? icalcomponent_get_summary(event) : NULL;

    return err_set_gw(err, GW_BAD_CALENDAR, -EINVAL, "%s%s%s%s", what, name ? " (event '" : "",
                      name ? name : "", name ? "')" : "");
}

static void take_span(icalcomponent *event, struct icaltime_span *span, void *arg)
{
    struct collect *c = arg;
    struct span s;

    if (c->result < 0 || span->end <= 0)
        return;
    s.from_ms = span->start > 0 ? (uint64_t)span->start * 1000 : 0;
    s.until_ms = (uint64_t)span->end * 1000;
    /* DTEND of a date is not part of the event (RFC 5545, 3.6.1); libical 3 counts all but its last
     * second in. */
    if (c->is_date)
        s.until_ms = s.until_ms + 1000 - CALENDAR_DAY_MS;
    if (s.until_ms <= c->from_ms || s.from_ms >= c->until_ms)
        return;
    if (++c->n > CALENDAR_SPANS_MAX)
        c->result = bad(c->err, "more occurrences than can be kept", event);
    else
        c->result = span_add(c->out, s, c->err);
}

/* A TZID that neither the calendar nor the system knows would be read as UTC without a word. */
static int check_zone(icalcomponent *event, icalproperty_kind kind, struct err *err)
{
    icalproperty *p = icalcomponent_get_first_property(event, kind);
    icalparameter *tz = p ? icalproperty_get_first_parameter(p, ICAL_TZID_PARAMETER) : NULL;

    if (!tz)
        return 0;
    if (icaltime_get_timezone(icalproperty_get_datetime_with_component(p, NULL)))
        return 0;
    return err_set_gw(err, GW_BAD_CALENDAR, -EINVAL, "the time zone '%s' is not known",
                      icalparameter_get_tzid(tz));
}

static size_t count_values(const short *values)
{
    size_t n = 0;

    while (values[n] != ICAL_RECURRENCE_ARRAY_MAX)
        n++;
    return n ? n : 1;
}

/*
 * libical walks every occurrence from DTSTART on and cannot be stopped, so what could make it walk
 * for ever is refused before: rules finer than a day, and more times a day than anybody means.
 */
static int check_rule(icalcomponent *event, icalproperty *rule, struct err *err)
{
    struct icalrecurrencetype recur = icalproperty_get_rrule(rule);
    size_t a_day =
        count_values(recur.by_hour) * count_values(recur.by_minute) * count_values(recur.by_second);

    if (recur.freq != ICAL_DAILY_RECURRENCE && recur.freq != ICAL_WEEKLY_RECURRENCE &&
        recur.freq != ICAL_MONTHLY_RECURRENCE && recur.freq != ICAL_YEARLY_RECURRENCE)
        return bad(err, "a rule repeats more often than daily", event);
    if (a_day > CALENDAR_TIMES_A_DAY)
        return bad(err, "a rule has too many times a day", event);
    return 0;
}

static size_t count_properties(icalcomponent *event, icalproperty_kind kind)
{
    return (size_t)icalcomponent_count_properties(event, kind);
}

static int check_rules(icalcomponent *event, struct icaltimetype start, struct collect *c)
{
    int r = 0;

    if (count_properties(event, ICAL_EXRULE_PROPERTY) > 0)
        return bad(c->err, "EXRULE is not understood (RFC 5545 took it away)", event);
    if (count_properties(event, ICAL_EXDATE_PROPERTY) > CALENDAR_DATES_MAX ||
        count_properties(event, ICAL_RDATE_PROPERTY) > CALENDAR_DATES_MAX)
        return bad(c->err, "an event lists too many dates", event);
    if (count_properties(event, ICAL_RRULE_PROPERTY) == 0)
        return 0;
    if (start.year < CALENDAR_YEAR_MIN)
        return bad(c->err, "a rule begins before the year 2000", event);
    if (++c->rules > CALENDAR_RULES_MAX)
        return bad(c->err, "more repeating events than can be kept", event);
    for (icalproperty *p = icalcomponent_get_first_property(event, ICAL_RRULE_PROPERTY);
         r == 0 && p; p = icalcomponent_get_next_property(event, ICAL_RRULE_PROPERTY))
        r = check_rule(event, p, c->err);
    return r;
}

static int take_event(icalcomponent *event, struct collect *c)
{
    struct icaltimetype start = icalcomponent_get_dtstart(event);
    struct icaltimetype end = icalcomponent_get_dtend(event);
    /* A week to either side: the zone is applied inside, and long events reach in from before. */
    struct icaltimetype from, until;
    int r;

    if (icaltime_is_null_time(start))
        return bad(c->err, "an event has no DTSTART", event);
    if (!icaltime_is_null_time(end) && icaltime_compare(end, start) < 0)
        return bad(c->err, "an event ends before it begins", event);
    r = check_zone(event, ICAL_DTSTART_PROPERTY, c->err);
    if (r == 0)
        r = check_rules(event, start, c);
    if (r < 0)
        return r;
    c->is_date = start.is_date;
    from = icaltime_from_timet_with_zone((time_t)(c->from_ms / 1000), 0,
                                         icaltimezone_get_utc_timezone());
    until = icaltime_from_timet_with_zone((time_t)(c->until_ms / 1000), 0,
                                          icaltimezone_get_utc_timezone());
    icaltime_adjust(&from, -7, 0, 0, 0);
    icaltime_adjust(&until, 7, 0, 0, 0);
    icalcomponent_foreach_recurrence(event, from, until, take_span, c);
    return c->result;
}

static int take_events(icalcomponent *root, struct collect *c)
{
    int r = 0;

    for (icalcomponent *e = icalcomponent_get_first_component(root, ICAL_VEVENT_COMPONENT);
         r == 0 && e; e = icalcomponent_get_next_component(root, ICAL_VEVENT_COMPONENT))
        r = take_event(e, c);
    return r;
}

int calendar_spans(struct slice text, uint64_t from_ms, uint64_t until_ms, struct span_list *out,
                   struct err *err)
{
    struct collect c = {.out = out, .from_ms = from_ms, .until_ms = until_ms, .err = err};
    auto_free char *copy = NULL;
    icalcomponent *root;
    int r;

    if (text.len == 0 || text.len > CALENDAR_TEXT_MAX || memchr(text.data, '\0', text.len))
        return bad(err, "this is no calendar (empty, too long, or not text)", NULL);
    copy = strndup((const char *)text.data, text.len);
    if (!copy)
        return err_set(err, -ENOMEM, "a calendar: %m");
    root = icalparser_parse_string(copy);
    if (!root)
        return bad(err, "this is no calendar", NULL);
    if (icalcomponent_isa(root) != ICAL_VCALENDAR_COMPONENT)
        r = bad(err, "this does not begin with BEGIN:VCALENDAR", NULL);
    else if (icalcomponent_count_errors(root) > 0)
        r = bad(err, "a property or value of the calendar does not parse", NULL);
    else
        r = take_events(root, &c);
    icalcomponent_free(root);
    return r;
}

int calendar_check(struct slice text, uint64_t now_ms, struct err *err)
{
    struct span_list spans = {0};
    int r = calendar_spans(text, now_ms, now_ms + (uint64_t)CALENDAR_CHECK_DAYS * 86400000, &spans,
                           err);

    span_done(&spans);
    return r;
}

const char *calendar_version(void)
{
    return ICAL_VERSION;
}

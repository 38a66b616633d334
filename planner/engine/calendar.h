/* SPDX-License-Identifier: Apache-2.0 */
/* iCalendar text (RFC 5545: RRULE, EXDATE, TZID) into spans, over libical. */
#ifndef GODWIT_PLANNER_ENGINE_CALENDAR_H
#define GODWIT_PLANNER_ENGINE_CALENDAR_H

#include "base/slice.h"
#include "planner/engine/span.h"

enum { CALENDAR_TEXT_MAX = 1 << 20, CALENDAR_SPANS_MAX = 20000 };

/*
 * Append every occurrence of every event of text that meets [from, until). Events without an end
 * last a day when they are dates, else nothing. -EINVAL (GW_BAD_CALENDAR): no calendar, an event
 * without DTSTART, an unknown TZID, a rule finer than daily, EXRULE, more than CALENDAR_SPANS_MAX
 * occurrences. Merge after the last.
 */
int calendar_spans(struct slice text, uint64_t from_ms, uint64_t until_ms, struct span_list *out,
                   struct err *err);
/* Is text a calendar that calendar_spans accepts for the year from now_ms on? 0 or -EINVAL. */
int calendar_check(struct slice text, uint64_t now_ms, struct err *err);

/* libical's of the build: the library does not tell its own. */
const char *calendar_version(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Timetables of bandwidth: parsed word by word, looked up by the broken-down local time. */
#include "transport/rate_table.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/banned.h"

enum { DAYS = 7, ALL_DAYS = 0x7f, HOUR = 60, DAY = 24 * HOUR, DAY_LEN = 3, TIME_LEN = 5 };

static int bad(struct err *err, const char *entry, const char *why)
{
    return err_set_gw(err, GW_BAD_VALUE, -EINVAL,
                      "'%s': %s; a timetable is like 'Mon-Fri 08:00-18:00 20MiB/s, 100MiB/s'",
                      entry, why);
}

static int day_of(const char *text)
{
    static const char *const names[DAYS] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

    for (int i = 0; i < DAYS; i++) {
        if (strncasecmp(text, names[i], DAY_LEN) == 0)
            return i;
    }
    return -1;
}

/* "Mon" or "Fri-Mon". False when word is nothing of that sort. */
static bool take_days(const char *word, uint8_t *ret)
{
    size_t len = strlen(word);
    int first =
        len == DAY_LEN || (len == 2 * DAY_LEN + 1 && word[DAY_LEN] == '-') ? day_of(word) : -1;
    int last = len == DAY_LEN || first < 0 ? first : day_of(word + DAY_LEN + 1);

    if (first < 0 || last < 0)
        return false;
    *ret = (uint8_t)(1 << last);
    for (int day = first; day != last; day = (day + 1) % DAYS)
        *ret |= (uint8_t)(1 << day);
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "08:30" at text, up to and with "24:00". */
static bool take_time(const char *text, uint16_t *ret)
{
    uint16_t hour, minute;

    if (!is_digit(text[0]) || !is_digit(text[1]) || text[2] != ':' || !is_digit(text[3]) ||
        !is_digit(text[4]))
        return false;
    hour = (uint16_t)((text[0] - '0') * 10 + text[1] - '0');
    minute = (uint16_t)((text[3] - '0') * 10 + text[4] - '0');
    if (minute >= HOUR || hour * HOUR + minute > DAY)
        return false;
    *ret = (uint16_t)(hour * HOUR + minute);
    return true;
}

static int take_hours(const char *word, const char *entry, struct rate_table_entry *e,
                      struct err *err)
{
    if (strlen(word) != 2 * TIME_LEN + 1 || word[TIME_LEN] != '-' || !take_time(word, &e->from) ||
        !take_time(word + TIME_LEN + 1, &e->to) || e->from == DAY)
        return bad(err, entry, "hours are two times such as 08:00-18:00");
    if (e->from == e->to)
        return bad(err, entry, "the hours end when they begin; leave them out for the whole day");
    return 0;
}

static int take_rate(const char *const *words, const char *entry, uint64_t *ret, struct err *err)
{
    char text[NUM_TEXT_MAX];

    if (!words[0])
        return bad(err, entry, "the rate is missing");
    if (words[1] && words[2])
        return bad(err, entry, "there is something behind the rate");
    if (text_equal(words[0], "none") && !words[1]) {
        *ret = 0;
        return 0;
    }
    /* "20 MiB/s" is two words */
    if (text_print(text, sizeof(text), "%s%s", words[0], words[1] ? words[1] : "") < 0 ||
        num_parse_rate(text, ret, NULL) < 0)
        return bad(err, entry, "the rate is a number with a unit, as 20MiB/s or 100Mbit, or none");
    return *ret == 0 ? bad(err, entry, "a rate of 0 would never end; 'none' is no limit") : 0;
}

static int parse_entry(const char *text, struct rate_table_entry *ret, bool *ret_always,
                       struct err *err)
{
    struct rate_table_entry e = {.days = ALL_DAYS, .to = DAY};
    auto_vec char **words = NULL;
    size_t at = 0;
    int r = text_split(text, " \t", &words, err);

    if (r == 0 && !words[0])
        r = bad(err, text, "an empty entry");
    if (r == 0 && take_days(words[0], &e.days))
        at++;
    if (r == 0 && words[at] && strchr(words[at], ':'))
        r = take_hours(words[at++], text, &e, err);
    *ret_always = at == 0;
    if (r == 0)
        r = take_rate((const char *const *)words + at, text, &e.bytes_per_s, err);
    if (r == 0)
        *ret = e;
    return r;
}

/* Cut the entry at *at into out, without blanks before it; *at then is behind its comma, or NULL.
 */
static int next_entry(const char **at, char *out, size_t size)
{
    const char *from = *at + strspn(*at, " \t");
    size_t len = strcspn(from, ",");

    *at = from[len] == ',' ? from + len + 1 : NULL;
    return text_print(out, size, "%.*s", (int)len, from);
}

int rate_table_parse(const char *text, struct rate_table *ret, struct err *err)
{
    enum { ENTRY_MAX = 64 };
    struct rate_table t = {0};
    const char *at = text;
    char entry[ENTRY_MAX];
    bool always = false;
    int r = 0;

    while (r == 0 && at) {
        if (next_entry(&at, entry, sizeof(entry)) < 0)
            return bad(err, "…", "an entry is too long");
        if (always)
            return bad(err, entry, "the entry before it fits at all times, so this never counts");
        if (t.n >= RATE_TABLE_MAX)
            return bad(err, entry, "more than 16 entries");
        r = parse_entry(entry, &t.entry[t.n++], &always, err);
    }
    if (r == 0)
        *ret = t;
    return r;
}

struct rate_table rate_table_flat(uint64_t bytes_per_s)
{
    return (struct rate_table){
        .n = 1, .entry = {{.days = ALL_DAYS, .to = DAY, .bytes_per_s = bytes_per_s}}};
}

bool rate_table_is_flat(const struct rate_table *t)
{
    const struct rate_table_entry *e = &t->entry[0];

    return t->n == 1 && e->days == ALL_DAYS && e->from == 0 && e->to == DAY;
}

static bool fits(const struct rate_table_entry *e, int day, uint16_t minute)
{
    const bool today = e->days >> day & 1;
    const bool yesterday = e->days >> (day + DAYS - 1) % DAYS & 1;

    if (e->from < e->to)
        return today && minute >= e->from && minute < e->to;
    return (today && minute >= e->from) || (yesterday && minute < e->to);
}

uint64_t rate_table_at(const struct rate_table *t, uint64_t wall_ms)
{
    time_t now = (time_t)(wall_ms / 1000);
    struct tm tm = {0};

    localtime_r(&now, &tm);
    for (size_t i = 0; i < t->n; i++) {
        if (fits(&t->entry[i], tm.tm_wday, (uint16_t)(tm.tm_hour * HOUR + tm.tm_min)))
            return t->entry[i].bytes_per_s;
    }
    return 0;
}

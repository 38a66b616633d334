/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3339 times, UTC out, any offset in. No time zone database and no locale is asked. */
#include "base/text.h"

#include "base/err.h"
#include "base/num.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/banned.h"

enum { MS_PER_DAY = 86400000 };

struct civil {
    int64_t year;
    unsigned month; /* 1..12 */
    unsigned day;   /* 1..31 */
};

/*
 * Days since 1970-01-01 and back in the proleptic Gregorian calendar, years counted from March so
 * that the leap day comes last. Source: Howard Hinnant, "chrono-compatible low-level date
 * algorithms".
 */
static int64_t days_from_civil(struct civil c)
{
    int64_t year = c.year - (c.month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month_from_march = (c.month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + c.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static struct civil civil_from_days(int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = shifted / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    struct civil c = {
        .month = (unsigned)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9),
        .day = (unsigned)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
    };

    c.year = year_of_era + era * 400 + (c.month <= 2);
    return c;
}

char *text_time(uint64_t wall_ms, char *out)
{
    /* Five digits of a year are beyond RFC 3339; nobody's clock means them. */
    uint64_t ms = num_min(wall_ms, UINT64_C(253402300799999));
    struct civil c = civil_from_days((int64_t)(ms / MS_PER_DAY));
    unsigned in_day = (unsigned)(ms % MS_PER_DAY);
    char fraction[8] = "";

    if (in_day % 1000)
        snprintf(fraction, sizeof(fraction), ".%03u", in_day % 1000);
    snprintf(out, TEXT_TIME_MAX, "%04" PRId64 "-%02u-%02uT%02u:%02u:%02u%sZ", c.year, c.month,
             c.day, in_day / 3600000, in_day / 60000 % 60, in_day / 1000 % 60, fraction);
    return out;
}

/* Exactly n digits at *at, within [min, max]. */
static bool take_number(const char **at, size_t n, unsigned min, unsigned max, unsigned *ret)
{
    unsigned v = 0;

    for (size_t i = 0; i < n; i++) {
        if ((*at)[i] < '0' || (*at)[i] > '9')
            return false;
        v = v * 10 + (unsigned)((*at)[i] - '0');
    }
    if (v < min || v > max)
        return false;
    *at += n;
    *ret = v;
    return true;
}

static bool take_char(const char **at, const char *allowed)
{
    if (!**at || !strchr(allowed, **at))
        return false;
    (*at)++;
    return true;
}

static unsigned month_days(unsigned year, unsigned month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(const char **at, int64_t *ret_days)
{
    unsigned year;
    unsigned month;
    unsigned day;

    if (!take_number(at, 4, 0, 9999, &year) || !take_char(at, "-") ||
        !take_number(at, 2, 1, 12, &month) || !take_char(at, "-") ||
        !take_number(at, 2, 1, month_days(year, month), &day))
        return false;
    *ret_days = days_from_civil((struct civil){.year = year, .month = month, .day = day});
    return true;
}

/* Digits past the third are dropped. */
static bool take_milliseconds(const char **at, unsigned *ret)
{
    unsigned v = 0;
    unsigned weight = 100;

    *ret = 0;
    if (**at != '.')
        return true;
    (*at)++;
    if (**at < '0' || **at > '9')
        return false;
    for (; **at >= '0' && **at <= '9'; (*at)++, weight /= 10)
        v += weight * (unsigned)(**at - '0');
    *ret = v;
    return true;
}

static bool take_clock(const char **at, int64_t *ret_ms)
{
    unsigned hour;
    unsigned minute;
    unsigned second; /* 60 is a leap second: the next minute's first */
    unsigned ms;

    if (!take_number(at, 2, 0, 23, &hour) || !take_char(at, ":") ||
        !take_number(at, 2, 0, 59, &minute) || !take_char(at, ":") ||
        !take_number(at, 2, 0, 60, &second) || !take_milliseconds(at, &ms))
        return false;
    *ret_ms = ((int64_t)hour * 3600 + minute * 60 + second) * 1000 + ms;
    return true;
}

static bool take_offset(const char **at, int64_t *ret_ms)
{
    unsigned hour;
    unsigned minute;
    char sign = **at;

    *ret_ms = 0;
    if (take_char(at, "Zz"))
        return true;
    if (!take_char(at, "+-") || !take_number(at, 2, 0, 23, &hour) || !take_char(at, ":") ||
        !take_number(at, 2, 0, 59, &minute))
        return false;
    *ret_ms = ((int64_t)hour * 60 + minute) * 60000 * (sign == '-' ? -1 : 1);
    return true;
}

int text_parse_time(const char *text, uint64_t *ret_wall_ms, struct err *err)
{
    const char *at = text;
    int64_t days;
    int64_t in_day;
    int64_t offset;
    int64_t ms;

    if (!take_date(&at, &days) || !take_char(&at, "Tt ") || !take_clock(&at, &in_day) ||
        !take_offset(&at, &offset) || *at)
        return err_set(err, -EINVAL, "'%.80s' is not a time such as 2026-12-07T22:00:00Z", text);
    ms = days * MS_PER_DAY + in_day - offset;
    if (ms < 0)
        return err_set(err, -ERANGE, "'%.80s' is before 1970", text);
    *ret_wall_ms = (uint64_t)ms;
    return 0;
}

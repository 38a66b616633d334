/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stored calendars, as spans of the year to come. Recurrences are expanded once a day and not
 * at every look: every status asks.
 */
#include "planner/service/window.h"

#include "base/text.h"
#include "planner/engine/calendar.h"
#include "planner/service/db_plan.h"
#include "planner/service/service_own.h"

#include <stdio.h>

#include "base/banned.h"

enum { WINDOW_BROKEN_MAX = 200 };
#define DAY_MS ((uint64_t)86400 * 1000)

struct window_cache {
    uint64_t from_ms, until_ms; /* what the spans cover */
    bool any_window;
    struct span_list open, closed;
    char broken[WINDOW_BROKEN_MAX]; /* a stored calendar that cannot be read any more, "" = none */
};

static void cache_free(struct window_cache *c)
{
    if (!c)
        return;
    span_done(&c->open);
    span_done(&c->closed);
    free(c);
}

void window_forget(struct service *svc)
{
    cache_free(svc->own->windows);
    svc->own->windows = NULL;
}

struct build {
    struct window_cache *cache;
    struct err *err;
};

static int add_calendar(void *arg, const struct db_calendar *calendar)
{
    struct build *b = arg;
    const bool window = text_equal(calendar->kind, "window");

    struct err why = {0};
    int r;

    b->cache->any_window |= window;
    r = calendar_spans(slice_str(calendar->ical), b->cache->from_ms, b->cache->until_ms,
                       window ? &b->cache->open : &b->cache->closed, &why);
    /* It was accepted once. Nothing may move while nobody knows what it forbids, but all else goes
     * on. */
    if (r == -EINVAL && !b->cache->broken[0])
        snprintf(b->cache->broken, sizeof(b->cache->broken),
                 "calendar '%s' (%s) cannot be read: %.100s", calendar->name, calendar->id,
                 why.text);
    if (r < 0 && r != -EINVAL) {
        *b->err = why;
        return r;
    }
    return 0;
}

static int build(struct service *svc, uint64_t wall_ms, struct window_cache **ret, struct err *err)
{
    struct build b = {.cache = calloc(1, sizeof(*b.cache)), .err = err};
    int r;

    if (!b.cache)
        return err_set(err, -ENOMEM, "read the windows: %m");
    b.cache->from_ms = wall_ms - DAY_MS;
    b.cache->until_ms = wall_ms + 366 * DAY_MS;
    r = db_plan_calendar_each(svc->db, "", DB_PLAN_CALENDARS_MAX, add_calendar, &b, err);
    if (r < 0) {
        cache_free(b.cache);
        return err_add(err, r, "stored windows");
    }
    span_merge(&b.cache->open);
    span_merge(&b.cache->closed);
    *ret = b.cache;
    return 0;
}

static int load(struct service *svc, uint64_t wall_ms, struct err *err)
{
    const struct window_cache *c = svc->own->windows;
    struct window_cache *fresh = NULL;
    int r;

    if (c && wall_ms >= c->from_ms && wall_ms < c->from_ms + 2 * DAY_MS)
        return 0;
    r = build(svc, wall_ms, &fresh, err);
    if (r < 0)
        return r;
    cache_free(svc->own->windows);
    svc->own->windows = fresh;
    return 0;
}

/* When it opens again, for the text. */
static void say_next(const struct window_cache *c, uint64_t wall_ms, char *out, size_t size)
{
    const struct span_search search = {
        .open = c->any_window ? &c->open : NULL,
        .closed = &c->closed,
        .from_ms = wall_ms,
        .until_ms = c->until_ms,
        .len_ms = 1,
    };
    char at[TEXT_TIME_MAX];
    uint64_t next_ms;

    if (span_find(&search, &next_ms) == 0)
        (void)snprintf(out, size, "opens %s", text_time(next_ms, at));
    else
        (void)snprintf(out, size, "none opens within a year");
}

int window_closed(struct service *svc, uint64_t wall_ms, char *out, size_t size, struct err *err)
{
    const struct window_cache *c;
    const struct span *blackout;
    char next[64], until[TEXT_TIME_MAX];
    int r;

    out[0] = '\0';
    r = load(svc, wall_ms, err);
    if (r < 0)
        return r;
    c = svc->own->windows;
    if (c->broken[0]) {
        (void)text_copy(out, size, c->broken);
        return 0;
    }
    blackout = span_at(&c->closed, wall_ms);
    say_next(c, wall_ms, next, sizeof(next));
    if (blackout)
        (void)snprintf(out, size, "blackout until %s, %s", text_time(blackout->until_ms, until),
                       next);
    else if (c->any_window && !span_at(&c->open, wall_ms))
        (void)snprintf(out, size, "window closed, %s", next);
    return 0;
}

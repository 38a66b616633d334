/* SPDX-License-Identifier: Apache-2.0 */
/* Pure arithmetic on stretches of time. */
#include "planner/engine/span.h"

#include "base/err.h"

#include <stdlib.h>

#include "base/banned.h"

void span_done(struct span_list *l)
{
    free(l->spans);
    *l = (struct span_list){0};
}

int span_add(struct span_list *l, struct span s, struct err *err)
{
    if (s.until_ms <= s.from_ms)
        return 0;
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        struct span *spans = reallocarray(l->spans, cap, sizeof(*spans));

        if (!spans)
            return err_set(err, -ENOMEM, "a calendar of %zu spans: %m", cap);
        l->spans = spans;
        l->cap = cap;
    }
    l->spans[l->n++] = s;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct span *x = a, *y = b;

    return x->from_ms < y->from_ms ? -1 : x->from_ms > y->from_ms;
}

void span_merge(struct span_list *l)
{
    size_t kept = 0;

    if (l->n == 0)
        return;
    qsort(l->spans, l->n, sizeof(*l->spans), compare);
    for (size_t i = 1; i < l->n; i++) {
        struct span *last = &l->spans[kept];

        if (l->spans[i].from_ms > last->until_ms)
            l->spans[++kept] = l->spans[i];
        else if (l->spans[i].until_ms > last->until_ms)
            last->until_ms = l->spans[i].until_ms;
    }
    l->n = kept + 1;
}

const struct span *span_at(const struct span_list *l, uint64_t at_ms)
{
    for (size_t i = 0; i < l->n && l->spans[i].from_ms <= at_ms; i++) {
        if (at_ms < l->spans[i].until_ms)
            return &l->spans[i];
    }
    return NULL;
}

/* The first closed span that meets [from, until), or NULL. */
static const struct span *first_meeting(const struct span_list *closed, uint64_t from_ms,
                                        uint64_t until_ms)
{
    for (size_t i = 0; closed && i < closed->n && closed->spans[i].from_ms < until_ms; i++) {
        if (closed->spans[i].until_ms > from_ms)
            return &closed->spans[i];
    }
    return NULL;
}

/* Within one open span, hop over what is closed. */
static int find_within(struct span open, const struct span_search *s, uint64_t *ret_ms)
{
    uint64_t t = open.from_ms > s->from_ms ? open.from_ms : s->from_ms;

    while (t < s->until_ms && t <= open.until_ms && open.until_ms - t >= s->len_ms) {
        const struct span *hit = first_meeting(s->closed, t, t + s->len_ms);

        if (!hit) {
            *ret_ms = t;
            return 0;
        }
        t = hit->until_ms;
    }
    return -ENOENT;
}

int span_find(const struct span_search *s, uint64_t *ret_ms)
{
    if (!s->open)
        return find_within((struct span){0, UINT64_MAX}, s, ret_ms);
    for (size_t i = 0; i < s->open->n; i++) {
        if (find_within(s->open->spans[i], s, ret_ms) == 0)
            return 0;
    }
    return -ENOENT;
}

/* Of one open span, what lies between the closed ones. */
static void take_longest(struct span open, const struct span_search *s, struct span *best)
{
    uint64_t t = open.from_ms > s->from_ms ? open.from_ms : s->from_ms;
    uint64_t end = open.until_ms < s->until_ms ? open.until_ms : s->until_ms;

    while (t < end) {
        const struct span *hit = first_meeting(s->closed, t, end);
        uint64_t stop = hit ? hit->from_ms : end;

        if (stop > t && stop - t > best->until_ms - best->from_ms)
            *best = (struct span){t, stop};
        t = hit ? hit->until_ms : end;
    }
}

struct span span_longest(const struct span_search *s)
{
    struct span best = {0};

    if (!s->open)
        take_longest((struct span){0, UINT64_MAX}, s, &best);
    for (size_t i = 0; s->open && i < s->open->n; i++)
        take_longest(s->open->spans[i], s, &best);
    return best;
}

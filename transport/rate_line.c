/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted list: there are as many waiters as streams of a host, some dozens at most. */
#include "transport/rate_line.h"

#include "base/num.h"

#include "base/banned.h"

void rate_line_join(struct rate_line *l, struct rate_flow *f, struct rate_waiter *w, uint64_t bytes)
{
    struct rate_waiter **at = &l->first;

    w->start = num_max(l->now, f->finish);
    w->bytes = bytes;
    f->finish = w->start + bytes;
    while (*at && (*at)->start <= w->start)
        at = &(*at)->next;
    w->next = *at;
    *at = w;
    l->waiting += bytes;
}

void rate_line_leave(struct rate_line *l, struct rate_flow *f, struct rate_waiter *w, bool passed)
{
    struct rate_waiter **at = &l->first;

    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    l->waiting -= w->bytes;
    if (passed)
        l->now = num_max(l->now, w->start);
    else
        f->finish -= w->bytes;
}

uint64_t rate_line_upto(const struct rate_line *l, const struct rate_waiter *w)
{
    uint64_t sum = w->bytes;

    for (const struct rate_waiter *i = l->first; i != w; i = i->next)
        sum += i->bytes;
    return sum;
}

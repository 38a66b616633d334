/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may pass next: start-time fair queueing. Flows (volumes) that wait get equal shares of the
 * bytes, whatever the sizes and the number of their requests; one that waited alone owes nothing.
 * No locks, no clock.
 */
#ifndef GODWIT_TRANSPORT_RATE_LINE_H
#define GODWIT_TRANSPORT_RATE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate_flow { /* zero it before use */
    uint64_t finish;
};

struct rate_waiter {
    struct rate_waiter *next;
    uint64_t start;
    uint64_t bytes;
};

struct rate_line { /* zero it before use */
    struct rate_waiter *first;
    uint64_t now;     /* start of whoever passed last */
    uint64_t waiting; /* bytes of all in the line */
};

/* w takes its place; it stays the caller's and must leave. */
void rate_line_join(struct rate_line *l, struct rate_flow *f, struct rate_waiter *w,
                    uint64_t bytes);
/* passed: its bytes went; else its flow is as if it had never come. */
void rate_line_leave(struct rate_line *l, struct rate_flow *f, struct rate_waiter *w, bool passed);
/* Bytes of w and of all before it. */
uint64_t rate_line_upto(const struct rate_line *l, const struct rate_waiter *w);

#endif

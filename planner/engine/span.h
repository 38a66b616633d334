/* SPDX-License-Identifier: Apache-2.0 */
/* Stretches of time, as sorted lists that do not overlap. */
#ifndef GODWIT_PLANNER_ENGINE_SPAN_H
#define GODWIT_PLANNER_ENGINE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct span {
    uint64_t from_ms, until_ms; /* wall clock; until is not part of it */
};

struct span_list {
    struct span *spans;
    size_t n, cap;
};

void span_done(struct span_list *l);
int span_add(struct span_list *l, struct span s,
             struct err *err);        /* any order; empty ones are dropped */
void span_merge(struct span_list *l); /* sort and join: call once after the adds */
/* The span that holds at_ms, or NULL. Merged lists only. */
const struct span *span_at(const struct span_list *l, uint64_t at_ms);

/*
 * The earliest t >= from_ms such that [t, t + len_ms) lies within one span of open (NULL:
 * everywhere; an empty list: nowhere) and meets none of closed. -ENOENT when there is none before
 * until_ms.
 */
struct span_search {
    const struct span_list *open, *closed;
    uint64_t from_ms, until_ms, len_ms;
};
int span_find(const struct span_search *search, uint64_t *ret_ms);
/* The longest stretch of the search that is open, the first of them; empty when nothing is. Its
 * len_ms is not looked at. */
struct span span_longest(const struct span_search *search);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong when: a function of a seed, of what kind a request is, and of how many of that
 * kind came before it. The same seed gives the same faults as long as the requests are the same.
 */
#ifndef GODWIT_TESTS_TOOL_PROXY_PLAN_H
#define GODWIT_TESTS_TOOL_PROXY_PLAN_H

#include <stdbool.h>
#include <stdint.h>

enum tool_proxy_fault {
    PROXY_NONE = 0,
    PROXY_500,        /* instead of doing anything */
    PROXY_503,        /* SlowDown */
    PROXY_EXPIRED,    /* 403 ExpiredToken */
    PROXY_SKEWED,     /* 403 RequestTimeTooSkewed */
    PROXY_HANG_UP,    /* close at once */
    PROXY_DELAY,      /* then all is well */
    PROXY_CUT_UP,     /* part of the body goes on, then both sides are closed */
    PROXY_FLIP_UP,    /* one bit of the body */
    PROXY_STALL_UP,   /* part of the body, then silence, then closed */
    PROXY_LOSE_REPLY, /* done, and nobody is told */
    PROXY_FAIL_AFTER, /* done, and 500 is said */
    PROXY_CUT_DOWN,   /* part of the reply's body, then closed */
    PROXY_FLIP_DOWN,  /* one bit of the reply's body */
    PROXY_FLIP_HEAD,  /* one bit of the reply's head; closed behind the reply */
    PROXY_STALL_DOWN,
    PROXY_FAULTS
};

enum { TOOL_PROXY_KINDS = 16 };

struct tool_proxy_plan {
    uint64_t seed; /* 0: nothing goes wrong */
    unsigned permille;
    uint32_t faults;       /* bits: those of this schedule */
    uint64_t outage_first; /* requests from here on find nobody, */
    uint64_t outage_n;     /* so many of them */
    uint64_t all;          /* requests so far */
    uint64_t counts[TOOL_PROXY_KINDS];
};

struct tool_proxy_entry {
    enum tool_proxy_fault fault;
    unsigned kind;
    uint64_t nth;   /* of its kind, from 0 */
    uint64_t param; /* anything: which byte, how long */
};

void tool_proxy_plan_init(struct tool_proxy_plan *p, uint64_t seed);
/* The next request: method and path as they came. */
void tool_proxy_plan_next(struct tool_proxy_plan *p, const char *method, const char *path,
                          struct tool_proxy_entry *ret);
const char *tool_proxy_plan_name(enum tool_proxy_fault f);
const char *tool_proxy_plan_kind(unsigned kind);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the rounds of replication share with a pass; nobody else includes this. */
#ifndef GODWIT_AGENT_REPL_PRIV_H
#define GODWIT_AGENT_REPL_PRIV_H

#include "agent/idle.h"
#include "agent/repl.h"

/* What the thread remembers of a volume; all of it may be lost. */
struct repl_volume {
    char name[ASSIGNMENT_NAME_MAX + 1];
    bool started, seeded;
    bool marked; /* mine_mark was done */
    int failure;
    unsigned gw, failures;
    uint64_t pass_ms;       /* of the last pass */
    uint64_t begun_mono_ms; /* of the last pass; 0 = none */
    uint64_t taken_mono_ms; /* when the last pass that ended well began; 0 = none */
    uint64_t late_wall_ms;  /* since when the target is missed; 0 = it is not */
    struct converge converge;
    uint64_t equal_wall_ms; /* this side equalled its point then */
    bool has_point;
    struct replica_point point;
    uint64_t volume_bytes; /* looked at while nothing is replicated yet; 0 = not known */
    struct idle idle;
    char alarm[ERR_TEXT_MAX]; /* what a scrub found; shown for a while */
    uint64_t alarm_mono_ms;   /* so long; 0 = none */
};

struct repl {
    struct workload *w;
    bool untrimmed; /* a pass moved data since memory was given back */
    uint64_t trim_mono_ms;
    uint64_t moment_mono_ms; /* the next consistent point is due then */
    unsigned moment_failures;
    bool thaw_owed;        /* thaw.h: what was frozen is to be thawed first of all */
    uint64_t thaw_mono_ms; /* not to be tried again before */
    unsigned thaw_failures;
    char moment_error[ERR_TEXT_MAX]; /* of the last attempt, "" = it came */
    size_t n;
    struct repl_volume v[ASSIGNMENT_VOLUMES_MAX];
};

uint64_t repl_mono(const struct repl *r);
uint64_t repl_wall(const struct repl *r);
struct repl_facts repl_facts_of(const struct repl *r, size_t i, enum ownership_role role);
/* Let people see volume i as it is now; err: of the pass that just failed, or NULL. */
void repl_publish(struct repl *r, size_t i, enum ownership_role role, const struct err *err);
/* One pass of volume i in that role. A failure is kept, logged once and published. */
void repl_pass(struct repl *r, size_t i, enum ownership_role role);

/* repl_moment.c: how long until a consistent point is due, UINT64_MAX = none is wanted or can be
 * had; and the attempt to make one. */
uint64_t repl_moment_wait_ms(const struct repl *r);
/* A new assignment: the next is due as its policy says after the last one, be that of an agent that
 * ended since. */
void repl_moment_assigned(struct repl *r);
void repl_moment(struct repl *r);
/* On the clock that nobody sets: when a point was taken that was made in an attempt. Never outside
 * of the attempt, whatever the wall clock says; 0 = nobody knows: when it began. */
struct repl_attempt {
    uint64_t begun_mono_ms;
    uint64_t end_mono_ms;
    uint64_t end_wall_ms;
};
uint64_t repl_moment_taken_mono(const struct repl_attempt *a, uint64_t taken_wall_ms);

#endif

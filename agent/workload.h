/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One workload on this host: its directory, its assignment, its waiting orders, and the one thread
 * that does everything to its volumes.
 *
 * An order always comes before replication, and interrupts it; a pass that was cut goes on later
 * where it stopped.
 */
#ifndef GODWIT_AGENT_WORKLOAD_H
#define GODWIT_AGENT_WORKLOAD_H

#include "agent/agent.h"
#include "agent/assignment.h"
#include "agent/claim.h"
#include "agent/repl.h"

#include <pthread.h>

struct order;
struct rate;
struct workers;

struct workload {
    struct agent *agent;
    char name[ASSIGNMENT_NAME_MAX + 1];
    char dir[PATH_MAX / 2]; /* STATE/workloads/NAME */
    struct workload *next;  /* in the fleet; never removed while the agent runs */

    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct assignment *assigned; /* guarded by lock: the newest, NULL = taken by the thread */
    struct order *waiting;       /* guarded by lock: first of a list in order of arrival */
    struct order *running;       /* guarded by lock: lent by the thread while it carries it out */
    bool replicating;            /* guarded by lock: a pass may be interrupted */
    bool unassigned;             /* guarded by lock: the planner names it no more */
    bool leaving;                /* guarded by lock: the thread ends */
    struct repl_status status[ASSIGNMENT_VOLUMES_MAX]; /* guarded by lock, but for progress */
    size_t status_n;                                   /* guarded by lock */
    uint64_t status_version;                           /* guarded by lock: grows with each change */
    struct claim claims[ASSIGNMENT_VOLUMES_MAX];       /* guarded by the lock of the fleet */
    atomic_bool interrupt;             /* ends the transport's work under way with -ECANCELED */
    _Atomic uint64_t deadline_mono_ms; /* of the running order; 0 = none */

    /* the thread's own */
    struct workers *thread;
    struct assignment *assignment; /* NULL until there is one */
    struct ownership own;
    struct err damage; /* why the record cannot be read: nothing may run or move; code 0 = whole */
    struct vault *vault;
    uint64_t vault_generation;
    struct rate *rate;
    struct repl *repl;
    bool owed; /* after a start of the agent: a fence to put up again, or services to start */
    uint64_t self_abort_next_mono_ms;
};

/* Take up dir (made when missing): record and last assignment. No thread yet. */
int workload_new(struct agent *agent, const char *name, struct workload **ret, struct err *err);
void workload_free(struct workload *w); /* after workload_stop */

/* Any thread. The assignment is durable before it counts; an equal one changes nothing, and
 * one that only limits otherwise counts at once for what runs. */
int workload_assign(struct workload *w, struct assignment *taken, struct err *err);
void workload_unassign(struct workload *w);
/* Any thread. An order that waits or runs already is dropped. */
void workload_order(struct workload *w, struct order *taken);
/* From the main thread, often: ends an order whose deadline is over. */
void workload_tick(struct workload *w);

int workload_start(struct workload *w, struct err *err);
void workload_stop(struct workload *w); /* asks; workload_join waits */
void workload_join(struct workload *w);
/* One order, or one round of replication; how long to wait before the next. */
uint64_t workload_step(struct workload *w);

/* The thread's own helpers. */

/* The vault, opened when needed and again when its configuration changed. Lent. */
int workload_vault(struct workload *w, struct vault **ret, struct err *err);
/* Move the record by ev and save it; nothing is written when it stays the same. failpoint_name is
 * passed after the save. */
int workload_own(struct workload *w, const struct ownership_event *ev, const char *failpoint_name,
                 struct err *err);
/* STATE/workloads/NAME/what. */
int workload_path(const struct workload *w, const char *what, char out[static PATH_MAX],
                  struct err *err);
/* True once the interrupt was called. */
bool workload_interrupted(const struct workload *w);

/* All workloads of the agent. */
int fleet_new(struct agent *agent, struct fleet **ret, struct err *err); /* those in STATE */
void fleet_free(struct fleet *f);                                        /* stops and joins them */
int fleet_start(struct fleet *f, struct err *err);
/* The workload of that name, made and started when it is new. */
int fleet_get(struct fleet *f, const char *name, struct workload **ret, struct err *err);
typedef void (*fleet_fn)(void *arg, struct workload *w);
void fleet_each(struct fleet *f, fleet_fn fn, void *arg);
void fleet_stop(struct fleet *f); /* asks all */
/*
 * Volume i of w is what its device leads to now. -EEXIST (GW_VOLUME_SHARED) when another volume of
 * this agent is the same; who came first keeps it until it is assigned no more.
 */
int fleet_claim(struct fleet *f, struct workload *w, size_t i, struct err *err);
/* Whoever rests keeps what it has, so that nobody else takes it meanwhile. */
void fleet_claim_all(struct fleet *f, struct workload *w);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Continuous replication of one workload: passes that push while it owns, pulls while it follows.
 *
 * repl_judge decides the state that people see; repl_round does one round over the volumes. Never
 * writes to a volume of a workload that is writable here, and pushes only one that is.
 */
#ifndef GODWIT_AGENT_REPL_H
#define GODWIT_AGENT_REPL_H

#include "agent/assignment.h"
#include "agent/converge.h"
#include "agent/stamp.h"
#include "base/err.h"
#include "transport/progress_rate.h"
#include "transport/replica.h"

struct jsw;
struct repl;
struct workload;

enum repl_state {
    REPL_STOPPED,
    REPL_INITIATING,
    REPL_INITIAL_SYNC,
    REPL_BACKLOG,
    REPL_CONTINUOUS,
    REPL_PAUSED,
    REPL_RESCAN,
    REPL_STALLED,
    REPL_DISCONNECTED,
};
const char *repl_state_name(enum repl_state s); /* "initial_sync", … */

/* What is known of a volume when its state is judged. */
struct repl_facts {
    enum ownership_role role; /* as it acts, not as assigned */
    bool record_damaged;
    bool fenced;
    bool paused;
    bool started;         /* a pass began since the agent runs */
    bool seeded;          /* this side has held a whole point once */
    int failure;          /* of the last pass: 0 or negative errno */
    unsigned gw;          /* its row of the catalogue */
    unsigned failures;    /* in a row */
    uint64_t behind_ms;   /* now minus the moment at which this side equals the newest point */
    uint64_t interval_ms; /* what the planner wants between passes */
    uint64_t target_ms;   /* or how old what the store has may be; 0 = not said */
    bool diverges;        /* passes cannot keep up (converge.h) */
    uint64_t pass_ms;     /* of the last pass */
    bool incomplete;      /* a part of its newest point could not be read */
    uint64_t round_ms;    /* of the last passes of all volumes, which come one after the other */
};

/* The state and, when it is not going well, a reason ("store_unreachable", …), else NULL. */
enum repl_state repl_judge(const struct repl_facts *f, const char **ret_reason);

/* How long after the start of the last pass the next one begins. A volume without a cheap tracker
 * is read whole each time: passes never take more than half of the time, unless a lag is wanted
 * that takes more. failures in a row wait longer each time, up to a minute. */
uint64_t repl_pause_ms(const struct repl_facts *f);
/* The lag that is wanted, and from where on people look when none was asked for. */
struct converge_target repl_target(const struct repl_facts *f);

struct repl_status {
    char volume[ASSIGNMENT_NAME_MAX + 1];
    enum ownership_role role;
    enum repl_state state;
    const char *reason; /* static text or NULL */
    uint64_t epoch;
    bool has_point;
    struct replica_point point; /* the newest that this side is known to equal or hold */
    uint64_t volume_bytes;      /* as found here before replication began; 0 = not looked at */
    uint64_t equal_wall_ms;     /* when it was last known equal to that point's data */
    uint64_t told_wall_ms;      /* equal_wall_ms when it was last news */
    uint64_t verified_wall_ms;  /* 0 = never */
    uint64_t write_bytes_per_s, send_bytes_per_s;
    uint64_t pass_ms;
    char error[ERR_TEXT_MAX];            /* "" = none */
    struct stamp consistent;             /* the newest consistent point that was made here */
    char consistent_error[ERR_TEXT_MAX]; /* why there is no newer one, "" = nothing stood against it
                                          */
    struct converge converge;            /* of who pushes, as the next four */
    struct converge_target target;
    uint64_t late_wall_ms;  /* since when the target is missed; 0 = it is not, or there is none */
    uint64_t begun_mono_ms; /* of the pass under way; 0 = none */
    uint64_t since_ms;      /* from the start of the pass before it */
    struct progress_rate pace; /* of the pass under way: who reports looks */
    struct replica_progress progress;
};

int repl_new(struct workload *w, struct repl **ret, struct err *err);
void repl_free(struct repl *r);
/* One round; the milliseconds to wait before the next. Only from the workload's thread. */
uint64_t repl_round(struct repl *r);
/* Thaw what a consistent point froze, if that is still owed (thaw.h). hurry: an order waits, and
 * does so for at most ten seconds a hook; else whatever comes interrupts it, and it is owed still.
 */
void repl_settle_thaw(struct repl *r, bool hurry);
/* A new assignment: forget what no longer fits. */
void repl_assigned(struct repl *r);
/* Where the state of volume i is kept. */
int repl_state_dir(struct workload *w, size_t i, char out[static PATH_MAX], struct err *err);
/* What the transport needs to push or pull volume i: paths, vault, progress, the interrupt. out_dir
 * holds the state directory and is lent to ret. */
int repl_run(struct workload *w, size_t i, char out_dir[static PATH_MAX], struct replica_run *ret,
             struct err *err);
/* Before a pull writes volume i: nobody else uses it, it holds nobody else's data (mine.h), and it
 * can be written. -EEXIST (GW_VOLUME_SHARED), -ENOTEMPTY (GW_VOLUME_NOT_EMPTY). */
int repl_take(struct workload *w, size_t i, struct err *err);
/* Drop what is believed of volume i: the next pull compares every block. */
int repl_forget(struct workload *w, size_t i, struct err *err);
/* 0 when the volumes may be written by following; -EBUSY while an applied epoch is not known to be
 * aborted; -EPERM when this side owns. */
int repl_may_follow(struct workload *w, struct err *err);
/* What an order learned: volume i now equals point (FINAL pushed, applied, verified). */
void repl_learned(struct repl *r, size_t i, const struct replica_point *point, bool verified);
/* The next round looks at once. */
void repl_hurry(struct repl *r);

/* The elements of "replication" for one workload, into the array that w has open; any thread. */
void repl_write(struct workload *w, struct jsw *out);

#endif

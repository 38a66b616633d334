/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A workload as the planner knows it: its document, parsed, and the row that a switch moves.
 *
 * `authority`, `epoch` and `holder` change only in workload_set_authority. Everything else that
 * reports and operators drive is in workload_state.h, gate.h and api_workload.c.
 */
#ifndef GODWIT_PLANNER_SERVICE_WORKLOAD_H
#define GODWIT_PLANNER_SERVICE_WORKLOAD_H

#include "planner/service/service.h"

enum {
    WORKLOAD_NAME_MAX = 64,
    WORKLOAD_RATE_TABLE_MAX = 512,
    WORKLOAD_VOLUMES_MAX = 64,
    WORKLOAD_REPLICA_MAX = 128
};

enum workload_side { WORKLOAD_SOURCE = 0, WORKLOAD_TARGET = 1 };

enum workload_authority { WORKLOAD_AT_SOURCE, WORKLOAD_FROZEN, WORKLOAD_AT_TARGET };

enum workload_lifecycle {
    WORKLOAD_DISCOVERED, /* known, replication not begun */
    WORKLOAD_PENDING_INSTALLATION,
    WORKLOAD_NOT_READY,
    WORKLOAD_READY_FOR_TEST,
    WORKLOAD_TESTING,
    WORKLOAD_READY_FOR_CUTOVER,
    WORKLOAD_CUTTING_OVER,
    WORKLOAD_AWAITING_COMMIT, /* cut over, the way back is open */
    WORKLOAD_ROLLING_BACK,
    WORKLOAD_CUTOVER_COMPLETE, /* finalized */
    WORKLOAD_DECOMMISSIONED,
    WORKLOAD_LIFECYCLES,
};

struct workload_place {
    char host[WORKLOAD_NAME_MAX];     /* its name */
    char identity[WORKLOAD_NAME_MAX]; /* "" while no agent of that name has enrolled */
    const char *device;
    const char *mount; /* or NULL */
    bool shrink;       /* it was made smaller on purpose: the replica may be cut to it */
    bool overwrite;    /* of a target: what it holds may be destroyed by the first copy */
};

struct workload_volume {
    char name[WORKLOAD_NAME_MAX];
    char replica[WORKLOAD_REPLICA_MAX]; /* "<workload>/<volume>" */
    struct workload_place at[2];        /* by workload_side */
    uint64_t interval_s, target_lag_s;  /* 0 = the workload's */
};

struct workload_host {
    const char *name;
    const char *identity; /* "" while not enrolled */
};

struct workload_limits {
    uint64_t max_lag_s, max_downtime_s, observe_s, interval_s, rate_bytes_per_s;
    uint64_t target_lag_s;      /* what the store has is no older than that; 0 = not asked for */
    uint64_t self_abort_s;      /* a fenced holder may abort by itself after so long */
    uint64_t consistent_s;      /* a consistent point every so often; 0 = none */
    uint64_t freeze_ms;         /* how long file systems may be frozen for one */
    uint64_t compact_percent;   /* of what changes send, for what lies scattered; 0 = none */
    uint64_t scrub_bytes_per_s; /* read of what did not change; 0 = none */
    uint64_t verify_max_age_s;  /* a verification older than this does not open the gate */
    bool require_test;
};

/* What operators changed with POST …/sync. */
struct workload_control {
    bool paused;
    int64_t interval_s;                       /* -1 = as the document says */
    int64_t rate_bytes_per_s;                 /* -1 = as the document says, 0 = unlimited */
    char rate_table[WORKLOAD_RATE_TABLE_MAX]; /* a timetable instead, or "" */
};

struct workload {
    char name[WORKLOAD_NAME_MAX];
    struct js *doc;         /* godwit.workload/1, owned */
    const struct js *hooks; /* its member "hooks", or NULL */
    const struct js *health;
    const struct js *depends;
    const struct js *apart; /* from whom it is kept in another wave */
    size_t volumes_n;
    struct workload_volume *volumes;
    size_t hosts_n[2];
    struct workload_host *hosts[2]; /* each side's hosts once, in order of the volumes */
    struct workload_limits limits;
    struct workload_control control;

    enum workload_lifecycle lifecycle;
    enum workload_authority authority;
    enum workload_side holder;    /* who writes; while frozen, who wrote before */
    uint64_t epoch;               /* of the last switch that was opened */
    uint64_t settled_epoch;       /* of the last that ended: what assignments say */
    char wave[WORKLOAD_NAME_MAX]; /* of the applied plan, "" = none */
    uint64_t start_ms;            /* replication starts then, 0 = not applied */
    uint64_t tested_ms;           /* last passed test, 0 = never */
    uint64_t switched_ms;         /* last change of authority to source or target, 0 = never */
    bool released;                /* finalized: agents were told to forget it */
};

/* -ENOENT (GW_API_NOT_FOUND). */
int workload_load(struct service *svc, const char *name, struct workload **ret, struct err *err);
void workload_free(struct workload *w);
static inline void workload_freep(struct workload **w)
{
    workload_free(*w);
}
#define auto_workload AUTO(workload_freep)

/* Replication was started (start_ms is set and has come) and not finalized. */
bool workload_is_applied(const struct workload *w, uint64_t now_ms);
enum workload_side workload_other(enum workload_side side);

/*
 * Move the right to write: compare-and-swap on (authority, epoch).
 *
 * To frozen, epoch must be above; from frozen, epoch stays. From frozen to source or target, that
 * side becomes the holder, assignments change with it and agents are told. -EEXIST
 * (GW_API_CONFLICT) when the row is not as `from` says: read it again.
 */
struct workload_move {
    enum workload_authority from;
    uint64_t from_epoch;
    enum workload_authority to;
    uint64_t to_epoch;
};
int workload_set_authority(struct service *svc, const char *name, const struct workload_move *move,
                           struct err *err);
int workload_set_lifecycle(struct service *svc, const char *name, enum workload_lifecycle to,
                           struct err *err);
/* Let reports decide again (workload_state.h): after a switch, a test or a report. */
int workload_refresh(struct service *svc, const char *name, struct err *err);
/* 1 = an operation of it is open, 0 = none. */
int workload_has_open_op(struct service *svc, const char *name, struct err *err);
/* A test passed at wall_ms. */
int workload_set_tested(struct service *svc, const char *name, uint64_t wall_ms, struct err *err);
/* After finalize: no more assignments for it. */
int workload_set_released(struct service *svc, const char *name, struct err *err);

const char *workload_lifecycle_name(enum workload_lifecycle v); /* "ready_for_test" */
bool workload_lifecycle_parse(const char *name, enum workload_lifecycle *ret);
const char *workload_authority_name(enum workload_authority v); /* "source" */
bool workload_authority_parse(const char *name, enum workload_authority *ret);
const char *workload_side_name(enum workload_side v);

/* What agents of workload are assigned may have changed: look again and wake their polls. */
void service_config_changed(struct service *svc, const char *workload);

#endif

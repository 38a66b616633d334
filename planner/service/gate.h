/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate of a switch: everything that must hold before it may begin, each with its own text.
 *
 * gate_evaluate is pure; gate_check collects the facts from the database. A workload whose
 * authority is target is asked about its way back: then window, test, verification and dependencies
 * do not count.
 */
#ifndef GODWIT_PLANNER_SERVICE_GATE_H
#define GODWIT_PLANNER_SERVICE_GATE_H

#include "planner/service/service.h"

enum { GATE_ROWS_MAX = 16, GATE_TEXT_MAX = 200, GATE_NAME_MAX = 24 };

/* What an operator asked for instead of the workload's limits; 0 = the workload's. */
struct gate_limits {
    uint64_t max_lag_s;
    uint64_t max_downtime_s;
    const char *own_op; /* an operation that does not count as open (the asker itself), or NULL */
};

struct gate_row {
    char name[GATE_NAME_MAX]; /* "lag", "verified", "tested", "window", … */
    bool ok;
    char text[GATE_TEXT_MAX]; /* "lag 3s <= 60s" */
};

struct gate_result {
    bool open; /* every row is ok */
    size_t rows_n;
    struct gate_row rows[GATE_ROWS_MAX];
    bool has_lag; /* every volume has a point applied on the other side */
    double lag_s; /* of the worst volume */
    double expected_downtime_s;
};

struct gate_volume {
    const char *name;
    bool seen_holder, seen_other; /* both agents reported lately */
    bool has_point;               /* the other side has applied one of this direction */
    double lag_s;
    double verified_age_s;   /* below 0 = never */
    double apply_s;          /* last pass + digest, as reported */
    double consistent_age_s; /* of its newest consistent point; below 0 = there is none */
    const char *bad;         /* an error or a stall in words, or NULL */
};

struct gate_facts {
    bool rollback;
    bool settled;  /* authority is source or target */
    bool applied;  /* replication was started */
    bool released; /* finalized: there is no way back */
    bool paused;
    bool quarantined;
    const char *open_op; /* id, or NULL */
    uint64_t max_lag_s, max_downtime_s, verify_max_age_s;
    bool require_test;
    bool wants_points;        /* consistent ones were asked for */
    double tested_age_s;      /* below 0 = never */
    const char *blackout;     /* the closed calendar in words, or NULL */
    const char *depends_open; /* the first dependency that is not at the target, or NULL */
    size_t volumes_n;
    const struct gate_volume *volumes;
};

void gate_evaluate(const struct gate_facts *facts, struct gate_result *ret);

/* limits may be NULL. -ENOENT when there is no such workload. A closed gate is no error. */
int gate_check(struct service *svc, const char *workload, const struct gate_limits *limits,
               struct gate_result *ret, struct err *err);

/* One more row, which closes it. */
void gate_refuse(struct gate_result *gate, const char *name, const char *text);

struct jsw;
/* As member key: {"open", "reasons": [text of the rows that are not ok], "rows": [...]}. */
void gate_write(const struct gate_result *gate, struct jsw *w, const char *key);

#endif

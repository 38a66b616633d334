/* SPDX-License-Identifier: Apache-2.0 */
/* The plan while it is made: parsed input and policy, then waves, then times. Internal to plan_*.c.
 */
#ifndef GODWIT_PLANNER_ENGINE_PLAN_MODEL_H
#define GODWIT_PLANNER_ENGINE_PLAN_MODEL_H

#include "planner/engine/plan.h"
#include "planner/engine/span.h"
#include "planner/engine/wave_link.h"

enum { PLAN_HASH_MAX = 17, PLAN_NAME_MAX = 64, PLAN_REASON_MAX = 256, PLAN_REASONS_MAX = 6 };
enum { PLAN_DAY_MS = 86400000 };

enum plan_rule {
    RULE_PILOT,
    RULE_DEPENDS,
    RULE_PIN,
    RULE_CAPACITY,
    RULE_ORDER,
    RULE_CONVERGE,
    RULE_UNSEEN,
    RULE_LEAST_COST,
    RULE_KEPT,
    RULE_APART
};

struct plan_reason {
    enum plan_rule rule;
    char text[PLAN_REASON_MAX];
};

struct plan_workload {
    const char *name;
    const struct js *doc; /* its part of the input */
    size_t depends_n;
    size_t *depends;                 /* indices */
    const struct plan_apart *aparts; /* [aparts_n], of the model: said at either end */
    size_t aparts_n;
    size_t hosts_n;
    uint64_t bytes, remaining_bytes, write_bytes_per_s, peak_bytes_per_s;
    unsigned pin;          /* wave, 0 = none */
    unsigned planned_wave; /* where the plan in force has it, 0 = nowhere: it stays if it can */
    bool kept;             /* it did */
    const char
        *unseen;    /* why nothing is known of it, or NULL: what nobody has seen is not planned */
    bool moved;     /* in the cloud already: it meets dependencies and is not planned */
    unsigned level; /* 1 + the highest level of what it depends on */
    unsigned wave;  /* 0 = not placed */
    bool converges;
    size_t reasons_n;
    struct plan_reason reasons[PLAN_REASONS_MAX];
};

struct plan_wave {
    unsigned number;
    size_t workloads_n, hosts_n;
    uint64_t bytes, remaining_bytes, write_bytes_per_s;
    uint64_t seed_from_ms, seed_until_ms;
    uint64_t buffer_ms; /* between seed and cutover, for what takes longer than planned */
    uint64_t cutover_from_ms, cutover_until_ms; /* 0 = no window found */
    struct span opening;                        /* then the longest there is; empty: none */
    bool late; /* the days that are searched end before its turn comes */
    const char *risk;
};

/* Two that must not be in one wave; there once from each end. */
struct plan_apart {
    size_t who, other; /* indices */
};

/* Of plan_optimise.c; in the currency of the input. */
struct plan_least_cost {
    bool used;
    double cost, bound, gap;
};

struct plan_policy {
    double link_share, traffic_cost_per_gib;
    uint64_t max_hosts, max_bytes, max_workloads, soak_s, cutover_s, horizon_days, dual_run_days;
    bool pilot;
};

struct plan_model {
    uint64_t now_ms, link_bytes_per_s;
    struct plan_policy policy;
    size_t n;
    struct plan_workload *workloads;
    size_t aparts_n;
    struct plan_apart *aparts; /* by who */
    size_t *order;             /* indices: dependencies first, then by size and name */
    unsigned first_wave;       /* of those that the plan in force has yet to move; 1 without one */
    bool any_window;           /* there is one, be it before now or behind the horizon */
    struct span_list open, closed;
    size_t waves_n;
    struct plan_wave waves[PLAN_WAVES_MAX];
    struct plan_least_cost least_cost;
    struct wave_slip slip; /* how long what was planned has taken */
};

/* plan_policy.c: doc, or the defaults where it is NULL. -EINVAL, -ERANGE: a member that there is
 * not, or out of its range. */
int plan_policy_read(const struct js *doc, struct plan_policy *ret, struct err *err);

/* plan_read.c: fills everything up to `order`. */
int plan_read(const struct js *input, const struct js *policy, struct plan_model *ret,
              struct err *err);
void plan_model_done(struct plan_model *m);
/* plan_wave.c */
void plan_wave_assign(struct plan_model *m);
void plan_wave_put(struct plan_model *m, struct plan_workload *w, unsigned number);
/* plan_optimise.c: what is assigned anew, where it costs least, when the input says what it costs.
 */
int plan_optimise(struct plan_model *m, struct err *err);
/* plan_read.c: NULL when there is none of that name. */
struct plan_workload *plan_find(const struct plan_model *m, const char *name);
/* plan_time.c */
void plan_time_assign(struct plan_model *m);
/* What the link leaves for moving, in bytes per second. */
uint64_t plan_time_share(const struct plan_model *m);
/* plan_write.c */
int plan_write(const struct plan_model *m, const struct js *input, struct js **ret,
               struct err *err);
/* "" when the input has none: what of the calendars a plan was made with. */
int plan_calendars_hash(const struct js *input, char out[static PLAN_HASH_MAX], struct err *err);

void plan_reason_add(struct plan_workload *w, enum plan_rule rule, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
const char *plan_rule_name(enum plan_rule rule);

#endif

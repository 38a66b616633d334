/* SPDX-License-Identifier: Apache-2.0 */
/* The bill while it is made. Internal to cost*.c. */
#ifndef GODWIT_PLANNER_ENGINE_COST_MODEL_H
#define GODWIT_PLANNER_ENGINE_COST_MODEL_H

#include "planner/engine/catalogue.h"
#include "planner/engine/cost.h"
#include "planner/engine/cost_rates.h"
#include "planner/engine/money.h"

#include "base/auto.h"

struct estate_host;
struct js;

/* move is IDC + DUAL + CLOUD. */
enum cost_path { COST_STAY, COST_IDC, COST_DUAL, COST_CLOUD, COST_MOVED, COST_PATHS };

enum { COST_NEVER = 1 << 20, COST_TERM_MONTHS = 36, COST_WEEK = 168, COST_HOURS = 730 };

/* Every amount, added up three ways. */
struct cost_ledger {
    size_t months, workloads; /* workloads: the last one is of hosts that have none */
    int64_t *by_head;         /* [path][head][month] */
    int64_t *by_workload;     /* [path][workload][month] */
    int64_t *by_both;         /* [path][workload][head] */
};

/* A machine of the data centre, or the part of one that a machine without a known host takes. */
struct cost_box {
    uint64_t share_ppm; /* of a server */
    uint64_t cores, gib, gpus;
    int64_t micro_watts;
    bool hypervisor;
    int64_t price;
    long born, refresh, life; /* months from the start; born and refresh may be below 0 */
    unsigned gone;            /* the first month without it */
    const struct estate_host *host;
    const char *rack; /* "" not known */
    size_t first, n;  /* those that pay for it: in by_box */
};

struct cost_host {
    const struct estate_host *host;
    size_t workload, box;
    bool carries;         /* others run on it: it does not move, it becomes empty */
    unsigned moves, gone; /* month of its cutover; the first month in which it left */
    uint64_t weight;      /* its part of what is shared: cores */

    const struct catalogue_shape *shape; /* NULL: not priced */
    char why[128];                       /* not priced, why */
    uint64_t hour[CATALOGUE_TERMS];      /* in our currency; 0: not sold */
    unsigned need_hours, week_hours;     /* of 168: in which it is needed; which are paid */
    enum catalogue_term term;
    uint64_t data_gib, disk_gib, egress_gib;
    int64_t disk_month, egress_month, vault_month; /* before prices fall */
};

/* Machines of one workload with one name stem and one shape: what may scale together. */
struct cost_set {
    size_t first, n;    /* in by_set */
    unsigned base;      /* as many are needed all the time */
    bool scales, known; /* tagged so; its week is known */
    int64_t full_month, shaped_month;
};

struct cost_model {
    const struct cost_spec *spec;
    const struct cost_rates *rates;
    int64_t fall; /* of prices: percent a year, times a million */
    size_t months;
    uint64_t index[COST_MONTHS_MAX + 2 * COST_TERM_MONTHS]; /* of prices, millionths */
    struct cost_host *hosts;
    size_t hosts_n, workloads_n;
    struct cost_box *boxes;
    size_t boxes_n;
    size_t *by_box, *by_set; /* hosts in the order of boxes; of sets */
    size_t *all, all_n;      /* who shares what all share: whom nothing runs on */
    struct cost_set *sets;
    size_t sets_n;
    int64_t way_back;               /* what the provider asks for all data that leaves again */
    unsigned first_move, last_gone; /* COST_NEVER: nothing moves */
    struct cost_ledger ledger;
};

/* -- cost_ledger.c -- */

int cost_ledger_init(struct cost_ledger *l, size_t months, size_t workloads, struct err *err);
void cost_ledger_done(struct cost_ledger *l);
void cost_ledger_clear(struct cost_ledger *l);
int64_t cost_ledger_head(const struct cost_ledger *l, enum cost_path p, enum cost_head h, size_t m);
int64_t cost_ledger_workload(const struct cost_ledger *l, enum cost_path p, size_t w, size_t m);
int64_t cost_ledger_both(const struct cost_ledger *l, enum cost_path p, size_t w, enum cost_head h);
int64_t cost_ledger_month(const struct cost_ledger *l, enum cost_path p, size_t m);
int64_t cost_ledger_total(const struct cost_ledger *l, enum cost_path p);

/* One amount; nothing of heads that are switched off. */
void cost_post(struct cost_model *m, enum cost_path path, enum cost_head head, size_t workload,
               size_t month, int64_t micros);
/* The same, divided among hosts (indices, n of them) by weight; the parts add up. */
struct cost_share {
    const size_t *hosts;
    size_t n;
};
void cost_post_shared(struct cost_model *m, enum cost_path path, enum cost_head head,
                      struct cost_share among, size_t month, int64_t micros);

/* -- the parts, in order -- */

/* cost_hosts.c: hosts, their workloads and boxes. */
int cost_hosts_init(struct cost_model *m, struct err *err);
void cost_hosts_done(struct cost_model *m);
/* cost_when.c: when each of them moves. */
int cost_when(struct cost_model *m, struct err *err);
/* cost_shapes.c: what each would be in the cloud; cost_sets.c: which scale together. */
int cost_shapes(struct cost_model *m, struct err *err);
int cost_sets(struct cost_model *m, struct err *err);
/* cost_terms.c: prices as they fall; then how everything is bought at those. */
void cost_terms(struct cost_model *m);
/* cost_site.c, cost_cloud.c, cost_way.c: post the data centre, the cloud, the way there. */
int cost_site(struct cost_model *m, struct err *err);
void cost_cloud(struct cost_model *m);
void cost_way(struct cost_model *m);
/* What compute of h costs in a month, which is `age` months after it began in month `from`. */
int64_t cost_compute_month(const struct cost_model *m, const struct cost_host *h, size_t from,
                           size_t age);

/* cost_write.c */
int cost_write(struct cost_model *m, struct js **ret, struct err *err);
/* cost.c: post everything anew at another fall of prices. */
int cost_post_all(struct cost_model *m, int64_t fall, struct err *err);

#endif

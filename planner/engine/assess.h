/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a workload: one of the seven ways (rehost, replatform, refactor, repurchase,
 * relocate, retain, retire), with what speaks for it and what against. Rules look at the software
 * that was recognised, at machines and systems, and at the shape of the load; each gives points and
 * says why. The most points win.
 *
 * To add a rule: a function in assess.c, its row in rules[], its case in tests/unit_assess.c.
 */
#ifndef GODWIT_PLANNER_ENGINE_ASSESS_H
#define GODWIT_PLANNER_ENGINE_ASSESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct estate;
struct estate_groups;
struct estate_host;
struct js;
struct software;

enum assess_way {
    ASSESS_REHOST,
    ASSESS_REPLATFORM,
    ASSESS_REFACTOR,
    ASSESS_REPURCHASE,
    ASSESS_RELOCATE,
    ASSESS_RETAIN,
    ASSESS_RETIRE,
    ASSESS_WAYS
};

enum { ASSESS_REASONS_MAX = 32, ASSESS_TEXT_MAX = 200, ASSESS_PROGRAMS_MAX = 16 };

/* What rules look at. Counts are of hosts. */
struct assess_facts {
    size_t hosts, off, idle, carried, arm; /* carried: by a hypervisor; arm: could go to Arm */
    size_t foreign;                        /* of an architecture or system that clouds lack */
    const char *foreign_name, *old_name, *owners_way;     /* "" none */
    const struct software *programs[ASSESS_PROGRAMS_MAX]; /* recognised, each once */
    size_t programs_n, unknown_n;                         /* names that were not recognised */
    bool keeps_state, systems_known, containers;
    uint64_t gpus, data_bytes;
    double cpu_mean, peak_to_mean, days; /* mean below 0: not measured; 0 not known */
    unsigned quiet_hours;                /* of the week, that nearly nothing happens in */
    const char *due;                     /* the first date its hardware is to be renewed; "" */
};

struct assess_reason {
    enum assess_way way;
    int points; /* 0 or less: speaks against it */
    const char *rule;
    char text[ASSESS_TEXT_MAX];
};

struct assess {
    struct assess_reason reasons[ASSESS_REASONS_MAX];
    size_t n;
    int points[ASSESS_WAYS];
    enum assess_way way; /* the one with most points; of equals the first in the enum */
    double confidence;   /* its share of its points and the next one's */
};

struct assess_rule {
    const char *name;
    void (*judge)(const struct assess_facts *f, struct assess *a);
};

const struct assess_rule *assess_rules(size_t *ret_n);
const char *assess_way_name(enum assess_way way);

/* The facts of hosts [n] of a settled estate. */
struct assess_facts assess_facts_of(const struct estate_host *const *hosts, size_t n);
struct assess assess_of(const struct assess_facts *f);

/* godwit.assessment/1 (docs/planner.md) of groups and hubs of e. -ENOMEM. */
int assess_write(const struct estate *e, const struct estate_groups *g, struct js **ret,
                 struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What things cost that no price list has: power, space, people, effort. A godwit.rates/1 document,
 * reviewed like code: every value with its source, every head can be switched off with a reason.
 */
#ifndef GODWIT_PLANNER_ENGINE_COST_RATES_H
#define GODWIT_PLANNER_ENGINE_COST_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct js;
struct jsw;

enum { COST_TEXT_MAX = 200, COST_SCENARIOS_MAX = 8, COST_MONTHS_MAX = 240 };

/* One row of what a bill is made of. */
enum cost_head {
    COST_HARDWARE,
    COST_MAINTENANCE,
    COST_POWER,
    COST_SPACE,
    COST_LINE,
    COST_LICENCES,
    COST_PEOPLE,
    COST_DISKS,
    COST_COMPUTE,
    COST_BLOCK,
    COST_EGRESS,
    COST_SUPPORT,
    COST_EFFORT,
    COST_LINK,
    COST_VAULT,
    COST_LANDING,
    COST_DECOMMISSION,
    COST_WRITE_OFF,
    COST_HEADS,
};

struct cost_head_row {
    const char *key, *what;
    const char *how; /* in the names of rates */
};
extern const struct cost_head_row cost_heads[COST_HEADS];

/* To add a rate: a name here, its row in cost_rates.c; documents have it then. */
enum cost_rate {
    RATE_SERVER_BASE,
    RATE_SERVER_PER_CORE,
    RATE_SERVER_PER_GIB,
    RATE_SERVER_PER_GPU,
    RATE_SERVER_LIFE,
    RATE_OVERCOMMIT,
    RATE_SERVER_CORES,
    RATE_MAINTENANCE,
    RATE_KWH,
    RATE_PUE,
    RATE_WATTS_BASE,
    RATE_WATTS_PER_CORE,
    RATE_WATTS_PER_GPU,
    RATE_RACK,
    RATE_RACK_HOSTS,
    RATE_IDC_LINE,
    RATE_WINDOWS_CORE,
    RATE_HYPERVISOR_CORE,
    RATE_WINDOWS_VCPU_HOUR,
    RATE_ADMIN,
    RATE_IDC_HOSTS_PER_ADMIN,
    RATE_CLOUD_HOSTS_PER_ADMIN,
    RATE_IDC_DISK,
    RATE_DISK_HEADROOM,
    RATE_BLOCK,
    RATE_OBJECT,
    RATE_EGRESS,
    RATE_EGRESS_SHARE,
    RATE_SUPPORT,
    RATE_COMMIT_YEARS,
    RATE_ELASTIC,
    RATE_DAY,
    RATE_DAYS_PER_HOST,
    RATE_DAYS_PER_WORKLOAD,
    RATE_PROGRAMME,
    RATE_LINK,
    RATE_LANDING,
    RATE_DUAL_MONTHS,
    RATE_KEEP_MONTHS,
    RATE_BEGIN_MONTH,
    RATE_MOVE_MONTHS,
    RATE_DECOMMISSION,
    RATE_PRICES_FALL,
    RATE_MONTHS,
    COST_RATES,
};

struct cost_value {
    int64_t micros; /* the value times a million, money or not */
    char source[COST_TEXT_MAX];
    bool given; /* by the document */
};

struct cost_rates {
    char currency[4];
    struct cost_value value[COST_RATES];
    bool off[COST_HEADS];
    char off_why[COST_HEADS][COST_TEXT_MAX];
    int64_t exchange; /* one of the catalogue's currency in ours, times a million */
    char exchange_from[4], exchange_source[COST_TEXT_MAX];
    int64_t scenarios[COST_SCENARIOS_MAX]; /* prices fall so many percent a year, times a million */
    size_t scenarios_n;
};

/* The defaults, in US dollars. */
void cost_rates_default(struct cost_rates *ret);

/*
 * A document over the defaults; NULL: the defaults. -EINVAL (GW_BAD_DOCUMENT): unknown members, no
 * source, values out of range; err names them. A document in another currency than US dollars must
 * give every amount of money itself.
 */
int cost_rates_read(const struct js *doc, struct cost_rates *ret, struct err *err);

/* A whole number; what is behind the point is dropped. */
uint64_t cost_rate_count(const struct cost_rates *r, enum cost_rate rate);

/* As a godwit.rates/1 document: to begin one's own with. */
int cost_rates_write(const struct cost_rates *r, struct js **ret, struct err *err);
/* The members of "rates" alone, each with its unit, into an open array. */
void cost_rates_list(const struct cost_rates *r, struct jsw *w);

#endif

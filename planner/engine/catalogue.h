/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A price list: the shapes of one provider in one region, in one currency, each with the date of
 * its price; beside them what storage and traffic cost. How lists are read is catalogue_read.h's.
 *
 * Prices are millionths of the currency, as written: what is finer is cut off.
 */
#ifndef GODWIT_PLANNER_ENGINE_CATALOGUE_H
#define GODWIT_PLANNER_ENGINE_CATALOGUE_H

#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CATALOGUE_NAME_MAX = 64,
    CATALOGUE_CURRENCY_MAX = 4,
    CATALOGUE_DATE_MAX = 11,
    CATALOGUE_SHAPES_MAX = 100000,
    CATALOGUE_RATES_MAX = 1000,
};

/* How a shape is paid for. All are prices of an hour. */
enum catalogue_term {
    CATALOGUE_ON_DEMAND,
    CATALOGUE_RESERVED_1Y, /* what is paid in advance is spread over the hours of the term */
    CATALOGUE_RESERVED_3Y,
    CATALOGUE_ELASTIC, /* spot: may be taken away */
    CATALOGUE_TERMS,
};

/* "on_demand", "reserved_1y", "reserved_3y", "elastic". */
extern const char *const catalogue_term_names[CATALOGUE_TERMS];

struct catalogue_shape {
    char name[CATALOGUE_NAME_MAX];
    uint64_t price_micros;                 /* of an hour, on demand */
    uint64_t term_micros[CATALOGUE_TERMS]; /* 0: not sold so; [CATALOGUE_ON_DEMAND] is the above */
    uint64_t memory_bytes;
    uint64_t disk_bytes_per_s, net_bytes_per_s; /* 0: the list does not say */
    uint32_t vcpus, gpus;                       /* no vcpus: the size is not known */
    bool arm;
    bool burstable; /* by its name: whole vCPUs for a while only, a share of them always */
    char date[CATALOGUE_DATE_MAX]; /* "2024-10" or "2024-10-31" */
};

enum catalogue_item { CATALOGUE_BLOCK, CATALOGUE_OBJECT, CATALOGUE_EGRESS, CATALOGUE_ITEMS };

/* "block", "object", "egress". */
extern const char *const catalogue_item_names[CATALOGUE_ITEMS];

/* What is paid by size: storage by GiB and month, traffic to the outside by GiB. */
struct catalogue_rate {
    enum catalogue_item item;
    char name[CATALOGUE_NAME_MAX];
    uint64_t from_gib; /* this price is of what is above, in a month */
    uint64_t price_micros;
    char date[CATALOGUE_DATE_MAX];
};

struct catalogue {
    char provider[CATALOGUE_NAME_MAX], region[CATALOGUE_NAME_MAX];
    char currency[CATALOGUE_CURRENCY_MAX];
    bool windows;                   /* prices of shapes are with a licence of Windows */
    struct catalogue_shape *shapes; /* cheapest first, then by name */
    size_t n, cap;
    struct catalogue_rate *rates; /* by item, name, from_gib */
    size_t rates_n, rates_cap;
};

void catalogue_done(struct catalogue *c);
#define auto_catalogue AUTO(catalogue_done)

/* The newest date of its prices, "" when it has none. */
const char *catalogue_date(const struct catalogue *c);

/* The cheapest kind of item (by its price from 0 on); NULL when the list has none. */
const struct catalogue_rate *catalogue_rate_of(const struct catalogue *c, enum catalogue_item item);

/* What gib of it cost in a month, tier by tier; saturates at UINT64_MAX. rate: of
 * catalogue_rate_of. */
uint64_t catalogue_rate_cost(const struct catalogue *c, const struct catalogue_rate *rate,
                             uint64_t gib);

#endif

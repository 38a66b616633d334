/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A price list: the shapes of one provider in one region, in one currency, each with the date of
 * its price. Read from CSV text with a header row; columns are found by name, in any order:
 *
 *   provider,region,currency,price_per_hour,price_date    must be there
 *   instance_type or sku                                  must be there
 *   vcpu, mem_gib or mem_mib                              absent: shapes of unknown size
 *   arch (amd64, arm64), gpu or gpu_count, ebs_mbps, net_mbps
 *
 * Prices are millionths of the currency, exactly as written. No file is read here.
 */
#ifndef GODWIT_PLANNER_ENGINE_CATALOGUE_H
#define GODWIT_PLANNER_ENGINE_CATALOGUE_H

#include "base/auto.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
    CATALOGUE_NAME_MAX = 64,
    CATALOGUE_CURRENCY_MAX = 4,
    CATALOGUE_DATE_MAX = 11,
    CATALOGUE_LINE_MAX = 4096,
    CATALOGUE_SHAPES_MAX = 100000,
};

struct catalogue_shape {
    char name[CATALOGUE_NAME_MAX];
    uint64_t price_micros; /* of an hour */
    uint64_t memory_bytes;
    uint64_t disk_bytes_per_s, net_bytes_per_s; /* 0: the list does not say */
    uint32_t vcpus, gpus;                       /* no vcpus: the size is not known */
    bool arm;
    char date[CATALOGUE_DATE_MAX]; /* "2024-10" or "2024-10-31" */
};

struct catalogue {
    char provider[CATALOGUE_NAME_MAX], region[CATALOGUE_NAME_MAX];
    char currency[CATALOGUE_CURRENCY_MAX];
    struct catalogue_shape *shapes; /* cheapest first, then by name */
    size_t n, cap;
};

/* Told of every row that is left out; column and why are literals. */
typedef void (*catalogue_refused_fn)(void *ctx, size_t line, const char *column, const char *why);

/*
 * The rows of provider and region (NULL: of any, and then all must be of one). Rows that make no
 * sense are told to refused (may be NULL) and left out.
 * -EINVAL: no header row, a column missing, or rows of two providers, regions or currencies;
 * -ENOENT: no row is left; -EFBIG: more than CATALOGUE_SHAPES_MAX.
 */
struct catalogue_spec {
    const char *provider, *region;
    catalogue_refused_fn refused;
    void *ctx;
};
int catalogue_read(struct slice csv, const struct catalogue_spec *spec, struct catalogue *ret,
                   struct err *err);
void catalogue_done(struct catalogue *c);
#define auto_catalogue AUTO(catalogue_done)

#endif

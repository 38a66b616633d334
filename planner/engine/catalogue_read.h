/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Price lists as providers publish them, read as they stream by: the AWS price list (offer files of
 * EC2, S3 and data transfer), Azure's retail prices and list of sizes, Alibaba's instance prices
 * and DescribeInstanceTypes, plain CSV, and our own godwit.catalogue/1. Which one a file is, its
 * beginning tells. Several files make one catalogue: one may say sizes, another prices.
 *
 * CSV has a header row; columns are found by name, in any order:
 *
 *   provider,region,currency,price_date    must be there
 *   instance_type or sku, price_per_hour   of shapes
 *   reserved_1y,reserved_3y,elastic        prices of an hour, of shapes
 *   vcpu, mem_gib or mem_mib               absent: shapes of unknown size
 *   arch (amd64, arm64), gpu or gpu_count, ebs_mbps, net_mbps
 *   item (shape, block, object, egress)    absent: shape
 *   name,price_per_gib,from_gib            of the other items: by month (traffic: each GiB)
 *
 * To add a reader: a file catalogue_x.c, a row in catalogue_readers[], a seed in
 * tests/data/fuzz_catalogue. No file is opened here.
 */
#ifndef GODWIT_PLANNER_ENGINE_CATALOGUE_READ_H
#define GODWIT_PLANNER_ENGINE_CATALOGUE_READ_H

#include "base/slice.h"
#include "planner/engine/catalogue.h"

struct catalogue_read;
struct err;
struct js;

enum { CATALOGUE_LINE_MAX = 4096 };

/* Told of every row that is left out: its line (CSV) or its number among the pieces of its kind;
 * column and why are literals. */
typedef void (*catalogue_refused_fn)(void *ctx, size_t line, const char *column, const char *why);

/*
 * What is wanted: rows of provider, region and currency (NULL: any, and then all must be of one);
 * shapes with windows or without. Rows that make no sense are told to refused (may be NULL).
 */
struct catalogue_spec {
    const char *provider, *region, *currency;
    bool windows;
    catalogue_refused_fn refused;
    void *ctx;
};

/* spec is lent until catalogue_read_free. */
int catalogue_read_new(const struct catalogue_spec *spec, struct catalogue_read **ret,
                       struct err *err);
void catalogue_read_free(struct catalogue_read *r);
static inline void catalogue_read_freep(struct catalogue_read **r)
{
    catalogue_read_free(*r);
}
#define auto_catalogue_read AUTO(catalogue_read_freep)

/* The next bytes of a file. -EINVAL: no price list, malformed, or two providers, regions or
 * currencies (err names both); -EFBIG: more than CATALOGUE_SHAPES_MAX or RATES_MAX. */
int catalogue_read_feed(struct catalogue_read *r, struct slice bytes, struct err *err);
/* A file is at its end; another may follow. -EINVAL: it ended early. */
int catalogue_read_file_end(struct catalogue_read *r, struct err *err);
/* What kind the last file was: "csv", "aws", ... */
const char *catalogue_read_kind(const struct catalogue_read *r);
/* All files are read. -ENOENT: nothing with a price is left; -EINVAL: no currency was said. */
int catalogue_read_take(struct catalogue_read *r, struct catalogue *ret, struct err *err);

/* All of it for a list in memory. */
int catalogue_read_all(struct slice list, const struct catalogue_spec *spec, struct catalogue *ret,
                       struct err *err);

/* As a godwit.catalogue/1 document. */
int catalogue_write(const struct catalogue *c, struct js **ret, struct err *err);

#endif

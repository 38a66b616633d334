/* SPDX-License-Identifier: Apache-2.0 */
/* What readers of price lists gather into. Internal to catalogue_*.c. */
#ifndef GODWIT_PLANNER_ENGINE_CATALOGUE_GATHER_H
#define GODWIT_PLANNER_ENGINE_CATALOGUE_GATHER_H

#include "planner/engine/catalogue_read.h"

#include "base/buf.h"

struct jspiece;

/* Names to numbers, open addressing. {0} is empty. */
struct catalogue_names {
    struct catalogue_name {
        char name[CATALOGUE_NAME_MAX];
        uint32_t value; /* + 1; 0: free */
    } * slots;
    size_t n, cap;
};

/* What the products of an AWS offer file are, until its terms say what they cost. */
enum catalogue_ware { WARE_SHAPE, WARE_RATE };

struct catalogue_read {
    const struct catalogue_spec *spec;
    const struct catalogue_reader *reader; /* of the file at hand; NULL: not known yet */
    const char *kind;                      /* of the last file */
    struct jspiece *pieces;                /* of a JSON file */
    struct buf text;                       /* what is not given to a reader yet */
    struct csv_reader *csv;
    size_t piece; /* number of the piece at hand */

    struct catalogue out;
    struct catalogue_names by_name;
    struct catalogue_names skus; /* of AWS: index << 1 | enum catalogue_ware */
    char file_date[CATALOGUE_DATE_MAX];
};

/*
 * One kind of list. mark: bytes of its beginning that no other kind has; NULL: CSV.
 * piece is told of what stands at paths (base/jspiece.h), in the order of the file.
 */
struct catalogue_reader {
    const char *name;
    const char *mark;
    const char *const *paths;
    size_t paths_n;
    int (*piece)(struct catalogue_read *r, size_t path, const char *key, const struct js *value,
                 struct err *err);
    bool (*want)(void *read, size_t path, const char *key); /* NULL: all of them */
};

extern const struct catalogue_reader catalogue_aws, catalogue_azure, catalogue_azure_sizes,
    catalogue_alibaba, catalogue_alibaba_types, catalogue_own;

/* -ENOENT, or the value in *ret. */
int catalogue_names_find(const struct catalogue_names *m, const char *name, uint32_t *ret);
int catalogue_names_put(struct catalogue_names *m, const char *name, uint32_t value,
                        struct err *err);

/* Is it of the provider and region that are wanted? */
bool catalogue_gather_wanted(const struct catalogue_read *r, const char *provider,
                             const char *region);
/* What all rows have in common: taken from the first, demanded of the others (-EINVAL). NULL or ""
 * is nothing said. */
int catalogue_gather_same(struct catalogue_read *r, const char *provider, const char *region,
                          const char *currency, struct err *err);
/* The shape of that name (sanitised), a new one when there is none. Lent until the next call. */
int catalogue_gather_shape(struct catalogue_read *r, const char *text, struct catalogue_shape **ret,
                           struct err *err);
/* A newer price takes the place of an older one; of two of one date the lower stays. */
void catalogue_gather_price(struct catalogue_shape *s, enum catalogue_term term, uint64_t micros,
                            const char *date);
/* rate->date may be "": the file's. *ret_index may be NULL. */
int catalogue_gather_rate(struct catalogue_read *r, const struct catalogue_rate *rate,
                          size_t *ret_index, struct err *err);
/* Leaves the piece at hand out, and says so. Returns 0. */
int catalogue_gather_refuse(struct catalogue_read *r, const char *column, const char *why);

/* A decimal number as whole units of 10^-digits: exact, what is finer is cut off. */
bool catalogue_decimal(const char *text, unsigned digits, uint64_t *ret);
/* Text or a number of JSON as millionths; false: neither, below 0, or too much. */
bool catalogue_micros(const struct js *v, uint64_t *ret);
/* "2024-10", "2024-10-31", or a time that begins so, as date; false: no date. */
bool catalogue_set_date(char date[static CATALOGUE_DATE_MAX], const char *text);

/* Plain CSV, a line at a time. */
int csv_reader_line(struct catalogue_read *r, struct slice line, struct err *err);
void csv_reader_free(struct csv_reader *csv);

#endif

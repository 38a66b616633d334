/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of load_raw, load_open, load_point and load_hour. */
#ifndef GODWIT_PLANNER_SERVICE_DB_LOAD_H
#define GODWIT_PLANNER_SERVICE_DB_LOAD_H

#include "base/db.h"
#include "base/js.h"
#include "inventory/rollup.h"

struct db_load_series {
    const char *host;   /* identity */
    const char *metric; /* NULL in a walk = every series of the host */
    const char *subject;
};

/* When the newest sample was taken, 0 = none. */
int db_load_newest(struct db *db, const char *host, uint64_t *ret_ms, struct err *err);
int db_load_raw_add(struct db *db, const char *host, uint64_t at_ms, const char *doc,
                    struct err *err);
typedef int (*db_load_raw_fn)(void *arg, const struct js *doc);
int db_load_raw_each(struct db *db, const char *host, db_load_raw_fn fn, void *arg,
                     struct err *err);

/* {0} when nothing is open. */
int db_load_open_get(struct db *db, const struct db_load_series *series, struct rollup *ret,
                     struct err *err);
int db_load_open_set(struct db *db, const struct db_load_series *series, const struct rollup *open,
                     struct err *err);

int db_load_point_add(struct db *db, const struct db_load_series *series,
                      const struct rollup_point *point, struct err *err);
typedef int (*db_load_point_fn)(void *arg, const struct db_load_series *series,
                                const struct rollup_point *point);
int db_load_point_each(struct db *db, const struct db_load_series *series, db_load_point_fn fn,
                       void *arg, struct err *err);

int db_load_hour_add(struct db *db, const struct db_load_series *series, uint64_t start_ms,
                     const struct rollup_hist *hist, struct err *err);
typedef int (*db_load_hour_fn)(void *arg, const struct db_load_series *series, uint64_t start_ms,
                               const struct rollup_hist *hist);
int db_load_hour_each(struct db *db, const struct db_load_series *series, uint64_t since_ms,
                      db_load_hour_fn fn, void *arg, struct err *err);

int db_load_forget(struct db *db, uint64_t raw_before_ms, uint64_t points_before_ms,
                   struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of listing, listed_host and listed_part: what lists of machines say of hosts. An import is
 * staged under its own id, part by part, and counts from its end on, in place of what the same list
 * said before.
 */
#ifndef GODWIT_PLANNER_SERVICE_DB_LISTED_H
#define GODWIT_PLANNER_SERVICE_DB_LISTED_H

#include "planner/service/listed.h"

struct db;
struct err;

int db_listed_put(struct db *db, const struct listed_key *import, const struct listed_host *h,
                  struct err *err);
int db_listed_put_part(struct db *db, const struct listed_key *import, uint64_t part,
                       const char *doc, struct err *err);
/* How many hosts the import has so far. */
int db_listed_count(struct db *db, const struct listed_key *import, uint64_t *ret, struct err *err);
/* From now on the list is what this import says. */
int db_listed_finish(struct db *db, const struct listed_key *import, const char *by,
                     uint64_t now_ms, struct err *err);

/* Hosts of all lists by listed_host.key; name NULL: of every name. A negative return of fn ends the
 * walk and is returned. */
int db_listed_each(struct db *db, const char *name, const char *after, uint64_t limit,
                   listed_host_fn fn, void *arg, struct err *err);
/* Workloads and talks of all lists, by "LIST/00000001". */
typedef int (*db_listed_part_fn)(void *arg, const char *key, const char *doc);
int db_listed_parts_each(struct db *db, const char *after, uint64_t limit, db_listed_part_fn fn,
                         void *arg, struct err *err);
/* -ENOENT (GW_HOST_NOT_FOUND): no list has it. */
int db_listed_delete(struct db *db, const char *name, struct err *err);

#endif

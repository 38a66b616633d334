/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements with their values in one call, for the db_*.c files.
 *
 * kinds has a letter for each value that follows: t text (NULL binds null), u uint64_t, i int64_t,
 * f double.
 */
#ifndef GODWIT_PLANNER_SERVICE_DB_SQL_H
#define GODWIT_PLANNER_SERVICE_DB_SQL_H

#include "base/db.h"
#include "base/err.h"

/* Prepared and bound, ready to step. */
int db_sql_open(struct db *db, struct db_stmt **ret, struct err *err, const char *sql,
                const char *kinds, ...);
/* Run to its end; db_changes tells what it touched. */
int db_sql_run(struct db *db, struct err *err, const char *sql, const char *kinds, ...);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Binding of a row of values, so that a query is one call and not ten. */
#include "planner/service/db_sql.h"

#include <assert.h>
#include <stdarg.h>

#include "base/banned.h"

static void bind_values(struct db_stmt *st, const char *kinds, va_list values)
{
    for (int i = 0; kinds[i]; i++) {
        switch (kinds[i]) {
        case 't':
            db_bind_text(st, i + 1, va_arg(values, const char *));
            break;
        case 'u':
            db_bind_u64(st, i + 1, va_arg(values, uint64_t));
            break;
        case 'i':
            db_bind_i64(st, i + 1, va_arg(values, int64_t));
            break;
        case 'f':
            db_bind_f64(st, i + 1, va_arg(values, double));
            break;
        default:
            assert(!"a kind of value that db_sql does not know");
        }
    }
}

static int open_values(struct db *db, struct db_stmt **ret, struct err *err, const char *sql,
                       const char *kinds, va_list values)
{
    int r;

    r = db_prepare(db, sql, ret, err);
    if (r == 0)
        bind_values(*ret, kinds, values);
    return r;
}

int db_sql_open(struct db *db, struct db_stmt **ret, struct err *err, const char *sql,
                const char *kinds, ...)
{
    va_list values;
    int r;

    va_start(values, kinds);
    r = open_values(db, ret, err, sql, kinds, values);
    va_end(values);
    return r;
}

int db_sql_run(struct db *db, struct err *err, const char *sql, const char *kinds, ...)
{
    auto_stmt struct db_stmt *st = NULL;
    va_list values;
    int r;

    va_start(values, kinds);
    r = open_values(db, &st, err, sql, kinds, values);
    va_end(values);
    return r < 0 ? r : db_run(st, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What lists say of hosts, as rows; which agent is the same machine is asked anew every time. */
#include "planner/service/db_listed.h"

#include "base/gw.h"
#include "base/text.h"
#include "planner/service/db_sql.h"

#include "base/banned.h"

/* The agent of a row: by UUID or machine id; by name, where no two UUIDs speak against it; by name
 * alone. A name without its domain counts only where the lists have one such name. */
#define SAME_NAME                                                                                  \
    " h.short_name IN (l.short_name, l.name_key)"                                                  \
    " AND (lower(h.name) = l.name_key OR NOT EXISTS (SELECT 1 FROM listed_host AS o"               \
    "  JOIN listing AS j ON j.import = o.import"                                                   \
    "  WHERE o.short_name = l.short_name AND o.name_key <> l.name_key))"
#define LISTED                                                                                     \
    "SELECT l.row_key, l.list, l.name, l.doc, i.imported_ms,"                                      \
    " (SELECT MIN(h.name) FROM host AS h WHERE"                                                    \
    "  l.uuid_hash <> '' AND h.uuid_hash IN (l.uuid_hash, l.uuid_swapped)),"                       \
    " (SELECT MIN(h.name) FROM host AS h WHERE l.id <> '' AND h.machine_hash = l.id),"             \
    " (SELECT MIN(h.name) FROM host AS h WHERE (h.uuid_hash = '' OR l.uuid_hash = '')"             \
    "  AND" SAME_NAME "),"                                                                         \
    " (SELECT MIN(h.name) FROM host AS h WHERE" SAME_NAME ")"                                      \
    " FROM listed_host AS l JOIN listing AS i ON i.import = l.import"

int db_listed_put(struct db *db, const struct listed_key *import, const struct listed_host *h,
                  struct err *err)
{
    return db_sql_run(db, err,
                      "INSERT INTO listed_host (import, list, row_key, name, name_key, short_name,"
                      " id, uuid_hash, uuid_swapped, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      "tttttttttt", import->import, import->list, h->key, h->name, h->name_key,
                      h->short_name, h->id, h->uuid_hash, h->uuid_swapped, h->doc);
}

int db_listed_put_part(struct db *db, const struct listed_key *import, uint64_t part,
                       const char *doc, struct err *err)
{
    char key[LISTED_KEY_MAX];
    int r = text_print(key, sizeof(key), "%s/%08llu", import->list, (unsigned long long)part);

    if (r < 0)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "the name of the list is too long");
    return db_sql_run(db, err,
                      "INSERT INTO listed_part (import, list, row_key, doc) VALUES (?, ?, ?, ?)",
                      "tttt", import->import, import->list, key, doc);
}

int db_listed_count(struct db *db, const struct listed_key *import, uint64_t *ret, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r = db_sql_open(db, &st, err, "SELECT COUNT(*) FROM listed_host WHERE import = ?", "t",
                        import->import);

    if (r == 0)
        r = db_step(st, err);
    if (r < 0)
        return r;
    *ret = db_u64(st, 0);
    return 0;
}

int db_listed_finish(struct db *db, const struct listed_key *import, const char *by,
                     uint64_t now_ms, struct err *err)
{
    static const char *const tables[] = {
        "DELETE FROM listed_host WHERE list = ? AND import <> ?",
        "DELETE FROM listed_part WHERE list = ? AND import <> ?",
        "DELETE FROM listing WHERE list = ? AND import <> ?",
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(tables); i++)
        r = db_sql_run(db, err, tables[i], "tt", import->list, import->import);
    if (r < 0)
        return r;
    return db_sql_run(db, err,
                      "INSERT INTO listing (list, import, imported_ms, imported_by)"
                      " VALUES (?, ?, ?, ?)",
                      "ttut", import->list, import->import, now_ms, by);
}

static void read_host(struct db_stmt *st, struct listed_host *h)
{
    const char *by_uuid = db_text(st, 5), *by_machine = db_text(st, 6), *by_name = db_text(st, 7);

    *h = (struct listed_host){.key = db_text(st, 0),
                              .list = db_text(st, 1),
                              .name = db_text(st, 2),
                              .doc = db_text(st, 3),
                              .imported_ms = db_u64(st, 4)};
    h->agent = by_uuid ? by_uuid : by_machine ? by_machine : by_name;
    h->namesake = h->agent ? NULL : db_text(st, 8);
}

int db_listed_each(struct db *db, const char *name, const char *after, uint64_t limit,
                   listed_host_fn fn, void *arg, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r = db_sql_open(db, &st, err,
                        LISTED " WHERE (? IS NULL OR l.name_key = lower(?)) AND l.row_key > ?"
                               " ORDER BY l.row_key LIMIT ?",
                        "tttu", name, name, after, limit);

    if (r < 0)
        return r;
    while ((r = db_step(st, err)) > 0) {
        struct listed_host h;

        read_host(st, &h);
        r = fn(arg, &h);
        if (r < 0)
            return r;
    }
    return r;
}

int db_listed_parts_each(struct db *db, const char *after, uint64_t limit, db_listed_part_fn fn,
                         void *arg, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r = db_sql_open(db, &st, err,
                        "SELECT p.row_key, p.doc FROM listed_part AS p"
                        " JOIN listing AS i ON i.import = p.import"
                        " WHERE p.row_key > ? ORDER BY p.row_key LIMIT ?",
                        "tu", after, limit);

    if (r < 0)
        return r;
    while ((r = db_step(st, err)) > 0) {
        r = fn(arg, db_text(st, 0), db_text(st, 1));
        if (r < 0)
            return r;
    }
    return r;
}

int db_listed_delete(struct db *db, const char *name, struct err *err)
{
    int r = db_sql_run(db, err, "DELETE FROM listed_host WHERE name_key = lower(?)", "t", name);

    if (r == 0 && db_changes(db) == 0)
        return err_set_gw(err, GW_HOST_NOT_FOUND, -ENOENT, "no host '%s'", name);
    return r;
}

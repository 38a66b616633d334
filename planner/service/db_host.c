/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts, their certificates and from where they poll, as rows. */
#include "planner/service/db_host.h"

#include "base/text.h"
#include "planner/service/db_sql.h"
#include "planner/service/listed.h"

#include "base/banned.h"

#define HOST_COLUMNS                                                                               \
    "identity, name, version, roles, address, quarantine, enrolled_ms, seen_ms, reported_ms,"      \
    " inventory_ms"

static void read_host(struct db_stmt *st, struct host *h)
{
    (void)text_copy(h->identity, sizeof(h->identity), db_text(st, 0));
    (void)text_copy(h->name, sizeof(h->name), db_text(st, 1));
    (void)text_copy(h->version, sizeof(h->version), db_text(st, 2));
    (void)text_copy(h->roles, sizeof(h->roles), db_text(st, 3));
    (void)text_copy(h->address, sizeof(h->address), db_text(st, 4));
    (void)text_copy(h->quarantine, sizeof(h->quarantine), db_text(st, 5));
    h->enrolled_ms = db_u64(st, 6);
    h->seen_ms = db_u64(st, 7);
    h->reported_ms = db_u64(st, 8);
    h->inventory_ms = db_u64(st, 9);
}

int db_host_find(struct db *db, const char *by, const char *value, struct host *ret,
                 struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err,
                    text_equal(by, "name") ? "SELECT " HOST_COLUMNS " FROM host WHERE name = ?"
                                           : "SELECT " HOST_COLUMNS " FROM host WHERE identity = ?",
                    "t", value);
    if (r == 0)
        r = db_step(st, err);
    if (r < 0)
        return r;
    if (r == 0)
        return err_set_gw(err, GW_HOST_NOT_FOUND, -ENOENT, "no host '%s'", value);
    *ret = (struct host){0};
    read_host(st, ret);
    return 0;
}

int db_host_add(struct db *db, const struct host *h, struct err *err)
{
    char short_name[HOST_LABEL_MAX];

    listed_short_name(h->name, short_name, sizeof(short_name));
    return db_sql_run(db, err,
                      "INSERT INTO host (identity, name, short_name, roles, version, address,"
                      " enrolled_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
                      "ttttttu", h->identity, h->name, short_name, h->roles, h->version, h->address,
                      h->enrolled_ms);
}

int db_host_rejoin(struct db *db, const struct host *h, struct err *err)
{
    return db_sql_run(db, err,
                      "UPDATE host SET roles = ?, version = ?, address = ?, enrolled_ms = ?,"
                      " quarantine = '', poll_address = '', poll_before = '', poll_instance = '',"
                      " poll_instance_before = '', poll_flips = 0"
                      " WHERE identity = ?",
                      "tttut", h->roles, h->version, h->address, h->enrolled_ms, h->identity);
}

int db_host_delete(struct db *db, const char *identity, struct err *err)
{
    return db_sql_run(db, err, "DELETE FROM host WHERE identity = ?", "t", identity);
}

int db_host_each(struct db *db, const char *after, uint64_t limit, db_host_fn fn, void *arg,
                 struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err,
                    "SELECT " HOST_COLUMNS " FROM host WHERE name > ? ORDER BY name LIMIT ?", "tu",
                    after ? after : "", limit);
    if (r < 0)
        return r;
    while ((r = db_step(st, err)) > 0) {
        struct host host = {0};

        read_host(st, &host);
        r = fn(arg, &host);
        if (r < 0)
            return r;
    }
    return r;
}

int db_host_count(struct db *db, uint64_t *ret_n, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err, "SELECT COUNT(*) FROM host", "");
    if (r == 0)
        r = db_step(st, err);
    if (r < 0)
        return r;
    *ret_n = db_u64(st, 0);
    return 0;
}

int db_host_set_seen(struct db *db, const char *identity, const char *address, uint64_t now_ms,
                     struct err *err)
{
    return db_sql_run(db, err, "UPDATE host SET seen_ms = ?, address = ? WHERE identity = ?", "utt",
                      now_ms, address, identity);
}

int db_host_set_reported(struct db *db, const char *identity, const char *version, uint64_t now_ms,
                         struct err *err)
{
    return db_sql_run(db, err,
                      "UPDATE host SET seen_ms = ?, reported_ms = ?,"
                      " version = COALESCE(?, version) WHERE identity = ?",
                      "uutt", now_ms, now_ms, version, identity);
}

int db_host_set_inventory(struct db *db, const char *identity, const struct db_host_inventory *inv,
                          struct err *err)
{
    return db_sql_run(db, err,
                      "UPDATE host SET inventory = ?, inventory_ms = ?, uuid_hash = ?,"
                      " machine_hash = ? WHERE identity = ?",
                      "tuttt", inv->doc, inv->now_ms, inv->uuid_hash, inv->machine_hash, identity);
}

int db_host_inventory(struct db *db, const char *identity, struct buf *out, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err, "SELECT inventory FROM host WHERE identity = ?", "t", identity);
    if (r == 0)
        r = db_step(st, err);
    if (r <= 0 || db_is_null(st, 0))
        return r < 0 ? r : 0;
    (void)buf_str(out, db_text(st, 0));
    return buf_failed(out, err);
}

int db_host_set_quarantine(struct db *db, const char *identity, const char *why, struct err *err)
{
    return db_sql_run(db, err, "UPDATE host SET quarantine = ? WHERE identity = ?", "tt", why,
                      identity);
}

int db_host_config_version(struct db *db, const char *identity, const char *hash,
                           uint64_t *ret_version, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err, "SELECT config_version, config_hash FROM host WHERE identity = ?",
                    "t", identity);
    if (r == 0)
        r = db_step(st, err);
    if (r < 0)
        return r;
    if (r == 0)
        return err_set_gw(err, GW_HOST_NOT_FOUND, -ENOENT, "no host '%s'", identity);
    *ret_version = db_u64(st, 0);
    if (text_equal(db_text(st, 1), hash))
        return 0;
    *ret_version += 1;
    db_reset(st);
    return db_sql_run(db, err,
                      "UPDATE host SET config_version = ?, config_hash = ? WHERE identity = ?",
                      "utt", *ret_version, hash, identity);
}

int db_host_cert_issued(struct db *db, const char *identity, const char *fingerprint,
                        struct err *err)
{
    int r;

    r = db_sql_run(db, err, "UPDATE host SET cert_seq = cert_seq + 1 WHERE identity = ?", "t",
                   identity);
    if (r < 0)
        return r;
    return db_sql_run(db, err,
                      "INSERT INTO host_cert (fingerprint, identity, seq, first_ms)"
                      " SELECT ?, identity, cert_seq, 0 FROM host WHERE identity = ?",
                      "tt", fingerprint, identity);
}

int db_host_cert_facts(struct db *db, const char *identity, const char *fingerprint,
                       struct host_seen_facts *ret, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err,
                    "SELECT h.certs_unseen, c.fingerprint, c.revoked,"
                    " (SELECT MIN(n.first_ms) FROM host_cert AS n"
                    "  WHERE n.identity = h.identity AND n.seq > c.seq AND n.first_ms > 0),"
                    " c.first_ms"
                    " FROM host AS h LEFT JOIN host_cert AS c"
                    "  ON c.identity = h.identity AND c.fingerprint = ?"
                    " WHERE h.identity = ?",
                    "tt", fingerprint, identity);
    if (r == 0)
        r = db_step(st, err);
    if (r < 0)
        return r;
    if (r == 0)
        return err_set_gw(err, GW_HOST_NOT_FOUND, -ENOENT, "no host '%s'", identity);
    ret->unseen = db_u64(st, 0);
    ret->known = !db_is_null(st, 1);
    ret->revoked = db_i64(st, 2) != 0;
    ret->newer_first_use_ms = db_u64(st, 3);
    ret->unused = ret->known && db_u64(st, 4) == 0;
    return 0;
}

/* A certificate of before fingerprints were kept at issue: the row first, since a crash in between
 * leaves an allowance too many, and none too few. */
static int first_of_allowance(struct db *db, const char *identity, const char *fingerprint,
                              uint64_t now_ms, struct err *err)
{
    int r;

    r = db_sql_run(db, err,
                   "INSERT INTO host_cert (fingerprint, identity, seq, first_ms)"
                   " SELECT ?, identity, cert_seq + 1, ? FROM host WHERE identity = ?",
                   "tut", fingerprint, now_ms, identity);
    if (r < 0)
        return r;
    return db_sql_run(db, err,
                      "UPDATE host SET certs_unseen = certs_unseen - 1, cert_seq = cert_seq + 1"
                      " WHERE identity = ? AND certs_unseen > 0",
                      "t", identity);
}

int db_host_cert_first(struct db *db, const char *identity, const char *fingerprint,
                       uint64_t now_ms, struct err *err)
{
    int r;

    r = db_sql_run(db, err,
                   "UPDATE host_cert SET first_ms = ?"
                   " WHERE fingerprint = ? AND identity = ? AND first_ms = 0",
                   "utt", now_ms, fingerprint, identity);
    if (r < 0 || db_changes(db) > 0)
        return r;
    return first_of_allowance(db, identity, fingerprint, now_ms, err);
}

int db_host_cert_revoke(struct db *db, const char *identity, struct err *err)
{
    int r;

    r = db_sql_run(db, err, "UPDATE host_cert SET revoked = 1 WHERE identity = ?", "t", identity);
    if (r < 0)
        return r;
    return db_sql_run(db, err, "UPDATE host SET certs_unseen = 0 WHERE identity = ?", "t",
                      identity);
}

int db_host_polls_load(struct db *db, const char *identity, struct host_seen_polls *ret,
                       struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err,
                    "SELECT poll_address, poll_before, poll_flips, poll_flip_ms, poll_instance,"
                    " poll_instance_before FROM host WHERE identity = ?",
                    "t", identity);
    if (r == 0)
        r = db_step(st, err);
    if (r <= 0)
        return r;
    (void)text_copy(ret->last.address, sizeof(ret->last.address), db_text(st, 0));
    (void)text_copy(ret->before.address, sizeof(ret->before.address), db_text(st, 1));
    ret->flips = db_u64(st, 2);
    ret->flip_ms = db_u64(st, 3);
    (void)text_copy(ret->last.instance, sizeof(ret->last.instance), db_text(st, 4));
    (void)text_copy(ret->before.instance, sizeof(ret->before.instance), db_text(st, 5));
    return 0;
}

int db_host_polls_save(struct db *db, const char *identity, const struct host_seen_polls *polls,
                       struct err *err)
{
    return db_sql_run(db, err,
                      "UPDATE host SET poll_address = ?, poll_before = ?, poll_flips = ?,"
                      " poll_flip_ms = ?, poll_instance = ?, poll_instance_before = ?"
                      " WHERE identity = ?",
                      "ttuuttt", polls->last.address, polls->before.address, polls->flips,
                      polls->flip_ms, polls->last.instance, polls->before.instance, identity);
}

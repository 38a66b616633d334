/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of host and host_cert. */
#ifndef GODWIT_PLANNER_SERVICE_DB_HOST_H
#define GODWIT_PLANNER_SERVICE_DB_HOST_H

#include "base/buf.h"
#include "planner/service/host.h"
#include "planner/service/host_seen.h"

/* by is "identity" or "name". -ENOENT. */
int db_host_find(struct db *db, const char *by, const char *value, struct host *ret,
                 struct err *err);
int db_host_add(struct db *db, const struct host *host, struct err *err);
/* Roles, version and enrolled_ms of an identity that came back. */
int db_host_rejoin(struct db *db, const struct host *host, struct err *err);
int db_host_delete(struct db *db, const char *identity, struct err *err);
/* Ascending by name. A negative return of fn ends the walk and is returned. */
typedef int (*db_host_fn)(void *arg, const struct host *host);
int db_host_each(struct db *db, const char *after, uint64_t limit, db_host_fn fn, void *arg,
                 struct err *err);

int db_host_count(struct db *db, uint64_t *ret_n, struct err *err);
int db_host_set_seen(struct db *db, const char *identity, const char *address, uint64_t now_ms,
                     struct err *err);
int db_host_set_reported(struct db *db, const char *identity, const char *version, uint64_t now_ms,
                         struct err *err);
struct db_host_inventory {
    const char *doc;
    const char *uuid_hash, *machine_hash; /* "" = not known */
    uint64_t now_ms;
};
int db_host_set_inventory(struct db *db, const char *identity, const struct db_host_inventory *inv,
                          struct err *err);
/* Appends the document, or nothing when there is none. */
int db_host_inventory(struct db *db, const char *identity, struct buf *out, struct err *err);
int db_host_set_quarantine(struct db *db, const char *identity, const char *why, struct err *err);

/* The number that hash has: the same while the hash stays, one more when it is another. */
int db_host_config_version(struct db *db, const char *identity, const char *hash,
                           uint64_t *ret_version, struct err *err);

/* One more certificate was given to identity. */
int db_host_cert_issued(struct db *db, const char *identity, const char *fingerprint,
                        struct err *err);
/* What host_seen_judge has to know; -ENOENT when the identity is not known. */
int db_host_cert_facts(struct db *db, const char *identity, const char *fingerprint,
                       struct host_seen_facts *ret, struct err *err);
/* fingerprint was used for the first time. */
int db_host_cert_first(struct db *db, const char *identity, const char *fingerprint,
                       uint64_t now_ms, struct err *err);
/* None that was given so far is good any more. */
int db_host_cert_revoke(struct db *db, const char *identity, struct err *err);

int db_host_polls_load(struct db *db, const char *identity, struct host_seen_polls *ret,
                       struct err *err);
int db_host_polls_save(struct db *db, const char *identity, const struct host_seen_polls *polls,
                       struct err *err);

#endif

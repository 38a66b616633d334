/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of workload, workload_host and replication. */
#ifndef GODWIT_PLANNER_SERVICE_DB_WORKLOAD_H
#define GODWIT_PLANNER_SERVICE_DB_WORKLOAD_H

#include "base/buf.h"
#include "planner/service/workload.h"

/* What a row holds beside the document: into the same-named members of ret. doc is appended. */
int db_workload_load(struct db *db, const char *name, struct workload *ret, struct buf *doc,
                     struct err *err); /* -ENOENT */
int db_workload_add(struct db *db, const struct workload *w, const char *doc, uint64_t now_ms,
                    struct err *err);
int db_workload_set_doc(struct db *db, const char *name, const char *doc, uint64_t now_ms,
                        struct err *err);
/* Which hosts it names, for the way back from a host. */
int db_workload_set_hosts(struct db *db, const struct workload *w, struct err *err);
int db_workload_delete(struct db *db, const char *name, struct err *err);

/* -EEXIST (GW_API_CONFLICT) when the row is not as the move says. */
int db_workload_move(struct db *db, const char *name, const struct workload_move *move,
                     uint64_t now_ms, struct err *err);
int db_workload_set_lifecycle(struct db *db, const char *name, enum workload_lifecycle to,
                              struct err *err);
int db_workload_set_tested(struct db *db, const char *name, uint64_t wall_ms, struct err *err);
int db_workload_set_released(struct db *db, const char *name, struct err *err);
int db_workload_set_start(struct db *db, const char *name, uint64_t start_ms, const char *wave,
                          struct err *err);
int db_workload_set_adopted(struct db *db, const char *name, struct err *err);
int db_workload_set_control(struct db *db, const char *name, const struct workload_control *c,
                            struct err *err);

/* Names after `after`, ascending. host NULL = every one, else those that name it on a side. A
 * negative return of fn ends the walk and is returned. */
typedef int (*db_workload_fn)(void *arg, const char *name);
int db_workload_each(struct db *db, const char *host, const char *after, uint64_t limit,
                     db_workload_fn fn, void *arg, struct err *err);

/* Those whose start has come and whose agents were not told yet. */
int db_workload_each_due(struct db *db, uint64_t now_ms, uint64_t limit, db_workload_fn fn,
                         void *arg, struct err *err);

/* The last report on one side of one volume. */
struct db_replication {
    char volume[WORKLOAD_NAME_MAX];
    enum workload_side side;
    char host[WORKLOAD_NAME_MAX]; /* identity */
    char role[16], state[24], reason[64], digest[80], error[256];
    uint64_t epoch, seq, taken_ms, verified_ms;
    uint64_t size_bytes, total_bytes, done_bytes, backlog_bytes;
    uint64_t write_bytes_per_s, send_bytes_per_s;
    double pass_s;
    uint64_t reported_ms;
    /* of who pushes: does it get there? Below 0 = not said */
    char convergence[24], bound[16], limit_of[16];
    uint64_t limit_bytes_per_s, drain_bytes_per_s, need_bytes_per_s;
    double eta_s, point_lag_s, target_lag_s, late_s;
    double running_s, pass_eta_s; /* of the pass under way, likewise */
    /* its newest point, and the newest consistent one; why there is no newer of these */
    char point_kind[32], consistent_error[256];
    uint64_t consistent_ms, consistent_seq;
};
int db_workload_report_save(struct db *db, const char *workload, const struct db_replication *r,
                            struct err *err);
/* -ENOENT when that side never reported on it. */
int db_workload_report_load(struct db *db, const char *workload, const char *volume,
                            enum workload_side side, struct db_replication *ret, struct err *err);
/* How many sides of volumes reported an error after since_ms, and one of them as
 * "WORKLOAD/VOLUME"; "" when there is none. */
enum { DB_WORKLOAD_TROUBLE_MAX = 160 };
int db_workload_report_troubles(struct db *db, uint64_t since_ms, uint64_t *ret_n,
                                char ret_one[static DB_WORKLOAD_TROUBLE_MAX], struct err *err);

#endif

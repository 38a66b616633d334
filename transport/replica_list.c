/* SPDX-License-Identifier: Apache-2.0 */
/* What a vault holds: names of replicas, and their restore points. */
#include "base/err.h"
#include "base/gw.h"
#include "transport/care_log.h"
#include "transport/point.h"
#include "transport/replica.h"

#include <string.h>

#include "base/banned.h"

#define NAMES_PREFIX "replicas/"
#define POINTS_PART "/points/"

enum { SEQ_DIGITS = 16, CONSISTENT_LOOKS = 4096 };

const char *replica_kind_name(enum replica_kind k)
{
    static const char *const names[] = {
        [REPLICA_FUZZY] = "fuzzy",
        [REPLICA_CRASH] = "crash-consistent",
        [REPLICA_FILESYSTEM] = "file-system-consistent",
        [REPLICA_FINAL] = "final",
    };

    return (size_t)k < ARRAY_LEN(names) ? names[k] : "unknown";
}

int replica_point(struct vault *v, const char *name, uint64_t seq, uint64_t known_seq,
                  struct replica_point *ret, struct err *err)
{
    auto_point struct point p = {0};
    int rc;

    if (seq == 0 || known_seq > 0)
        rc = point_head(v, name, known_seq, &p, err);
    else
        rc = point_load(v, name, seq, &p, err);
    if (!rc && seq != 0 && p.info.seq != seq) {
        point_done(&p);
        rc = point_load(v, name, seq, &p, err);
    }
    if (!rc)
        *ret = p.info;
    return rc;
}

int replica_unreadable(struct vault *v, const char *name, uint64_t seq, replica_range_fn fn,
                       void *arg, struct err *err)
{
    auto_point struct point p = {0};
    int rc = point_load(v, name, seq, &p, err);

    for (size_t i = 0; rc == 0 && i < p.gaps.n; i++)
        rc = fn(arg, &p.gaps.list[i]);
    return rc;
}

struct points_walk {
    struct vault *v;
    const char *name;
    struct care_log *log;
    uint64_t head;
    struct replica_point last;
    bool damaged;
    replica_point_fn fn;
    void *arg;
};

/* One that cannot be read hides no other: its bytes still say whether the next one follows it. */
static int pass_damaged(struct points_walk *w, uint64_t seq, struct err *err)
{
    w->damaged = true;
    w->last = (struct replica_point){.seq = seq};
    return point_bytes_hash(w->v, w->name, seq, w->last.hash, err);
}

static int walk_point(struct points_walk *w, uint64_t seq, struct err *damage, struct err *err)
{
    auto_point struct point p = {0};
    struct err why = {0};
    int rc = point_load(w->v, w->name, seq, &p, &why);

    if (rc == -EBADMSG) {
        *damage = why;
        return pass_damaged(w, seq, err);
    }
    if (rc < 0) {
        *err = why;
        return rc;
    }
    if (seq > 1)
        rc = point_check_chain(&w->last, &p.info, err);
    if (!rc && (seq == w->head || !care_log_gave_up(w->log, w->name, seq)))
        rc = w->fn(w->arg, &p.info);
    w->last = p.info;
    return rc;
}

int replica_points(struct vault *v, const char *name, replica_point_fn fn, void *arg,
                   struct err *err)
{
    auto_care_log struct care_log *log = NULL;
    struct points_walk w = {.v = v, .name = name, .fn = fn, .arg = arg};
    struct err damage = {0}, lost = {0};
    int rc = point_head_number(v, name, 0, &w.head, err);

    if (!rc && w.head == 0)
        return err_set_gw(err, GW_REPLICA_NOT_FOUND, -ENOENT, "there is no replica %s", name);
    if (!rc)
        rc = care_log_open(v, 0, &log, err);
    if (!rc)
        rc = care_log_read(log, err);
    w.log = log;
    for (uint64_t seq = 1; !rc && seq <= w.head; seq++)
        rc = walk_point(&w, seq, &damage, err ? err : &lost);
    if (!rc && w.damaged)
        rc = err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG, "%s", damage.text);
    return rc;
}

/* 1: point seq is such a one. What cannot be read is none, and no failure. */
static int look_consistent(struct vault *v, const char *name, uint64_t seq,
                           struct replica_point *ret, struct err *err)
{
    struct replica_point p;
    int rc = replica_point(v, name, seq, 0, &p, err);

    if (rc == -EBADMSG || rc == -ENOENT) {
        err_clear(err);
        return 0;
    }
    if (rc < 0 || p.kind == REPLICA_FUZZY || p.unreadable_bytes > 0)
        return rc;
    *ret = p;
    return 1;
}

int replica_consistent(struct vault *v, const char *name, struct replica_point *ret,
                       struct err *err)
{
    auto_care_log struct care_log *log = NULL;
    uint64_t head = 0;
    int rc = point_head_number(v, name, 0, &head, err);

    if (rc == 0)
        rc = care_log_open(v, 0, &log, err);
    if (rc == 0)
        rc = care_log_read(log, err);
    for (uint64_t seq = head; rc == 0 && seq > 0 && head - seq < CONSISTENT_LOOKS; seq--)
        if (seq == head || !care_log_gave_up(log, name, seq))
            rc = look_consistent(v, name, seq, ret, err);
    if (rc == 0)
        return err_set_gw(err, GW_REPLICA_NOT_FOUND, -ENOENT, "'%s' has no consistent point", name);
    return rc < 0 ? rc : 0;
}

struct names_walk {
    replica_name_fn fn;
    void *arg;
    char last[VAULT_REPLICA_NAME_MAX + 1]; /* keys are sorted: equal names are neighbours */
};

/* "replicas/<name>/points/<16 hex>" -> name; no part of a name is "points". */
static bool name_of(const char *key, char out[static VAULT_REPLICA_NAME_MAX + 1])
{
    size_t skip = strlen(NAMES_PREFIX);
    size_t tail = strlen(POINTS_PART) + SEQ_DIGITS;
    size_t len = strlen(key);

    if (len <= skip + tail || len - skip - tail > VAULT_REPLICA_NAME_MAX)
        return false;
    if (strncmp(key + len - tail, POINTS_PART, strlen(POINTS_PART)) != 0)
        return false;
    memcpy(out, key + skip, len - skip - tail);
    out[len - skip - tail] = '\0';
    return vault_is_replica_name(out);
}

static int names_take(void *arg, const char *key, uint64_t size_bytes, uint64_t mtime_ms)
{
    struct names_walk *w = arg;
    char name[VAULT_REPLICA_NAME_MAX + 1];

    (void)size_bytes;
    (void)mtime_ms;
    if (!name_of(key, name) || strcmp(name, w->last) == 0)
        return 0;
    memcpy(w->last, name, sizeof(name));
    return w->fn(w->arg, name);
}

int replica_names(struct vault *v, replica_name_fn fn, void *arg, struct err *err)
{
    struct names_walk w = {.fn = fn, .arg = arg};

    return store_list(vault_store(v), NAMES_PREFIX, NULL, names_take, &w, err);
}

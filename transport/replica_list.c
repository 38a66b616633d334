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

enum { SEQ_DIGITS = 16 };

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

int replica_points(struct vault *v, const char *name, replica_point_fn fn, void *arg,
                   struct err *err)
{
    auto_care_log struct care_log *log = NULL;
    struct replica_point last = {0};
    struct replica_point head;
    int rc = replica_point(v, name, 0, 0, &head, err);

    if (!rc)
        rc = care_log_open(v, 0, &log, err);
    if (!rc)
        rc = care_log_read(log, err);
    for (uint64_t seq = 1; !rc && seq <= head.seq; seq++) {
        auto_point struct point p = {0};

        rc = point_load(v, name, seq, &p, err);
        if (!rc && seq > 1)
            rc = point_check_chain(&last, &p.info, err);
        if (!rc && (seq == head.seq || !care_log_gave_up(log, name, seq)))
            rc = fn(arg, &p.info);
        last = p.info;
    }
    return rc;
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

/* SPDX-License-Identifier: Apache-2.0 */
/* Replicas, points and listed packs of a vault. */
#include "transport/mark.h"

#include "base/err.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/point.h"

#include <stdlib.h>

#include "base/banned.h"

int mark_pack(struct mark *m, const uint8_t *name, struct mark_info **ret, struct err *err)
{
    void *info = NULL;
    int rc = packrows_get(m->packs, name, &info, err);

    if (rc < 0)
        return rc;
    *ret = info;
    return 0;
}

/* ---- replicas ------------------------------------------------------------------ */

static int add_replica(struct mark *m, const char *name, bool registered, struct err *err)
{
    struct mark_replica *more;

    for (size_t i = 0; i < m->replicas_n; i++)
        if (text_equal(m->replicas[i].name, name))
            return 0;
    more = reallocarray(m->replicas, m->replicas_n + 1, sizeof(*more));
    if (!more)
        return err_set(err, -ENOMEM, "list replicas: %m");
    m->replicas = more;
    more[m->replicas_n] = (struct mark_replica){.registered = registered};
    return text_copy(more[m->replicas_n++].name, sizeof(more->name), name);
}

static int take_name(void *arg, const char *name)
{
    return add_replica(arg, name, false, NULL);
}

static int replica_compare(const void *a, const void *b)
{
    const struct mark_replica *x = a;
    const struct mark_replica *y = b;

    return strcmp(x->name, y->name);
}

static int find_replicas(struct mark *m, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < m->log->replicas_n; i++)
        rc = add_replica(m, m->log->replicas[i], true, err);
    if (rc == 0)
        rc = replica_names(m->vault, take_name, m, err);
    if (rc == 0 && m->replicas_n > 0)
        qsort(m->replicas, m->replicas_n, sizeof(*m->replicas), replica_compare);
    return rc;
}

/* ---- points --------------------------------------------------------------------- */

static bool is_damage(int rc)
{
    return rc == -ENOENT || rc == -EBADMSG;
}

void mark_tell(struct mark *m, const struct mark_bad *b)
{
    m->bad_n++;
    for (size_t i = 0; i < m->replicas_n; i++)
        if (!b->replica || text_equal(m->replicas[i].name, b->replica))
            m->replicas[i].bad = true;
    m->bad(m->arg, b);
}

/* 0 when the walk goes on. */
static int tell_point(struct mark *m, const struct mark_replica *r, uint64_t seq, int rc,
                      struct err *err)
{
    char key[POINT_KEY_MAX];

    if (!m->bad || !is_damage(rc))
        return err_add(err, rc, "point %llu of '%s'", (unsigned long long)seq, r->name);
    err_clear(err);
    mark_tell(m, &(struct mark_bad){.replica = r->name,
                                    .seq = seq,
                                    .object = point_key(r->name, seq, key),
                                    .what = rc == -ENOENT ? "missing" : "altered"});
    return 0;
}

static int add_point(struct mark_replica *r, const struct replica_point *p, struct err *err)
{
    if ((r->n & (r->n + 1)) == 0) { /* room is a power of two less one */
        struct replica_point *more = reallocarray(r->points, 2 * r->n + 1, sizeof(*more));

        if (!more)
            return err_set(err, -ENOMEM, "list points: %m");
        r->points = more;
    }
    r->points[r->n++] = *p;
    return 0;
}

/* A repair went past bytes that are no point, and its own point names just these: they never will
 * be one again, so nothing is needed for them. */
static bool was_set_aside(struct mark *m, const struct mark_replica *r, uint64_t seq)
{
    auto_point struct point next = {0};
    uint8_t hash[CRYPTO_SHA256_LEN];

    return seq < r->head && point_load(m->vault, r->name, seq + 1, &next, NULL) == 0 &&
           point_bytes_hash(m->vault, r->name, seq, hash, NULL) == 0 &&
           memcmp(hash, next.info.parent, sizeof(hash)) == 0;
}

static int load_points(struct mark *m, struct mark_replica *r, struct err *err)
{
    int rc = 0;

    for (uint64_t seq = 1; rc == 0 && seq <= r->head; seq++) {
        auto_point struct point p = {0};

        if (m->stop && atomic_load(m->stop))
            return err_set(err, -ECANCELED, "stopped");
        if (seq < r->head && care_log_gave_up(m->log, r->name, seq))
            continue;
        rc = point_load(m->vault, r->name, seq, &p, err);
        if (rc == -EBADMSG && !m->bad && was_set_aside(m, r, seq)) {
            err_clear(err);
            rc = 0;
            continue;
        }
        rc = rc < 0 ? tell_point(m, r, seq, rc, err) : add_point(r, &p.info, err);
    }
    return rc;
}

/* A replica may be registered and have no point yet. */
static int open_replica(struct mark *m, struct mark_replica *r, struct err *err)
{
    int rc = point_head_number(m->vault, r->name, 0, &r->head, err);

    if (rc == 0)
        rc = load_points(m, r, err);
    if (rc < 0)
        return rc;
    r->why = calloc(r->n + 1, sizeof(*r->why));
    r->lacks = calloc(r->n + 1, sizeof(*r->lacks));
    if (!r->why || !r->lacks)
        return err_set(err, -ENOMEM, "list points: %m");
    for (size_t i = 0; i < r->n; i++)
        r->why[i] = RETAIN_ALL;
    return 0;
}

int mark_open(struct mark *m, struct err *err)
{
    int rc;

    pthread_mutex_init(&m->lock, NULL);
    rc = packrows_new(sizeof(struct mark_info), &m->packs, err);
    if (rc == 0)
        rc = find_replicas(m, err);
    for (size_t i = 0; rc == 0 && i < m->replicas_n; i++)
        rc = open_replica(m, &m->replicas[i], err);
    return rc;
}

void mark_done(struct mark *m)
{
    for (size_t i = 0; i < m->replicas_n; i++) {
        free(m->replicas[i].points);
        free(m->replicas[i].why);
        free(m->replicas[i].lacks);
    }
    free(m->replicas);
    packrows_free(m->packs);
    pthread_mutex_destroy(&m->lock);
}

/* ---- the listing ------------------------------------------------------------------ */

static int take_pack(void *arg, const char *key, uint64_t size_bytes, uint64_t mtime_ms)
{
    struct mark *m = arg;
    uint8_t name[PACK_NAME_LEN];
    char again[PACK_KEY_MAX];
    struct mark_info *info = NULL;
    const char *hex = strrchr(key, '/');
    int rc;

    if (!hex || strlen(hex + 1) != 2 * (size_t)PACK_NAME_LEN ||
        text_unhex(hex + 1, name, sizeof(name)) != 0 || !text_equal(pack_key(name, again), key))
        return 0; /* foreign: nobody's business here */
    rc = mark_pack(m, name, &info, NULL);
    if (rc < 0)
        return rc;
    info->listed = true;
    info->bytes = size_bytes;
    info->mtime_ms = mtime_ms;
    return 0;
}

int mark_list(struct mark *m, struct err *err)
{
    return store_list(vault_store(m->vault), "packs/", NULL, take_pack, m, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a place honours, found out by trying: a fresh key under "probe/", removed again. */
#include "transport/store_impl.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/text.h"
#include "base/worker.h"

#include "base/banned.h"

enum { PROBE_RACERS = 4, PROBE_KEY_MAX = 64, PROBE_BODY_LEN = 32 };

struct probe {
    struct store *store;
    struct store_caps caps;
    char key[PROBE_KEY_MAX];
    uint8_t body[PROBE_BODY_LEN];
};

static int probe_key(struct probe *p)
{
    uint8_t id[8];
    char hex[2 * sizeof(id) + 1];
    const struct rng *rng = store_conf_of(p->store)->rng;

    rng_fill(rng, p->body, sizeof(p->body));
    rng_fill(rng, id, sizeof(id));
    return text_print(p->key, sizeof(p->key), "probe/%s", text_hex(id, sizeof(id), hex));
}

static bool is_refusal(int rc)
{
    return rc == -EACCES || rc == -EOPNOTSUPP;
}

/* A plain put and how long it takes. 0 also when the place refuses: then writes is false. */
static int probe_write(struct probe *p, struct err *err)
{
    const struct clock *clock = store_conf_of(p->store)->clock;
    uint64_t start_ms = clock_mono_ms(clock);
    int rc = store_put(p->store, p->key, slice_of(p->body, sizeof(p->body)), NULL,
                       STORE_PUT_REPLACE, err);

    if (rc < 0 && !is_refusal(rc))
        return rc;
    p->caps.writes = rc == 0;
    p->caps.round_trip_us = (clock_mono_ms(clock) - start_ms) * 1000;
    return 0;
}

/* A key that never was answers "no such object" only to who may read (and list, on AWS). */
static int probe_read_nothing(struct probe *p, struct err *err)
{
    uint64_t size;
    int rc = store_head(p->store, p->key, &size, err);

    p->caps.reads = rc == -ENOENT;
    return rc == -ENOENT || is_refusal(rc) ? 0 : rc;
}

static int probe_read(struct probe *p, struct err *err)
{
    auto_buf struct buf whole = {0};
    auto_buf struct buf part = {0};
    struct store_range all = {0};
    struct store_range middle = {.offset = 5, .len = 7};
    int rc;

    if (!p->caps.writes)
        return probe_read_nothing(p, err);
    rc = store_get(p->store, p->key, all, &whole, err);
    if (is_refusal(rc))
        return 0;
    if (rc < 0)
        return rc;
    p->caps.reads =
        whole.len == sizeof(p->body) && memcmp(whole.data, p->body, sizeof(p->body)) == 0;
    rc = store_get(p->store, p->key, middle, &part, err);
    p->caps.ranges = rc == 0 && part.len == middle.len &&
                     memcmp(part.data, p->body + middle.offset, middle.len) == 0;
    return 0;
}

struct race {
    struct store *handles[PROBE_RACERS];
    char key[PROBE_KEY_MAX];
    atomic_uint won;
    atomic_uint lost;
};

static int race_put(void *arg, size_t index, struct err *err)
{
    struct race *r = arg;
    uint8_t body = (uint8_t)index;
    int rc =
        store_put(r->handles[index], r->key, slice_of(&body, 1), NULL, STORE_PUT_CREATE_ONLY, err);

    if (rc == 0)
        atomic_fetch_add(&r->won, 1);
    if (rc == -EEXIST)
        atomic_fetch_add(&r->lost, 1);
    return rc == -EEXIST ? 0 : rc;
}

static void race_done(struct race *r)
{
    for (size_t i = 0; i < PROBE_RACERS; i++)
        store_close(r->handles[i]);
}

/* Several at once onto one key: exactly one may win. Not a proof, but a liar is often caught. */
static int probe_race(struct probe *p, bool *ret_one_won, struct err *err)
{
    AUTO(race_done) struct race r = {0};
    struct workers *w = NULL;
    int rc = text_print(r.key, sizeof(r.key), "%s-race", p->key);

    for (size_t i = 0; rc == 0 && i < PROBE_RACERS; i++)
        rc = store_dup(p->store, &r.handles[i], err);
    if (rc == 0)
        rc = workers_start(PROBE_RACERS, "probe", race_put, &r, &w, err);
    if (rc == 0)
        rc = workers_join(w, err);
    if (rc == 0)
        *ret_one_won = atomic_load(&r.won) == 1 && atomic_load(&r.lost) == PROBE_RACERS - 1;
    store_delete(p->store, r.key, NULL);
    return rc;
}

static int probe_create_only(struct probe *p, struct err *err)
{
    bool one_won = false;
    int rc;

    if (!p->caps.writes)
        return 0;
    rc = store_put(p->store, p->key, slice_str("other"), NULL, STORE_PUT_CREATE_ONLY, err);
    if (rc != -EEXIST) /* 0: it replaced what was there */
        return rc == 0 || is_refusal(rc) ? 0 : rc;
    rc = probe_race(p, &one_won, err);
    p->caps.create_only = rc == 0 && one_won;
    return is_refusal(rc) ? 0 : rc;
}

static int note_key(void *arg, const char *key, uint64_t size_bytes, uint64_t mtime_ms)
{
    struct probe *p = arg;

    (void)size_bytes;
    (void)mtime_ms;
    if (strcmp(key, p->key) == 0)
        p->caps.lists = true;
    return 0;
}

static int probe_list(struct probe *p, struct err *err)
{
    int rc = store_list(p->store, p->key, NULL, note_key, p, err);

    if (rc == 0 && !p->caps.writes)
        p->caps.lists = true; /* nothing of ours to find */
    return is_refusal(rc) ? 0 : rc;
}

static int probe_delete(struct probe *p, struct err *err)
{
    uint64_t size;
    int rc;

    if (!p->caps.writes)
        return 0;
    rc = store_delete(p->store, p->key, err);
    if (rc == 0 && p->caps.reads)
        p->caps.deletes = store_head(p->store, p->key, &size, NULL) == -ENOENT;
    return is_refusal(rc) ? 0 : rc;
}

int store_probe(struct store *s, struct store_caps *ret, struct err *err)
{
    struct probe p = {.store = s};
    struct err local = {0};
    int rc;

    if (!err)
        err = &local;
    rc = probe_key(&p);
    if (rc == 0)
        rc = probe_write(&p, err);
    if (rc == 0)
        rc = probe_read(&p, err);
    if (rc == 0)
        rc = probe_create_only(&p, err);
    if (rc == 0)
        rc = probe_list(&p, err);
    if (rc == 0)
        rc = probe_delete(&p, err);
    else
        store_delete(s, p.key, NULL);
    if (rc < 0)
        return rc;
    store_skew_ms(s, &p.caps.clock_skew_ms);
    err_clear(err);
    *ret = p.caps;
    return 0;
}

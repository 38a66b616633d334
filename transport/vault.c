/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and making a vault, and what every handle of one carries. */
#include "base/err.h"
#include "base/fail.h"
#include "base/gw.h"
#include "base/text.h"
#include "transport/codec.h"
#include "transport/vault_impl.h"
#include "transport/vault_object.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

#define VAULT_KEY "vault"

enum { SCRATCH_FIRST = 256 * 1024, BODY_MAX = 16 << 20 };

struct vault {
    struct store *store;
    const struct clock *clock;
    const struct rng *rng;
    struct seal_keys keys;
    struct seal *seal;
    struct codec *codec;
    uint8_t *scratch;
    size_t scratch_cap;
    struct buf body;
};

static int tools_open(struct vault *v, struct err *err)
{
    int rc = seal_new(&v->keys, &v->seal, err);

    buf_init(&v->body, BODY_MAX);
    return rc ? rc : codec_new(&v->codec, err);
}

static int no_vault(const struct vault *v, struct err *err)
{
    return err_set_gw(err, GW_NO_VAULT, -ENOENT, "there is no vault in %s", store_url(v->store));
}

static int load_once(struct vault *v, const uint8_t *key, struct err *err)
{
    struct store_range range = {.max_bytes = VAULT_OBJECT_MAX};
    auto_buf struct buf object = {0};
    int rc = store_get(v->store, VAULT_KEY, range, &object, err);

    if (rc == -ENOENT)
        return no_vault(v, err);
    if (rc == -EFBIG)
        return err_set_gw(err, GW_VAULT_OBJECT, -EBADMSG, "the vault object is too long");
    if (rc)
        return err_add(err, rc, "open the vault");
    return vault_object_open(buf_slice(&object), key, &v->keys, err);
}

static int load(struct vault *v, const uint8_t *key, struct err *err)
{
    int rc = load_once(v, key, err);

    if (rc != -EBADMSG && rc != -EPROTO)
        return rc;
    err_clear(err); /* it may have been altered on its way */
    return load_once(v, key, err);
}

static int found(void *arg, const char *key, uint64_t size_bytes, uint64_t mtime_ms)
{
    (void)size_bytes;
    (void)mtime_ms;
    return text_copy(arg, STORE_KEY_MAX + 1, key) ? -E2BIG : 1;
}

/*
 * Points without their vault object: it was lost. A new one has another id, so other keys: nothing
 * that is there would open again, not even once the lost object is brought back from a copy.
 */
static int refuse_over_points(struct vault *v, const uint8_t *key, struct err *err)
{
    char point[STORE_KEY_MAX + 1];
    int rc = store_list(v->store, "replicas/", NULL, found, point, err);

    if (rc <= 0)
        return rc;
    rc = load(v, key, err);
    if (rc != -ENOENT) /* somebody made it, and pushed, since we looked */
        return rc ? rc : -EEXIST;
    return err_set_gw(err, GW_VAULT_OBJECT, -EBADMSG,
                      "%s holds '%s', but the object '" VAULT_KEY "' that opens it is gone",
                      store_url(v->store), point);
}

/* Who only reads is told as well that it was lost, and not that nothing was ever here. */
static int find_out_why(struct vault *v, const uint8_t *key, struct err *err)
{
    int rc = refuse_over_points(v, key, err);

    if (rc == -EEXIST)
        return 0;
    if (rc == -EBADMSG)
        return rc;
    err_clear(err);
    return no_vault(v, err);
}

/* Whoever was first: if somebody made the vault meanwhile, theirs is opened. */
static int create(struct vault *v, const uint8_t *key, struct err *err)
{
    auto_buf struct buf object = {0};
    uint8_t id[VAULT_ID_LEN];
    bool weak;
    int rc = failpoint("vault_create");

    if (rc)
        return err_set(err, rc, "make a vault: %m");
    rc = refuse_over_points(v, key, err);
    if (rc)
        return rc == -EEXIST ? 0 : rc;
    rng_fill(v->rng, id, sizeof(id));
    rc = seal_keys_derive(key, id, &v->keys, err);
    if (!rc)
        rc = vault_object_format(&v->keys, &object, err);
    if (!rc)
        rc = vault_create(v, VAULT_KEY, buf_slice(&object), &weak, err);
    if (rc && rc != -EEXIST)
        return err_add(err, rc, "make a vault");
    err_clear(err);
    return load(v, key, err);
}

static int store_attach(const struct store_conf *conf, struct vault *v, struct err *err)
{
    v->clock = conf->clock ? conf->clock : &clock_system;
    v->rng = conf->rng ? conf->rng : &rng_system;
    return store_open(conf, &v->store, err);
}

int vault_open(const struct vault_conf *conf, struct vault **ret, struct err *err)
{
    auto_vault struct vault *v = calloc(1, sizeof(*v));
    int rc;

    if (!v)
        return err_set(err, -ENOMEM, "open a vault: %m");
    rc = store_attach(&conf->store, v, err);
    if (!rc)
        rc = load(v, conf->key, err);
    if (rc == -ENOENT && v->store && conf->create) {
        err_clear(err);
        rc = create(v, conf->key, err);
    } else if (rc == -ENOENT && v->store) {
        rc = find_out_why(v, conf->key, err);
    }
    if (!rc)
        rc = tools_open(v, err);
    if (!rc)
        *ret = TAKE(v);
    return rc;
}

int vault_dup(const struct vault *v, struct vault **ret, struct err *err)
{
    auto_vault struct vault *d = calloc(1, sizeof(*d));
    int rc;

    if (!d)
        return err_set(err, -ENOMEM, "open a vault once more: %m");
    d->clock = v->clock;
    d->rng = v->rng;
    d->keys = v->keys;
    rc = store_dup(v->store, &d->store, err);
    if (!rc)
        rc = tools_open(d, err);
    if (!rc)
        *ret = TAKE(d);
    return rc;
}

void vault_close(struct vault *v)
{
    if (!v)
        return;
    store_close(v->store);
    seal_free(v->seal);
    codec_free(v->codec);
    seal_keys_wipe(&v->keys);
    free(v->scratch);
    buf_done(&v->body);
    free(v);
}

struct store *vault_store(struct vault *v)
{
    return v->store;
}

const uint8_t *vault_id(const struct vault *v)
{
    return v->keys.vault_id;
}

bool vault_encrypted(const struct vault *v)
{
    return v->keys.encrypted;
}

const struct seal_keys *vault_keys(const struct vault *v)
{
    return &v->keys;
}

struct seal *vault_seal(struct vault *v)
{
    return v->seal;
}

struct codec *vault_codec(struct vault *v)
{
    return v->codec;
}

const struct rng *vault_rng(const struct vault *v)
{
    return v->rng;
}

const struct clock *vault_clock(const struct vault *v)
{
    return v->clock;
}

int vault_scratch(struct vault *v, size_t len, uint8_t **ret, struct err *err)
{
    size_t cap = len > SCRATCH_FIRST ? len : SCRATCH_FIRST;

    if (v->scratch_cap < len) {
        uint8_t *more = malloc(cap);

        if (!more)
            return err_set(err, -ENOMEM, "scratch memory of %zu bytes: %m", cap);
        free(v->scratch);
        v->scratch = more;
        v->scratch_cap = cap;
    }
    *ret = v->scratch;
    return 0;
}

struct buf *vault_body(struct vault *v)
{
    return &v->body;
}

int vault_get(struct vault *v, const char *key, struct store_range range, struct buf *out,
              struct err *err)
{
    int rc = store_get(v->store, key, range, out, err);

    if (rc == -ENOENT)
        return err_set_gw(err, GW_VAULT_MISSING, -ENOENT, "%s is not in the vault", key);
    if (rc == -ERANGE)
        return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG, "%s is cut short", key);
    if (rc == -EFBIG)
        return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG, "%s is longer than it can be", key);
    return rc;
}

/* Look, write, read back: all that can be done without create-only. */
static int create_weakly(struct vault *v, const char *key, struct slice body, struct err *err)
{
    struct store_range range = {.max_bytes = body.len + 1};
    auto_buf struct buf back = {0};
    uint64_t bytes;
    int rc = store_head(v->store, key, &bytes, err);

    if (rc == 0)
        return err_set(err, -EEXIST, "%s exists", key);
    if (rc != -ENOENT)
        return rc;
    err_clear(err);
    rc = store_put(v->store, key, body, NULL, STORE_PUT_REPLACE, err);
    if (!rc)
        rc = store_get(v->store, key, range, &back, err);
    if (rc && rc != -EFBIG)
        return rc;
    if (rc || back.len != body.len || memcmp(back.data, body.data, body.len) != 0)
        return err_set(err, -EEXIST, "%s was written by another at the same time", key);
    return 0;
}

int vault_create(struct vault *v, const char *key, struct slice body, bool *ret_weak,
                 struct err *err)
{
    int rc = store_put(v->store, key, body, NULL, STORE_PUT_CREATE_ONLY, err);

    *ret_weak = rc == -EOPNOTSUPP;
    if (rc != -EOPNOTSUPP)
        return rc;
    err_clear(err);
    return create_weakly(v, key, body, err);
}

static bool part_is_name(const char *part, size_t len)
{
    char copy[VAULT_REPLICA_NAME_MAX + 1];

    memcpy(copy, part, len);
    copy[len] = '\0';
    /* "points" would let the keys of one replica lie among those of another. */
    return text_is_name(copy) && !text_equal(copy, "points");
}

bool vault_is_replica_name(const char *name)
{
    size_t left = strnlen(name, VAULT_REPLICA_NAME_MAX + 1);
    unsigned parts = 0;

    if (left > VAULT_REPLICA_NAME_MAX)
        return false;
    for (;;) {
        size_t len = strcspn(name, "/");

        if (++parts > 4 || !part_is_name(name, len))
            return false;
        if (name[len] == '\0')
            return true;
        name += len + 1;
    }
}

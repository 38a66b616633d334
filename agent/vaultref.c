/* SPDX-License-Identifier: Apache-2.0 */
/* The vault's place and key: parsed fully, saved, then swapped in under the lock. */
#include "agent/vaultref.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/js.h"
#include "base/text.h"

#include <limits.h>
#include <pthread.h>

#include "base/banned.h"

enum { FILE_MAX = 16 * 1024, TEXT_MAX = 512 };

struct place {
    char url[TEXT_MAX], region[TEXT_MAX], endpoint[TEXT_MAX];
    bool has_key;
    uint8_t key[CRYPTO_KEY_LEN];
};

struct vaultref {
    char path[PATH_MAX];
    pthread_mutex_t lock;
    struct place place;  /* guarded by lock */
    uint64_t generation; /* guarded by lock; 0 = nothing configured */
};

static int parse_key(const char *text, struct place *p, struct err *err)
{
    if (!text)
        return 0;
    p->has_key = true;
    if (strlen(text) == 2 * sizeof(p->key) && text_unhex(text, p->key, sizeof(p->key)) == 0)
        return 0;
    return vault_key_parse(text, p->key, err);
}

static int parse_place(const struct js *conf, struct place *ret, struct err *err)
{
    struct place p = {0};
    const char *url = NULL;
    int r = js_get_str(conf, "url", &url, err);

    if (r < 0)
        return err_add(err, -EINVAL, "configuration of the vault");
    if (text_copy(p.url, sizeof(p.url), url) < 0 ||
        text_copy(p.region, sizeof(p.region), js_str(conf, "region", "")) < 0 ||
        text_copy(p.endpoint, sizeof(p.endpoint), js_str(conf, "endpoint", "")) < 0)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "configuration of the vault: too long");
    r = parse_key(js_str(conf, "key", NULL), &p, err);
    if (r == 0)
        *ret = p;
    crypto_wipe(&p, sizeof(p));
    return r;
}

static void place_take(struct vaultref *v, struct place *p)
{
    pthread_mutex_lock(&v->lock);
    v->place = *p;
    v->generation++;
    pthread_mutex_unlock(&v->lock);
    crypto_wipe(p, sizeof(*p));
}

static int load(struct vaultref *v, struct err *err)
{
    auto_js struct js *doc = NULL;
    struct place p = {0};
    int r = js_load(v->path, FILE_MAX, &doc, err);

    if (r == -ENOENT) {
        err_clear(err);
        return 0;
    }
    if (r == 0)
        r = parse_place(doc, &p, err);
    if (r == 0)
        place_take(v, &p);
    return r;
}

int vaultref_new(const char *state_dir, struct vaultref **ret, struct err *err)
{
    struct vaultref *v = calloc(1, sizeof(*v));
    int r;

    if (!v)
        return err_set(err, -ENOMEM, "vault: %m");
    pthread_mutex_init(&v->lock, NULL);
    r = text_print(v->path, sizeof(v->path), "%s/vault.json", state_dir);
    if (r == 0)
        r = load(v, err);
    if (r < 0) {
        vaultref_free(v);
        return err_add(err, r, "configuration of the vault");
    }
    *ret = v;
    return 0;
}

void vaultref_free(struct vaultref *v)
{
    if (!v)
        return;
    crypto_wipe(&v->place, sizeof(v->place));
    pthread_mutex_destroy(&v->lock);
    free(v);
}

static bool place_same(struct vaultref *v, const struct place *p)
{
    bool same;

    pthread_mutex_lock(&v->lock);
    same = v->generation > 0 && text_equal(v->place.url, p->url) &&
           text_equal(v->place.region, p->region) && text_equal(v->place.endpoint, p->endpoint) &&
           v->place.has_key == p->has_key && crypto_equal(v->place.key, p->key, sizeof(p->key));
    pthread_mutex_unlock(&v->lock);
    return same;
}

int vaultref_set(struct vaultref *v, const struct js *conf, struct err *err)
{
    auto_buf struct buf text = {0};
    struct place p = {0};
    int r;

    if (js_kind(conf) == JS_NULL)
        return 0;
    r = parse_place(conf, &p, err);
    if (r < 0 || place_same(v, &p))
        goto out;
    r = js_print(conf, true, true, &text, err);
    if (r == 0)
        r = fd_save(v->path, buf_slice(&text), 0600, err);
    if (r == 0)
        place_take(v, &p);
out:
    crypto_wipe(&p, sizeof(p));
    crypto_wipe(text.data, text.len);
    return r;
}

uint64_t vaultref_generation(struct vaultref *v)
{
    uint64_t g;

    pthread_mutex_lock(&v->lock);
    g = v->generation;
    pthread_mutex_unlock(&v->lock);
    return g;
}

int vaultref_open(struct vaultref *v, struct rate *rate, const atomic_bool *stop,
                  struct vault **ret, struct err *err)
{
    struct place p;
    uint64_t generation;
    struct vault_conf conf = {0};
    int r;

    pthread_mutex_lock(&v->lock);
    p = v->place;
    generation = v->generation;
    pthread_mutex_unlock(&v->lock);
    if (generation == 0) {
        r = err_set_gw(err, GW_VAULT_UNNAMED, -ENOENT, "the planner has named no vault yet");
        if (err)
            err->retryable = true;
        return r;
    }
    conf.store = (struct store_conf){.url = p.url,
                                     .endpoint = p.endpoint[0] ? p.endpoint : NULL,
                                     .region = p.region[0] ? p.region : NULL,
                                     .path_style = -1,
                                     .rate = rate,
                                     .stop = stop};
    conf.key = p.has_key ? p.key : NULL;
    r = vault_open(&conf, ret, err);
    crypto_wipe(&p, sizeof(p));
    return r;
}

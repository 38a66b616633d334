/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects in memory, for tests: mem:NAME is one place for the whole process while a handle on it
 * is open. The registry of names is this file's, like a kernel's, behind its lock.
 */
#include "transport/store_impl.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"

#include <pthread.h>

#include "base/banned.h"

struct mem_object {
    char *key;
    uint8_t *data;
    size_t len;
    uint64_t mtime_ms;
};

struct mem_place {
    struct mem_place *next; /* under registry_lock, like refs */
    unsigned refs;
    char *name;
    pthread_mutex_t lock;       /* guards the rest */
    struct mem_object *objects; /* by key, ascending */
    size_t n;
    size_t cap;
};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mem_place *registry;

static struct mem_place *place_find(const char *name)
{
    struct mem_place *p = registry;

    while (p && strcmp(p->name, name) != 0)
        p = p->next;
    return p;
}

static struct mem_place *place_add(const char *name)
{
    struct mem_place *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->name = strdup(name);
    if (!p->name) {
        free(p);
        return NULL;
    }
    pthread_mutex_init(&p->lock, NULL);
    p->next = registry;
    registry = p;
    return p;
}

static int mem_open(const struct store_conf *conf, void **ret_self, struct err *err)
{
    const char *name = conf->url + strlen(store_mem_ops.scheme);
    struct mem_place *p;

    if (!text_is_name(name))
        return err_set_gw(err, GW_STORE_BAD_URL, -EINVAL, "'%s': expected mem:NAME", conf->url);
    pthread_mutex_lock(&registry_lock);
    p = place_find(name);
    if (!p)
        p = place_add(name);
    if (p)
        p->refs++;
    pthread_mutex_unlock(&registry_lock);
    if (!p)
        return err_set(err, -ENOMEM, "opening store: %m");
    *ret_self = p;
    return 0;
}

static int mem_dup(const void *self, void **ret_self, struct err *err)
{
    struct mem_place *p;

    (void)err;
    pthread_mutex_lock(&registry_lock);
    p = place_find(((const struct mem_place *)self)->name);
    p->refs++;
    pthread_mutex_unlock(&registry_lock);
    *ret_self = p;
    return 0;
}

static void place_free(struct mem_place *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->objects[i].key);
        free(p->objects[i].data);
    }
    free(p->objects);
    free(p->name);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static void mem_close(void *self)
{
    struct mem_place *p = self;
    struct mem_place **at = &registry;

    pthread_mutex_lock(&registry_lock);
    if (--p->refs > 0) {
        pthread_mutex_unlock(&registry_lock);
        return;
    }
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    pthread_mutex_unlock(&registry_lock);
    place_free(p);
}

/* The first object whose key is not below key. */
static size_t mem_lower(const struct mem_place *p, const char *key)
{
    size_t low = 0;
    size_t high = p->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (strcmp(p->objects[mid].key, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct mem_object *mem_find(const struct mem_place *p, const char *key)
{
    size_t i = mem_lower(p, key);

    return i < p->n && strcmp(p->objects[i].key, key) == 0 ? &p->objects[i] : NULL;
}

static int mem_none(const char *key, struct err *err)
{
    return err_set_gw(err, GW_VAULT_MISSING, -ENOENT, "no object '%s'", key);
}

/* Room for one more object. */
static bool mem_reserve(struct mem_place *p)
{
    size_t cap = p->cap ? 2 * p->cap : 64;
    struct mem_object *objects;

    if (p->n < p->cap)
        return true;
    objects = reallocarray(p->objects, cap, sizeof(*objects));
    if (!objects)
        return false;
    p->objects = objects;
    p->cap = cap;
    return true;
}

/* Consumes object's two allocations when it returns 0. */
static int mem_store(struct mem_place *p, const struct mem_object *object,
                     enum store_put_flags flags, struct err *err)
{
    struct mem_object *old = mem_find(p, object->key);
    size_t i;

    if (old && flags == STORE_PUT_CREATE_ONLY)
        return err_set_gw(err, GW_STORE_CONFLICT, -EEXIST, "object '%s' exists already",
                          object->key);
    if (old) {
        free(old->key);
        free(old->data);
        *old = *object;
        return 0;
    }
    if (!mem_reserve(p))
        return err_set(err, -ENOMEM, "put '%s': %m", object->key);
    i = mem_lower(p, object->key);
    memmove(&p->objects[i + 1], &p->objects[i], (p->n - i) * sizeof(*p->objects));
    p->objects[i] = *object;
    p->n++;
    return 0;
}

static int mem_put(void *self, const char *key, struct slice body, const uint8_t *sha256,
                   enum store_put_flags flags, struct err *err)
{
    struct mem_place *p = self;
    auto_free uint8_t *data = malloc(body.len > 0 ? body.len : 1);
    auto_free char *name = strdup(key);
    struct mem_object object = {.len = body.len, .mtime_ms = clock_wall_ms(&clock_system)};
    int rc;

    (void)sha256;
    if (!data || !name)
        return err_set(err, -ENOMEM, "put '%s': %m", key);
    if (body.len > 0)
        memcpy(data, body.data, body.len);
    object.key = name;
    object.data = data;
    pthread_mutex_lock(&p->lock);
    rc = mem_store(p, &object, flags, err);
    pthread_mutex_unlock(&p->lock);
    if (rc == 0) {
        (void)TAKE(name);
        (void)TAKE(data);
    }
    return rc;
}

static int mem_copy(const struct mem_object *o, const struct store_range *range, struct buf *out,
                    struct err *err)
{
    size_t len;

    if (range->offset > o->len || range->len > o->len - range->offset)
        return err_set(err, -ERANGE, "object '%s' has only %zu bytes", o->key, o->len);
    len = range->len > 0 ? range->len : o->len - (size_t)range->offset;
    if (len > range->max_bytes)
        return err_set(err, -EFBIG, "object '%s' has more than %zu bytes", o->key,
                       range->max_bytes);
    if (buf_append(out, o->data + range->offset, len) < 0)
        return buf_failed(out, err);
    return 0;
}

static int mem_get(void *self, const char *key, const struct store_range *range, struct buf *out,
                   struct err *err)
{
    struct mem_place *p = self;
    const struct mem_object *o;
    int rc;

    pthread_mutex_lock(&p->lock);
    o = mem_find(p, key);
    rc = o ? mem_copy(o, range, out, err) : mem_none(key, err);
    pthread_mutex_unlock(&p->lock);
    return rc;
}

static int mem_head(void *self, const char *key, uint64_t *ret_bytes, struct err *err)
{
    struct mem_place *p = self;
    const struct mem_object *o;
    uint64_t len = 0;

    pthread_mutex_lock(&p->lock);
    o = mem_find(p, key);
    if (o)
        len = o->len;
    pthread_mutex_unlock(&p->lock);
    if (!o)
        return mem_none(key, err);
    *ret_bytes = len;
    return 0;
}

static int mem_remove(void *self, const char *key, struct err *err)
{
    struct mem_place *p = self;
    struct mem_object *o;

    (void)err;
    pthread_mutex_lock(&p->lock);
    o = mem_find(p, key);
    if (o) {
        free(o->key);
        free(o->data);
        memmove(o, o + 1, (size_t)(&p->objects[p->n] - (o + 1)) * sizeof(*o));
        p->n--;
    }
    pthread_mutex_unlock(&p->lock);
    return 0;
}

/* The next object after `after`, copied: fn must be free to call the store. */
static bool mem_next(struct mem_place *p, const char *prefix, char *after, bool *at_start,
                     struct mem_object *ret)
{
    bool found = false;
    size_t i;

    pthread_mutex_lock(&p->lock);
    i = mem_lower(p, after);
    if (!*at_start && i < p->n && strcmp(p->objects[i].key, after) == 0)
        i++;
    *at_start = false;
    if (i < p->n && text_starts(p->objects[i].key, prefix)) {
        memcpy(after, p->objects[i].key, strlen(p->objects[i].key) + 1);
        *ret = p->objects[i];
        found = true;
    }
    pthread_mutex_unlock(&p->lock);
    return found;
}

static int mem_list(void *self, const char *prefix, const char *after, store_list_fn fn, void *arg,
                    struct err *err)
{
    char at[STORE_KEY_MAX + 1];
    struct mem_object o;
    bool at_start = !after || strcmp(after, prefix) < 0;
    const char *from = at_start ? prefix : after;

    (void)err;
    memcpy(at, from, strlen(from) + 1);
    while (mem_next(self, prefix, at, &at_start, &o)) {
        int rc = fn(arg, at, o.len, o.mtime_ms);

        if (rc != 0)
            return rc;
    }
    return 0;
}

const struct store_ops store_mem_ops = {
    .scheme = "mem:",
    .open = mem_open,
    .dup = mem_dup,
    .close = mem_close,
    .put = mem_put,
    .get = mem_get,
    .head = mem_head,
    .remove = mem_remove,
    .list = mem_list,
};

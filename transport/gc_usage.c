/* SPDX-License-Identifier: Apache-2.0 */
/* What a vault holds: objects and bytes by kind and by replica. */
#include "base/err.h"
#include "base/text.h"
#include "transport/gc_impl.h"
#include "transport/mark.h"

#include <stdlib.h>

#include "base/banned.h"

static bool is_hex(const char *text, size_t len)
{
    return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

static bool is_pack(const char *key)
{
    char again[PACK_KEY_MAX];
    uint8_t name[PACK_NAME_LEN];
    const char *hex = strrchr(key, '/') + 1; /* it begins with "packs/" */

    return is_hex(hex, 2 * (size_t)PACK_NAME_LEN) && text_unhex(hex, name, sizeof(name)) == 0 &&
           text_equal(pack_key(name, again), key);
}

/* "<what>/…/<16 hex>" */
static bool is_numbered(const char *key)
{
    const char *last = strrchr(key, '/');

    return last && is_hex(last + 1, 16);
}

enum gc_kind gc_usage_kind(const char *key)
{
    static const struct {
        const char *prefix;
        enum gc_kind kind;
    } rows[] = {
        {"replicas/", GC_KIND_POINT},     {"epochs/", GC_KIND_REGISTER},
        {"decisions/", GC_KIND_REGISTER}, {"care/", GC_KIND_CARE},
        {"escrow/", GC_KIND_KEY},
    };

    if (text_equal(key, "vault"))
        return GC_KIND_KEY;
    if (text_starts(key, "packs/"))
        return is_pack(key) ? GC_KIND_UNNEEDED : GC_KIND_FOREIGN;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (text_starts(key, rows[i].prefix) && is_numbered(key))
            return rows[i].kind;
    return GC_KIND_FOREIGN;
}

static int take(void *arg, const char *key, uint64_t size_bytes, uint64_t mtime_ms)
{
    struct gc_usage *u = arg;
    enum gc_kind kind = gc_usage_kind(key);

    (void)mtime_ms;
    u->objects++;
    u->bytes += size_bytes;
    if (kind == GC_KIND_UNNEEDED)
        return 0; /* packs are counted by who needs them */
    u->kinds[kind].objects++;
    u->kinds[kind].bytes += size_bytes;
    return 0;
}

static void name_kinds(struct gc_usage *u)
{
    static const char *const names[GC_KINDS] = {
        [GC_KIND_DATA] = "data packs",         [GC_KIND_MAP] = "map packs",
        [GC_KIND_UNNEEDED] = "unneeded packs", [GC_KIND_POINT] = "points",
        [GC_KIND_REGISTER] = "registers",      [GC_KIND_CARE] = "care log",
        [GC_KIND_KEY] = "vault and keys",      [GC_KIND_FOREIGN] = "foreign",
    };

    for (size_t i = 0; i < GC_KINDS; i++)
        u->kinds[i].kind = names[i];
}

static void count_pack(const struct mark_info *info, struct gc_usage *u)
{
    enum gc_kind kind = !info->needed ? GC_KIND_UNNEEDED : info->map ? GC_KIND_MAP : GC_KIND_DATA;

    u->kinds[kind].objects++;
    u->kinds[kind].bytes += info->bytes;
    u->newest_bytes += info->newest < info->bytes ? info->newest : info->bytes;
    if (!info->needed) {
        u->unneeded_packs++;
        u->unneeded_bytes += info->bytes;
    } else if (info->owner == MARK_SHARED) {
        u->shared_packs++;
        u->shared_bytes += info->bytes;
    }
}

static int count_packs(const struct mark *m, struct gc_usage *u, struct gc_usage_replica *own,
                       struct err *err)
{
    struct packrows_cursor at = {0};
    uint8_t name[PACK_NAME_LEN];
    struct mark_info info;
    int rc;

    while ((rc = packrows_next(m->packs, &at, name, &info, err)) == 1) {
        count_pack(&info, u);
        if (!info.needed || info.owner == MARK_SHARED)
            continue;
        own[info.owner].own_packs++;
        own[info.owner].own_bytes += info.bytes;
    }
    return rc;
}

static void tell_replicas(const struct mark *m, const struct gc_usage *u,
                          struct gc_usage_replica *own, gc_usage_fn fn, void *arg)
{
    for (size_t k = 0; fn && k < m->replicas_n; k++) {
        own[k].name = m->replicas[k].name;
        own[k].points = m->replicas[k].n;
        own[k].shared_bytes = u->shared_bytes;
        fn(arg, &own[k]);
    }
}

static int usage(struct mark *m, struct gc_usage *u, gc_usage_fn fn, void *arg, struct err *err)
{
    auto_free struct gc_usage_replica *own = NULL;
    int rc = mark_open(m, err);

    if (rc == 0)
        rc = mark_walk(m, err);
    if (rc == 0)
        rc = mark_list(m, err);
    if (rc == 0)
        rc = store_list(vault_store(m->vault), "", NULL, take, u, err);
    own = calloc(m->replicas_n + 1, sizeof(*own));
    if (rc == 0 && !own)
        rc = err_set(err, -ENOMEM, "count packs: %m");
    if (rc == 0)
        rc = count_packs(m, u, own, err);
    if (rc == 0)
        tell_replicas(m, u, own, fn, arg);
    return rc;
}

int gc_usage(struct vault *v, const atomic_bool *stop, gc_usage_fn fn, void *arg,
             struct gc_usage *ret, struct err *err)
{
    auto_care_log struct care_log *log = NULL;
    struct mark m = {.vault = v, .stop = stop};
    struct gc_usage u = {0};
    int rc = care_log_open(v, 0, &log, err);

    if (rc == 0)
        rc = care_log_read(log, err);
    m.log = log;
    if (rc == 0)
        rc = usage(&m, &u, fn, arg, err);
    if (rc == 0) {
        name_kinds(&u);
        *ret = u;
    }
    mark_done(&m);
    return rc < 0 ? err_add(err, rc, "count what the vault holds") : 0;
}

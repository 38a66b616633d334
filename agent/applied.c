/* SPDX-License-Identifier: Apache-2.0 */
/* applied.json, and the comparison of what was applied with what was decided. */
#include "agent/applied.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/jsw.h"
#include "base/text.h"

#include <fcntl.h>

#include "base/banned.h"

enum { FILE_MAX = 64 * 1024 };

static int applied_path(const char *dir, char out[static PATH_MAX], struct err *err)
{
    int r = text_print(out, PATH_MAX, "%s/applied.json", dir);

    return r < 0 ? err_set(err, r, "path of applied.json: %m") : 0;
}

static int parse_digest(const char *hex, uint8_t *out, struct err *err)
{
    if (strlen(hex) != (size_t)2 * REPLICA_DIGEST_LEN ||
        text_unhex(hex, out, REPLICA_DIGEST_LEN) < 0)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "a digest has 64 hex digits");
    return 0;
}

static int parse_volume(const struct js *doc, struct applied_volume *v, struct err *err)
{
    const char *name = NULL;
    const char *digest = NULL;
    int r = js_get_str(doc, "name", &name, err);

    if (r == 0)
        r = js_get_str(doc, "digest", &digest, err);
    if (r == 0)
        r = js_get_u64(doc, "seq", &v->seq, err);
    if (r == 0)
        r = parse_digest(digest, v->digest, err);
    if (r == 0)
        r = text_copy(v->name, sizeof(v->name), name);
    if (r == 0)
        r = text_copy(v->replica, sizeof(v->replica), js_str(doc, "replica", ""));
    return r;
}

int applied_load(const char *dir, struct applied *ret, struct err *err)
{
    auto_js struct js *doc = NULL;
    struct applied a = {0};
    const struct js *list;
    char path[PATH_MAX];
    int r = applied_path(dir, path, err);

    if (r == 0)
        r = js_load(path, FILE_MAX, &doc, err);
    if (r == -ENOENT) {
        err_clear(err);
        *ret = a;
        return 0;
    }
    if (r == 0)
        r = js_get_u64(doc, "epoch", &a.epoch, err);
    list = js_member(doc, "volumes");
    if (r == 0 && js_len(list) > ASSIGNMENT_VOLUMES_MAX)
        r = err_set(err, -EINVAL, "too many volumes");
    for (size_t i = 0; r == 0 && i < js_len(list); i++)
        r = parse_volume(js_at(list, i), &a.volumes[a.volumes_n++], err);
    if (r < 0)
        return err_add(err, r, "'%s'", path);
    *ret = a;
    return 0;
}

int applied_save(const char *dir, const struct applied *a, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    auto_buf struct buf text = {0};
    char path[PATH_MAX];
    int r = applied_path(dir, path, err);

    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_u64(w, "epoch", a->epoch);
    jsw_arr(w, "volumes");
    for (size_t i = 0; i < a->volumes_n; i++) {
        jsw_obj(w, NULL);
        jsw_str(w, "name", a->volumes[i].name);
        jsw_str(w, "replica", a->volumes[i].replica);
        jsw_u64(w, "seq", a->volumes[i].seq);
        jsw_hex(w, "digest", a->volumes[i].digest, REPLICA_DIGEST_LEN);
        jsw_end(w);
    }
    jsw_end(w);
    jsw_end(w);
    r = jsw_finish(w, true, &text, err);
    return r == 0 ? fd_save(path, buf_slice(&text), 0600, err) : r;
}

int applied_forget(const char *dir, struct err *err)
{
    char path[PATH_MAX];
    int r = applied_path(dir, path, err);

    if (r == 0)
        r = fd_unlink(path, err);
    if (r == 0)
        r = fd_sync_dir(dir, err);
    return r;
}

static const struct control_volume *decided(const struct control_verdict *v, const char *replica)
{
    for (size_t i = 0; i < v->volumes_n; i++) {
        if (text_equal(v->volumes[i].replica, replica))
            return &v->volumes[i];
    }
    return NULL;
}

bool applied_matches(const struct applied *a, const struct control_verdict *v)
{
    if (v->decision != CONTROL_PROMOTE || a->epoch == 0 || a->epoch != v->epoch)
        return false;
    for (size_t i = 0; i < a->volumes_n; i++) {
        const struct control_volume *d = decided(v, a->volumes[i].replica);

        if (!d || d->seq != a->volumes[i].seq ||
            memcmp(d->digest, a->volumes[i].digest, REPLICA_DIGEST_LEN) != 0)
            return false;
    }
    return a->volumes_n > 0;
}

static void start_volume(const struct assignment_volume *from, struct applied_volume *to)
{
    text_copy(to->name, sizeof(to->name), from->name);
    text_copy(to->replica, sizeof(to->replica), from->replica);
}

int applied_from_verdict(const struct control_verdict *v, const struct assignment *as,
                         struct applied *ret, struct err *err)
{
    *ret = (struct applied){.epoch = v->epoch, .volumes_n = as->volumes_n};
    for (size_t i = 0; i < as->volumes_n; i++) {
        const struct control_volume *d = decided(v, as->volumes[i].replica);

        if (!d)
            return err_set(err, -ENOENT, "the decision does not name '%s'", as->volumes[i].replica);
        start_volume(&as->volumes[i], &ret->volumes[i]);
        ret->volumes[i].seq = d->seq;
        memcpy(ret->volumes[i].digest, d->digest, REPLICA_DIGEST_LEN);
    }
    return 0;
}

static const struct js *named(const struct js *list, const char *name)
{
    for (size_t i = 0; i < js_len(list); i++) {
        if (text_equal(js_str(js_at(list, i), "name", NULL), name))
            return js_at(list, i);
    }
    return NULL;
}

int applied_from_args(const struct js *args, uint64_t epoch, const struct assignment *as,
                      struct applied *ret, struct err *err)
{
    *ret = (struct applied){.epoch = epoch, .volumes_n = as->volumes_n};
    for (size_t i = 0; i < as->volumes_n; i++) {
        const struct js *v = named(js_member(args, "volumes"), as->volumes[i].name);
        int r = v ? parse_volume(v, &ret->volumes[i], err)
                  : err_set_gw(err, GW_BAD_DOCUMENT, -ENOENT, "no final point was named");

        if (r < 0)
            return err_add(err, r, "volume '%s'", as->volumes[i].name);
        start_volume(&as->volumes[i], &ret->volumes[i]);
    }
    return 0;
}

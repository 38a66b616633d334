/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of a workload document. It is strict because a misspelt member of a document that is
 * reviewed like code must not be a default in silence.
 */
#include "planner/service/workload_doc.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/text.h"
#include "planner/service/workload_device.h"

#include "base/banned.h"

enum {
    DEVICE_MAX = 512,
    HOOKS_MAX = 32,
    HOOK_TEXT_MAX = 4096,
    OTHERS_MAX = 64,
    LIMIT_S_MAX = 366 * 86400,
    INTERVAL_S_MAX = 86400,
};

#define bad(err, ...) err_set_gw(err, GW_BAD_WORKLOAD, -EINVAL, __VA_ARGS__)

/* -- members ------------------------------------------------------------ */

struct known {
    const char *const *names; /* NULL-terminated */
    const char *where;
    struct err *err;
};

static int check_known(void *arg, const char *key, const struct js *value)
{
    const struct known *k = arg;

    (void)value;
    for (size_t i = 0; k->names[i]; i++)
        if (text_equal(k->names[i], key))
            return 0;
    return bad(k->err, "%s has no member '%s'", k->where, key);
}

static int check_members(const struct js *obj, const char *where, const char *const *names,
                         struct err *err)
{
    struct known k = {.names = names, .where = where, .err = err};

    if (js_kind(obj) != JS_OBJ)
        return bad(err, "%s is not an object", where);
    return js_each(obj, check_known, &k);
}

/* -- hooks -------------------------------------------------------------- */

static int check_text(const struct js *v, const char *where, struct err *err)
{
    const char *text = js_as_str(v, NULL);

    if (!text || !text[0])
        return bad(err, "%s: a hook is a string or an array of strings", where);
    if (strlen(text) >= HOOK_TEXT_MAX)
        return bad(err, "%s: a hook is at most %d bytes", where, HOOK_TEXT_MAX - 1);
    return 0;
}

static int check_hook(const struct js *hook, const char *where, struct err *err)
{
    int r = 0;

    if (js_kind(hook) != JS_ARR)
        return check_text(hook, where, err);
    if (js_len(hook) == 0)
        return bad(err, "%s: a hook without a program", where);
    for (size_t i = 0; r == 0 && i < js_len(hook); i++)
        r = js_kind(js_at(hook, i)) == JS_STR
                ? 0
                : bad(err, "%s: a hook is a string or an array of strings", where);
    return r;
}

static int check_hooks(const struct js *obj, const char *key, const char *where, struct err *err)
{
    const struct js *list = js_member(obj, key);
    char place[96];
    int r;

    if (js_kind(list) == JS_NULL)
        return 0;
    (void)text_print(place, sizeof(place), "%s.%s", where, key);
    if (js_kind(list) != JS_ARR)
        return bad(err, "%s is not an array of hooks", place);
    if (js_len(list) > HOOKS_MAX)
        return bad(err, "%s has more than %d hooks", place, HOOKS_MAX);
    for (size_t i = 0; i < js_len(list); i++) {
        r = check_hook(js_at(list, i), place, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_hook_group(const struct js *hooks, const char *key, const char *const *names,
                            struct err *err)
{
    const struct js *group = js_member(hooks, key);
    char where[64];
    int r;

    if (js_kind(group) == JS_NULL)
        return 0;
    (void)text_print(where, sizeof(where), "hooks.%s", key);
    r = check_members(group, where, names, err);
    for (size_t i = 0; r == 0 && names[i]; i++)
        r = check_hooks(group, names[i], where, err);
    return r;
}

static int parse_hooks(const struct js *doc, struct workload *w, struct err *err)
{
    static const char *const all[] = {"source", "target", "traffic", "freeze", "thaw", NULL};
    static const char *const side[] = {"start", "stop", NULL};
    static const char *const traffic[] = {"to_target", "to_source", NULL};
    const struct js *hooks = js_member(doc, "hooks");
    int r;

    if (js_kind(hooks) == JS_NULL)
        return 0;
    r = check_members(hooks, "hooks", all, err);
    if (r == 0)
        r = check_hook_group(hooks, "source", side, err);
    if (r == 0)
        r = check_hook_group(hooks, "target", side, err);
    if (r == 0)
        r = check_hook_group(hooks, "traffic", traffic, err);
    if (r == 0)
        r = check_hooks(hooks, "freeze", "hooks", err);
    if (r == 0)
        r = check_hooks(hooks, "thaw", "hooks", err);
    if (r == 0)
        w->hooks = hooks;
    return r;
}

/* -- health ------------------------------------------------------------- */

static int check_http(const struct js *check, struct err *err)
{
    const char *url = js_str(check, "http", "");
    const struct js *expect = js_member(check, "expect");

    if (!text_starts(url, "http://") && !text_starts(url, "https://"))
        return bad(err, "health: http needs a URL");
    if (expect && (js_as_u64(expect, 0) < 100 || js_as_u64(expect, 0) > 599))
        return bad(err, "health: expect is a status from 100 to 599");
    return 0;
}

static int check_health(const struct js *check, struct err *err)
{
    static const char *const names[] = {"name", "http", "expect", "tcp", "run", NULL};
    const bool http = js_member(check, "http"), tcp = js_member(check, "tcp"),
               run = js_member(check, "run");
    int r;

    r = check_members(check, "a health check", names, err);
    if (r < 0)
        return r;
    if (http + tcp + run != 1)
        return bad(err, "a health check has exactly one of http, tcp and run");
    if (http)
        return check_http(check, err);
    if (run)
        return check_hook(js_member(check, "run"), "health.run", err);
    return strrchr(js_str(check, "tcp", ""), ':') ? 0 : bad(err, "health: tcp is ADDRESS:PORT");
}

static int parse_health(const struct js *doc, struct workload *w, struct err *err)
{
    const struct js *health = js_member(doc, "health");
    int r = 0;

    if (js_kind(health) == JS_NULL)
        return 0;
    if (js_kind(health) != JS_ARR || js_len(health) > HOOKS_MAX)
        return bad(err, "health is not an array of at most %d checks", HOOKS_MAX);
    for (size_t i = 0; r == 0 && i < js_len(health); i++)
        r = check_health(js_at(health, i), err);
    if (r == 0)
        w->health = health;
    return r;
}

/* -- numbers -------------------------------------------------------------- */

struct limit {
    const char *name;
    size_t offset; /* in the struct it is for */
    uint64_t dflt, min, max;
};

static int parse_limit(const struct js *obj, const struct limit *limit, void *ret, struct err *err)
{
    const struct js *v = js_member(obj, limit->name);
    uint64_t *at = (uint64_t *)(void *)((char *)ret + limit->offset);

    *at = limit->dflt;
    if (js_kind(v) == JS_NULL)
        return 0;
    if (js_kind(v) != JS_INT || js_get_u64(obj, limit->name, at, NULL) < 0 || *at < limit->min ||
        *at > limit->max)
        return bad(err, "limits.%s is a number from %llu to %llu", limit->name,
                   (unsigned long long)limit->min, (unsigned long long)limit->max);
    return 0;
}

/* -- volumes ------------------------------------------------------------ */

/* Of a place, false when absent. */
static int parse_switch(const struct js *place, const char *name, const struct workload_volume *v,
                        const char *side, bool *ret, struct err *err)
{
    const struct js *value = js_member(place, name);

    if (value && js_kind(value) != JS_BOOL)
        return bad(err, "volume '%s': %s.%s is true or false", v->name, side, name);
    *ret = js_bool(place, name, false);
    return 0;
}

static int parse_place(const struct js *volume, enum workload_side side, struct workload_volume *v,
                       struct err *err)
{
    static const char *const at_source[] = {"host", "device", "mount", "shrink", NULL};
    static const char *const at_target[] = {"host", "device", "mount", "shrink", "overwrite", NULL};
    const char *const *names = side == WORKLOAD_TARGET ? at_target : at_source;
    const char *key = workload_side_name(side);
    const struct js *place = js_member(volume, key);
    struct workload_place *ret = &v->at[side];
    const char *host;

    if (js_kind(place) != JS_OBJ)
        return bad(err, "volume '%s' has no %s", v->name, key);
    if (check_members(place, key, names, err) < 0)
        return -EINVAL;
    host = js_str(place, "host", "");
    if (!text_is_name(host))
        return bad(err, "volume '%s': %s.host is not a name", v->name, key);
    (void)text_copy(ret->host, sizeof(ret->host), host);
    ret->device = js_str(place, "device", "");
    ret->mount = js_str(place, "mount", NULL);
    if (!ret->device[0] || strlen(ret->device) >= DEVICE_MAX)
        return bad(err, "volume '%s': %s.device is missing or too long", v->name, key);
    if (!workload_device_is_normal(ret->device))
        return bad(err, "volume '%s': %s.device is not an absolute path without '//', '.' and '..'",
                   v->name, key);
    if (parse_switch(place, "shrink", v, key, &ret->shrink, err) < 0 ||
        parse_switch(place, "overwrite", v, key, &ret->overwrite, err) < 0)
        return -EINVAL;
    if (ret->mount && ret->mount[0] != '/')
        return bad(err, "volume '%s': %s.mount is not an absolute path", v->name, key);
    return 0;
}

static int check_unique(const struct workload *w, size_t n, struct err *err)
{
    const struct workload_volume *v = &w->volumes[n];

    for (size_t i = 0; i < n; i++) {
        const struct workload_volume *u = &w->volumes[i];

        if (text_equal(u->name, v->name))
            return bad(err, "two volumes are called '%s'", v->name);
        for (int side = 0; side < 2; side++)
            for (int other = 0; other < 2; other++)
                if (text_equal(u->at[side].host, v->at[other].host) &&
                    text_equal(u->at[side].device, v->at[other].device))
                    return bad(err, "volumes '%s' and '%s' are on one device", u->name, v->name);
    }
    return 0;
}

/* How often a point is made of this volume, where it differs from the workload's. */
static int parse_volume_limits(const struct js *volume, struct workload_volume *v, struct err *err)
{
    static const char *const names[] = {"interval_s", "target_lag_s", NULL};
    static const struct limit own[] = {
        {"interval_s", offsetof(struct workload_volume, interval_s), 0, 1, INTERVAL_S_MAX},
        {"target_lag_s", offsetof(struct workload_volume, target_lag_s), 0, 1, INTERVAL_S_MAX},
    };
    const struct js *obj = js_member(volume, "limits");
    int r = 0;

    if (js_kind(obj) != JS_NULL)
        r = check_members(obj, "limits of a volume", names, err);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(own); i++)
        r = parse_limit(obj, &own[i], v, err);
    return r;
}

static int parse_volume(const struct js *volume, struct workload *w, struct err *err)
{
    static const char *const names[] = {"name", "source", "target", "limits", NULL};
    struct workload_volume *v = &w->volumes[w->volumes_n];
    const char *name = js_str(volume, "name", "");
    int r;

    r = check_members(volume, "a volume", names, err);
    if (r < 0)
        return r;
    if (!text_is_name(name))
        return bad(err, "'%s' is not a name for a volume", name);
    (void)text_copy(v->name, sizeof(v->name), name);
    (void)text_print(v->replica, sizeof(v->replica), "%s/%s", w->name, name);
    r = parse_place(volume, WORKLOAD_SOURCE, v, err);
    if (r == 0)
        r = parse_place(volume, WORKLOAD_TARGET, v, err);
    if (r == 0)
        r = parse_volume_limits(volume, v, err);
    if (r == 0)
        r = check_unique(w, w->volumes_n, err);
    if (r == 0)
        w->volumes_n++;
    return r;
}

static void add_host(struct workload *w, int side, const struct workload_place *place)
{
    for (size_t i = 0; i < w->hosts_n[side]; i++)
        if (text_equal(w->hosts[side][i].name, place->host))
            return;
    w->hosts[side][w->hosts_n[side]++] =
        (struct workload_host){.name = place->host, .identity = place->identity};
}

/* One agent keeps one state a workload: it cannot be holder and follower at once. */
static int check_sides(const struct workload *w, struct err *err)
{
    for (size_t i = 0; i < w->hosts_n[0]; i++)
        for (size_t k = 0; k < w->hosts_n[1]; k++)
            if (text_equal(w->hosts[0][i].name, w->hosts[1][k].name))
                return bad(err, "host '%s' is on both sides", w->hosts[0][i].name);
    return 0;
}

static int parse_volumes(const struct js *doc, struct workload *w, struct err *err)
{
    const struct js *list = js_member(doc, "volumes");
    const size_t n = js_len(list);
    int r = 0;

    if (js_kind(list) != JS_ARR || n < 1 || n > WORKLOAD_VOLUMES_MAX)
        return bad(err, "volumes is an array of 1 to %d", WORKLOAD_VOLUMES_MAX);
    w->volumes = calloc(n, sizeof(*w->volumes));
    w->hosts[0] = calloc(n, sizeof(*w->hosts[0]));
    w->hosts[1] = calloc(n, sizeof(*w->hosts[1]));
    if (!w->volumes || !w->hosts[0] || !w->hosts[1])
        return err_set(err, -ENOMEM, "volumes of '%s': %m", w->name);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = parse_volume(js_at(list, i), w, err);
    for (size_t i = 0; r == 0 && i < n; i++)
        for (int side = 0; side < 2; side++)
            add_host(w, side, &w->volumes[i].at[side]);
    return r < 0 ? r : check_sides(w, err);
}

/* -- limits and the rest -------------------------------------------------- */

#define LIMIT(member, ...)                                                                         \
    {                                                                                              \
#member, offsetof(struct workload_limits, member), __VA_ARGS__                             \
    }
static const struct limit limits[] = {
    LIMIT(max_lag_s, 60, 1, LIMIT_S_MAX),
    LIMIT(max_downtime_s, 600, 1, LIMIT_S_MAX),
    LIMIT(observe_s, 7 * 86400, 0, LIMIT_S_MAX),
    LIMIT(interval_s, 5, 1, INTERVAL_S_MAX),
    LIMIT(target_lag_s, 0, 0, INTERVAL_S_MAX),
    LIMIT(rate_bytes_per_s, 0, 0, INT64_MAX),
    LIMIT(self_abort_s, 900, 30, LIMIT_S_MAX),
    LIMIT(consistent_s, 0, 0, 86400),
    LIMIT(freeze_ms, 250, 10, 10000),
    LIMIT(compact_percent, 10, 0, 100),
    LIMIT(scrub_bytes_per_s, 0, 0, INT64_MAX),
    LIMIT(verify_max_age_s, 7 * 86400, 60, LIMIT_S_MAX),
};

static int parse_limits(const struct js *doc, struct workload *w, struct err *err)
{
    static const char *const names[] = {"max_lag_s",         "max_downtime_s",
                                        "observe_s",         "interval_s",
                                        "target_lag_s",      "rate_bytes_per_s",
                                        "self_abort_s",      "verify_max_age_s",
                                        "require_test",      "consistent_s",
                                        "freeze_ms",         "compact_percent",
                                        "scrub_bytes_per_s", NULL};
    const struct js *obj = js_member(doc, "limits");
    const struct js *test = js_member(obj, "require_test");
    int r = 0;

    if (js_kind(obj) != JS_NULL)
        r = check_members(obj, "limits", names, err);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(limits); i++)
        r = parse_limit(obj, &limits[i], &w->limits, err);
    if (r == 0 && js_kind(test) != JS_NULL && js_kind(test) != JS_BOOL)
        return bad(err, "limits.require_test is true or false");
    w->limits.require_test = js_bool(obj, "require_test", true);
    return r;
}

/* Names of other workloads; what they mean is the member's: "depends", "apart". */
static int parse_others(const struct js *doc, const char *key, const struct workload *w,
                        const struct js **ret, struct err *err)
{
    const struct js *list = js_member(doc, key);

    if (js_kind(list) == JS_NULL)
        return 0;
    if (js_kind(list) != JS_ARR || js_len(list) > OTHERS_MAX)
        return bad(err, "%s is an array of at most %d names", key, OTHERS_MAX);
    for (size_t i = 0; i < js_len(list); i++) {
        const char *name = js_as_str(js_at(list, i), "");

        if (!text_is_name(name))
            return bad(err, "%s: '%s' is not a name", key, name);
        if (text_equal(name, w->name))
            return bad(err, "%s: '%s' names itself", key, name);
    }
    *ret = list;
    return 0;
}

static int parse_wave(const struct js *doc, struct err *err)
{
    const struct js *wave = js_member(doc, "wave");
    const enum js_kind kind = js_kind(wave);

    if (kind == JS_NULL || (kind == JS_STR && text_is_name(js_as_str(wave, ""))) ||
        (kind == JS_INT && js_as_u64(wave, 0) >= 1 && js_as_u64(wave, 0) <= 100000))
        return 0;
    return bad(err, "wave is null, a number from 1 or a name");
}

static int parse_all(const struct js *doc, struct workload *w, struct err *err)
{
    static const char *const names[] = {
        "schema", "generated_at", "workload", "volumes",    "hooks",   "health", "depends",
        "apart",  "wave",         "limits",   "request_id", "dry_run", NULL};
    int r;

    r = check_members(doc, "the workload", names, err);
    if (r == 0 && !text_equal(js_str(doc, "schema", ""), "godwit.workload/1"))
        return bad(err, "schema is not godwit.workload/1");
    if (r == 0 && !text_equal(js_str(doc, "workload", ""), w->name))
        return bad(err, "the document is not of workload '%s'", w->name);
    if (r == 0)
        r = parse_volumes(doc, w, err);
    if (r == 0)
        r = parse_hooks(doc, w, err);
    if (r == 0)
        r = parse_health(doc, w, err);
    if (r == 0)
        r = parse_others(doc, "depends", w, &w->depends, err);
    if (r == 0)
        r = parse_others(doc, "apart", w, &w->apart, err);
    if (r == 0)
        r = parse_limits(doc, w, err);
    return r < 0 ? r : parse_wave(doc, err);
}

int workload_doc_parse(const struct js *doc, const char *name, struct workload *ret,
                       struct err *err)
{
    struct workload w = {.control = {.interval_s = -1, .rate_bytes_per_s = -1}};
    int r;

    if (!text_is_name(name))
        return bad(err, "'%s' is not a name for a workload", name);
    (void)text_copy(w.name, sizeof(w.name), name);
    r = parse_all(doc, &w, err);
    if (r < 0) {
        workload_doc_done(&w);
        return r;
    }
    *ret = w;
    return 0;
}

void workload_doc_done(struct workload *w)
{
    free(w->volumes);
    free(w->hosts[0]);
    free(w->hosts[1]);
    w->volumes = NULL;
    w->hosts[0] = w->hosts[1] = NULL;
    w->volumes_n = w->hosts_n[0] = w->hosts_n[1] = 0;
}

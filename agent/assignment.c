/* SPDX-License-Identifier: Apache-2.0 */
/* Assignments: from the planner's JSON into a checked struct. */
#include "agent/assignment.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/replica.h"

#include <inttypes.h>

#include "base/banned.h"

enum {
    INTERVAL_MAX_S = 86400,
    SELF_ABORT_MAX_S = 86400 * 30,
    FREEZE_MAX_S = 10,
    COMPACT_MAX_PERCENT = 100,
    INTERVAL_DEFAULT_S = 5
};

static int bad(struct err *err, const char *what, const char *value)
{
    return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "%s '%s'", what, value);
}

static int take_text(const struct js *obj, const char *key, char *out, size_t size, struct err *err)
{
    const char *v = NULL;
    int r = js_get_str(obj, key, &v, err);

    if (r < 0)
        return r;
    if (v[0] == '\0' || text_copy(out, size, v) < 0)
        return bad(err, "empty or too long:", key);
    return 0;
}

static int parse_seconds(const struct js *doc, const char *key, double dflt, double max,
                         uint64_t *ret_ms, struct err *err)
{
    double s = js_f64(doc, key, dflt);

    if (!(s >= 0 && s <= max))
        return bad(err, "out of range:", key);
    *ret_ms = (uint64_t)(s * 1000.0);
    return 0;
}

static int parse_volume(const struct js *doc, struct assignment_volume *v, struct err *err)
{
    int r;

    r = take_text(doc, "name", v->name, sizeof(v->name), err);
    if (r == 0)
        r = take_text(doc, "replica", v->replica, sizeof(v->replica), err);
    if (r == 0)
        r = take_text(doc, "device", v->device, sizeof(v->device), err);
    if (r < 0)
        return r;
    if (!text_is_name(v->name))
        return bad(err, "not a volume's name:", v->name);
    if (!vault_is_replica_name(v->replica))
        return bad(err, "not a replica's name:", v->replica);
    if (v->device[0] != '/')
        return bad(err, "not an absolute path:", v->device);
    v->shrink = js_bool(doc, "shrink", false);
    v->overwrite = js_bool(doc, "overwrite", false);
    if (text_copy(v->mount, sizeof(v->mount), js_str(doc, "mount", "")) < 0)
        return bad(err, "too long:", "mount");
    if (v->mount[0] != '\0' && v->mount[0] != '/')
        return bad(err, "not an absolute path:", v->mount);
    r = parse_seconds(doc, "interval_s", 0, INTERVAL_MAX_S, &v->interval_ms, err);
    if (r == 0)
        r = parse_seconds(doc, "target_lag_s", 0, INTERVAL_MAX_S, &v->target_lag_ms, err);
    return r;
}

static int parse_volumes(const struct js *doc, struct assignment *a, struct err *err)
{
    const struct js *list = js_member(doc, "volumes");
    int r;

    if (js_len(list) > ASSIGNMENT_VOLUMES_MAX)
        return bad(err, "too many volumes in", a->workload);
    a->volumes_n = js_len(list);
    a->volumes = calloc(a->volumes_n + 1, sizeof(*a->volumes));
    if (!a->volumes)
        return err_set(err, -ENOMEM, "volumes of an assignment: %m");
    for (size_t i = 0; i < a->volumes_n; i++) {
        r = parse_volume(js_at(list, i), &a->volumes[i], err);
        if (r < 0)
            return err_add(err, r, "volume %zu of '%s'", i, a->workload);
        for (size_t k = 0; k < i; k++) {
            if (text_equal(a->volumes[k].name, a->volumes[i].name))
                return bad(err, "two volumes named", a->volumes[i].name);
        }
    }
    return 0;
}

/* A timetable counts before the plain number, which older agents know. */
static int parse_rate(const struct js *doc, struct assignment *a, struct err *err)
{
    const char *table = js_str(doc, "rate_table", NULL);

    if (table)
        return rate_table_parse(table, &a->rate, err);
    a->rate = rate_table_flat(js_u64(doc, "rate_bytes_per_s", 0));
    return 0;
}

/* Absent from planners that do not know it: then as a push by hand does. */
static int parse_compact(const struct js *doc, struct assignment *a, struct err *err)
{
    uint64_t percent = js_u64(doc, "compact_percent", 0);

    if (percent > COMPACT_MAX_PERCENT)
        return bad(err, "out of range:", "compact_percent");
    a->compact =
        percent == 0 && js_member(doc, "compact_percent") ? REPLICA_COMPACT_NONE : (int)percent;
    return 0;
}

static int parse_scalars(const struct js *doc, struct assignment *a, struct err *err)
{
    int r = take_text(doc, "workload", a->workload, sizeof(a->workload), err);

    if (r == 0 && !text_is_name(a->workload))
        r = bad(err, "not a workload's name:", a->workload);
    if (r == 0)
        r = take_text(doc, "side", a->side, sizeof(a->side), err);
    if (r == 0 && !text_equal(a->side, "source") && !text_equal(a->side, "target"))
        r = bad(err, "not a side:", a->side);
    if (r == 0)
        r = js_get_u64(doc, "epoch", &a->epoch, err);
    if (r == 0)
        r = ownership_role_parse(js_str(doc, "role", NULL), &a->role, err);
    if (r == 0)
        r = parse_seconds(doc, "interval_s", INTERVAL_DEFAULT_S, INTERVAL_MAX_S, &a->interval_ms,
                          err);
    if (r == 0)
        r = parse_seconds(doc, "target_lag_s", 0, INTERVAL_MAX_S, &a->target_lag_ms, err);
    if (r == 0)
        r = parse_seconds(doc, "self_abort_s", 0, SELF_ABORT_MAX_S, &a->self_abort_ms, err);
    if (r == 0)
        r = parse_seconds(doc, "consistent_s", 0, INTERVAL_MAX_S, &a->consistent_ms, err);
    if (r == 0)
        r = parse_seconds(doc, "freeze_s", 0, FREEZE_MAX_S, &a->freeze_ms, err);
    if (r == 0)
        r = parse_compact(doc, a, err);
    a->scrub_bytes_per_s = js_u64(doc, "scrub_bytes_per_s", 0);
    if (r == 0)
        r = parse_rate(doc, a, err);
    a->paused = js_bool(doc, "paused", false);
    return r;
}

int assignment_parse(const struct js *doc, struct assignment **ret, struct err *err)
{
    auto_assignment struct assignment *a = calloc(1, sizeof(*a));
    int r;

    if (!a)
        return err_set(err, -ENOMEM, "assignment: %m");
    a->doc = js_ref(doc);
    a->hooks = js_member(doc, "hooks");
    r = parse_scalars(doc, a, err);
    if (r == 0)
        r = parse_volumes(doc, a, err);
    if (r < 0)
        return err_add(err, r == -ENOENT ? -EINVAL : r, "assignment");
    *ret = TAKE(a);
    return 0;
}

void assignment_free(struct assignment *a)
{
    if (!a)
        return;
    free(a->volumes);
    js_free(a->doc);
    free(a);
}

static bool is_rate(const char *key)
{
    return text_equal(key, "rate_bytes_per_s") || text_equal(key, "rate_table");
}

static int compare_member(void *arg, const char *key, const struct js *value)
{
    const struct js *other = js_member(arg, key);
    auto_buf struct buf a = {0};
    auto_buf struct buf b = {0};

    if (is_rate(key))
        return 0;
    if (!other || js_print(value, true, false, &a, NULL) < 0 ||
        js_print(other, true, false, &b, NULL) < 0)
        return -EINVAL;
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0 ? 0 : -EINVAL;
}

bool assignment_same_work(const struct js *a, const struct js *b)
{
    return js_each(a, compare_member, (void *)(uintptr_t)b) == 0 &&
           js_each(b, compare_member, (void *)(uintptr_t)a) == 0;
}

const struct assignment_volume *assignment_volume(const struct assignment *a, const char *name)
{
    for (size_t i = 0; i < a->volumes_n; i++) {
        if (text_equal(a->volumes[i].name, name))
            return &a->volumes[i];
    }
    return NULL;
}

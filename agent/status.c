/* SPDX-License-Identifier: Apache-2.0 */
/* The verb status: reads identity and records, asks nobody. */
#include "agent/status.h"

#include "agent/assignment.h"
#include "agent/enrol.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/jsw.h"
#include "base/text.h"

#include <dirent.h>
#include <inttypes.h>

#include "base/banned.h"

enum { ASSIGNMENT_FILE_MAX = 256 * 1024 };

static const char *state_of(const struct ownership *o, int damage)
{
    if (damage < 0)
        return "damaged";
    if (!o->known)
        return "unknown";
    if (!o->owns)
        return "follows";
    return o->fenced_epoch ? "fenced" : "owns";
}

static int write_workload(const char *dir, const char *name, struct jsw *w, struct err *err)
{
    auto_js struct js *doc = NULL;
    struct ownership own = {0};
    char path[PATH_MAX];
    int damage, r;

    r = text_print(path, sizeof(path), "%.3000s/workloads/%s", dir, name);
    if (r < 0)
        return err_set(err, r, "path of '%s': %m", name);
    damage = ownership_load(path, &own, NULL);
    r = text_print(path, sizeof(path), "%.3000s/workloads/%s/assignment.json", dir, name);
    if (r == 0 && js_load(path, ASSIGNMENT_FILE_MAX, &doc, NULL) < 0)
        doc = NULL;
    jsw_obj(w, NULL);
    jsw_str(w, "workload", name);
    jsw_str(w, "state", state_of(&own, damage));
    jsw_bool(w, "owns", own.owns);
    jsw_u64(w, "max_epoch", own.max_epoch);
    jsw_u64(w, "fenced_epoch", own.fenced_epoch);
    jsw_str(w, "side", js_str(doc, "side", NULL));
    jsw_str(w, "assigned_role", js_str(doc, "role", NULL));
    jsw_end(w);
    return 0;
}

static int write_workloads(const char *state_dir, struct jsw *w, struct err *err)
{
    char dir[PATH_MAX];
    DIR *d;
    int r = text_print(dir, sizeof(dir), "%s/workloads", state_dir);

    jsw_arr(w, "workloads");
    d = r == 0 ? opendir(dir) : NULL;
    for (struct dirent *e = d ? readdir(d) : NULL; e && r == 0; e = readdir(d)) {
        if (text_is_name(e->d_name))
            r = write_workload(state_dir, e->d_name, w, err);
    }
    if (d)
        closedir(d);
    jsw_end(w);
    return r;
}

static int as_text(const struct js *doc, struct buf *out)
{
    const struct js *list = js_member(doc, "workloads");

    buf_printf(out, "agent    %s  %s  at %s\n", js_str(doc, "identity", "not enrolled"),
               js_str(doc, "name", "-"), js_str(doc, "server", "-"));
    for (size_t i = 0; i < js_len(list); i++) {
        const struct js *v = js_at(list, i);

        buf_printf(out, "%-8s %-24s epoch %" PRIu64 "  %s  %s\n", js_str(v, "state", ""),
                   js_str(v, "workload", ""), js_u64(v, "max_epoch", 0), js_str(v, "side", "-"),
                   js_str(v, "assigned_role", "-"));
    }
    return buf_failed(out, NULL);
}

int status_write(const char *state_dir, bool json, uint64_t wall_ms, struct buf *out,
                 struct err *err)
{
    auto_identity struct enrol_identity *id = NULL;
    auto_jsw struct jsw *w = NULL;
    auto_js struct js *doc = NULL;
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    if (enrol_load(state_dir, NULL, &id, NULL) < 0)
        id = NULL;
    jsw_document(w, "godwit.agent-status/1", wall_ms);
    jsw_str(w, "identity", id ? id->identity : NULL);
    jsw_str(w, "name", id ? id->name : NULL);
    jsw_str(w, "server", id ? id->server : NULL);
    r = write_workloads(state_dir, w, err);
    jsw_end(w);
    if (r == 0)
        r = jsw_take(w, &doc, err);
    if (r < 0)
        return r;
    if (!json)
        return as_text(doc, out);
    r = js_print(doc, false, true, out, err);
    return r == 0 ? buf_str(out, "\n") : r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* thaw.json: {"devices": [PATH…], "hooks": null or the list as it was}. */
#include "agent/thaw.h"

#include "agent/helper.h"
#include "agent/hook.h"
#include "agent/workload.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/jsw.h"
#include "base/log.h"
#include "base/text.h"

#include <dirent.h>

#include "base/banned.h"

enum { FILE_MAX = 256 * 1024 };

static const char file_name[] = "thaw.json";

bool thaw_is_owed(const struct workload *w)
{
    char path[PATH_MAX];

    return workload_path(w, file_name, path, NULL) == 0 && access(path, F_OK) == 0;
}

int thaw_owe(struct workload *w, bool hooks, struct err *err)
{
    auto_jsw struct jsw *doc = NULL;
    auto_buf struct buf text = {0};
    char path[PATH_MAX];
    int r = workload_path(w, file_name, path, err);

    if (r == 0)
        r = jsw_new(&doc, err);
    if (r < 0)
        return r;
    jsw_obj(doc, NULL);
    jsw_arr(doc, "devices");
    for (size_t i = 0; i < w->assignment->volumes_n; i++)
        jsw_str(doc, NULL, w->assignment->volumes[i].device);
    jsw_end(doc);
    jsw_js(doc, "hooks", hooks ? js_member(w->assignment->hooks, "thaw") : NULL);
    jsw_end(doc);
    r = jsw_finish(doc, true, &text, err);
    if (r == 0)
        r = fd_save(path, buf_slice(&text), 0600, err);
    if (r == 0)
        r = failpoint("agent_thaw_owed");
    return r < 0 ? err_add(err, r, "owe a thaw") : 0;
}

/* The file systems of a debt. Only root freezes, so for others nothing can be left frozen. */
static int thaw_devices(const struct js *debt, struct err *err)
{
    const struct js *list = js_member(debt, "devices");
    const char *devices[ASSIGNMENT_VOLUMES_MAX];
    size_t n = 0;

    if (geteuid() != 0)
        return 0;
    for (size_t i = 0; i < js_len(list) && n < ASSIGNMENT_VOLUMES_MAX; i++)
        if (js_as_str(js_at(list, i), NULL))
            devices[n++] = js_as_str(js_at(list, i), NULL);
    return helper_thaw(devices, n, err);
}

static int run_hooks(struct workload *w, const struct js *hooks, uint64_t timeout_ms,
                     const atomic_bool *stop, struct err *err)
{
    const struct hook_run run = {.assignment = w->assignment,
                                 .epoch = w->own.max_epoch,
                                 .timeout_ms = timeout_ms,
                                 .stop = stop};

    return hook_run_list(&run, hooks, NULL, err);
}

int thaw_pay(struct workload *w, uint64_t timeout_ms, bool interruptible, struct err *err)
{
    auto_js struct js *debt = NULL;
    char path[PATH_MAX];
    int r = workload_path(w, file_name, path, err);

    if (r == 0)
        r = js_load(path, FILE_MAX, &debt, err);
    if (r == -ENOENT) {
        err_clear(err);
        return 0;
    }
    if (r == 0)
        r = thaw_devices(debt, err);
    if (r == 0)
        r = run_hooks(w, js_member(debt, "hooks"), timeout_ms, interruptible ? &w->interrupt : NULL,
                      err);
    if (r == 0)
        r = failpoint("agent_thaw_paid");
    if (r == 0)
        r = fd_unlink(path, err);
    return r < 0 ? err_add(err, r, "thaw '%s'", w->name) : 0;
}

static int left_of(const char *state_dir, const char *name, struct err *err)
{
    auto_js struct js *debt = NULL;
    char path[PATH_MAX];
    int r = text_print(path, sizeof(path), "%.3800s/workloads/%s/%s", state_dir, name, file_name);

    if (r == 0)
        r = js_load(path, FILE_MAX, &debt, err);
    if (r == 0)
        r = thaw_devices(debt, err);
    if (r != -ENOENT)
        return r < 0 ? err_add(err, r, "thaw '%s'", name) : 0;
    err_clear(err);
    return 0;
}

int thaw_left(const char *state_dir, struct err *err)
{
    char path[PATH_MAX];
    int worst = 0;
    DIR *d;

    if (text_print(path, sizeof(path), "%.3900s/workloads", state_dir) < 0)
        return err_set(err, -ENAMETOOLONG, "'%s': %m", state_dir);
    d = opendir(path);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        struct err why = {0};
        int r = e->d_name[0] == '.' ? 0 : left_of(state_dir, e->d_name, &why);

        if (r == 0)
            continue;
        worst = r;
        if (err)
            *err = why;
    }
    if (d)
        closedir(d);
    return worst;
}

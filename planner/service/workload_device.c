/* SPDX-License-Identifier: Apache-2.0 */
/* Which devices are taken: read from the documents each time, so that nothing can disagree. */
#include "planner/service/workload_device.h"

#include "base/text.h"
#include "planner/service/db_workload.h"

#include "base/banned.h"

bool workload_device_is_normal(const char *path)
{
    const size_t len = strlen(path);

    return path[0] == '/' && len > 1 && path[len - 1] != '/' && !strstr(path, "//") &&
           !strstr(path, "/./") && !strstr(path, "/../") && !text_ends(path, "/.") &&
           !text_ends(path, "/..");
}

struct look {
    struct service *service;
    const struct workload *w;
    struct err *err;
};

static bool is_same(const struct workload_place *a, const struct workload_place *b)
{
    return text_equal(a->host, b->host) && text_equal(a->device, b->device);
}

static int compare(const struct look *look, const struct workload *other,
                   const struct workload_place *place)
{
    for (size_t i = 0; i < other->volumes_n; i++)
        for (int side = 0; side < 2; side++)
            if (is_same(&other->volumes[i].at[side], place))
                return err_set_gw(look->err, GW_BAD_WORKLOAD, -EINVAL,
                                  "'%s' on %s belongs to volume '%s' of workload '%s'",
                                  place->device, place->host, other->volumes[i].name, other->name);
    return 0;
}

static int look_at_one(void *arg, const char *name)
{
    const struct look *look = arg;
    auto_workload struct workload *other = NULL;
    int r;

    if (text_equal(name, look->w->name))
        return 0;
    r = workload_load(look->service, name, &other, look->err);
    if (r < 0 || other->released)
        return r;
    for (size_t i = 0; r == 0 && i < look->w->volumes_n; i++)
        for (int side = 0; r == 0 && side < 2; side++)
            r = compare(look, other, &look->w->volumes[i].at[side]);
    return r;
}

int workload_device_check(struct service *svc, const struct workload *w, struct err *err)
{
    struct look look = {.service = svc, .w = w, .err = err};
    int r = 0;

    for (int side = 0; r == 0 && side < 2; side++)
        for (size_t i = 0; r == 0 && i < w->hosts_n[side]; i++)
            r = db_workload_each(svc->db, w->hosts[side][i].name, "", INT64_MAX, look_at_one, &look,
                                 err);
    return r;
}

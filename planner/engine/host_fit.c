/* SPDX-License-Identifier: Apache-2.0 */
/* From what an estate knows of a host to what size.h and shape.h ask. */
#include "planner/engine/host_fit.h"

#include "base/err.h"
#include "base/num.h"
#include "base/text.h"
#include "inventory/rollup.h"
#include "planner/engine/estate.h"
#include "planner/engine/software.h"

#include <strings.h>

#include "base/banned.h"

static bool tag_is(const struct estate_host *h, const char *key, const char *value)
{
    const char *has = estate_tag(h, key);

    return has && strcasecmp(has, value) == 0;
}

bool host_fit_is_critical(const struct estate_host *h)
{
    return tag_is(h, "critical", "yes") || tag_is(h, "critical", "true") ||
           tag_is(h, "criticality", "high") || tag_is(h, "criticality", "critical");
}

bool host_fit_runs_on_arm(const struct estate_host *h)
{
    const char *why;

    if (tag_is(h, "arm", "yes") || h->arch == ESTATE_ARM64)
        return true;
    return !tag_is(h, "arm", "no") && software_runs_on_arm(h, &why);
}

static const struct rollup_hist *hist(const struct estate_host *h, enum estate_metric metric,
                                      struct rollup_hist *room)
{
    return h->usage[metric] && estate_usage_hist(h->usage[metric], room) ? room : NULL;
}

struct size_need host_fit_need(const struct size_policy *policy, const struct estate_host *h)
{
    struct rollup_hist cpu, memory, disk, net;
    const struct estate_usage *measured = h->usage[ESTATE_CPU_PERCENT];
    struct size_use use = {
        .cpu_percent = hist(h, ESTATE_CPU_PERCENT, &cpu),
        .memory_bytes = hist(h, ESTATE_MEMORY_USED, &memory),
        .disk_bytes_per_s = hist(h, ESTATE_DISK_RATE, &disk),
        .net_bytes_per_s = hist(h, ESTATE_NET_RATE, &net),
        .days = measured ? estate_usage_days(measured) : 0,
        .vcpus = (unsigned)num_min(h->cores, UINT16_MAX),
        .gpus = (unsigned)num_min(h->gpus, UINT16_MAX),
        .memory_has_bytes = h->memory_bytes,
        .critical = host_fit_is_critical(h),
    };

    return size_of(policy, &use);
}

int host_fit_shape(const struct size_policy *policy, const struct catalogue *c,
                   const struct estate_host *h, struct shape_choice *ret, struct err *err)
{
    struct size_need need;

    if (h->arch == ESTATE_PPC64 || h->arch == ESTATE_S390X)
        return err_set(err, -ENOENT, "it is a machine of %s: no shape runs its software",
                       h->arch == ESTATE_PPC64 ? "POWER" : "IBM Z");
    if (h->cores == 0 || h->memory_bytes == 0)
        return err_set(err, -ENODATA, "its %s not known",
                       h->cores == 0 ? "cores are" : "memory is");
    need = host_fit_need(policy, h);
    return shape_choose(c, &need, host_fit_runs_on_arm(h), ret, err);
}

uint64_t host_fit_data(const struct estate_host *h)
{
    uint64_t used;

    return estate_disk_used(h, &used) ? used : estate_disk_bytes(h);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Names without their numbers, and weeks added up. */
#include "planner/engine/replicas.h"

#include "base/num.h"
#include "base/text.h"

#include <strings.h>

#include "base/banned.h"

static size_t stem(const char *name)
{
    size_t n = strcspn(name, ".");

    while (n > 0 && ((name[n - 1] >= '0' && name[n - 1] <= '9') || name[n - 1] == '-'))
        n--;
    return n;
}

int replicas_order(const struct estate_host *a, const struct estate_host *b)
{
    size_t as = stem(a->name), bs = stem(b->name);
    int order = strcmp(a->workload, b->workload);

    if (order == 0)
        order = strncmp(a->name, b->name, num_min(as, bs));
    if (order == 0 && as != bs)
        order = as < bs ? -1 : 1;
    return order ? order : strcmp(a->name, b->name);
}

bool replicas_alike(const struct estate_host *a, const struct estate_host *b)
{
    size_t n = stem(a->name);

    return text_equal(a->workload, b->workload) && n == stem(b->name) &&
           strncmp(a->name, b->name, n) == 0;
}

bool replicas_week(const struct estate_host *const *hosts, size_t n, struct replicas_week *ret)
{
    *ret = (struct replicas_week){0};
    for (size_t hour = 0; hour < ESTATE_WEEK; hour++) {
        for (size_t i = 0; i < n; i++) {
            const struct estate_usage *cpu = hosts[i]->usage[ESTATE_CPU_PERCENT];

            if (!cpu || !cpu->week || cpu->week[hour] < 0)
                return false;
            ret->load[hour] += cpu->week[hour] * (double)hosts[i]->cores / 100;
        }
        ret->peak = ret->load[hour] > ret->peak ? ret->load[hour] : ret->peak;
        ret->mean += ret->load[hour] / ESTATE_WEEK;
    }
    return ret->peak > 0;
}

unsigned replicas_needed(const struct replicas_week *week, size_t hour, size_t n)
{
    unsigned k = 1;

    while (k < n && week->load[hour] * (double)n > (double)k * week->peak)
        k++;
    return k;
}

bool replicas_scale(const struct estate_host *const *hosts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *tag = estate_tag(hosts[i], "scale");

        if (!tag || strcasecmp(tag, "yes") != 0)
            return false;
    }
    return true;
}

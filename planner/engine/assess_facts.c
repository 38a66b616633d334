/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules look at, from the hosts of a workload. */
#include "planner/engine/assess.h"

#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/estate.h"
#include "planner/engine/host_fit.h"
#include "planner/engine/software.h"

#include <string.h>

#include "base/banned.h"

enum { IDLE_PERCENT = 5, IDLE_BYTES = 10 << 10, QUIET_PERCENT = 2 };

/* -- software -----------------------------------------------------------------------------------
 */

static void add_program(struct assess_facts *f, const struct software *s)
{
    f->keeps_state |= s->keeps_state;
    f->containers &= s->container;
    if (s->class == SOFTWARE_AGENT)
        return;
    for (size_t i = 0; i < f->programs_n; i++) {
        if (f->programs[i] == s)
            return;
    }
    if (f->programs_n < ASSESS_PROGRAMS_MAX)
        f->programs[f->programs_n++] = s;
}

static void add_software(struct assess_facts *f, const struct estate_host *h)
{
    const char *why;

    for (size_t i = 0; i < h->software_n; i++) {
        const struct software *s = software_find(h->software[i].name);

        if (s)
            add_program(f, s);
        else
            f->unknown_n++;
    }
    f->arm += h->arch == ESTATE_ARM64 || software_runs_on_arm(h, &why);
}

/* -- systems ------------------------------------------------------------------------------------
 */

/* Is the number at `at` one of versions ("5|6|7")? */
static bool is_one_of(const char *at, const char *versions)
{
    size_t digits = strspn(at, "0123456789");

    for (const char *v = versions; v;) {
        const char *end = strchr(v, '|');
        size_t len = end ? (size_t)(end - v) : strlen(v);

        if (len == digits && memcmp(at, v, len) == 0)
            return true;
        v = end ? end + 1 : NULL;
    }
    return false;
}

/* Systems whose makers sent the last fix before 2025; the number is the first behind the name. */
static bool is_old(const struct estate_host *h)
{
    static const struct {
        const char *name, *versions;
    } old[] = {
        {"windows", "2000|2003|2008|2012|7|8"},
        {"red hat", "4|5|6|7"},
        {"rhel", "4|5|6|7"},
        {"centos", "4|5|6|7|8"},
        {"debian", "5|6|7|8|9|10"},
        {"ubuntu", "10|12|14|16|18"},
        {"suse", "9|10|11"},
        {"oracle linux", "5|6|7"},
    };
    char text[2 * ESTATE_TEXT_MAX];

    if (text_print(text, sizeof(text), "%s %s", h->os_name, h->os_version) < 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(old); i++) {
        const char *name = strcasestr(text, old[i].name);
        const char *at = name ? strpbrk(name, "0123456789") : NULL;

        if (at && is_one_of(at, old[i].versions))
            return true;
    }
    return false;
}

static void add_system(struct assess_facts *f, const struct estate_host *h)
{
    static const char *const names[] = {[ESTATE_PPC64] = "POWER",
                                        [ESTATE_S390X] = "a mainframe",
                                        [ESTATE_ARCH_OTHER] = "its processor"};
    bool foreign = h->arch == ESTATE_PPC64 || h->arch == ESTATE_S390X ||
                   h->arch == ESTATE_ARCH_OTHER || h->os_family == ESTATE_UNIX;

    if (foreign && f->foreign++ == 0)
        f->foreign_name = h->os_family == ESTATE_UNIX ? h->os_name : names[h->arch];
    if (!*f->old_name && is_old(h))
        f->old_name = h->os_name;
    f->systems_known &= h->os_family != ESTATE_OS_UNKNOWN && h->os_family != ESTATE_OS_OTHER;
    f->off += h->power == ESTATE_OFF;
    f->carried += *h->runs_on != '\0';
    f->gpus += h->gpus;
    f->data_bytes = num_min(f->data_bytes + host_fit_data(h), INT64_MAX);
    if (*h->refresh_on && (!*f->due || strcmp(h->refresh_on, f->due) < 0))
        f->due = h->refresh_on;
    if (estate_tag(h, "strategy"))
        f->owners_way = estate_tag(h, "strategy");
}

/* -- load ---------------------------------------------------------------------------------------
 */

/* The 95th percentile, or what is known above it; below 0 nothing is. */
static double upper(const struct estate_usage *u)
{
    for (size_t q = ESTATE_P95; u && q < ESTATE_QUANTILES; q++) {
        if (u->quantile[q] >= 0)
            return u->quantile[q];
    }
    return -1;
}

static bool is_idle(const struct estate_host *h)
{
    double cpu = upper(h->usage[ESTATE_CPU_PERCENT]), net = upper(h->usage[ESTATE_NET_RATE]);

    return cpu >= 0 && cpu <= IDLE_PERCENT && net >= 0 && net <= IDLE_BYTES;
}

static unsigned quiet_hours(const struct estate_usage *u)
{
    unsigned n = 0;

    for (size_t i = 0; u->week && i < ESTATE_WEEK; i++)
        n += u->week[i] >= 0 && u->week[i] <= QUIET_PERCENT;
    return n;
}

struct load {
    double mean, peak, weight;
};

/* Hosts count by their cores: the load of a workload is that of all of it. */
static void add_load(struct assess_facts *f, struct load *load, const struct estate_host *h)
{
    const struct estate_usage *u = h->usage[ESTATE_CPU_PERCENT];
    double cores = h->cores ? (double)h->cores : 1, days;

    f->idle += is_idle(h);
    if (!u || u->mean < 0)
        return;
    days = estate_usage_days(u);
    f->days = load->weight > 0 && f->days < days ? f->days : days;
    load->mean += u->mean * cores;
    load->peak += (upper(u) >= 0 ? upper(u) : u->mean) * cores;
    if (load->weight == 0 || quiet_hours(u) < f->quiet_hours)
        f->quiet_hours = quiet_hours(u);
    load->weight += cores;
}

struct assess_facts assess_facts_of(const struct estate_host *const *hosts, size_t n)
{
    struct assess_facts f = {.hosts = n,
                             .foreign_name = "",
                             .old_name = "",
                             .owners_way = "",
                             .due = "",
                             .systems_known = true,
                             .containers = true,
                             .cpu_mean = -1};
    struct load load = {0};

    for (size_t i = 0; i < n; i++) {
        add_software(&f, hosts[i]);
        add_system(&f, hosts[i]);
        add_load(&f, &load, hosts[i]);
    }
    if (load.weight > 0) {
        f.cpu_mean = load.mean / load.weight;
        f.peak_to_mean = load.mean > 0 ? load.peak / load.mean : 0;
    }
    return f;
}

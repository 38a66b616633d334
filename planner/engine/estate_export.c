/* SPDX-License-Identifier: Apache-2.0 */
/* Lists for other tools: what was sized, in the columns that they read. */
#include "planner/engine/estate_size.h"

#include "base/buf.h"
#include "base/csv.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/estate.h"
#include "planner/engine/host_fit.h"

#include <string.h>

#include "base/banned.h"

static const char *shape_of(const struct estate_size_spec *spec, const struct estate_host *h)
{
    struct shape_choice choice;

    if (host_fit_shape(spec->policy, spec->catalogue, h, &choice, NULL) < 0)
        return "";
    return choice.x86 ? choice.x86->name : choice.arm->name;
}

static const char *or_name(const struct estate_host *h)
{
    return *h->id ? h->id : h->name;
}

static void put_row(struct buf *out, const char *const *cells, size_t n)
{
    for (size_t i = 0; i < n; i++)
        csv_put(out, cells[i], i == 0);
    (void)buf_str(out, "\r\n");
}

static void put_number(struct buf *out, uint64_t v)
{
    char text[NUM_TEXT_MAX] = "";

    if (v)
        (void)text_print(text, sizeof(text), "%llu", (unsigned long long)v);
    csv_put(out, text, false);
}

/* -- AWS -------------------------------------------------------------------------------------- */

static const char *mgn_platform(const struct estate_host *h)
{
    return h->os_family == ESTATE_WINDOWS ? "WINDOWS" : h->os_family == ESTATE_LINUX ? "LINUX" : "";
}

static const char *tag_or_empty(const struct estate_host *h, const char *key)
{
    const char *value = estate_tag(h, key);

    return value ? value : "";
}

int estate_size_mgn(const struct estate_size_spec *spec, struct buf *out,
                    struct estate_size_lost *lost, struct err *err)
{
    static const char *const header[] = {
        "mgn:account-id",          "mgn:region",
        "mgn:wave:name",           "mgn:app:name",
        "mgn:app:description",     "mgn:server:user-provided-id",
        "mgn:server:platform",     "mgn:server:fqdn-for-action-framework",
        "mgn:launch:instance-type"};

    put_row(out, header, ARRAY_LEN(header));
    for (size_t i = 0; i < estate_hosts(spec->estate); i++) {
        const struct estate_host *h = estate_host(spec->estate, i);
        const struct estate_workload *load = estate_workload_find(spec->estate, h->workload);
        char wave[32] = "";

        if (h->kind == ESTATE_HYPERVISOR)
            continue;
        if (load && load->wave)
            (void)text_print(wave, sizeof(wave), "wave-%u", load->wave);
        else
            lost->waves++;
        put_row(out,
                (const char *const[]){tag_or_empty(h, "mgn:account-id"),
                                      tag_or_empty(h, "mgn:region"), wave, h->workload,
                                      load ? load->description : "", or_name(h), mgn_platform(h),
                                      h->name, shape_of(spec, h)},
                ARRAY_LEN(header));
    }
    return buf_failed(out, err);
}

/* -- Alibaba ---------------------------------------------------------------------------------- */

/* What it takes for a system disk, and how many others it takes; GiB. */
enum { SMC_SYSTEM_MIN = 20, SMC_SYSTEM_MAX = 2048, SMC_DATA_DISKS = 16, SMC_DATA_MIN = 20 };

static uint64_t gib_of(uint64_t bytes)
{
    return num_div_up(bytes, (uint64_t)1 << 30);
}

/* The first disk by name is the system's; where only a total is known, it is all there is. Returns
 * how many there are, of which max are in sizes. */
static size_t devices_of(const struct estate_host *h, uint64_t *sizes, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < h->disks_n; i++) {
        if (h->disks[i].level != ESTATE_DEVICE || h->disks[i].size_bytes == 0)
            continue;
        if (n < max)
            sizes[n] = gib_of(h->disks[i].size_bytes);
        n++;
    }
    if (n == 0 && estate_disk_bytes(h) > 0)
        sizes[n++] = gib_of(estate_disk_bytes(h));
    return n;
}

static void put_job(struct buf *out, const struct estate_host *h, struct estate_size_lost *lost)
{
    uint64_t sizes[1 + SMC_DATA_DISKS] = {0};
    size_t n = devices_of(h, sizes, ARRAY_LEN(sizes));

    lost->disks += n > ARRAY_LEN(sizes) || sizes[0] > SMC_SYSTEM_MAX;
    csv_put(out, or_name(h), true);
    csv_put(out, "Image", false);
    put_number(out, n ? num_min(num_max(sizes[0], SMC_SYSTEM_MIN), SMC_SYSTEM_MAX) : 0);
    for (size_t d = 1; d < ARRAY_LEN(sizes); d++)
        put_number(out, d < n ? num_max(sizes[d], SMC_DATA_MIN) : 0);
    /* Frequency, RunOnce, MaxNumberOfImageToKeep, ScheduledStartTime, ValidTime, VSwitchId */
    csv_put(out, "", false);
    csv_put(out, "true", false);
    csv_put(out, "1", false);
    for (int i = 0; i < 3; i++)
        csv_put(out, "", false);
    (void)buf_str(out, "\r\n");
}

int estate_size_smc(const struct estate_size_spec *spec, struct buf *out,
                    struct estate_size_lost *lost, struct err *err)
{
    (void)buf_str(out, "SourceId,TargetType,SystemDiskSize");
    for (int d = 1; d <= SMC_DATA_DISKS; d++)
        (void)buf_printf(out, ",DataDisk.%d", d);
    (void)buf_str(out, ",Frequency,RunOnce,MaxNumberOfImageToKeep,ScheduledStartTime,ValidTime,"
                       "VSwitchId\r\n");
    for (size_t i = 0; i < estate_hosts(spec->estate); i++) {
        if (estate_host(spec->estate, i)->kind != ESTATE_HYPERVISOR)
            put_job(out, estate_host(spec->estate, i), lost);
    }
    return buf_failed(out, err);
}

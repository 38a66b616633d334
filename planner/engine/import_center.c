/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google Migration Center: four files that a machine's id joins, in any order. Use comes as
 * samples, a row each, and is gathered as it comes: a histogram, and the means of the hours of the
 * week.
 */
#include "planner/engine/import_priv.h"

#include "base/text.h"

#include <stdlib.h>

#include "base/banned.h"

static const double gib = 1 << 30;

/* -- machines --------------------------------------------------------------------------------- */

enum vm_column {
    VM_ID,
    VM_NAME,
    VM_ADDRESS,
    VM_CORES,
    VM_MEMORY,
    VM_OS_TYPE,
    VM_OS_NAME,
    VM_OS_VERSION,
    VM_PHYSICAL,
    VM_SOURCE,
    VM_STATUS,
    VM_CLUSTER,
    VM_COLUMNS
};

static const struct import_column vm_columns[VM_COLUMNS] = {
    [VM_ID] = {"MachineId", IMPORT_MUST},   [VM_NAME] = {"MachineName", IMPORT_MUST},
    [VM_ADDRESS] = {"PrimaryIPAddress", 0}, [VM_CORES] = {"AllocatedProcessorCoreCount", 0},
    [VM_MEMORY] = {"MemoryGiB", 0},         [VM_OS_TYPE] = {"OsType", 0},
    [VM_OS_NAME] = {"OsName", 0},           [VM_OS_VERSION] = {"OsVersion", 0},
    [VM_PHYSICAL] = {"IsPhysical", 0},      [VM_SOURCE] = {"Source", 0},
    [VM_STATUS] = {"MachineStatus", 0},     [VM_CLUSTER] = {"ClusterName", 0},
};

static struct estate_host *machine(struct import_row *row, size_t id, const char *name)
{
    struct estate_host *h = NULL;

    if (*import_cell(row, id))
        h = estate_host_add(row->im->estate, *name ? name : import_cell(row, id),
                            import_cell(row, id), import_row_source(row));
    if (!h)
        import_row_refuse(row, id, "a row without the id of a machine", true);
    return h;
}

static void take_physical(struct import_row *row, struct estate_host *h)
{
    const char *text = import_cell(row, VM_PHYSICAL);
    bool yes = *text == '1' || *text == 't' || *text == 'T' || *text == 'y' || *text == 'Y';

    if (*text)
        (void)estate_set(row->im->estate, h, ESTATE_KIND, yes ? "physical" : "virtual",
                         import_row_source(row));
}

static void vm_row(struct import_row *row)
{
    struct estate_host *h = machine(row, VM_ID, import_cell(row, VM_NAME));

    if (!h)
        return;
    import_os(row->im, h, import_cell(row, VM_OS_NAME), import_row_source(row));
    import_field(row, VM_OS_TYPE, h, ESTATE_OS_FAMILY);
    import_field(row, VM_OS_VERSION, h, ESTATE_OS_VERSION);
    import_field(row, VM_CLUSTER, h, ESTATE_CLUSTER);
    import_scaled(row, VM_CORES, h, ESTATE_CORES, 1);
    import_scaled(row, VM_MEMORY, h, ESTATE_MEMORY_BYTES, gib);
    import_parts(row, VM_ADDRESS, " ;,", h, import_part_address);
    take_physical(row, h);
}

static const struct import_sheet vm_sheet = {"vmInfo", vm_columns, VM_COLUMNS, vm_row};

/* -- disks ------------------------------------------------------------------------------------ */

enum disk_column { DISK_ID, DISK_LABEL, DISK_SIZE, DISK_USED, DISK_TYPE, DISK_COLUMNS };

static const struct import_column disk_columns[DISK_COLUMNS] = {
    [DISK_ID] = {"MachineId", IMPORT_MUST},   [DISK_LABEL] = {"DiskLabel", IMPORT_MUST},
    [DISK_SIZE] = {"SizeInGib", IMPORT_MUST}, [DISK_USED] = {"UsedInGib", 0},
    [DISK_TYPE] = {"StorageTypeLabel", 0},
};

static void disk_row(struct import_row *row)
{
    const char *label = import_cell(row, DISK_LABEL);
    struct estate_host *h = machine(row, DISK_ID, "");
    struct estate_disk *d;

    if (!h)
        return;
    if (!*label) {
        import_row_refuse(row, DISK_LABEL, "a disk without a label", true);
        return;
    }
    d = estate_disk_add(row->im->estate, h, label, import_row_source(row));
    if (!d)
        return;
    (void)import_bytes(row, DISK_SIZE, gib, &d->size_bytes);
    d->has_used |= import_bytes(row, DISK_USED, gib, &d->used_bytes);
    if (*import_cell(row, DISK_TYPE))
        d->type = estate_text(row->im->estate, import_cell(row, DISK_TYPE));
}

static const struct import_sheet disk_sheet = {"diskInfo", disk_columns, DISK_COLUMNS, disk_row};

/* -- tags ------------------------------------------------------------------------------------- */

enum tag_column { TAG_ID, TAG_KEY, TAG_VALUE, TAG_COLUMNS };

static const struct import_column tag_columns[TAG_COLUMNS] = {
    [TAG_ID] = {"MachineId", IMPORT_MUST},
    [TAG_KEY] = {"Key", IMPORT_MUST},
    [TAG_VALUE] = {"Value", IMPORT_MUST},
};

static void tag_row(struct import_row *row)
{
    const char *key = import_cell(row, TAG_KEY);
    struct estate_host *h = machine(row, TAG_ID, "");

    if (!h)
        return;
    if (!*key) {
        import_row_refuse(row, TAG_KEY, "a tag without a key", true);
        return;
    }
    estate_tag_set(row->im->estate, h, key, import_cell(row, TAG_VALUE), import_row_source(row));
}

static const struct import_sheet tag_sheet = {"tagInfo", tag_columns, TAG_COLUMNS, tag_row};

/* -- samples ---------------------------------------------------------------------------------- */

enum perf_column {
    PERF_ID,
    PERF_TIME,
    PERF_CPU,
    PERF_MEMORY_PERCENT,
    PERF_MEMORY,
    PERF_READS,
    PERF_WRITES,
    PERF_SENT,
    PERF_RECEIVED,
    PERF_COLUMNS
};

static const struct import_column perf_columns[PERF_COLUMNS] = {
    [PERF_ID] = {"MachineId", IMPORT_MUST},
    [PERF_TIME] = {"TimeStamp", IMPORT_MUST},
    [PERF_CPU] = {"CpuUtilizationPercentage", 0},
    [PERF_MEMORY_PERCENT] = {"MemoryUtilizationPercentage", 0},
    [PERF_MEMORY] = {"UtilizedMemoryBytes", 0},
    [PERF_READS] = {"DiskReadOperationsPerSec", 0},
    [PERF_WRITES] = {"DiskWriteOperationsPerSec", 0},
    [PERF_SENT] = {"NetworkBytesPerSecSent", 0},
    [PERF_RECEIVED] = {"NetworkBytesPerSecReceived", 0},
};

static void sample(struct import_row *row, struct estate_host *h, enum estate_metric metric,
                   double value)
{
    struct estate_sample s = {.host = h, .metric = metric, .value = value};

    if (import_time(import_cell(row, PERF_TIME), &s.time_ms) &&
        !estate_series_add(&row->im->series, &s))
        import_row_refuse(row, PERF_TIME, "more samples than can be kept", true);
}

static void perf_row(struct import_row *row)
{
    struct estate_host *h = machine(row, PERF_ID, "");
    double a = 0, b = 0;
    uint64_t time_ms;
    bool any;

    if (!h)
        return;
    if (!import_time(import_cell(row, PERF_TIME), &time_ms)) {
        import_row_refuse(row, PERF_TIME, "not a time", true);
        return;
    }
    if (import_percent(row, PERF_CPU, &a))
        sample(row, h, ESTATE_CPU_PERCENT, a);
    if (import_number(row, PERF_MEMORY, &a))
        sample(row, h, ESTATE_MEMORY_USED, a);
    else if (h->memory_bytes > 0 && import_percent(row, PERF_MEMORY_PERCENT, &a))
        sample(row, h, ESTATE_MEMORY_USED, a / 100 * (double)h->memory_bytes);
    a = b = 0;
    any = import_number(row, PERF_READS, &a);
    any |= import_number(row, PERF_WRITES, &b);
    if (any)
        sample(row, h, ESTATE_DISK_OPS, a + b);
    a = b = 0;
    any = import_number(row, PERF_SENT, &a);
    any |= import_number(row, PERF_RECEIVED, &b);
    if (any)
        sample(row, h, ESTATE_NET_RATE, a + b);
}

static const struct import_sheet perf_sheet = {"perfInfo", perf_columns, PERF_COLUMNS, perf_row};

const struct import_sheet *const import_center[] = {&vm_sheet, &disk_sheet, &tag_sheet, &perf_sheet,
                                                    NULL};

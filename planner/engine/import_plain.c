/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain CSV, for lists that people keep: a column for each fact, called as in godwit.estate/1, and
 * a second table of who talks to whom.
 */
#include "planner/engine/import_priv.h"

#include "base/text.h"

#include <stdlib.h>

#include "base/banned.h"

enum host_column {
    /* First the fields of estate.h, in their order. */
    HOST = ESTATE_FIELDS,
    ADDRESSES,
    MEMORY_GIB,
    MEMORY_MIB,
    DISK_GIB,
    DISK_USED_GIB,
    CPU_MEAN,
    CPU_P95,
    CPU_MAX,
    MEMORY_MEAN_GIB,
    MEMORY_MAX_GIB,
    DISK_P95_MIB,
    WRITE_MEAN_MIB,
    WRITE_P99_MIB,
    NET_P95_MIB,
    SOFTWARE,
    DEPENDS,
    WAVE,
    HOST_COLUMNS
};

static const struct import_column host_columns[HOST_COLUMNS] = {
    [ESTATE_ID] = {"id", 0},
    [ESTATE_OS_FAMILY] = {"os_family", 0},
    [ESTATE_OS_NAME] = {"os_name|os", 0},
    [ESTATE_OS_VERSION] = {"os_version", 0},
    [ESTATE_ARCH] = {"arch|architecture", 0},
    [ESTATE_KIND] = {"kind", 0},
    [ESTATE_POWER] = {"power", 0},
    [ESTATE_RUNS_ON] = {"runs_on", 0},
    [ESTATE_SITE] = {"site", 0},
    [ESTATE_CLUSTER] = {"cluster", 0},
    [ESTATE_POOL] = {"pool", 0},
    [ESTATE_RACK] = {"rack", 0},
    [ESTATE_VENDOR] = {"vendor", 0},
    [ESTATE_MODEL] = {"model", 0},
    [ESTATE_CPU_MODEL] = {"cpu_model", 0},
    [ESTATE_CPU_MHZ] = {"cpu_mhz", 0},
    [ESTATE_CORES] = {"cores|cpus|vcpus", 0},
    [ESTATE_MEMORY_BYTES] = {"memory_bytes", 0},
    [ESTATE_GPUS] = {"gpus", 0},
    [ESTATE_WATTS] = {"watts", 0},
    [ESTATE_BOUGHT_ON] = {"bought_on", 0},
    [ESTATE_REFRESH_ON] = {"refresh_on", 0},
    [ESTATE_BOOT] = {"boot", 0},
    [ESTATE_WORKLOAD] = {"workload|app|application", 0},
    [ESTATE_OWNER] = {"owner", 0},
    [ESTATE_OBSERVED] = {"observed_permille", 0},
    [HOST] = {"host|hostname|server", IMPORT_MUST},
    [ADDRESSES] = {"addresses|address|ip", 0},
    [MEMORY_GIB] = {"memory_gib", 0},
    [MEMORY_MIB] = {"memory_mib", 0},
    [DISK_GIB] = {"disk_gib", 0},
    [DISK_USED_GIB] = {"disk_used_gib", 0},
    [CPU_MEAN] = {"cpu_mean_percent", 0},
    [CPU_P95] = {"cpu_p95_percent", 0},
    [CPU_MAX] = {"cpu_max_percent", 0},
    [MEMORY_MEAN_GIB] = {"memory_mean_gib", 0},
    [MEMORY_MAX_GIB] = {"memory_max_gib", 0},
    [DISK_P95_MIB] = {"disk_p95_mib_per_s", 0},
    [WRITE_MEAN_MIB] = {"write_mean_mib_per_s", 0},
    [WRITE_P99_MIB] = {"write_p99_mib_per_s", 0},
    [NET_P95_MIB] = {"net_p95_mib_per_s", 0},
    [SOFTWARE] = {"software", 0},
    [DEPENDS] = {"depends", 0},
    [WAVE] = {"wave", 0},
};

static const double mib = 1 << 20, gib = 1 << 30;

static void take_software(struct import_row *row, struct estate_host *h, const char *part)
{
    estate_software_add(row->im->estate, h, part, "", import_row_source(row));
}

static void take_depends(struct import_row *row, struct estate_host *h, const char *part)
{
    struct estate_workload *w =
        estate_workload_add(row->im->estate, h->workload, import_row_source(row));

    if (w)
        estate_depends_add(row->im->estate, w, part, import_row_source(row));
}

static void take_all_depends(struct import_row *row, struct estate_host *h)
{
    if (*import_cell(row, DEPENDS) && !*h->workload)
        import_row_refuse(row, DEPENDS, "a dependency is of a workload", false);
    else
        import_parts(row, DEPENDS, " ;,", h, take_depends);
}

static void take_wave(struct import_row *row, const struct estate_host *h)
{
    struct estate_workload *w;
    double wave;

    if (!import_number(row, WAVE, &wave))
        return;
    if (!*h->workload || wave < 1 || wave > 1000 || wave != (unsigned)wave) {
        import_row_refuse(row, WAVE,
                          *h->workload ? "not a wave from 1 to 1000" : "a wave is of a workload",
                          false);
        return;
    }
    w = estate_workload_add(row->im->estate, h->workload, import_row_source(row));
    if (w)
        w->wave = (unsigned)wave;
}

static void take_tags(struct import_row *row, struct estate_host *h)
{
    for (size_t i = 0; i < row->header_n; i++) {
        const char *key = import_header_after(row, i, "tag:");

        if (key && *import_cell_at(row, i))
            estate_tag_set(row->im->estate, h, key, import_cell_at(row, i), import_row_source(row));
    }
}

static void take_use(struct import_row *row, struct estate_host *h)
{
    import_stat(row, CPU_MEAN, h, ESTATE_CPU_PERCENT, ESTATE_QUANTILES, 1);
    import_stat(row, CPU_P95, h, ESTATE_CPU_PERCENT, ESTATE_P95, 1);
    import_stat(row, CPU_MAX, h, ESTATE_CPU_PERCENT, ESTATE_MAX, 1);
    import_stat(row, MEMORY_MEAN_GIB, h, ESTATE_MEMORY_USED, ESTATE_QUANTILES, gib);
    import_stat(row, MEMORY_MAX_GIB, h, ESTATE_MEMORY_USED, ESTATE_MAX, gib);
    import_stat(row, DISK_P95_MIB, h, ESTATE_DISK_RATE, ESTATE_P95, mib);
    import_stat(row, WRITE_MEAN_MIB, h, ESTATE_DISK_WRITES, ESTATE_QUANTILES, mib);
    import_stat(row, WRITE_P99_MIB, h, ESTATE_DISK_WRITES, ESTATE_P99, mib);
    import_stat(row, NET_P95_MIB, h, ESTATE_NET_RATE, ESTATE_P95, mib);
}

static void host_row(struct import_row *row)
{
    struct estate_host *h = estate_host_add(row->im->estate, import_cell(row, HOST),
                                            import_cell(row, ESTATE_ID), import_row_source(row));
    char again[64];

    if (!h) {
        import_row_refuse(row, HOST, "a host without a name", true);
        return;
    }
    if (h->named.file == row->im->file_no && h->named.row < row->line) {
        (void)text_print(again, sizeof(again), "line %u has this host already",
                         (unsigned)h->named.row);
        import_row_refuse(row, HOST, again, true);
        return;
    }
    for (size_t f = 0; f < ESTATE_FIELDS; f++) {
        if (f != ESTATE_ID && f != ESTATE_OS_NAME)
            import_field(row, f, h, (enum estate_field)f);
    }
    import_os(row->im, h, import_cell(row, ESTATE_OS_NAME), import_row_source(row));
    import_scaled(row, MEMORY_GIB, h, ESTATE_MEMORY_BYTES, gib);
    import_scaled(row, MEMORY_MIB, h, ESTATE_MEMORY_BYTES, mib);
    import_parts(row, ADDRESSES, " ;,", h, import_part_address);
    import_parts(row, SOFTWARE, ";,", h, take_software);
    take_all_depends(row, h);
    take_wave(row, h);
    import_total(row, h, DISK_GIB, DISK_USED_GIB, gib);
    take_tags(row, h);
    take_use(row, h);
}

static const struct import_sheet host_sheet = {"hosts", host_columns, HOST_COLUMNS, host_row};

/* -- talks ------------------------------------------------------------------------------------ */

enum talk_column { FROM, TO, FROM_PROCESS, TO_PROCESS, PORT, BYTES, COUNT, TALK_COLUMNS };

static const struct import_column talk_columns[TALK_COLUMNS] = {
    [FROM] = {"from|source", IMPORT_MUST},
    [TO] = {"to|destination", IMPORT_MUST},
    [FROM_PROCESS] = {"from_process", 0},
    [TO_PROCESS] = {"to_process", 0},
    [PORT] = {"port", IMPORT_MUST},
    [BYTES] = {"bytes", 0},
    [COUNT] = {"count", 0},
};

static void talk_row(struct import_row *row)
{
    struct estate *e = row->im->estate;
    struct estate_talk t = {.from.address = estate_text(e, import_cell(row, FROM)),
                            .to.address = estate_text(e, import_cell(row, TO)),
                            .from_process = estate_text(e, import_cell(row, FROM_PROCESS)),
                            .to_process = estate_text(e, import_cell(row, TO_PROCESS)),
                            .source = import_row_source(row)};
    double port = 0;

    if (!*t.from.address || !*t.to.address) {
        import_row_refuse(row, *t.from.address ? TO : FROM, "a talk has two ends", true);
        return;
    }
    if (import_number(row, PORT, &port) && (port > UINT16_MAX || port != (unsigned)port))
        import_row_refuse(row, PORT, "not a port", true);
    (void)import_bytes(row, BYTES, 1, &t.bytes);
    (void)import_bytes(row, COUNT, 1, &t.count);
    if (row->refused)
        return;
    t.port = (uint32_t)port;
    estate_talk_add(e, &t);
}

static const struct import_sheet talk_sheet = {"talks", talk_columns, TALK_COLUMNS, talk_row};

const struct import_sheet *const import_plain[] = {&host_sheet, &talk_sheet, NULL};

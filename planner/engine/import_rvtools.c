/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RVTools: a sheet for each kind of thing, joined by the UUID of the machine, else by its name.
 * Templates are no machines. "MB" of older versions always was MiB. Columns have the names of the
 * window, or those of the tables within ("vInfoVMName"): the sheet's name is cut off.
 */
#include "planner/engine/import_priv.h"

#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/banned.h"

static const double mib = 1 << 20;

/* -- vInfo ------------------------------------------------------------------------------------ */

enum info_column {
    VM,
    UUID,
    SMBIOS,
    POWERSTATE,
    TEMPLATE,
    SRM,
    DNS,
    CPUS,
    MEMORY,
    ACTIVE,
    ADDRESS,
    PROVISIONED,
    IN_USE,
    DATACENTER,
    CLUSTER,
    HOST,
    POOL,
    FIRMWARE,
    OS_TOOLS,
    OS_CONFIG,
    PASSTHRU,
    ANNOTATION,
    INFO_COLUMNS
};

static const struct import_column info_columns[INFO_COLUMNS] = {
    [VM] = {"VM|VM Name", IMPORT_MUST},
    [UUID] = {"VM UUID|UUID|SMBIOS UUID", 0},
    [SMBIOS] = {"SMBIOS UUID", 0},
    [POWERSTATE] = {"Powerstate|Power state", IMPORT_MUST},
    [TEMPLATE] = {"Template", 0},
    [SRM] = {"SRM Placeholder", 0},
    [DNS] = {"DNS Name|Guest Host Name", 0},
    [CPUS] = {"CPUs|Num CPU", IMPORT_MUST},
    [MEMORY] = {"Memory|Memory MiB", IMPORT_MUST},
    [ACTIVE] = {"Active Memory", 0},
    [ADDRESS] = {"Primary IP Address|IP Address", 0},
    [PROVISIONED] = {"Total disk capacity MiB|Provisioned MiB|Provisioned", 0},
    [IN_USE] = {"In Use MiB|In Use", 0},
    [DATACENTER] = {"Datacenter", 0},
    [CLUSTER] = {"Cluster", 0},
    [HOST] = {"Host", 0},
    [POOL] = {"Resource pool", 0},
    [FIRMWARE] = {"Firmware", 0},
    [OS_TOOLS] = {"OS according to the VMware Tools|OS Tools", 0},
    [OS_CONFIG] = {"OS according to the configuration file|OS", 0},
    [PASSTHRU] = {"Fixed Passthru HotPlug", 0},
    [ANNOTATION] = {"Annotation", 0},
};

static bool is_yes(const char *text)
{
    return strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0 || text_equal(text, "1");
}

/*
 * Of what is on every sheet; NULL and passed over: a template, the place that a recovery site keeps
 * for a machine of another (the column after that of templates), and what vSphere runs for itself.
 */
static struct estate_host *machine(struct import_row *row, size_t vm, size_t uuid, size_t template)
{
    const char *name = import_cell(row, vm);
    struct estate_host *h;

    if (is_yes(import_cell(row, template)) || is_yes(import_cell(row, template + 1)) ||
        text_starts(name, "vCLS")) {
        row->im->count->passed_over++;
        return NULL;
    }
    h = *name
            ? estate_host_add(row->im->estate, name, import_cell(row, uuid), import_row_source(row))
            : NULL;
    if (!h)
        import_row_refuse(row, vm, "a machine without a name", true);
    return h;
}

/* "/Madrid/prod/Resources/Gold" is Gold; "Resources" is the root of a cluster, which is no pool. */
static void take_pool(struct import_row *row, struct estate_host *h)
{
    const char *path = import_cell(row, POOL), *last = strrchr(path, '/');

    last = last ? last + 1 : path;
    if (!text_equal(last, "Resources"))
        (void)estate_set(row->im->estate, h, ESTATE_POOL, last, import_row_source(row));
}

static void info_row(struct import_row *row)
{
    struct estate_host *h = machine(row, VM, UUID, TEMPLATE);
    size_t os = *import_cell(row, OS_TOOLS) ? OS_TOOLS : OS_CONFIG;

    if (!h)
        return;
    (void)estate_set(row->im->estate, h, ESTATE_KIND, "virtual", import_row_source(row));
    import_field(row, POWERSTATE, h, ESTATE_POWER);
    import_scaled(row, CPUS, h, ESTATE_CORES, 1);
    import_scaled(row, MEMORY, h, ESTATE_MEMORY_BYTES, mib);
    import_field(row, DATACENTER, h, ESTATE_SITE);
    import_field(row, CLUSTER, h, ESTATE_CLUSTER);
    import_field(row, HOST, h, ESTATE_RUNS_ON);
    take_pool(row, h);
    import_field(row, FIRMWARE, h, ESTATE_BOOT);
    import_os(row->im, h, import_cell(row, os), import_row_source(row));
    import_parts(row, ADDRESS, " ,;", h, import_part_address);
    if (*import_cell(row, DNS))
        estate_tag_set(row->im->estate, h, "dns", import_cell(row, DNS), import_row_source(row));
    /* The UUID of an instance is vCenter's own; that of the SMBIOS is what the guest sees. */
    if (*import_cell(row, SMBIOS))
        estate_tag_set(row->im->estate, h, "smbios_uuid", import_cell(row, SMBIOS),
                       import_row_source(row));
    import_total(row, h, PROVISIONED, IN_USE, mib);
}

static const struct import_sheet info_sheet = {"vInfo", info_columns, INFO_COLUMNS, info_row};

/* -- vDisk and vPartition --------------------------------------------------------------------- */

enum disk_column {
    DISK_VM,
    DISK_UUID,
    DISK_TEMPLATE,
    DISK_SRM,
    DISK,
    CAPACITY,
    MODE,
    THIN,
    DISK_COLUMNS
};

static const struct import_column disk_columns[DISK_COLUMNS] = {
    [DISK_VM] = {"VM|VM Name", IMPORT_MUST},
    [DISK_UUID] = {"VM UUID|UUID|SMBIOS UUID", 0},
    [DISK_TEMPLATE] = {"Template", 0},
    [DISK_SRM] = {"SRM Placeholder", 0},
    [DISK] = {"Disk|Name", IMPORT_MUST},
    [CAPACITY] = {"Capacity MiB", IMPORT_MUST},
    [MODE] = {"Disk Mode", 0},
    [THIN] = {"Thin", 0},
};

static void disk_row(struct import_row *row)
{
    struct estate_host *h = machine(row, DISK_VM, DISK_UUID, DISK_TEMPLATE);
    struct estate_disk *d;

    if (!h)
        return;
    d = estate_disk_add(row->im->estate, h, import_cell(row, DISK), import_row_source(row));
    if (!d)
        return;
    (void)import_bytes(row, CAPACITY, mib, &d->size_bytes);
    if (*import_cell(row, THIN))
        d->type = estate_text(row->im->estate, is_yes(import_cell(row, THIN)) ? "thin" : "thick");
}

static const struct import_sheet disk_sheet = {"vDisk", disk_columns, DISK_COLUMNS, disk_row};

enum part_column {
    PART_VM,
    PART_UUID,
    PART_TEMPLATE,
    PART_SRM,
    PART,
    PART_SIZE,
    PART_USED,
    PART_COLUMNS
};

static const struct import_column part_columns[PART_COLUMNS] = {
    [PART_VM] = {"VM|VM Name", IMPORT_MUST},
    [PART_UUID] = {"VM UUID|UUID|SMBIOS UUID", 0},
    [PART_TEMPLATE] = {"Template", 0},
    [PART_SRM] = {"SRM Placeholder", 0},
    [PART] = {"Disk", 0},
    [PART_SIZE] = {"Capacity MiB", IMPORT_MUST},
    [PART_USED] = {"Consumed MiB", IMPORT_MUST},
};

static void part_row(struct import_row *row)
{
    struct estate_host *h = machine(row, PART_VM, PART_UUID, PART_TEMPLATE);
    struct estate_disk *d;
    char name[32];

    if (!h)
        return;
    (void)text_print(name, sizeof(name), "partition of row %zu", row->line);
    d = estate_disk_add(row->im->estate, h, *import_cell(row, PART) ? import_cell(row, PART) : name,
                        import_row_source(row));
    if (!d)
        return;
    d->level = ESTATE_PARTITION;
    (void)import_bytes(row, PART_SIZE, mib, &d->size_bytes);
    d->has_used = import_bytes(row, PART_USED, mib, &d->used_bytes);
}

static const struct import_sheet part_sheet = {"vPartition", part_columns, PART_COLUMNS, part_row};

/* -- vMemory and vCPU ------------------------------------------------------------------------- */

enum mem_column {
    MEM_VM,
    MEM_UUID,
    MEM_TEMPLATE,
    MEM_SRM,
    MEM_SIZE,
    MEM_RESERVED,
    MEM_CONSUMED,
    MEM_COLUMNS
};

static const struct import_column mem_columns[MEM_COLUMNS] = {
    [MEM_VM] = {"VM|VM Name", IMPORT_MUST}, [MEM_UUID] = {"VM UUID|UUID|SMBIOS UUID", 0},
    [MEM_TEMPLATE] = {"Template", 0},       [MEM_SRM] = {"SRM Placeholder", 0},
    [MEM_SIZE] = {"Size MiB", IMPORT_MUST}, [MEM_RESERVED] = {"Reservation", IMPORT_MUST},
    [MEM_CONSUMED] = {"Consumed", 0},
};

static void mem_row(struct import_row *row)
{
    struct estate_host *h = machine(row, MEM_VM, MEM_UUID, MEM_TEMPLATE);

    if (!h)
        return;
    import_scaled(row, MEM_SIZE, h, ESTATE_MEMORY_BYTES, mib);
    /* What a hypervisor backs with its own memory, at one moment: kept, and no quantile of use. */
    import_stat(row, MEM_CONSUMED, h, ESTATE_MEMORY_USED, ESTATE_QUANTILES, mib);
}

static const struct import_sheet mem_sheet = {"vMemory", mem_columns, MEM_COLUMNS, mem_row};

/* -- vNetwork --------------------------------------------------------------------------------- */

enum nic_column {
    NIC_VM,
    NIC_UUID,
    NIC_TEMPLATE,
    NIC_SRM,
    NIC_NAME,
    NIC_MAC,
    NIC_NET,
    NIC_ADDRESS,
    NIC_COLUMNS
};

static const struct import_column nic_columns[NIC_COLUMNS] = {
    [NIC_VM] = {"VM|VM Name", IMPORT_MUST},    [NIC_UUID] = {"VM UUID|UUID|SMBIOS UUID", 0},
    [NIC_TEMPLATE] = {"Template", 0},          [NIC_SRM] = {"SRM Placeholder", 0},
    [NIC_NAME] = {"NIC label|Adapter", 0},     [NIC_MAC] = {"Mac Address", IMPORT_MUST},
    [NIC_NET] = {"Network|Name", IMPORT_MUST}, [NIC_ADDRESS] = {"IPv4 Address|IP Address", 0},
};

static void nic_row(struct import_row *row)
{
    struct estate_host *h = machine(row, NIC_VM, NIC_UUID, NIC_TEMPLATE);
    struct estate *e = row->im->estate;
    struct estate_nic *nic;

    if (!h)
        return;
    nic = estate_nic_add(
        e, h, *import_cell(row, NIC_NAME) ? import_cell(row, NIC_NAME) : import_cell(row, NIC_MAC),
        import_row_source(row));
    if (!nic)
        return;
    nic->mac = estate_text(e, import_cell(row, NIC_MAC));
    nic->network = estate_text(e, import_cell(row, NIC_NET));
    import_parts(row, NIC_ADDRESS, " ,;", h, import_part_address);
}

static const struct import_sheet nic_sheet = {"vNetwork", nic_columns, NIC_COLUMNS, nic_row};

/* -- vHost ------------------------------------------------------------------------------------ */

enum esx_column {
    ESX,
    ESX_CPUS,
    ESX_PER_CPU,
    ESX_CORES,
    ESX_MEMORY,
    ESX_SPEED,
    ESX_CPU_MODEL,
    ESX_CPU_USE,
    ESX_MEMORY_USE,
    ESX_DATACENTER,
    ESX_CLUSTER,
    ESX_VERSION,
    ESX_VENDOR,
    ESX_MODEL,
    ESX_UUID,
    ESX_COLUMNS
};

static const struct import_column esx_columns[ESX_COLUMNS] = {
    [ESX] = {"Host|Name", IMPORT_MUST},
    [ESX_CPUS] = {"# CPU|Num Cpu", 0},
    [ESX_PER_CPU] = {"Cores per CPU", 0},
    [ESX_CORES] = {"# Cores|Num Cpu Cores", 0},
    [ESX_MEMORY] = {"# Memory|Memory Size", IMPORT_MUST},
    [ESX_SPEED] = {"Speed|Cpu Mhz", 0},
    [ESX_CPU_MODEL] = {"CPU Model", 0},
    [ESX_CPU_USE] = {"CPU usage %|Overall Cpu Usage", 0},
    [ESX_MEMORY_USE] = {"Memory usage %|Overall Memory Usage", 0},
    [ESX_DATACENTER] = {"Datacenter", 0},
    [ESX_CLUSTER] = {"Cluster", 0},
    [ESX_VERSION] = {"ESX Version|Full Name", 0},
    [ESX_VENDOR] = {"Vendor", 0},
    [ESX_MODEL] = {"Model", 0},
    [ESX_UUID] = {"UUID", 0},
};

static void esx_use(struct import_row *row, struct estate_host *h)
{
    struct estate_usage *u;
    double percent;

    import_stat(row, ESX_CPU_USE, h, ESTATE_CPU_PERCENT, ESTATE_QUANTILES, 1);
    if (h->memory_bytes == 0 || !import_percent(row, ESX_MEMORY_USE, &percent))
        return;
    u = estate_usage_of(row->im->estate, h, ESTATE_MEMORY_USED);
    if (u) {
        u->mean = percent / 100 * (double)h->memory_bytes;
        u->source = import_row_source(row);
    }
}

static void esx_row(struct import_row *row)
{
    struct estate *e = row->im->estate;
    struct estate_host *h = estate_host_add(e, import_cell(row, ESX), import_cell(row, ESX_UUID),
                                            import_row_source(row));
    uint64_t cpus, per_cpu;

    if (!h) {
        import_row_refuse(row, ESX, "a host without a name", true);
        return;
    }
    (void)estate_set(e, h, ESTATE_KIND, "hypervisor", import_row_source(row));
    if (import_bytes(row, ESX_CPUS, 1, &cpus) && import_bytes(row, ESX_PER_CPU, 1, &per_cpu) &&
        num_mul(cpus, per_cpu, &cpus))
        estate_set_u64(h, ESTATE_CORES, cpus, import_row_source(row));
    import_scaled(row, ESX_CORES, h, ESTATE_CORES, 1);
    import_scaled(row, ESX_MEMORY, h, ESTATE_MEMORY_BYTES, mib);
    import_scaled(row, ESX_SPEED, h, ESTATE_CPU_MHZ, 1);
    import_field(row, ESX_CPU_MODEL, h, ESTATE_CPU_MODEL);
    import_field(row, ESX_DATACENTER, h, ESTATE_SITE);
    import_field(row, ESX_CLUSTER, h, ESTATE_CLUSTER);
    import_field(row, ESX_VENDOR, h, ESTATE_VENDOR);
    import_field(row, ESX_MODEL, h, ESTATE_MODEL);
    import_os(row->im, h, import_cell(row, ESX_VERSION), import_row_source(row));
    esx_use(row, h);
}

static const struct import_sheet esx_sheet = {"vHost", esx_columns, ESX_COLUMNS, esx_row};

/* -- vDatastore ------------------------------------------------------------------------------- */

enum store_column { STORE, STORE_SIZE, STORE_USED, STORE_HOSTS, STORE_COLUMNS };

static const struct import_column store_columns[STORE_COLUMNS] = {
    [STORE] = {"Name", IMPORT_MUST},
    [STORE_SIZE] = {"Capacity MiB", IMPORT_MUST},
    [STORE_USED] = {"In Use MiB", 0},
    [STORE_HOSTS] = {"Hosts", IMPORT_MUST},
};

/* Several hosts share it: it is a disk of the first, so that a pool has it once. */
static void store_row(struct import_row *row)
{
    struct estate *e = row->im->estate;
    auto_vec char **hosts = NULL;
    struct estate_host *h = NULL;
    struct estate_disk *d;

    if (text_split(import_cell(row, STORE_HOSTS), " ,;", &hosts, NULL) == 0 && hosts[0])
        h = estate_host_add(e, hosts[0], "", import_row_source(row));
    if (!h || !*import_cell(row, STORE)) {
        import_row_refuse(row, h ? STORE : STORE_HOSTS, "a datastore has a name and a host", true);
        return;
    }
    (void)estate_set(e, h, ESTATE_KIND, "hypervisor", import_row_source(row));
    d = estate_disk_add(e, h, import_cell(row, STORE), import_row_source(row));
    if (!d)
        return;
    d->type = estate_text(e, "datastore");
    (void)import_bytes(row, STORE_SIZE, mib, &d->size_bytes);
    d->has_used = import_bytes(row, STORE_USED, mib, &d->used_bytes);
}

static const struct import_sheet store_sheet = {"vDatastore", store_columns, STORE_COLUMNS,
                                                store_row};

const struct import_sheet *const import_rvtools[] = {
    &info_sheet, &disk_sheet, &part_sheet, &mem_sheet, &nic_sheet, &esx_sheet, &store_sheet, NULL};

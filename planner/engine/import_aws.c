/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What AWS's tools write: the import and export file of Application Migration Service (columns
 * mgn:...), and of Migration Hub and Discovery Service.
 */
#include "planner/engine/import_priv.h"

#include "base/num.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static const double mib = 1 << 20, gib = 1 << 30;

/* -- Application Migration Service ------------------------------------------------------------ */

enum mgn_column {
    SERVER,
    PLATFORM,
    FQDN,
    APP,
    APP_TEXT,
    WAVE,
    REGION,
    ACCOUNT,
    INSTANCE,
    MGN_COLUMNS
};

static const struct import_column mgn_columns[MGN_COLUMNS] = {
    [SERVER] = {"mgn:server:user-provided-id", IMPORT_MUST},
    [PLATFORM] = {"mgn:server:platform", 0},
    [FQDN] = {"mgn:server:fqdn-for-action-framework", 0},
    [APP] = {"mgn:app:name", 0},
    [APP_TEXT] = {"mgn:app:description", 0},
    [WAVE] = {"mgn:wave:name", 0},
    [REGION] = {"mgn:region", 0},
    [ACCOUNT] = {"mgn:account-id", 0},
    [INSTANCE] = {"mgn:launch:instance-type", 0},
};

/* Waves have names there, and an order here: the number at the end of a name is its place. */
static unsigned wave_of(const char *name)
{
    size_t len = strlen(name), digits = 0;
    uint64_t wave = 0;

    while (digits < len && isdigit((unsigned char)name[len - digits - 1]))
        digits++;
    if (digits == 0 || num_parse_u64(name + len - digits, 1, 1000, &wave, NULL) < 0)
        return 0;
    return (unsigned)wave;
}

static void mgn_app(struct import_row *row, struct estate_host *h)
{
    struct estate_source source = import_row_source(row);
    const char *wave = import_cell(row, WAVE);
    struct estate *e = row->im->estate;
    struct estate_workload *w;

    import_field(row, APP, h, ESTATE_WORKLOAD);
    w = estate_workload_add(e, h->workload, source);
    if (!w)
        return;
    if (*import_cell(row, APP_TEXT))
        w->description = estate_text(e, import_cell(row, APP_TEXT));
    if (wave_of(wave))
        w->wave = wave_of(wave);
    if (*wave)
        estate_workload_tag(e, w, "wave", wave, source);
    for (size_t i = 0; i < row->header_n; i++) {
        const char *key = import_header_after(row, i, "mgn:app:tag:");

        if (key && *import_cell_at(row, i))
            estate_workload_tag(e, w, key, import_cell_at(row, i), source);
    }
}

/* "mgn:launch:volume:/dev/sda:type" names a disk; of what size it is nobody says. */
static void mgn_volume(struct import_row *row, struct estate_host *h, size_t place)
{
    const char *rest = import_header_after(row, place, "mgn:launch:volume:"), *end;
    struct estate_disk *d;
    char name[ESTATE_TEXT_MAX];

    end = rest ? strrchr(rest, ':') : NULL;
    if (!end || end == rest || !*import_cell_at(row, place) || !text_equal(end, ":type"))
        return;
    if (text_print(name, sizeof(name), "%.*s", (int)(end - rest), rest) < 0)
        return;
    d = estate_disk_add(row->im->estate, h, name, import_row_source(row));
    if (d)
        d->type = estate_text(row->im->estate, import_cell_at(row, place));
}

static void mgn_row(struct import_row *row)
{
    const char *id = import_cell(row, SERVER), *name = import_cell(row, FQDN);
    struct estate_source source = import_row_source(row);
    struct estate *e = row->im->estate;
    struct estate_host *h = *id ? estate_host_add(e, *name ? name : id, id, source) : NULL;

    if (!h) {
        import_row_refuse(row, SERVER, "a server without its id", true);
        return;
    }
    import_field(row, PLATFORM, h, ESTATE_OS_FAMILY);
    mgn_app(row, h);
    estate_tag_set(e, h, *import_cell(row, REGION) ? "mgn:region" : "", import_cell(row, REGION),
                   source);
    estate_tag_set(e, h, *import_cell(row, ACCOUNT) ? "mgn:account-id" : "",
                   import_cell(row, ACCOUNT), source);
    estate_tag_set(e, h, *import_cell(row, INSTANCE) ? "mgn:instance-type" : "",
                   import_cell(row, INSTANCE), source);
    for (size_t i = 0; i < row->header_n; i++) {
        const char *key = import_header_after(row, i, "mgn:server:tag:");

        if (key && *import_cell_at(row, i))
            estate_tag_set(e, h, key, import_cell_at(row, i), source);
        mgn_volume(row, h, i);
    }
}

static const struct import_sheet mgn_sheet = {"servers", mgn_columns, MGN_COLUMNS, mgn_row};

const struct import_sheet *const import_aws_mgn[] = {&mgn_sheet, NULL};

/* -- Migration Hub ---------------------------------------------------------------------------- */

enum hub_column {
    EXTERNAL_ID,
    SMBIOS_ID,
    VM_ID,
    SERVER_ID,
    ADDRESS,
    MAC,
    HOST,
    VM_NAME,
    HYPERVISOR,
    CLUSTER,
    PROCESSORS,
    CORES,
    LOGICAL,
    OS,
    OS_VERSION,
    RAM,
    RAM_AVG,
    RAM_MAX,
    CPU_AVG,
    CPU_MAX,
    READ_OPS_AVG,
    READ_OPS,
    READ_KB_MAX,
    WRITE_KB_AVG,
    WRITE_KB_MAX,
    NET_KB_MAX,
    NET_OUT_KB_MAX,
    DISK_GB,
    APPS,
    APP_WAVE,
    TAGS,
    HUB_COLUMNS
};

static const struct import_column hub_columns[HUB_COLUMNS] = {
    [EXTERNAL_ID] = {"ExternalId", 0},
    [SMBIOS_ID] = {"SMBiosId", 0},
    [VM_ID] = {"VMware.MoRefId", 0},
    [SERVER_ID] = {"ServerId", 0},
    [ADDRESS] = {"IPAddress", IMPORT_MUST},
    [MAC] = {"MACAddress", 0},
    [HOST] = {"HostName", IMPORT_MUST},
    [VM_NAME] = {"VMware.VMName", 0},
    [HYPERVISOR] = {"VMware.HostName|VMware.VCenterId", 0},
    [CLUSTER] = {"VMware.ClusterName", 0},
    [PROCESSORS] = {"CPU.NumberOfProcessors", 0},
    [CORES] = {"CPU.NumberOfCores", 0},
    [LOGICAL] = {"CPU.NumberOfLogicalCores", 0},
    [OS] = {"OS.Name", 0},
    [OS_VERSION] = {"OS.Version", 0},
    [RAM] = {"RAM.TotalSizeInMB", IMPORT_MUST},
    [RAM_AVG] = {"RAM.UsedSizeInMB.Avg", 0},
    [RAM_MAX] = {"RAM.UsedSizeInMB.Max", 0},
    [CPU_AVG] = {"CPU.UsagePct.Avg", 0},
    [CPU_MAX] = {"CPU.UsagePct.Max", 0},
    [READ_OPS_AVG] = {"DiskReadsOpsPerSecond.Avg", 0},
    [READ_OPS] = {"DiskReadsOpsPerSecond.Max", 0},
    [READ_KB_MAX] = {"DiskBytesReadPerSecondInKB.Max", 0},
    [WRITE_KB_AVG] = {"DiskBytesWrittenPerSecondInKB.Avg", 0},
    [WRITE_KB_MAX] = {"DiskBytesWrittenPerSecondInKB.Max", 0},
    [NET_KB_MAX] = {"NetworkBytesReadPerSecondInKB.Max", 0},
    [NET_OUT_KB_MAX] = {"NetworkBytesWrittenPerSecondInKB.Max", 0},
    [DISK_GB] = {"TotalDiskSizeInGB", 0},
    [APPS] = {"Applications", 0},
    [APP_WAVE] = {"ApplicationWave", 0},
    [TAGS] = {"Tags", 0},
};

static const char *first_of(const struct import_row *row, const size_t *columns, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (*import_cell(row, columns[i]))
            return import_cell(row, columns[i]);
    }
    return "";
}

/* The first application is what a host moves with; of all of them there is a tag. */
static void hub_app(struct import_row *row, struct estate_host *h, const char *part)
{
    struct estate *e = row->im->estate;

    if (!*h->workload)
        (void)estate_set(e, h, ESTATE_WORKLOAD, part, import_row_source(row));
    else if (!text_equal(h->workload, part))
        estate_tag_set(e, h, "application", part, import_row_source(row));
}

static void hub_tag(struct import_row *row, struct estate_host *h, const char *part)
{
    const char *colon = strpbrk(part, ":=");
    char key[ESTATE_TEXT_MAX];

    if (!colon || text_print(key, sizeof(key), "%.*s", (int)(colon - part), part) < 0) {
        import_row_refuse(row, TAGS, "a tag is KEY:VALUE", false);
        return;
    }
    estate_tag_set(row->im->estate, h, key, colon + 1, import_row_source(row));
}

static void hub_nic(struct import_row *row, struct estate_host *h, const char *part)
{
    struct estate_nic *nic = estate_nic_add(row->im->estate, h, part, import_row_source(row));

    if (nic)
        nic->mac = nic->name;
}

static void hub_use(struct import_row *row, struct estate_host *h)
{
    import_stat(row, CPU_AVG, h, ESTATE_CPU_PERCENT, ESTATE_QUANTILES, 1);
    import_stat(row, CPU_MAX, h, ESTATE_CPU_PERCENT, ESTATE_MAX, 1);
    import_stat(row, RAM_AVG, h, ESTATE_MEMORY_USED, ESTATE_QUANTILES, mib);
    import_stat(row, RAM_MAX, h, ESTATE_MEMORY_USED, ESTATE_MAX, mib);
    import_stat(row, READ_OPS_AVG, h, ESTATE_DISK_OPS, ESTATE_QUANTILES, 1);
    import_stat(row, READ_OPS, h, ESTATE_DISK_OPS, ESTATE_MAX, 1);
    import_stat(row, WRITE_KB_AVG, h, ESTATE_DISK_WRITES, ESTATE_QUANTILES, 1024);
    import_stat(row, WRITE_KB_MAX, h, ESTATE_DISK_WRITES, ESTATE_MAX, 1024);
    import_stat(row, READ_KB_MAX, h, ESTATE_DISK_RATE, ESTATE_MAX, 1024);
    import_stat(row, NET_KB_MAX, h, ESTATE_NET_RATE, ESTATE_MAX, 1024);
    import_stat(row, NET_OUT_KB_MAX, h, ESTATE_NET_RATE, ESTATE_MAX, 1024);
}

static void hub_disk(struct import_row *row, struct estate_host *h)
{
    struct estate_disk *d;
    uint64_t size;

    if (!import_bytes(row, DISK_GB, gib, &size))
        return;
    d = estate_disk_add(row->im->estate, h, "all", import_row_source(row));
    if (d) {
        d->level = ESTATE_TOTAL;
        d->size_bytes = size;
    }
}

static void hub_wave(struct import_row *row, const struct estate_host *h)
{
    struct estate_workload *w =
        estate_workload_add(row->im->estate, h->workload, import_row_source(row));

    if (w && wave_of(import_cell(row, APP_WAVE)))
        w->wave = wave_of(import_cell(row, APP_WAVE));
}

static void hub_row(struct import_row *row)
{
    static const size_t ids[] = {EXTERNAL_ID, SERVER_ID, SMBIOS_ID, VM_ID};
    static const size_t names[] = {HOST, VM_NAME};
    const char *id = first_of(row, ids, ARRAY_LEN(ids));
    const char *name = first_of(row, names, ARRAY_LEN(names));
    struct estate_host *h = estate_host_add(row->im->estate, name, id, import_row_source(row));

    if (!h) {
        import_row_refuse(row, HOST, "a server without a name or an id", true);
        return;
    }
    import_os(row->im, h, import_cell(row, OS), import_row_source(row));
    import_field(row, OS_VERSION, h, ESTATE_OS_VERSION);
    import_field(row, CLUSTER, h, ESTATE_CLUSTER);
    import_field(row, HYPERVISOR, h, ESTATE_RUNS_ON);
    import_scaled(row, PROCESSORS, h, ESTATE_CORES, 1);
    import_scaled(row, CORES, h, ESTATE_CORES, 1);
    import_scaled(row, LOGICAL, h, ESTATE_CORES, 1);
    import_scaled(row, RAM, h, ESTATE_MEMORY_BYTES, mib);
    import_parts(row, ADDRESS, " ,;", h, import_part_address);
    import_parts(row, MAC, " ,;", h, hub_nic);
    import_parts(row, APPS, ",;()[]", h, hub_app);
    import_parts(row, TAGS, ",;()[]", h, hub_tag);
    hub_wave(row, h);
    hub_disk(row, h);
    hub_use(row, h);
}

static const struct import_sheet hub_sheet = {"servers", hub_columns, HUB_COLUMNS, hub_row};

const struct import_sheet *const import_aws_hub[] = {&hub_sheet, NULL};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Azure Migrate: the file for import (a row a server, columns "Disk N ..." as many as there are),
 * and the export of dependencies. The use of a processor is its mean there.
 */
#include "planner/engine/import_priv.h"

#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static const double mib = 1 << 20, gib = 1 << 30;

enum server_column {
    NAME,
    ADDRESS,
    CORES,
    MEMORY,
    OS,
    OS_VERSION,
    OS_ARCH,
    TYPE,
    HYPERVISOR,
    CPU,
    MEMORY_USE,
    NET_IN,
    NET_OUT,
    BOOT,
    STORAGE_USED,
    MAC,
    SERVER_COLUMNS
};

static const struct import_column server_columns[SERVER_COLUMNS] = {
    [NAME] = {"Server name|Machine name", IMPORT_MUST},
    [ADDRESS] = {"IP addresses|IP address", 0},
    [CORES] = {"Cores|Number of cores", IMPORT_MUST},
    [MEMORY] = {"Memory (In MB)|Memory (MB)|Memory", IMPORT_MUST},
    [OS] = {"OS name|Operating system", 0},
    [OS_VERSION] = {"OS version", 0},
    [OS_ARCH] = {"OS architecture", 0},
    [TYPE] = {"Server type", 0},
    [HYPERVISOR] = {"Hypervisor", 0},
    [CPU] = {"CPU utilization percentage|CPU usage (%)|CPU usage", 0},
    [MEMORY_USE] = {"Memory utilization percentage|Memory usage (%)|Memory usage", 0},
    [NET_IN] = {"Network In throughput (MB per second)|Network In throughput", 0},
    [NET_OUT] = {"Network Out throughput (MB per second)|Network Out throughput", 0},
    [BOOT] = {"Boot type|Firmware type", 0},
    [STORAGE_USED] = {"Storage in use (In GB)|Storage in use", 0},
    [MAC] = {"MAC address", 0},
};

/* -- disks ------------------------------------------------------------------------------------ */

/* "Disk 2 size (In GB)" -> 2 and "size"; 0: another column. */
static unsigned disk_of(const struct import_row *row, size_t place, const char **ret_what)
{
    const char *rest = import_header_after(row, place, "Disk ");
    unsigned n = 0;

    while (rest && isdigit((unsigned char)*rest) && n < ESTATE_LIST_MAX)
        n = n * 10 + (unsigned)(*rest++ - '0');
    if (n == 0 || n > ESTATE_LIST_MAX || !rest || *rest != ' ')
        return 0;
    *ret_what = rest + 1;
    return n;
}

/* A column that is not in the table, as one that is. */
static double number_at(struct import_row *row, size_t place)
{
    const size_t kept = row->place[NAME];
    double value = 0;

    row->place[NAME] = place;
    if (!import_number(row, NAME, &value))
        value = 0;
    row->place[NAME] = kept;
    return value;
}

struct disks {
    double read_mib, write_mib, ops;
    bool any_rate, any_ops;
};

static void take_disk(struct import_row *row, struct estate_host *h, size_t place,
                      struct disks *sums)
{
    const char *what = "";
    unsigned n = disk_of(row, place, &what);
    struct estate_disk *d;
    char name[16];

    if (n == 0 || !*import_cell_at(row, place))
        return;
    if (text_starts(what, "size")) {
        (void)text_print(name, sizeof(name), "disk%u", n);
        d = estate_disk_add(row->im->estate, h, name, import_row_source(row));
        if (d)
            d->size_bytes = (uint64_t)(number_at(row, place) * gib);
    } else if (text_starts(what, "read throughput")) {
        sums->read_mib += number_at(row, place);
        sums->any_rate = true;
    } else if (text_starts(what, "write throughput")) {
        sums->write_mib += number_at(row, place);
        sums->any_rate = true;
    } else if (text_starts(what, "read ops") || text_starts(what, "write ops")) {
        sums->ops += number_at(row, place);
        sums->any_ops = true;
    }
}

static void set_mean(struct import_row *row, struct estate_host *h, enum estate_metric metric,
                     double value)
{
    struct estate_usage *u = estate_usage_of(row->im->estate, h, metric);

    if (!u)
        return;
    u->mean = value;
    u->source = import_row_source(row);
}

static void take_disks(struct import_row *row, struct estate_host *h)
{
    struct disks sums = {0};
    uint64_t used;

    for (size_t i = 0; i < row->header_n; i++)
        take_disk(row, h, i, &sums);
    if (sums.any_rate) {
        set_mean(row, h, ESTATE_DISK_RATE, (sums.read_mib + sums.write_mib) * mib);
        set_mean(row, h, ESTATE_DISK_WRITES, sums.write_mib * mib);
    }
    if (sums.any_ops)
        set_mean(row, h, ESTATE_DISK_OPS, sums.ops);
    if (import_bytes(row, STORAGE_USED, gib, &used)) {
        struct estate_disk *d = estate_disk_add(row->im->estate, h, "all", import_row_source(row));

        if (d) {
            d->level = ESTATE_TOTAL;
            d->used_bytes = used;
            d->has_used = true;
        }
    }
}

/* -- servers ---------------------------------------------------------------------------------- */

static void take_use(struct import_row *row, struct estate_host *h)
{
    double percent, in = 0, out = 0;
    bool any;

    import_stat(row, CPU, h, ESTATE_CPU_PERCENT, ESTATE_QUANTILES, 1);
    if (h->memory_bytes > 0 && import_percent(row, MEMORY_USE, &percent))
        set_mean(row, h, ESTATE_MEMORY_USED, percent / 100 * (double)h->memory_bytes);
    any = import_number(row, NET_IN, &in);
    any |= import_number(row, NET_OUT, &out);
    if (any)
        set_mean(row, h, ESTATE_NET_RATE, (in + out) * mib);
}

static void server_row(struct import_row *row)
{
    struct estate_host *h =
        estate_host_add(row->im->estate, import_cell(row, NAME), "", import_row_source(row));
    struct estate_nic *nic;

    if (!h) {
        import_row_refuse(row, NAME, "a server without a name", true);
        return;
    }
    import_os(row->im, h, import_cell(row, OS), import_row_source(row));
    import_field(row, OS_VERSION, h, ESTATE_OS_VERSION);
    import_field(row, OS_ARCH, h, ESTATE_ARCH);
    import_field(row, TYPE, h, ESTATE_KIND);
    import_field(row, BOOT, h, ESTATE_BOOT);
    if (*import_cell(row, HYPERVISOR) && h->kind == ESTATE_KIND_UNKNOWN)
        (void)estate_set(row->im->estate, h, ESTATE_KIND, "virtual", import_row_source(row));
    import_scaled(row, CORES, h, ESTATE_CORES, 1);
    import_scaled(row, MEMORY, h, ESTATE_MEMORY_BYTES, mib);
    import_parts(row, ADDRESS, " ;,", h, import_part_address);
    if (*import_cell(row, MAC)) {
        nic = estate_nic_add(row->im->estate, h, import_cell(row, MAC), import_row_source(row));
        if (nic)
            nic->mac = nic->name;
    }
    take_disks(row, h);
    take_use(row, h);
}

static const struct import_sheet server_sheet = {"servers", server_columns, SERVER_COLUMNS,
                                                 server_row};

const struct import_sheet *const import_azure[] = {&server_sheet, NULL};

/* -- dependencies ----------------------------------------------------------------------------- */

enum talk_column {
    TIMESLOT,
    FROM,
    FROM_APP,
    FROM_PROCESS,
    TO,
    TO_ADDRESS,
    TO_APP,
    TO_PROCESS,
    PORT,
    TALK_COLUMNS
};

static const struct import_column talk_columns[TALK_COLUMNS] = {
    [TIMESLOT] = {"Timeslot", 0},
    [FROM] = {"Source server name", IMPORT_MUST},
    [FROM_APP] = {"Source application", 0},
    [FROM_PROCESS] = {"Source process", 0},
    [TO] = {"Destination server name", 0},
    [TO_ADDRESS] = {"Destination IP", IMPORT_MUST},
    [TO_APP] = {"Destination application", 0},
    [TO_PROCESS] = {"Destination process", 0},
    [PORT] = {"Destination port", IMPORT_MUST},
};

static const char *either(const struct import_row *row, size_t a, size_t b)
{
    return *import_cell(row, a) ? import_cell(row, a) : import_cell(row, b);
}

/* A slot that is not understood has no time. */
static uint64_t slot_time(const struct import_row *row)
{
    uint64_t ms = 0;

    return import_time(import_cell(row, TIMESLOT), &ms) ? ms : 0;
}

static void talk_row(struct import_row *row)
{
    struct estate *e = row->im->estate;
    struct estate_talk t = {.to.address = estate_text(e, import_cell(row, TO_ADDRESS)),
                            .from.address = "",
                            .from_process = estate_text(e, either(row, FROM_PROCESS, FROM_APP)),
                            .to_process = estate_text(e, either(row, TO_PROCESS, TO_APP)),
                            .count = 1,
                            .source = import_row_source(row)};
    double port = 0;

    if (!*import_cell(row, FROM) || (!*import_cell(row, TO) && !*t.to.address)) {
        import_row_refuse(row, *import_cell(row, FROM) ? TO_ADDRESS : FROM, "a talk has two ends",
                          true);
        return;
    }
    if (import_number(row, PORT, &port) && (port > UINT16_MAX || port != (unsigned)port))
        import_row_refuse(row, PORT, "not a port", true);
    if (row->refused)
        return;
    /* Servers are known to Azure by name: who is in no other file is a host all the same. */
    t.from.host = estate_host_add(e, import_cell(row, FROM), "", import_row_source(row));
    if (*import_cell(row, TO)) {
        t.to.host = estate_host_add(e, import_cell(row, TO), "", import_row_source(row));
        if (t.to.host && *t.to.address)
            estate_address_add(e, t.to.host, t.to.address, import_row_source(row));
    }
    t.port = (uint32_t)port;
    t.from_ms = t.until_ms = slot_time(row);
    estate_talk_add(e, &t);
}

static const struct import_sheet talk_sheet = {"dependencies", talk_columns, TALK_COLUMNS,
                                               talk_row};

const struct import_sheet *const import_azure_talks[] = {&talk_sheet, NULL};

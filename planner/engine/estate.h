/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet as it is known before anything is installed on it: hosts, what they run, how hard they
 * work, who talks to whom, and from which row of which file each of these facts comes.
 *
 * Filled by importers (import.h) or read from a godwit.estate/1 document (estate_doc.h), then
 * settled: sorted, talks joined to hosts, workloads to their hosts. Pure: no clock, no I/O.
 *
 * Texts are kept by the estate, sanitised, never NULL ("" is not known); numbers are 0 when they
 * are not known. Running out of memory or of a ceiling is kept (estate_failed), so that a row of
 * calls needs one check.
 */
#ifndef GODWIT_PLANNER_ENGINE_ESTATE_H
#define GODWIT_PLANNER_ENGINE_ESTATE_H

#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct estate;
struct rollup_hist;

enum {
    ESTATE_HOSTS_MAX = 100000,
    ESTATE_WORKLOADS_MAX = 20000,
    ESTATE_TALKS_MAX = 4000000,
    ESTATE_FILES_MAX = 4096,
    ESTATE_LIST_MAX = 256, /* disks, cards, addresses, tags, software of one host: more are left out
                            * (estate_clipped) */
    ESTATE_TEXT_MAX = 256, /* what is longer is cut */
    ESTATE_WEEK = 168,     /* hours, from Monday 00:00 UTC */
};

/* Where a fact was read: file 0 is not known, else estate_file(file) tells its name. */
struct estate_source {
    uint32_t file, row; /* rows from 1, as people count; 0 where there are none */
};

/* -- hosts -------------------------------------------------------------------------------- */

enum estate_family {
    ESTATE_OS_UNKNOWN,
    ESTATE_LINUX,
    ESTATE_WINDOWS,
    ESTATE_UNIX,
    ESTATE_OS_OTHER
};
enum estate_arch {
    ESTATE_ARCH_UNKNOWN,
    ESTATE_X86_64,
    ESTATE_X86,
    ESTATE_ARM64,
    ESTATE_PPC64,
    ESTATE_S390X,
    ESTATE_ARCH_OTHER
};
enum estate_kind { ESTATE_KIND_UNKNOWN, ESTATE_PHYSICAL, ESTATE_VIRTUAL, ESTATE_HYPERVISOR };
enum estate_power { ESTATE_POWER_UNKNOWN, ESTATE_ON, ESTATE_OFF, ESTATE_SUSPENDED };

/* Facts of a host that have one value. To add one: here, in struct estate_host, and its row in
 * fields[] of estate_field.c; documents and the plain CSV have it then. */
enum estate_field {
    ESTATE_ID,
    ESTATE_OS_FAMILY,
    ESTATE_OS_NAME,
    ESTATE_OS_VERSION,
    ESTATE_ARCH,
    ESTATE_KIND,
    ESTATE_POWER,
    ESTATE_RUNS_ON,
    ESTATE_SITE,
    ESTATE_CLUSTER,
    ESTATE_POOL,
    ESTATE_RACK,
    ESTATE_VENDOR,
    ESTATE_MODEL,
    ESTATE_CPU_MODEL,
    ESTATE_CPU_MHZ,
    ESTATE_CORES,
    ESTATE_MEMORY_BYTES,
    ESTATE_GPUS,
    ESTATE_WATTS,
    ESTATE_BOUGHT_ON,
    ESTATE_REFRESH_ON,
    ESTATE_BOOT,
    ESTATE_WORKLOAD,
    ESTATE_OWNER,
    ESTATE_OBSERVED,
    ESTATE_FIELDS
};

/* What a size is of: partitions lie on devices, and the total is of all of them. */
enum estate_level { ESTATE_DEVICE, ESTATE_PARTITION, ESTATE_TOTAL };

struct estate_disk {
    const char *name, *type; /* type as the source calls it: "ssd", "thin", "ext4" */
    unsigned level;          /* enum estate_level */
    uint64_t size_bytes, used_bytes;
    bool has_used;
    struct estate_source source;
};

struct estate_nic {
    const char *name, *mac, *network;
    struct estate_source source;
};

struct estate_tag {
    const char *key, *value;
    struct estate_source source;
};

struct estate_software {
    const char *name, *version; /* "postgres", "nginx": as processes and packages are called */
    struct estate_source source;
};

struct estate_address {
    const char *text;
    struct estate_source source;
};

struct estate_depend {
    const char *on; /* the name of a workload; nobody may be called so */
    struct estate_source source;
};

/* -- use ---------------------------------------------------------------------------------- */

enum estate_metric {
    ESTATE_CPU_PERCENT, /* of all its cores, 0 .. 100 */
    ESTATE_MEMORY_USED, /* bytes */
    ESTATE_DISK_RATE,   /* bytes/s, read and written */
    ESTATE_DISK_WRITES, /* bytes/s written: what replication has to carry */
    ESTATE_DISK_OPS,    /* operations/s */
    ESTATE_NET_RATE,    /* bytes/s, sent and received */
    ESTATE_METRICS
};

/* Quantiles that sources tell: the median, and from where machines are sized. */
enum estate_quantile {
    ESTATE_P50,
    ESTATE_P90,
    ESTATE_P95,
    ESTATE_P99,
    ESTATE_MAX,
    ESTATE_QUANTILES
};

struct estate_bucket {
    uint32_t bucket, count; /* as inventory/rollup.h numbers them */
};

/* How hard one part of a host works. Values below 0 are not known. */
struct estate_usage {
    uint64_t samples;
    uint64_t from_ms, until_ms; /* 0 not known */
    double mean;
    double quantile[ESTATE_QUANTILES];
    struct estate_bucket *buckets; /* every sample, where it was kept; else NULL */
    size_t buckets_n;
    double *week; /* [ESTATE_WEEK] mean of each hour of the week, or NULL */
    struct estate_source source;
};

struct estate_host {
    const char *name; /* no two hosts have the same */
    const char *id, *os_name, *os_version, *runs_on, *site, *cluster, *pool, *rack, *vendor, *model,
        *cpu_model, *boot, *owner;
    const char *workload;                  /* "" nobody said */
    const char *bought_on, *refresh_on;    /* "2024-10-31" */
    unsigned os_family, arch, kind, power; /* enum estate_family, _arch, _kind, _power */
    uint64_t cpu_mhz, cores, memory_bytes, gpus, watts;
    uint64_t observed_permille; /* of its traffic and time; 0 not known */
    struct estate_address *addresses;
    struct estate_disk *disks;
    struct estate_nic *nics;
    struct estate_tag *tags;
    struct estate_software *software;
    size_t addresses_n, disks_n, nics_n, tags_n, software_n;
    struct estate_usage *usage[ESTATE_METRICS]; /* NULL: not measured */
    struct estate_source source[ESTATE_FIELDS];
    struct estate_source named; /* the row that brought it */
    size_t index;               /* in the order of names, once settled */
};

/* -- who talks to whom, and what belongs together ----------------------------------------- */

/* One end; outside the estate it has an address alone. */
struct estate_end {
    struct estate_host *host;
    const char *address; /* "" when the source names the host */
};

/* Traffic as observed: from opened it, to listens. Equal talks are one, added up. */
struct estate_talk {
    struct estate_end from, to;
    const char *from_process, *to_process;
    uint32_t port; /* of the side that listens; 0 not known */
    uint64_t bytes, count;
    uint64_t from_ms, until_ms; /* first and last seen; 0 not known */
    struct estate_source source;
};

struct estate_workload {
    const char *name, *owner, *description;
    unsigned wave; /* a pin; 0 none */
    struct estate_depend *depends;
    struct estate_tag *tags;
    struct estate_host **hosts; /* once settled, by name */
    size_t depends_n, tags_n, hosts_n;
    struct estate_source source;
    size_t index; /* in the order of names, once settled */
};

/* -- filling ------------------------------------------------------------------------------ */

int estate_new(struct estate **ret, struct err *err);
void estate_free(struct estate *e);
static inline void estate_freep(struct estate **e)
{
    estate_free(*e);
}
#define auto_estate AUTO(estate_freep)

/* 0, or the first failure: -ENOMEM, -EFBIG (a ceiling above). */
int estate_failed(const struct estate *e, struct err *err);

/* What of one host or workload were more than ESTATE_LIST_MAX since this was asked last ("disks");
 * NULL: nothing was. What is too much is left out, the rest is kept. */
const char *estate_clipped(struct estate *e);

/* A copy that lives as long as the estate: sanitised, blanks cut off both ends. "" on failure. */
const char *estate_text(struct estate *e, const char *text);
/* A file (or sheet) that facts come from; the same name is the same number. 0 on failure. */
uint32_t estate_file_add(struct estate *e, const char *name);

/*
 * The host of that id or, without an id, of that name (else of that name as its id); made when
 * there is none. A name that a host
 * with another id has already is made unique: "web-01~2". NULL on failure, and without a name.
 */
struct estate_host *estate_host_add(struct estate *e, const char *name, const char *id,
                                    struct estate_source source);
/* By id, name (also with its domain, or without), or an address that one host alone has. */
struct estate_host *estate_host_find(const struct estate *e, const char *key);

/* Read text into a field. NULL, or why it was not taken (a literal). An empty text changes nothing.
 * What is known already is replaced. */
const char *estate_set(struct estate *e, struct estate_host *h, enum estate_field field,
                       const char *text, struct estate_source source);
/* The same for fields that are numbers. */
void estate_set_u64(struct estate_host *h, enum estate_field field, uint64_t value,
                    struct estate_source source);

void estate_address_add(struct estate *e, struct estate_host *h, const char *address,
                        struct estate_source source);
/* The disk of that name, made when there is none; NULL on failure. Lent until the next one. */
struct estate_disk *estate_disk_add(struct estate *e, struct estate_host *h, const char *name,
                                    struct estate_source source);
struct estate_nic *estate_nic_add(struct estate *e, struct estate_host *h, const char *name,
                                  struct estate_source source);
void estate_tag_set(struct estate *e, struct estate_host *h, const char *key, const char *value,
                    struct estate_source source);
void estate_software_add(struct estate *e, struct estate_host *h, const char *name,
                         const char *version, struct estate_source source);
/* That of the host, made (nothing known of it) when there is none; NULL on failure. */
struct estate_usage *estate_usage_of(struct estate *e, struct estate_host *h,
                                     enum estate_metric metric);
/* Keep every sample of h, and what follows from it (mean, quantiles, samples). */
void estate_usage_keep(struct estate *e, struct estate_usage *u, const struct rollup_hist *h);
/* The means of ESTATE_WEEK hours; below 0 is not known. */
void estate_usage_week(struct estate *e, struct estate_usage *u, const double *week);

/* Texts must be the estate's own (estate_text). */
void estate_talk_add(struct estate *e, const struct estate_talk *talk);
struct estate_workload *estate_workload_add(struct estate *e, const char *name,
                                            struct estate_source source);
void estate_depends_add(struct estate *e, struct estate_workload *w, const char *on,
                        struct estate_source source);
void estate_workload_tag(struct estate *e, struct estate_workload *w, const char *key,
                         const char *value, struct estate_source source);

/*
 * Sort everything, join talks to hosts by address, equal talks to one, and workloads to their hosts
 * (one is made for every name that a host has). Once filled, and again after more was added.
 * -ENOMEM, -EFBIG: also of what was added before.
 */
int estate_settle(struct estate *e, struct err *err);

/* -- looking ------------------------------------------------------------------------------ */

size_t estate_hosts(const struct estate *e);
struct estate_host *estate_host(const struct estate *e, size_t i);
size_t estate_workloads(const struct estate *e);
struct estate_workload *estate_workload(const struct estate *e, size_t i);
struct estate_workload *estate_workload_find(const struct estate *e, const char *name);
size_t estate_talks(const struct estate *e);
const struct estate_talk *estate_talk(const struct estate *e, size_t i);
size_t estate_files(const struct estate *e);
const char *estate_file(const struct estate *e, uint32_t file);       /* 1 .. files; else "" */
const char *estate_tag(const struct estate_host *h, const char *key); /* NULL: it has none */

/* Bytes of all disks, of the devices where they are known; and what of them is used, of the
 * partitions where they are known. false: nobody said. */
uint64_t estate_disk_bytes(const struct estate_host *h);
bool estate_disk_used(const struct estate_host *h, uint64_t *ret_bytes);

/*
 * The samples as a histogram. Where only quantiles are known, one that has them: between two known
 * quantiles every sample is as large as the larger, so that nothing is sized below what was said.
 * false: nothing above the mean is known, *ret is untouched.
 */
bool estate_usage_hist(const struct estate_usage *u, struct rollup_hist *ret);
double estate_usage_days(const struct estate_usage *u); /* measured; 0 not known */

/* -- fields and metrics by their names in documents --------------------------------------- */

const char *estate_field_key(enum estate_field field); /* "os_name" */
bool estate_field_find(const char *key, enum estate_field *ret);
bool estate_field_is_number(enum estate_field field);
/* The value as text, "" when it is not known. out has ESTATE_TEXT_MAX bytes; returns it, or the
 * estate's own text. */
const char *estate_field_get(const struct estate_host *h, enum estate_field field, char *out);
uint64_t estate_field_number(const struct estate_host *h,
                             enum estate_field field);          /* 0: no number */
const char *estate_metric_key(enum estate_metric metric);       /* "cpu_percent" */
const char *estate_quantile_key(enum estate_quantile quantile); /* "p95" */
double estate_quantile_of(enum estate_quantile quantile);       /* 0.95 */

#endif

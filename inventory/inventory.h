/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One document per host, godwit.inventory/1 (docs/inventory.md): writing it, and the view of it
 * that the planner and the command line need.
 */
#ifndef GODWIT_INVENTORY_INVENTORY_H
#define GODWIT_INVENTORY_INVENTORY_H

#include "base/auto.h"
#include "base/slice.h"

#include <stdbool.h>

struct buf;
struct clock;
struct err;
struct js;
struct probe;

#define INVENTORY_SCHEMA "godwit.inventory/1"

enum {
    INVENTORY_MAX_BYTES = 256 << 10, /* text of one document */
    INVENTORY_TIME_MAX_MS = 10000,   /* for all collectors together */
};

/*
 * Run every collector and append the document to out (no newline at the end). A collector that
 * fails becomes a row of "problems" and the rest goes on; so this fails only without memory, or
 * with -EFBIG when the ceilings of the lists did not keep the text below INVENTORY_MAX_BYTES.
 */
int inventory_collect(struct probe *p, const struct clock *c, struct buf *out, struct err *err);
/* The same as a value, for who puts it into a document of his own; js_free it. */
int inventory_collect_js(struct probe *p, const struct clock *c, struct js **ret, struct err *err);

enum {
    INVENTORY_VOLUMES_MAX = 1024,
    INVENTORY_ADDRESSES_MAX = 1024,
    INVENTORY_PEERS_MAX = 1024,
};

/* A block device, or a mounted file system that has none here. Strings are never NULL. */
struct inventory_volume {
    const char *path;  /* "/dev/mapper/vg0-data" */
    const char *name;  /* of the kernel, "dm-2": the subject of its utilisation; "" of a "mount" */
    const char *kind;  /* "disk", "partition", "lvm", ... or "mount" */
    const char *fs;    /* "xfs"; "" nothing recognised */
    const char *mount; /* "" not mounted */
    uint64_t size_bytes; /* 0 unknown */
    uint64_t used_bytes; /* of the mounted file system; 0 with has_used false */
    bool has_used;
    bool is_top;    /* nothing stands on it: no partition, no other device */
    bool is_remote; /* a file system of another host */
};

struct inventory_addr {
    const char *address, *interface; /* interface may be "" */
    unsigned prefix;
};

/* Observed traffic with another host, for the graph of dependencies. */
struct inventory_peer {
    const char *peer; /* address */
    const char *comm; /* program on this side; "" unknown */
    bool is_inbound;  /* the peer called us */
    uint16_t port;    /* of the side that listens */
    uint64_t count;   /* connections at that moment */
};

/* Everything is owned by the inventory. Strings are sanitised, "" where the document is silent. */
struct inventory {
    const char *host_name, *machine_id_hash;
    const char *os_id, *os_version, *os_name; /* "debian", "12", "Debian GNU/Linux 12 (bookworm)" */
    const char *kernel, *arch;
    const char *virt_kind, *virt_type, *boot_mode;
    const char *cpu_model;
    uint64_t generated_at_ms;
    uint64_t cpu_sockets, cpu_cores, cpu_threads;
    uint64_t memory_bytes, memory_available_bytes, swap_bytes;
    struct inventory_volume *volumes;
    size_t n_volumes;
    struct inventory_addr *addresses;
    size_t n_addresses;
    struct inventory_peer *peers;
    size_t n_peers;
    size_t n_problems;
    struct js *doc; /* what the strings are lent by; the whole document for who needs more */
};

/*
 * Read a document that somebody sent. -EINVAL: not JSON, another schema, no host name, a member of
 * the wrong kind where a number or string must be, text that is not sanitised; -EFBIG: longer than
 * INVENTORY_MAX_BYTES or lists longer than the ceilings above. Absent members are "" and 0.
 */
int inventory_parse(struct slice json, struct inventory **ret, struct err *err);
/* The same from a member of another document; doc is kept alive, the caller's own stays his. */
int inventory_read(const struct js *doc, struct inventory **ret, struct err *err);
/*
 * The volume that people mean by text: its path, its kernel name with or without "/dev/", the
 * "/dev/VG/LV" of a logical volume, or where it is mounted. NULL: there is none.
 */
const struct inventory_volume *inventory_volume_of(const struct inventory *inv, const char *text);
void inventory_free(struct inventory *inv);
static inline void inventory_freep(struct inventory **inv)
{
    inventory_free(*inv);
}
#define auto_inventory AUTO(inventory_freep)

#endif

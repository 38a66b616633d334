/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collectors: each answers one question about a host and writes one object of its inventory.
 *
 * To add one: collect_x.c with its function, a row in collectors[] (collect.c), a test over a tree
 * in tests/data/inventory, its fields in docs/inventory.md.
 *
 * A collector writes the members of an object that is already begun. When it returns an error its
 * whole object is dropped and a row of "problems" tells why, so it should go on without what is
 * merely missing: a fact that cannot be read is a member that is absent. Text from the host is
 * sanitised before it is written; lists have a ceiling, and "left_out" says how many rows passed
 * it.
 */
#ifndef GODWIT_INVENTORY_COLLECT_H
#define GODWIT_INVENTORY_COLLECT_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct jsw;
struct probe;

struct collector {
    const char *name; /* its member in godwit.inventory/1 */
    int (*collect)(struct probe *p, struct jsw *w, struct err *err);
};

/* Every row, in the order of the document. */
const struct collector *collect_rows(size_t *ret_n);

int collect_host(struct probe *p, struct jsw *w, struct err *err);
int collect_cpu(struct probe *p, struct jsw *w, struct err *err);
int collect_memory(struct probe *p, struct jsw *w, struct err *err);
int collect_block(struct probe *p, struct jsw *w, struct err *err);
int collect_mounts(struct probe *p, struct jsw *w, struct err *err);
int collect_net(struct probe *p, struct jsw *w, struct err *err);
int collect_process(struct probe *p, struct jsw *w, struct err *err);
int collect_socket(struct probe *p, struct jsw *w, struct err *err);

/* Ceilings of the lists in one document; the rest is counted in "left_out". */
enum {
    COLLECT_DEVICES_MAX = 192,
    COLLECT_SLAVES_MAX = 16, /* of one device */
    COLLECT_MOUNTS_MAX = 64,
    COLLECT_INTERFACES_MAX = 48,
    COLLECT_ADDRESSES_MAX = 64,
    COLLECT_PROCESSES_MAX = 64, /* groups of like processes */
    COLLECT_LISTENING_MAX = 96,
    COLLECT_CONNECTIONS_MAX = 96, /* groups by peer and port */
};

/* Ceilings of what is read. */
enum {
    COLLECT_FILE_MAX_BYTES = 1 << 20,       /* a usual file of /proc */
    COLLECT_BIG_FILE_MAX_BYTES = 4 << 20,   /* cpuinfo, tables of sockets */
    COLLECT_PROCESSES_SEEN_MAX = 8192,      /* processes looked at */
    COLLECT_DESCRIPTORS_SEEN_MAX = 1 << 16, /* links below /proc/PID/fd looked at */
};

enum { COLLECT_HASH_TEXT_MAX = 33 };

/*
 * A name for value that does not tell it: 32 hex digits of SHA-256 over "godwit KIND\n" and value.
 * The same everywhere, so that one disk seen from two hosts is seen to be one. Returns out.
 */
char *collect_hash(const char *kind, const char *value, char out[static COLLECT_HASH_TEXT_MAX]);

/* Write the one-line fact in the file at path as a string or a number; nothing if there is none. */
void collect_put_text(struct probe *p, struct jsw *w, const char *key, const char *path);
void collect_put_u64(struct probe *p, struct jsw *w, const char *key, const char *path);
/* As collect_put_text, hashed. Fillers of vendors ("None", "To Be Filled By O.E.M.") count as none.
 */
void collect_put_hash(struct probe *p, struct jsw *w, const char *key, const char *path);
/* Copy s out, printable, at most 255 bytes; nothing if it is empty. */
void collect_put_slice(struct jsw *w, const char *key, struct slice s);
/* Write v if it is not "". */
void collect_put_str(struct jsw *w, const char *key, const char *v);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a collector looks at a host: whole small files, directories, links and a few facts.
 *
 * A probe only reads, and runs nothing. Paths are absolute on the host that is looked at. Every
 * call is bounded in size, and all calls together in time (probe_set_deadline). A probe belongs to
 * one thread. To add a probe: probe_x.c with its ops, a constructor below, a row in
 * tests/contract_probe.c.
 */
#ifndef GODWIT_INVENTORY_PROBE_H
#define GODWIT_INVENTORY_PROBE_H

#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct clock;
struct err;
struct probe;

enum {
    PROBE_PATH_MAX = 512,    /* bytes of a path with its NUL */
    PROBE_TEXT_MAX = 256,    /* bytes of a one-line fact with its NUL */
    PROBE_LIST_MAX = 65536,  /* names of one directory that are looked at */
    PROBE_ADDRS_MAX = 1024,  /* addresses of one host */
    PROBE_IF_NAME_MAX = 64,  /* bytes of an interface name with its NUL */
    PROBE_ADDR_TEXT_MAX = 48 /* bytes of an address as text with its NUL */
};

enum probe_kind { PROBE_FILE, PROBE_DIR, PROBE_DEVICE, PROBE_OTHER };

struct probe_stat {
    enum probe_kind kind;
    uint64_t size_bytes;
    uint32_t dev_major, dev_minor; /* of a device node */
};

/* How full a mounted file system is. */
struct probe_space {
    uint64_t total_bytes, used_bytes, available_bytes; /* available to an unprivileged user */
    uint64_t inodes, inodes_used;                      /* 0 where the file system has none */
};

/* What lies on a block device; "" where nothing is known. */
struct probe_content {
    char type[32]; /* "ext4", "xfs", "LVM2_member", "linux_raid_member", "swap", ... */
    char label[PROBE_TEXT_MAX];
    char uuid[64];
};

struct probe_addr {
    char interface[PROBE_IF_NAME_MAX];
    char address[PROBE_ADDR_TEXT_MAX];
    unsigned prefix; /* length in bits */
};

/*
 * What an implementation brings. The dispatchers below check arguments and deadline first, so
 * members stay plain. Outputs are untouched on failure.
 */
struct probe_ops {
    const char *name; /* "local", "fixture" */
    void (*free)(struct probe *p);
    int (*read)(struct probe *p, const char *path, size_t max_bytes, struct buf *out, bool *ret_cut,
                struct err *err);
    int (*list)(struct probe *p, const char *path, size_t max, char ***ret_names, struct err *err);
    int (*link)(struct probe *p, const char *path, char *out, size_t size, struct err *err);
    int (*stat)(struct probe *p, const char *path, struct probe_stat *ret, struct err *err);
    int (*space)(struct probe *p, const char *mount, struct probe_space *ret, struct err *err);
    /* Optional; NULL means that only files can tell, and the dispatcher says -EOPNOTSUPP. */
    int (*content)(struct probe *p, const char *device, struct probe_content *ret, struct err *err);
    int (*addrs)(struct probe *p, struct probe_addr *out, size_t max, size_t *ret_n,
                 struct err *err);
};

/* First member of every implementation's struct. */
struct probe {
    const struct probe_ops *ops;
    const struct clock *clock; /* NULL while there is no deadline */
    uint64_t deadline_mono_ms;
    uint64_t calls;
};

/* This machine. */
int probe_local_new(struct probe **ret, struct err *err);
/*
 * A directory laid out like /. Links, absolute ones too, stay inside it. Use of file systems comes
 * from its file .fixture/space: lines "total used available inodes inodes_used mount", in bytes.
 */
int probe_fixture_new(const char *root, struct probe **ret, struct err *err);
void probe_free(struct probe *p);
static inline void probe_freep(struct probe **p)
{
    probe_free(*p);
}
#define auto_probe AUTO(probe_freep)

/* From now on until mono_ms of clock calls work; later ones fail with -ETIME. NULL: no deadline. */
void probe_set_deadline(struct probe *p, const struct clock *clock, uint64_t deadline_mono_ms);

/*
 * Append the file at path to out, its first max_bytes if it is longer; *ret_cut (may be NULL) tells
 * whether it was. Sizes are not believed (/proc says 0). Never blocks on a FIFO or a device.
 * -ENOENT absent, -EACCES refused, -EINVAL not a plain file, -ETIME past the deadline.
 */
int probe_read(struct probe *p, const char *path, size_t max_bytes, struct buf *out, bool *ret_cut,
               struct err *err);

/*
 * Names in a directory without "." and "..", in the order of numbers and letters (sda2 before
 * sda10), freed with text_vec_free. *ret_more (may be NULL) = further names past PROBE_LIST_MAX.
 */
int probe_list(struct probe *p, const char *path, char ***ret_names, bool *ret_more,
               struct err *err);

/* Where a symbolic link points, as stored. -EINVAL not a link, -ENAMETOOLONG longer than size. */
int probe_link(struct probe *p, const char *path, char *out, size_t size, struct err *err);

/* Facts of what path leads to (links are followed). -ENOENT. */
int probe_stat(struct probe *p, const char *path, struct probe_stat *ret, struct err *err);
bool probe_exists(struct probe *p, const char *path);

/* How full the file system mounted at mount is. Do not ask for network file systems: they hang. */
int probe_space(struct probe *p, const char *mount, struct probe_space *ret, struct err *err);

/* What the superblocks on a device say. -EOPNOTSUPP, -EACCES, -ENOENT nothing recognised. */
int probe_content(struct probe *p, const char *device, struct probe_content *ret, struct err *err);

/* Addresses of the interfaces, at most max. -EOPNOTSUPP: read them from files. */
int probe_addrs(struct probe *p, struct probe_addr *out, size_t max, size_t *ret_n,
                struct err *err);

/*
 * Facts of one line. path is built from fmt. The text is the first line without surrounding blanks,
 * sanitised, and cut to size; the number must be the whole line. -EINVAL no number.
 */
int probe_text(struct probe *p, char *out, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int probe_u64(struct probe *p, uint64_t *ret, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo's witness: numbered, checksummed records written into a file inside a volume, and a
 * list, kept elsewhere, of those that were acknowledged. What was acknowledged and is not found was
 * lost.
 *
 * The file lies in a file system of an image that nobody has mounted; its blocks are found once
 * (debugfs "blocks") and written in place with fsync, as a database writes its log. When it is full
 * it begins again at its start: record n has place n modulo the number of places, and what was
 * overwritten so is no longer held against anyone.
 */
#ifndef GODWIT_CLI_DEMO_LEDGER_H
#define GODWIT_CLI_DEMO_LEDGER_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum { DEMO_LEDGER_RECORD = 1024, DEMO_LEDGER_BLOCK = 4096, DEMO_LEDGER_BLOCKS_MAX = 65536 };

struct demo_ledger_file {
    int fd;           /* the image */
    uint64_t *blocks; /* numbers of the file's blocks in the image, in order */
    size_t blocks_n;
    uint64_t records; /* how many it can hold */
};

/* map names the blocks, separated by blanks. -EINVAL. */
int demo_ledger_open(const char *volume, const char *map, struct demo_ledger_file *ret,
                     struct err *err);
void demo_ledger_close(struct demo_ledger_file *f);
/* The number of the next record: one above the newest that is there, or 0. */
int demo_ledger_next(struct demo_ledger_file *f, uint64_t *ret_n, struct err *err);
/* Write record n, durably. side is kept with it; ret_sum gets its SHA-256 (32 bytes). */
int demo_ledger_append(struct demo_ledger_file *f, uint64_t n, const char *side, uint8_t *ret_sum,
                       struct err *err);

struct demo_ledger_verdict {
    uint64_t acknowledged, found; /* records */
    uint64_t overwritten;         /* acknowledged, and begun again over since */
    uint64_t lost;                /* acknowledged, and missing or altered */
    uint64_t by_source, by_target;
    uint64_t violations; /* both sides wrote at one time */
    uint64_t first_lost; /* its number, when lost > 0 */
};
/* Hold the acknowledgements against an extracted copy of the file. */
/* -EINVAL when a line does not parse or the file holds no whole record. */
int demo_ledger_check(const char *copy, const char *acks, struct demo_ledger_verdict *ret,
                      struct err *err);

#endif

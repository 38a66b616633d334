/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of one bucket: an ordered index in memory, each body a file. */
#ifndef GODWIT_TESTS_TOOL_S3_OBJECTS_H
#define GODWIT_TESTS_TOOL_S3_OBJECTS_H

#include <stddef.h>
#include <stdint.h>

enum { TOOL_S3_SHA_LEN = 32 };

struct tool_s3_object {
    char *key;
    uint64_t number; /* its file's name */
    uint64_t size;
    uint64_t mtime_ms;
    uint8_t sha256[TOOL_S3_SHA_LEN];
};

struct tool_s3_objects {
    const char *dir;
    uint64_t next; /* number */
    struct tool_s3_object *all;
    size_t n;
    size_t cap;
};

/* The first object whose key is not below key: an index, n at the end. */
size_t tool_s3_objects_from(const struct tool_s3_objects *o, const char *key);
struct tool_s3_object *tool_s3_objects_find(const struct tool_s3_objects *o, const char *key);
/* A file for a new body; number is its name. The descriptor, or -1. */
int tool_s3_objects_create(struct tool_s3_objects *o, uint64_t *ret_number);
int tool_s3_objects_open(const struct tool_s3_objects *o, uint64_t number);
/* key is this from now on, all at once. 0 or -1. */
int tool_s3_objects_set(struct tool_s3_objects *o, const char *key,
                        const struct tool_s3_object *what);
void tool_s3_objects_remove(struct tool_s3_objects *o, struct tool_s3_object *what);

#endif

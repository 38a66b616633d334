/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts as trees of files. One text file, tests/data/inventory/NAME.tree, holds a whole host, since
 * distribution archives keep neither dangling links nor long names:
 *
 *     @file PATH      the lines up to the next '@' are its text
 *     @nul PATH       the same, each line ended by a NUL (arguments, environments)
 *     @link PATH TARGET
 *     @dir PATH
 */
#ifndef GODWIT_TESTS_FIXTURE_H
#define GODWIT_TESTS_FIXTURE_H

#include "base/slice.h"

#include <stdint.h>

struct js;
struct clock;

/* Unpack the tree NAME into a new directory (unit_rmdir gives it back). Fails the test. */
char *fixture_unpack(const char *name);
/* The same from the file at path into the directory dir; 0 or a negative errno. */
int fixture_unpack_into(const char *path, const char *dir);

/* Put a file into a tree, over what is there, directories and all; or take one away. */
void fixture_put(const char *dir, const char *path, struct slice body);
void fixture_text(const char *dir, const char *path, const char *text);
void fixture_remove(const char *dir, const char *path);

/* The document of the host in dir, written by inventory_collect and parsed; js_free it. */
struct js *fixture_inventory(const char *dir);
/* The object of one collector in it; fails the test when it failed. */
const struct js *fixture_part(const struct js *doc, const char *collector);
/* The element of a list whose member key is value, or NULL. */
const struct js *fixture_find(const struct js *list, const char *key, const char *value);

/* A clock that only moves when told. */
struct fixture_time {
    uint64_t wall_ms, mono_ms;
};
struct clock fixture_clock(struct fixture_time *t);

#endif

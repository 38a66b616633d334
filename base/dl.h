/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries that few runs need, loaded when they are: what they bring with them every start would
 * pay for. Their headers are of build time, their files of run time: the same ABI, by the file's
 * name.
 */
#ifndef GODWIT_BASE_DL_H
#define GODWIT_BASE_DL_H

#include <stddef.h>

struct err;

struct dl_function {
    const char *name;
    size_t at; /* of its pointer in the table */
};

/*
 * Fill the n pointers of table from file, for as long as this process lives: who is loaded keeps
 * what its threads said in places that outlive a handle. package: where to get it, for people.
 * -EOPNOTSUPP (GW_NOT_FOUND): this host has none, or one without a function of these.
 */
int dl_open(const char *file, const char *package, const struct dl_function *functions, size_t n,
            void *table, struct err *err);

#endif

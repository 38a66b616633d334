/* SPDX-License-Identifier: Apache-2.0 */
/* The files in a zip, from memory, within bounds (over libarchive). */
#ifndef GODWIT_BASE_ZIP_H
#define GODWIT_BASE_ZIP_H

#include "base/slice.h"

#include <stdbool.h>

struct err;

enum { ZIP_FILES_MAX = 4096, ZIP_NAME_MAX = 256 };

bool zip_is(struct slice bytes);

/*
 * Every file of zip in its order; bytes are lent until fn returns. A non-zero return of fn ends the
 * walk and is returned. max_bytes: of all files together, unpacked.
 * -EINVAL (GW_BAD_DOCUMENT): no zip, a damaged or an encrypted one; -EFBIG: above max_bytes or
 * ZIP_FILES_MAX; -ENOSYS: built without libarchive; -EOPNOTSUPP: this host has none; -ENOMEM.
 */
typedef int (*zip_each_fn)(void *arg, const char *name, struct slice bytes);
int zip_each(struct slice zip, size_t max_bytes, zip_each_fn fn, void *arg, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A file that the user named, or standard input ("-"), whole and bounded. */
#ifndef GODWIT_CLI_SLURP_H
#define GODWIT_CLI_SLURP_H

#include "base/buf.h"
#include "base/js.h"

int slurp(const char *path, size_t max_bytes, struct buf *out, struct err *err);
int slurp_js(const char *path, size_t max_bytes, struct js **ret, struct err *err);

#endif

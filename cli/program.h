/* SPDX-License-Identifier: Apache-2.0 */
/* Where the other programs of godwit are: beside this one (a build tree), else installed. */
#ifndef GODWIT_CLI_PROGRAM_H
#define GODWIT_CLI_PROGRAM_H

#include <limits.h>

struct err;

/* installed: GODWIT_SBINDIR or GODWIT_PKGLIBEXECDIR. -ENOENT (GW_NOT_FOUND). */
int program_find(const char *name, const char *installed, char out[static PATH_MAX],
                 struct err *err);
/* A tool of the system, in PATH and where tools for administrators are. -ENOENT (GW_NOT_FOUND):
 * what names what it is for, package where it comes from. */
int program_find_tool(const char *name, const char *what, const char *package,
                      char out[static PATH_MAX], struct err *err);

#endif

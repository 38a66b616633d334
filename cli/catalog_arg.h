/* SPDX-License-Identifier: Apache-2.0 */
/* Price lists that were named on the command line, as catalogues. */
#ifndef GODWIT_CLI_CATALOG_ARG_H
#define GODWIT_CLI_CATALOG_ARG_H

#include "cli/cmd.h"
#include "planner/engine/catalogue.h"

struct jsw;

/* What to take of a list: flags of every verb that reads one. */
#define CATALOG_ARG_OPTIONS                                                                        \
    {"provider", 0, OPT_TEXT, "NAME", NULL, 0, 0, NULL, "only prices of this provider"},           \
        {"region", 0, OPT_TEXT, "NAME", NULL, 0, 0, NULL, "only prices of this region"},           \
        {"currency", 0, OPT_TEXT, "CODE", NULL, 0, 0, NULL, "only prices in this currency"},       \
    {                                                                                              \
        "windows", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL, "shapes with Windows, not Linux"         \
    }

#define CATALOG_ARG_OPTION                                                                         \
    {                                                                                              \
        "catalog", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL,                                          \
            "prices, anything that catalog import reads; again for more files"                     \
    }

/* The files as one catalogue, by those flags. told (may be NULL) gets "files" and "refused". */
struct catalog_arg_told {
    struct jsw *files, *refused; /* open arrays */
    size_t refused_n;
};
int catalog_arg_read(const struct cmd_call *call, const char *const *files, size_t n,
                     struct catalog_arg_told *told, struct catalogue *ret, struct err *err);

/* Those of --catalog. -EINVAL (GW_USAGE): there is none. */
int catalog_arg_flag(const struct cmd_call *call, struct catalogue *ret, struct err *err);

#endif

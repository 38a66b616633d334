/* SPDX-License-Identifier: Apache-2.0 */
/* --from FILE: a fleet from files, settled. Any format of import.h; a folder is its files. */
#ifndef GODWIT_CLI_ESTATE_ARG_H
#define GODWIT_CLI_ESTATE_ARG_H

#include "base/slice.h"
#include "cli/cmd.h"

struct estate;

#define ESTATE_ARG_OPTION                                                                          \
    {"from",                                                                                       \
     0,                                                                                            \
     OPT_TEXT,                                                                                     \
     "FILE",                                                                                       \
     NULL,                                                                                         \
     0,                                                                                            \
     0,                                                                                            \
     NULL,                                                                                         \
     "the fleet: any list that host import reads, or planner: for what it knows; again for more"}, \
    {                                                                                              \
        "format", 0, OPT_TEXT, "FORMAT", NULL, 0, 0, NULL,                                         \
            "take --from for this format, not for what it holds"                                   \
    }

/* What was read, beside the fleet. */
struct estate_arg_told {
    size_t files, rows, refused, passed_over;
};

/*
 * The fleet of --from, else what the planner knows (-ENOENT, GW_NO_CONTEXT: there is none). What is
 * refused of it is told on standard error, a line each. told may be NULL.
 */
int estate_arg_read(struct cmd_call *call, struct estate **ret, struct err *err);
int estate_arg_take(struct cmd_call *call, struct estate_arg_told *told, struct estate **ret,
                    struct err *err);
/* The same of files (or folders, or "-"); jsw refusals go into refused when it is not NULL. */
struct jsw;
struct estate_arg_spec {
    const char *format;    /* NULL: by content */
    struct jsw *refused;   /* an open array; NULL: standard error */
    struct cmd_call *call; /* who asks the planner; NULL: nobody may */
};
int estate_arg_file(const struct estate_arg_spec *spec, const char *path, struct estate *into,
                    struct estate_arg_told *told, struct err *err);
/* One file of any format (or folder, or "-"), settled: a fleet beside that of --from. */
int estate_arg_load(const char *path, struct estate **ret, struct err *err);
/* The same of what was read already; path is what facts say they are from. */
int estate_arg_bytes(const struct estate_arg_spec *spec, const char *path, struct slice bytes,
                     struct estate *into, struct estate_arg_told *told, struct err *err);
/* estate_settle of all that was read, and what shows only then is told (import_check). */
int estate_arg_check(const struct estate_arg_spec *spec, struct estate *e,
                     struct estate_arg_told *told, struct err *err);
/* The same; GW_BAD_DOCUMENT: that is nobody. */
int estate_arg_settle(const struct estate_arg_spec *spec, struct estate *e,
                      struct estate_arg_told *told, struct err *err);
/* GW_EXIT_OK, or GW_EXIT_PARTIAL when a row was refused. */
int estate_arg_exit(const struct estate_arg_told *told);

#endif

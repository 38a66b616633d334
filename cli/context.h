/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contexts: which planner, its CA and the operator's token, as sections [context.NAME] of the
 * user's own configuration file.
 */
#ifndef GODWIT_CLI_CONTEXT_H
#define GODWIT_CLI_CONTEXT_H

#include "base/conf.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct cmd_call;
struct err;
struct js;

enum { CONTEXT_NAME_MAX = 40, CONTEXT_SECTION_MAX = 56, CONTEXT_TEXT_MAX = 1024 };

/* How a planner is reached. Empty text and has_pin false mean "not given". */
struct context {
    char server[CONTEXT_TEXT_MAX];
    char ca_file[CONTEXT_TEXT_MAX];
    char token_ref[CONTEXT_TEXT_MAX]; /* a secret reference or a path */
    uint8_t pin[32];
    bool has_pin;
};

/* Everything that counts: /etc/godwit/godwit.conf, then the user's file, or only --config's. */
int context_conf(struct cmd_call *call, struct conf **ret, struct err *err);
/* The user's own file (--config, GODWIT_CONFIG, or ~/.config/godwit/config); need not exist. */
int context_path(struct cmd_call *call, char out[static PATH_MAX], struct err *err);
/* Name of the context in force: --context, GODWIT_CONTEXT, [cli] context, "default". Lent. */
const char *context_name(struct cmd_call *call, const struct conf *conf);
/* --server and GODWIT_SERVER replace the context's address. -ENOENT (GW_NO_CONTEXT). */
int context_find(struct cmd_call *call, struct context *ret, struct err *err);
/* From the document that godwitd --client-file writes. -EINVAL (GW_BAD_DOCUMENT). */
int context_of_client(const struct js *client, struct context *ret, struct err *err);

/* "context.NAME"; -EINVAL (GW_BAD_VALUE) for what is no name. */
int context_section(const char *name, char out[static CONTEXT_SECTION_MAX], struct err *err);
/* -EEXIST (GW_BAD_CONFIG) when that name is the context of another planner: neither its address nor
 * its CA file is that of client. */
int context_check(struct cmd_call *call, const char *name, const struct js *client,
                  struct err *err);
/* Write it to the user's file, after context_check of that file; it becomes the default when there
 * is none, or when wanted. */
enum context_flags { CONTEXT_KEEP_DEFAULT = 0, CONTEXT_MAKE_DEFAULT = 1 };
int context_save(struct cmd_call *call, const char *name, const struct js *client,
                 enum context_flags flags, struct err *err);
int context_use(struct cmd_call *call, const char *name, struct err *err);
/* Take it from the user's file; as the default too. -ENOENT (GW_NOT_FOUND). */
int context_remove(struct cmd_call *call, const char *name, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of godwit: one row each in cmds[] (cmd.c), one file cmd_x.c for each family.
 *
 * A verb makes or fetches one JSON document and hands it to out_document with a view that draws it
 * for people; -o json, yaml, csv and name follow from that. To add a verb: a function in cmd_x.c, a
 * row in cmds[], its section in docs/godwit.1.scd, tests/cli_x.sh.
 */
#ifndef GODWIT_CLI_CMD_H
#define GODWIT_CLI_CMD_H

#include "base/clock.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/opt.h"

struct js;
struct out;

struct cmd_call {
    const struct cmd *cmd;
    const struct opt_set *opts; /* global flags and the verb's own */
    size_t first_arg;           /* arguments before it are the words of the verb */
    struct out *out;
    const struct clock *clock;
    const struct rng *rng;
    struct js *error; /* the planner's own document of the last failure, or NULL; main frees it */
};

/* Returns an exit code (enum gw_exit). On a failure err says why and main prints it; with err
 * untouched the code alone counts. */
typedef int (*cmd_fn)(struct cmd_call *call, struct err *err);

/* The common flags that only some verbs honour; where one has no meaning it is refused. */
enum cmd_takes {
    CMD_DRY_RUN = 1,
    CMD_WATCH = 2,
    CMD_WAIT = 4,
    CMD_DETACH = 8,
    CMD_CONFIRM = 16,
    CMD_YES = 32,
    CMD_DOT = 64, /* -o dot: a graph for Graphviz */
    CMD_SWITCH = CMD_DRY_RUN | CMD_WAIT | CMD_DETACH | CMD_CONFIRM,
};

struct cmd {
    const char *words; /* "plan explain" */
    const char *args;  /* "APP", "STORE/NAME[@POINT] VOLUME", "" */
    unsigned args_min, args_max;
    cmd_fn run;
    const struct opt *opts; /* the verb's own flags, ended by a row without a name; or NULL */
    const char *summary;    /* one line */
    const char
        *examples;  /* lines without indentation, the first two are shown on a missing argument */
    unsigned takes; /* enum cmd_takes */
};

/* Argument i of the verb (0 = first after its words), or NULL. */
const char *cmd_arg(const struct cmd_call *call, size_t i);
size_t cmd_args(const struct cmd_call *call);

/* Every verb, for help, completion and the tests. */
const struct cmd *cmd_table(size_t *ret_n);
/* The common flags. */
const struct opt *cmd_globals(size_t *ret_n);
/* Does cmd (NULL: none, every verb) honour the common flag of that name? */
bool cmd_takes(const struct cmd *cmd, const char *flag);
/* -EINVAL (GW_USAGE) when a common flag was given that the verb does not honour. */
int cmd_check_flags(const struct cmd *cmd, const struct opt_set *opts, struct err *err);
/* The verb that words[0..n) begin with; the longest match. *ret_words = how many words it took.
 * NULL: err has "did you mean". */
const struct cmd *cmd_find(const char *const *words, size_t n, size_t *ret_words, struct err *err);

/* "token" of "token ls": the first word of verbs, not a verb itself. */
bool cmd_is_noun(const char *word);

/* Keep a planner's godwit.error/1: what, why and next of it are shown when err is about it. */
void cmd_keep_error(struct cmd_call *call, struct js *taken_doc);
/* The exit code for err by the catalogue; 0 for an empty one. */
int cmd_exit(const struct err *err);
/* How a verb ends that has come to r: 0, or the exit code of its failure, which is told even when
 * whoever met it did not say why. */
int cmd_end(int r, struct err *err);

/*
 * Ask before a severe act: --confirm=NAME, or the name typed on a terminal. -EPERM
 * (GW_NEEDS_CONFIRM) otherwise. what: "cut shop over to the cloud".
 */
int cmd_confirm(const struct cmd_call *call, const char *name, const char *what, struct err *err);
/* Ask before a moderate act, unless --yes is given; without a terminal nobody can be asked. -EPERM
 * (GW_NEEDS_CONFIRM). */
int cmd_ask(const struct cmd_call *call, const char *what, struct err *err);

#endif

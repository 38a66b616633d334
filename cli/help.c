/* SPDX-License-Identifier: Apache-2.0 */
/* Help from the tables, so that it cannot be out of date. */
#include "cli/help.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "cli/out.h"

#include <stdio.h>

#include "base/banned.h"

static void print_examples(const char *examples, size_t most)
{
    const char *at = examples;

    for (size_t i = 0; at && *at && i < most; i++) {
        const char *end = strchrnul(at, '\n');

        printf("  %.*s\n", (int)(end - at), at);
        at = *end ? end + 1 : end;
    }
}

static void print_option(const struct opt *o)
{
    char left[64];

    (void)text_print(left, sizeof(left), "%s%c%s--%s%s%s%s", o->letter ? "-" : " ",
                     o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
                     o->type == OPT_OPTIONAL ? "[="
                     : o->arg                ? " "
                                             : "",
                     o->arg ? o->arg : "", o->type == OPT_OPTIONAL ? "]" : "");
    printf("  %-30s %s%s%s%s%s%s\n", left, o->help, o->choices ? ": " : "",
           o->choices ? o->choices : "", o->dflt ? " (" : "", o->dflt ? o->dflt : "",
           o->dflt ? ")" : "");
}

int help_verb(struct cmd_call *call, struct err *err)
{
    const struct cmd *cmd = call->cmd;
    size_t n;
    const struct opt *rows = cmd_globals(&n);

    (void)err;
    printf("godwit %s%s%s: %s\n\n", cmd->words, cmd->args[0] ? " " : "", cmd->args, cmd->summary);
    if (cmd->examples)
        print_examples(cmd->examples, SIZE_MAX);
    if (cmd->opts)
        printf("\nFlags\n");
    for (size_t i = 0; cmd->opts && cmd->opts[i].name; i++)
        print_option(&cmd->opts[i]);
    printf("\nCommon flags\n");
    for (size_t i = 0; i < n; i++) {
        if (cmd_takes(cmd, rows[i].name))
            print_option(&rows[i]);
    }
    return GW_EXIT_OK;
}

int help_noun(const char *noun)
{
    size_t n, len = strlen(noun);
    const struct cmd *rows = cmd_table(&n);

    for (size_t i = 0; i < n; i++) {
        if (text_starts(rows[i].words, noun) && rows[i].words[len] == ' ')
            printf("  godwit %-18s %-30s %s\n", rows[i].words, rows[i].args, rows[i].summary);
    }
    return GW_EXIT_OK;
}

int help_overview(struct cmd_call *call, struct err *err)
{
    size_t n;
    const struct cmd *rows = cmd_table(&n);

    (void)call;
    (void)err;
    printf("godwit moves servers to a cloud without stopping, and back.\n\n"
           "  godwit demo                  the whole story on this machine\n"
           "  godwit replica push IMAGE file:///backup/NAME\n"
           "  godwit VERB --help           examples first\n\n");
    for (size_t i = 0; i < n; i++)
        printf("  %-18s %-30s %s\n", rows[i].words, rows[i].args, rows[i].summary);
    printf("\nErrors: godwit explain GW-NNNN. Exit codes: godwit help exit-codes.\n");
    return GW_EXIT_OK;
}

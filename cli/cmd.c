/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs and of the flags that all of them take. */
#include "cli/cmd.h"

#include "base/js.h"
#include "base/text.h"
#include "cli/out.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <unistd.h>

#include "base/auto.h"

#include "base/banned.h"

enum { CMD_WORDS_MAX = 48, CMD_TYPED_MAX = 128 };

static const struct opt globals[] = {
    {"output", 'o', OPT_CHOICE, "FORM", "table|wide|json|jsonl|yaml|csv|name|dot", 0, 0, "table",
     "how to print"},
    {"watch", 'w', OPT_OPTIONAL, "EVERY", NULL, 200, 3600000, NULL, "repaint every so often (5s)"},
    {"dry-run", 'n', OPT_SWITCH, NULL, NULL, 0, 0, NULL, "check everything, change nothing"},
    {"yes", 'y', OPT_SWITCH, NULL, NULL, 0, 0, NULL, "answer moderate questions with yes"},
    {"confirm", 0, OPT_TEXT, "NAME", NULL, 0, 0, NULL, "the name that a severe act asks for"},
    {"no-input", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL, "never ask; fail instead"},
    {"wait", 0, OPT_OPTIONAL, "DUR", NULL, 0, 0, NULL, "wait for the operation (the default)"},
    {"detach", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL, "print the operation's id and leave"},
    {"progress", 0, OPT_CHOICE, "HOW", "auto|bar|plain|json|none", 0, 0, "auto",
     "progress on stderr"},
    {"quiet", 'q', OPT_SWITCH, NULL, NULL, 0, 0, NULL, "say less"},
    {"verbose", 'v', OPT_SWITCH, NULL, NULL, 0, 0, NULL, "say more"},
    {"vv", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL, "say everything"},
    {"log-json", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL, "the log as JSON"},
    {"color", 0, OPT_CHOICE, "WHEN", "auto|always|never", 0, 0, "auto", "colours"},
    {"bytes", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL, "sizes as plain numbers"},
    {"si", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL, "sizes in powers of ten"},
    {"utc", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL, "times in UTC"},
    {"context", 'c', OPT_TEXT, "NAME", NULL, 0, 0, NULL, "which planner, by name"},
    {"server", 0, OPT_TEXT, "URL", NULL, 0, 0, NULL, "which planner, by address"},
    {"config", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "configuration file"},
    {"help", 'h', OPT_SWITCH, NULL, NULL, 0, 0, NULL, "examples, then flags"},
    {"version", 'V', OPT_SWITCH, NULL, NULL, 0, 0, NULL, "versions of godwit and its libraries"},
};

const struct cmd *cmd_table(size_t *ret_n)
{
    return verbs_rows(ret_n);
}

const struct opt *cmd_globals(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(globals);
    return globals;
}

static const struct {
    const char *flag;
    unsigned takes;
} conditional[] = {
    {"dry-run", CMD_DRY_RUN}, {"watch", CMD_WATCH},     {"wait", CMD_WAIT},
    {"detach", CMD_DETACH},   {"confirm", CMD_CONFIRM}, {"yes", CMD_YES},
};

bool cmd_takes(const struct cmd *cmd, const char *flag)
{
    for (size_t i = 0; i < ARRAY_LEN(conditional); i++) {
        if (text_equal(conditional[i].flag, flag))
            return cmd && (cmd->takes & conditional[i].takes);
    }
    return true;
}

int cmd_check_flags(const struct cmd *cmd, const struct opt_set *opts, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(conditional); i++) {
        const char *flag = conditional[i].flag;

        if (opt_given(opts, flag) && !cmd_takes(cmd, flag))
            return err_set_gw(err, GW_USAGE, -EINVAL, "godwit%s%s takes no --%s", cmd ? " " : "",
                              cmd ? cmd->words : "", flag);
    }
    if (text_equal(opt_text(opts, "output"), "dot") && !(cmd && cmd->takes & CMD_DOT))
        return err_set_gw(err, GW_USAGE, -EINVAL, "godwit%s%s draws no graph", cmd ? " " : "",
                          cmd ? cmd->words : "");
    if (opt_switch(opts, "detach") && opt_given(opts, "wait"))
        return err_set_gw(err, GW_USAGE, -EINVAL, "--detach and --wait say different things");
    return 0;
}

const char *cmd_arg(const struct cmd_call *call, size_t i)
{
    return opt_arg(call->opts, call->first_arg + i);
}

size_t cmd_args(const struct cmd_call *call)
{
    return opt_args(call->opts) - call->first_arg;
}

void cmd_keep_error(struct cmd_call *call, struct js *taken_doc)
{
    js_free(call->error);
    call->error = taken_doc;
}

int cmd_exit(const struct err *err)
{
    return err->code ? (int)gw_of(err)->exit : GW_EXIT_OK;
}

int cmd_end(int r, struct err *err)
{
    if (r >= 0)
        return GW_EXIT_OK;
    if (!err->code)
        (void)err_set(err, r, "%m");
    return cmd_exit(err);
}

/* How many words of row words[0..n) begin with; 0 = not this row. */
static size_t match(const struct cmd *row, const char *const *words, size_t n)
{
    char head[CMD_WORDS_MAX];

    if (n > 0 && text_equal(row->words, words[0]))
        return 1;
    if (n > 1 && text_print(head, sizeof(head), "%s %s", words[0], words[1]) == 0 &&
        text_equal(row->words, head))
        return 2;
    return 0;
}

bool cmd_is_noun(const char *word)
{
    size_t n;
    const struct cmd *rows = cmd_table(&n);
    size_t len = strlen(word);

    for (size_t i = 0; i < n; i++) {
        if (text_starts(rows[i].words, word) && rows[i].words[len] == ' ')
            return true;
    }
    return false;
}

static void say_noun(const char *noun, struct err *err)
{
    size_t n, used, len = strlen(noun);
    const struct cmd *rows = cmd_table(&n);

    err_set_gw(err, GW_USAGE, -EINVAL, "godwit %s takes one of:", noun);
    for (size_t i = 0; i < n; i++) {
        used = strlen(err->text);
        if (text_starts(rows[i].words, noun) && rows[i].words[len] == ' ')
            snprintf(err->text + used, sizeof(err->text) - used, " %s", rows[i].words + len + 1);
    }
}

static void say_unknown(const char *const *words, size_t n, struct err *err)
{
    char typed[CMD_TYPED_MAX];
    const char *second = n > 1 && cmd_is_noun(words[0]) ? words[1] : NULL;
    const char *best = NULL;
    size_t best_distance = 4, rows_n;
    const struct cmd *rows = cmd_table(&rows_n);

    for (size_t i = 0; i < rows_n; i++) {
        bool two = strchr(rows[i].words, ' ') != NULL;
        size_t d;

        if (text_print(typed, sizeof(typed), "%s%s%s", words[0], two && n > 1 ? " " : "",
                       two && n > 1 ? words[1] : "") < 0)
            continue;
        d = text_distance(typed, rows[i].words);
        if (d < best_distance) {
            best_distance = d;
            best = rows[i].words;
        }
    }
    if (best)
        err_set_gw(err, GW_USAGE, -EINVAL, "there is no verb '%s%s%s'; did you mean: godwit %s",
                   words[0], second ? " " : "", second ? second : "", best);
    else if (cmd_is_noun(words[0]))
        say_noun(words[0], err);
    else
        err_set_gw(err, GW_USAGE, -EINVAL, "there is no verb '%s'", words[0]);
}

const struct cmd *cmd_find(const char *const *words, size_t n, size_t *ret_words, struct err *err)
{
    size_t rows_n, best = 0;
    const struct cmd *rows = cmd_table(&rows_n), *found = NULL;

    for (size_t i = 0; i < rows_n; i++) {
        size_t m = match(&rows[i], words, n);

        if (m > best) {
            best = m;
            found = &rows[i];
        }
    }
    if (found) {
        *ret_words = best;
        return found;
    }
    if (n == 1 && cmd_is_noun(words[0]))
        say_noun(words[0], err);
    else
        say_unknown(words, n, err);
    return NULL;
}

static int ask_name(const char *name, const char *what, struct err *err)
{
    char line[CMD_TYPED_MAX];

    fprintf(stderr, "This will %s.\nType the name to go on: ", what);
    fflush(stderr);
    if (!fgets(line, sizeof(line), stdin))
        line[0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    if (text_equal(line, name))
        return 0;
    return err_set_gw(err, GW_NEEDS_CONFIRM, -EPERM, "'%s' is not '%s'; nothing was done", line,
                      name);
}

int cmd_confirm(const struct cmd_call *call, const char *name, const char *what, struct err *err)
{
    const char *given = opt_text(call->opts, "confirm");

    if (opt_switch(call->opts, "dry-run") || text_equal(given, name))
        return 0;
    if (given)
        return err_set_gw(err, GW_NEEDS_CONFIRM, -EPERM, "--confirm=%s does not name '%s'", given,
                          name);
    if (opt_switch(call->opts, "no-input") || !isatty(STDIN_FILENO))
        return err_set_gw(err, GW_NEEDS_CONFIRM, -EPERM, "to %s, add --confirm=%s", what, name);
    return ask_name(name, what, err);
}

int cmd_ask(const struct cmd_call *call, const char *what, struct err *err)
{
    char line[CMD_TYPED_MAX];

    if (opt_switch(call->opts, "dry-run") || opt_switch(call->opts, "yes"))
        return 0;
    if (opt_switch(call->opts, "no-input") || !isatty(STDIN_FILENO))
        return err_set_gw(err, GW_NEEDS_CONFIRM, -EPERM, "to %s, add --yes", what);
    fprintf(stderr, "This will %s. Go on? [y/N] ", what);
    fflush(stderr);
    if (fgets(line, sizeof(line), stdin) && strcspn(line, "yY") == 0)
        return 0;
    return err_set_gw(err, GW_NEEDS_CONFIRM, -EPERM, "not agreed to; nothing was done");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * godwit completion: scripts for shells, generated from the same tables as help, so that they know
 * what this program knows. bash and zsh share the shape: the words so far choose a list.
 */
#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/verbs.h"

#include <stdio.h>

#include "base/banned.h"

/* -- lists from the tables --------------------------------------------------------- */

static size_t first_len(const char *words)
{
    return strcspn(words, " ");
}

static bool same_first(const struct cmd *a, const struct cmd *b)
{
    size_t n = first_len(a->words);

    return n == first_len(b->words) && memcmp(a->words, b->words, n) == 0;
}

/* The first row of each first word stands for it. */
static bool is_new_first(const struct cmd *rows, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (same_first(&rows[j], &rows[i]))
            return false;
    }
    return true;
}

static void add_first_words(struct buf *out)
{
    size_t n;
    const struct cmd *rows = cmd_table(&n);

    for (size_t i = 0; i < n; i++) {
        if (is_new_first(rows, i))
            buf_printf(out, " %.*s", (int)first_len(rows[i].words), rows[i].words);
    }
}

static bool has_second(const struct cmd *row)
{
    return row->words[first_len(row->words)] == ' ';
}

static void add_second_words(const struct cmd *noun, struct buf *out)
{
    size_t n;
    const struct cmd *rows = cmd_table(&n);

    for (size_t i = 0; i < n; i++) {
        if (has_second(&rows[i]) && same_first(noun, &rows[i]))
            buf_str(out, rows[i].words + first_len(rows[i].words));
    }
}

static void add_flags(const struct opt *rows, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n && rows[i].name; i++)
        buf_printf(out, " --%s%s", rows[i].name,
                   rows[i].type == OPT_SWITCH || rows[i].type == OPT_OPTIONAL ? "" : "=");
}

/* Of the common flags, those of every verb (cmd NULL), or what this one takes beyond them. */
static bool is_common_of(const struct cmd *cmd, const char *flag)
{
    return cmd_takes(cmd, flag) && (!cmd || !cmd_takes(NULL, flag));
}

static void add_common(const struct cmd *cmd, struct buf *out)
{
    size_t n;
    const struct opt *rows = cmd_globals(&n);

    for (size_t i = 0; i < n; i++) {
        if (is_common_of(cmd, rows[i].name))
            add_flags(&rows[i], 1, out);
    }
}

static void add_choices(const char *choices, struct buf *out)
{
    for (const char *p = choices; *p; p++)
        buf_append(out, *p == '|' ? " " : p, 1);
}

/* -- bash and zsh -------------------------------------------------------------------- */

/* Lines "'WORDS') set -- LIST ;;" by the words before the cursor. */
static void add_word_cases(struct buf *out)
{
    size_t n;
    const struct cmd *rows = cmd_table(&n);

    buf_str(out, "    '') set --");
    add_first_words(out);
    buf_str(out, " ;;\n");
    for (size_t i = 0; i < n; i++) {
        auto_buf struct buf list = {0};

        if (!is_new_first(rows, i))
            continue;
        add_second_words(&rows[i], &list);
        if (list.len > 0)
            buf_printf(out, "    '%.*s') set --%s ;;\n", (int)first_len(rows[i].words),
                       rows[i].words, buf_cstr(&list));
    }
}

static void add_flag_case(const struct cmd *row, struct buf *out)
{
    if (!row->opts && !row->takes)
        return;
    buf_printf(out, "    '%s '*) set -- \"$@\"", row->words);
    if (row->opts)
        add_flags(row->opts, SIZE_MAX, out);
    add_common(row, out);
    buf_str(out, " ;;\n");
}

/* Longer words first: 'plan explain ' must win over 'plan '. */
static void add_flag_cases(struct buf *out)
{
    size_t n;
    const struct cmd *rows = cmd_table(&n);

    buf_str(out, "    set --");
    add_common(NULL, out);
    buf_str(out, "\n    case \"$verb \" in\n");
    for (size_t i = 0; i < n; i++) {
        if (has_second(&rows[i]))
            add_flag_case(&rows[i], out);
    }
    for (size_t i = 0; i < n; i++) {
        if (!has_second(&rows[i]))
            add_flag_case(&rows[i], out);
    }
    buf_str(out, "    esac\n");
}

static void add_value_cases(struct buf *out)
{
    size_t n;
    const struct opt *rows = cmd_globals(&n);

    for (size_t i = 0; i < n; i++) {
        if (rows[i].type != OPT_CHOICE)
            continue;
        buf_printf(out, "    --%s", rows[i].name);
        if (rows[i].letter)
            buf_printf(out, " | -%c", rows[i].letter);
        buf_str(out, ") set -- ");
        add_choices(rows[i].choices, out);
        buf_str(out, " ;;\n");
    }
    buf_str(out, "    *) set -- ;;\n");
}

struct dialect {
    const char *head, *offer, *tail;
};

static const struct dialect bash = {
    .head = "# bash completion of godwit; made by: godwit completion bash\n"
            "_godwit() {\n"
            "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb='' i\n"
            "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
            "        case ${COMP_WORDS[i]} in\n"
            "        =) ((i++)) ;; # bash makes words of --flag=value\n"
            "        -*) ;;\n"
            "        *) verb=\"${verb:+$verb }${COMP_WORDS[i]}\" ;;\n"
            "        esac\n"
            "    done\n",
    .offer = "    mapfile -t COMPREPLY < <(compgen -W \"$*\" -- \"$cur\")\n"
             "    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace\n",
    .tail = "}\ncomplete -o default -F _godwit godwit\n",
};

static const struct dialect zsh = {
    .head = "#compdef godwit\n"
            "# zsh completion of godwit; made by: godwit completion zsh\n"
            "_godwit() {\n"
            "    local cur=$words[CURRENT] prev=$words[CURRENT-1] verb='' i\n"
            "    for ((i = 2; i < CURRENT; i++)); do\n"
            "        case $words[i] in (-*) ;; (*) verb=\"${verb:+$verb }$words[i]\" ;; esac\n"
            "    done\n",
    .offer = "    if (( $# )); then compadd -S '' -- $@; else _files; fi\n",
    .tail = "}\n_godwit \"$@\"\n",
};

static void write_script(const struct dialect *d, struct buf *out)
{
    buf_str(out, d->head);
    buf_str(out, "    if [[ $cur == -* ]]; then\n");
    add_flag_cases(out);
    buf_str(out, "    else\n    case $prev in\n");
    add_value_cases(out);
    buf_str(out, "    esac\n    if [[ $# == 0 ]]; then\n    case $verb in\n");
    add_word_cases(out);
    buf_str(out, "    esac\n    fi\n    fi\n");
    buf_str(out, d->offer);
    buf_str(out, d->tail);
}

/* -- fish ------------------------------------------------------------------------------ */

/* In single quotes; only ' and \ are special there. */
static void add_quoted(const char *text, struct buf *out)
{
    buf_str(out, "'");
    for (const char *p = text; *p; p++) {
        if (*p == '\'' || *p == '\\')
            buf_str(out, "\\");
        buf_append(out, p, 1);
    }
    buf_str(out, "'");
}

static void add_fish_flags(const char *condition, const struct opt *rows, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n && rows[i].name; i++) {
        buf_printf(out, "complete -c godwit%s -l %s", condition, rows[i].name);
        if (rows[i].letter)
            buf_printf(out, " -s %c", rows[i].letter);
        if (rows[i].type == OPT_CHOICE) {
            buf_str(out, " -x -a '");
            add_choices(rows[i].choices, out);
            buf_str(out, "'");
        } else if (rows[i].type != OPT_SWITCH && rows[i].type != OPT_OPTIONAL) {
            buf_str(out, " -r");
        }
        buf_str(out, " -d ");
        add_quoted(rows[i].help, out);
        buf_str(out, "\n");
    }
}

static void add_fish_common(const char *condition, const struct cmd *cmd, struct buf *out)
{
    size_t n;
    const struct opt *rows = cmd_globals(&n);

    for (size_t i = 0; i < n; i++) {
        if (is_common_of(cmd, rows[i].name))
            add_fish_flags(condition, &rows[i], 1, out);
    }
}

static void add_fish_verb(const struct cmd *row, bool first, struct buf *out)
{
    size_t len = first_len(row->words);
    char condition[128];

    if (first) {
        buf_printf(out, "complete -c godwit -n __fish_use_subcommand -f -a %.*s -d ", (int)len,
                   row->words);
        add_quoted(has_second(row) ? "" : row->summary, out);
        buf_str(out, "\n");
    }
    if (has_second(row)) {
        buf_printf(out, "complete -c godwit -n '__fish_seen_subcommand_from %.*s' -f -a %s -d ",
                   (int)len, row->words, row->words + len + 1);
        add_quoted(row->summary, out);
        buf_str(out, "\n");
    }
    (void)text_print(condition, sizeof(condition), " -n '__fish_seen_subcommand_from %.*s'",
                     (int)len, row->words);
    if (row->opts)
        add_fish_flags(condition, row->opts, SIZE_MAX, out);
    (void)text_print(condition, sizeof(condition),
                     " -n '__fish_seen_subcommand_from %.*s; and __fish_seen_subcommand_from %s'",
                     (int)len, row->words, has_second(row) ? row->words + len + 1 : row->words);
    add_fish_common(condition, row, out);
}

static void write_fish(struct buf *out)
{
    size_t n;
    const struct cmd *rows = cmd_table(&n);

    buf_str(out, "# fish completion of godwit; made by: godwit completion fish\n");
    add_fish_common("", NULL, out);
    for (size_t i = 0; i < n; i++)
        add_fish_verb(&rows[i], is_new_first(rows, i), out);
}

/* -- the verb --------------------------------------------------------------------------- */

int cmd_completion(struct cmd_call *call, struct err *err)
{
    auto_buf struct buf out = {0};
    const char *shell = cmd_arg(call, 0);

    if (text_equal(shell, "bash"))
        write_script(&bash, &out);
    else if (text_equal(shell, "zsh"))
        write_script(&zsh, &out);
    else if (text_equal(shell, "fish"))
        write_fish(&out);
    else
        err_set_gw(err, GW_USAGE, -EINVAL, "'%s' is none of bash, zsh, fish", shell);
    if (err->code || buf_failed(&out, err) < 0)
        return cmd_exit(err);
    fputs(buf_cstr(&out), stdout);
    return GW_EXIT_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* godwit: finds the verb, parses its flags, runs it, and turns a failure into text and an exit
 * code. */
#include "base/auto.h"
#include "base/js.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/help.h"
#include "cli/out.h"
#include "cli/progress.h"

#include <assert.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/banned.h"

enum { MAIN_WORDS_MAX = 64, MAIN_OPTS_MAX = 64 };

/* Does a flag before the verb take the next word as its value? Only global flags can stand there.
 */
static bool takes_value(const char *flag)
{
    size_t n;
    const struct opt *rows = cmd_globals(&n);

    if (strchr(flag, '='))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool is_long = flag[1] == '-' && text_equal(flag + 2, rows[i].name);
        bool is_short = flag[1] != '-' && flag[1] == rows[i].letter && flag[2] == '\0';

        if (is_long || is_short)
            return rows[i].type != OPT_SWITCH && rows[i].type != OPT_OPTIONAL;
    }
    return false;
}

/* The words of the command line that are neither flags nor values of global flags. */
static size_t collect_words(int argc, char *const *argv, const char **words)
{
    size_t n = 0;

    for (int i = 1; i < argc && n < MAIN_WORDS_MAX; i++) {
        if (text_equal(argv[i], "--"))
            break;
        if (argv[i][0] != '-' || argv[i][1] == '\0')
            words[n++] = argv[i];
        else if (takes_value(argv[i]))
            i++;
    }
    return n;
}

static size_t join_options(const struct cmd *cmd, struct opt *rows)
{
    size_t n;
    const struct opt *globals = cmd_globals(&n);

    memcpy(rows, globals, n * sizeof(*rows));
    for (size_t i = 0; cmd && cmd->opts && cmd->opts[i].name; i++) {
        assert(n < MAIN_OPTS_MAX);
        rows[n++] = cmd->opts[i];
    }
    return n;
}

static int check_args(const struct cmd_call *call, struct err *err)
{
    const struct cmd *cmd = call->cmd;
    size_t n = cmd_args(call);

    if (n < cmd->args_min)
        return err_set_gw(err, GW_USAGE, -EINVAL, "godwit %s needs %s\n%s", cmd->words, cmd->args,
                          cmd->examples);
    if (n > cmd->args_max)
        return err_set_gw(err, GW_USAGE, -EINVAL,
                          "godwit %s: '%s' is one argument too many (it takes %s)", cmd->words,
                          cmd_arg(call, cmd->args_max), cmd->args[0] ? cmd->args : "none");
    return 0;
}

static enum log_level log_level_of(const struct opt_set *opts)
{
    if (opt_switch(opts, "vv"))
        return LOG_LEVEL_DEBUG;
    if (opt_switch(opts, "verbose"))
        return LOG_LEVEL_INFO;
    return opt_switch(opts, "quiet") ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING;
}

static int run_verb(struct cmd_call *call, struct err *err)
{
    if (opt_switch(call->opts, "help"))
        return help_verb(call, err);
    if (cmd_check_flags(call->cmd, call->opts, err) < 0 || check_args(call, err) < 0)
        return cmd_exit(err);
    return call->cmd->run(call, err);
}

/* The planner's document, when the failure that ended the verb is still the one it tells of. */
static const struct js *error_document(const struct cmd_call *call, const struct err *err)
{
    const char *what = js_str(call->error, "what", NULL);

    return what && strstr(err->text, what) ? call->error : NULL;
}

/* The last record of a stream; what reads it must learn of a failure from the exit code. */
static int end_output(struct out *out, int code)
{
    struct err err = {0};

    if (out_end(out, code, &err) == 0)
        return code;
    out_error(out, &err, GW_EXIT_FAILED, NULL);
    return code == GW_EXIT_OK ? GW_EXIT_FAILED : code;
}

/* Everything after the command line was understood. */
static int run_parsed(const struct cmd *cmd, size_t verb_words, struct opt_set *opts,
                      struct err *err)
{
    struct out *out = NULL;
    struct cmd_call call = {
        .cmd = cmd,
        .opts = opts,
        .first_arg = verb_words,
        .clock = &clock_system,
        .rng = &rng_system,
    };
    int code;

    log_init("godwit", log_level_of(opts), opt_switch(opts, "log-json"));
    if (progress_check(err) < 0 || out_new(opts, call.clock, &out, err) < 0) {
        out_error_early(NULL, call.clock, err, cmd_exit(err));
        return cmd_exit(err);
    }
    call.out = out;
    if (cmd)
        code = run_verb(&call, err);
    else if (opt_switch(opts, "version"))
        code = help_version(&call, err);
    else
        code = help_overview(&call, err);
    if (err->code)
        out_error(out, err, code, error_document(&call, err));
    code = end_output(out, code);
    js_free(call.error);
    out_free(out);
    return code;
}

/* What -o says on a command line that does not parse. */
static const char *wanted_form(int argc, char *const *argv)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];

        if (text_equal(word, "-o") || text_equal(word, "--output"))
            return i + 1 < argc ? argv[i + 1] : NULL;
        if (text_starts(word, "--output="))
            return word + strlen("--output=");
        if (text_starts(word, "-o"))
            return word + strlen("-o") + (word[2] == '=');
    }
    return NULL;
}

static bool asks_help(int argc, char *const *argv)
{
    for (int i = 1; i < argc; i++) {
        if (text_equal(argv[i], "--help") || text_equal(argv[i], "-h"))
            return true;
    }
    return false;
}

/* What was printed without looking back (help, completion) must have arrived, too. */
static int finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    if (code == GW_EXIT_OK && errno != EPIPE)
        fprintf(stderr, "error GW-%04d: standard output: %m\n", GW_IO);
    return code == GW_EXIT_OK ? GW_EXIT_FAILED : code;
}

int main(int argc, char **argv)
{
    const char *words[MAIN_WORDS_MAX];
    struct opt rows[MAIN_OPTS_MAX];
    struct opt_set *opts = NULL;
    const struct cmd *cmd = NULL;
    struct err err = {0};
    size_t verb_words = 0, n, rows_n;
    int code;

    umask(077);
    pool_bound_arenas();
    setlocale(LC_ALL, "");
    signal(SIGPIPE, SIG_IGN);
    log_init("godwit", LOG_LEVEL_WARNING, false);
    n = collect_words(argc, argv, words);
    if (n > 0) {
        cmd = cmd_find(words, n, &verb_words, &err);
        if (!cmd && n == 1 && asks_help(argc, argv) && cmd_is_noun(words[0]))
            return finish(help_noun(words[0]));
        if (!cmd) {
            out_error_early(wanted_form(argc, argv), &clock_system, &err, GW_EXIT_USAGE);
            return GW_EXIT_USAGE;
        }
    }
    rows_n = join_options(cmd, rows);
    if (opt_parse(rows, rows_n, argc, argv, &opts, &err) < 0) {
        out_error_early(wanted_form(argc, argv), &clock_system, &err, cmd_exit(&err));
        return cmd_exit(&err);
    }
    code = run_parsed(cmd, verb_words, opts, &err);
    opt_free(opts);
    return finish(code);
}

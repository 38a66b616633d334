/* SPDX-License-Identifier: Apache-2.0 */
/* godwit-agent: finds the verb, parses the flags, and turns a failure into text and an exit code.
 */
#include "agent/enrol.h"
#include "agent/ownership.h"
#include "agent/report.h"
#include "agent/run.h"
#include "agent/status.h"
#include "agent/thaw.h"
#include "base/complaint.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/secret.h"
#include "base/text.h"
#include "transport/rate_table.h"

#include <locale.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/banned.h"

enum { TOKEN_MAX = 1024 };

static const struct opt options[] = {
    {.name = "state-dir",
     .type = OPT_TEXT,
     .arg = "DIR",
     .help = "where the agent keeps what must survive"},
    {.name = "server", .type = OPT_TEXT, .arg = "URL", .help = "the planner, https://HOST:PORT"},
    {.name = "join",
     .type = OPT_TEXT,
     .arg = "FILE",
     .help = "enrol first, with the join token in FILE (- is standard input)"},
    {.name = "again",
     .type = OPT_SWITCH,
     .help = "enrol although this host is enrolled: a new certificate, the same state"},
    {.name = "name", .type = OPT_TEXT, .arg = "NAME", .help = "name of this host (its host name)"},
    {.name = "roles",
     .type = OPT_TEXT,
     .arg = "LIST",
     .dflt = "source,landing",
     .help = "what this host does: source, landing, or both"},
    {.name = "self-abort",
     .type = OPT_DURATION,
     .arg = "DUR",
     .help = "a fenced holder may abort alone after so much silence of the planner (15m)"},
    {.name = "limit",
     .type = OPT_TEXT,
     .arg = "RATE",
     .help = "what all workloads here may send and fetch together: 20MiB, or a timetable"},
    {.name = "once",
     .type = OPT_SWITCH,
     .help = "one report, the open orders, one round of replication, then end"},
    {.name = "output",
     .letter = 'o',
     .type = OPT_CHOICE,
     .arg = "FORM",
     .choices = "json|text",
     .dflt = "text",
     .help = "how inventory and status print"},
    {.name = "log-json", .type = OPT_SWITCH, .help = "log lines are JSON"},
    {.name = "verbose", .letter = 'v', .type = OPT_SWITCH, .help = "log debug lines too"},
    {.name = "help", .letter = 'h', .type = OPT_SWITCH, .help = "this text"},
    {.name = "version", .letter = 'V', .type = OPT_SWITCH, .help = "the version"},
};

struct call {
    const struct opt_set *opts;
    char state_dir[PATH_MAX];
};

/* --state-dir, else what systemd made, else /var/lib for root, else the user's own. */
static int find_state_dir(struct call *call, struct err *err)
{
    const char *given = opt_text(call->opts, "state-dir");
    const char *made = getenv("STATE_DIRECTORY");
    char xdg[PATH_MAX];
    int r;

    if (given)
        return text_copy(call->state_dir, sizeof(call->state_dir), given);
    if (made && made[0] == '/')
        return text_copy(call->state_dir, sizeof(call->state_dir), made);
    if (geteuid() == 0)
        return text_copy(call->state_dir, sizeof(call->state_dir), "/var/lib/godwit-agent");
    r = fd_xdg("state", xdg, sizeof(xdg), err);
    if (r < 0)
        return r;
    return text_print(call->state_dir, sizeof(call->state_dir), "%.3900s/agent", xdg);
}

/* -- enrolment ---------------------------------------------------------------- */

static int read_token(const char *from, struct buf *out, struct err *err)
{
    char ref[PATH_MAX + 8];
    uint8_t chunk[TOKEN_MAX];
    ssize_t n;

    if (!text_equal(from, "-")) {
        text_print(ref, sizeof(ref), "file:%s", from);
        return secret_load(ref, out, err);
    }
    while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0 && out->len < TOKEN_MAX)
        buf_append(out, chunk, (size_t)n);
    crypto_wipe(chunk, sizeof(chunk));
    if (n < 0)
        return err_set(err, -errno, "read the join token: %m");
    while (out->len > 0 && (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
        out->len--;
    return buf_failed(out, err);
}

static int host_name(const struct call *call, char *out, size_t size, struct err *err)
{
    const char *given = opt_text(call->opts, "name");

    if (given)
        return text_copy(out, size, given);
    if (gethostname(out, size) < 0)
        return err_set(err, -errno, "name of this host: %m");
    out[size - 1] = '\0';
    return 0;
}

static int do_enrol(const struct call *call, struct err *err)
{
    const char *from = opt_text(call->opts, "join");
    auto_buf struct buf token = {0};
    char name[ENROL_NAME_MAX + 1];
    struct enrol_join join = {.state_dir = call->state_dir,
                              .server = opt_text(call->opts, "server"),
                              .name = name,
                              .roles = opt_text(call->opts, "roles"),
                              .again = opt_switch(call->opts, "again"),
                              .rng = &rng_system};
    int r;

    if (!from || !join.server)
        return err_set_gw(err, GW_USAGE, -EINVAL,
                          "enrol needs --server URL and --join FILE\n"
                          "godwit-agent enrol --server https://planner:7443 --join token\n"
                          "godwit-agent enrol --server https://planner:7443 --join - < token");
    r = host_name(call, name, sizeof(name), err);
    if (r == 0 && !text_is_name(name))
        r = err_set_gw(err, GW_BAD_NAME, -EINVAL, "'%s' cannot be the name of a host", name);
    if (r == 0)
        r = enrol_check_roles(join.roles, err);
    if (r == 0)
        r = enrol_check_fresh(&join, err);
    if (r == 0)
        r = read_token(from, &token, err);
    join.token = buf_cstr(&token);
    if (r == 0)
        r = enrol_join(&join, err);
    crypto_wipe(token.data, token.cap);
    if (r == 0)
        log_info("enrolled at %s as %s", join.server, name);
    return r;
}

static int verb_enrol(const struct call *call, struct err *err)
{
    return do_enrol(call, err);
}

static int verb_run(const struct call *call, struct err *err)
{
    struct run_conf conf = {.state_dir = call->state_dir,
                            .server = opt_text(call->opts, "server"),
                            .self_abort_ms = opt_u64(call->opts, "self-abort")};
    const char *text = opt_text(call->opts, "limit");
    struct rate_table limit;
    int r = text ? rate_table_parse(text, &limit, err) : 0;

    if (r < 0)
        return err_add(err, r, "--limit");
    conf.limit = text ? &limit : NULL;
    r = opt_given(call->opts, "join") ? do_enrol(call, err) : 0;
    if (r == -EEXIST) { /* the same command line again, after a restart */
        err_clear(err);
        r = 0;
    }
    if (r < 0)
        return r;
    return opt_switch(call->opts, "once") ? run_once(&conf, err) : run_daemon(&conf, err);
}

/* -- without a planner ----------------------------------------------------------- */

static int verb_inventory(const struct call *call, struct err *err)
{
    auto_buf struct buf text = {0};
    int r = report_inventory(&clock_system, &text, err);

    (void)call; /* the document is JSON in either form */
    if (r == 0)
        r = buf_str(&text, "\n");
    return r == 0 ? fd_write_full(STDOUT_FILENO, text.data, text.len, err) : r;
}

static int verb_guard(const struct call *call, struct err *err)
{
    const char *name = opt_arg(call->opts, 1);
    struct ownership own;
    char dir[PATH_MAX];
    int r;

    if (!name || !text_is_name(name))
        return err_set_gw(err, GW_USAGE, -EINVAL, "guard needs the name of a workload");
    r = text_print(dir, sizeof(dir), "%.3900s/workloads/%s", call->state_dir, name);
    if (r == 0)
        r = ownership_load(dir, &own, err);
    /* A record that cannot be read permits nothing. */
    if (r < 0)
        return err_set_gw(err, GW_NOT_NOW, -EPERM, "'%s' may not run here: no readable record",
                          name);
    if (ownership_writable(&own))
        return 0;
    return err_set_gw(err, GW_NOT_NOW, -EPERM, "'%s' may not run here: %s", name,
                      !own.known ? "this host has no record of it"
                      : own.owns ? "it is fenced"
                                 : "the other side owns it");
}

static int verb_thaw(const struct call *call, struct err *err)
{
    return thaw_left(call->state_dir, err);
}

static int verb_status(const struct call *call, struct err *err)
{
    auto_buf struct buf text = {0};
    bool json = text_equal(opt_text(call->opts, "output"), "json");
    int r = status_write(call->state_dir, json, clock_wall_ms(&clock_system), &text, err);

    return r == 0 ? fd_write_full(STDOUT_FILENO, text.data, text.len, err) : r;
}

static const struct verb {
    const char *name;
    const char *args;
    int (*run)(const struct call *call, struct err *err);
    const char *help;
} verbs[] = {
    {"run", "", verb_run, "serve: report, replicate, carry out orders (without a verb, too)"},
    {"enrol", "", verb_enrol, "join a planner with a token"},
    {"inventory", "", verb_inventory, "print what is on this host, with no planner at all"},
    {"guard", "WORKLOAD", verb_guard, "exit 0 only when the workload may run here, else 5"},
    {"thaw", "", verb_thaw, "thaw the file systems that an agent which is gone left frozen"},
    {"status", "", verb_status, "what this agent knows: identity, workloads, ownership"},
};

static const struct verb *find_verb(const char *name, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (!name || text_equal(verbs[i].name, name))
            return &verbs[i];
    }
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (text_distance(verbs[i].name, name) <= 2) {
            err_set_gw(err, GW_USAGE, -EINVAL, "no verb '%s'; did you mean '%s'?", name,
                       verbs[i].name);
            return NULL;
        }
    }
    err_set_gw(err, GW_USAGE, -EINVAL, "no verb '%s'", name);
    return NULL;
}

static void print_help(void)
{
    printf("godwit-agent [VERB] [flags]\n\n");
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        printf("  %-10s %-9s %s\n", verbs[i].name, verbs[i].args, verbs[i].help);
    printf("\n");
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        printf("  %c%c --%s%s%s\n        %s\n", options[i].letter ? '-' : ' ',
               options[i].letter ? options[i].letter : ' ', options[i].name,
               options[i].arg ? "=" : "", options[i].arg ? options[i].arg : "", options[i].help);
    }
}

/* The advice of the catalogue is godwit's; for a command line of ours there is one place to look.
 */
static int fail(const struct err *err)
{
    struct complaint c;

    complaint_of(err, &c);
    if (c.exit == GW_EXIT_USAGE && c.next && strstr(c.next, "godwit VERB"))
        c.next = "godwit-agent --help";
    complaint_print(&c, false, stderr);
    return c.exit;
}

static int main_with(const struct opt_set *opts, struct err *err)
{
    struct call call = {.opts = opts};
    const struct verb *verb = find_verb(opt_arg(opts, 0), err);
    int r;

    if (!verb)
        return -EINVAL;
    if (opt_args(opts) > (verb->args[0] ? 2U : 1U))
        return err_set_gw(err, GW_USAGE, -EINVAL, "'%s' is one argument too many",
                          opt_arg(opts, opt_args(opts) - 1));
    r = find_state_dir(&call, err);
    return r == 0 ? verb->run(&call, err) : r;
}

int main(int argc, char **argv)
{
    struct opt_set *opts = NULL;
    struct err err = {0};
    int r;

    umask(077);
    setlocale(LC_CTYPE, "");
    log_init("godwit-agent", LOG_LEVEL_INFO, false);
    r = opt_parse(options, ARRAY_LEN(options), argc, argv, &opts, &err);
    if (r < 0)
        return fail(&err);
    log_init("godwit-agent", opt_switch(opts, "verbose") ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
             opt_switch(opts, "log-json"));
    if (opt_switch(opts, "help"))
        print_help();
    else if (opt_switch(opts, "version"))
        printf("godwit-agent %s\n", PACKAGE_VERSION);
    else
        r = main_with(opts, &err);
    opt_free(opts);
    return r < 0 ? fail(&err) : 0;
}

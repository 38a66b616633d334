/* SPDX-License-Identifier: Apache-2.0 */
/* godwit init: a planner's state, by godwitd itself, and the first context of who called. */
#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/proc.h"
#include "base/text.h"
#include "cli/api.h"
#include "cli/context.h"
#include "cli/out.h"
#include "cli/program.h"
#include "cli/verbs.h"

#include <pwd.h>
#include <stdio.h>

#include "base/banned.h"

#define INIT_SYSTEM_DIR "/var/lib/godwit"
#define INIT_USER "godwit"

enum { CLIENT_MAX = 64 * 1024, ARGV_MAX = 24, INIT_MS = 120000 };

const struct opt cmd_init_opts[] = {
    {"store", 0, OPT_TEXT, "URL", NULL, 0, 0, NULL, "where the vault is: file:///path, s3://…"},
    {"store-region", 0, OPT_TEXT, "NAME", NULL, 0, 0, NULL, "region of the store"},
    {"store-endpoint", 0, OPT_TEXT, "URL", NULL, 0, 0, NULL, "S3 that is not AWS"},
    {"listen", 0, OPT_TEXT, "A:P", NULL, 0, 0, NULL, "where the planner listens (0.0.0.0:7443)"},
    {"state-dir", 0, OPT_TEXT, "DIR", NULL, 0, 0, NULL, "database, CA, keys (" INIT_SYSTEM_DIR ")"},
    {"name", 0, OPT_TEXT, "NAME", NULL, 0, 0, "default", "of the context"},
    {0},
};

/* Root prepares what the service uses; everybody else a planner of their own. */
static int state_dir(struct cmd_call *call, char out[static PATH_MAX], struct err *err)
{
    const char *given = opt_text(call->opts, "state-dir");
    char base[PATH_MAX];
    int r;

    if (given && given[0] != '/')
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "--state-dir '%s' is not absolute", given);
    if (given || geteuid() == 0)
        return text_copy(out, PATH_MAX, given ? given : INIT_SYSTEM_DIR);
    r = fd_xdg("state", base, sizeof(base), err);
    return r < 0 ? r : text_print(out, PATH_MAX, "%s/planner", base);
}

/* "error godwitd: WHAT (GW-3004)": its words and its number as our own. */
static int take_failure(struct buf *said, int status, struct err *err)
{
    static const char mark[] = "error godwitd: ";
    const char *text = said->len ? buf_cstr(said) : NULL;
    const char *what = text ? strstr(text, mark) : NULL, *code;
    uint64_t number = 0;
    size_t len;

    if (!what)
        return err_set(err, -EIO, "godwitd --init ended with %d: %s", status, text ? text : "");
    what += sizeof(mark) - 1;
    len = strcspn(what, "\n");
    code = memmem(what, len, " (GW-", 5);
    if (code && num_parse_u64((const char[]){code[5], code[6], code[7], code[8], '\0'}, 1, 9999,
                              &number, NULL) == 0)
        len = (size_t)(code - what);
    return err_set_gw(err, gw_find((unsigned)number) ? (unsigned)number : GW_NONE, -EIO, "%.*s",
                      (int)len, what);
}

static int run_godwitd(struct cmd_call *call, const char *dir, const char *client, struct err *err)
{
    static const char *const passed[] = {"store", "store-region", "store-endpoint", "listen"};
    auto_buf struct buf said = {0};
    char program[PATH_MAX], flags[ARRAY_LEN(passed)][PATH_MAX];
    const char *argv[ARGV_MAX] = {program, "--init", "--state-dir", dir, "--client-file", client};
    size_t n = 6;
    int status, r = program_find("godwitd", GODWIT_SBINDIR, program, err);

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(passed); i++) {
        const char *value = opt_text(call->opts, passed[i]);

        if (!value)
            continue;
        r = text_print(flags[i], sizeof(flags[i]), "--%s=%s", passed[i], value);
        argv[n++] = flags[i];
    }
    if (r == 0)
        r = proc_run(&(struct proc_run){.argv = argv, .timeout_ms = INIT_MS}, &said, &status, err);
    if (r < 0)
        return r;
    return status == 0 ? 0 : take_failure(&said, status, err);
}

/* A context cannot name the address that means "all". */
static int reachable(const struct js *client, struct js **ret, struct err *err)
{
    static const char all[] = "https://0.0.0.0:";
    static const char *const same[] = {"ca_file", "ca_pin", "token_file"};
    const char *server = js_str(client, "server", "");
    auto_jsw struct jsw *w = NULL;
    char text[CONTEXT_TEXT_MAX];
    int r = jsw_new(&w, err);

    if (r == 0 && text_starts(server, all))
        r = text_print(text, sizeof(text), "https://127.0.0.1:%s", server + sizeof(all) - 1);
    else if (r == 0)
        r = text_copy(text, sizeof(text), server);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_str(w, "server", text);
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        jsw_str(w, same[i], js_str(client, same[i], NULL));
    jsw_end(w);
    return jsw_take(w, ret, err);
}

/* -- what root made for the service's user ------------------------------------- */

static int chown_all(const char *dir, const struct passwd *pw, struct err *err)
{
    const char *argv[] = {"chown", "-hR", "--", NULL, dir, NULL};
    char owner[64];
    int status, r;

    (void)text_print(owner, sizeof(owner), "%u:%u", pw->pw_uid, pw->pw_gid);
    argv[3] = owner;
    r = proc_run(&(struct proc_run){.argv = argv}, NULL, &status, err);
    if (r == 0 && status != 0)
        r = err_set(err, -EPERM, "chown %s '%s' ended with %d", owner, dir, status);
    return r;
}

static int give_to_service(const char *dir, struct err *err)
{
    const struct passwd *pw;

    if (geteuid() != 0 || !text_equal(dir, INIT_SYSTEM_DIR))
        return 0;
    pw = getpwnam(INIT_USER); /* NOLINT(concurrency-mt-unsafe): one thread */
    return pw ? chown_all(dir, pw, err) : 0;
}

/* -- the verb --------------------------------------------------------------------- */

static int view_init(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const char *dir = js_str(doc, "state_dir", "");
    bool of_system = text_equal(dir, INIT_SYSTEM_DIR);

    (void)t;
    (void)err;
    out_text(o, "Planner  %s   state %s", js_str(doc, "server", "?"), dir);
    if (js_str(doc, "store", NULL))
        out_text(o, "Store    %s", js_str(doc, "store", ""));
    out_text(o, "Context  %s", js_str(doc, "context", "?"));
    out_text(o, "Keep a copy of %s/vault.key elsewhere: without it no replica can be read.", dir);
    if (js_bool(doc, "running", false))
        out_text(o, "The planner runs.  Next: godwit token create");
    else if (of_system)
        out_text(o, "Next: systemctl enable --now godwitd  ·  godwit doctor");
    else
        out_text(o, "Next: godwitd --state-dir %s &  ·  godwit doctor", dir);
    return 0;
}

static bool is_running(struct cmd_call *call, const struct js *client)
{
    auto_api struct api *api = NULL;
    auto_js struct js *doc = NULL;
    struct context ctx;

    return context_of_client(client, &ctx, NULL) == 0 &&
           api_open_context(call, &ctx, &api, NULL) == 0 &&
           api_get(api, "/v1/version", &doc, NULL) == 0;
}

static int report(struct cmd_call *call, const char *dir, const struct js *client, bool running,
                  struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    jsw_document(w, "godwit.init/1", clock_wall_ms(call->clock));
    jsw_str(w, "server", js_str(client, "server", NULL));
    jsw_str(w, "state_dir", dir);
    jsw_str(w, "store", opt_text(call->opts, "store"));
    jsw_str(w, "context", opt_text(call->opts, "name"));
    jsw_bool(w, "running", running);
    jsw_end(w);
    return out_writer(call->out, w, view_init, err);
}

/* A context keeps the port, so it must be one that the planner gets again. */
static int check_listen(struct cmd_call *call, struct err *err)
{
    const char *listen = opt_text(call->opts, "listen");

    if (!listen || !text_ends(listen, ":0"))
        return 0;
    return err_set_gw(err, GW_BAD_VALUE, -EINVAL,
                      "--listen=%s: port 0 is a new one each time; name one, such as 7443", listen);
}

/* Before anything is made: where the CA will be says whose planner the context is of. */
static int check_context(struct cmd_call *call, const char *dir, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    auto_js struct js *client = NULL;
    char ca[PATH_MAX];
    int r = jsw_new(&w, err);

    if (r == 0)
        r = text_print(ca, sizeof(ca), "%s/ca.pem", dir);
    if (r < 0)
        return err_set(err, r, "'%.80s…': %m", dir);
    jsw_obj(w, NULL);
    jsw_str(w, "ca_file", ca);
    jsw_end(w);
    r = jsw_take(w, &client, err);
    return r == 0 ? context_check(call, opt_text(call->opts, "name"), client, err) : r;
}

static int init(struct cmd_call *call, bool *ret_running, struct err *err)
{
    auto_js struct js *made = NULL, *client = NULL;
    char dir[PATH_MAX], file[PATH_MAX];
    int r = state_dir(call, dir, err);

    if (r == 0)
        r = check_listen(call, err);
    if (r == 0)
        r = check_context(call, dir, err);
    if (r == 0)
        r = text_print(file, sizeof(file), "%s/client.json", dir);
    if (r == 0)
        r = run_godwitd(call, dir, file, err);
    if (r == 0)
        r = js_load(file, CLIENT_MAX, &made, err);
    if (r == 0)
        r = reachable(made, &client, err);
    if (r == 0)
        r = give_to_service(dir, err);
    if (r == 0)
        r = context_save(call, opt_text(call->opts, "name"), client, CONTEXT_MAKE_DEFAULT, err);
    if (r < 0)
        return r;
    *ret_running = is_running(call, client);
    return report(call, dir, client, *ret_running, err);
}

int cmd_init(struct cmd_call *call, struct err *err)
{
    bool running = false;

    if (init(call, &running, err) < 0)
        return cmd_exit(err);
    if (running && out_is_for_people(call->out))
        return cmd_doctor(call, err);
    return GW_EXIT_OK;
}

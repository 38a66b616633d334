/* SPDX-License-Identifier: Apache-2.0 */
/* godwit context and config: several planners, and where each value came from. */
#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/context.h"
#include "cli/out.h"
#include "cli/verbs.h"

#include "base/banned.h"

const struct opt cmd_context_opts[] = {
    {"ca-file", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "certificate of the planner's CA"},
    {"ca-pin", 0, OPT_TEXT, "PIN", NULL, 0, 0, NULL, "SHA-256 of its key, hex or base64url"},
    {"token-file", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "your token, or a reference to it"},
    {0},
};

const struct opt cmd_config_opts[] = {
    {"origin", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL, "say where each value came from"},
    {0},
};

static void conf_freep(struct conf **c)
{
    conf_free(*c);
}
#define auto_conf AUTO(conf_freep)

/* -- config show -------------------------------------------------------------------- */

static int write_key(void *arg, const char *section, const char *key, const char *value,
                     const char *origin)
{
    struct jsw *w = arg;

    jsw_obj(w, NULL);
    jsw_str(w, "section", section);
    jsw_str(w, "key", key);
    jsw_str(w, "value", value);
    jsw_str(w, "origin", origin);
    jsw_end(w);
    return 0;
}

static const struct columns_row key_rows[] = {
    {"SECTION", "section", COLUMNS_TEXT, TABLE_LEFT},
    {"KEY", "key", COLUMNS_TEXT, TABLE_LEFT},
    {"VALUE", "value", COLUMNS_TEXT, TABLE_LEFT},
    {"ORIGIN", "origin", COLUMNS_TEXT, TABLE_LEFT},
};

static int view_keys(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    size_t n = js_bool(doc, "with_origin", false) ? 4 : 3;

    if (js_len(js_member(doc, "items")) == 0)
        out_after(o, "Nothing is configured.  Next: godwit demo  ·  godwit init");
    return columns_fill(o, js_member(doc, "items"), t, key_rows, n, err);
}

int cmd_config_show(struct cmd_call *call, struct err *err)
{
    auto_conf struct conf *conf = NULL;
    auto_jsw struct jsw *w = NULL;
    int r = context_conf(call, &conf, err);

    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return cmd_end(r, err);
    jsw_document(w, "godwit.config/1", clock_wall_ms(call->clock));
    jsw_bool(w, "with_origin", opt_switch(call->opts, "origin"));
    jsw_arr(w, "items");
    (void)conf_each(conf, write_key, w);
    jsw_end(w);
    jsw_end(w);
    return out_writer(call->out, w, view_keys, err) < 0 ? cmd_exit(err) : GW_EXIT_OK;
}

/* -- context ls --------------------------------------------------------------------- */

struct listing {
    struct jsw *w;
    const char *current;
};

/* Every context has exactly one server, so that stands for it. */
static int write_context(void *arg, const char *section, const char *key, const char *value,
                         const char *origin)
{
    struct listing *l = arg;

    if (!text_starts(section, "context.") || !text_equal(key, "server"))
        return 0;
    jsw_obj(l->w, NULL);
    jsw_str(l->w, "context", section + strlen("context."));
    jsw_bool(l->w, "current", text_equal(section + strlen("context."), l->current));
    jsw_str(l->w, "server", value);
    jsw_str(l->w, "origin", origin);
    jsw_end(l->w);
    return 0;
}

static const struct columns_row context_rows[] = {
    {"CONTEXT", "context", COLUMNS_TEXT, TABLE_LEFT},
    {"CURRENT", "current", COLUMNS_YES, TABLE_LEFT},
    {"SERVER", "server", COLUMNS_TEXT, TABLE_LEFT},
    {"ORIGIN", "origin", COLUMNS_TEXT, TABLE_WIDE_ONLY},
};

static int view_contexts(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    if (js_len(js_member(doc, "items")) == 0)
        out_after(o, "No planner is known.  Next: godwit demo  ·  godwit init");
    return columns_fill(o, js_member(doc, "items"), t, context_rows, ARRAY_LEN(context_rows), err);
}

int cmd_context_ls(struct cmd_call *call, struct err *err)
{
    auto_conf struct conf *conf = NULL;
    struct listing l = {0};
    auto_jsw struct jsw *w = NULL;
    int r = context_conf(call, &conf, err);

    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return cmd_end(r, err);
    l = (struct listing){.w = w, .current = context_name(call, conf)};
    jsw_document(w, "godwit.context-list/1", clock_wall_ms(call->clock));
    jsw_arr(w, "items");
    (void)conf_each(conf, write_context, &l);
    jsw_end(w);
    jsw_end(w);
    return out_writer(call->out, w, view_contexts, err) < 0 ? cmd_exit(err) : GW_EXIT_OK;
}

/* -- context add, use, rm ------------------------------------------------------------ */

static int view_done(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    (void)t;
    (void)err;
    out_text(o, "Context %s %s.", js_str(doc, "context", ""), js_str(doc, "text", ""));
    return 0;
}

static int say_done(struct cmd_call *call, const char *name, const char *text, struct err *err)
{
    auto_jsw struct jsw *w = NULL;

    if (jsw_new(&w, err) < 0)
        return cmd_exit(err);
    jsw_document(w, "godwit.context/1", clock_wall_ms(call->clock));
    jsw_str(w, "context", name);
    jsw_str(w, "text", text);
    jsw_end(w);
    return out_writer(call->out, w, view_done, err) < 0 ? cmd_exit(err) : GW_EXIT_OK;
}

/* The same document that a planner writes for its clients. */
static int client_of_flags(struct cmd_call *call, struct js **ret, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    const char *server = opt_text(call->opts, "server");
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    if (!server)
        return err_set_gw(err, GW_USAGE, -EINVAL, "--server https://HOST:PORT is needed");
    jsw_obj(w, NULL);
    jsw_str(w, "server", server);
    jsw_str(w, "ca_file", opt_text(call->opts, "ca-file"));
    jsw_str(w, "ca_pin", opt_text(call->opts, "ca-pin"));
    jsw_str(w, "token_file", opt_text(call->opts, "token-file"));
    jsw_end(w);
    return jsw_take(w, ret, err);
}

int cmd_context_add(struct cmd_call *call, struct err *err)
{
    auto_js struct js *client = NULL;
    struct context ctx;
    int r = client_of_flags(call, &client, err);

    if (r == 0)
        r = context_of_client(client, &ctx, err); /* checked before it is written */
    if (r == 0)
        r = context_check(call, cmd_arg(call, 0), client, err);
    if (r == 0 && !opt_switch(call->opts, "dry-run"))
        r = context_save(call, cmd_arg(call, 0), client, CONTEXT_KEEP_DEFAULT, err);
    return r < 0 ? cmd_exit(err) : say_done(call, cmd_arg(call, 0), "is known", err);
}

int cmd_context_use(struct cmd_call *call, struct err *err)
{
    if (context_use(call, cmd_arg(call, 0), err) < 0)
        return cmd_exit(err);
    return say_done(call, cmd_arg(call, 0), "is the default now", err);
}

int cmd_context_rm(struct cmd_call *call, struct err *err)
{
    if (context_remove(call, cmd_arg(call, 0), err) < 0)
        return cmd_exit(err);
    return say_done(call, cmd_arg(call, 0), "is gone", err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* godwit replica ls, show: what a vault holds. */
#include "base/auto.h"
#include "cli/out.h"
#include "cli/replica_arg.h"
#include "cli/replica_view.h"
#include "cli/table.h"
#include "cli/verbs.h"

#include "base/banned.h"

const struct opt cmd_replica_look_opts[] = {REPLICA_ARG_OPTIONS, {0}};

struct showing {
    struct jsw *w;
    struct vault *vault;
    const char *replica;
    struct err *err;
};

static int write_point(void *arg, const struct replica_point *p)
{
    struct showing *s = arg;
    int r;

    jsw_obj(s->w, NULL);
    replica_view_write_point(s->w, p);
    r = replica_view_write_unreadable(s->w, s->vault, s->replica, p, s->err);
    jsw_end(s->w);
    return r;
}

static int write_name(void *arg, const char *name)
{
    struct jsw *w = arg;

    jsw_obj(w, NULL);
    jsw_str(w, "replica", name);
    jsw_end(w);
    return 0;
}

static const struct table_column name_columns[] = {{"REPLICA", TABLE_LEFT}};

static int view_names(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *items = js_member(doc, "items");
    int r = table_columns(t, name_columns, ARRAY_LEN(name_columns), err);

    for (size_t i = 0; r == 0 && i < js_len(items); i++) {
        r = table_row(t, err);
        if (r == 0)
            r = table_cell(t, js_str(js_at(items, i), "replica", ""), err);
    }
    if (js_len(items) == 0)
        out_after(o, "No replicas.");
    return r;
}

/* named: the argument has the name of a replica behind the store. */
static int look_into(struct cmd_call *call, bool named, struct replica_arg *arg,
                     struct vault **ret_vault, struct jsw **ret_w, struct err *err)
{
    int r = replica_arg_parse(cmd_arg(call, 0), named, arg, err);

    if (r == 0)
        r = replica_arg_open(call, arg, false, NULL, ret_vault, err);
    return r < 0 ? r : jsw_new(ret_w, err);
}

int cmd_replica_ls(struct cmd_call *call, struct err *err)
{
    auto_replica_arg struct replica_arg arg = {0};
    auto_vault struct vault *vault = NULL;
    auto_jsw struct jsw *w = NULL;
    int r = look_into(call, false, &arg, &vault, &w, err);

    if (r < 0)
        return cmd_end(r, err);
    jsw_document(w, "godwit.replica-list/1", clock_wall_ms(call->clock));
    jsw_str(w, "store", arg.url);
    jsw_arr(w, "items");
    r = replica_names(vault, write_name, w, err);
    jsw_end(w);
    jsw_end(w);
    if (r == 0)
        r = out_writer(call->out, w, view_names, err);
    return cmd_end(r, err);
}

int cmd_replica_show(struct cmd_call *call, struct err *err)
{
    auto_replica_arg struct replica_arg arg = {0};
    auto_vault struct vault *vault = NULL;
    auto_jsw struct jsw *w = NULL;
    struct replica_point point;
    struct showing showing;
    int r = look_into(call, true, &arg, &vault, &w, err);

    if (r < 0)
        return cmd_end(r, err);
    showing = (struct showing){.w = w, .vault = vault, .replica = arg.name, .err = err};
    jsw_document(w, "godwit.replica/1", clock_wall_ms(call->clock));
    jsw_str(w, "replica", arg.name);
    jsw_str(w, "store", arg.url);
    jsw_arr(w, "items");
    if (arg.seq > 0) {
        r = replica_point(vault, arg.name, arg.seq, 0, &point, err);
        if (r == 0)
            r = write_point(&showing, &point);
    } else {
        r = replica_points(vault, arg.name, write_point, &showing, err);
    }
    jsw_end(w);
    jsw_end(w);
    /* A point that cannot be read hides none of the others. */
    if (r == 0 || r == -EBADMSG)
        (void)out_writer(call->out, w, replica_view_points, r == 0 ? err : NULL);
    return cmd_exit(err);
}

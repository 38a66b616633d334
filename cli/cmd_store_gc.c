/* SPDX-License-Identifier: Apache-2.0 */
/* godwit store gc: points that retention gives up, and packs that nothing needs. */
#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/progress.h"
#include "cli/store_arg.h"
#include "cli/verbs.h"
#include "transport/gc.h"

#include <stdlib.h>

#include "base/banned.h"

enum { ITEMS_SHOWN_MAX = 1000 };

const struct opt cmd_store_gc_opts[] = {
    REPLICA_ARG_OPTIONS,
    {"older", 0, OPT_DURATION, "DUR", NULL, 0, 0, "24h",
     "the grace: packs are condemned at this age and deleted so long after"},
    {"keep-last", 0, OPT_U64, "N", NULL, 0, 0, NULL, "keep the newest N points of each replica"},
    {"keep-hourly", 0, OPT_U64, "N", NULL, 0, 0, NULL, "and the last point of each of N hours"},
    {"keep-daily", 0, OPT_U64, "N", NULL, 0, 0, NULL, "and of N days"},
    {"keep-weekly", 0, OPT_U64, "N", NULL, 0, 0, NULL, "and of N weeks"},
    {"keep-within", 0, OPT_DURATION, "DUR", NULL, 0, 0, NULL, "and all that are not older"},
    {"give-up", 0, OPT_TEXT, "NAME@N", NULL, 0, 0, NULL,
     "this point too, or NAME@FROM-TO, whatever the policy; may be repeated"},
    {"save", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL,
     "these --keep flags are the vault's policy from now on"},
    {"idle", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL,
     "nobody pushes to the vault meanwhile: no grace at all"},
    {0},
};

static const struct columns_row rows[] = {
    {"ACTION", "action", COLUMNS_TEXT, TABLE_LEFT},  {"WHAT", "what", COLUMNS_TEXT, TABLE_LEFT},
    {"TAKEN", "taken_at", COLUMNS_TIME, TABLE_LEFT}, {"BYTES", "bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"WHY", "why", COLUMNS_TEXT, TABLE_LEFT},
};

struct items {
    struct jsw *w;
    uint64_t n;
};

static void write_item(void *arg, const struct gc_item *i)
{
    static const char *const names[] = {[GC_GIVE_UP] = "give up",
                                        [GC_DELETE] = "delete",
                                        [GC_CONDEMN] = "condemn",
                                        [GC_KEEP_POINT] = "keep"};
    struct items *items = arg;
    char what[VAULT_REPLICA_NAME_MAX + 32];

    if (items->n++ >= ITEMS_SHOWN_MAX)
        return;
    jsw_obj(items->w, NULL);
    jsw_str(items->w, "action", names[i->act]);
    if (i->point) {
        text_print(what, sizeof(what), "%s@%llu", i->replica, (unsigned long long)i->point->seq);
        jsw_str(items->w, "what", what);
        jsw_str(items->w, "replica", i->replica);
        jsw_u64(items->w, "point", i->point->seq);
        jsw_time(items->w, "taken_at", i->point->taken_ms);
    } else {
        jsw_str(items->w, "what", i->object);
        jsw_u64(items->w, "bytes", i->bytes);
    }
    jsw_str(items->w, "why", i->why);
    jsw_end(items->w);
}

static int view(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    char deleted[NUM_TEXT_MAX], condemned[NUM_TEXT_MAX];
    bool applied = js_bool(doc, "applied", false);
    int r = columns_fill(o, js_member(doc, "items"), t, rows, ARRAY_LEN(rows), err);

    out_after(o, "Points: %llu kept, %llu given up (policy: %s).",
              (unsigned long long)js_u64(doc, "points_kept", 0),
              (unsigned long long)js_u64(doc, "points_given_up", 0),
              js_str(doc, "policy_text", ""));
    out_after(o, "Packs: %llu needed, %llu too young to judge, %llu wait for the end of the grace.",
              (unsigned long long)js_u64(doc, "packs_needed", 0),
              (unsigned long long)js_u64(doc, "packs_young", 0),
              (unsigned long long)js_u64(doc, "packs_waiting", 0));
    out_after(o,
              applied ? "Deleted %s, condemned %s."
                      : "Would delete %s and condemn %s. Nothing was changed: add --yes.",
              out_bytes(o, js_u64(doc, "bytes_deleted", 0), deleted),
              out_bytes(o, js_u64(doc, "bytes_condemned", 0), condemned));
    return r;
}

static void write_report(struct jsw *w, const struct gc_report *g, bool applied)
{
    jsw_end(w); /* items */
    jsw_bool(w, "applied", applied);
    jsw_u64(w, "points_kept", g->points_kept);
    jsw_u64(w, "points_given_up", g->points_given_up);
    jsw_u64(w, "packs_needed", g->packs_needed);
    jsw_u64(w, "packs_young", g->packs_young);
    jsw_u64(w, "packs_waiting", g->packs_waiting);
    jsw_u64(w, "bytes_waiting", g->bytes_waiting);
    jsw_u64(w, "packs_condemned", g->packs_condemned);
    jsw_u64(w, "bytes_condemned", g->bytes_condemned);
    jsw_u64(w, "packs_deleted", g->packs_deleted);
    jsw_u64(w, "bytes_deleted", g->bytes_deleted);
    store_arg_write_policy(w, g->has_policy ? &g->policy : NULL);
    jsw_end(w);
}

/* Was any --keep flag given? */
static bool policy_of(const struct opt_set *opts, struct care_policy *ret)
{
    *ret = (struct care_policy){.last = opt_u64(opts, "keep-last"),
                                .hourly = opt_u64(opts, "keep-hourly"),
                                .daily = opt_u64(opts, "keep-daily"),
                                .weekly = opt_u64(opts, "keep-weekly"),
                                .within_ms = opt_u64(opts, "keep-within")};
    return opt_given(opts, "keep-last") || opt_given(opts, "keep-hourly") ||
           opt_given(opts, "keep-daily") || opt_given(opts, "keep-weekly") ||
           opt_given(opts, "keep-within");
}

static int parse_span(const char *text, struct care_span *ret, struct err *err)
{
    const char *at = strrchr(text, '@');
    auto_free char *points = at ? strdup(at + 1) : NULL;
    char *dash = points ? strchr(points, '-') : NULL;
    int r;

    if (!at)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "--give-up %s: no @ and point follow", text);
    if (!points)
        return err_set(err, -ENOMEM, "--give-up: %m");
    if ((size_t)(at - text) >= sizeof(ret->replica))
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "--give-up %s: too long a name", text);
    memcpy(ret->replica, text, (size_t)(at - text));
    ret->replica[at - text] = '\0';
    if (dash)
        *dash = '\0';
    r = num_parse_u64(points, 1, INT64_MAX, &ret->from, err);
    ret->to = ret->from;
    if (r == 0 && dash)
        r = num_parse_u64(dash + 1, 1, INT64_MAX, &ret->to, err);
    return r < 0 ? err_add(err, r, "--give-up %s", text) : 0;
}

/* Those that --give-up names; *ret is to be freed. */
static int spans_of(const struct opt_set *opts, struct care_span **ret, size_t *ret_n,
                    struct err *err)
{
    size_t n = 0;
    int r = 0;

    while (opt_text_at(opts, "give-up", n))
        n++;
    *ret = calloc(n + 1, sizeof(**ret));
    if (!*ret)
        return err_set(err, -ENOMEM, "--give-up: %m");
    for (size_t i = 0; r == 0 && i < n; i++)
        r = parse_span(opt_text_at(opts, "give-up", i), &(*ret)[i], err);
    *ret_n = n;
    return r;
}

int cmd_store_gc(struct cmd_call *call, struct err *err)
{
    auto_replica_arg struct replica_arg arg = {0}; /* goes after the vault */
    auto_vault struct vault *vault = NULL;
    auto_jsw struct jsw *w = NULL;
    auto_free struct care_span *spans = NULL;
    struct care_policy policy;
    struct gc_report report;
    struct items items = {0};
    struct gc_run run = {.save_policy = opt_switch(call->opts, "save"),
                         .grace_ms = opt_u64(call->opts, "older"),
                         .idle = opt_switch(call->opts, "idle"),
                         .apply =
                             opt_switch(call->opts, "yes") && !opt_switch(call->opts, "dry-run"),
                         .stop = progress_interrupts(),
                         .item = write_item,
                         .arg = &items};
    int r = spans_of(call->opts, &spans, &run.give_up_n, err);

    run.give_up = spans;
    if (r < 0)
        return cmd_end(r, err);
    if (policy_of(call->opts, &policy))
        run.policy = &policy;
    else if (run.save_policy)
        r = err_set_gw(err, GW_USAGE, -EINVAL, "--save needs a --keep flag");
    if (r == 0)
        r = store_arg_begin(call, "godwit.store-gc/1", &arg, &vault, &w, err);
    if (r < 0)
        return cmd_end(r, err);
    run.vault = vault;
    items.w = w;
    jsw_str(w, "store", cmd_arg(call, 0));
    jsw_arr(w, "items");
    r = gc_collect(&run, &report, err);
    if (r < 0)
        return cmd_end(r, err);
    write_report(w, &report, run.apply);
    r = out_writer(call->out, w, view, err);
    return cmd_end(r, err);
}

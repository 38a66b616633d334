/* SPDX-License-Identifier: Apache-2.0 */
/* godwit store show, usage: what a vault is and what it holds. */
#include "base/auto.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/out.h"
#include "cli/progress.h"
#include "cli/store_arg.h"
#include "cli/verbs.h"
#include "transport/gc.h"

#include "base/banned.h"

const struct opt cmd_store_opts[] = {REPLICA_ARG_OPTIONS, {0}};

const struct opt cmd_store_usage_opts[] = {
    REPLICA_ARG_OPTIONS,
    {"price", 0, OPT_TEXT, "PRICE", NULL, 0, 0, NULL,
     "list price of a GB and month: say what it costs"},
    {0},
};

/* ---- show ------------------------------------------------------------------------ */

static const struct columns_row show_rows[] = {
    {"STORE", "store", COLUMNS_TEXT, TABLE_LEFT},
    {"VAULT", "vault", COLUMNS_TEXT, TABLE_LEFT},
    {"FORMAT", "format", COLUMNS_COUNT, TABLE_LEFT},
    {"ENCRYPTED", "encrypted", COLUMNS_YES, TABLE_LEFT},
    {"REPLICAS", "replicas", COLUMNS_COUNT, TABLE_LEFT},
    {"CARE RECORDS", "care_records", COLUMNS_COUNT, TABLE_LEFT},
    {"PACKS CONDEMNED", "packs_condemned", COLUMNS_COUNT, TABLE_LEFT},
    {"KEEP", "policy_text", COLUMNS_TEXT, TABLE_LEFT},
};

static int view_show(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    return columns_card(o, doc, t, show_rows, ARRAY_LEN(show_rows), err);
}

static int count_name(void *arg, const char *name)
{
    uint64_t *n = arg;

    (void)name;
    (*n)++;
    return 0;
}

static uint64_t condemned(const struct care_log *log)
{
    uint64_t n = 0;

    for (size_t i = 0; i < log->lists_n; i++)
        for (size_t k = 0; !log->lists[i].swept && k < log->lists[i].n; k++)
            n += !log->lists[i].kept[k];
    return n;
}

static int write_show(struct jsw *w, struct vault *vault, const char *url, struct err *err)
{
    auto_care_log struct care_log *log = NULL;
    uint64_t replicas = 0;
    int r = care_log_open(vault, 0, &log, err);

    if (r == 0)
        r = care_log_read(log, err);
    if (r == 0)
        r = replica_names(vault, count_name, &replicas, err);
    if (r < 0)
        return r;
    jsw_str(w, "store", url);
    jsw_hex(w, "vault", vault_id(vault), VAULT_ID_LEN);
    jsw_u64(w, "format", VAULT_FORMAT);
    jsw_bool(w, "encrypted", vault_encrypted(vault));
    jsw_u64(w, "replicas", replicas);
    jsw_u64(w, "care_records", log->position);
    jsw_u64(w, "packs_condemned", condemned(log));
    store_arg_write_policy(w, log->has_policy ? &log->policy : NULL);
    return 0;
}

int cmd_store_show(struct cmd_call *call, struct err *err)
{
    auto_replica_arg struct replica_arg arg = {0}; /* goes after the vault */
    auto_vault struct vault *vault = NULL;
    auto_jsw struct jsw *w = NULL;
    int r = store_arg_begin(call, "godwit.store/1", &arg, &vault, &w, err);

    if (r == 0)
        r = write_show(w, vault, cmd_arg(call, 0), err);
    if (r < 0)
        return cmd_end(r, err);
    jsw_end(w);
    r = out_writer(call->out, w, view_show, err);
    return cmd_end(r, err);
}

/* ---- usage ------------------------------------------------------------------------- */

static const struct columns_row usage_rows[] = {
    {"WHAT", "what", COLUMNS_TEXT, TABLE_LEFT},
    {"OBJECTS", "objects", COLUMNS_COUNT, TABLE_RIGHT},
    {"BYTES", "bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"SHARED", "shared_bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"POINTS", "points", COLUMNS_COUNT, TABLE_RIGHT},
};

static int view_usage(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    int r = columns_fill(o, js_member(doc, "items"), t, usage_rows, ARRAY_LEN(usage_rows), err);
    char all[NUM_TEXT_MAX], unneeded[NUM_TEXT_MAX], objects[OUT_COUNT_MAX];

    out_after(o, "%s in %s, of it %s that no point needs.",
              out_bytes(o, js_u64(doc, "bytes", 0), all),
              out_count(js_u64(doc, "objects", 0), "object", objects),
              out_bytes(o, js_u64(doc, "unneeded_bytes", 0), unneeded));
    if (js_kind(js_member(doc, "price_month")) == JS_REAL)
        out_after(o, "At %s a GB and month: %.2f a month, without requests and traffic.",
                  js_str(doc, "price", ""), js_f64(doc, "price_month", 0));
    return r;
}

static void write_replica(void *arg, const struct gc_usage_replica *r)
{
    struct jsw *w = arg;

    jsw_obj(w, NULL);
    jsw_str(w, "kind", "replica");
    jsw_str(w, "what", r->name);
    jsw_u64(w, "objects", r->own_packs);
    jsw_u64(w, "bytes", r->own_bytes);
    jsw_u64(w, "shared_bytes", r->shared_bytes);
    jsw_u64(w, "points", r->points);
    jsw_end(w);
}

static void write_usage(struct jsw *w, const struct gc_usage *u, const char *price, double each)
{
    for (size_t i = 0; i < GC_KINDS; i++) {
        jsw_obj(w, NULL);
        jsw_str(w, "kind", "kind");
        jsw_str(w, "what", u->kinds[i].kind);
        jsw_u64(w, "objects", u->kinds[i].objects);
        jsw_u64(w, "bytes", u->kinds[i].bytes);
        jsw_end(w);
    }
    jsw_end(w);
    jsw_u64(w, "objects", u->objects);
    jsw_u64(w, "bytes", u->bytes);
    jsw_u64(w, "shared_packs", u->shared_packs);
    jsw_u64(w, "shared_bytes", u->shared_bytes);
    jsw_u64(w, "unneeded_packs", u->unneeded_packs);
    jsw_u64(w, "unneeded_bytes", u->unneeded_bytes);
    jsw_u64(w, "newest_bytes", u->newest_bytes);
    jsw_str(w, "price", price);
    if (price)
        jsw_f64(w, "price_month", (double)u->bytes / 1e9 * each);
    else
        jsw_null(w, "price_month");
    jsw_end(w);
}

int cmd_store_usage(struct cmd_call *call, struct err *err)
{
    const char *price = opt_text(call->opts, "price");
    auto_replica_arg struct replica_arg arg = {0}; /* goes after the vault */
    auto_vault struct vault *vault = NULL;
    auto_jsw struct jsw *w = NULL;
    struct gc_usage usage;
    double each = 0;
    int r = price ? num_parse_f64(price, &each, err) : 0;

    if (r == 0)
        r = store_arg_begin(call, "godwit.store-usage/1", &arg, &vault, &w, err);
    if (r < 0)
        return cmd_end(r, err);
    jsw_str(w, "store", cmd_arg(call, 0));
    jsw_arr(w, "items");
    r = gc_usage(vault, progress_interrupts(), write_replica, w, &usage, err);
    if (r == 0) {
        write_usage(w, &usage, price, each);
        r = out_writer(call->out, w, view_usage, err);
    }
    return cmd_end(r, err);
}

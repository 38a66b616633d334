/* SPDX-License-Identifier: Apache-2.0 */
/* godwit key add, ls, recover: the vault's key, kept in the vault for people with keys of age. */
#include "base/auto.h"
#include "base/fd.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/key_arg.h"
#include "cli/out.h"
#include "cli/progress.h"
#include "cli/replica_arg.h"
#include "cli/slurp.h"
#include "cli/verbs.h"

#include "base/banned.h"

const struct opt cmd_key_add_opts[] = {
    REPLICA_ARG_STORE_OPTIONS,
    KEY_ARG_RECIPIENT,
    {"copy", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "write what the vault holds to FILE too"},
    {0},
};

const struct opt cmd_key_ls_opts[] = {REPLICA_ARG_PLACE_OPTIONS, {0}};

const struct opt cmd_key_recover_opts[] = {
    REPLICA_ARG_PLACE_OPTIONS,
    {"identity", 'i', OPT_TEXT, "REF", NULL, 0, 0, NULL,
     "your identity of age: a file, env:VAR, cmd:PROGRAM"},
    {"from", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "a copy made with --copy, not the vault's own"},
    {"to", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL,
     "where the key goes (vault.key of your configuration)"},
    {0},
};

/* ---- add ------------------------------------------------------------------------- */

static int view_add(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    char recipients[OUT_COUNT_MAX];

    (void)t;
    (void)err;
    out_text(o, "%s  %s for %s", js_str(doc, "object", ""),
             js_bool(doc, "created", false) ? "made" : "was there already",
             out_count(js_u64(doc, "recipients", 0), "recipient", recipients));
    return 0;
}

static int report_add(struct cmd_call *call, const struct replica_arg *arg, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    jsw_document(w, "godwit.key-add/1", clock_wall_ms(call->clock));
    jsw_str(w, "store", arg->url);
    jsw_str(w, "object", arg->escrow);
    jsw_bool(w, "created", arg->escrow_new);
    jsw_u64(w, "recipients", arg->recipients->n);
    jsw_str(w, "copy", opt_text(call->opts, "copy"));
    jsw_end(w);
    return out_writer(call->out, w, view_add, err);
}

static int add(struct cmd_call *call, struct replica_arg *arg, struct err *err)
{
    const char *copy = opt_text(call->opts, "copy");
    auto_vault struct vault *vault = NULL;
    int r = replica_arg_open(call, arg, false, progress_interrupts(), &vault, err);

    if (r == 0 && copy)
        r = fd_save(copy, buf_slice(&arg->escrow_object), 0644, err);
    return r == 0 ? report_add(call, arg, err) : r;
}

int cmd_key_add(struct cmd_call *call, struct err *err)
{
    auto_replica_arg struct replica_arg arg = {0};
    struct age_keys recipients;
    int r = key_arg_recipients(call, &recipients, err);

    if (r == 0 && recipients.n == 0)
        r = err_set_gw(err, GW_USAGE, -EINVAL,
                       "for whom? --recipient age1…, twice at least (age-keygen makes one)");
    if (r == 0)
        r = replica_arg_parse(cmd_arg(call, 0), false, &arg, err);
    arg.recipients = &recipients;
    if (r == 0)
        r = add(call, &arg, err);
    return cmd_end(r, err);
}

/* ---- ls --------------------------------------------------------------------------- */

static const struct columns_row ls_rows[] = {
    {"OBJECT", "object", COLUMNS_TEXT, TABLE_LEFT},
    {"RECIPIENTS", "recipients", COLUMNS_COUNT, TABLE_RIGHT},
    {"BYTES", "bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"STATE", "state", COLUMNS_STATE, TABLE_LEFT},
};

static int view_ls(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    if (js_len(js_member(doc, "items")) == 0)
        out_after(o, "The vault keeps no copy of its key.  Next: godwit key add %s --recipient KEY",
                  js_str(doc, "store", "STORE"));
    return columns_fill(o, js_member(doc, "items"), t, ls_rows, ARRAY_LEN(ls_rows), err);
}

struct listing {
    struct jsw *w;
    size_t damaged;
    char first[ESCROW_NAME_MAX]; /* of these */
};

static int write_item(void *arg, const struct escrow_item *item)
{
    struct listing *l = arg;
    struct jsw *w = l->w;

    if (item->recipients == 0 && l->damaged++ == 0)
        text_copy(l->first, sizeof(l->first), item->name);
    jsw_obj(w, NULL);
    jsw_str(w, "object", item->name);
    jsw_u64(w, "recipients", item->recipients);
    jsw_u64(w, "bytes", item->bytes);
    jsw_str(w, "state", item->recipients > 0 ? "whole" : "DAMAGED");
    jsw_end(w);
    return 0;
}

/* The store alone: whoever lost the key may look, too. */
static int open_store(struct cmd_call *call, struct replica_arg *arg, struct store_conf *conf,
                      struct err *err)
{
    int r = replica_arg_parse(cmd_arg(call, 0), false, arg, err);

    return r == 0 ? replica_arg_store(call, arg, progress_interrupts(), conf, err) : r;
}

static int list(struct cmd_call *call, struct replica_arg *arg, struct err *err)
{
    auto_store struct store *store = NULL;
    auto_jsw struct jsw *w = NULL;
    struct listing l = {0};
    struct store_conf conf;
    int r = open_store(call, arg, &conf, err);

    if (r == 0)
        r = store_open(&conf, &store, err);
    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_document(w, "godwit.key-list/1", clock_wall_ms(call->clock));
    jsw_str(w, "store", arg->url);
    jsw_arr(w, "items");
    l.w = w;
    r = escrow_list(store, write_item, &l, err);
    if (r < 0)
        return r;
    jsw_end(w);
    jsw_end(w);
    r = out_writer(call->out, w, view_ls, err);
    if (r == 0 && l.damaged > 0)
        r = err_set_gw(err, GW_KEY_COPY, -EBADMSG, "%zu of the copies cannot help: %s%s", l.damaged,
                       l.first, l.damaged > 1 ? ", …" : "");
    return r;
}

int cmd_key_ls(struct cmd_call *call, struct err *err)
{
    auto_replica_arg struct replica_arg arg = {0};

    return list(call, &arg, err) < 0 ? cmd_exit(err) : GW_EXIT_OK;
}

/* ---- recover ------------------------------------------------------------------------ */

static int view_recover(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    (void)t;
    (void)err;
    out_text(o, "%s holds the vault's key, from %s", js_str(doc, "key_file", ""),
             js_str(doc, "from", ""));
    return 0;
}

static int load_identities(const char *ref, struct age_keys *ret, struct err *err)
{
    auto_buf struct buf text = {0};
    const char *s;
    int r = secret_load(ref, &text, err);

    if (r == 0) {
        s = buf_cstr(&text);
        r = s ? age_add_identities(ret, s, err) : err_set(err, -ENOMEM, "identities: %m");
    }
    crypto_wipe(text.data, text.cap);
    return r < 0 ? err_add(err, r, "the identity '%s'", ref) : 0;
}

/* *from: the object's name (of ESCROW_NAME_MAX bytes) or the file's. */
static int recover(struct cmd_call *call, const struct store_conf *conf,
                   const struct age_keys *identities, uint8_t *key, char *name, struct err *err)
{
    const char *from = opt_text(call->opts, "from");
    auto_buf struct buf file = {0};
    int r;

    if (!from)
        return escrow_recover(conf, identities, key, name, err);
    r = slurp(from, ESCROW_OBJECT_MAX, &file, err);
    if (r == 0)
        r = escrow_open(conf, identities, buf_slice(&file), key, err);
    return r < 0 ? err_add(err, r, "'%s'", from) : 0;
}

static int save(const char *path, const uint8_t *key, struct err *err)
{
    int r = vault_key_save(path, key, err);

    if (r == -EEXIST)
        return err_set_gw(err, GW_BAD_VALUE, r,
                          "'%s' exists and stays as it is: name another file with --to", path);
    return r;
}

static int report_recover(struct cmd_call *call, const char *url, const char *from,
                          const char *path, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    jsw_document(w, "godwit.key-recover/1", clock_wall_ms(call->clock));
    jsw_str(w, "store", url);
    jsw_str(w, "from", from);
    jsw_str(w, "key_file", path);
    jsw_end(w);
    return out_writer(call->out, w, view_recover, err);
}

static int recover_and_save(struct cmd_call *call, struct replica_arg *arg, const char *path,
                            const struct age_keys *identities, struct err *err)
{
    const char *from = opt_text(call->opts, "from");
    char name[ESCROW_NAME_MAX] = "";
    uint8_t key[CRYPTO_KEY_LEN];
    struct store_conf conf;
    int r = open_store(call, arg, &conf, err);

    if (r == 0)
        r = recover(call, &conf, identities, key, name, err);
    if (r == 0)
        r = save(path, key, err);
    crypto_wipe(key, sizeof(key));
    return r == 0 ? report_recover(call, arg->url, from ? from : name, path, err) : r;
}

int cmd_key_recover(struct cmd_call *call, struct err *err)
{
    auto_replica_arg struct replica_arg arg = {0};
    const char *ref = opt_text(call->opts, "identity"), *to = opt_text(call->opts, "to");
    struct age_keys identities = {0};
    char path[REPLICA_ARG_PATH_MAX];
    int r = ref ? load_identities(ref, &identities, err)
                : err_set_gw(err, GW_USAGE, -EINVAL,
                             "whose? -i FILE, the identity that age-keygen made");

    if (r == 0)
        r = to ? text_copy(path, sizeof(path), to) : replica_arg_key_path(path, sizeof(path), err);
    if (r == 0)
        r = recover_and_save(call, &arg, path, &identities, err);
    age_wipe(&identities);
    return cmd_end(r, err);
}

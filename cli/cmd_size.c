/* SPDX-License-Identifier: Apache-2.0 */
/* godwit size: a shape for every host, from lists alone. */
#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "cli/catalog_arg.h"
#include "cli/columns.h"
#include "cli/estate_arg.h"
#include "cli/verbs.h"
#include "planner/engine/catalogue_neutral.h"
#include "planner/engine/estate.h"
#include "planner/engine/estate_size.h"

#include "base/banned.h"

const struct opt cmd_size_opts[] = {
    ESTATE_ARG_OPTION,
    CATALOG_ARG_OPTION,
    CATALOG_ARG_OPTIONS,
    {"mgn", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL,
     "write the import of AWS Application Migration Service there"},
    {"smc", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL,
     "write jobs of Alibaba's Server Migration Center there"},
    {0},
};

/* -- showing ---------------------------------------------------------------------------------- */

static const struct columns_row rows[] = {
    {"HOST", "host", COLUMNS_TEXT, TABLE_LEFT},
    {"APP", "workload", COLUMNS_TEXT, TABLE_LEFT},
    {"CORES", "cores", COLUMNS_COUNT, TABLE_RIGHT},
    {"NEEDS CPU", "need.cpu_share", COLUMNS_SHARE, TABLE_RIGHT},
    {"MEMORY", "memory_bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"NEEDS MEMORY", "need.memory_bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"SHAPE", "shape.name", COLUMNS_TEXT, TABLE_LEFT},
    {"PRICE/H", "shape.price_per_hour", COLUMNS_TEXT, TABLE_RIGHT},
    {"ON ARM", "arm_shape.name", COLUMNS_TEXT, TABLE_LEFT},
    {"ARM PRICE/H", "arm_shape.price_per_hour", COLUMNS_TEXT, TABLE_RIGHT},
    {"WHY", "why", COLUMNS_LIST, TABLE_WIDE_ONLY},
};

/* A list has prices with a licence of Windows for all shapes, or for none. */
static void say_windows(struct out *o, const struct js *sum, const struct js *catalogue)
{
    const uint64_t hosts = js_u64(sum, "hosts", 0), windows = js_u64(sum, "windows_hosts", 0);

    if (js_bool(catalogue, "windows", false) && windows < hosts)
        out_after(o,
                  "! %llu of them do not run Windows, and each price of this list is with its "
                  "licence.",
                  (unsigned long long)(hosts - windows));
    else if (!js_bool(catalogue, "windows", false) && windows > 0)
        out_after(o,
                  "! %llu of them run Windows, and no price of this list is with its licence: "
                  "godwit cost adds them, godwit catalog import --windows makes a list that has "
                  "them.",
                  (unsigned long long)windows);
}

static int view(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *sum = js_member(doc, "sum"), *unsized = js_member(doc, "unsized");
    const struct js *c = js_member(doc, "catalogue");
    char from[NUM_TEXT_MAX], to[NUM_TEXT_MAX];

    for (size_t i = 0; i < js_len(unsized); i++)
        out_after(o, "! %s has no shape: %s", js_str(js_at(unsized, i), "host", ""),
                  js_str(js_at(unsized, i), "why", ""));
    out_after(o, "%llu hosts: %llu cores become %llu vCPUs, %s of memory become %s.",
              (unsigned long long)js_u64(sum, "hosts", 0),
              (unsigned long long)js_u64(sum, "cores", 0),
              (unsigned long long)js_u64(sum, "vcpus", 0),
              out_bytes(o, js_u64(sum, "memory_bytes", 0), from),
              out_bytes(o, js_u64(sum, "shape_memory_bytes", 0), to));
    if (js_str(sum, "price_per_hour", NULL))
        out_after(o, "%s %s an hour on demand at %s %s; on Arm, where it runs, %s less.",
                  js_str(sum, "price_per_hour", ""), js_str(c, "currency", ""),
                  js_str(c, "provider", ""), js_str(c, "region", ""),
                  js_str(sum, "arm_saves_per_hour", ""));
    if (js_str(sum, "price_per_hour", NULL))
        say_windows(o, sum, c);
    else
        out_after(o, "Shapes of no provider.  With prices: --catalog FILE");
    return columns_fill(o, js_member(doc, "hosts"), t, rows, ARRAY_LEN(rows), err);
}

/* -- the verb -----------------------------------------------------------------------------------
 */

static int save(const struct cmd_call *call, const char *flag,
                int (*write)(const struct estate_size_spec *, struct buf *,
                             struct estate_size_lost *, struct err *),
                const struct estate_size_spec *spec, struct estate_size_lost *lost, struct err *err)
{
    auto_buf struct buf text = {0};
    int r = 0;

    if (opt_text(call->opts, flag))
        r = write(spec, &text, lost, err);
    if (r == 0 && opt_text(call->opts, flag))
        r = fd_save(opt_text(call->opts, flag), buf_slice(&text), 0644, err);
    return r;
}

/* What the lists for other tools lack. */
static void say_lost(const struct cmd_call *call, const struct estate_size_lost *lost)
{
    if (lost->waves > 0)
        out_text(call->out,
                 "! %s names no wave for %zu of its hosts: no list says one. The waves that godwit "
                 "plan computes are not in it.",
                 opt_text(call->opts, "mgn"), lost->waves);
    if (lost->disks > 0)
        out_text(
            call->out,
            "! %s leaves disks out for %zu of its hosts: a job takes a system disk of 2048 GiB "
            "and 16 others.",
            opt_text(call->opts, "smc"), lost->disks);
}

int cmd_size(struct cmd_call *call, struct err *err)
{
    auto_catalogue struct catalogue catalogue = {0};
    auto_estate struct estate *e = NULL;
    struct estate_arg_told told = {0};
    struct estate_size_lost lost = {0};
    struct estate_size_spec spec = {.catalogue = &catalogue, .policy = &size_policy_default};
    auto_js struct js *doc = NULL;
    size_t unsized = 0;
    int r = estate_arg_take(call, &told, &e, err);

    spec.estate = e;
    if (r == 0)
        r = opt_given(call->opts, "catalog") ? catalog_arg_flag(call, &catalogue, err)
                                             : catalogue_neutral(&catalogue, err);
    if (r == 0)
        r = estate_size_write(&spec, &doc, &unsized, err);
    if (r == 0)
        r = save(call, "mgn", estate_size_mgn, &spec, &lost, err);
    if (r == 0)
        r = save(call, "smc", estate_size_smc, &spec, &lost, err);
    if (r == 0)
        r = out_document(call->out, doc, view, err);
    if (r < 0)
        return cmd_exit(err);
    say_lost(call, &lost);
    return unsized || lost.disks ? GW_EXIT_PARTIAL : estate_arg_exit(&told);
}

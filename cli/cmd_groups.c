/* SPDX-License-Identifier: Apache-2.0 */
/* godwit groups: what moves together, from lists alone. */
#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/estate_arg.h"
#include "cli/verbs.h"
#include "planner/engine/estate.h"
#include "planner/engine/estate_group.h"

#include "base/banned.h"

const struct opt cmd_groups_opts[] = {
    ESTATE_ARG_OPTION,
    {"tag", 0, OPT_TEXT, "KEY", NULL, 0, 0, NULL,
     "hosts with the same value of this tag belong together; again for more (app, application)"},
    {"resolution", 0, OPT_U64, "N", NULL, 1, 1000000, NULL,
     "higher makes smaller groups of the traffic (100)"},
    {"seen", 0, OPT_DURATION, "TIME", NULL, 1, 0, NULL,
     "how long traffic must be watched to count as seen whole (14d)"},
    {0},
};

/* -- showing ---------------------------------------------------------------------------------- */

static const struct columns_row rows[] = {
    {"GROUP", "group", COLUMNS_TEXT, TABLE_LEFT},
    {"HOSTS", "size", COLUMNS_COUNT, TABLE_RIGHT},
    {"TAGGED", "tagged", COLUMNS_COUNT, TABLE_RIGHT},
    {"SEEN", "coverage", COLUMNS_SHARE, TABLE_RIGHT},
    {"COHESION", "cohesion", COLUMNS_SHARE, TABLE_RIGHT},
    {"CONFIDENCE", "confidence", COLUMNS_SHARE, TABLE_RIGHT},
    {"WHY", "why", COLUMNS_TEXT, TABLE_LEFT},
    {"MEMBERS", "hosts", COLUMNS_LIST, TABLE_TRUNCATE},
};

static int view(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *groups = js_member(doc, "groups"), *hubs = js_member(doc, "hubs");
    size_t unsure = 0;

    for (size_t i = 0; i < js_len(groups); i++)
        unsure += js_str(js_at(groups, i), "ask", NULL) != NULL;
    for (size_t i = 0; i < js_len(hubs); i++)
        out_after(o, "Hub: %s, %llu partners; it stays reachable and is a member of nothing.",
                  js_str(js_at(hubs, i), "host", ""),
                  (unsigned long long)js_u64(js_at(hubs, i), "partners", 0));
    out_after(o, "%zu groups of %llu hosts.", js_len(groups),
              (unsigned long long)js_u64(doc, "hosts", 0));
    if (unsure)
        out_after(o,
                  "%zu of them are guesses: tag their hosts with the application, or watch the "
                  "traffic longer.",
                  unsure);
    return columns_fill(o, groups, t, rows, ARRAY_LEN(rows), err);
}

/* Names of groups are letters, digits and ".-_": no quoting is needed. */
static int draw(struct out *o, const struct js *doc, struct err *err)
{
    const struct js *groups = js_member(doc, "groups"), *links = js_member(doc, "links");
    auto_buf struct buf text = {0};
    char bytes[NUM_TEXT_MAX];

    (void)buf_str(&text, "digraph groups {\n  node [shape=box];\n");
    for (size_t i = 0; i < js_len(groups); i++) {
        const struct js *g = js_at(groups, i);

        (void)buf_printf(&text, "  \"%s\" [label=\"%s\\n%llu hosts\"%s];\n", js_str(g, "group", ""),
                         js_str(g, "group", ""), (unsigned long long)js_u64(g, "size", 0),
                         js_str(g, "ask", NULL) ? ", style=dashed" : "");
    }
    for (size_t i = 0; i < js_len(links); i++) {
        const struct js *l = js_at(links, i);

        (void)buf_printf(&text, "  \"%s\" -> \"%s\" [label=\"%s\"];\n", js_str(l, "from", ""),
                         js_str(l, "to", ""),
                         num_format_bytes(js_u64(l, "bytes", 0), false, bytes));
    }
    (void)buf_str(&text, "}\n");
    return buf_failed(&text, err) < 0 ? buf_failed(&text, err) : out_raw(o, &text, err);
}

/* -- the verb -----------------------------------------------------------------------------------
 */

static int read_policy(const struct cmd_call *call, struct estate_group_policy *p, struct err *err)
{
    const char *key;

    p->resolution = (unsigned)opt_u64(call->opts, "resolution");
    p->observed_ms = opt_u64(call->opts, "seen");
    while ((key = opt_text_at(call->opts, "tag", p->keys_n))) {
        if (p->keys_n == ESTATE_GROUP_KEYS_MAX)
            return err_set_gw(err, GW_USAGE, -EINVAL, "more than %d times --tag",
                              ESTATE_GROUP_KEYS_MAX);
        p->keys[p->keys_n++] = key;
    }
    return 0;
}

int cmd_groups(struct cmd_call *call, struct err *err)
{
    auto_estate_groups struct estate_groups groups = {0};
    struct estate_group_policy policy = {0};
    auto_estate struct estate *e = NULL;
    struct estate_arg_told told = {0};
    auto_js struct js *doc = NULL;
    int r = read_policy(call, &policy, err);

    if (r == 0)
        r = estate_arg_take(call, &told, &e, err);
    if (r == 0)
        r = estate_group(e, &policy, &groups, err);
    if (r == 0)
        r = estate_group_write(e, &groups, &doc, err);
    if (r == 0)
        r = out_form(call->out) == OUT_DOT ? draw(call->out, doc, err)
                                           : out_document(call->out, doc, view, err);
    return r < 0 ? cmd_exit(err) : estate_arg_exit(&told);
}

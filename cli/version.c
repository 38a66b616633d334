/* SPDX-License-Identifier: Apache-2.0 */
/* godwit --version: ours, the libraries' as linked at run time, and what it was built without. */
#include "cli/help.h"

#include "base/crypto.h"
#include "base/http.h"
#include "cli/out.h"
#include "cli/table.h"
#include "planner/engine/calendar.h"
#include "transport/codec.h"

#include "base/banned.h"

static const struct {
    const char *name;
    bool have;
} optional[] = {
#ifdef HAVE_LIBBPF
    {"libbpf", true},
#else
    {"libbpf", false},
#endif
#ifdef HAVE_LIBURING
    {"liburing", true},
#else
    {"liburing", false},
#endif
#ifdef HAVE_LIBNBD
    {"libnbd", true},
#else
    {"libnbd", false},
#endif
#ifdef HAVE_NBDKIT
    {"nbdkit", true},
#else
    {"nbdkit", false},
#endif
};

static const struct {
    const char *name;
    const char *(*version)(void);
} libraries[] = {
    {"jansson", js_version},       {"libcurl", http_version},       {"libical", calendar_version},
    {"libcrypto", crypto_version}, {"libsmartcols", table_version}, {"libzstd", codec_version},
};

static int view_library(void *arg, const char *name, const struct js *version)
{
    out_after(arg, "%-12s %s", name, js_as_str(version, "?"));
    return 0;
}

static int view(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    (void)t;
    (void)err;
    out_text(o, "godwit %s", js_str(doc, "version", "?"));
    js_each(js_member(doc, "libraries"), view_library, o);
    for (size_t i = 0; i < ARRAY_LEN(optional); i++) {
        if (!optional[i].have)
            out_after(o, "built without %s", optional[i].name);
    }
    return 0;
}

int help_version(struct cmd_call *call, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r = jsw_new(&w, err);

    if (r < 0)
        return cmd_end(r, err);
    jsw_document(w, "godwit.version/1", clock_wall_ms(call->clock));
    jsw_str(w, "version", PACKAGE_VERSION);
    jsw_obj(w, "libraries");
    for (size_t i = 0; i < ARRAY_LEN(libraries); i++)
        jsw_str(w, libraries[i].name, libraries[i].version());
    jsw_end(w);
    jsw_obj(w, "optional");
    for (size_t i = 0; i < ARRAY_LEN(optional); i++)
        jsw_bool(w, optional[i].name, optional[i].have);
    jsw_end(w);
    jsw_end(w);
    return out_writer(call->out, w, view, err) < 0 ? cmd_exit(err) : GW_EXIT_OK;
}

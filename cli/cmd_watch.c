/* SPDX-License-Identifier: Apache-2.0 */
/* Repainting: the cursor goes home, lines are cleared to their ends; never when stdout is a file.
 */
#include "cli/cmd_watch.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "cli/progress.h"

#include <stdio.h>

#include "base/banned.h"

enum { WATCH_DEFAULT_MS = 5000, WATCH_PIECE_MS = 100 };

/* Without the time it was made, equal states make equal texts. */
static int skip_time(void *arg, const char *key, const struct js *value)
{
    if (!text_equal(key, "generated_at"))
        jsw_js(arg, key, value);
    return 0;
}

static int fingerprint(const struct js *doc, struct buf *out, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    js_each(doc, skip_time, w);
    jsw_end(w);
    return jsw_finish(w, false, out, err);
}

static void pause_for(struct cmd_call *call, uint64_t ms)
{
    const atomic_bool *stop = progress_interrupts();

    for (uint64_t waited = 0; waited < ms && !atomic_load(stop); waited += WATCH_PIECE_MS)
        clock_sleep_ms(call->clock, WATCH_PIECE_MS);
}

static int show(struct cmd_call *call, const struct js *doc, out_view_fn view, struct buf *last,
                struct err *err)
{
    auto_buf struct buf now = {0};
    bool terminal = isatty(STDOUT_FILENO) && out_is_for_people(call->out) &&
                    !text_equal(getenv("TERM"), "dumb");
    int r = fingerprint(doc, &now, err);

    if (r < 0)
        return r;
    if (!terminal && last->len == now.len && now.len > 0 &&
        memcmp(last->data, now.data, now.len) == 0)
        return 0;
    buf_clear(last);
    r = buf_append(last, now.data, now.len);
    if (r < 0)
        return err_set(err, r, "watching: %m");
    if (terminal)
        fputs("\033[H\033[2J", stdout);
    out_text(call->out, "%s", js_str(doc, "generated_at", ""));
    return out_event(call->out, doc, view, err);
}

int cmd_watch(struct cmd_call *call, struct api *api, cmd_fetch_fn fetch, void *arg,
              out_view_fn view, struct err *err)
{
    const atomic_bool *stop = progress_interrupts();
    uint64_t every_ms = opt_u64(call->opts, "watch");
    auto_buf struct buf last = {0};

    while (!atomic_load(stop)) {
        auto_js struct js *doc = NULL;
        int r;

        err_clear(err);
        r = fetch(call, api, arg, &doc, err);
        if (r == 0)
            r = show(call, doc, view, &last, err);
        if (r < 0 && err->gw != GW_API_UNREACHABLE)
            return cmd_exit(err);
        if (r < 0)
            fprintf(stderr, "%s; trying again\n", err->text);
        pause_for(call, every_ms ? every_ms : WATCH_DEFAULT_MS);
    }
    err_clear(err);
    return GW_EXIT_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/events: the audit trail, with a long poll for what comes next. */
#include "base/text.h"
#include "planner/service/api.h"
#include "planner/service/db_event.h"
#include "planner/service/hub.h"

#include "base/banned.h"

enum { CURSOR_MAX = 24 };

struct event_walk {
    struct jsw *w;
    uint64_t n, last;
};

static int write_event(void *arg, const struct db_event *event)
{
    struct event_walk *walk = arg;
    struct jsw *w = walk->w;

    jsw_obj(w, NULL);
    jsw_str(w, "schema", "godwit.event/1");
    jsw_u64(w, "n", event->n);
    jsw_time(w, "at", event->at_ms);
    jsw_str(w, "kind", event->kind);
    jsw_str(w, "who", event->who);
    jsw_str(w, "from", event->address[0] ? event->address : NULL);
    jsw_str(w, "object", event->object);
    jsw_str(w, "text", event->text);
    jsw_end(w);
    walk->n++;
    walk->last = event->n;
    return 0;
}

static int write_events(struct api_call *call, struct event_walk *walk, struct err *err)
{
    struct db_event_filter filter = {
        .object = httpd_query(call->request, "for"),
        .kind = httpd_query(call->request, "kind"),
    };
    struct api_page page = {0};
    const uint64_t now_s = clock_wall_ms(call->service->clock) / 1000;
    uint64_t since_s = 0;
    char cursor[CURSOR_MAX];
    int r;

    r = api_page(call, &page, err);
    if (r == 0)
        r = api_query_u64(call, "after", 0, &filter.after, err);
    if (r == 0)
        r = api_query_u64(call, "since", 0, &since_s, err);
    if (r < 0)
        return r;
    if (since_s > 0 && since_s < now_s)
        filter.since_ms = (now_s - since_s) * 1000;
    filter.limit = page.limit;
    filter.newest = !page.after[0];
    walk->last = filter.after;
    jsw_arr(walk->w, "items");
    r = db_event_each(call->service->db, &filter, write_event, walk, err);
    jsw_end(walk->w);
    (void)text_print(cursor, sizeof(cursor), "%llu", (unsigned long long)walk->last);
    /* Always a cursor: the next events are to come. */
    jsw_str(walk->w, "next", cursor);
    return r;
}

void api_event_list(struct api_call *call)
{
    struct event_walk walk = {0};
    struct err err = {0};
    uint64_t wait_ms;
    int r;

    r = api_document(call, "godwit.event-list/1", &walk.w, &err);
    if (r == 0)
        r = write_events(call, &walk, &err);
    wait_ms = r == 0 && walk.n == 0 ? api_may_wait_ms(call) : 0;
    if (wait_ms > 0) {
        r = hub_wait(call->service->hub, call, api_event_list, "events", wait_ms, &err);
        if (r == 0) {
            jsw_free(walk.w);
            return;
        }
    }
    api_finish(call, r, 200, walk.w, &err);
}

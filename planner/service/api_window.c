/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of windows: iCalendar text in, kept as it came. */
#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "planner/engine/calendar.h"
#include "planner/service/api.h"
#include "planner/service/db_plan.h"
#include "planner/service/event.h"
#include "planner/service/window.h"

#include "base/banned.h"

enum { ID_MAX = 24, ID_BYTES = 6, CALENDAR_MAX = 256 * 1024 };

static void write_calendar(struct jsw *w, const struct db_calendar *c)
{
    jsw_str(w, "window", c->id);
    jsw_str(w, "name", c->name);
    jsw_str(w, "kind", c->kind);
    jsw_str(w, "calendar", c->ical);
    jsw_time(w, "created_at", c->created_ms);
}

struct window_walk {
    struct jsw *w;
    uint64_t n;
    char last[ID_MAX];
};

static int walk_calendar(void *arg, const struct db_calendar *c)
{
    struct window_walk *walk = arg;

    jsw_obj(walk->w, NULL);
    write_calendar(walk->w, c);
    jsw_end(walk->w);
    walk->n++;
    return text_copy(walk->last, sizeof(walk->last), c->id);
}

void api_window_list(struct api_call *call)
{
    struct window_walk walk = {0};
    struct api_page page = {0};
    struct err err = {0};
    int r;

    r = api_page(call, &page, &err);
    if (r == 0)
        r = api_document(call, "godwit.window-list/1", &walk.w, &err);
    if (r == 0) {
        jsw_arr(walk.w, "items");
        r = db_plan_calendar_each(call->service->db, page.after, page.limit, walk_calendar, &walk,
                                  &err);
        jsw_end(walk.w);
        jsw_str(walk.w, "next", walk.n == page.limit ? walk.last : NULL);
    }
    api_finish(call, r, 200, walk.w, &err);
}

static int parse(const struct js *body, uint64_t now_ms, struct db_calendar *ret, struct err *err)
{
    ret->name = js_str(body, "name", "");
    ret->kind = js_str(body, "kind", "window");
    ret->ical = js_str(body, "calendar", "");
    if (!text_is_name(ret->name))
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "a window needs a name");
    if (!text_equal(ret->kind, "window") && !text_equal(ret->kind, "blackout"))
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "kind is window or blackout");
    if (strlen(ret->ical) > CALENDAR_MAX)
        return err_set_gw(err, GW_BAD_CALENDAR, -EINVAL, "a calendar is at most %d bytes",
                          CALENDAR_MAX);
    return calendar_check(slice_str(ret->ical), now_ms, err);
}

static int write_kept(void *arg, const struct db_calendar *c)
{
    write_calendar(arg, c);
    return 0;
}

static int add(struct api_call *call, const struct db_calendar *c, struct jsw *w, struct err *err)
{
    struct service *svc = call->service;
    int r = db_plan_calendar_add(svc->db, c, err);

    if (r == 0)
        r = event_note(svc, "window.added", call->who, c->name, err, "%s %s", c->kind, c->id);
    if (r == 0)
        write_calendar(w, c);
    window_forget(svc);
    return r;
}

/* The same file twice is one window: who takes it away means it. */
void api_window_create(struct api_call *call)
{
    struct service *svc = call->service;
    uint8_t random[ID_BYTES];
    char id[ID_MAX], hex[2 * ID_BYTES + 1];
    struct db_calendar c = {.id = id, .created_ms = clock_wall_ms(svc->clock)};
    struct jsw *w = NULL;
    struct err err = {0};
    int kept = 0, r;

    rng_fill(svc->rng, random, sizeof(random));
    (void)text_print(id, sizeof(id), "w-%s", text_hex(random, sizeof(random), hex));
    r = api_need_body(call, &err);
    if (r == 0)
        r = parse(call->body, c.created_ms, &c, &err);
    if (r == 0)
        r = api_document(call, "godwit.window/1", &w, &err);
    if (r == 0)
        r = kept = db_plan_calendar_same(svc->db, &c, write_kept, w, &err);
    if (r == 0)
        r = add(call, &c, w, &err);
    api_finish(call, r < 0 ? r : 0, kept > 0 ? 200 : 201, w, &err);
}

void api_window_delete(struct api_call *call)
{
    auto_buf struct buf id = {0};
    struct jsw *w = NULL;
    struct err err = {0};
    int r;

    r = db_plan_calendar_id(call->service->db, call->param[0], &id, &err);
    if (r == 0)
        r = db_plan_calendar_delete(call->service->db, buf_cstr(&id), &err);
    if (r == 0)
        r = event_note(call->service, "window.removed", call->who, buf_cstr(&id), &err, "removed");
    if (r == 0)
        r = api_document(call, "godwit.deleted/1", &w, &err);
    if (r == 0)
        jsw_str(w, "window", buf_cstr(&id));
    window_forget(call->service);
    api_finish(call, r, 200, w, &err);
}

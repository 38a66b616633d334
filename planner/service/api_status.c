/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/status: every workload as people see it. */
#include "base/text.h"
#include "planner/service/api.h"
#include "planner/service/hub.h"
#include "planner/service/status.h"

#include "base/banned.h"

struct status_walk {
    struct service *service;
    struct jsw *w;
    struct err *err;
    uint64_t n;
    char last[WORKLOAD_NAME_MAX];
};

static int walk_workload(void *arg, const char *name)
{
    struct status_walk *walk = arg;
    auto_view struct workload_view *view = NULL;
    struct gate_result gate;
    int r;

    r = workload_view_load(walk->service, name, &view, walk->err);
    if (r == 0)
        r = workload_view_gate(view, NULL, &gate, walk->err);
    if (r < 0)
        return r;
    status_write(view, &gate, walk->w);
    walk->n++;
    return text_copy(walk->last, sizeof(walk->last), name);
}

static int write_all(struct api_call *call, struct status_walk *walk, struct err *err)
{
    struct api_page page = {0};
    int r;

    r = api_page(call, &page, err);
    if (r == 0)
        r = api_document(call, "godwit.status/1", &walk->w, err);
    if (r < 0)
        return r;
    jsw_arr(walk->w, "items");
    r = db_workload_each(call->service->db, NULL, page.after, page.limit, walk_workload, walk, err);
    jsw_end(walk->w);
    jsw_str(walk->w, "next", walk->n == page.limit ? walk->last : NULL);
    return r;
}

static void list_now(struct api_call *call)
{
    struct err err = {0};
    struct status_walk walk = {.service = call->service, .err = &err};
    const int r = write_all(call, &walk, &err);

    api_finish(call, r, 200, walk.w, &err);
}

/* With ?wait= it answers after the next report, or when the time is up. */
void api_status_list(struct api_call *call)
{
    const uint64_t wait_ms = api_may_wait_ms(call);
    struct err err = {0};

    if (wait_ms == 0)
        list_now(call);
    else if (hub_wait(call->service->hub, call, list_now, "status", wait_ms, &err) < 0)
        api_fail(call, &err);
}

void api_status_show(struct api_call *call)
{
    struct err err = {0};
    struct status_walk walk = {.service = call->service, .err = &err};
    int r;

    r = api_document(call, "godwit.status/1", &walk.w, &err);
    if (r == 0) {
        jsw_arr(walk.w, "items");
        r = walk_workload(&walk, call->param[0]);
        jsw_end(walk.w);
        jsw_null(walk.w, "next");
    }
    api_finish(call, r, 200, walk.w, &err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What agents call: reports in, work out, orders answered. */
#include "base/text.h"
#include "planner/service/agent_config.h"
#include "planner/service/api.h"
#include "planner/service/db_host.h"
#include "planner/service/event.h"
#include "planner/service/host_seen.h"
#include "planner/service/hub.h"
#include "planner/service/order.h"
#include "planner/service/report.h"
#include "planner/service/service_own.h"

#include "base/banned.h"

void api_agent_report(struct api_call *call)
{
    struct report_result result = {.report_s = SERVICE_REPORT_S};
    struct jsw *w = NULL;
    struct err err = {0};
    int r;

    r = api_need_body(call, &err);
    if (r == 0)
        r = report_take(call->service, call->who, call->body, &result, &err);
    if (r == 0)
        r = api_document(call, "godwit.report-answer/1", &w, &err);
    if (r == 0)
        jsw_u64(w, "report_s", result.report_s);
    api_finish(call, r, 200, w, &err);
}

static int write_work(struct api_call *call, uint64_t after, uint64_t known, struct jsw *w,
                      bool *ret_any, struct err *err)
{
    auto_js struct js *config = NULL;
    uint64_t version = 0;
    size_t orders = 0;
    int r;

    r = agent_config_load(call->service, call->who, &config, &version, err);
    if (r < 0)
        return r;
    jsw_u64(w, "config_version", version);
    jsw_js(w, "config", version == known ? NULL : config);
    r = order_write_open(call->service, call->who, after, w, &orders, err);
    *ret_any = version != known || orders > 0;
    return r;
}

static void work_again(struct api_call *call);

static int wait_for_work(struct api_call *call, struct err *err)
{
    char topic[2 * HOST_IDENTITY_MAX];
    const uint64_t wait_ms = api_may_wait_ms(call);
    int r;

    if (wait_ms == 0)
        return 0;
    r = text_print(topic, sizeof(topic), "agent:%s", call->who);
    if (r == 0)
        r = hub_wait(call->service->hub, call, work_again, topic, wait_ms, err);
    return r < 0 ? r : 1;
}

static void answer_work(struct api_call *call)
{
    auto_jsw struct jsw *w = NULL;
    struct err err = {0};
    uint64_t after = 0, known = 0;
    bool any = false;
    int r;

    r = api_query_u64(call, "after", 0, &after, &err);
    if (r == 0)
        r = api_query_u64(call, "config", 0, &known, &err);
    if (r == 0)
        r = api_document(call, "godwit.work/1", &w, &err);
    if (r == 0)
        r = write_work(call, after, known, w, &any, &err);
    if (r == 0 && !any)
        r = wait_for_work(call, &err);
    if (r <= 0)
        api_finish(call, r, 200, TAKE(w), &err);
}

/* No poll of its own; and who was trusted when it began to wait may not be any more. */
static void work_again(struct api_call *call)
{
    struct err err = {0};
    int r = host_seen_trusted(call->service, call->who, &err);

    if (r < 0)
        api_finish(call, r, 200, NULL, &err);
    else
        answer_work(call);
}

void api_agent_work(struct api_call *call)
{
    struct err err = {0};
    int r;

    r = host_seen_poll(call->service, call->who, httpd_query(call->request, "instance"),
                       httpd_peer_address(call->request), &err);
    if (r < 0)
        api_finish(call, r, 200, NULL, &err);
    else
        answer_work(call);
}

void api_agent_order(struct api_call *call)
{
    struct jsw *w = NULL;
    struct err err = {0};
    int r;

    r = api_need_body(call, &err);
    if (r == 0)
        r = order_answer(call->service, call->who, call->param[0], call->body, &err);
    if (r == 0)
        r = api_document(call, "godwit.order-answer/1", &w, &err);
    if (r == 0)
        jsw_bool(w, "ok", true);
    api_finish(call, r, 200, w, &err);
}

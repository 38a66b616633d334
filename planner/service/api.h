/* SPDX-License-Identifier: Apache-2.0 */
/* The API's door: finds the route, checks the credential, parses the body; helpers for handlers. */
#ifndef GODWIT_PLANNER_SERVICE_API_H
#define GODWIT_PLANNER_SERVICE_API_H

#include "planner/service/service.h"

struct httpd_request;

/* A httpd_fn; arg is the struct service. */
void api_on_request(struct httpd_request *req, void *arg);
/* A httpd_error_fn; likewise. */
void api_on_error(int status, struct buf *out, void *arg);

/* A new writer with the document's root open: schema and generated_at. */
int api_document(struct api_call *call, const char *schema, struct jsw **ret, struct err *err);
/* End the root and answer; or answer with err when r is negative. Frees taken_w. */
void api_finish(struct api_call *call, int r, int status, struct jsw *taken_w,
                const struct err *err);

/* ?limit= and ?after= of a list. -EINVAL (GW_BAD_VALUE). */
struct api_page {
    uint64_t limit;
    const char *after; /* "" = from the start */
};
int api_page(struct api_call *call, struct api_page *ret, struct err *err);
/* A member of a body, or dflt when it is absent or null. -EINVAL (GW_BAD_VALUE) for anything but a
 * whole number from 0. */
int api_body_u64(const struct js *body, const char *key, uint64_t dflt, uint64_t *ret,
                 struct err *err);
/* A number of the query, or dflt when it is not there. */
int api_query_u64(struct api_call *call, const char *name, uint64_t dflt, uint64_t *ret,
                  struct err *err);
/* The body must be an object. */
int api_need_body(struct api_call *call, struct err *err);
/* Keep this answer under the request's id instead of the one that is sent: secrets are told once.
 */
int api_keep_instead(struct api_call *call, struct jsw *w, struct err *err);
/* Answer a call that made token id, of which secret is told now only; or with err. */
void api_token_answer(struct api_call *call, int r, const char *id, const char *secret,
                      struct err *err);
/* The id that makes a change one change, however often it is asked for: of the body or the query;
 * NULL when there is none. -EINVAL (GW_BAD_VALUE). */
int api_request_id(const struct api_call *call, const char **ret, struct err *err);
/* A dry run was asked for: what cannot be taken back must not be done. */
bool api_is_dry_run(const struct api_call *call);

/* Handlers, by file. */
void api_version(struct api_call *call);
void api_doctor(struct api_call *call);
void api_event_list(struct api_call *call);
void api_token_list(struct api_call *call);
void api_token_create(struct api_call *call);
void api_token_revoke(struct api_call *call);
void api_enrol(struct api_call *call);
void api_enrol_renew(struct api_call *call);
void api_agent_report(struct api_call *call);
void api_agent_work(struct api_call *call);
void api_agent_order(struct api_call *call);
void api_host_list(struct api_call *call);
void api_host_show(struct api_call *call);
void api_host_utilisation(struct api_call *call);
void api_host_delete(struct api_call *call);
void api_host_rejoin(struct api_call *call);
void api_listed_import(struct api_call *call);
void api_listed_fleet(struct api_call *call);
void api_workload_list(struct api_call *call);
void api_workload_show(struct api_call *call);
void api_workload_put(struct api_call *call);
void api_workload_delete(struct api_call *call);
void api_workload_sync(struct api_call *call);
void api_workload_verify(struct api_call *call);
void api_workload_gate(struct api_call *call);
void api_window_list(struct api_call *call);
void api_window_create(struct api_call *call);
void api_window_delete(struct api_call *call);
void api_plan_input(struct api_call *call);
void api_plan_list(struct api_call *call);
void api_plan_create(struct api_call *call);
void api_plan_show(struct api_call *call);
void api_plan_apply(struct api_call *call);
void api_status_list(struct api_call *call);
void api_status_show(struct api_call *call);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A call with what api.c and hub.c keep about it; handlers see only the struct api_call. */
#ifndef GODWIT_PLANNER_SERVICE_API_BOX_H
#define GODWIT_PLANNER_SERVICE_API_BOX_H

#include "base/buf.h"
#include "planner/service/service.h"

enum { API_PATH_MAX = 512, API_WHO_MAX = 128, API_REQUEST_ID_MAX = 64 };

struct api_box {
    struct api_call call; /* first, so that a call leads to its box */
    const struct api_route *route;
    char path[API_PATH_MAX]; /* cut into the call's params */
    char who[API_WHO_MAX];
    struct js *body;
    bool answered;
    bool in_changes; /* a transaction of API_CHANGES is open */
    bool dry_run;
    char request_id[API_REQUEST_ID_MAX]; /* "" = none */
    char what_hash[65];                  /* of method, path and body */
    struct buf kept;                     /* the answer to keep, when it is not the one sent */
    /* Long polls: */
    bool deferred;        /* httpd_defer was called */
    bool timed;           /* deadline_ms is set */
    uint64_t deadline_ms; /* monotonic */
    struct hub_wait *waiting;
};

static inline struct api_box *api_box_of(struct api_call *call)
{
    return (struct api_box *)(void *)call;
}

/* Run the handler (again); frees the box when it was answered. */
void api_box_run(struct api_box *box, api_fn handle);
void api_box_free(struct api_box *box);

#endif

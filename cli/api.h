/* SPDX-License-Identifier: Apache-2.0 */
/* The planner as the command line sees it: a context (where, which CA, which token) and requests.
 */
#ifndef GODWIT_CLI_API_H
#define GODWIT_CLI_API_H

#include "base/js.h"
#include "base/jsw.h"

#include <stdint.h>

struct api;
struct err;
struct cmd_call;
struct context;

/*
 * Connect by --server/--context/GODWIT_SERVER or the current context of the configuration.
 * -ENOENT (GW_NO_CONTEXT).
 */
int api_open(struct cmd_call *call, struct api **ret, struct err *err);
int api_open_context(struct cmd_call *call, const struct context *ctx, struct api **ret,
                     struct err *err);
void api_close(struct api *a);
static inline void api_closep(struct api **a)
{
    api_close(*a);
}
#define auto_api __attribute__((cleanup(api_closep)))

/*
 * One request; ret is the answer's document. An error answer becomes err (its GW code kept, its
 * exit through gw), and the call keeps the document itself for main to show. body NULL = none. path
 * "/v1/…", made with api_path. wait_s: how long a long poll may take on top of the usual timeout.
 */
struct api_request {
    const char *method, *path;
    struct jsw *body; /* finished here; lent */
    uint64_t wait_s;
};
int api_do(struct api *a, const struct api_request *req, struct js **ret, struct err *err);
int api_get(struct api *a, const char *path, struct js **ret, struct err *err);
/* "/v1/hosts/%s": every %s is percent-encoded. -ENAMETOOLONG, and err says so. */
enum { API_PATH_MAX = 1024 };
int api_path(char *out, struct err *err, const char *fmt, ...);
/* path, which has a query, with &after=cursor. */
int api_path_after(char *out, struct err *err, const char *path, const char *cursor);

#endif

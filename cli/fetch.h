/* SPDX-License-Identifier: Apache-2.0 */
/* The common shape of a verb that asks the planner one thing and shows the answer. */
#ifndef GODWIT_CLI_FETCH_H
#define GODWIT_CLI_FETCH_H

#include "cli/api.h"
#include "cli/cmd.h"
#include "cli/cmd_watch.h"
#include "cli/out.h"

/* A path with the verb's first argument in the place of %s. -ENAMETOOLONG (GW_BAD_VALUE). */
int fetch_path(struct cmd_call *call, const char *fmt, char out[static API_PATH_MAX],
               struct err *err);
/* Show the document that fetch makes of the planner's answers; with -w again and again. Returns an
 * exit code. ret (may be NULL) gets the document that was shown, and nothing after -w. */
int fetch_show_by(struct cmd_call *call, cmd_fetch_fn fetch, void *arg, out_view_fn view,
                  struct js **ret, struct err *err);
/* GET path and show it; with -w again and again. Returns an exit code. */
int fetch_show(struct cmd_call *call, const char *path, out_view_fn view, struct err *err);
/* The same of a list that pages: every page, as one. */
int fetch_show_list(struct cmd_call *call, const char *path, out_view_fn view, struct err *err);
/* fetch_path, then fetch_show. */
int fetch_show_arg(struct cmd_call *call, const char *fmt, out_view_fn view, struct err *err);

/* POST, PUT or DELETE with body (ended by the callee's jsw_finish; NULL = none) and show the
 * answer. --dry-run is passed on as ?dry_run. */
int fetch_change(struct cmd_call *call, const char *method, const char *path, struct jsw *body,
                 out_view_fn view, struct err *err);

#endif

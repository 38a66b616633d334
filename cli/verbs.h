/* SPDX-License-Identifier: Apache-2.0 */
/* The functions behind the rows of verbs.c; each family has a file cmd_x.c. */
#ifndef GODWIT_CLI_VERBS_H
#define GODWIT_CLI_VERBS_H

#include "cli/cmd.h"

const struct cmd *verbs_rows(size_t *ret_n);

int cmd_explain(struct cmd_call *call, struct err *err);
int cmd_help(struct cmd_call *call, struct err *err);
extern const struct opt cmd_status_opts[], cmd_switch_opts[], cmd_token_create_opts[],
    cmd_app_edit_opts[], cmd_window_opts[], cmd_op_ls_opts[], cmd_events_opts[], cmd_plan_opts[],
    cmd_plan_report_opts[], cmd_consolidate_opts[], cmd_runway_opts[], cmd_burst_opts[],
    cmd_cost_opts[], cmd_cost_rates_opts[], cmd_catalog_import_opts[], cmd_catalog_show_opts[],
    cmd_plan_explain_opts[];
int cmd_host_show(struct cmd_call *call, struct err *err);
int cmd_host_rm(struct cmd_call *call, struct err *err);
int cmd_host_rejoin(struct cmd_call *call, struct err *err);
int cmd_token_create(struct cmd_call *call, struct err *err);
int cmd_token_ls(struct cmd_call *call, struct err *err);
int cmd_token_revoke(struct cmd_call *call, struct err *err);
int cmd_app_ls(struct cmd_call *call, struct err *err);
int cmd_app_show(struct cmd_call *call, struct err *err);
int cmd_app_edit(struct cmd_call *call, struct err *err);
int cmd_app_rm(struct cmd_call *call, struct err *err);
int cmd_window_ls(struct cmd_call *call, struct err *err);
int cmd_window_add(struct cmd_call *call, struct err *err);
int cmd_window_import(struct cmd_call *call, struct err *err);
int cmd_window_rm(struct cmd_call *call, struct err *err);
int cmd_plan(struct cmd_call *call, struct err *err);
int cmd_plan_ls(struct cmd_call *call, struct err *err);
int cmd_plan_show(struct cmd_call *call, struct err *err);
int cmd_plan_explain(struct cmd_call *call, struct err *err);
int cmd_catalog_import(struct cmd_call *call, struct err *err);
int cmd_catalog_show(struct cmd_call *call, struct err *err);
int cmd_cost(struct cmd_call *call, struct err *err);
extern const struct opt cmd_assess_opts[], cmd_groups_opts[], cmd_size_opts[];
extern const struct opt cmd_host_import_opts[];
int cmd_host_import(struct cmd_call *call, struct err *err);
int cmd_assess(struct cmd_call *call, struct err *err);
int cmd_size(struct cmd_call *call, struct err *err);
int cmd_groups(struct cmd_call *call, struct err *err);
int cmd_cost_rates(struct cmd_call *call, struct err *err);
int cmd_plan_report(struct cmd_call *call, struct err *err);
int cmd_consolidate(struct cmd_call *call, struct err *err);
int cmd_runway(struct cmd_call *call, struct err *err);
int cmd_burst(struct cmd_call *call, struct err *err);
int cmd_apply(struct cmd_call *call, struct err *err);
int cmd_sync_ls(struct cmd_call *call, struct err *err);
int cmd_sync_show(struct cmd_call *call, struct err *err);
int cmd_sync_start(struct cmd_call *call, struct err *err);
int cmd_sync_pause(struct cmd_call *call, struct err *err);
int cmd_sync_resume(struct cmd_call *call, struct err *err);
int cmd_sync_limit(struct cmd_call *call, struct err *err);
int cmd_sync_resync(struct cmd_call *call, struct err *err);
int cmd_sync_verify(struct cmd_call *call, struct err *err);
int cmd_op_ls(struct cmd_call *call, struct err *err);
int cmd_op_show(struct cmd_call *call, struct err *err);
int cmd_op_attach(struct cmd_call *call, struct err *err);
int cmd_op_abort(struct cmd_call *call, struct err *err);
int cmd_op_resolve(struct cmd_call *call, struct err *err);
int cmd_events(struct cmd_call *call, struct err *err);
int cmd_doctor(struct cmd_call *call, struct err *err);
extern const struct opt cmd_demo_opts[], cmd_status_opts[], cmd_switch_opts[];
int cmd_demo(struct cmd_call *call, struct err *err);
extern const struct opt cmd_init_opts[], cmd_context_opts[], cmd_config_opts[];
int cmd_init(struct cmd_call *call, struct err *err);
int cmd_config_show(struct cmd_call *call, struct err *err);
int cmd_context_ls(struct cmd_call *call, struct err *err);
int cmd_context_add(struct cmd_call *call, struct err *err);
int cmd_context_use(struct cmd_call *call, struct err *err);
int cmd_context_rm(struct cmd_call *call, struct err *err);
int cmd_completion(struct cmd_call *call, struct err *err);
int cmd_status(struct cmd_call *call, struct err *err);
int cmd_test(struct cmd_call *call, struct err *err);
int cmd_cutover(struct cmd_call *call, struct err *err);
int cmd_rollback(struct cmd_call *call, struct err *err);
int cmd_finalize(struct cmd_call *call, struct err *err);
int cmd_host_ls(struct cmd_call *call, struct err *err);

extern const struct opt cmd_sync_limit_opts[], cmd_sync_show_opts[], cmd_replica_push_opts[],
    cmd_replica_pull_opts[], cmd_replica_digest_opts[], cmd_replica_look_opts[],
    cmd_replica_verify_opts[], cmd_replica_serve_opts[], cmd_replica_follow_opts[],
    cmd_replica_together_opts[];
int cmd_replica_push(struct cmd_call *call, struct err *err);
int cmd_replica_together(struct cmd_call *call, struct err *err);
int cmd_replica_pull(struct cmd_call *call, struct err *err);
int cmd_replica_ls(struct cmd_call *call, struct err *err);
int cmd_replica_show(struct cmd_call *call, struct err *err);
extern const struct opt cmd_store_opts[], cmd_store_usage_opts[], cmd_store_check_opts[],
    cmd_store_gc_opts[];
extern const struct opt cmd_key_add_opts[], cmd_key_ls_opts[], cmd_key_recover_opts[];
int cmd_key_add(struct cmd_call *call, struct err *err);
int cmd_key_ls(struct cmd_call *call, struct err *err);
int cmd_key_recover(struct cmd_call *call, struct err *err);
int cmd_store_show(struct cmd_call *call, struct err *err);
int cmd_store_usage(struct cmd_call *call, struct err *err);
int cmd_store_check(struct cmd_call *call, struct err *err);
int cmd_store_gc(struct cmd_call *call, struct err *err);
int cmd_replica_verify(struct cmd_call *call, struct err *err);
int cmd_replica_follow(struct cmd_call *call, struct err *err);
int cmd_replica_serve(struct cmd_call *call, struct err *err);
int cmd_replica_digest(struct cmd_call *call, struct err *err);

#endif

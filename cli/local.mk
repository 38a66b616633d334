# SPDX-License-Identifier: Apache-2.0
bin_PROGRAMS += godwit
godwit_CPPFLAGS = $(AM_CPPFLAGS) $(SMARTCOLS_CFLAGS) -DGODWIT_SBINDIR='"$(sbindir)"'
godwit_SOURCES = \
	cli/api.c cli/api.h \
	cli/catalog_arg.c cli/catalog_arg.h \
	cli/cmd.c cli/cmd.h \
	cli/cmd_app.c \
	cli/cmd_assess.c \
	cli/cmd_capacity.c \
	cli/cmd_catalog.c \
	cli/cmd_completion.c \
	cli/cmd_context.c \
	cli/cmd_cost.c \
	cli/cmd_demo.c \
	cli/cmd_doctor.c \
	cli/cmd_events.c \
	cli/cmd_groups.c \
	cli/cmd_help.c \
	cli/cmd_host.c cli/cmd_host_import.c \
	cli/cmd_init.c \
	cli/cmd_key.c \
	cli/cmd_op.c \
	cli/cmd_plan.c \
	cli/cmd_replica.c \
	cli/cmd_replica_follow.c \
	cli/cmd_replica_look.c \
	cli/cmd_replica_serve.c \
	cli/cmd_replica_together.c \
	cli/cmd_replica_verify.c \
	cli/cmd_store.c cli/cmd_store_check.c cli/cmd_store_gc.c \
	cli/store_arg.c cli/store_arg.h \
	cli/cmd_report.c \
	cli/cmd_size.c \
	cli/cmd_status.c cli/cmd_status.h \
	cli/cmd_switch.c cli/cmd_switch.h \
	cli/cmd_sync.c \
	cli/cmd_sync_show.c \
	cli/cmd_token.c \
	cli/cmd_watch.c cli/cmd_watch.h \
	cli/cmd_window.c \
	cli/columns.c cli/columns.h \
	cli/context.c cli/context.h \
	cli/cost_arg.c cli/cost_arg.h \
	cli/cost_view.c cli/cost_view.h \
	cli/demo.h \
	cli/demo_fleet.c \
	cli/demo_ledger.c cli/demo_ledger.h \
	cli/demo_place.c \
	cli/demo_proc.c \
	cli/demo_proof.c \
	cli/demo_story.c \
	cli/demo_volume.c \
	cli/estate_arg.c cli/estate_arg.h \
	cli/fetch.c cli/fetch.h \
	cli/fleet.c cli/fleet.h \
	cli/help.c cli/help.h \
	cli/key_arg.c cli/key_arg.h \
	cli/main.c \
	cli/nbd_socket.c cli/nbd_socket.h \
	cli/op_watch.c cli/op_watch.h \
	cli/out.c cli/out.h \
	cli/plan_from.c cli/plan_from.h \
	cli/plan_view.c cli/plan_view.h \
	cli/program.c cli/program.h \
	cli/progress.c cli/progress.h \
	cli/replica_arg.c cli/replica_arg.h \
	cli/replica_cost.c cli/replica_cost.h \
	cli/replica_limit.c cli/replica_limit.h \
	cli/replica_view.c cli/replica_view.h \
	cli/safe.c cli/safe.h \
	cli/slurp.c cli/slurp.h \
	cli/table.c cli/table.h \
	cli/verbs.c cli/verbs.h \
	cli/version.c \
	cli/yaml.c cli/yaml.h
godwit_LDADD = $(ENGINE_LIBS) $(TRANSPORT_LIBS) $(INVENTORY_LIBS) $(BASE_LIBS) $(SMARTCOLS_LIBS)

# The service that the demo moves: not a verb, because hooks start and stop it.
pkglibexec_PROGRAMS += godwit-demo-ledger
godwit_demo_ledger_SOURCES = cli/demo_ledger.c cli/demo_ledger.h cli/demo_ledger_main.c
godwit_demo_ledger_LDADD = $(BASE_LIBS)

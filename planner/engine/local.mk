# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libgodwit_engine.a
libgodwit_engine_a_CPPFLAGS = $(AM_CPPFLAGS) $(ICAL_CFLAGS)
# The same plan on every machine: no multiply-add where the code has a product and a sum.
libgodwit_engine_a_CFLAGS = $(AM_CFLAGS) -ffp-contract=off
libgodwit_engine_a_SOURCES = \
	planner/engine/assess.c planner/engine/assess.h \
	planner/engine/assess_facts.c planner/engine/assess_write.c \
	planner/engine/calendar.c planner/engine/calendar.h \
	planner/engine/catalogue.c planner/engine/catalogue.h \
	planner/engine/catalogue_alibaba.c \
	planner/engine/catalogue_aws.c \
	planner/engine/catalogue_azure.c \
	planner/engine/catalogue_csv.c \
	planner/engine/catalogue_gather.c planner/engine/catalogue_gather.h \
	planner/engine/catalogue_own.c \
	planner/engine/catalogue_neutral.c planner/engine/catalogue_neutral.h \
	planner/engine/catalogue_read.c planner/engine/catalogue_read.h \
	planner/engine/consolidate.c planner/engine/consolidate.h \
	planner/engine/consolidate_load.c planner/engine/consolidate_load.h \
	planner/engine/cost.c planner/engine/cost.h planner/engine/cost_model.h \
	planner/engine/cost_cloud.c planner/engine/cost_hosts.c planner/engine/cost_ledger.c \
	planner/engine/cost_rates.c planner/engine/cost_rates.h \
	planner/engine/cost_savings.c planner/engine/cost_savings.h \
	planner/engine/cost_sets.c planner/engine/cost_shapes.c planner/engine/cost_site.c \
	planner/engine/cost_terms.c planner/engine/cost_way.c planner/engine/cost_when.c \
	planner/engine/cost_write.c \
	planner/engine/estate.c planner/engine/estate.h planner/engine/estate_priv.h \
	planner/engine/estate_doc.h planner/engine/estate_read.c planner/engine/estate_write.c \
	planner/engine/estate_export.c \
	planner/engine/estate_field.c \
	planner/engine/estate_group.c planner/engine/estate_group.h planner/engine/estate_group_write.c \
	planner/engine/estate_grouped.c planner/engine/estate_grouped.h \
	planner/engine/estate_index.c planner/engine/estate_index.h \
	planner/engine/estate_plan.c planner/engine/estate_plan.h \
	planner/engine/estate_series.c planner/engine/estate_series.h \
	planner/engine/estate_settle.c \
	planner/engine/estate_size.c planner/engine/estate_size.h \
	planner/engine/estate_usage.c \
	planner/engine/graph.c planner/engine/graph.h \
	planner/engine/group.c planner/engine/group.h \
	planner/engine/group_part.c planner/engine/group_part.h \
	planner/engine/host_fit.c planner/engine/host_fit.h \
	planner/engine/html.c planner/engine/html.h \
	planner/engine/hub.c planner/engine/hub.h \
	planner/engine/import.c planner/engine/import.h planner/engine/import_priv.h \
	planner/engine/import_ansible.c \
	planner/engine/import_aws.c \
	planner/engine/import_azure.c \
	planner/engine/import_cell.c \
	planner/engine/import_center.c \
	planner/engine/import_godwit.c \
	planner/engine/import_plain.c \
	planner/engine/import_prometheus.c \
	planner/engine/import_rvtools.c \
	planner/engine/import_table.c \
	planner/engine/import_xlsx.c planner/engine/import_xlsx.h \
	planner/engine/import_zip.c planner/engine/import_zip.h \
	planner/engine/leiden.c planner/engine/leiden.h \
	planner/engine/money.c planner/engine/money.h \
	planner/engine/plan.c planner/engine/plan.h \
	planner/engine/plan_compare.c \
	planner/engine/plan_diff.c planner/engine/plan_diff.h \
	planner/engine/plan_model.h \
	planner/engine/plan_names.c planner/engine/plan_names.h \
	planner/engine/plan_optimise.c \
	planner/engine/plan_policy.c \
	planner/engine/plan_read.c \
	planner/engine/plan_time.c \
	planner/engine/plan_wave.c \
	planner/engine/plan_write.c \
	planner/engine/burst.c planner/engine/burst.h \
	planner/engine/replicas.c planner/engine/replicas.h \
	planner/engine/report.c planner/engine/report.h \
	planner/engine/report_cost.c planner/engine/report_gantt.c planner/engine/report_map.c \
	planner/engine/role.c planner/engine/role.h \
	planner/engine/runway.c planner/engine/runway.h \
	planner/engine/shape.c planner/engine/shape.h \
	planner/engine/share.c planner/engine/share.h \
	planner/engine/size.c planner/engine/size.h \
	planner/engine/software.c planner/engine/software.h \
	planner/engine/span.c planner/engine/span.h \
	planner/engine/wave.c planner/engine/wave.h \
	planner/engine/wave_anneal.c planner/engine/wave_anneal.h \
	planner/engine/wave_bound.c planner/engine/wave_bound.h \
	planner/engine/wave_check.c planner/engine/wave_check.h \
	planner/engine/wave_conflict.c planner/engine/wave_conflict.h \
	planner/engine/wave_cut.c planner/engine/wave_cut.h \
	planner/engine/wave_domain.c planner/engine/wave_domain.h \
	planner/engine/wave_exact.c planner/engine/wave_exact.h \
	planner/engine/wave_index.c planner/engine/wave_index.h \
	planner/engine/wave_layers.c planner/engine/wave_layers.h \
	planner/engine/wave_link.c planner/engine/wave_link.h \
	planner/engine/wave_line.c planner/engine/wave_merge.c planner/engine/wave_rank.c planner/engine/wave_line.h planner/engine/wave_merge.h planner/engine/wave_rank.h \
	planner/engine/wave_random.h \
	planner/engine/wave_solve.c planner/engine/wave_solve.h \
	planner/engine/wave_state.c planner/engine/wave_state.h

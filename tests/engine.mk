# SPDX-License-Identifier: Apache-2.0
if HAVE_CMOCKA
c_tests += unit_assess
unit_assess_SOURCES = tests/unit_assess.c
unit_assess_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_calendar
unit_calendar_SOURCES = tests/unit_calendar.c
unit_calendar_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_catalogue
unit_catalogue_SOURCES = tests/unit_catalogue.c
unit_catalogue_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_estate
unit_estate_SOURCES = tests/unit_estate.c
unit_estate_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_catalogue_read
unit_catalogue_read_SOURCES = tests/unit_catalogue_read.c
unit_catalogue_read_LDADD = $(ENGINE_TEST_LIBS)
c_tests += fuzz_catalogue
fuzz_catalogue_SOURCES = tests/fuzz_catalogue.c
fuzz_catalogue_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_cost
unit_cost_SOURCES = tests/unit_cost.c
unit_cost_LDADD = $(ENGINE_TEST_LIBS)
c_tests += fuzz_import
fuzz_import_SOURCES = tests/fuzz_import.c
fuzz_import_LDADD = $(ENGINE_TEST_LIBS)
c_tests += fuzz_rates
fuzz_rates_SOURCES = tests/fuzz_rates.c
fuzz_rates_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_group
unit_group_SOURCES = tests/unit_group.c
unit_group_LDADD = $(ENGINE_TEST_LIBS) -lm
c_tests += unit_import
unit_import_SOURCES = tests/unit_import.c tests/import_fixture.h
unit_import_LDADD = $(ENGINE_TEST_LIBS)

c_tests += unit_import_rows
unit_import_rows_SOURCES = tests/unit_import_rows.c
unit_import_rows_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_share
unit_share_SOURCES = tests/unit_share.c
unit_share_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_html
unit_html_SOURCES = tests/unit_html.c
unit_html_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_plan
unit_plan_SOURCES = tests/unit_plan.c tests/plan_fixture.h
unit_plan_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_plan_time
unit_plan_time_SOURCES = tests/unit_plan_time.c tests/plan_fixture.h
unit_plan_time_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_plan_diff
unit_plan_diff_SOURCES = tests/unit_plan_diff.c tests/plan_fixture.h
unit_plan_diff_LDADD = $(ENGINE_TEST_LIBS)

c_tests += unit_plan_policy
unit_plan_policy_SOURCES = tests/unit_plan_policy.c tests/plan_fixture.h
unit_plan_policy_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_plan_many
unit_plan_many_SOURCES = tests/unit_plan_many.c
unit_plan_many_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_role
unit_role_SOURCES = tests/unit_role.c
unit_role_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_size
unit_size_SOURCES = tests/unit_size.c
unit_size_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_wave
unit_wave_SOURCES = tests/unit_wave.c
unit_wave_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_wave_line
unit_wave_line_SOURCES = tests/unit_wave_line.c
unit_wave_line_LDADD = $(ENGINE_TEST_LIBS)

c_tests += unit_wave_link
unit_wave_link_SOURCES = tests/unit_wave_link.c
unit_wave_link_LDADD = $(ENGINE_TEST_LIBS)
endif
EXTRA_DIST += tests/wave_random_problem.h tests/data/fuzz_catalogue tests/data/fuzz_rates tests/made_estate.py tests/bench/report_prices.csv
EXTRA_DIST += tests/data/fuzz_import tests/wave_random_problem.h tests/data/fuzz_catalogue

check_PROGRAMS += bench_waves
bench_waves_SOURCES = tests/bench/bench_waves.c tests/bench/wave_read.c tests/bench/wave_read.h
bench_waves_LDADD = $(ENGINE_LIBS) $(BASE_LIBS)
check_PROGRAMS += bench_groups
bench_groups_SOURCES = tests/bench/bench_groups.c
bench_groups_LDADD = $(ENGINE_LIBS) $(BASE_LIBS)
check_PROGRAMS += bench_roles
bench_roles_SOURCES = tests/bench/bench_roles.c
bench_roles_LDADD = $(ENGINE_LIBS) $(BASE_LIBS)
check_PROGRAMS += bench_share
bench_share_SOURCES = tests/bench/bench_share.c tests/bench/series_read.c tests/bench/series_read.h
bench_share_LDADD = $(ENGINE_LIBS) $(INVENTORY_LIBS) $(BASE_LIBS)
check_PROGRAMS += bench_sizing
bench_sizing_SOURCES = tests/bench/bench_sizing.c tests/bench/series_read.c \
	tests/bench/series_read.h tests/bench/shape_rules.c tests/bench/shape_rules.h
bench_sizing_LDADD = $(ENGINE_LIBS) $(INVENTORY_LIBS) $(BASE_LIBS)

# What the planner is worth, in numbers: a target for each part of the table. Instances lie outside
# the tree: make bench-planner WAVES=DIR, with files w_HOSTS_WAVES.txt. Traces and prices do too:
# TRACES=DIR, with the folders planetlab, bitbrains, cisco and prices; without it, those rows are left out.
bench-planner: bench-planner-waves bench-planner-sizing bench-planner-groups bench-planner-share
bench-planner-share: bench_share
	@test -z "$(TRACES)" || ./bench_share planetlab "$(TRACES)/planetlab"
	@test -z "$(TRACES)" || ./bench_share bitbrains "$(TRACES)/bitbrains"
bench-planner-groups: bench_groups bench_roles
	@test -z "$(TRACES)" || ./bench_roles "$(TRACES)/cisco/g21"
	@for a in '1000' '10000' '10000 50' '10000 50 50' '100000'; do ./bench_groups $$a || exit 1; done
bench-planner-sizing: bench_sizing
	@test -z "$(TRACES)" || ./bench_sizing planetlab "$(TRACES)/planetlab"
	@test -z "$(TRACES)" || \
		./bench_sizing bitbrains "$(TRACES)/bitbrains" "$(TRACES)/prices/alibaba_ecs_ondemand.csv"
bench-planner-waves: bench_waves
	@test -n "$(WAVES)" || { echo 'bench-planner: say WAVES=DIR' >&2; exit 1; }
	@printf '%s\n' 'waves: objective, bound, gap, time'
	@for f in "$(WAVES)"/w_*.txt; do \
		printf '%-16s ' "$${f##*/}"; ./bench_waves "$$f" 2>&1 >/dev/null || exit 1; \
	done

# 10,000 hosts from a list to a page, within a minute.
bench-report: all
	@$(AM_TESTS_ENVIRONMENT) bash $(srcdir)/tests/cli_report.sh 10000

# Random problems against every plan there is: a few in check, these here.
soak-waves: unit_wave
	./unit_wave 100000
.PHONY: bench-report bench-planner bench-planner-groups bench-planner-share bench-planner-sizing bench-planner-waves soak-waves

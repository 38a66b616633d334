# SPDX-License-Identifier: Apache-2.0
# What all tests share. To add one, in tests/<room>.mk:
#
#   a C test       if HAVE_CMOCKA
#                  c_tests += unit_x
#                  unit_x_SOURCES = tests/unit_x.c
#                  unit_x_LDADD = $(BASE_TEST_LIBS)
#                  endif
#   a shell test   sh_tests += tests/cli_x.sh
#                  (long_tests when it takes more than 20 seconds: make check-times)
#   a helper       check_PROGRAMS += tool_x (with _SOURCES and _LDADD); it is built, not run
#
# Programs are built at the top of the build directory, which comes first in the PATH of tests.
# A room's tests link that room and those below it, never one above.

c_tests =
sh_tests =
long_tests =
check_PROGRAMS += $(c_tests)
dist_check_SCRIPTS += $(long_tests) $(sh_tests)
# The long ones begin first: at the end the others would wait for them.
TESTS += $(long_tests) $(c_tests) $(sh_tests)
EXTRA_DIST += tests/alloc.h tests/unit.h

TEST_EXTENSIONS = .sh
LOG_COMPILER = bash $(srcdir)/tests/timed.sh
SH_LOG_COMPILER = bash $(srcdir)/tests/timed.sh bash
EXTRA_DIST += tests/timed.sh
CLEANFILES += check.times

# What each test took when it ran last, the longest first: seconds of wall clock, and of the CPU in
# the program and in the kernel.
check-times:
	@awk '{ took[$$4] = $$0 } END { for (test in took) print took[test] }' check.times | sort -rn
.PHONY: check-times

BASE_TEST_LIBS = $(BASE_LIBS) $(CMOCKA_LIBS)
INVENTORY_TEST_LIBS = $(INVENTORY_LIBS) $(BASE_TEST_LIBS)
TRANSPORT_TEST_LIBS = $(TRANSPORT_LIBS) $(BASE_TEST_LIBS)
ENGINE_TEST_LIBS = $(ENGINE_LIBS) $(INVENTORY_TEST_LIBS)
SERVICE_TEST_LIBS = $(SERVICE_LIBS) $(TRANSPORT_LIBS) $(ENGINE_TEST_LIBS)

# Set for every test. GODWIT_TEST_SANITIZED, GODWIT_TEST_FAILPOINTS and GODWIT_TEST_WHOLE are "yes" or "".
AM_TESTS_ENVIRONMENT = \
	abs_top_srcdir='$(abs_top_srcdir)'; export abs_top_srcdir; \
	abs_top_builddir='$(abs_top_builddir)'; export abs_top_builddir; \
	PATH="$(abs_top_builddir):$$PATH"; export PATH; \
	CC='$(CC)'; export CC; \
	LC_ALL=C.UTF-8; export LC_ALL; \
	ASAN_OPTIONS=detect_stack_use_after_return=1:max_uar_stack_size_log=16:strict_string_checks=1; export ASAN_OPTIONS; \
	UBSAN_OPTIONS=print_stacktrace=1; export UBSAN_OPTIONS; \
	$(tests_switches)

# make check tests_whole=yes: the analyzers (clang-tidy, gcc's, cppcheck, valgrind) read every room.
tests_whole =

if SANITIZERS
tests_sanitized = yes
endif
if FAILPOINTS
tests_failpoints = yes
endif
tests_switches = \
	GODWIT_TEST_SANITIZED='$(tests_sanitized)'; export GODWIT_TEST_SANITIZED; \
	GODWIT_TEST_FAILPOINTS='$(tests_failpoints)'; export GODWIT_TEST_FAILPOINTS; \
	GODWIT_TEST_WHOLE='$(tests_whole)'; export GODWIT_TEST_WHOLE;

# All that a test may run. `all` is a make of its own: beside it the programs of the tests would make
# the same libraries at the same time, so they come after it.
build-checks: all
	@$(MAKE) $(AM_MAKEFLAGS) $(check_PROGRAMS)
.PHONY: build-checks

# ./quickstart check builds two trees, and each test runs in one of them. Under the sanitizers, the C
# tests whose name does not begin with fault_: those let memory run out, which a sanitizer does not
# survive, or repeat one story so often that only the plain build is quick enough. All others there.
sanitized_tests = $(filter-out fault_%,$(c_tests))
plain_tests = $(filter-out $(sanitized_tests),$(TESTS))
sanitized_programs = $(sanitized_tests) tool_proxy tool_s3
plain_programs = $(filter-out $(sanitized_tests),$(check_PROGRAMS:$(EXEEXT)=))
build-plain: all
	@$(MAKE) $(AM_MAKEFLAGS) $(plain_programs)
check-plain: build-plain
	@$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(plain_tests)' check_PROGRAMS='$(plain_programs)'
build-sanitized: $(sanitized_programs)
check-sanitized: build-sanitized
	@$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(sanitized_tests)' check_PROGRAMS='$(sanitized_programs)'
.PHONY: build-plain check-plain build-sanitized check-sanitized

# Every C test under the sanitizers, fault_ included, in a tree within this one.
check-sanitize:
	@$(MKDIR_P) sanitize
	@cd sanitize && { test -f Makefile || '$(abs_top_srcdir)'/configure -q --enable-failpoints \
		--enable-sanitizers=address,undefined; }
	@cd sanitize && $(MAKE) $(AM_MAKEFLAGS) check TESTS='$$(c_tests)' check_PROGRAMS='$$(c_tests) tool_proxy tool_s3'
.PHONY: check-sanitize

# The whole story: its unhappy paths, and under kill -9 (a few rounds in check, 2,000 in check-soak).
long_tests += tests/flow_switch.sh tests/flow_kill.sh
sh_tests += tests/flow_volumes.sh
EXTRA_DIST += tests/story.sh tests/own_mounts.sh
check-soak: build-checks check-faults check-sanitize
	$(AM_TESTS_ENVIRONMENT) bash $(srcdir)/tests/lint_analyzer.sh all
	$(AM_TESTS_ENVIRONMENT) bash $(srcdir)/tests/flow_kill.sh 2000
.PHONY: check-soak

# What the analyzers need to see the code as the compiler does: one word a line.
list-cppflags:
	@printf '%s\n' -std=gnu17 -I. $(DEFS) $(libgodwit_base_a_CPPFLAGS) \
		$(libgodwit_inventory_a_CPPFLAGS) $(libgodwit_transport_a_CPPFLAGS) \
		$(libgodwit_engine_a_CPPFLAGS) $(godwit_CPPFLAGS)
.PHONY: list-cppflags

# The data mover against its peers, on this machine; tests/bench/bench.sh says what can be chosen.
check_PROGRAMS += bench_account bench_data
bench_account_SOURCES = tests/bench/bench_account.c
bench_account_LDADD = $(BASE_LIBS)
bench_data_SOURCES = tests/bench/bench_data.c
bench_data_LDADD = $(BASE_LIBS)
dist_check_SCRIPTS += tests/bench/bench.sh tests/bench/render.py
EXTRA_DIST += tests/bench/prices.csv tests/bench/record.sh tests/bench/s3.sh tests/bench/volume.sh \
	tests/bench/with/borg.sh tests/bench/with/casync.sh tests/bench/with/godwit.sh \
	tests/bench/with/limits.sh tests/bench/with/nbdcopy.sh tests/bench/with/rclone.sh \
	tests/bench/with/restic.sh tests/bench/with/rsync.sh
bench: godwit bench_account bench_data
	@$(AM_TESTS_ENVIRONMENT) BENCH_OUT='$(BENCH_OUT)' BENCH_PAGE='$(BENCH_PAGE)' bash $(srcdir)/tests/bench/bench.sh
# The page's own tables, in a quarter of an hour on a machine that does nothing else.
bench-page:
	@GODWIT_BENCH_MINUTES=$${GODWIT_BENCH_MINUTES:-13} GODWIT_BENCH_STORES="$${GODWIT_BENCH_STORES:-local https}" \
		$(MAKE) --no-print-directory bench BENCH_OUT=bench.json BENCH_PAGE=$(srcdir)/docs/performance.md
bench-quick:
	@GODWIT_BENCH_SIZE=$${GODWIT_BENCH_SIZE:-256} GODWIT_BENCH_REPEAT=$${GODWIT_BENCH_REPEAT:-1} \
		$(MAKE) --no-print-directory bench

# What scattered passes cost a restore, and what compaction makes of it: docs/vault-care.md has the table.
dist_check_SCRIPTS += tests/bench/scatter.sh
bench-scatter: godwit tool_s3 tool_proxy
	@$(AM_TESTS_ENVIRONMENT) bash $(srcdir)/tests/bench/scatter.sh $(SHARES)
.PHONY: bench-scatter
# Tracked and not, so many times, in slices side by side.
dist_check_SCRIPTS += tests/bench/track.sh
PAIRS = 100
bench-track: tool_track
	@$(AM_TESTS_ENVIRONMENT) bash $(srcdir)/tests/bench/track.sh $(PAIRS)
.PHONY: bench-track
# A device of which 1% changes, beside restic, borg and rsync.
dist_check_SCRIPTS += tests/bench/device.sh
GIB = 8
TURNS = 2
bench-device: godwit tool_track bench_account bench_data
	@$(AM_TESTS_ENVIRONMENT) bash $(srcdir)/tests/bench/device.sh $(GIB) $(TURNS)
.PHONY: bench-device

# What takes a kernel and disks of its own, in virtual machines; tests/own_guest.sh says how they are started.
VM_TESTS = vm_track vm_lvm vm_points
EXTRA_DIST += tests/own_guest.sh tests/starter.sh $(VM_TESTS:%=tests/%.sh)
check-vm: all
	@$(MAKE) $(AM_MAKEFLAGS) tool_track
	@for test in $(VM_TESTS); do \
		echo "== $$test"; \
		$(AM_TESTS_ENVIRONMENT) bash $(srcdir)/tests/$$test.sh; \
		case $$? in 0 | 77) ;; *) exit 1 ;; esac; \
	done
.PHONY: bench bench-page bench-quick check-vm

# libFuzzer over every parser of outside bytes, FUZZ_SECONDS each; FUZZ_TARGETS chooses.
fuzz:
	@$(AM_TESTS_ENVIRONMENT) bash $(srcdir)/tests/fuzz.sh $(FUZZ_TARGETS)
EXTRA_DIST += tests/fuzz.sh
.PHONY: fuzz

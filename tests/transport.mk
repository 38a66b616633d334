# SPDX-License-Identifier: Apache-2.0
if HAVE_CMOCKA
EXTRA_DIST += tests/s3_fixture.h tests/s3_server.h tests/data/fuzz_s3_cred tests/data/fuzz_s3_reply
c_tests += contract_store contract_track contract_volume fault_s3 fault_s3_place fault_s3_sts fault_store_alloc fault_store_file fuzz_s3_cred fuzz_s3_reply unit_progress_rate unit_rate unit_rate_table unit_s3_cred unit_s3_sign unit_s3_xml unit_spent unit_store_gate
unit_spent_SOURCES = tests/unit_spent.c tests/replica_place.h
unit_spent_LDADD = $(TRANSPORT_TEST_LIBS)
unit_store_gate_SOURCES = tests/unit_store_gate.c
unit_store_gate_LDADD = $(TRANSPORT_TEST_LIBS)
contract_store_SOURCES = tests/contract_store.c
contract_store_LDADD = $(TRANSPORT_TEST_LIBS)
contract_track_SOURCES = tests/contract_track.c tests/loop_device.h tests/nbd_server.h
contract_track_LDADD = $(TRANSPORT_TEST_LIBS)
contract_volume_SOURCES = tests/contract_volume.c tests/file_holder.h tests/nbd_server.h tests/volume_place.h
contract_volume_LDADD = $(TRANSPORT_TEST_LIBS)
fault_s3_SOURCES = tests/fault_s3.c
fault_s3_LDADD = $(TRANSPORT_TEST_LIBS)
fault_s3_place_SOURCES = tests/fault_s3_place.c
fault_s3_place_LDADD = $(TRANSPORT_TEST_LIBS)
fault_s3_sts_SOURCES = tests/fault_s3_sts.c tests/tool_s3_auth.c tests/tool_s3_auth.h
fault_s3_sts_LDADD = $(TRANSPORT_TEST_LIBS)
fault_store_alloc_SOURCES = tests/fault_store_alloc.c
fault_store_alloc_LDADD = $(TRANSPORT_TEST_LIBS)
fault_store_file_SOURCES = tests/fault_store_file.c
fault_store_file_LDADD = $(TRANSPORT_TEST_LIBS)
fuzz_s3_cred_SOURCES = tests/fuzz_s3_cred.c
fuzz_s3_cred_LDADD = $(TRANSPORT_TEST_LIBS)
fuzz_s3_reply_SOURCES = tests/fuzz_s3_reply.c
fuzz_s3_reply_LDADD = $(TRANSPORT_TEST_LIBS)
unit_progress_rate_SOURCES = tests/unit_progress_rate.c
unit_progress_rate_LDADD = $(TRANSPORT_TEST_LIBS)
unit_rate_SOURCES = tests/unit_rate.c
unit_rate_LDADD = $(TRANSPORT_TEST_LIBS)
unit_rate_table_SOURCES = tests/unit_rate_table.c
unit_rate_table_LDADD = $(TRANSPORT_TEST_LIBS)
unit_s3_cred_SOURCES = tests/unit_s3_cred.c
unit_s3_cred_LDADD = $(TRANSPORT_TEST_LIBS)
unit_s3_sign_SOURCES = tests/unit_s3_sign.c
unit_s3_sign_LDADD = $(TRANSPORT_TEST_LIBS)
unit_s3_xml_SOURCES = tests/unit_s3_xml.c
unit_s3_xml_LDADD = $(TRANSPORT_TEST_LIBS)
endif

check_PROGRAMS += store_bench
store_bench_SOURCES = tests/bench/store_bench.c
store_bench_LDADD = $(TRANSPORT_LIBS) $(BASE_LIBS)

# Real services: a short case in check, every combination in check-s3.
long_tests += tests/fault_resume.sh
sh_tests += tests/fault_cli.sh tests/fault_pushers.sh tests/flow_ceph.sh tests/flow_http2.sh tests/flow_swift.sh
EXTRA_DIST += tests/tls_front.py
if HAVE_CMOCKA
tests/flow_ceph.log tests/flow_swift.log: contract_store
endif
EXTRA_DIST += tests/s3_common.sh tests/s3_service.sh
check-s3: build-checks
	@$(AM_TESTS_ENVIRONMENT) FLOW_CEPH=all bash $(srcdir)/tests/flow_ceph.sh
	@$(AM_TESTS_ENVIRONMENT) bash $(srcdir)/tests/flow_swift.sh
.PHONY: check-s3

# A service that is strict, and a proxy in front of it that damages what passes: schedules of faults,
# a few dozen in check, a thousand in check-faults.
check_PROGRAMS += tool_s3 tool_proxy
tool_s3_SOURCES = tests/tool_s3.c tests/tool_s3_auth.c tests/tool_s3_auth.h tests/tool_s3_objects.c \
	tests/tool_s3_objects.h
tool_s3_LDADD = $(BASE_LIBS)
tool_proxy_SOURCES = tests/tool_proxy.c tests/tool_proxy_plan.c tests/tool_proxy_plan.h
tool_proxy_LDADD = $(BASE_LIBS)
if HAVE_CMOCKA
c_tests += fault_s3_schedules
fault_s3_schedules_SOURCES = tests/fault_s3_schedules.c tests/s3_story.c tests/s3_story.h \
	tests/replica_place.h
fault_s3_schedules_LDADD = $(TRANSPORT_TEST_LIBS)
endif
check-faults: build-checks
	@$(AM_TESTS_ENVIRONMENT) GODWIT_SCHEDULES=1000 ./fault_s3_schedules
.PHONY: check-faults

# The data path.
check_PROGRAMS += tool_digest
tool_digest_SOURCES = tests/tool_digest.c
tool_digest_LDADD = $(TRANSPORT_LIBS) $(BASE_LIBS)
sh_tests += tests/fault_memory.sh tests/fault_pull_place.sh tests/flow_digest.sh tests/flow_requests.sh
EXTRA_DIST += tests/volume_digest.py
if HAVE_CMOCKA
EXTRA_DIST += tests/data/fuzz_state
c_tests += fault_compact fault_made fault_replica fault_unreadable fuzz_state unit_digest unit_gaps unit_gather unit_ledger unit_packrows unit_packs unit_push_tracked unit_replica unit_replica_altered unit_replica_damage \
	unit_replica_sides unit_state unit_table unit_tags unit_unit_cache
fault_unreadable_SOURCES = tests/fault_unreadable.c tests/replica_place.h
fault_unreadable_LDADD = $(TRANSPORT_TEST_LIBS)
unit_gaps_SOURCES = tests/unit_gaps.c
unit_gaps_LDADD = $(TRANSPORT_TEST_LIBS)
unit_unit_cache_SOURCES = tests/unit_unit_cache.c
unit_unit_cache_LDADD = $(TRANSPORT_TEST_LIBS)
fault_replica_SOURCES = tests/fault_replica.c tests/replica_place.h
fault_replica_LDADD = $(TRANSPORT_TEST_LIBS)
fuzz_state_SOURCES = tests/fuzz_state.c
fuzz_state_LDADD = $(TRANSPORT_TEST_LIBS)
unit_digest_SOURCES = tests/unit_digest.c
unit_digest_LDADD = $(TRANSPORT_TEST_LIBS)
fault_compact_SOURCES = tests/fault_compact.c tests/replica_place.h
fault_compact_LDADD = $(TRANSPORT_TEST_LIBS)
fault_made_SOURCES = tests/fault_made.c tests/replica_place.h
fault_made_LDADD = $(TRANSPORT_TEST_LIBS)
unit_gather_SOURCES = tests/unit_gather.c tests/page_fixture.h
unit_gather_LDADD = $(TRANSPORT_TEST_LIBS)
unit_ledger_SOURCES = tests/unit_ledger.c
unit_ledger_LDADD = $(TRANSPORT_TEST_LIBS)
unit_packrows_SOURCES = tests/unit_packrows.c
unit_packrows_LDADD = $(TRANSPORT_TEST_LIBS)
unit_packs_SOURCES = tests/unit_packs.c
unit_packs_LDADD = $(TRANSPORT_TEST_LIBS)
unit_push_tracked_SOURCES = tests/unit_push_tracked.c tests/replica_place.h
unit_push_tracked_LDADD = $(TRANSPORT_TEST_LIBS)
unit_replica_SOURCES = tests/unit_replica.c tests/replica_place.h
unit_replica_LDADD = $(TRANSPORT_TEST_LIBS)
unit_replica_altered_SOURCES = tests/unit_replica_altered.c tests/replica_place.h
unit_replica_altered_LDADD = $(TRANSPORT_TEST_LIBS)
unit_replica_damage_SOURCES = tests/unit_replica_damage.c tests/replica_place.h
unit_replica_damage_LDADD = $(TRANSPORT_TEST_LIBS)
unit_replica_sides_SOURCES = tests/unit_replica_sides.c tests/loop_device.h tests/replica_place.h
unit_replica_sides_LDADD = $(TRANSPORT_TEST_LIBS)
unit_state_SOURCES = tests/unit_state.c
unit_state_LDADD = $(TRANSPORT_TEST_LIBS)
unit_table_SOURCES = tests/unit_table.c
unit_table_LDADD = $(TRANSPORT_TEST_LIBS)
unit_tags_SOURCES = tests/unit_tags.c
unit_tags_LDADD = $(TRANSPORT_TEST_LIBS)
endif

# Vault format 1.
EXTRA_DIST += tests/fuzz.h tests/page_fixture.h tests/read_vault.py tests/vault_fixture.h \
	tests/data/fuzz_control tests/data/fuzz_key tests/data/fuzz_pack tests/data/fuzz_page \
	tests/data/fuzz_point
if HAVE_CMOCKA
c_tests += fault_create_only unit_control unit_pack unit_page unit_page_chain unit_pagedir unit_point unit_seal unit_vault
unit_seal_SOURCES = tests/unit_seal.c
unit_seal_LDADD = $(TRANSPORT_TEST_LIBS)
fault_create_only_SOURCES = tests/fault_create_only.c
fault_create_only_LDADD = $(TRANSPORT_TEST_LIBS)
unit_control_SOURCES = tests/unit_control.c
unit_control_LDADD = $(TRANSPORT_TEST_LIBS)
c_tests += fuzz_control fuzz_key fuzz_pack fuzz_page fuzz_point
fuzz_control_SOURCES = tests/fuzz_control.c
fuzz_control_LDADD = $(TRANSPORT_TEST_LIBS)
fuzz_key_SOURCES = tests/fuzz_key.c
fuzz_key_LDADD = $(TRANSPORT_TEST_LIBS)
fuzz_pack_SOURCES = tests/fuzz_pack.c
fuzz_pack_LDADD = $(TRANSPORT_TEST_LIBS)
fuzz_page_SOURCES = tests/fuzz_page.c
fuzz_page_LDADD = $(TRANSPORT_TEST_LIBS)
fuzz_point_SOURCES = tests/fuzz_point.c
fuzz_point_LDADD = $(TRANSPORT_TEST_LIBS)
check_PROGRAMS += tool_vault
tool_vault_SOURCES = tests/tool_vault.c
tool_vault_LDADD = $(TRANSPORT_TEST_LIBS)
sh_tests += tests/flow_formats.sh
unit_vault_SOURCES = tests/unit_vault.c
unit_vault_LDADD = $(TRANSPORT_TEST_LIBS)
unit_page_chain_SOURCES = tests/unit_page_chain.c
unit_page_chain_LDADD = $(TRANSPORT_TEST_LIBS)
unit_pagedir_SOURCES = tests/unit_pagedir.c
unit_pagedir_LDADD = $(TRANSPORT_TEST_LIBS)
unit_page_SOURCES = tests/unit_page.c
unit_page_LDADD = $(TRANSPORT_TEST_LIBS)
unit_point_SOURCES = tests/unit_point.c
unit_point_LDADD = $(TRANSPORT_TEST_LIBS)
unit_pack_SOURCES = tests/unit_pack.c
unit_pack_LDADD = $(TRANSPORT_TEST_LIBS)
endif

# Care of a vault.
EXTRA_DIST += tests/data/fuzz_age tests/data/fuzz_care
if HAVE_CMOCKA
c_tests += fault_gc fuzz_age fuzz_care unit_age unit_care_log unit_gc_damage unit_retain
unit_care_log_SOURCES = tests/unit_care_log.c
unit_care_log_LDADD = $(TRANSPORT_TEST_LIBS)
fuzz_care_SOURCES = tests/fuzz_care.c
fuzz_care_LDADD = $(TRANSPORT_TEST_LIBS)
fuzz_age_SOURCES = tests/fuzz_age.c
fuzz_age_LDADD = $(TRANSPORT_TEST_LIBS)
unit_age_SOURCES = tests/unit_age.c
unit_age_LDADD = $(TRANSPORT_TEST_LIBS)
fault_gc_SOURCES = tests/fault_gc.c tests/replica_place.h
fault_gc_LDADD = $(TRANSPORT_TEST_LIBS)
unit_gc_damage_SOURCES = tests/unit_gc_damage.c tests/replica_place.h
unit_gc_damage_LDADD = $(TRANSPORT_TEST_LIBS)
unit_retain_SOURCES = tests/unit_retain.c
unit_retain_LDADD = $(TRANSPORT_TEST_LIBS)
endif

# Change tracking in the kernel: a few rounds in check, ROUNDS of them in check-track.
check_PROGRAMS += tool_track
tool_track_SOURCES = tests/tool_track.c
tool_track_LDADD = $(TRANSPORT_LIBS) $(BASE_LIBS)
long_tests += tests/flow_track_ebpf.sh tests/flow_track_tracefs.sh
EXTRA_DIST += tests/track_rounds.sh
sh_tests += tests/flow_track_auto.sh tests/flow_track_dm.sh tests/flow_track_nbd.sh tests/flow_scrub.sh tests/flow_snapshot.sh tests/flow_unreadable.sh tests/flow_volume_changes.sh
EXTRA_DIST += tests/fsx.py
# In slices, each of which says how it is repeated; one that was stopped goes on with FIRST.
ROUNDS = 1000
SEED = 28
FIRST = 1
SLICE = 40
TRACKER = ebpf
check-track: build-checks
	@$(AM_TESTS_ENVIRONMENT) for n in `seq $(FIRST) $(SLICE) $(ROUNDS)`; do \
		bash $(srcdir)/tests/flow_track_$(TRACKER).sh $(SLICE) $(SEED) $$n || exit; \
	done
.PHONY: check-track
if HAVE_CMOCKA
c_tests += unit_dm_table unit_trace_ring unit_track_doubts unit_track_map
unit_trace_ring_SOURCES = tests/unit_trace_ring.c
unit_trace_ring_LDADD = $(TRANSPORT_TEST_LIBS)
unit_dm_table_SOURCES = tests/unit_dm_table.c
unit_dm_table_LDADD = $(TRANSPORT_TEST_LIBS)
unit_track_doubts_SOURCES = tests/unit_track_doubts.c
unit_track_doubts_LDADD = $(TRANSPORT_TEST_LIBS)
unit_track_map_SOURCES = tests/unit_track_map.c
unit_track_map_LDADD = $(TRANSPORT_TEST_LIBS)
endif

# Consistent points: a few rounds in check, POINTS_ROUNDS of them in check-points.
long_tests += tests/flow_points.sh
EXTRA_DIST += tests/points_postgres.sh tests/points_sqlite.sh tests/points_writer.py
POINTS_ROUNDS = 50
check-points: build-checks
	@$(AM_TESTS_ENVIRONMENT) bash $(srcdir)/tests/flow_points.sh $(POINTS_ROUNDS) sqlite
	@$(AM_TESTS_ENVIRONMENT) bash $(srcdir)/tests/flow_points.sh $(POINTS_ROUNDS) postgres
.PHONY: check-points
if HAVE_CMOCKA
c_tests += fault_capture unit_freeze unit_snapshot
fault_capture_SOURCES = tests/fault_capture.c tests/loop_device.h
fault_capture_LDADD = $(TRANSPORT_TEST_LIBS)
unit_freeze_SOURCES = tests/unit_freeze.c tests/loop_device.h tests/replica_place.h
unit_freeze_LDADD = $(TRANSPORT_TEST_LIBS)
unit_snapshot_SOURCES = tests/unit_snapshot.c
unit_snapshot_LDADD = $(TRANSPORT_TEST_LIBS)
endif

# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libgodwit_transport.a
libgodwit_transport_a_CPPFLAGS = $(AM_CPPFLAGS) $(ZSTD_CFLAGS) $(CURL_CFLAGS) $(LIBURING_CFLAGS) $(LIBBPF_CFLAGS) $(LIBNBD_CFLAGS)
libgodwit_transport_a_SOURCES = \
	transport/age.c transport/age.h \
	transport/age_bech32.c transport/age_bech32.h \
	transport/age_header.c transport/age_header.h \
	transport/codec.c transport/codec.h \
	transport/control.c transport/control.h \
	transport/pack.c transport/pack.h transport/pack_read.c \
	transport/page.c transport/page.h transport/page_code.c transport/page_impl.h \
	transport/page_many.c transport/page_many.h \
	transport/pagedir.c transport/pagedir.h \
	transport/point.c transport/point.h transport/point_store.c \
	transport/progress_rate.c transport/progress_rate.h \
	transport/rate.c transport/rate.h \
	transport/rate_line.c transport/rate_line.h \
	transport/rate_table.c transport/rate_table.h \
	transport/record.c transport/record.h \
	transport/replica.h transport/replica_list.c \
	transport/seal.c transport/seal.h \
	transport/s3_call.c transport/s3_call.h transport/s3_fail.c \
	transport/s3_cred.c transport/s3_cred.h transport/s3_profile.c transport/s3_profile.h \
	transport/s3_lent.c transport/s3_lent.h transport/s3_lent_sso.c \
	transport/s3_lent_sts.c \
	transport/s3_list.c transport/s3_list.h \
	transport/s3_place.c transport/s3_place.h \
	transport/s3_sign.c transport/s3_sign.h \
	transport/s3_xml.c transport/s3_xml.h \
	transport/spent.c transport/spent.h \
	transport/store.c transport/store.h transport/store_impl.h \
	transport/store_gate.c transport/store_gate.h \
	transport/store_file.c transport/store_file.h transport/store_file_list.c \
	transport/store_mem.c \
	transport/store_probe.c transport/store_retry.c \
	transport/store_s3.c \
	transport/track.c transport/track.h transport/track_impl.h transport/track_scan.c \
	transport/track_abi.h transport/track_aim.c transport/track_aim.h transport/track_bpf.c transport/track_bpf.h transport/track_ebpf.c \
	transport/dm_device.c transport/dm_device.h transport/dm_make.c transport/dm_make.h transport/dm_table.c transport/dm_table.h \
	transport/nbd_lib.c transport/nbd_lib.h transport/nbd_link.c transport/nbd_link.h transport/nbd_link_ask.c transport/nbd_link_priv.h transport/nbd_uri.c transport/nbd_uri.h \
	transport/qmp.c transport/qmp.h transport/track_bits.c transport/track_bits.h \
	transport/track_nbd.c transport/track_nbd.h transport/track_nbd_own.c \
	transport/volume_nbd.c transport/volume_nbd.h \
	transport/track_map.c transport/track_map.h transport/track_pin.c transport/track_pin.h \
	transport/track_tally.c transport/track_tally.h transport/track_doubts.c transport/track_doubts.h transport/track_tracefs.c \
	transport/trace_buffer.c transport/trace_buffer.h transport/trace_owner.c transport/trace_owner.h \
	transport/trace_ring.c transport/trace_ring.h \
	transport/unit.c transport/unit.h transport/unittab.c transport/unittab.h \
	transport/vault.c transport/vault.h \
	transport/vault_impl.h transport/vault_key.c transport/vault_object.c transport/vault_object.h \
	transport/volume.c transport/volume.h transport/volume_impl.h \
	transport/volume_above.c transport/volume_above.h transport/volume_claims.c transport/volume_claims.h \
	transport/volume_blockdev.c transport/volume_bounce.c transport/volume_image.c transport/volume_queue.c transport/volume_queue.h \
	transport/volume_ring.c transport/volume_ring.h transport/volume_writers.c

# The program for the kernel, and what loads it. Made of the headers of libbpf and the kernel's own:
# the structures that differ between kernels are found when it is loaded.
EXTRA_DIST += transport/track_ebpf.bpf.c
if HAVE_EBPF
transport/track_ebpf.bpf.o: transport/track_ebpf.bpf.c transport/track_abi.h
	$(AM_V_GEN)$(MKDIR_P) transport && $(CLANG) -g -O2 -Wall -mcpu=v3 --target=bpf -I$(srcdir) \
		-idirafter /usr/include/$(MULTIARCH) -c $(srcdir)/transport/track_ebpf.bpf.c -o $@
# Its code is not ours to warn of.
transport/track_ebpf.skel.h: transport/track_ebpf.bpf.o
	$(AM_V_GEN){ echo '#pragma GCC system_header' && \
		$(BPFTOOL) gen skeleton transport/track_ebpf.bpf.o name track_skel; } >$@.new && mv $@.new $@
transport/libgodwit_transport_a-track_bpf.$(OBJEXT): transport/track_ebpf.skel.h
CLEANFILES += transport/track_ebpf.bpf.o transport/track_ebpf.skel.h
endif

# The data path.
libgodwit_transport_a_SOURCES += \
	transport/altered.c transport/altered.h \
	transport/digest.c transport/digest.h \
	transport/fetch.c transport/fetch.h \
	transport/gaps.c transport/gaps.h \
	transport/gather.c transport/gather.h transport/gather_file.c \
	transport/holes.c transport/holes.h \
	transport/ledger.c transport/ledger.h \
	transport/lru.c transport/lru.h \
	transport/made.c transport/made.h \
	transport/packs.c transport/packs.h \
	transport/packrows.c transport/packrows.h \
	transport/packset.c transport/packset.h \
	transport/pull.c transport/pull.h transport/pull_keep.c transport/pull_patch.c transport/pull_plan.c transport/pull_row.c \
	transport/pull_write.c \
	transport/push.c transport/push.h transport/push_map.c transport/push_put.c \
	transport/push_diff.c transport/push_diff.h transport/push_level.c transport/push_gaps.c transport/push_read.c transport/push_region.c \
	transport/push_care.c transport/push_gather.c transport/push_repair.c transport/push_scrub.c transport/push_work.c \
	transport/capture.c transport/capture.h \
	transport/freeze.c transport/freeze.h transport/freeze_find.c transport/freeze_impl.h \
	transport/freeze_watch.c transport/freeze_watch.h transport/replica_together.c \
	transport/replica_snapshot.c transport/replica_snapshot.h transport/snapshot.c transport/snapshot.h transport/snapshot_impl.h \
	transport/snapshot_left.c transport/snapshot_left.h transport/snapshot_lvm.c transport/snapshot_reflink.c \
	transport/replica_digest.c transport/replica_follow.c transport/replica_pull.c transport/replica_push.c \
	transport/replica_verify.c \
	transport/serve.c transport/serve.h transport/serve_impl.h \
	transport/serve_ahead.c transport/serve_map.c transport/serve_unit.c \
	transport/state.c transport/state.h \
	transport/table.c transport/table.h \
	transport/table_next.c transport/table_next.h \
	transport/tags.c transport/tags.h transport/tags_impl.h transport/tags_wide.c \
	transport/unit_cache.c transport/unit_cache.h transport/unit_rows.c transport/unit_rows.h \
	transport/verify.c transport/verify.h transport/verify_against.c transport/verify_pack.c \
	transport/walk.c transport/walk.h

# Care of a vault.
libgodwit_transport_a_SOURCES += \
	transport/care_log.c transport/care_log.h \
	transport/given_up.c transport/given_up.h \
	transport/escrow.c transport/escrow.h \
	transport/gc.c transport/gc.h transport/gc_check.c transport/gc_impl.h transport/gc_named.c \
	transport/gc_usage.c \
	transport/mark.c transport/mark.h transport/mark_walk.c \
	transport/retain.c transport/retain.h

# Loaded by nbdkit, which brings the symbols it lacks. A sanitizer would need one in nbdkit, too.
if NBDKIT_PLUGIN
pkglibexec_PROGRAMS += nbdkit-godwit-plugin.so
nbdkit_godwit_plugin_so_CPPFLAGS = $(AM_CPPFLAGS) $(NBDKIT_CFLAGS)
nbdkit_godwit_plugin_so_SOURCES = transport/nbdkit_plugin.c
nbdkit_godwit_plugin_so_LDFLAGS = -shared -pthread -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack \
	-Wl,--as-needed
nbdkit_godwit_plugin_so_LDADD = $(TRANSPORT_LIBS) $(BASE_LIBS)
else
EXTRA_DIST += transport/nbdkit_plugin.c
endif

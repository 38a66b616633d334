# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libgodwit_transport.a
libgodwit_transport_a_CPPFLAGS = $(AM_CPPFLAGS) $(ZSTD_CFLAGS) $(CURL_CFLAGS)
libgodwit_transport_a_SOURCES = \
	transport/codec.h \
	transport/control.h \
	transport/pack.h \
	transport/page.h \
	transport/pagedir.h \
	transport/point.h \
	transport/rate.h \
	transport/replica.h \
	transport/seal.h \
	transport/store.h \
	transport/track.h \
	transport/unit.h \
	transport/vault.h \
	transport/vault_impl.h \
	transport/volume.h

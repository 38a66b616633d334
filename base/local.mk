# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libgodwit_base.a
libgodwit_base_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS) \
	$(JANSSON_CFLAGS) $(SQLITE_CFLAGS) $(INIH_CFLAGS) $(LIBARCHIVE_CFLAGS) $(EXPAT_CFLAGS)
libgodwit_base_a_SOURCES = \
	base/auto.h \
	base/banned.h \
	base/buf.c base/buf.h \
	base/cert.c base/cert_tls.c base/cert.h base/cert_priv.h \
	base/clock.c base/clock.h \
	base/complaint.c base/complaint.h \
	base/conf.c base/conf.h base/conf_priv.h \
	base/conf_save.c \
	base/crypto.c base/crypto.h \
	base/csv.c base/csv.h \
	base/db.c base/db.h \
	base/dl.c base/dl.h \
	base/err.c base/err.h \
	base/fail.c base/fail.h \
	base/fd.c base/fd_save.c base/fd.h \
	base/gw.c base/gw.h \
	base/http.c base/http.h base/http_multi.c base/http_priv.h \
	base/httpd.c base/httpd_conn.c base/httpd_error.c base/httpd_peer.c \
	base/httpd.h base/httpd_priv.h \
	base/js.c base/js.h \
	base/jspiece.c base/jspiece.h \
	base/jsw.c base/jsw.h \
	base/log.c base/log.h \
	base/loop.c base/loop.h \
	base/num.c base/num.h \
	base/opt.c base/opt.h \
	base/pool.c base/pool.h \
	base/proc.c base/proc.h \
	base/queue.c base/queue.h \
	base/secret.c base/secret.h \
	base/sha256.c base/sha256.h base/sha256_avx512.c base/sha256_ni.c base/sha256_priv.h \
	base/slice.h \
	base/text.c base/text_time.c base/text.h \
	base/tree.c base/tree.h \
	base/worker.c base/worker.h \
	base/xml.c base/xml.h \
	base/zip.c base/zip.h base/zip_lib.h

# Under sanitizers as well: unoptimised, hashing is a third of what tests of replicas take.
base/libgodwit_base_a-sha256_avx512.$(OBJEXT) base/libgodwit_base_a-sha256_ni.$(OBJEXT): CFLAGS += -O2
